//! A backup that is restored to a new table: looked at before anybody agrees to it, asked for, watched,
//! given back what a restore loses, and compared with what was backed up. Each of these has the session
//! policy that lets it do that, on this backup and this table.
//!
//! A backup may become a table in another Region: AWS is asked there, with the backup's own ARN. Source:
//! `DynamoDB` Developer Guide, "Restoring a `DynamoDB` table from a backup".

mod asking;
mod compare;
mod drill;
mod foresee;
mod reapply;

use domain::backup::Backup;
use domain::policy::{PolicyDocument, Statement};
use domain::{CapabilitySet, Connection, Error, Region};

use crate::operations::Place;
use crate::operations::dynamodb::restore_table_from_backup::{RestoreTableFromBackup, using_key};
use crate::operations::dynamodb::{Named, check_table};

pub use asking::{Asked, Watched};
pub use drill::{READ_LIVE, Removed, SampledItem};

/// The action by which a backup is looked at.
const LOOK_AT_BACKUP: &str = "dynamodb:DescribeBackup";
/// The action by which a table is.
const LOOK_AT_TABLE: &str = "dynamodb:DescribeTable";

/// One backup, and the table that it is to become.
#[derive(Debug, Clone)]
pub struct Restore {
    /// Where the backup is.
    source: Place,
    /// Where the table will be.
    place: Place,
    backup_arn: String,
    target: String,
    /// The key that the backup is encrypted under, where it is one of KMS's.
    key: Option<String>,
    request: RestoreTableFromBackup,
}

impl Restore {
    /// A restore of this backup to a table of this name in this Region.
    ///
    /// # Errors
    /// 400 `invalid_table_name`; what the ledger holds and nobody can name.
    pub fn of(
        connection: &Connection,
        backup: &Backup,
        target: &str,
        region: &Region,
    ) -> Result<Self, Error> {
        check_table(target, "/target_name")?;
        let source = Place::of(connection, &backup.region)?;
        // It comes from the table, and from AWS before that: what reaches a policy is read first.
        Named::backup(&backup.aws_id, "")
            .and_then(|named| named.is_in(&source, ""))
            .map_err(|_| Error::internal(format!("{} is no backup of its connection's", backup.id)))?;
        let key = backup.manifest.as_ref().and_then(|manifest| manifest.kms_key.clone());
        Ok(Self {
            place: Place::of(connection, region)?,
            source,
            backup_arn: backup.aws_id.clone(),
            target: target.to_owned(),
            key: key.filter(|key| is_key(key)),
            request: RestoreTableFromBackup::as_it_was(backup.aws_id.clone(), target.to_owned()),
        })
    }

    /// The new table's ARN.
    fn table(&self) -> String {
        self.place.table(&self.target, "")
    }

    /// What a session may do that asks for the new table. `in_doubt` says whether it must look first whether
    /// an earlier request was carried out.
    #[must_use]
    pub fn asking_policy(&self, in_doubt: bool) -> PolicyDocument {
        let looks = in_doubt.then(|| Statement::allow([LOOK_AT_TABLE], [self.table()]));
        // AWS encrypts the new table as the old one was, with the key that the role may use.
        let key = self.key.as_ref().map(|key| using_key(key, &self.place));
        let asks = self.request.needs_of(&self.source, &self.place);
        PolicyDocument::new(asks.into_iter().chain(looks).chain(key).collect())
    }

    /// What a session may do that watches the new table being made.
    #[must_use]
    pub fn watching_policy(&self) -> PolicyDocument {
        PolicyDocument::new(vec![Statement::allow([LOOK_AT_TABLE], [self.table()])])
    }
}

/// Whether this is the ARN of a KMS key, as it may stand in a policy. Source: KMS Developer Guide, "Key
/// identifiers (`KeyId`)".
fn is_key(arn: &str) -> bool {
    let letters = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'/' | b':');
    arn.starts_with("arn:aws") && arn.contains(":kms:") && arn.len() <= 2048 && arn.bytes().all(letters)
}

fn holds(capabilities: &CapabilitySet, name: &str) -> bool {
    name.parse().is_ok_and(|action| capabilities.holds(action))
}

#[cfg(test)]
mod tests;
