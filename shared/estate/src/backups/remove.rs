//! A backup is deleted.

use access::CustomerSession;
use domain::policy::{PolicyDocument, Statement};

use super::{Answer, heard};
use crate::operations::Place;
use crate::operations::dynamodb::client;

/// What a session may do that deletes these backups.
#[must_use]
pub fn deleting_policy(arns: &[&str]) -> PolicyDocument {
    PolicyDocument::new(vec![Statement::allow(["dynamodb:DeleteBackup"], arns.iter().copied())])
}

/// Deletes one backup, and tells whether it was there. Asking again does no harm. One that is being made,
/// restored or deleted can be deleted later. Source: `DynamoDB` API Reference, `DeleteBackup`, "Errors".
pub async fn delete(session: &CustomerSession, place: &Place, arn: &str) -> Answer<bool> {
    match heard(session, client(session, place).delete_backup().backup_arn(arn).send()).await {
        Ok(_) => Answer::Done(true),
        Err(unheard) => match unheard.code() {
            Some("BackupNotFoundException") => Answer::Done(false),
            Some("BackupInUseException" | "LimitExceededException") => unheard.later(),
            _ => unheard.answer(arn),
        },
    }
}
