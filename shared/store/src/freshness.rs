//! How fresh the backups of each resource are: one item each, with its connection.

use std::collections::{BTreeSet, HashMap};

use aws_sdk_dynamodb::types::{Delete, TransactWriteItem};
use domain::backup::{Backup, BackupState};
use domain::freshness::Freshness;
use domain::kind::Kind;
use domain::{AuditEvent, ConnectionId, Error, Region};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::Store;
use crate::cursor::{Page, PageRequest, seal};
use crate::events::event_item;
use crate::failure::{Refusal, unexpected};
use crate::item::{Key, Listing, attribute, from_item, number, text, to_item};

/// Behind every name: names hold nothing beyond ASCII.
const END: char = '\u{7f}';

/// Between what all of a connection's stand.
const ALL: (&str, &str) = ("FRESHNESS#", "FRESHNESS#\u{7f}");

/// Most resources that one look takes.
const MOST_KNOWN: i32 = 200;

/// How many backups one query for the newest looks at.
const NEWEST: i32 = 5;

/// How many the next queries do, where all of these are gone, and how many queries there are: of a resource whose
/// newest two thousand are gone nobody would say that it is backed up.
const MORE: i32 = 200;
const MOST_QUERIES: usize = 11;

/// When a connection's backups were last looked at, all of them.
#[derive(Serialize, Deserialize)]
struct Looked {
    looked_at: Timestamp,
}

fn prefix(kind: Kind, region: &Region) -> String {
    format!("FRESHNESS#{kind}#{region}#")
}

fn key(connection: ConnectionId, kind: Kind, region: &Region, resource: &str) -> Key {
    let mut key = Key::connection(connection);
    key.sk = format!("{}{resource}", prefix(kind, region));
    key
}

fn looked_key(connection: ConnectionId) -> Key {
    let mut key = Key::connection(connection);
    "FRESHNESS_LOOKED".clone_into(&mut key.sk);
    key
}

impl Store {
    /// One page of what is known of a connection's resources, by kind, Region and name, and when all of them
    /// were last looked at, if they ever were.
    ///
    /// # Errors
    /// 400 `invalid_cursor`.
    pub async fn freshness(
        &self,
        connection: ConnectionId,
        page: &PageRequest,
    ) -> Result<(Page<Freshness>, Option<Timestamp>), Error> {
        let list = format!("freshness|{connection}");
        let after = page.after(&list)?;
        let looked = self.get(looked_key(connection));
        let found = self.freshness_page(connection, ALL, after, Some(page.limit.into()));
        let (looked, (items, end)) = tokio::try_join!(looked, found)?;
        let looked = looked.map(from_item::<Looked>).transpose()?.map(|looked| looked.looked_at);
        Ok((Page { items, next_cursor: end.map(|place| seal(&list, &place)) }, looked))
    }

    /// One page of what is stale, of all connections.
    ///
    /// # Errors
    /// 400 `invalid_cursor`.
    pub async fn stale(&self, page: &PageRequest) -> Result<Page<Freshness>, Error> {
        let page = self.list(&Listing::Stale, None, page).await?;
        let items = page.items.into_iter().map(from_item).collect::<Result<Vec<Freshness>, _>>()?;
        // An index is a moment behind.
        let items = items.into_iter().filter(Freshness::is_stale).collect();
        Ok(Page { items, next_cursor: page.next_cursor })
    }

