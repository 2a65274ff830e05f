//! What deleting items would destroy, one by one or in a batch.
//!
//! A plan is kept for longer than anybody should keep what is in a customer's tables: it tells neither
//! keys nor items, only how many and how large, and knows them again by a salted hash.
//!
//! Source: `DynamoDB` API Reference, `DeleteItem`, `BatchWriteItem` and `GetItem`.

use std::collections::{BTreeMap, HashMap};

use aws_sdk_dynamodb::types::{AttributeValue, TableDescription, Tag};
use domain::Error;
use domain::plan::{HASHED, PlanTarget, Print, Seen};
use futures::{FutureExt as _, StreamExt as _, stream};
use serde_json::json;

use super::digest::digest;
use super::tables::{TABLE, TAGS, check_tags, print, table, tags_of};
use super::{Foresee, Look, Unread, Warnings, absent, known, not_seen, shown};
use crate::operations::Place;
use crate::operations::attribute_value::{Attributes, size_of, taken};
use crate::operations::dynamodb::batch_write_item::BatchWriteItem;
use crate::operations::dynamodb::delete_item::DeleteItem;

const GET: &str = "dynamodb:GetItem";

/// How many questions are asked at a time.
const AT_A_TIME: usize = 8;

type Item = HashMap<String, AttributeValue>;

fn reads<'a>(place: &Place, tables: impl Iterator<Item = &'a str>) -> Vec<(&'static str, Vec<String>)> {
    let tables: Vec<_> = tables.map(|table| place.table(table, "")).collect();
    [TABLE, TAGS, GET].map(|action| (action, tables.clone())).to_vec()
}

/// An item as it is now.
async fn item(look: &Look<'_>, table: &str, key: &Attributes) -> Result<Option<Item>, Error> {
    let request = look.dynamodb().get_item().table_name(table).set_key(Some(taken(key)));
    let answer = request.consistent_read(true).send().await;
    answer.map(|answer| answer.item).map_err(|error| not_seen(&error, true))
}

/// A table, and its tags if they may be read.
async fn table_and_tags(
    look: &Look<'_>,
    name: &str,
) -> (Result<Option<TableDescription>, Error>, Result<Vec<Tag>, Unread>) {
    futures::join!(table(look, name, true), look.read(TAGS, tags_of(look, name)))
}

/// How large an item is, about.
fn size(item: &Item) -> usize {
    item.iter().map(|(name, value)| name.len() + size_of(value)).sum()
}

fn gone(at: String) -> (String, String) {
    (at, "there is no item under this key".to_owned())
}

fn no_table(at: &str) -> Error {
    absent(vec![(at.to_owned(), "there is no such table, or it is being deleted".to_owned())])
}

impl Foresee for DeleteItem {
    fn reads(&self, place: &Place) -> Vec<(&'static str, Vec<String>)> {
        reads(place, std::iter::once(self.table_name.as_str()))
    }

    async fn look(&self, look: &Look<'_>) -> Result<Seen, Error> {
        let name = &self.table_name;
        let (table, tags) = table_and_tags(look, name).await;
        let Some(table) = table? else { return Err(no_table("/TableName")) };
        let mut warnings = Warnings::default();
        check_tags(tags, name, "/TableName", &mut warnings)?;
        let Some(item) = item(look, name, &self.key).await? else {
            return Err(absent(vec![gone("/Key".to_owned())]));
        };
        let size = size(&item);
        let facts = known(json!({"items": 1, "attributes": item.len(), "size_bytes": size}));
        let mut print = print(&table);
        print.insert(format!("the item{HASHED}"), digest(look.salt, &item));
        Ok(Seen {
            targets: vec![PlanTarget { id: name.clone(), kind: "items".to_owned(), facts }],
            blast_radius: known(json!({"items": 1, "size_bytes": size})),
            warnings: warnings.0,
            prints: [(name.clone(), print)].into(),
        })
    }
}

impl Foresee for BatchWriteItem {
    fn reads(&self, place: &Place) -> Vec<(&'static str, Vec<String>)> {
        reads(place, self.tables())
    }

    async fn look(&self, look: &Look<'_>) -> Result<Seen, Error> {
        let mut warnings = Warnings::default();
        let tables = self.described(look, &mut warnings).await?;
        // Which tables these are is known; the items are looked up only then.
        let deletions: Vec<_> = self.deletions().collect();
        let mut asked = Vec::new();
        for deletion in &deletions {
            asked.push(item(look, deletion.table, deletion.key).boxed());
        }
        let items: Vec<_> = stream::iter(asked).buffered(AT_A_TIME).collect().await;
        let mut sums: BTreeMap<&str, (usize, usize)> = BTreeMap::new();
        let mut prints: BTreeMap<String, Print> = BTreeMap::new();
        let mut missing = Vec::new();
        for (deletion, item) in deletions.iter().zip(items) {
            let Some(item) = item? else {
                missing.push(gone(deletion.pointer()));
                continue;
            };
            let (count, bytes) = sums.entry(deletion.table).or_default();
            (*count, *bytes) = (*count + 1, *bytes + size(&item));
            let print = prints
                .entry(deletion.table.to_owned())
                .or_insert_with(|| tables.get(deletion.table).map(print).unwrap_or_default());
            print.insert(format!("the item at {}{HASHED}", deletion.pointer()), digest(look.salt, &item));
        }
        if !missing.is_empty() {
            return Err(absent(missing));
        }
        let told = |table: &str| {
            let (deletes, bytes) = sums.get(table).copied().unwrap_or_default();
            known(json!({"items": deletes, "size_bytes": bytes, "puts": self.puts(table)}))
        };
        let target = |table: &&str| PlanTarget {
            id: (*table).to_owned(),
            kind: "items".to_owned(),
            facts: told(table),
        };
        let of_tables = self.tables().map(|table| {
            let mut told = told(table);
            told.insert("table".to_owned(), json!(table));
            told
        });
        Ok(Seen {
            targets: sums.keys().map(target).collect(),
            blast_radius: known(json!({
                "items": deletions.len(),
                "size_bytes": sums.values().map(|(_, bytes)| bytes).sum::<usize>(),
                "puts": self.tables().map(|table| self.puts(table)).sum::<usize>(),
                "tables": shown(of_tables),
            })),
            warnings: warnings.0,
            prints,
        })
    }
}

impl BatchWriteItem {
    /// The tables that are written into; refused if one is not there, or its owner protects one of which
    /// something would be deleted.
    async fn described(
        &self,
        look: &Look<'_>,
        warnings: &mut Warnings,
    ) -> Result<BTreeMap<String, TableDescription>, Error> {
        let mut asked = Vec::new();
        for name in self.tables() {
            asked.push(table_and_tags(look, name).boxed());
        }
        let answers: Vec<_> = stream::iter(asked).buffered(AT_A_TIME).collect().await;
        let mut found = BTreeMap::new();
        for (name, (table, tags)) in self.tables().zip(answers) {
            let at = format!("/RequestItems/{name}");
            found.insert(name.to_owned(), table?.ok_or_else(|| no_table(&at))?);
            if self.deletions().any(|deletion| deletion.table == name) {
                check_tags(tags, name, &at, warnings)?;
            }
        }
        Ok(found)
    }
}
