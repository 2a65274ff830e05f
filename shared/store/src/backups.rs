//! The ledger of backups in the table.
//!
//! A backup stands with its connection, by Region, resource and time, so that what there is of one resource
//! is one query. A pointer leads to it by its id.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::TransactWriteItem;
use domain::backup::{Backup, BackupState};
use domain::drill::DrillTable;
use domain::kind::Kind;
use domain::{BackupId, ConnectionId, Error, Region};
use serde::{Deserialize, Serialize};

use crate::Store;
use crate::cursor::{Page, PageRequest, seal};
use crate::drills::drill_item;
use crate::failure::unexpected;
use crate::invites::expiry;
use crate::item::{Item, Key, from_item, number, text, to_item};
use crate::operations::KEPT;

/// What lists hold of a backup: all but what its table or instance was like, which may be large.
pub(crate) const SUMMARY: [&str; 20] = [
    "id",
    "connection_id",
    "kind",
    "region",
    "resource",
    "name",
    "aws_id",
    "state",
    "size_bytes",
    "created_at",
    "run_id",
    "job_id",
    "schedule_id",
    "delete_after",
    "deleted_at",
    "gone",
    "drilled",
    "snapshots",
    "version",
    "sk",
];

/// How often a page of a filtered list is filled up by another query, so that one request stays bounded.
const FILLING_QUERIES: usize = 10;

/// The names of [`SUMMARY`] in expressions.
pub(crate) fn summary_names() -> HashMap<String, String> {
    SUMMARY.iter().map(|name| (format!("#{name}"), (*name).to_owned())).collect()
}

/// Which backups a list is to hold.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct BackupFilter {
    /// Those of this kind alone.
    pub kind: Option<Kind>,
    /// Those in this Region alone.
    pub region: Option<Region>,
    /// Those of this resource alone.
    pub resource: Option<String>,
}

impl BackupFilter {
    /// What the sort keys of all that it lets through begin with.
    fn prefix(&self) -> String {
        match (&self.region, &self.resource) {
            (Some(region), Some(resource)) => format!("BACKUP#{region}#{resource}#"),
            (Some(region), None) => format!("BACKUP#{region}#"),
            (None, _) => "BACKUP#".to_owned(),
        }
    }
}

/// A change of the ledger, to be written with what brought it about.
#[derive(Debug, Clone, PartialEq)]
pub enum BackupWrite {
    /// One that was made.
    New(Backup),
    /// One that has become another, written whole or by what changes of it.
    Changed(Backup),
    /// AWS is about to be asked for a drill's table.
    DrillTable(DrillTable),
    /// A drill's table is gone again, or there never was one.
    DrillTableGone(DrillTable),
}

/// Where a backup is found by its id.
#[derive(Serialize, Deserialize)]
struct Pointer {
    connection_id: ConnectionId,
    region: Region,
    resource: String,
}

pub(crate) fn backup_item(backup: &Backup) -> Result<Item, Error> {
    let key = Key::backup(backup.connection_id, &backup.region, &backup.resource, backup.id);
    let mut item = to_item(key, backup)?;
    // What is gone stays listed for a while, what is there for as long as it is.
    if let Some(deleted_at) = backup.deleted_at {
        item.insert("expires_at".to_owned(), expiry(deleted_at + KEPT));
    }
    Ok(item)
}

impl Store {
    /// The writes of a change of the ledger. One that was made already is written over with itself.
    pub(crate) fn backup_writes(&self, write: &BackupWrite) -> Result<Vec<TransactWriteItem>, Error> {
        match write {
            BackupWrite::New(backup) => {
                let pointer = Pointer {
                    connection_id: backup.connection_id,
                    region: backup.region.clone(),
                    resource: backup.resource.clone(),
                };
                Ok(vec![
                    self.put(backup_item(backup)?, Some("attribute_not_exists(pk)"), HashMap::new())?,
                    self.put(to_item(Key::backup_pointer(backup.id), pointer)?, None, HashMap::new())?,
                ])
            }
            BackupWrite::Changed(backup) => Ok(vec![self.change_backup(backup)?]),
            BackupWrite::DrillTable(table) => Ok(vec![self.put(drill_item(table)?, None, HashMap::new())?]),
            BackupWrite::DrillTableGone(table) => Ok(vec![self.forget_drill_table(table)?]),
        }
    }

    /// The write of a backup that has changed, on the condition that it was as it was read. Its manifest
    /// is left as it is, for lists do not read that.
    pub(crate) fn change_backup(&self, backup: &Backup) -> Result<TransactWriteItem, Error> {
        let item = backup_item(backup)?;
        let key = Key::backup(backup.connection_id, &backup.region, &backup.resource, backup.id);
        let changing =
            ["state", "size_bytes", "deleted_at", "gone", "drilled", "snapshots", "version", "expires_at"];
        let mut update = aws_sdk_dynamodb::types::Update::builder()
            .table_name(&self.table)
            .set_key(Some(key.into_item()))
            .condition_expression("#version = :before")
            .expression_attribute_names("#version", "version")
            .expression_attribute_values(":before", number(backup.version.saturating_sub(1)));
        let mut sets = Vec::new();
        for name in changing {
            let Some(value) = item.get(name) else { continue };
            sets.push(format!("#{name} = :{name}"));
            update = update
                .expression_attribute_names(format!("#{name}"), name)
                .expression_attribute_values(format!(":{name}"), value.clone());
        }
        let update = update.update_expression(format!("SET {}", sets.join(", ")));
        Ok(TransactWriteItem::builder().update(update.build().map_err(Error::internal)?).build())
    }

