//! What schedules and runs do.

use std::fmt;
use std::str::FromStr;

use crate::capability::{Action, CapabilitySet};
use crate::connection::Connection;
use crate::error::{Error, FieldError};
use crate::retention::Retention;
use crate::selection::Selection;

/// What is done to each of the selected resources.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// Back up tables.
    DynamodbBackup,
    /// Back up instances.
    Ec2Backup,
    /// Start instances.
    Ec2Start,
    /// Stop instances.
    Ec2Stop,
    /// Restore the newest backup, to see that it can be.
    RestoreDrill,
}

impl Kind {
    /// Every kind, in the order of the contract.
    pub const ALL: [Self; 5] =
        [Self::DynamodbBackup, Self::Ec2Backup, Self::Ec2Start, Self::Ec2Stop, Self::RestoreDrill];

    /// As the API writes it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::DynamodbBackup => "dynamodb-backup",
            Self::Ec2Backup => "ec2-backup",
            Self::Ec2Start => "ec2-start",
            Self::Ec2Stop => "ec2-stop",
            Self::RestoreDrill => "restore-drill",
        }
    }

    /// Whether it is about instances, and not about tables.
    #[must_use]
    pub const fn is_about_instances(self) -> bool {
        matches!(self, Self::Ec2Backup | Self::Ec2Start | Self::Ec2Stop)
    }

    /// Whether AWS may take many hours for one resource.
    #[must_use]
    pub const fn may_last(self) -> bool {
        matches!(self, Self::RestoreDrill | Self::Ec2Backup)
    }

    /// Whether it is done at its time or not at all: an hour later office hours may have begun or ended.
    #[must_use]
    pub const fn is_for_its_time(self) -> bool {
        matches!(self, Self::Ec2Start | Self::Ec2Stop)
    }

    /// The action that it is there for: a connection that has lost it is left alone.
    ///
    /// # Errors
    /// Never: it is an action of the table of capabilities.
    pub fn action(self) -> Result<Action, Error> {
        let name = match self {
            Self::DynamodbBackup => "dynamodb:CreateBackup",
            Self::Ec2Backup => "ec2:CreateSnapshots",
            Self::Ec2Start => "ec2:StartInstances",
            Self::Ec2Stop => "ec2:StopInstances",
            Self::RestoreDrill => "dynamodb:RestoreTableFromBackup",
        };
        name.parse()
    }

    /// The actions without which it cannot be done. What would only be good to know is not among them.
    #[must_use]
    pub fn takes(self, select: &Selection, retention: Option<&Retention>) -> Vec<Action> {
        let mut names = match self {
            Self::DynamodbBackup => {
                vec!["dynamodb:CreateBackup", "dynamodb:ListTables", "dynamodb:DescribeTable"]
            }
            Self::Ec2Backup => ec2_backup_takes(retention),
            Self::RestoreDrill => vec![
                "dynamodb:RestoreTableFromBackup",
                "dynamodb:DescribeTable",
                "dynamodb:Scan",
                "dynamodb:DeleteTable",
                "dynamodb:ListTables",
            ],
            Self::Ec2Start => vec!["ec2:StartInstances", "ec2:DescribeInstances"],
            Self::Ec2Stop => vec!["ec2:StopInstances", "ec2:DescribeInstances"],
        };
        if self == Self::DynamodbBackup {
            // To see that it has become available, and to find it again after a crash.
            names.extend(["dynamodb:DescribeBackup", "dynamodb:ListBackups"]);
            names.extend(select.needs_tags().then_some("dynamodb:ListTagsOfResource"));
            names.extend(retention.map(|_| "dynamodb:DeleteBackup"));
        }
        if self == Self::RestoreDrill {
            names.extend(select.needs_tags().then_some("dynamodb:ListTagsOfResource"));
        }
        names.into_iter().filter_map(|name| name.parse().ok()).collect()
    }

    /// Whether it makes backups, so that there is something to keep.
    #[must_use]
    pub const fn makes_backups(self) -> bool {
        matches!(self, Self::DynamodbBackup | Self::Ec2Backup)
    }

    /// Refuses a retention where no backups are made.
    ///
    /// # Errors
    /// 422 `retention_not_taken`.
    pub fn admit_retention(self, retention: Option<&Retention>) -> Result<(), Error> {
        if retention.is_none() || self.makes_backups() {
            return Ok(());
        }
        let detail =
            format!("{self} makes no backups, so that there is nothing to keep; leave `retention` out");
        Err(Error::refused("retention_not_taken", detail).at("/retention"))
    }

    /// Refuses a connection whose capabilities do not hold what it takes.
    ///
    /// # Errors
    /// 403 `capability_missing`, which names a capability that would.
    pub fn admit_connection(
        self,
        select: &Selection,
        retention: Option<&Retention>,
        connection: &Connection,
    ) -> Result<(), Error> {
        let takes = self.takes(select, retention);
        if self == Self::RestoreDrill {
            return connection.admit_drill(&takes);
        }
        connection.admit_companions(&takes)
    }

    /// Whether these capabilities hold the action that it is there for.
    #[must_use]
    pub fn is_held(self, capabilities: &CapabilitySet) -> bool {
        self.action().is_ok_and(|action| match self {
            Self::RestoreDrill => capabilities.holds_for_drills(action),
            _ => capabilities.holds(action),
        })
    }
}

/// What backups of instances take: to see the instance and its volumes, to make snapshots or an image with
/// tags, to see that they have become available and find them again after a crash.
fn ec2_backup_takes(retention: Option<&Retention>) -> Vec<&'static str> {
    let making = [
        "ec2:CreateSnapshots",
        "ec2:CreateImage",
        "ec2:CreateTags",
        "ec2:DescribeInstances",
        "ec2:DescribeVolumes",
        "ec2:DescribeSnapshots",
        "ec2:DescribeImages",
    ];
    let deleting = retention.map(|_| ["ec2:DeleteSnapshot", "ec2:DeregisterImage"]);
    making.into_iter().chain(deleting.into_iter().flatten()).collect()
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Kind {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self, Error> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == name).ok_or_else(|| {
            let known = Self::ALL.map(Self::as_str).join(", ");
            Error::invalid(FieldError::new("", "unknown_kind", format!("not a kind; there are {known}")))
        })
    }
}

crate::text::serde_as_text!(Kind);

#[cfg(test)]
mod tests;
