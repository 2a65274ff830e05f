//! `dynamodb:DescribeBackup`. Source: `DynamoDB` API Reference, `DescribeBackup`.

use access::CustomerSession;
use domain::Error;
use domain::policy::Statement;
use serde::Deserialize;

use super::{Named, client, told};
use crate::operations::{Carry, Outcome, Place};

/// Describes a backup, and the table as it was when the backup was made.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct DescribeBackup {
    /// Which backup.
    backup_arn: String,
}

impl DescribeBackup {
    fn backup(&self) -> Result<Named<'_>, Error> {
        Named::backup(&self.backup_arn, "/BackupArn")
    }
}

impl Carry for DescribeBackup {
    const ACTION: &'static str = "dynamodb:DescribeBackup";

    fn check(&self) -> Result<(), Error> {
        self.backup().map(|_| ())
    }

    fn belongs(&self, place: &Place) -> Result<(), Error> {
        self.backup()?.is_in(place, "/BackupArn")
    }

    fn needs(&self, place: &Place) -> Vec<Statement> {
        let backup = self.backup().ok();
        backup.map(|backup| Statement::allow([Self::ACTION], [backup.arn(place)])).into_iter().collect()
    }

    /// A dry run asks all the same: it only reads, and the backup's table may be gone.
    async fn carry(&self, session: &CustomerSession, place: &Place, _dry_run: bool) -> Outcome {
        let request = client(session, place).describe_backup().backup_arn(&self.backup_arn);
        told!(request, [self.backup_arn.clone()])
    }
}
