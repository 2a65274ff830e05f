//! A backup is made: the table is looked at, and what a restore would lose is kept beside it.

use std::collections::BTreeMap;

use access::CustomerSession;
use aws_sdk_dynamodb::operation::RequestId as _;
use aws_sdk_dynamodb::primitives::DateTime;
use aws_sdk_dynamodb::types::{BackupTypeFilter, TableStatus};
use domain::CapabilitySet;
use domain::manifest::{Known, TableManifest};
use domain::operation::Target;
use domain::policy::{PolicyDocument, Statement};
use jiff::Timestamp;

use super::manifest::{manifest_of, point_in_time_recovery, time_to_live};
use super::{Answer, heard, tags};
use crate::operations::dynamodb::client;
use crate::operations::{Place, deadline, not_begun, passing};

/// What is read of a table besides, where the connection's capabilities hold it.
const READS: [&str; 3] =
    ["dynamodb:DescribeContinuousBackups", "dynamodb:DescribeTimeToLive", "dynamodb:ListTagsOfResource"];

/// Most pages of backups of one table that are looked through: a page has 100 at most. Source: `DynamoDB`
/// API Reference, `ListBackups`, `Limit`.
const MOST_PAGES: usize = 20;

/// How a table is that is to be backed up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Looked {
    /// It can be, and this is what it is like.
    Ready(Box<TableManifest>),
    /// It is being made or deleted, was archived, or is not there.
    NotNow {
        /// Which of these.
        code: &'static str,
        /// The same for people.
        detail: &'static str,
    },
}

/// A backup that AWS has taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Taken {
    /// Its ARN.
    pub arn: String,
    /// When AWS made it.
    pub created_at: Timestamp,
    /// AWS's id of the request that it was found or made by.
    pub request_id: Option<String>,
}

/// What became of the request for a backup.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Made<T = Taken> {
    /// AWS makes it.
    Taken(T),
    /// AWS does not make it.
    NotTaken {
        /// Why, in one word.
        code: String,
        /// The same for people.
        detail: String,
        /// Whether it may be asked for again.
        later: bool,
    },
    /// Nobody knows: it must be looked for before it is asked for again.
    Unknown,
}

/// What a session may do that makes backups of these tables. `finding` says whether it looks for those that
/// may be there, which AWS can limit to no table.
#[must_use]
pub fn making_policy(
    place: &Place,
    tables: &[&str],
    capabilities: &CapabilitySet,
    finding: bool,
) -> PolicyDocument {
    let held = READS.into_iter().filter(|name| holds(capabilities, name));
    let actions = ["dynamodb:CreateBackup", "dynamodb:DescribeTable"].into_iter().chain(held);
    let making = Statement::allow(actions, tables.iter().map(|table| place.table(table, "")));
    let finding = finding.then(|| Statement::allow(["dynamodb:ListBackups"], ["*"]));
    PolicyDocument::new([making].into_iter().chain(finding).collect())
}

fn holds(capabilities: &CapabilitySet, name: &str) -> bool {
    name.parse().is_ok_and(|action| capabilities.holds(action))
}

/// Looks at a table. What the role may not read of it is unknown, and no reason not to back it up.
pub async fn look(
    session: &CustomerSession,
    place: &Place,
    table: &str,
    capabilities: &CapabilitySet,
    known_tags: Option<BTreeMap<String, String>>,
) -> Answer<Looked> {
    let client = client(session, place);
    let described = async { heard(session, client.describe_table().table_name(table).send()).await };
    let recovery = async {
        if !holds(capabilities, READS[0]) {
            return not_held();
        }
        match heard(session, client.describe_continuous_backups().table_name(table).send()).await {
            Ok(answer) => Answer::Done(point_in_time_recovery(&answer)),
            Err(unheard) => unheard.answer(table),
        }
    };
    let expiry = async {
        if !holds(capabilities, READS[1]) {
            return not_held();
        }
        match heard(session, client.describe_time_to_live().table_name(table).send()).await {
            Ok(answer) => Answer::Done(time_to_live(&answer)),
            Err(unheard) => unheard.answer(table),
        }
    };
    let tagged = async {
        match known_tags {
            Some(tags) => Answer::Done(tags),
            None if holds(capabilities, READS[2]) => tags(session, place, table).await,
            None => not_held(),
        }
    };
    let (described, recovery, expiry, tagged) = futures::join!(described, recovery, expiry, tagged);
    let described = match described {
        Ok(answer) => answer.table,
        Err(unheard) if unheard.code() == Some("ResourceNotFoundException") => None,
        Err(unheard) => return unheard.answer(table),
    };
    let Some(described) = described else {
        let detail = "There is no such table: it was deleted since it was selected, or never there.";
        return Answer::Done(Looked::NotNow { code: "table_not_found", detail });
    };
    if let Some(not_now) = not_now(described.table_status()) {
        return Answer::Done(not_now);
    }
    // What throttles is asked again, and not kept as unknown.
    let (recovery, expiry, tagged) = match (known(recovery), known(expiry), known(tagged)) {
        (Ok(recovery), Ok(expiry), Ok(tagged)) => (recovery, expiry, tagged),
        (Err(code), ..) | (_, Err(code), _) | (.., Err(code)) => return Answer::Later { code },
    };
    let manifest = manifest_of(&described, expiry, recovery, tagged);
    Answer::Done(Looked::Ready(Box::new(manifest)))
}

