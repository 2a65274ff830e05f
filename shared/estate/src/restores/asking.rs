//! The new table is asked for, and watched until it is there.
//!
//! Sources: `DynamoDB` API Reference, `RestoreTableFromBackup`, `TableDescription`, `RestoreSummary`.

use access::CustomerSession;
use aws_sdk_dynamodb::operation::RequestId as _;
use aws_sdk_dynamodb::types::{RestoreSummary, TableDescription, TableStatus};
use domain::operation::Trouble;

use super::Restore;
use crate::backups::{Answer, heard};
use crate::operations::dynamodb::client;
use crate::operations::{deadline, passing};

/// What became of the request for the new table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Asked {
    /// AWS makes it.
    Taken {
        /// AWS's id of the request.
        request_id: Option<String>,
    },
    /// AWS has certainly not taken it, and may later.
    Later(Trouble),
    /// There is a table of this name, or one is being made or deleted.
    Exists(Trouble),
    /// Nobody knows: the table must be looked for before it is asked for again.
    Unknown,
    /// AWS refuses it.
    Refused(Trouble),
}

/// How the new table is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Watched {
    /// There is none.
    Absent,
    /// There is one that is not made of this backup.
    Another,
    /// It is being made.
    Making,
    /// It can be used.
    Active,
    /// It is being deleted, or cannot be used.
    Lost(Trouble),
}

impl Restore {
    /// Asks for the new table, once: a request whose answer was lost may have been carried out.
    pub async fn ask(&self, session: &CustomerSession) -> Asked {
        if deadline::is_over(session) {
            return Asked::Later(Trouble::new("not_attempted", "There was no time left for it."));
        }
        let session = session.asking_once();
        let request = match self.request.request(&client(&session, &self.place)) {
            Ok(request) => request,
            Err(error) => return Asked::Refused(Trouble::new("invalid_input", error.to_string())),
        };
        let unheard = match heard(&session, request.send()).await {
            Ok(answer) => return Asked::Taken { request_id: answer.request_id().map(str::to_owned) },
            Err(unheard) => unheard,
        };
        if !unheard.is_refusal() {
            return Asked::Unknown;
        }
        let target = unheard.target(&self.target);
        let passes = passing(&target);
        let trouble = Trouble::new(target.code.unwrap_or_default(), target.detail.unwrap_or_default());
        match unheard.code() {
            Some("TableAlreadyExistsException" | "TableInUseException") => Asked::Exists(trouble),
            // The backup is being restored by others, or too many are.
            Some("BackupInUseException" | "LimitExceededException") => Asked::Later(trouble),
            _ if passes => Asked::Later(trouble),
            _ => Asked::Refused(trouble),
        }
    }

    /// Looks how the new table is. `in_doubt` says whether it is not known that AWS makes it: then it must say
    /// that it is made of this backup.
    pub async fn watch(&self, session: &CustomerSession, in_doubt: bool) -> Answer<Watched> {
        match self.described(session).await {
            Answer::Done(Some(table)) => Answer::Done(self.seen(&table, in_doubt)),
            Answer::Done(None) => Answer::Done(Watched::Absent),
            Answer::Later { code } => Answer::Later { code },
            Answer::Refused { code, detail } => Answer::Refused { code, detail },
        }
    }

    /// The table of this name, if there is one.
    pub(super) async fn described(&self, session: &CustomerSession) -> Answer<Option<TableDescription>> {
        let asked = client(session, &self.place).describe_table().table_name(&self.target).send();
        match heard(session, asked).await {
            Ok(answer) => Answer::Done(answer.table),
            Err(unheard) if unheard.code() == Some("ResourceNotFoundException") => Answer::Done(None),
            Err(unheard) => unheard.answer(&self.target),
        }
    }

    fn seen(&self, table: &TableDescription, in_doubt: bool) -> Watched {
        let summary = table.restore_summary();
        match summary.and_then(|summary| summary.source_backup_arn()) {
            Some(arn) if arn == self.backup_arn => {}
            None if !in_doubt => {}
            _ => return Watched::Another,
        }
        match table.table_status() {
            Some(TableStatus::Active) if !summary.is_some_and(RestoreSummary::restore_in_progress) => {
                Watched::Active
            }
            Some(TableStatus::Deleting) => {
                Watched::Lost(Trouble::new("target_gone", "The new table is being deleted by somebody else."))
            }
            Some(
                TableStatus::Archiving
                | TableStatus::Archived
                | TableStatus::InaccessibleEncryptionCredentials,
            ) => Watched::Lost(Trouble::new(
                "key_unusable",
                "The KMS key of the new table cannot be used: the customer enables it, or lets the role use it.",
            )),
            _ => Watched::Making,
        }
    }
}
