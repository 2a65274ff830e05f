//! `dynamodb:CreateBackup`. Source: `DynamoDB` API Reference, `CreateBackup`.

use access::CustomerSession;
use aws_sdk_dynamodb::types::TableStatus;
use domain::Error;
use domain::policy::Statement;
use serde::Deserialize;
use serde_json::json;

use super::{LOOK_UP, asked, check_backup_name, check_table, client, told};
use crate::operations::{Carry, Outcome, Place, failed};

/// The action by which a dry run looks up what there is of backups.
const LOOK_UP_BACKUPS: &str = "dynamodb:DescribeContinuousBackups";

/// Makes a backup of a table.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct CreateBackup {
    /// Of which table.
    table_name: String,
    /// The backup's name, which others may have too.
    backup_name: String,
}

impl Carry for CreateBackup {
    const ACTION: &'static str = "dynamodb:CreateBackup";

    fn check(&self) -> Result<(), Error> {
        check_table(&self.table_name, "/TableName")?;
        check_backup_name(&self.backup_name, "/BackupName")
    }

    fn needs(&self, place: &Place) -> Vec<Statement> {
        vec![Statement::allow([Self::ACTION], [place.table(&self.table_name, "")])]
    }

    fn needs_dry(&self, place: &Place) -> Vec<Statement> {
        vec![Statement::allow([LOOK_UP, LOOK_UP_BACKUPS], [place.table(&self.table_name, "")])]
    }

    async fn carry(&self, session: &CustomerSession, place: &Place, dry_run: bool) -> Outcome {
        if dry_run {
            return self.look_up(session, place).await;
        }
        let request = client(session, place)
            .create_backup()
            .table_name(&self.table_name)
            .backup_name(&self.backup_name);
        told!(request, [self.table_name.clone()])
    }
}

impl CreateBackup {
    /// A table that is being made or deleted has no backups made. Source: `DynamoDB` API Reference,
    /// `CreateBackup`, `TableInUseException`.
    async fn look_up(&self, session: &CustomerSession, place: &Place) -> Outcome {
        let client = client(session, place);
        let table = || [self.table_name.clone()];
        let (answer, described) = asked!(client.describe_table().table_name(&self.table_name));
        let answer = match answer {
            Ok(answer) => answer,
            Err(error) => return Outcome::refused(table(), &error),
        };
        let mut looked = Outcome::done(table(), described, &answer);
        let backups = told!(client.describe_continuous_backups().table_name(&self.table_name), table());
        looked.request_ids.extend(backups.request_ids);
        let status = answer.table().and_then(|table| table.table_status());
        looked.output = json!({
            "DryRun": "validated and looked up, no backup was made; DynamoDB has no dry run",
            "TableStatus": status.map(TableStatus::as_str),
            "ContinuousBackupsDescription": backups.output["ContinuousBackupsDescription"],
        });
        if let Some(status @ (TableStatus::Creating | TableStatus::Deleting)) = status {
            let detail = format!("The table is {status}. Wait until it is ACTIVE, then ask again.");
            looked.targets = vec![failed(self.table_name.clone(), "in_use", detail)];
        }
        looked
    }
}
