//! The onboarder on a bench: a table and a queue that tests see into. It has no IAM and no STS, so
//! that whatever asks them fails.
//!
//! The table keeps what transactions and puts write. Updates of single attributes are noted and
//! change nothing. Every call is noted in its order.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use access::{Brokers, Grants, Sessions, TrustProbes};
use aws_sdk_dynamodb::config::{BehaviorVersion, Region};
use aws_sdk_dynamodb::error::ErrorMetadata;
use aws_sdk_dynamodb::operation::get_item::{GetItemError, GetItemOutput};
use aws_sdk_dynamodb::operation::put_item::PutItemOutput;
use aws_sdk_dynamodb::operation::query::QueryOutput;
use aws_sdk_dynamodb::operation::transact_write_items::{TransactWriteItemsError, TransactWriteItemsOutput};
use aws_sdk_dynamodb::operation::update_item::{UpdateItemError, UpdateItemOutput};
use aws_sdk_dynamodb::types::error::{ConditionalCheckFailedException, TransactionCanceledException};
use aws_sdk_dynamodb::types::{AttributeValue, CancellationReason};
use aws_sdk_sqs::operation::change_message_visibility::{
    ChangeMessageVisibilityError, ChangeMessageVisibilityOutput,
};
use aws_sdk_sqs::operation::send_message::{SendMessageError, SendMessageOutput};
use aws_smithy_mocks::{MockResponse, Rule, RuleMode, mock, mock_client};
use domain::connection::{Change, Occasion, Start};
use domain::message::OnboardingMessage;
use domain::verification::Depth;
use domain::{Actor, Connection, ConnectionId, EventId, VerificationId, grant, sample};
use jiff::{SignedDuration, Timestamp};
use runtime::{SdkConfig, now};
use store::{OnboardingQueue, Store};

use crate::App;

pub(crate) const ROLE: &str = "arn:aws:iam::222222222222:role/one";

pub(crate) type Item = HashMap<String, AttributeValue>;

#[derive(Default)]
struct State {
    items: Vec<Item>,
    due: Vec<Item>,
    more: bool,
    calls: Vec<&'static str>,
    messages: Vec<(OnboardingMessage, i32)>,
    rests: Vec<(String, i32)>,
    updates: Vec<String>,
    failing: Option<(&'static str, &'static str)>,
}

impl State {
    /// Notes the call, and the error code it is to fail with.
    fn fails(&mut self, call: &'static str) -> Option<ErrorMetadata> {
        self.calls.push(call);
        let (_, code) = self.failing.filter(|(failing, _)| *failing == call)?;
        Some(ErrorMetadata::builder().code(code).build())
    }

    fn held(&self, key: &Item) -> Option<Item> {
        let mut items = self.items.iter().rev();
        items.find(|item| item["pk"] == key["pk"] && item["sk"] == key["sk"]).cloned()
    }
}

/// The onboarder, and what it did.
pub(crate) struct Bench {
    pub app: App,
    state: Arc<Mutex<State>>,
}

/// A string attribute.
pub(crate) fn text(value: impl Into<String>) -> AttributeValue {
    AttributeValue::S(value.into())
}

/// Something that somebody does now.
pub(crate) fn occasion() -> Occasion {
    Occasion { now: now(), actor: Actor::Drawbridge, event_id: EventId::new(now(), [7; 10]) }
}

/// A connection whose role's verification began at `at`, with five minutes.
pub(crate) fn verifying(at: Timestamp) -> Change {
    let start = Start {
        id: VerificationId::new(at, [8; 10]),
        deadline: at + SignedDuration::from_mins(5),
        depth: Depth::Full,
    };
    let occasion = Occasion { now: at, ..occasion() };
    let connection = sample::created().connection;
    connection.submit_role(ROLE.parse().unwrap(), &sample::deployment(), start, occasion).unwrap().unwrap()
}

