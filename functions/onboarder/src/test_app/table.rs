//! The table of the bench.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::operation::batch_get_item::BatchGetItemOutput;
use aws_sdk_dynamodb::operation::get_item::{GetItemError, GetItemOutput};
use aws_sdk_dynamodb::operation::put_item::{PutItemError, PutItemOutput};
use aws_sdk_dynamodb::operation::query::QueryOutput;
use aws_sdk_dynamodb::operation::transact_write_items::{TransactWriteItemsError, TransactWriteItemsOutput};
use aws_sdk_dynamodb::operation::update_item::{UpdateItemError, UpdateItemOutput};
use aws_sdk_dynamodb::types::error::{ConditionalCheckFailedException, TransactionCanceledException};
use aws_sdk_dynamodb::types::{CancellationReason, TransactWriteItem};
use aws_smithy_mocks::{MockResponse, Rule, mock};

use super::{Item, State};

/// A write of a transaction: what is done to which item.
fn told_of(write: &TransactWriteItem) -> String {
    let name = |key: &Item| format!("{} {}", key["pk"].as_s().unwrap(), key["sk"].as_s().unwrap());
    match (write.put(), write.update(), write.delete(), write.condition_check()) {
        (Some(put), ..) => format!("put {}", name(put.item())),
        (_, Some(update), ..) => format!("update {}", name(update.key())),
        (_, _, Some(delete), _) => format!("delete {}", name(delete.key())),
        (_, _, _, Some(check)) => format!("check {}", name(check.key())),
        _ => panic!("a write that does nothing"),
    }
}

pub(super) fn rules(state: &Arc<Mutex<State>>) -> Vec<Rule> {
    let here = Arc::clone(state);
    let get = mock!(Client::get_item).then_compute_response(move |input| {
        let mut state = here.lock().unwrap();
        if let Some(error) = state.fails("GetItem") {
            return MockResponse::Error(GetItemError::generic(error));
        }
        let found = state.held(input.key().unwrap());
        MockResponse::Output(GetItemOutput::builder().set_item(found).build())
    });
    let here = Arc::clone(state);
    let query = mock!(Client::query).then_compute_output(move |input| {
        let mut state = here.lock().unwrap();
        state.calls.push("Query");
        let values = input.expression_attribute_values().unwrap();
        if let Some(prefix) = values.get(":checks") {
            let found = state.held_below(&values[":pk"], prefix.as_s().unwrap());
            return QueryOutput::builder().set_items(Some(found)).build();
        }
        let last = state.due.last().cloned().filter(|_| state.more);
        QueryOutput::builder().set_items(Some(state.due.clone())).set_last_evaluated_key(last).build()
    });
    let here = Arc::clone(state);
    let put = mock!(Client::put_item).then_compute_response(move |input| {
        let mut state = here.lock().unwrap();
        if let Some(error) = state.fails("PutItem") {
            return MockResponse::Error(PutItemError::generic(error));
        }
        let meanwhile = std::mem::take(&mut state.meanwhile);
        state.items.extend(meanwhile);
        if !state.may_put(input) {
            let refusal = ConditionalCheckFailedException::builder().build();
            return MockResponse::Error(PutItemError::ConditionalCheckFailedException(refusal));
        }
        state.items.push(input.item().unwrap().clone());
        MockResponse::Output(PutItemOutput::builder().build())
    });
    let here = Arc::clone(state);
    let update = mock!(Client::update_item).then_compute_response(move |input| {
        let mut state = here.lock().unwrap();
        if let Some(error) = state.fails("UpdateItem") {
            if error.code() == Some("ConditionalCheckFailedException") {
                let refusal = ConditionalCheckFailedException::builder().build();
                return MockResponse::Error(UpdateItemError::ConditionalCheckFailedException(refusal));
            }
            return MockResponse::Error(UpdateItemError::generic(error));
        }
        let mut told = input.update_expression().unwrap().to_owned();
        for (name, stands_for) in input.expression_attribute_names().into_iter().flatten() {
            told = told.replace(name, stands_for);
        }
        let mut found = state.held(input.key().unwrap()).unwrap_or_default();
        let how_far = ["verification", "offboarding", "look"]
            .into_iter()
            .find(|name| told == format!("SET {name} = :value, revision = :next"));
        if let Some(name) = how_far {
            let values = input.expression_attribute_values().unwrap();
            found.insert(name.to_owned(), values[":value"].clone());
            found.insert("revision".to_owned(), values[":next"].clone());
            state.items.push(found.clone());
        }
        state.updates.push(told);
        MockResponse::Output(UpdateItemOutput::builder().set_attributes(Some(found)).build())
    });
    let here = Arc::clone(state);
    let transact = mock!(Client::transact_write_items).then_compute_response(move |input| {
        let mut state = here.lock().unwrap();
        if let Some(error) = state.fails("TransactWriteItems") {
            if error.code() == Some("ConditionalCheckFailedException") {
                // The first write of all transactions here is that of the connection.
                let reason = CancellationReason::builder().code("ConditionalCheckFailed").build();
                let canceled = TransactionCanceledException::builder().cancellation_reasons(reason).build();
                return MockResponse::Error(TransactWriteItemsError::TransactionCanceledException(canceled));
            }
            return MockResponse::Error(TransactWriteItemsError::generic(error));
        }
        let writes = input.transact_items().iter();
        state.transactions.push(writes.map(told_of).collect());
        let puts = input.transact_items().iter().filter_map(|write| write.put());
        state.items.extend(puts.map(|put| put.item().clone()));
        MockResponse::Output(TransactWriteItemsOutput::builder().build())
    });
    let here = Arc::clone(state);
    let batch = mock!(Client::batch_get_item).then_compute_output(move |input| {
        let mut state = here.lock().unwrap();
        state.calls.push("BatchGetItem");
        let keys = input.request_items().unwrap()["table"].keys();
        let found = keys.iter().filter_map(|key| state.held(key)).collect();
        BatchGetItemOutput::builder()
            .responses("table", found)
            .set_unprocessed_keys(Some(HashMap::new()))
            .build()
    });
    vec![get, query, put, update, transact, batch]
}