    /// The backup with this id, with what its table was like.
    ///
    /// # Errors
    /// 404 when there is none.
    pub async fn backup(&self, id: BackupId) -> Result<Backup, Error> {
        let pointer = self.get(Key::backup_pointer(id)).await?.ok_or_else(|| Error::not_found("backup"))?;
        let Pointer { connection_id, region, resource } = from_item(pointer)?;
        let backup = self.backup_of(connection_id, &region, &resource, id).await?;
        backup.ok_or_else(|| Error::not_found("backup"))
    }

    /// One backup of a resource, with what its table was like.
    ///
    /// # Errors
    /// When the table does not answer.
    pub async fn backup_of(
        &self,
        connection: ConnectionId,
        region: &Region,
        resource: &str,
        id: BackupId,
    ) -> Result<Option<Backup>, Error> {
        self.get(Key::backup(connection, region, resource, id)).await?.map(from_item).transpose()
    }

    /// One page of a connection's backups, by Region, resource and time.
    ///
    /// # Errors
    /// 400 `invalid_cursor`.
    pub async fn backups(
        &self,
        connection: ConnectionId,
        filter: &BackupFilter,
        page: &PageRequest,
    ) -> Result<Page<Backup>, Error> {
        let BackupFilter { kind, resource, .. } = filter;
        let prefix = filter.prefix();
        let of = kind.map_or("", Kind::as_str);
        let list = format!("backups|{connection}|{prefix}|{of}|{}", resource.as_deref().unwrap_or_default());
        let mut after = page.after(&list)?;
        let limit = usize::from(page.limit);
        let mut items = Vec::new();
        for _ in 0..FILLING_QUERIES {
            let wanted = i32::try_from(limit - items.len()).unwrap_or(i32::MAX);
            let (found, end) = self.backup_page(connection, &prefix, after.as_deref(), wanted).await?;
            items.extend(found.into_iter().filter(|backup| {
                kind.is_none_or(|kind| kind == backup.kind)
                    && resource.as_ref().is_none_or(|resource| *resource == backup.resource)
            }));
            after = end;
            if after.is_none() || items.len() >= limit {
                break;
            }
        }
        Ok(Page { items, next_cursor: after.map(|place| seal(&list, &place)) })
    }

    /// Every backup of one resource that is not known to be gone, the oldest first, without manifests.
    ///
    /// # Errors
    /// When the table does not answer.
    pub async fn backups_of(
        &self,
        connection: ConnectionId,
        region: &Region,
        resource: &str,
    ) -> Result<Vec<Backup>, Error> {
        let prefix = format!("BACKUP#{region}#{resource}#");
        let (mut backups, mut after) = (Vec::new(), None);
        loop {
            let (found, end) = self.backup_page(connection, &prefix, after.as_deref(), i32::MAX).await?;
            backups.extend(found.into_iter().filter(|backup| backup.state != BackupState::Deleted));
            match end {
                Some(end) => after = Some(end),
                None => return Ok(backups),
            }
        }
    }

    /// Some backups whose sort keys begin with `prefix`, after this one, and where the next ones begin.
    async fn backup_page(
        &self,
        connection: ConnectionId,
        prefix: &str,
        after: Option<&str>,
        limit: i32,
    ) -> Result<(Vec<Backup>, Option<String>), Error> {
        let key = Key::connection(connection);
        let start =
            after.map(|sk| HashMap::from([("pk".to_owned(), text(&key.pk)), ("sk".to_owned(), text(sk))]));
        let output = self
            .client
            .query()
            .table_name(&self.table)
            .key_condition_expression("pk = :pk AND begins_with(sk, :prefix)")
            .projection_expression(SUMMARY.map(|name| format!("#{name}")).join(", "))
            .set_expression_attribute_names(Some(summary_names()))
            .expression_attribute_values(":pk", text(&key.pk))
            .expression_attribute_values(":prefix", text(prefix))
            .consistent_read(true)
            .set_limit((limit < i32::MAX).then_some(limit))
            .set_exclusive_start_key(start)
            .send()
            .await
            .map_err(unexpected)?;
        let end = output.last_evaluated_key().and_then(|key| key.get("sk")?.as_s().ok().cloned());
        let items = output.items.unwrap_or_default().into_iter();
        Ok((items.map(from_item).collect::<Result<_, Error>>()?, end))
    }
}

#[cfg(test)]
mod tests;