impl Bench {
    pub fn new() -> Self {
        let state: Arc<Mutex<State>> = Arc::default();
        let dynamodb = mock_client!(aws_sdk_dynamodb, RuleMode::MatchAny, &table(&state), |config| {
            config.retry_config(aws_sdk_dynamodb::config::retry::RetryConfig::disabled())
        });
        let sqs = mock_client!(aws_sdk_sqs, RuleMode::MatchAny, &queue(&state), |config| {
            config.retry_config(aws_sdk_sqs::config::retry::RetryConfig::disabled())
        });
        let nowhere = SdkConfig::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new("eu-central-1"))
            .build();
        let app = App {
            store: Store::with_client(dynamodb, "table"),
            queue: OnboardingQueue::with_client(sqs, "https://queue"),
            grants: Grants::new(&nowhere, sample::deployment()),
            probes: TrustProbes::new(Brokers::new(nowhere.clone(), sample::deployment()), now),
            sessions: Sessions::new(Brokers::new(nowhere.clone(), sample::deployment())),
            capacity: grant::Capacity { brokers: 1, per_broker: 10, characters: 6144 },
            rounds: 2,
            agreement_interval: SignedDuration::from_secs(15),
            propagation_deadline: SignedDuration::from_mins(5),
            cadence: sample::cadence(),
            granting: tokio::sync::Mutex::default(),
        };
        Self { app, state }
    }

    /// Puts what a change leads to into the table, as the store writes it.
    pub async fn hold(&self, change: &Change) {
        self.app.store.create_connection(change, None).await.unwrap();
        self.calls();
    }

    /// Puts an item into the table.
    pub fn put<const N: usize>(&self, pk: &str, sk: &str, fields: [(&str, AttributeValue); N]) {
        let key = [("pk", text(pk)), ("sk", text(sk))];
        let item = key.into_iter().chain(fields).map(|(name, value)| (name.to_owned(), value));
        self.state.lock().unwrap().items.push(item.collect());
    }

    /// Has the index of what is due hold these, and tells whether there are more.
    pub fn due(&self, places: &[(ConnectionId, Timestamp)], more: bool) {
        let entry = |(id, at): &(ConnectionId, Timestamp)| {
            let fields = [
                ("pk", text(format!("CONNECTION#{id}"))),
                ("sk", text("META")),
                ("due_key", text("due")),
                ("due_at", text(at.to_string())),
            ];
            fields.map(|(name, value)| (name.to_owned(), value)).into()
        };
        let mut state = self.state.lock().unwrap();
        state.due = places.iter().map(entry).collect();
        state.more = more;
    }

    /// Has this operation of AWS's fail with this code. A condition fails as
    /// `ConditionalCheckFailedException`.
    pub fn fail(&self, operation: &'static str, code: &'static str) {
        self.state.lock().unwrap().failing = Some((operation, code));
    }

    /// What AWS was asked, in order; and forgets it.
    pub fn calls(&self) -> Vec<&'static str> {
        std::mem::take(&mut self.state.lock().unwrap().calls)
    }

    /// The messages that were sent, with their delays in seconds.
    pub fn messages(&self) -> Vec<(OnboardingMessage, i32)> {
        self.state.lock().unwrap().messages.clone()
    }

    /// Receipts of messages that are to be delivered again, and after how many seconds.
    pub fn rests(&self) -> Vec<(String, i32)> {
        self.state.lock().unwrap().rests.clone()
    }

    /// The updates of single items, as expressions with the names that they are about.
    pub fn updates(&self) -> Vec<String> {
        self.state.lock().unwrap().updates.clone()
    }

    /// The connection as the table has it.
    pub async fn connection(&self, id: ConnectionId) -> Connection {
        let connection = self.app.store.connection(id).await.unwrap();
        self.state.lock().unwrap().calls.pop();
        connection
    }
}

fn table(state: &Arc<Mutex<State>>) -> Vec<Rule> {
    use aws_sdk_dynamodb::Client;
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
    let query = mock!(Client::query).then_compute_output(move |_| {
        let mut state = here.lock().unwrap();
        state.calls.push("Query");
        let last = state.due.last().cloned().filter(|_| state.more);
        QueryOutput::builder().set_items(Some(state.due.clone())).set_last_evaluated_key(last).build()
    });
    let here = Arc::clone(state);
    let put = mock!(Client::put_item).then_compute_output(move |input| {
        let mut state = here.lock().unwrap();
        state.calls.push("PutItem");
        state.items.push(input.item().unwrap().clone());
        PutItemOutput::builder().build()
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
        state.updates.push(told);
        let found = state.held(input.key().unwrap()).unwrap_or_default();
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
        let puts = input.transact_items().iter().filter_map(|write| write.put());
        state.items.extend(puts.map(|put| put.item().clone()));
        MockResponse::Output(TransactWriteItemsOutput::builder().build())
    });
    vec![get, query, put, update, transact]
}

fn queue(state: &Arc<Mutex<State>>) -> Vec<Rule> {
    use aws_sdk_sqs::Client;
    let here = Arc::clone(state);
    let send = mock!(Client::send_message).then_compute_response(move |input| {
        let mut state = here.lock().unwrap();
        if let Some(error) = state.fails("SendMessage") {
            return MockResponse::Error(SendMessageError::generic(error));
        }
        let message = serde_json::from_str(input.message_body().unwrap()).unwrap();
        state.messages.push((message, input.delay_seconds().unwrap()));
        MockResponse::Output(SendMessageOutput::builder().build())
    });
    let here = Arc::clone(state);
    let rest = mock!(Client::change_message_visibility).then_compute_response(move |input| {
        let mut state = here.lock().unwrap();
        if let Some(error) = state.fails("ChangeMessageVisibility") {
            return MockResponse::Error(ChangeMessageVisibilityError::generic(error));
        }
        let receipt = input.receipt_handle().unwrap().to_owned();
        state.rests.push((receipt, input.visibility_timeout().unwrap()));
        MockResponse::Output(ChangeMessageVisibilityOutput::builder().build())
    });
    vec![send, rest]
}
