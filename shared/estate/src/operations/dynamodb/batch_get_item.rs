//! `dynamodb:BatchGetItem`. Source: `DynamoDB` API Reference, `BatchGetItem`.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use access::CustomerSession;
use aws_sdk_dynamodb::error::BuildError;
use aws_sdk_dynamodb::operation::RequestId;
use aws_sdk_dynamodb::types;
use domain::operation::Target;
use domain::policy::Statement;
use domain::{Error, FieldError};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::batch::{Batch, ROUNDS, pause, throttled};
use super::checks::step;
use super::shapes::ReturnConsumedCapacity;
use super::{Expressions, asked, check_key, check_table, client, look_up, look_ups, not_built};
use crate::operations::attribute_value::{Attributes, taken, written};
use crate::operations::deadline::{in_time, is_over};
use crate::operations::outcome::{failed_by, not_begun, unanswered};
use crate::operations::{Carry, Outcome, Place, failed};

/// Most items of a batch.
const MOST: usize = 100;

/// Most that is read, in bytes of JSON that is quoted once more: an operation's answer has room for it,
/// and so has the function's memory.
const MOST_READ: usize = 4 * 1024 * 1024;

/// Most items of one request to `DynamoDB`: all of the largest size, they are about as much.
const AT_ONCE: usize = 12;

/// Reads items of one table or several. What `DynamoDB` leaves is asked for again, a few times.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct BatchGetItem {
    /// Which items, by their tables.
    request_items: BTreeMap<String, KeysAndAttributes>,
    /// Whether to tell what capacity it took.
    #[serde(default)]
    return_consumed_capacity: Option<ReturnConsumedCapacity>,
}

/// `KeysAndAttributes`: items of one table.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct KeysAndAttributes {
    /// Their primary keys, in `DynamoDB` JSON.
    keys: Vec<Attributes>,
    /// Whether what was just written must be seen.
    #[serde(default)]
    consistent_read: Option<bool>,
    /// Which attributes, all of them otherwise.
    #[serde(default)]
    projection_expression: Option<String>,
    /// What names stand for in the expression.
    #[serde(default)]
    expression_attribute_names: Option<HashMap<String, String>>,
}

impl KeysAndAttributes {
    fn check(&self, at: &str) -> Result<(), Error> {
        if self.keys.is_empty() {
            let at = format!("{at}/Keys");
            return Err(Error::invalid(FieldError::new(at, "invalid_batch", "Keys holds one key at least")));
        }
        for (place, key) in self.keys.iter().enumerate() {
            check_key(key, &format!("{at}/Keys/{place}"))?;
        }
        Expressions {
            texts: &[("ProjectionExpression", self.projection_expression.as_deref())],
            names: self.expression_attribute_names.as_ref(),
            values: None,
        }
        .check(at)
    }

    fn sdk(&self) -> Result<types::KeysAndAttributes, BuildError> {
        types::KeysAndAttributes::builder()
            .set_keys(Some(self.keys.iter().map(taken).collect()))
            .set_consistent_read(self.consistent_read)
            .set_projection_expression(self.projection_expression.clone())
            .set_expression_attribute_names(self.expression_attribute_names.clone())
            .build()
    }
}

impl BatchGetItem {
    fn tables(&self) -> impl Iterator<Item = &str> {
        self.request_items.keys().map(String::as_str)
    }
}

impl Carry for BatchGetItem {
    const ACTION: &'static str = "dynamodb:BatchGetItem";

    fn check(&self) -> Result<(), Error> {
        for (table, items) in &self.request_items {
            let at = format!("/RequestItems/{}", step(table));
            check_table(table, &at)?;
            items.check(&at)?;
        }
        let keys: usize = self.request_items.values().map(|items| items.keys.len()).sum();
        if !(1..=MOST).contains(&keys) {
            let detail = "a batch reads 1 to 100 items";
            return Err(Error::invalid(FieldError::new("/RequestItems", "invalid_batch", detail)));
        }
        Ok(())
    }

    fn needs(&self, place: &Place) -> Vec<Statement> {
        vec![Statement::allow([Self::ACTION], self.tables().map(|table| place.table(table, "")))]
    }

    fn needs_dry(&self, place: &Place) -> Vec<Statement> {
        look_ups(place, self.tables())
    }

