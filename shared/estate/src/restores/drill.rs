//! The new table of a drill: some of its items are held against the live table, and it is deleted.
//!
//! Sources: `DynamoDB` API Reference, `Scan` (parallel scan), `GetItem`, `DeleteTable`.

use std::collections::HashMap;

use access::CustomerSession;
use aws_sdk_dynamodb::types::{AttributeValue, TableStatus};
use domain::drill::{Sample, is_drill_table};
use domain::manifest::KeyPart;
use domain::policy::{PolicyDocument, Statement};
use futures::stream::{self, StreamExt as _};
use sha2::{Digest, Sha256};

use super::{LOOK_AT_TABLE, Restore};
use crate::backups::{Answer, heard};
use crate::operations::dynamodb::client;
use crate::operations::dynamodb::restore_table_from_backup::using_key;

/// In how many places of the table items are taken from, and how many in each: together no more than are
/// looked up one by one in a moment.
const SEGMENTS: i32 = 8;
const OF_A_SEGMENT: i32 = 12;

/// Most bytes that are read of the live table, about: 128 units of reading. Source: `DynamoDB` Developer Guide,
/// "`DynamoDB` read consistency" and "Read request units".
const MOST_LIVE_BYTES: usize = 1_000_000;

/// How many items are asked for at once.
const AT_ONCE: usize = 4;

/// The action that reads the items.
const READ: &str = "dynamodb:Scan";
/// The action that deletes the table.
const DELETE: &str = "dynamodb:DeleteTable";
/// The action that reads one item of the live table.
pub const READ_LIVE: &str = "dynamodb:GetItem";

/// How it is with a drill's table that is to be deleted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Removed {
    /// It is gone.
    Gone,
    /// It is being deleted, or cannot be yet.
    Going,
    /// There is a table of this name that is not made of this backup: it is left alone.
    Another,
}

/// One item of the new table, as far as it is remembered for a moment: its key and its hash.
#[derive(Debug, Clone)]
pub struct SampledItem {
    key: HashMap<String, AttributeValue>,
    hash: [u8; 32],
    bytes: usize,
}

impl Restore {
    /// What a session may do that looks at the new table, counts its items, and reads some.
    #[must_use]
    pub fn drilling_policy(&self) -> PolicyDocument {
        let table = Statement::allow([LOOK_AT_TABLE, READ], [self.table()]);
        PolicyDocument::new([table].into_iter().chain(self.with_key()).collect())
    }

    /// What a session may do that reads items of the table that was backed up.
    #[must_use]
    pub fn live_policy(&self, table: &str) -> PolicyDocument {
        let reads = Statement::allow([READ_LIVE], [self.source.table(table, "")]);
        PolicyDocument::new([reads].into_iter().chain(self.with_key()).collect())
    }

    /// What a session may do that deletes the new table.
    #[must_use]
    pub fn removing_policy(&self) -> PolicyDocument {
        PolicyDocument::new(vec![Statement::allow([LOOK_AT_TABLE, DELETE], [self.table()])])
    }

    fn with_key(&self) -> Option<Statement> {
        self.key.as_ref().map(|key| using_key(key, &self.place))
    }

    /// Reads some of the new table's items, in several places of it. Of each its key and its hash are kept, and
    /// neither leaves the process.
    pub async fn sample(&self, session: &CustomerSession, keys: &[KeyPart]) -> Answer<Vec<SampledItem>> {
        let client = client(session, &self.place);
        let sampled = |item: &HashMap<String, AttributeValue>| {
            let key = keys.iter().map(|part| Some((part.name.clone(), item.get(&part.name)?.clone())));
            let (hash, bytes) = hash_of(item);
            Some(SampledItem { key: key.collect::<Option<_>>()?, hash, bytes })
        };
        // Of a page nothing is held but that: it may have a megabyte.
        let pages: Vec<Answer<Vec<SampledItem>>> = stream::iter(0..SEGMENTS)
            .map(|segment| {
                let request = client.scan().table_name(&self.target).limit(OF_A_SEGMENT);
                let asked = heard(session, request.segment(segment).total_segments(SEGMENTS).send());
                async move {
                    match asked.await {
                        Ok(page) => {
                            Answer::Done(page.items.unwrap_or_default().iter().filter_map(sampled).collect())
                        }
                        Err(unheard) => unheard.answer(&self.target),
                    }
                }
            })
            .buffer_unordered(AT_ONCE)
            .collect()
            .await;
        let (mut items, mut later) = (Vec::new(), None);
        for page in pages {
            match page {
                Answer::Done(page) => items.extend(page),
                Answer::Later { code } => later = Some(code),
                refused @ Answer::Refused { .. } => return refused,
            }
        }
        match later {
            // What answered will do.
            Some(code) if items.is_empty() => Answer::Later { code },
            _ => Answer::Done(items),
        }
    }