    /// What is known of the resources of one kind in one Region behind `after`, up to `last` or to the end: so
    /// many as one look takes, and the last of them if there are more.
    ///
    /// # Errors
    /// When the table does not answer.
    pub async fn freshness_between(
        &self,
        connection: ConnectionId,
        kind: Kind,
        region: &Region,
        after: Option<&str>,
        last: Option<&str>,
    ) -> Result<(Vec<Freshness>, Option<String>), Error> {
        let prefix = prefix(kind, region);
        let start = after.map(|name| format!("{prefix}{name}"));
        let end = last.map_or_else(|| format!("{prefix}{END}"), |last| format!("{prefix}{last}"));
        if start.as_ref().is_some_and(|start| *start >= end) {
            return Ok((Vec::new(), None));
        }
        let (items, more) = self.freshness_page(connection, (&prefix, &end), start, Some(MOST_KNOWN)).await?;
        let last = more.and(items.last().map(|fresh| fresh.resource.clone()));
        Ok((items, last))
    }

    /// What is known of a connection's resources, but those of these kinds in these Regions: so many as one look
    /// takes, and whether there may be more.
    ///
    /// # Errors
    /// When the table does not answer.
    pub async fn freshness_elsewhere(
        &self,
        connection: ConnectionId,
        places: &BTreeSet<(Kind, Region)>,
    ) -> Result<(Vec<Freshness>, bool), Error> {
        // Regions are few, and gaps between them hardly ever hold anything: so only gaps are read.
        let (mut found, mut start) = (Vec::new(), None);
        loop {
            let (items, end) = self.freshness_page(connection, ALL, start, Some(MOST_KNOWN)).await?;
            let place = |fresh: &Freshness| (fresh.kind, fresh.region.clone());
            let inside = |fresh: &Freshness| places.contains(&place(fresh));
            // A Region that is not looked for is skipped as a whole.
            let skip = items.last().filter(|fresh| inside(fresh)).map(place);
            found.extend(items.into_iter().filter(|fresh| !inside(fresh)));
            match (end, skip) {
                (None, _) => return Ok((found, false)),
                (Some(_), Some((kind, region))) => start = Some(format!("{}{END}", prefix(kind, &region))),
                (Some(_), None) => return Ok((found, true)),
            }
        }
    }

    /// What is known of one resource.
    ///
    /// # Errors
    /// When the table does not answer.
    pub async fn freshness_of(
        &self,
        connection: ConnectionId,
        kind: Kind,
        region: &Region,
        resource: &str,
    ) -> Result<Option<Freshness>, Error> {
        self.get(key(connection, kind, region, resource)).await?.map(from_item).transpose()
    }

    async fn freshness_page(
        &self,
        connection: ConnectionId,
        (from, to): (&str, &str),
        after: Option<String>,
        limit: Option<i32>,
    ) -> Result<(Vec<Freshness>, Option<String>), Error> {
        let key = Key::connection(connection);
        let start =
            after.map(|sk| HashMap::from([("pk".to_owned(), text(&key.pk)), ("sk".to_owned(), text(sk))]));
        let output = self
            .client
            .query()
            .table_name(&self.table)
            .key_condition_expression("pk = :pk AND sk BETWEEN :from AND :to")
            .expression_attribute_values(":pk", text(&key.pk))
            .expression_attribute_values(":from", text(from))
            .expression_attribute_values(":to", text(to))
            .consistent_read(true)
            .set_limit(limit)
            .set_exclusive_start_key(start)
            .send()
            .await
            .map_err(unexpected)?;
        let end = output.last_evaluated_key().and_then(|key| key.get("sk")?.as_s().ok().cloned());
        let items = output.items.unwrap_or_default().into_iter();
        Ok((items.map(from_item).collect::<Result<_, Error>>()?, end))
    }

