//! How a backup is.

use access::CustomerSession;
use aws_sdk_dynamodb::types::BackupStatus;
use domain::policy::{PolicyDocument, Statement};

use super::{Answer, heard};
use crate::operations::Place;
use crate::operations::dynamodb::client;

/// How a backup is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Seen {
    /// AWS is making it.
    Creating,
    /// It is there.
    Available {
        /// How large it is.
        size_bytes: Option<i64>,
    },
    /// AWS knows no such backup, or has deleted it.
    Gone,
}

/// What a session may do that looks at these backups.
#[must_use]
pub fn looking_policy(arns: &[&str]) -> PolicyDocument {
    PolicyDocument::new(vec![Statement::allow(["dynamodb:DescribeBackup"], arns.iter().copied())])
}

/// Looks at one backup.
pub async fn describe(session: &CustomerSession, place: &Place, arn: &str) -> Answer<Seen> {
    match heard(session, client(session, place).describe_backup().backup_arn(arn).send()).await {
        Ok(described) => {
            let details = described.backup_description.and_then(|backup| backup.backup_details);
            Answer::Done(match details {
                Some(details) if details.backup_status == BackupStatus::Available => {
                    Seen::Available { size_bytes: details.backup_size_bytes }
                }
                Some(details) if details.backup_status == BackupStatus::Deleted => Seen::Gone,
                _ => Seen::Creating,
            })
        }
        Err(unheard) if unheard.code() == Some("BackupNotFoundException") => Answer::Done(Seen::Gone),
        Err(unheard) => unheard.answer(arn),
    }
}
