//! The table of the bench.

use std::sync::{Arc, Mutex};

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::operation::batch_get_item::BatchGetItemOutput;
use aws_sdk_dynamodb::operation::delete_item::{DeleteItemError, DeleteItemOutput};
use aws_sdk_dynamodb::operation::get_item::{GetItemError, GetItemOutput};
use aws_sdk_dynamodb::operation::put_item::{PutItemError, PutItemOutput};
use aws_sdk_dynamodb::operation::query::{QueryInput, QueryOutput};
use aws_sdk_dynamodb::operation::transact_write_items::{TransactWriteItemsError, TransactWriteItemsOutput};
use aws_sdk_dynamodb::types::error::{ConditionalCheckFailedException, TransactionCanceledException};
use aws_sdk_dynamodb::types::{AttributeValue, CancellationReason};
use aws_smithy_mocks::{MockResponse, Rule, mock};

use super::{Item, State, key_of};

impl State {
    /// The item that stands at a key now.
    pub(super) fn held(&self, key: &Item) -> Option<&Item> {
        self.items.iter().rev().find(|(held, _)| held == key).map(|(_, item)| item)
    }

    /// What a query for a connection's checks or backups finds, for what belongs to a run, or for what is
    /// listed under a key of the index `list`; others find nothing. All of it is one page.
    fn found(&self, input: &QueryInput) -> Vec<Item> {
        let values = input.expression_attribute_values();
        let value = |name: &str| values.and_then(|values| values.get(name)?.as_s().ok()).cloned();
        let text = |item: &Item, name: &str| item.get(name).and_then(|value| value.as_s().ok()).cloned();
        let prefix = [":checks", ":prefix", ":part"].into_iter().find_map(value);
        let (pk, from, to, listed) = (value(":pk"), value(":from"), value(":to"), value(":hash"));
        let is_one = |item: &Item| {
            let sk = text(item, "sk").unwrap_or_default();
            let is_in = match (&prefix, &from, &to) {
                (Some(prefix), ..) => sk.starts_with(prefix),
                (None, Some(from), Some(to)) => (from..=to).contains(&&sk),
                _ => false,
            };
            match (&pk, input.index_name()) {
                (Some(_), _) => is_in && text(item, "pk") == pk,
                (None, Some("list")) => text(item, "list_key") == listed,
                (None, _) => false,
            }
        };
        let mut keys = Vec::new();
        for (key, _) in &self.items {
            if !keys.contains(&key) {
                keys.push(key);
            }
        }
        let held = keys.into_iter().filter_map(|key| self.held(key));
        held.filter(|item| is_one(item)).cloned().collect()
    }

    fn put(&mut self, item: &Item) {
        self.written.push(item.clone());
        self.items.push((key_of(item), item.clone()));
    }

    /// Whether a single write's condition holds: a claim, which wants nothing there, or what the
    /// one who claimed or counted does, which wants to find its own.
    fn admits(&self, key: &Item, condition: Option<&str>, value: impl Fn(&str) -> AttributeValue) -> bool {
        let held = self.held(key);
        match condition {
            Some(free) if free.starts_with("attribute_not_exists(pk)") => held.is_none(),
            Some("#token = :token AND attribute_not_exists(answer_status)") => held.is_some_and(|held| {
                held.get("token") == Some(&value(":token")) && !held.contains_key("answer_status")
            }),
            Some("asked_at = :seen") => {
                held.is_some_and(|held| held.get("asked_at") == Some(&value(":seen")))
            }
            other => panic!("the bench knows no condition {other:?}"),
        }
    }
}

pub(super) fn rules(state: &Arc<Mutex<State>>) -> Vec<Rule> {
    let mut rules = reads(state);
    rules.extend(single_writes(state));
    rules.push(transactions(state));
    rules
}

