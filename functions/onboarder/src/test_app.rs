//! The onboarder on a bench: a table and a queue that tests see into. It has no IAM and no STS, so
//! that whatever asks them fails; how often somebody was about to is counted.
//!
//! The table keeps what transactions and puts write, and how far work of a connection has come. Other
//! updates of single items are noted and change nothing. Every call is noted in its order.

mod table;

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::sync::{Arc, Mutex};

use access::{Brokers, Grants, Sessions, TrustProbes};
use aws_credential_types::provider::error::CredentialsError;
use aws_credential_types::provider::{ProvideCredentials, SharedCredentialsProvider, future};
use aws_sdk_dynamodb::config::{BehaviorVersion, Region};
use aws_sdk_dynamodb::error::ErrorMetadata;
use aws_sdk_dynamodb::operation::put_item::PutItemInput;
use aws_sdk_dynamodb::types::AttributeValue;
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
    /// What each transaction writes.
    transactions: Vec<Vec<String>>,
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

/// A number attribute.
pub(crate) fn number(value: u64) -> AttributeValue {
    AttributeValue::N(value.to_string())
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
        let dynamodb = mock_client!(aws_sdk_dynamodb, RuleMode::MatchAny, &table::rules(&state), |config| {
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
            look_interval: SignedDuration::from_secs(5),
            cadence: sample::cadence(),
            granting: tokio::sync::Mutex::default(),
        };
        Self { app, state }
    }

    /// Puts what a change leads to into the table, as the store writes it.
    pub async fn hold(&self, change: &Change) {
        self.app.store.create_connection(change, None).await.unwrap();
        self.calls();
        self.transactions();
    }

    /// Puts an item into the table.
    pub fn put<const N: usize>(&self, pk: &str, sk: &str, fields: [(&str, AttributeValue); N]) {
        let key = [("pk", text(pk)), ("sk", text(sk))];
        let item = key.into_iter().chain(fields).map(|(name, value)| (name.to_owned(), value));
        self.state.lock().unwrap().items.push(item.collect());
    }

    /// Has every index hold these, and tells whether there are more.
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

    /// What each transaction has written since this was last asked.
    pub fn transactions(&self) -> Vec<Vec<String>> {
        std::mem::take(&mut self.state.lock().unwrap().transactions)
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