fn not_held<T>() -> Answer<T> {
    Answer::Refused { code: "capability_missing".to_owned(), detail: String::new() }
}

/// What was read, or why not; an error says that it may be asked again.
fn known<T>(answer: Answer<T>) -> Result<Known<T>, String> {
    match answer {
        Answer::Done(value) => Ok(Known::Known(value)),
        Answer::Refused { code, .. } => Ok(Known::Unknown(code)),
        Answer::Later { code } => Err(code),
    }
}

/// Why a table in this state is not backed up. Source: `DynamoDB` API Reference, `TableDescription`,
/// `TableStatus`; `CreateBackup`, `TableInUseException`.
fn not_now(status: Option<&TableStatus>) -> Option<Looked> {
    let (code, detail) = match status? {
        TableStatus::Creating => ("table_creating", "The table is being made; the next run backs it up."),
        TableStatus::Deleting => ("table_deleting", "The table is being deleted."),
        TableStatus::Archiving | TableStatus::Archived => (
            "table_archived",
            "The table's KMS key could not be used for long, so that DynamoDB has archived it, in a backup of its own.",
        ),
        TableStatus::InaccessibleEncryptionCredentials => (
            "table_inaccessible",
            "The table's KMS key cannot be used; its customer enables the key, or DynamoDB archives the table.",
        ),
        _ => return None,
    };
    Some(Looked::NotNow { code, detail })
}

/// Asks for a backup, once: a request whose answer was lost may have been carried out.
pub async fn create(session: &CustomerSession, place: &Place, table: &str, name: &str) -> Made {
    if deadline::is_over(session) {
        let Target { code, detail, .. } = not_begun(table.to_owned());
        let (code, detail) = (code.unwrap_or_default(), detail.unwrap_or_default());
        return Made::NotTaken { code, detail, later: true };
    }
    let session = session.asking_once();
    let asked = client(&session, place).create_backup().table_name(table).backup_name(name).send();
    let unheard = match heard(&session, asked).await {
        Ok(answer) => {
            let request_id = answer.request_id().map(str::to_owned);
            return answer.backup_details.map_or(Made::Unknown, |details| {
                let created_at = timestamp(&details.backup_creation_date_time);
                Made::Taken(Taken { arn: details.backup_arn, created_at, request_id })
            });
        }
        Err(unheard) => unheard,
    };
    if !unheard.is_refusal() {
        return Made::Unknown;
    }
    let target = unheard.target(table);
    Made::NotTaken {
        later: passing(&target) || unheard.code().is_some_and(may_come_later),
        code: target.code.unwrap_or_default(),
        detail: target.detail.unwrap_or_default(),
    }
}

/// Whether AWS has no room for it at the moment. Source: `DynamoDB` API Reference, `CreateBackup`,
/// "Errors".
fn may_come_later(code: &str) -> bool {
    matches!(
        code,
        "BackupInUseException"
            | "TableInUseException"
            | "LimitExceededException"
            | "ContinuousBackupsUnavailableException"
    )
}

/// To the millisecond, which is what `DynamoDB` tells. It sends a fraction, of which reading cuts a little off.
fn timestamp(at: &DateTime) -> Timestamp {
    const HALF: i128 = 500_000;
    let millis = (at.as_nanos() + HALF).div_euclid(1_000_000);
    let millis = i64::try_from(millis).ok();
    millis.and_then(|millis| Timestamp::from_millisecond(millis).ok()).unwrap_or(Timestamp::UNIX_EPOCH)
}

/// Looks for a backup of this name that was made since then.
pub async fn find(
    session: &CustomerSession,
    place: &Place,
    table: &str,
    name: &str,
    since: Timestamp,
) -> Answer<Option<Taken>> {
    let client = client(session, place);
    let mut after = None;
    for _ in 0..MOST_PAGES {
        let asked = client
            .list_backups()
            .table_name(table)
            .backup_type(BackupTypeFilter::User)
            .time_range_lower_bound(DateTime::from_secs(since.as_second()))
            .set_exclusive_start_backup_arn(after)
            .send();
        let page = match heard(session, asked).await {
            Ok(page) => page,
            Err(unheard) => return unheard.answer(table),
        };
        let request_id = page.request_id().map(str::to_owned);
        let mut found = page.backup_summaries.unwrap_or_default().into_iter();
        if let Some(backup) = found.find(|backup| backup.backup_name() == Some(name)) {
            let created_at = backup.backup_creation_date_time.as_ref().map_or(since, timestamp);
            return Answer::Done(backup.backup_arn.map(|arn| Taken { arn, created_at, request_id }));
        }
        after = page.last_evaluated_backup_arn;
        if after.is_none() {
            return Answer::Done(None);
        }
    }
    Answer::Later { code: "too_many_backups".to_owned() }
}
