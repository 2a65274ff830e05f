//! `dynamodb:DeleteBackup`. Source: `DynamoDB` API Reference, `DeleteBackup`.

use access::CustomerSession;
use domain::Error;
use domain::policy::Statement;
use serde::Deserialize;

use super::{Named, VALIDATED, asked, client, told};
use crate::operations::{Carry, Outcome, Place};

/// The action by which a dry run looks up a backup.
const LOOK_UP: &str = "dynamodb:DescribeBackup";

/// Deletes a backup. Its table stays as it is.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct DeleteBackup {
    /// Which backup.
    pub(crate) backup_arn: String,
}

impl DeleteBackup {
    /// The backup that the ARN names.
    pub(crate) fn backup(&self) -> Result<Named<'_>, Error> {
        Named::backup(&self.backup_arn, "/BackupArn")
    }

    fn may(&self, action: &'static str, place: &Place) -> Vec<Statement> {
        let backup = self.backup().ok();
        backup.map(|backup| Statement::allow([action], [backup.arn(place)])).into_iter().collect()
    }
}

impl Carry for DeleteBackup {
    const ACTION: &'static str = "dynamodb:DeleteBackup";

    fn check(&self) -> Result<(), Error> {
        self.backup().map(|_| ())
    }

    fn belongs(&self, place: &Place) -> Result<(), Error> {
        self.backup()?.is_in(place, "/BackupArn")
    }

    fn needs(&self, place: &Place) -> Vec<Statement> {
        self.may(Self::ACTION, place)
    }

    /// The backup is looked up, and not its table, which may be gone.
    fn needs_dry(&self, place: &Place) -> Vec<Statement> {
        self.may(LOOK_UP, place)
    }

    async fn carry(&self, session: &CustomerSession, place: &Place, dry_run: bool) -> Outcome {
        let client = client(session, place);
        let backup = [self.backup_arn.clone()];
        if dry_run {
            let (answer, _) = asked!(client.describe_backup().backup_arn(&self.backup_arn));
            return match answer {
                Ok(answer) => Outcome::done(backup, serde_json::json!({ "DryRun": VALIDATED }), &answer),
                Err(error) => Outcome::refused(backup, &error),
            };
        }
        told!(client.delete_backup().backup_arn(&self.backup_arn), backup)
    }
}