    /// Holds these items against the live table.
    pub async fn hold_against_live(
        &self,
        session: &CustomerSession,
        table: &str,
        items: Vec<SampledItem>,
    ) -> Sample {
        let client = client(session, &self.source);
        // The live table's users come first: large items are few.
        let mut left = MOST_LIVE_BYTES;
        let items: Vec<_> = items
            .into_iter()
            .take_while(|item| {
                let fits = left > 0;
                left = left.saturating_sub(item.bytes);
                fits
            })
            .collect();
        let mut sample =
            Sample { items: u32::try_from(items.len()).unwrap_or(u32::MAX), ..Sample::default() };
        let mut live = stream::iter(items)
            .map(|SampledItem { key, hash, .. }| {
                let request = client.get_item().table_name(table).set_key(Some(key));
                let asked = heard(session, request.send());
                async move { (asked.await, hash) }
            })
            .buffer_unordered(AT_ONCE);
        while let Some((answer, hash)) = live.next().await {
            match answer.map(|found| found.item) {
                Ok(Some(item)) if hash_of(&item).0 == hash => sample.same += 1,
                Ok(Some(_)) => sample.changed += 1,
                Ok(None) => sample.gone += 1,
                Err(unheard) => {
                    let code = unheard.target(table).code.unwrap_or_default();
                    return Sample { unread: Some(code), ..sample };
                }
            }
        }
        sample
    }

    /// Has the new table deleted, if it is a drill's and made of this backup. Asking again does no harm.
    pub async fn remove(&self, session: &CustomerSession) -> Answer<Removed> {
        let table = match self.described(session).await {
            Answer::Done(Some(table)) => table,
            Answer::Done(None) => return Answer::Done(Removed::Gone),
            Answer::Later { code } => return Answer::Later { code },
            Answer::Refused { code, detail } => return Answer::Refused { code, detail },
        };
        let made_of = table.restore_summary().and_then(|summary| summary.source_backup_arn());
        if made_of.is_none() && table.table_status() == Some(&TableStatus::Creating) {
            return Answer::Done(Removed::Going);
        }
        if made_of != Some(self.backup_arn.as_str()) || !is_drill_table(&self.target) {
            return Answer::Done(Removed::Another);
        }
        if matches!(table.table_status(), Some(TableStatus::Deleting | TableStatus::Creating)) {
            return Answer::Done(Removed::Going);
        }
        let asked = client(session, &self.place).delete_table().table_name(&self.target).send();
        match heard(session, asked).await {
            Ok(_) => Answer::Done(Removed::Going),
            Err(unheard) => match unheard.code() {
                Some("ResourceNotFoundException") => Answer::Done(Removed::Gone),
                // It is still being made, or too many tables are being changed.
                Some("ResourceInUseException" | "LimitExceededException") => unheard.later(),
                _ => unheard.answer(&self.target),
            },
        }
    }
}

/// The hash of an item, whatever the order of its attributes, and of the members of its sets; and about how many
/// bytes it has.
fn hash_of(item: &HashMap<String, AttributeValue>) -> ([u8; 32], usize) {
    let mut bytes = Vec::new();
    write_map(item, &mut bytes);
    (Sha256::digest(&bytes).into(), bytes.len())
}

fn write_map(map: &HashMap<String, AttributeValue>, bytes: &mut Vec<u8>) {
    let mut names: Vec<_> = map.iter().collect();
    names.sort_by_key(|(name, _)| *name);
    write_part(b'M', &names.len().to_be_bytes(), bytes);
    for (name, value) in names {
        write_part(b'K', name.as_bytes(), bytes);
        write_value(value, bytes);
    }
}

/// A part with its kind and its length, so that no two values read alike.
fn write_part(kind: u8, part: &[u8], bytes: &mut Vec<u8>) {
    bytes.push(kind);
    bytes.extend(part.len().to_be_bytes());
    bytes.extend(part);
}

fn write_set<T: AsRef<[u8]>>(kind: u8, members: &[T], bytes: &mut Vec<u8>) {
    let mut members: Vec<&[u8]> = members.iter().map(AsRef::as_ref).collect();
    members.sort_unstable();
    write_part(kind, &members.len().to_be_bytes(), bytes);
    for member in members {
        write_part(b'E', member, bytes);
    }
}

fn write_value(value: &AttributeValue, bytes: &mut Vec<u8>) {
    match value {
        AttributeValue::S(text) => write_part(b'S', text.as_bytes(), bytes),
        AttributeValue::N(number) => write_part(b'N', number.as_bytes(), bytes),
        AttributeValue::B(blob) => write_part(b'B', blob.as_ref(), bytes),
        AttributeValue::Bool(truth) => write_part(b'T', &[u8::from(*truth)], bytes),
        AttributeValue::Null(_) => write_part(b'0', &[], bytes),
        AttributeValue::Ss(texts) => write_set(b's', texts, bytes),
        AttributeValue::Ns(numbers) => write_set(b'n', numbers, bytes),
        AttributeValue::Bs(blobs) => write_set(b'b', blobs, bytes),
        AttributeValue::L(values) => {
            write_part(b'L', &values.len().to_be_bytes(), bytes);
            for value in values {
                write_value(value, bytes);
            }
        }
        AttributeValue::M(map) => write_map(map, bytes),
        // A kind that is not known yet tells no more of itself than that.
        _ => write_part(b'?', &[], bytes),
    }
}

#[cfg(test)]
mod tests;
