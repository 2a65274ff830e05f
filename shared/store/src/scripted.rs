//! A table for tests: it holds the items it is given, answers writes as it is told, and keeps what
//! it was asked. It judges no condition; what a test says of a refused one, DynamoDB would say.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::config::retry::RetryConfig;
use aws_sdk_dynamodb::error::ErrorMetadata;
use aws_sdk_dynamodb::operation::batch_get_item::BatchGetItemOutput;
use aws_sdk_dynamodb::operation::delete_item::{DeleteItemError, DeleteItemInput, DeleteItemOutput};
use aws_sdk_dynamodb::operation::get_item::GetItemOutput;
use aws_sdk_dynamodb::operation::put_item::{PutItemError, PutItemInput, PutItemOutput};
use aws_sdk_dynamodb::operation::query::{QueryInput, QueryOutput};
use aws_sdk_dynamodb::operation::transact_write_items::{TransactWriteItemsError, TransactWriteItemsOutput};
use aws_sdk_dynamodb::operation::update_item::{UpdateItemError, UpdateItemInput, UpdateItemOutput};
use aws_sdk_dynamodb::types::error::{ConditionalCheckFailedException, TransactionCanceledException};
use aws_sdk_dynamodb::types::{CancellationReason, KeysAndAttributes, TransactWriteItem};
use aws_smithy_mocks::{MockResponse, RuleMode, mock, mock_client};

use crate::Store;
use crate::item::{Item, Key};

/// Why a write is refused, and what the table holds from then on.
type Refused<E> = (E, Vec<(Key, Item)>);

/// Writes of one kind: what becomes of the next ones, and what was sent.
struct Writes<I, E> {
    refusals: VecDeque<Refused<E>>,
    sent: Vec<I>,
}

impl<I, E> Default for Writes<I, E> {
    fn default() -> Self {
        Self { refusals: VecDeque::new(), sent: Vec::new() }
    }
}

impl<I, E> Writes<I, E> {
    /// Takes one write, and says what becomes of it and the table.
    fn take(&mut self, input: I) -> Option<Refused<E>> {
        self.sent.push(input);
        self.refusals.pop_front()
    }
}

#[derive(Default)]
struct State {
    /// By key; the last one counts.
    items: Vec<(Item, Item)>,
    transactions: Writes<Vec<TransactWriteItem>, TransactWriteItemsError>,
    puts: Writes<PutItemInput, PutItemError>,
    updates: Writes<UpdateItemInput, UpdateItemError>,
    deletes: Writes<DeleteItemInput, DeleteItemError>,
    /// What the next update leaves.
    updated: Option<Item>,
    pages: VecDeque<QueryOutput>,
    queries: Vec<QueryInput>,
    left_out: VecDeque<usize>,
    batches: Vec<Vec<Item>>,
}

impl State {
    fn hold(&mut self, items: Vec<(Key, Item)>) {
        self.items.extend(items.into_iter().map(|(key, item)| (key.into_item(), item)));
    }

    fn find(&self, key: &Item) -> Option<Item> {
        self.items.iter().rev().find(|(known, _)| known == key).map(|(_, item)| item.clone())
    }

    /// Answers for these keys, but for as many of them as are to be left out. Source: DynamoDB API
    /// Reference, `BatchGetItem`: at most 100 keys, none twice; items come in any order, those that
    /// do not exist not at all, and what there was no time for is told.
    fn batch(&mut self, mut keys: Vec<Item>) -> BatchGetItemOutput {
        assert!((1..=100).contains(&keys.len()), "{} keys", keys.len());
        assert!(keys.iter().enumerate().all(|(place, key)| !keys[..place].contains(key)), "a key twice");
        self.batches.push(keys.clone());
        let left_out = self.left_out.pop_front().unwrap_or_default();
        let unprocessed = keys.split_off(keys.len().saturating_sub(left_out));
        let items = keys.iter().rev().filter_map(|key| self.find(key)).collect();
        let output = BatchGetItemOutput::builder().responses("table", items);
        if unprocessed.is_empty() {
            return output.set_unprocessed_keys(Some(std::collections::HashMap::new())).build();
        }
        let unprocessed = KeysAndAttributes::builder().set_keys(Some(unprocessed)).build().unwrap();
        output.unprocessed_keys("table", unprocessed).build()
    }
}

