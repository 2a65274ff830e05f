//! `dynamodb:BatchWriteItem`. Source: `DynamoDB` API Reference, `BatchWriteItem`.

use std::collections::{BTreeMap, HashMap};

use access::CustomerSession;
use aws_sdk_dynamodb::error::BuildError;
use aws_sdk_dynamodb::operation::RequestId;
use aws_sdk_dynamodb::types;
use domain::policy::Statement;
use domain::{Error, FieldError};
use serde::Deserialize;

use super::batch::{Batch, ROUNDS, pause, throttled};
use super::checks::step;
use super::shapes::{ReturnConsumedCapacity, ReturnItemCollectionMetrics};
use super::{asked, check_item, check_key, check_table, client, look_up, look_ups, not_built};
use crate::operations::attribute_value::{Attributes, taken};
use crate::operations::deadline::{in_time, is_over};
use crate::operations::outcome::{failed_by, not_begun, unanswered};
use crate::operations::{Carry, Outcome, Place};

/// Most items of a batch.
const MOST: usize = 25;

/// Writes items into one table or several. What `DynamoDB` leaves is asked for again, a few times.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct BatchWriteItem {
    /// What is written, by its tables.
    request_items: BTreeMap<String, Vec<WriteRequest>>,
    /// Whether to tell what capacity it took.
    #[serde(default)]
    return_consumed_capacity: Option<ReturnConsumedCapacity>,
    /// Whether to tell how large the items' collections have become.
    #[serde(default)]
    return_item_collection_metrics: Option<ReturnItemCollectionMetrics>,
}

/// `WriteRequest`: one item.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct WriteRequest {
    /// It is written.
    #[serde(default)]
    put_request: Option<PutRequest>,
    /// It is deleted, which takes a plan.
    #[serde(default)]
    delete_request: Option<DeleteRequest>,
}

/// `PutRequest`.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct PutRequest {
    /// The item, in `DynamoDB` JSON.
    item: Attributes,
}

/// `DeleteRequest`.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct DeleteRequest {
    /// The item's primary key, in `DynamoDB` JSON.
    key: Attributes,
}

impl WriteRequest {
    fn check(&self, at: &str) -> Result<(), Error> {
        match (&self.put_request, &self.delete_request) {
            (Some(put), None) => check_item(&put.item, &format!("{at}/PutRequest/Item")),
            (None, Some(delete)) => check_key(&delete.key, &format!("{at}/DeleteRequest/Key")),
            _ => {
                let detail = "a write is one PutRequest or one DeleteRequest";
                Err(Error::invalid(FieldError::new(at, "invalid_batch", detail)))
            }
        }
    }

    fn sdk(&self) -> Result<types::WriteRequest, BuildError> {
        let put = self
            .put_request
            .as_ref()
            .map(|put| types::PutRequest::builder().set_item(Some(taken(&put.item))).build());
        let delete = self
            .delete_request
            .as_ref()
            .map(|delete| types::DeleteRequest::builder().set_key(Some(taken(&delete.key))).build());
        Ok(types::WriteRequest::builder()
            .set_put_request(put.transpose()?)
            .set_delete_request(delete.transpose()?)
            .build())
    }
}

/// One item that a batch would delete.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Deletion<'a> {
    /// Of which table.
    pub table: &'a str,
    /// Its place among the writes of the table.
    pub place: usize,
    /// Its primary key.
    pub key: &'a Attributes,
}

impl Deletion<'_> {
    /// Where it stands in the input.
    pub(crate) fn pointer(&self) -> String {
        format!("/RequestItems/{}/{}/DeleteRequest", step(self.table), self.place)
    }
}

impl BatchWriteItem {
    /// The tables that are written into.
    pub(crate) fn tables(&self) -> impl Iterator<Item = &str> {
        self.request_items.keys().map(String::as_str)
    }

    /// What the batch would delete.
    pub(crate) fn deletions(&self) -> impl Iterator<Item = Deletion<'_>> {
        self.request_items.iter().flat_map(|(table, writes)| {
            writes.iter().enumerate().filter_map(move |(place, write)| {
                write.delete_request.as_ref().map(|delete| Deletion { table, place, key: &delete.key })
            })
        })
    }

    /// How many items the batch would put into a table.
    pub(crate) fn puts(&self, table: &str) -> usize {
        let writes = self.request_items.get(table).map(Vec::as_slice).unwrap_or_default();
        writes.iter().filter(|write| write.put_request.is_some()).count()
    }
}

impl Carry for BatchWriteItem {
    const ACTION: &'static str = "dynamodb:BatchWriteItem";

    fn check(&self) -> Result<(), Error> {
        for (table, writes) in &self.request_items {
            let at = format!("/RequestItems/{}", step(table));
            check_table(table, &at)?;
            if writes.is_empty() {
                let detail = "a table is named for one write at least";
                return Err(Error::invalid(FieldError::new(at, "invalid_batch", detail)));
            }
            for (place, write) in writes.iter().enumerate() {
                write.check(&format!("{at}/{place}"))?;
            }
        }
        let writes: usize = self.request_items.values().map(Vec::len).sum();
        if !(1..=MOST).contains(&writes) {
            let detail = "a batch writes 1 to 25 items";
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
        let writes = self.request_items.iter().map(|(table, writes)| {
            Ok((table.clone(), writes.iter().map(WriteRequest::sdk).collect::<Result<Vec<_>, _>>()?))
        });
        let mut left: HashMap<_, _> = match writes.collect() {
            Ok(writes) => writes,
            Err(error) => return not_built(self.request_items.keys().cloned(), &error),
        };
        let client = client(session, place);
        let asked: BTreeMap<_, _> =
            self.request_items.iter().map(|(table, writes)| (table.clone(), writes.len())).collect();
        let mut batch = Batch::default();
        for round in 0..ROUNDS {
            if round > 0 {
                pause(round).await;
            }
            if is_over(session) {
                return batch.ended(&asked, &counted(&left), not_begun);
            }
            let request = client
                .batch_write_item()
                .set_request_items(Some(left.clone()))
                .set_return_consumed_capacity(self.return_consumed_capacity.map(Into::into))
                .set_return_item_collection_metrics(self.return_item_collection_metrics.map(Into::into));
            let Some((answer, output)) = in_time(session, async { asked!(request) }).await else {
                return batch.ended(&asked, &counted(&left), unanswered);
            };
            match answer {
                Ok(answer) => {
                    batch.heard("UnprocessedItems", output, answer.request_id());
                    left = answer.unprocessed_items.unwrap_or_default();
                }
                Err(error) => {
                    batch.passed_over(error.request_id());
                    return batch.ended(&asked, &counted(&left), |table| failed_by(table, &error));
                }
            }
            if left.is_empty() {
                break;
            }
        }
        batch.ended(&asked, &counted(&left), throttled)
    }
}

/// How many writes are left of each table.
fn counted(left: &HashMap<String, Vec<types::WriteRequest>>) -> BTreeMap<String, usize> {
    left.iter().map(|(table, writes)| (table.clone(), writes.len())).collect()
}