    async fn carry(&self, session: &CustomerSession, place: &Place, dry_run: bool) -> Outcome {
        if dry_run {
            return look_up(session, place, self.tables()).await;
        }
        let items = self.request_items.iter().map(|(table, items)| Ok((table.clone(), items.sdk()?)));
        let mut left: HashMap<_, _> = match items.collect() {
            Ok(items) => items,
            Err(error) => return not_built(self.request_items.keys().cloned(), &error),
        };
        let client = client(session, place);
        let asked = counted(&left);
        let mut batch = Batch::default();
        let (mut rounds, mut at_once, mut read) = (0, AT_ONCE, 0);
        while !left.is_empty() {
            if rounds > 0 {
                pause(rounds).await;
            }
            if is_over(session) {
                return ended(batch, &asked, &left, not_begun);
            }
            let part = take(&mut left, at_once);
            let request = client
                .batch_get_item()
                .set_request_items(Some(part.clone()))
                .set_return_consumed_capacity(self.return_consumed_capacity.map(Into::into));
            let Some((answer, output)) = in_time(session, async { asked!(request) }).await else {
                put_back(&mut left, part);
                return ended(batch, &asked, &left, unanswered);
            };
            let answer = match answer {
                Ok(answer) => answer,
                Err(error) => {
                    batch.passed_over(error.request_id());
                    put_back(&mut left, part);
                    return ended(batch, &asked, &left, |table| failed_by(table, &error));
                }
            };
            let length = carried_length(&output);
            if read + length > MOST_READ {
                batch.passed_over(answer.request_id());
                let keys: usize = counted(&part).into_values().sum();
                put_back(&mut left, part);
                if !batch.is_empty() || keys == 1 {
                    return ended(batch, &asked, &left, full);
                }
                at_once = keys.div_ceil(2);
                continue;
            }
            read += length;
            batch.heard("UnprocessedKeys", output, answer.request_id());
            let unprocessed = answer.unprocessed_keys.unwrap_or_default();
            rounds = if unprocessed.is_empty() { 0 } else { rounds + 1 };
            put_back(&mut left, unprocessed);
            if rounds == ROUNDS {
                break;
            }
        }
        ended(batch, &asked, &left, throttled)
    }
}

/// The end, with all that is left: what was not asked for too, which no answer of `DynamoDB`'s names.
fn ended(
    mut batch: Batch,
    asked: &BTreeMap<String, usize>,
    left: &Keys,
    why: impl FnMut(String) -> Target,
) -> Outcome {
    if !batch.is_empty() {
        let left = left.iter().map(|(table, keys)| (table.clone(), told(keys)));
        batch.leaves("UnprocessedKeys", Value::Object(left.collect()));
    }
    batch.ended(asked, &counted(left), why)
}

/// A table whose items do not all fit into one answer.
fn full(table: String) -> Target {
    let detail = "All that was read fills an answer; ask for what stands in UnprocessedKeys next.";
    failed(table, "output_too_large", detail)
}

/// How long this is in what Lambda answers, where it is quoted once more.
fn carried_length(output: &Value) -> usize {
    let text = output.to_string();
    text.len() + text.bytes().filter(|byte| matches!(byte, b'"' | b'\\')).count()
}

/// Which items of which tables.
type Keys = HashMap<String, types::KeysAndAttributes>;

fn counted(keys: &Keys) -> BTreeMap<String, usize> {
    keys.iter().map(|(table, keys)| (table.clone(), keys.keys.len())).collect()
}

/// Takes the first so many keys, table by table in the order of their names.
fn take(left: &mut Keys, most: usize) -> Keys {
    let mut part = Keys::new();
    let mut room = most;
    let tables: BTreeSet<_> = left.keys().cloned().collect();
    for table in tables {
        let Some(mut keys) = left.remove(&table) else { continue };
        let mut rest = keys.clone();
        rest.keys = keys.keys.split_off(room.min(keys.keys.len()));
        room -= keys.keys.len();
        if !rest.keys.is_empty() {
            left.insert(table.clone(), rest);
        }
        if !keys.keys.is_empty() {
            part.insert(table, keys);
        }
    }
    part
}

/// Puts keys before those that are left.
fn put_back(left: &mut Keys, part: Keys) {
    for (table, mut keys) in part {
        if let Some(rest) = left.remove(&table) {
            keys.keys.extend(rest.keys);
        }
        left.insert(table, keys);
    }
}

/// Under AWS's own names, as it was asked for.
fn told(keys: &types::KeysAndAttributes) -> Value {
    let mut told = Map::new();
    told.insert("Keys".to_owned(), keys.keys.iter().map(written).collect());
    if let Some(consistent) = keys.consistent_read {
        told.insert("ConsistentRead".to_owned(), json!(consistent));
    }
    if let Some(expression) = &keys.projection_expression {
        told.insert("ProjectionExpression".to_owned(), json!(expression));
    }
    if let Some(names) = &keys.expression_attribute_names {
        told.insert("ExpressionAttributeNames".to_owned(), json!(names));
    }
    Value::Object(told)
}