/// The table, and a store that knows no other.
pub(crate) struct Scripted {
    pub store: Store,
    state: Arc<Mutex<State>>,
}

impl Scripted {
    pub fn new() -> Self {
        let state: Arc<Mutex<State>> = Arc::default();
        let here = Arc::clone(&state);
        let get = mock!(Client::get_item).then_compute_output(move |input| {
            assert_eq!(input.consistent_read(), Some(true), "what is decided upon is read consistently");
            assert_eq!(input.table_name(), Some("table"));
            let item = input.key().and_then(|key| here.lock().unwrap().find(key));
            GetItemOutput::builder().set_item(item).build()
        });
        let here = Arc::clone(&state);
        let batch = mock!(Client::batch_get_item).then_compute_output(move |input| {
            let request = &input.request_items().unwrap()["table"];
            assert_eq!(request.consistent_read(), Some(true), "what is listed is read consistently");
            here.lock().unwrap().batch(request.keys().to_vec())
        });
        let here = Arc::clone(&state);
        let transact = mock!(Client::transact_write_items).then_compute_response(move |input| {
            let mut state = here.lock().unwrap();
            match state.transactions.take(input.transact_items().to_vec()) {
                Some((error, after)) => {
                    state.hold(after);
                    MockResponse::Error(error)
                }
                None => MockResponse::Output(TransactWriteItemsOutput::builder().build()),
            }
        });
        let here = Arc::clone(&state);
        let put = mock!(Client::put_item).then_compute_response(move |input| {
            let mut state = here.lock().unwrap();
            match state.puts.take(input.clone()) {
                Some((error, after)) => {
                    state.hold(after);
                    MockResponse::Error(error)
                }
                None => MockResponse::Output(PutItemOutput::builder().build()),
            }
        });
        let here = Arc::clone(&state);
        let update = mock!(Client::update_item).then_compute_response(move |input| {
            let mut state = here.lock().unwrap();
            if let Some((error, after)) = state.updates.take(input.clone()) {
                state.hold(after);
                MockResponse::Error(error)
            } else {
                let updated = state.updated.take();
                MockResponse::Output(UpdateItemOutput::builder().set_attributes(updated).build())
            }
        });
        let here = Arc::clone(&state);
        let delete = mock!(Client::delete_item).then_compute_response(move |input| {
            let mut state = here.lock().unwrap();
            match state.deletes.take(input.clone()) {
                Some((error, after)) => {
                    state.hold(after);
                    MockResponse::Error(error)
                }
                None => MockResponse::Output(DeleteItemOutput::builder().build()),
            }
        });
        let here = Arc::clone(&state);
        let query = mock!(Client::query).then_compute_output(move |input| {
            let mut state = here.lock().unwrap();
            state.queries.push(input.clone());
            state.pages.pop_front().unwrap_or_else(|| panic!("one query more than expected: {input:?}"))
        });
        let rules = [&get, &batch, &transact, &put, &update, &delete, &query];
        let client = mock_client!(aws_sdk_dynamodb, RuleMode::MatchAny, rules, |config| {
            config.retry_config(RetryConfig::disabled())
        });
        Self { store: Store::with_client(client, "table"), state }
    }

    /// Puts an item there.
    pub fn hold(&self, key: Key, item: Item) {
        self.state.lock().unwrap().hold(vec![(key, item)]);
    }

    /// Has the next transaction refused, after which the table holds `after` as well.
    pub fn refuse(&self, error: TransactWriteItemsError, after: Vec<(Key, Item)>) {
        self.state.lock().unwrap().transactions.refusals.push_back((error, after));
    }