fn reads(state: &Arc<Mutex<State>>) -> Vec<Rule> {
    let here = Arc::clone(state);
    let get = mock!(Client::get_item).then_compute_response(move |input| {
        let mut state = here.lock().unwrap();
        if let Some(error) = state.fails("GetItem") {
            return MockResponse::Error(GetItemError::generic(error));
        }
        let found = state.held(input.key().unwrap()).cloned();
        MockResponse::Output(GetItemOutput::builder().set_item(found).build())
    });
    let here = Arc::clone(state);
    let batch = mock!(Client::batch_get_item).then_compute_output(move |input| {
        let mut state = here.lock().unwrap();
        state.calls.push("BatchGetItem");
        let mut output = BatchGetItemOutput::builder();
        for (table, wanted) in input.request_items().unwrap() {
            let items = wanted.keys().iter().filter_map(|key| state.held(key).cloned()).collect();
            output = output.responses(table, items);
        }
        output.build()
    });
    let here = Arc::clone(state);
    let query = mock!(Client::query).then_compute_output(move |input| {
        let mut state = here.lock().unwrap();
        state.calls.push("Query");
        state.queries.push(input.clone());
        QueryOutput::builder().set_items(Some(state.found(input))).build()
    });
    vec![get, batch, query]
}

fn single_writes(state: &Arc<Mutex<State>>) -> Vec<Rule> {
    let refusal = |state: &State, key: &Item| {
        let message = "The conditional request failed";
        ConditionalCheckFailedException::builder().message(message).set_item(state.held(key).cloned()).build()
    };
    let here = Arc::clone(state);
    let put = mock!(Client::put_item).then_compute_response(move |input| {
        let mut state = here.lock().unwrap();
        if let Some(error) = state.fails("PutItem") {
            return MockResponse::Error(PutItemError::generic(error));
        }
        let item = input.item().unwrap();
        let values = |name: &str| input.expression_attribute_values().unwrap()[name].clone();
        let key = key_of(item);
        if input.condition_expression().is_some() && !state.admits(&key, input.condition_expression(), values)
        {
            let refusal = refusal(&state, &key);
            return MockResponse::Error(PutItemError::ConditionalCheckFailedException(refusal));
        }
        state.put(item);
        MockResponse::Output(PutItemOutput::builder().build())
    });
    let here = Arc::clone(state);
    let delete = mock!(Client::delete_item).then_compute_response(move |input| {
        let mut state = here.lock().unwrap();
        if let Some(error) = state.fails("DeleteItem") {
            return MockResponse::Error(DeleteItemError::generic(error));
        }
        let key = input.key().unwrap();
        let values = |name: &str| input.expression_attribute_values().unwrap()[name].clone();
        if !state.admits(key, input.condition_expression(), values) {
            let refusal = refusal(&state, key);
            return MockResponse::Error(DeleteItemError::ConditionalCheckFailedException(refusal));
        }
        state.items.retain(|(held, _)| held != key);
        MockResponse::Output(DeleteItemOutput::builder().build())
    });
    vec![put, delete]
}

fn transactions(state: &Arc<Mutex<State>>) -> Rule {
    let here = Arc::clone(state);
    mock!(Client::transact_write_items).then_compute_response(move |input| {
        let mut state = here.lock().unwrap();
        if let Some(error) = state.fails("TransactWriteItems") {
            return MockResponse::Error(TransactWriteItemsError::generic(error));
        }
        if let Some(reasons) = state.refusals.pop_front() {
            let reasons = reasons.iter().map(|code| CancellationReason::builder().code(*code).build());
            let canceled =
                TransactionCanceledException::builder().set_cancellation_reasons(Some(reasons.collect()));
            return MockResponse::Error(TransactWriteItemsError::TransactionCanceledException(
                canceled.build(),
            ));
        }
        for put in input.transact_items().iter().filter_map(|write| write.put()) {
            state.put(put.item());
        }
        MockResponse::Output(TransactWriteItemsOutput::builder().build())
    })
}
