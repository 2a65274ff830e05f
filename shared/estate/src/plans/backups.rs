//! What deleting a backup would destroy.
//!
//! Sources: `DynamoDB` API Reference, `DeleteBackup`, `BackupDetails`; `DynamoDB` Developer Guide, "Using
//! AWS Backup with `DynamoDB`".

use aws_sdk_dynamodb::error::{ProvideErrorMetadata as _, SdkError};
use aws_sdk_dynamodb::types::{BackupDescription, BackupStatus, BackupType};
use domain::Error;
use domain::plan::{PlanTarget, Print, Seen};
use serde_json::json;

use super::tables::{BACKUPS, TABLE, backups_of, newest};
use super::{Foresee, Look, Unread, Warnings, absent, holds, known, not_seen};
use crate::operations::Place;
use crate::operations::dynamodb::delete_backup::DeleteBackup;

const BACKUP: &str = "dynamodb:DescribeBackup";
const AT: &str = "/BackupArn";

impl Foresee for DeleteBackup {
    fn reads(&self, place: &Place) -> Vec<(&'static str, Vec<String>)> {
        let Ok(backup) = self.backup() else { return Vec::new() };
        let table = place.table(backup.table, "");
        // ListBackups can be limited to no resource.
        vec![(BACKUP, vec![backup.arn(place)]), (TABLE, vec![table]), (BACKUPS, vec!["*".to_owned()])]
    }

    async fn look(&self, look: &Look<'_>) -> Result<Seen, Error> {
        let name = self.backup()?.table;
        let (backup, table, others) = futures::join!(
            self.described(look),
            is_there(look, name),
            look.read(BACKUPS, backups_of(look, name)),
        );
        let Some(backup) = backup? else {
            return Err(absent(vec![(
                AT.to_owned(),
                "there is no such backup, or it was deleted".to_owned(),
            )]));
        };
        let mut warnings = Warnings::default();
        let table = warnings.known(table, "Whether the backup's table is there");
        let others = warnings.known(others, "Whether the table has other backups").map(|mut all| {
            all.retain(|one| one.backup_arn() != Some(self.backup_arn.as_str()));
            all
        });
        let details = backup.backup_details();
        if others.as_ref().is_some_and(Vec::is_empty) {
            let detail = match table {
                Some(false) => {
                    "this is the last backup of the table, which is gone: with it the data are lost"
                }
                _ => "this is the last backup of the table",
            };
            warnings.add("last_backup", detail);
        }
        if details.is_some_and(|details| details.backup_type() == &BackupType::AwsBackup) {
            let detail =
                "AWS Backup made the backup and keeps it, so that DynamoDB will refuse; it is deleted there";
            warnings.add("managed_by_aws_backup", detail);
        }
        let source = backup.source_table_details();
        Ok(Seen {
            targets: vec![target(&self.backup_arn, &backup)],
            blast_radius: known(json!({
                "size_bytes": details.and_then(|details| details.backup_size_bytes()),
                "items": source.and_then(|source| source.item_count()),
                "table_exists": table,
                "backups_kept": others.as_ref().map(Vec::len),
                "newest_backup_kept_at": others.as_deref().and_then(newest),
            })),
            warnings: warnings.0,
            prints: [(self.backup_arn.clone(), print(&backup))].into(),
        })
    }
}

impl DeleteBackup {
    /// The backup, if it is there.
    async fn described(&self, look: &Look<'_>) -> Result<Option<BackupDescription>, Error> {
        match look.dynamodb().describe_backup().backup_arn(&self.backup_arn).send().await {
            Ok(answer) => Ok(answer.backup_description.filter(|backup| {
                backup
                    .backup_details()
                    .is_some_and(|details| details.backup_status() != &BackupStatus::Deleted)
            })),
            Err(SdkError::ServiceError(service))
                if service.err().code() == Some("BackupNotFoundException") =>
            {
                Ok(None)
            }
            Err(error) => Err(not_seen(&error, false)),
        }
    }
}

/// Whether the table that a backup was made of is there.
async fn is_there(look: &Look<'_>, table: &str) -> Result<bool, Unread> {
    if !holds(look.capabilities, TABLE) {
        return Err(Unread::not_held(TABLE));
    }
    match super::tables::table(look, table, false).await {
        Ok(table) => Ok(table.is_some()),
        Err(error) => {
            Err(Unread { why: format!("AWS did not answer {TABLE} ({})", error.code), refusal: Some(error) })
        }
    }
}

fn target(arn: &str, backup: &BackupDescription) -> PlanTarget {
    let details = backup.backup_details();
    let facts = json!({
        "name": details.map(|details| details.backup_name()),
        "table": backup.source_table_details().map(|source| source.table_name()),
        "status": details.map(|details| details.backup_status().as_str()),
        "type": details.map(|details| details.backup_type().as_str()),
        "size_bytes": details.and_then(|details| details.backup_size_bytes()),
        "created_at": details.map(|details| details.backup_creation_date_time().to_string()),
        "expires_at": details.and_then(|details| details.backup_expiry_date_time()).map(ToString::to_string),
    });
    PlanTarget { id: arn.to_owned(), kind: "backup".to_owned(), facts: known(facts) }
}

fn print(backup: &BackupDescription) -> Print {
    [
        (
            "creation time",
            backup.backup_details().map(|details| details.backup_creation_date_time().to_string()),
        ),
        ("table id", backup.source_table_details().map(|source| source.table_id().to_owned())),
    ]
    .into_iter()
    .filter_map(|(part, value)| Some((part.to_owned(), value?)))
    .collect()
}