    /// Has the next `PutItem` refused, after which the table holds `after` as well.
    pub fn refuse_put(&self, error: PutItemError, after: Vec<(Key, Item)>) {
        self.state.lock().unwrap().puts.refusals.push_back((error, after));
    }

    /// Has the next `UpdateItem` refused, after which the table holds `after` as well.
    pub fn refuse_update(&self, error: UpdateItemError, after: Vec<(Key, Item)>) {
        self.state.lock().unwrap().updates.refusals.push_back((error, after));
    }

    /// Has the next `DeleteItem` refused.
    pub fn refuse_delete(&self, error: DeleteItemError) {
        self.state.lock().unwrap().deletes.refusals.push_back((error, vec![]));
    }

    /// Has the next `UpdateItem` answer that it leaves this.
    pub fn leave(&self, item: Item) {
        self.state.lock().unwrap().updated = Some(item);
    }

    /// The `PutItem`s that were sent.
    pub fn puts(&self) -> Vec<PutItemInput> {
        self.state.lock().unwrap().puts.sent.clone()
    }

    /// The `UpdateItem`s that were sent.
    pub fn updates(&self) -> Vec<UpdateItemInput> {
        self.state.lock().unwrap().updates.sent.clone()
    }

    /// The `DeleteItem`s that were sent.
    pub fn deletes(&self) -> Vec<DeleteItemInput> {
        self.state.lock().unwrap().deletes.sent.clone()
    }

    /// Has the next query answered with this page.
    pub fn page(&self, items: Vec<Item>, last_evaluated_key: Option<Item>) {
        let page =
            QueryOutput::builder().set_items(Some(items)).set_last_evaluated_key(last_evaluated_key).build();
        self.state.lock().unwrap().pages.push_back(page);
    }

    /// Has the next `BatchGetItem` leave out so many of its keys.
    pub fn leave_out(&self, keys: usize) {
        self.state.lock().unwrap().left_out.push_back(keys);
    }

    /// The keys that `BatchGetItem`s asked for.
    pub fn batches(&self) -> Vec<Vec<Item>> {
        self.state.lock().unwrap().batches.clone()
    }

    /// The transactions that were sent.
    pub fn sent(&self) -> Vec<Vec<TransactWriteItem>> {
        self.state.lock().unwrap().transactions.sent.clone()
    }

    /// The queries that were sent.
    pub fn queries(&self) -> Vec<QueryInput> {
        self.state.lock().unwrap().queries.clone()
    }
}

/// A transaction that DynamoDB cancelled, with one reason for each of its operations.
pub(crate) fn canceled(codes: &[&str]) -> TransactWriteItemsError {
    let reasons = codes.iter().map(|code| CancellationReason::builder().code(*code).build());
    TransactWriteItemsError::TransactionCanceledException(
        TransactionCanceledException::builder()
            .set_cancellation_reasons(Some(reasons.collect()))
            .meta(coded("TransactionCanceledException"))
            .build(),
    )
}

/// A transaction whose condition at `place` did not hold, of `operations` in all.
pub(crate) fn unmet(place: usize, operations: usize) -> TransactWriteItemsError {
    let mut codes = vec!["None"; operations];
    codes[place] = "ConditionalCheckFailed";
    canceled(&codes)
}

/// An error that DynamoDB answers with before it looks at any operation.
pub(crate) fn answered(code: &str) -> TransactWriteItemsError {
    TransactWriteItemsError::generic(coded(code))
}

/// A write of one item whose condition did not hold, with what it found. Source: DynamoDB API
/// Reference, `PutItem`, `ReturnValuesOnConditionCheckFailure`.
pub(crate) fn found(item: Option<Item>) -> ConditionalCheckFailedException {
    ConditionalCheckFailedException::builder()
        .set_item(item)
        .meta(coded("ConditionalCheckFailedException"))
        .build()
}

/// What says an error's code.
pub(crate) fn coded(code: &str) -> ErrorMetadata {
    ErrorMetadata::builder().code(code).build()
}
