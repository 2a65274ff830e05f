//! What deleting a table would destroy.
//!
//! Sources: `DynamoDB` API Reference, `DeleteTable`, `TableDescription`; `DynamoDB` Developer Guide, "Using
//! deletion protection to protect your table" and "Point-in-time recovery for `DynamoDB`".

use std::time::SystemTime;

use aws_sdk_dynamodb::error::{ProvideErrorMetadata as _, SdkError};
use aws_sdk_dynamodb::operation::describe_continuous_backups::DescribeContinuousBackupsError;
use aws_sdk_dynamodb::operation::list_backups::ListBackupsError;
use aws_sdk_dynamodb::operation::list_tags_of_resource::ListTagsOfResourceError;
use aws_sdk_dynamodb::types::{
    BackupStatus, BackupSummary, BackupTypeFilter, PointInTimeRecoveryStatus, TableDescription, TableStatus,
    Tag,
};
use domain::Error;
use domain::plan::{PlanTarget, Print, Seen};
use serde_json::{Value, json};

use super::{Foresee, Look, MOST_READ, Unread, Warnings, absent, known, not_seen, protected, protects};
use crate::operations::Place;
use crate::operations::dynamodb::delete_table::DeleteTable;

pub(super) const TABLE: &str = "dynamodb:DescribeTable";
pub(super) const TAGS: &str = "dynamodb:ListTagsOfResource";
pub(super) const BACKUPS: &str = "dynamodb:ListBackups";
const RECOVERY: &str = "dynamodb:DescribeContinuousBackups";
const AT: &str = "/TableName";

impl Foresee for DeleteTable {
    fn reads(&self, place: &Place) -> Vec<(&'static str, Vec<String>)> {
        let table = place.table(&self.table_name, "");
        let on = |action, resource: &str| (action, vec![resource.to_owned()]);
        // ListBackups can be limited to no resource.
        vec![on(TABLE, &table), on(TAGS, &table), on(RECOVERY, &table), on(BACKUPS, "*")]
    }

    async fn look(&self, look: &Look<'_>) -> Result<Seen, Error> {
        let name = &self.table_name;
        let (table, tags, backups, recovery) = futures::join!(
            table(look, name, false),
            look.read(TAGS, tags_of(look, name)),
            look.read(BACKUPS, backups_of(look, name)),
            look.read(RECOVERY, recovers(look, name)),
        );
        let Some(table) = table? else {
            return Err(absent(vec![(
                AT.to_owned(),
                "there is no such table, or it is being deleted".to_owned(),
            )]));
        };
        let mut warnings = Warnings::default();
        check_tags(tags, name, AT, &mut warnings)?;
        let backups = warnings.known(backups, "Whether the table has backups");
        let is_on = warnings.known(recovery, "Whether the table has point-in-time recovery");
        if table.deletion_protection_enabled() == Some(true) {
            let detail = "the table is protected from deletion, so that AWS will refuse; take the protection off with \
                          dynamodb:UpdateTable, if it is to go";
            warnings.add("deletion_protected", detail);
        }
        let recovery = match is_on {
            Some(true) => "DynamoDB keeps a last backup for 35 days, for point-in-time recovery is on",
            Some(false) => "point-in-time recovery is off",
            None => "nor is it known whether there is point-in-time recovery",
        };
        if backups.as_ref().is_some_and(Vec::is_empty) {
            warnings.add("no_backup", format!("the table has no backup on demand; {recovery}"));
        }
        if !table.replicas().is_empty() {
            let detail =
                "the table has replicas in other Regions, which stay; AWS may refuse while they are there";
            warnings.add("has_replicas", detail);
        }
        let stream = table.stream_specification().is_some_and(|stream| stream.stream_enabled());
        if stream {
            warnings
                .add("stream_ends", "what reads the table's stream has 24 hours to read what is left in it");
        }
        Ok(Seen {
            targets: vec![target(name, &table)],
            blast_radius: known(json!({
                "items": table.item_count(),
                "size_bytes": table.table_size_bytes(),
                "indexes": indexes(&table),
                "replicas": table.replicas().iter().filter_map(|one| one.region_name()).collect::<Vec<_>>(),
                "stream": stream,
                "backups_kept": backups.as_ref().map(Vec::len),
                "newest_backup_at": backups.as_deref().and_then(newest),
                "point_in_time_recovery": is_on,
            })),
            warnings: warnings.0,
            prints: [(name.clone(), print(&table))].into(),
        })
    }
}

