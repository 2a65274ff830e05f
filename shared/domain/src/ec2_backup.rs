//! How instances are backed up.

use serde::{Deserialize, Serialize};

use crate::error::Error;
use crate::kind::Kind;

/// What a backup of an instance consists of.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum BackupMethod {
    /// A snapshot of each volume, all of one moment, as if the power had failed then.
    #[default]
    Snapshots,
    /// An image with such snapshots, from which the instance can be launched again. It is not rebooted for it.
    Image,
}

/// How each instance is backed up.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct Ec2Backup {
    /// What a backup consists of; snapshots unless given.
    #[serde(default)]
    pub method: BackupMethod,
    /// Whether the volume that the instance boots from is left out. An image has it always.
    #[serde(default)]
    pub exclude_boot_volume: bool,
    /// Whether all other volumes are left out.
    #[serde(default)]
    pub exclude_data_volumes: bool,
}

impl Ec2Backup {
    /// Refuses what leaves nothing to back up, and an image without what it boots from.
    ///
    /// # Errors
    /// 422 `ec2_backup_empty`, `image_boots`.
    pub fn read(self) -> Result<Self, Error> {
        if self.exclude_boot_volume && self.exclude_data_volumes {
            let detail =
                "an instance has nothing but its boot volume and its data volumes: leave one of them in";
            return Err(Error::refused("ec2_backup_empty", detail));
        }
        if self.exclude_boot_volume && self.method == BackupMethod::Image {
            let detail = "an image boots, so that it has the boot volume; snapshots can do without it";
            return Err(Error::refused("image_boots", detail).at("/exclude_boot_volume"));
        }
        Ok(self)
    }

    /// Whether a volume is left out, by whether the instance boots from it.
    #[must_use]
    pub const fn excludes(self, boots: bool) -> bool {
        if boots { self.exclude_boot_volume } else { self.exclude_data_volumes }
    }
}

/// Refuses how instances are backed up where none are.
///
/// # Errors
/// 422 `ec2_backup_not_taken`.
pub fn admit_ec2_backup(kind: Kind, given: Option<Ec2Backup>) -> Result<(), Error> {
    if given.is_none() || kind == Kind::Ec2Backup {
        return Ok(());
    }
    let detail = format!("{kind} backs no instances up; leave `ec2_backup` out");
    Err(Error::refused("ec2_backup_not_taken", detail).at("/ec2_backup"))
}

#[cfg(test)]
mod tests;