    /// The newest backup of a resource that AWS says is there.
    ///
    /// # Errors
    /// When the table does not answer.
    pub async fn newest_backup(
        &self,
        connection: ConnectionId,
        kind: Kind,
        region: &Region,
        resource: &str,
    ) -> Result<Option<Backup>, Error> {
        let mut start = None;
        for query in 0..MOST_QUERIES {
            let output = self
                .client
                .query()
                .table_name(&self.table)
                .key_condition_expression("pk = :pk AND begins_with(sk, :prefix)")
                .filter_expression("#state = :available AND kind = :kind")
                .projection_expression(crate::backups::SUMMARY.map(|name| format!("#{name}")).join(", "))
                .set_expression_attribute_names(Some(crate::backups::summary_names()))
                .expression_attribute_values(":pk", text(Key::connection(connection).pk))
                .expression_attribute_values(":prefix", text(format!("BACKUP#{region}#{resource}#")))
                .expression_attribute_values(":available", attribute(BackupState::Available)?)
                .expression_attribute_values(":kind", text(kind.as_str()))
                .scan_index_forward(false)
                .limit(if query == 0 { NEWEST } else { MORE })
                .consistent_read(true)
                .set_exclusive_start_key(start)
                .send()
                .await
                .map_err(unexpected)?;
            if let Some(item) = output.items.unwrap_or_default().into_iter().next() {
                return from_item(item).map(Some);
            }
            start = output.last_evaluated_key;
            if start.is_none() {
                break;
            }
        }
        Ok(None)
    }

    /// Writes what was found out about a resource, with the event that tells of it, if there is one. Returns
    /// whether nobody has written it since it was read.
    ///
    /// # Errors
    /// When the table does not answer.
    pub async fn write_freshness(&self, next: &Freshness, event: Option<&AuditEvent>) -> Result<bool, Error> {
        let key = key(next.connection_id, next.kind, &next.region, &next.resource);
        let (condition, values) = match next.version {
            0 | 1 => ("attribute_not_exists(pk)", HashMap::new()),
            version => ("version = :before", HashMap::from([(":before".to_owned(), number(version - 1))])),
        };
        let mut item = to_item(key, next)?;
        if next.is_stale() {
            let (_, hash, value) = Listing::Stale.index();
            let id = format!("{}#{}#{}#{}", next.connection_id, next.kind, next.region, next.resource);
            item.extend([(hash.to_owned(), text(value)), ("list_id".to_owned(), text(id))]);
        }
        let put = self.put(item, Some(condition), values)?;
        self.write_with_event(put, event).await
    }

    /// Forgets a resource, with the event that tells of it, if there is one. Returns whether nobody has
    /// written it since it was read.
    ///
    /// # Errors
    /// When the table does not answer.
    pub async fn forget_freshness(
        &self,
        known: &Freshness,
        event: Option<&AuditEvent>,
    ) -> Result<bool, Error> {
        let key = key(known.connection_id, known.kind, &known.region, &known.resource);
        let delete = Delete::builder()
            .table_name(&self.table)
            .set_key(Some(key.into_item()))
            .condition_expression("version = :before")
            .expression_attribute_values(":before", number(known.version))
            .build()
            .map_err(Error::internal)?;
        self.write_with_event(TransactWriteItem::builder().delete(delete).build(), event).await
    }

    async fn write_with_event(
        &self,
        write: TransactWriteItem,
        event: Option<&AuditEvent>,
    ) -> Result<bool, Error> {
        let mut writes = vec![write];
        if let Some(event) = event {
            writes.push(self.put(event_item(event)?, None, HashMap::new())?);
        }
        match self.transact(writes).await {
            Ok(()) => Ok(true),
            Err(Refusal::Conditions(_)) => Ok(false),
            Err(Refusal::Busy) => {
                Err(Error::unavailable("another transaction held what is known of a backup"))
            }
            Err(Refusal::Failed(error)) => Err(error),
        }
    }

    /// Writes down that all of a connection's backups were looked at.
    ///
    /// # Errors
    /// When the table does not answer.
    pub async fn note_backups_looked_at(&self, connection: ConnectionId, at: Timestamp) -> Result<(), Error> {
        let item = to_item(looked_key(connection), Looked { looked_at: at })?;
        let put = self.client.put_item().table_name(&self.table).set_item(Some(item));
        put.send().await.map(|_| ()).map_err(unexpected)
    }
}

#[cfg(test)]
mod tests;
