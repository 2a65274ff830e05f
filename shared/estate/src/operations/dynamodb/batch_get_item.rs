//! `dynamodb:BatchGetItem`. Source: `DynamoDB` API Reference, `BatchGetItem`.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use access::CustomerSession;
use aws_sdk_dynamodb::error::BuildError;
use aws_sdk_dynamodb::operation::RequestId;
use aws_sdk_dynamodb::types;
use domain::policy::Statement;
use domain::{Error, FieldError};
use serde::Deserialize;

use super::batch::{Batch, ROUNDS, pause, throttled};
use super::checks::step;
use super::shapes::ReturnConsumedCapacity;
use super::{Expressions, asked, check_key, check_table, client, look_up, look_ups, not_built};
use crate::operations::attribute_value::{Attributes, taken};
use crate::operations::outcome::failed_by;
use crate::operations::{Carry, Outcome, Place};

/// Most items of a batch.
const MOST: usize = 100;

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
        let mut batch = Batch::default();
        for round in 0..ROUNDS {
            if round > 0 {
                pause(round).await;
            }
            let request = client
                .batch_get_item()
                .set_request_items(Some(left.clone()))
                .set_return_consumed_capacity(self.return_consumed_capacity.map(Into::into));
            let (answer, output) = asked!(request);
            match answer {
                Ok(answer) => {
                    batch.heard("UnprocessedKeys", output, answer.request_id());
                    left = answer.unprocessed_keys.unwrap_or_default();
                }
                Err(error) => {
                    batch.refused(error.request_id());
                    let names: BTreeSet<_> = left.into_keys().collect();
                    return batch.ended(self.request_items.keys(), &names, |table| failed_by(table, &error));
                }
            }
            if left.is_empty() {
                break;
            }
        }
        batch.ended(self.request_items.keys(), &left.into_keys().collect(), throttled)
    }
}
