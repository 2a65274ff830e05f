//! A table for tests: it holds the items it is given, answers writes as it is told, and keeps what
//! it was asked. It judges no condition; what a test says of a refused one, DynamoDB would say.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::config::retry::RetryConfig;
use aws_sdk_dynamodb::error::ErrorMetadata;
use aws_sdk_dynamodb::operation::batch_get_item::BatchGetItemOutput;
use aws_sdk_dynamodb::operation::get_item::GetItemOutput;
use aws_sdk_dynamodb::operation::query::{QueryInput, QueryOutput};
use aws_sdk_dynamodb::operation::transact_write_items::{TransactWriteItemsError, TransactWriteItemsOutput};
use aws_sdk_dynamodb::types::error::TransactionCanceledException;
use aws_sdk_dynamodb::types::{CancellationReason, TransactWriteItem};
use aws_smithy_mocks::{MockResponse, RuleMode, mock, mock_client};

use crate::Store;
use crate::item::{Item, Key, key_of};

/// Why a transaction is refused, and what the table holds from then on.
type Refused = (TransactWriteItemsError, Vec<(Key, Item)>);

#[derive(Default)]
struct State {
    /// By key; the last one counts.
    items: Vec<(Item, Item)>,
    refusals: VecDeque<Refused>,
    sent: Vec<Vec<TransactWriteItem>>,
    pages: VecDeque<QueryOutput>,
    queries: Vec<QueryInput>,
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
            let state = here.lock().unwrap();
            let item = input.key().and_then(|key| state.items.iter().rev().find(|(known, _)| known == key));
            GetItemOutput::builder().set_item(item.map(|(_, item)| item.clone())).build()
        });
        let here = Arc::clone(&state);
        let transact = mock!(Client::transact_write_items).then_compute_response(move |input| {
            let mut state = here.lock().unwrap();
            state.sent.push(input.transact_items().to_vec());
            match state.refusals.pop_front() {
                Some((error, after)) => {
                    state.items.extend(after.into_iter().map(|(key, item)| (key.into_item(), item)));
                    MockResponse::Error(error)
                }
                None => MockResponse::Output(TransactWriteItemsOutput::builder().build()),
            }
        });
        let here = Arc::clone(&state);
        let query = mock!(Client::query).then_compute_output(move |input| {
            let mut state = here.lock().unwrap();
            state.queries.push(input.clone());
            state.pages.pop_front().unwrap_or_else(|| panic!("one query more than expected: {input:?}"))
        });
        let here = Arc::clone(&state);
        let batch = mock!(Client::batch_get_item).then_compute_output(move |input| {
            let request = &input.request_items().unwrap()["table"];
            assert_eq!(request.consistent_read(), Some(true), "what is decided upon is read consistently");
            let state = here.lock().unwrap();
            let found = request.keys().iter().filter_map(|wanted| {
                let item = state.items.iter().rev().find(|(known, _)| known == wanted);
                item.map(|(_, item)| item.clone())
            });
            // DynamoDB answers in no order.
            let found: Vec<Item> = found.collect::<Vec<_>>().into_iter().rev().collect();
            BatchGetItemOutput::builder().responses("table", found).build()
        });
        let client =
            mock_client!(aws_sdk_dynamodb, RuleMode::MatchAny, [&get, &transact, &query, &batch], |config| {
                config.retry_config(RetryConfig::disabled())
            });
        Self { store: Store::with_client(client, "table"), state }
    }

    /// Puts an item there.
    pub fn hold(&self, key: Key, item: Item) {
        self.state.lock().unwrap().items.push((key.into_item(), item));
    }

    /// Has the next transaction refused, after which the table holds `after` as well.
    pub fn refuse(&self, error: TransactWriteItemsError, after: Vec<(Key, Item)>) {
        self.state.lock().unwrap().refusals.push_back((error, after));
    }

    /// Has the next query answered with this page.
    pub fn page(&self, items: Vec<Item>, last_evaluated_key: Option<Item>) {
        // What an index tells of is in the table.
        let known = items.iter().filter_map(|item| Some((key_of(item)?, item.clone())));
        self.state.lock().unwrap().items.extend(known);
        let page =
            QueryOutput::builder().set_items(Some(items)).set_last_evaluated_key(last_evaluated_key).build();
        self.state.lock().unwrap().pages.push_back(page);
    }

    /// The transactions that were sent.
    pub fn sent(&self) -> Vec<Vec<TransactWriteItem>> {
        self.state.lock().unwrap().sent.clone()
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
            .meta(ErrorMetadata::builder().code("TransactionCanceledException").build())
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
    TransactWriteItemsError::generic(ErrorMetadata::builder().code(code).build())
}