/// The table, if it is there and stays so.
pub(super) async fn table(
    look: &Look<'_>,
    name: &str,
    quotes_items: bool,
) -> Result<Option<TableDescription>, Error> {
    match look.dynamodb().describe_table().table_name(name).send().await {
        Ok(answer) => Ok(answer.table.filter(|table| table.table_status() != Some(&TableStatus::Deleting))),
        Err(SdkError::ServiceError(service)) if service.err().code() == Some("ResourceNotFoundException") => {
            Ok(None)
        }
        Err(error) => Err(not_seen(&error, quotes_items)),
    }
}

pub(super) async fn tags_of(
    look: &Look<'_>,
    name: &str,
) -> Result<Vec<Tag>, SdkError<ListTagsOfResourceError>> {
    let arn = look.place.table(name, "");
    let (client, mut tags, mut next) = (look.dynamodb(), Vec::new(), None);
    // A table has 50 tags at most.
    for _ in 0..10 {
        let request = client.list_tags_of_resource().resource_arn(&arn).set_next_token(next);
        let answer = request.send().await?;
        tags.extend(answer.tags.unwrap_or_default());
        next = answer.next_token;
        if next.is_none() {
            break;
        }
    }
    Ok(tags)
}

/// Refuses a table that its owner protects, and one of which AWS does not tell; says so if the connection
/// may not know.
pub(super) fn check_tags(
    tags: Result<Vec<Tag>, Unread>,
    table: &str,
    at: &str,
    warnings: &mut Warnings,
) -> Result<(), Error> {
    let tags = match tags {
        Ok(tags) => tags,
        Err(Unread { refusal: Some(refusal), .. }) => return Err(refusal),
        Err(Unread { why, refusal: None }) => {
            let detail =
                format!("whether the table {table} is tagged drawbridge:protected is not known: {why}");
            warnings.add("tags_not_read", detail);
            Vec::new()
        }
    };
    if protects(tags.iter().map(|tag| (Some(tag.key()), Some(tag.value())))) {
        return Err(protected(vec![(at.to_owned(), format!("the table {table} is protected"))]));
    }
    Ok(())
}

/// The backups of a table that can be restored, as many as are read.
pub(super) async fn backups_of(
    look: &Look<'_>,
    table: &str,
) -> Result<Vec<BackupSummary>, SdkError<ListBackupsError>> {
    let (client, mut found, mut start) = (look.dynamodb(), Vec::new(), None);
    while found.len() < MOST_READ {
        let request = client.list_backups().table_name(table).backup_type(BackupTypeFilter::All).limit(100);
        let answer = request.set_exclusive_start_backup_arn(start).send().await?;
        let page = answer.backup_summaries.unwrap_or_default().into_iter();
        found.extend(page.filter(|one| one.backup_status() == Some(&BackupStatus::Available)));
        start = answer.last_evaluated_backup_arn;
        if start.is_none() {
            break;
        }
    }
    Ok(found)
}

/// When the newest of these backups was made.
pub(super) fn newest(backups: &[BackupSummary]) -> Option<String> {
    let times = backups.iter().filter_map(|one| one.backup_creation_date_time());
    let newest = times.max_by_key(|time| SystemTime::try_from(**time).ok())?;
    Some(newest.to_string())
}

async fn recovers(look: &Look<'_>, name: &str) -> Result<bool, SdkError<DescribeContinuousBackupsError>> {
    let answer = look.dynamodb().describe_continuous_backups().table_name(name).send().await?;
    let status = answer
        .continuous_backups_description()
        .and_then(|described| described.point_in_time_recovery_description())
        .and_then(|recovery| recovery.point_in_time_recovery_status());
    Ok(status == Some(&PointInTimeRecoveryStatus::Enabled))
}

fn indexes(table: &TableDescription) -> Vec<&str> {
    let globals = table.global_secondary_indexes().iter().filter_map(|index| index.index_name());
    globals.chain(table.local_secondary_indexes().iter().filter_map(|index| index.index_name())).collect()
}

fn target(name: &str, table: &TableDescription) -> PlanTarget {
    let key: Vec<_> = table.key_schema().iter().map(|key| key.attribute_name()).collect();
    let facts = json!({
        "status": table.table_status().map(|status| status.as_str()),
        "created_at": table.creation_date_time().map(ToString::to_string),
        // DynamoDB counts anew every six hours or so.
        "items": table.item_count(),
        "size_bytes": table.table_size_bytes(),
        "key": Value::from(key),
        "deletion_protection": table.deletion_protection_enabled(),
    });
    PlanTarget { id: name.to_owned(), kind: "table".to_owned(), facts: known(facts) }
}

/// What makes a table that table, and no other of the same name.
pub(super) fn print(table: &TableDescription) -> Print {
    [
        ("table id", table.table_id().map(str::to_owned)),
        ("creation time", table.creation_date_time().map(ToString::to_string)),
    ]
    .into_iter()
    .filter_map(|(part, value)| Some((part.to_owned(), value?)))
    .collect()
}
