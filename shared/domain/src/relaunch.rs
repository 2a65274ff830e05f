//! An instance that is launched again from its backup: with what, and what is not as it was.
//!
//! From an image Drawbridge launches it. Of a set of snapshots no instance can be launched with what a role of a
//! customer's gives: [`steps`] says what its owner does instead.

mod steps;

use serde::{Deserialize, Serialize};

use crate::backup::Backup;
use crate::error::Error;
use crate::instance_manifest::InstanceManifest;
use crate::plan::Warning;

pub use steps::{Step, steps};

/// What is to be otherwise than it was.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LaunchWishes {
    /// Another type.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub instance_type: Option<String>,
    /// Another subnet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subnet_id: Option<String>,
    /// Other security groups.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub security_group_ids: Option<Vec<String>>,
}

/// What an instance is launched with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Launch<'a> {
    /// What it was like.
    pub manifest: &'a InstanceManifest,
    /// Its type.
    pub instance_type: &'a str,
    /// Its subnet; the account's default one if none is known.
    pub subnet_id: Option<&'a str>,
    /// Its security groups; the default of its VPC if there are none.
    pub security_group_ids: &'a [String],
}

impl<'a> Launch<'a> {
    /// What this backup is launched with.
    ///
    /// # Errors
    /// 422 `instance_type_required` where nobody has seen which type the instance was of.
    pub fn of(backup: &'a Backup, wishes: &'a LaunchWishes) -> Result<Self, Error> {
        let manifest = backup
            .instance
            .as_ref()
            .ok_or_else(|| Error::internal(format!("{} is of no instance", backup.id)))?;
        let known = Some(manifest.instance_type.as_str()).filter(|_| manifest.is_seen());
        let Some(instance_type) = wishes.instance_type.as_deref().or(known) else {
            let detail =
                "the instance was gone before it could be looked at; say of which type the new one is to be";
            return Err(Error::refused("instance_type_required", detail).at("/instance_type"));
        };
        // Groups are those of a VPC, and another subnet may be of another.
        let stays = wishes.subnet_id.is_none() || wishes.subnet_id == manifest.subnet_id;
        let groups = if stays { manifest.security_group_ids.as_slice() } else { &[] };
        Ok(Self {
            manifest,
            instance_type,
            subnet_id: wishes.subnet_id.as_deref().or(manifest.subnet_id.as_deref()),
            security_group_ids: wishes.security_group_ids.as_deref().unwrap_or(groups),
        })
    }

    /// Its tags, as somebody may set them: those of AWS's and of Drawbridge's own nobody can.
    pub fn tags(&self) -> impl Iterator<Item = (&'a String, &'a String)> + use<'a> {
        let free = |key: &str| {
            let key = key.to_lowercase();
            !key.starts_with("aws:") && !key.starts_with("drawbridge:")
        };
        self.manifest.tags.iter().filter(move |(key, _)| free(key))
    }

    /// What is not as it was, wherever it is launched.
    #[must_use]
    pub fn warnings(&self, backup: &Backup) -> Vec<Warning> {
        let manifest = self.manifest;
        let held = |volume: &str| backup.snapshots.iter().any(|one| one.volume_id.as_deref() == Some(volume));
        let left_out: Vec<_> = manifest
            .volumes
            .iter()
            .filter(|one| !held(&one.volume_id))
            .map(|one| one.device.as_str())
            .collect();
        let mut told = vec![(
            "settings_left_out",
            "user data, monitoring, CPU and credit options, placement groups, Elastic IP addresses and protections are \
             not part of a backup"
                .to_owned(),
        )];
        if let Some(address) = &manifest.private_ip {
            told.push((
                "private_address",
                format!("the new instance has another private address than {address}"),
            ));
        }
        if let Some(address) = &manifest.public_ip {
            told.push(("public_address", format!("the new instance has not the public address {address}")));
        }
        if manifest.interfaces > 1 {
            let detail =
                format!("the instance had {} network interfaces, the new one has one", manifest.interfaces);
            told.push(("network_interfaces", detail));
        }
        if !left_out.is_empty() {
            told.push(("volumes_left_out", format!("the backup does not hold {}", left_out.join(", "))));
        }
        if self.security_group_ids.is_empty() {
            told.push((
                "default_security_group",
                "it is in its VPC's default security group, for no other is named".to_owned(),
            ));
        }
        told.into_iter().map(|(code, detail)| Warning { code: code.to_owned(), detail }).collect()
    }

    /// What Drawbridge in particular does not give it: the rights of a role.
    #[must_use]
    pub fn profile_warning(&self) -> Option<Warning> {
        let profile = self.manifest.instance_profile.as_ref()?;
        let detail = format!(
            "the new instance has no instance profile, for no capability holds iam:PassRole; the customer associates \
             {profile} with it"
        );
        Some(Warning { code: "instance_profile_left_out".to_owned(), detail })
    }
}

#[cfg(test)]
mod tests;
