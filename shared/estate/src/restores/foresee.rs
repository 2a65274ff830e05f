//! A restore is looked at before anybody agrees to it: the backup is there, and the new table's name is
//! free.

use access::CustomerSession;
use aws_sdk_dynamodb::types::BackupStatus;
use domain::operation::LookedUp;
use domain::plan::Print;
use domain::policy::{PolicyDocument, Statement};
use domain::{CapabilitySet, Error, ErrorKind};
use serde_json::{Map, Value, json};

use super::{LOOK_AT_BACKUP, LOOK_AT_TABLE, Restore, holds};
use crate::backups::{Answer, heard};
use crate::operations::dynamodb::client;
use crate::plans::known;

impl Restore {
    /// What a session may do that looks at the backup, and for the new table's name: as much of it as the
    /// connection's capabilities hold.
    #[must_use]
    pub fn look_policy(&self, capabilities: &CapabilitySet) -> PolicyDocument {
        let looks = [(LOOK_AT_BACKUP, self.backup_arn.clone()), (LOOK_AT_TABLE, self.table())];
        let held = looks.into_iter().filter(|(action, _)| holds(capabilities, action));
        PolicyDocument::new(held.map(|(action, on)| Statement::allow([action], [on])).collect())
    }

    /// Looks.
    ///
    /// # Errors
    /// 409 `backup_not_available`, `target_exists`; 422 `targets_unreadable` when AWS does not let the role
    /// look, 503 when it does not answer.
    pub async fn look(
        &self,
        session: &CustomerSession,
        capabilities: &CapabilitySet,
    ) -> Result<LookedUp, Error> {
        let mut seen = LookedUp::default();
        let not_held = |action: &str| format!("no capability of the connection holds {action}");
        let looks_at = |action| holds(capabilities, action);
        let (backup, table) = futures::join!(
            async { if looks_at(LOOK_AT_BACKUP) { Some(self.backup(session).await) } else { None } },
            async { if looks_at(LOOK_AT_TABLE) { Some(self.described(session).await) } else { None } },
        );
        match backup {
            Some(answer) => {
                (seen.facts, seen.print) = answered(answer)?.ok_or_else(|| {
                    let detail = "AWS knows no such backup any more, or does not have it ready";
                    Error::conflict("backup_not_available", detail)
                })?;
            }
            None => seen.unread.push(not_held(LOOK_AT_BACKUP)),
        }
        match table {
            Some(answer) => {
                if answered(answer)?.is_some() {
                    return Err(target_exists());
                }
            }
            None => seen.unread.push(not_held(LOOK_AT_TABLE)),
        }
        Ok(seen)
    }

    /// What AWS tells of the backup, if it can be restored.
    async fn backup(&self, session: &CustomerSession) -> Answer<Option<(Map<String, Value>, Print)>> {
        let asked = client(session, &self.source).describe_backup().backup_arn(&self.backup_arn).send();
        let described = match heard(session, asked).await {
            Ok(answer) => answer.backup_description,
            Err(unheard) if unheard.code() == Some("BackupNotFoundException") => None,
            Err(unheard) => return unheard.answer(&self.backup_arn),
        };
        let Some(described) = described else { return Answer::Done(None) };
        let details =
            described.backup_details().filter(|one| one.backup_status() == &BackupStatus::Available);
        let Some(details) = details else { return Answer::Done(None) };
        let source = described.source_table_details();
        let created_at = details.backup_creation_date_time().to_string();
        let facts = json!({
            "size_bytes": details.backup_size_bytes(),
            // DynamoDB counts anew every six hours or so.
            "items": source.and_then(aws_sdk_dynamodb::types::SourceTableDetails::item_count),
        });
        let print = Print::from([("backup's creation time".to_owned(), created_at)]);
        Answer::Done(Some((known(facts), print)))
    }
}

/// The refusal of a table that is there already.
fn target_exists() -> Error {
    let detail = "there is a table of this name in the account and Region, or one is being deleted; choose another name";
    Error::conflict("target_exists", detail).at("/target_name")
}

fn answered<T>(answer: Answer<T>) -> Result<T, Error> {
    match answer {
        Answer::Done(value) => Ok(value),
        Answer::Later { .. } => Err(Error::new(
            ErrorKind::Unavailable,
            "account_unavailable",
            "AWS did not show what would be restored: it throttled or failed; ask again in a moment",
        )),
        Answer::Refused { detail, .. } => Err(Error::refused(
            "targets_unreadable",
            format!("nothing is planned that nobody has looked at, and AWS does not show it: {detail}"),
        )),
    }
}
