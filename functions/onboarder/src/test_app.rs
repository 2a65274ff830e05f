//! The onboarder on a bench: a table and a queue that tests see into. It has no IAM and no STS, so
//! that whatever asks them fails; how often somebody was about to is counted.
//!
//! The table keeps what transactions and puts write, and how far work of a connection has come. Other
//! updates of single items are noted and change nothing. Every call is noted in its order.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::sync::{Arc, Mutex};

use access::{Brokers, Grants, Sessions, TrustProbes};
use aws_credential_types::provider::error::CredentialsError;
use aws_credential_types::provider::{ProvideCredentials, SharedCredentialsProvider, future};
use aws_sdk_dynamodb::config::{BehaviorVersion, Region};
use aws_sdk_dynamodb::error::ErrorMetadata;
use aws_sdk_dynamodb::operation::get_item::{GetItemError, GetItemOutput};
use aws_sdk_dynamodb::operation::put_item::{PutItemError, PutItemInput, PutItemOutput};
use aws_sdk_dynamodb::operation::query::QueryOutput;
use aws_sdk_dynamodb::operation::transact_write_items::{TransactWriteItemsError, TransactWriteItemsOutput};
use aws_sdk_dynamodb::operation::update_item::{UpdateItemError, UpdateItemOutput};
use aws_sdk_dynamodb::types::error::{ConditionalCheckFailedException, TransactionCanceledException};
use aws_sdk_dynamodb::types::{AttributeValue, CancellationReason};
use aws_sdk_sqs::operation::change_message_visibility::{
    ChangeMessageVisibilityError, ChangeMessageVisibilityOutput,
};
use aws_sdk_sqs::operation::send_message::{SendMessageError, SendMessageOutput};
use aws_smithy_async::time::SystemTimeSource;
use aws_smithy_mocks::{MockResponse, Rule, RuleMode, mock, mock_client};
use domain::connection::{Change, Occasion, Start};
use domain::message::OnboardingMessage;
use domain::verification::Depth;
use domain::{Actor, Connection, ConnectionId, EventId, VerificationId, grant, sample};
use jiff::{SignedDuration, Timestamp};
use runtime::{SdkConfig, now};
use store::{OnboardingQueue, RunsQueue, Store};

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
    meanwhile: Vec<Item>,
    /// How often somebody wanted to sign a request to IAM or STS.
    signed: usize,
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

    /// The items of a partition whose sort keys begin so, as they are now.
    fn held_below(&self, pk: &AttributeValue, prefix: &str) -> Vec<Item> {
        let is_below =
            |item: &&Item| item["pk"] == *pk && item["sk"].as_s().is_ok_and(|sk| sk.starts_with(prefix));
        let below = self.items.iter().filter(is_below);
        let latest: BTreeMap<_, _> = below.map(|item| (item["sk"].as_s().unwrap(), item)).collect();
        latest.into_values().cloned().collect()
    }

    /// Whether the condition under which checks are put holds: that no later verification was there,
    /// and this one has not written as much.
    fn may_put(&self, input: &PutItemInput) -> bool {
        let condition = input.condition_expression().unwrap_or_default();
        if !condition.ends_with("OR (verification_id = :id AND asked < :asked)") {
            return true;
        }
        let place = |id: &AttributeValue, asked: &AttributeValue| {
            (id.as_s().unwrap().clone(), asked.as_n().unwrap().parse::<u32>().unwrap())
        };
        let values = input.expression_attribute_values().unwrap();
        let ours = place(&values[":id"], &values[":asked"]);
        self.held(input.item().unwrap())
            .is_none_or(|held| place(&held["verification_id"], &held["asked"]) < ours)
    }
}

/// Credentials that nobody has, and a note of who asked for them.
#[derive(Clone)]
struct NoCredentials(Arc<Mutex<State>>);

impl fmt::Debug for NoCredentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("NoCredentials")
    }
}

impl ProvideCredentials for NoCredentials {
    fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        self.0.lock().unwrap().signed += 1;
        future::ProvideCredentials::ready(Err(CredentialsError::not_loaded("the bench has none")))
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
            .credentials_provider(SharedCredentialsProvider::new(NoCredentials(Arc::clone(&state))))
            .time_source(SystemTimeSource::new())
            .build();
        let app = App {
            store: Store::with_client(dynamodb, "table"),
            queue: OnboardingQueue::with_client(sqs.clone(), "https://queue"),
            runs: RunsQueue::with_client(sqs, "https://runs"),
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

    /// Has somebody else write what a change leads to just before the next put is judged.
    pub async fn meanwhile(&self, change: &Change) {
        let before = self.state.lock().unwrap().items.len();
        self.hold(change).await;
        let mut state = self.state.lock().unwrap();
        state.meanwhile = state.items.split_off(before);
    }

    /// How often somebody was about to ask IAM or STS.
    pub fn times_signed(&self) -> usize {
        self.state.lock().unwrap().signed
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

    /// The kinds of the events of a connection, in the order in which they were written.
    pub fn events(&self, id: ConnectionId) -> Vec<String> {
        let state = self.state.lock().unwrap();
        let pk = text(format!("CONNECTION#{id}"));
        let events = state.items.iter().filter(|item| item["pk"] == pk && is_event(item));
        events.map(|item| item["type"].as_s().unwrap().clone()).collect()
    }

    /// The connection as the table has it.
    pub async fn connection(&self, id: ConnectionId) -> Connection {
        let connection = self.app.store.connection(id).await.unwrap();
        self.state.lock().unwrap().calls.pop();
        connection
    }
}

fn is_event(item: &Item) -> bool {
    item["sk"].as_s().is_ok_and(|sk| sk.starts_with("EVENT#"))
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
        if told == "SET verification = :value, revision = :next" {
            let values = input.expression_attribute_values().unwrap();
            found.insert("verification".to_owned(), values[":value"].clone());
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
