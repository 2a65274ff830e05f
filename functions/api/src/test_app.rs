//! The API on a bench: its router, and behind it a table and a queue that tests see into.
//!
//! The table keeps what is written and refuses what it is told to; it judges no condition. Every
//! call to AWS is noted in its order.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex};

use aws_sdk_dynamodb::error::ErrorMetadata;
use aws_sdk_dynamodb::operation::get_item::{GetItemError, GetItemOutput};
use aws_sdk_dynamodb::operation::put_item::PutItemOutput;
use aws_sdk_dynamodb::operation::query::{QueryInput, QueryOutput};
use aws_sdk_dynamodb::operation::transact_write_items::{TransactWriteItemsError, TransactWriteItemsOutput};
use aws_sdk_dynamodb::types::error::TransactionCanceledException;
use aws_sdk_dynamodb::types::{AttributeValue, CancellationReason};
use aws_sdk_sqs::operation::send_message::{SendMessageError, SendMessageOutput};
use aws_smithy_mocks::{MockResponse, Rule, RuleMode, mock, mock_client};
use axum::Router;
use axum::body::Body;
use axum::http::{HeaderMap, Method, Request, StatusCode};
use domain::Deployment;
use http_body_util::BodyExt as _;
use jiff::SignedDuration;
use lambda_http::aws_lambda_events::apigw::ApiGatewayV2httpRequestContext;
use lambda_http::request::RequestContext;
use serde_json::{Value, json};
use store::{OnboardingQueue, Store};
use tower::ServiceExt as _;

use crate::App;

pub(crate) const OPERATOR: &str = "arn:aws:sts::111111111111:assumed-role/operators/ann";
pub(crate) const REQUEST_ID: &str = "the-request";
/// What AWS's errors say here, and no caller is to read.
pub(crate) const MARKER: &str = "internal-host-10-0-0-1";

pub(crate) type Item = HashMap<String, AttributeValue>;

#[derive(Default)]
struct State {
    items: Vec<(Item, Item)>,
    calls: Vec<&'static str>,
    messages: Vec<(String, i32)>,
    queries: Vec<QueryInput>,
    written: Vec<Item>,
    refusals: VecDeque<Vec<&'static str>>,
    failing: Option<(&'static str, &'static str)>,
}

impl State {
    /// Notes the call, and the error code it is to fail with.
    fn fails(&mut self, call: &'static str) -> Option<ErrorMetadata> {
        self.calls.push(call);
        let (_, code) = self.failing.filter(|(failing, _)| *failing == call)?;
        Some(ErrorMetadata::builder().code(code).message(MARKER).build())
    }
}

/// The API, and what it did.
pub(crate) struct Bench {
    router: Router,
    state: Arc<Mutex<State>>,
}

/// What a caller got.
#[derive(Debug)]
pub(crate) struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    /// Null where the body is no JSON.
    pub body: Value,
}

impl Answer {
    pub fn code(&self) -> &str {
        self.body["code"].as_str().unwrap_or_default()
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }

    /// The pointers and codes of the fields at fault.
    pub fn errors(&self) -> Vec<(&str, &str)> {
        let errors = self.body["errors"].as_array().map_or(&[][..], Vec::as_slice);
        errors
            .iter()
            .map(|error| (error["pointer"].as_str().unwrap(), error["code"].as_str().unwrap()))
            .collect()
    }
}

/// API Gateway's account of a request, with this authorizer.
pub(crate) fn context(authorizer: &Value) -> RequestContext {
    let context = json!({
        "requestId": REQUEST_ID,
        "timeEpoch": 0,
        "http": {"method": "GET"},
        "authorizer": authorizer,
    });
    let context: ApiGatewayV2httpRequestContext = serde_json::from_value(context).unwrap();
    RequestContext::ApiGatewayV2(context)
}

fn key_of(item: &Item) -> Item {
    ["pk", "sk"].iter().map(|name| ((*name).to_owned(), item[*name].clone())).collect()
}

impl Bench {
    pub fn new() -> Self {
        let state: Arc<Mutex<State>> = Arc::default();
        let rules = dynamodb_rules(&state);
        let dynamodb = mock_client!(aws_sdk_dynamodb, RuleMode::MatchAny, &rules, |config| {
            config.retry_config(aws_sdk_dynamodb::config::retry::RetryConfig::disabled())
        });
        let here = Arc::clone(&state);
        let send = mock!(aws_sdk_sqs::Client::send_message).then_compute_response(move |input| {
            let mut state = here.lock().unwrap();
            if let Some(error) = state.fails("SendMessage") {
                return MockResponse::Error(SendMessageError::generic(error));
            }
            let body = input.message_body().unwrap().to_owned();
            state.messages.push((body, input.delay_seconds().unwrap()));
            MockResponse::Output(SendMessageOutput::builder().build())
        });
        let sqs = mock_client!(aws_sdk_sqs, RuleMode::MatchAny, [&send], |config| {
            config.retry_config(aws_sdk_sqs::config::retry::RetryConfig::disabled())
        });
        let app = App {
            store: Store::with_client(dynamodb, "table"),
            queue: OnboardingQueue::with_client(sqs, "https://queue"),
            deployment: Arc::new(Deployment {
                partition: domain::Partition::Aws,
                provider: "111111111111".parse().unwrap(),
                region: "eu-central-1".parse().unwrap(),
                customer_template_url: None,
            }),
            propagation_deadline: SignedDuration::from_mins(5),
            capacity: domain::grant::Capacity { brokers: 1, per_broker: 10, characters: 6144 },
            invite_lifetime: SignedDuration::from_hours(7 * 24),
            public_url: "https://drawbridge.example".into(),
        };
        Self { router: crate::router(app), state }
    }

    /// Has this operation of AWS's fail with this code.
    pub fn fail(&self, operation: &'static str, code: &'static str) {
        self.state.lock().unwrap().failing = Some((operation, code));
    }

    /// Has the next transaction cancelled for these reasons.
    pub fn refuse(&self, reasons: &[&'static str]) {
        self.state.lock().unwrap().refusals.push_back(reasons.to_vec());
    }

    /// Puts an item into the table.
    pub fn hold(&self, item: Item) {
        self.state.lock().unwrap().items.push((key_of(&item), item));
    }

    /// What AWS was asked, in order; and forgets it.
    pub fn calls(&self) -> Vec<&'static str> {
        std::mem::take(&mut self.state.lock().unwrap().calls)
    }

    /// The messages that were sent, with their delays in seconds.
    pub fn messages(&self) -> Vec<(String, i32)> {
        self.state.lock().unwrap().messages.clone()
    }

    pub fn queries(&self) -> Vec<QueryInput> {
        self.state.lock().unwrap().queries.clone()
    }

    /// Every item that was written, in order.
    pub fn written(&self) -> Vec<Item> {
        self.state.lock().unwrap().written.clone()
    }

    /// Sends a request as it is.
    pub async fn send(&self, request: Request<Body>) -> Answer {
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let bytes = body.collect().await.unwrap().to_bytes();
        Answer {
            status: parts.status,
            headers: parts.headers,
            body: serde_json::from_slice(&bytes).unwrap_or_default(),
        }
    }

    /// Sends a request as an operator, with this text as its body.
    pub async fn operator(&self, method: &str, path: &str, body: impl Into<Body>) -> Answer {
        let request = Request::builder()
            .method(Method::from_bytes(method.as_bytes()).unwrap())
            .uri(path)
            .extension(context(&json!({"iam": {"userArn": OPERATOR}})))
            .body(body.into())
            .unwrap();
        self.send(request).await
    }

    /// Makes a customer and a connection of theirs, and returns the connection's path.
    pub async fn connection(&self) -> String {
        let customer = self.operator("POST", "/v1/customers", r#"{"name":"Customer"}"#).await;
        let path = format!("/v1/customers/{}/connections", customer.body["customer_id"].as_str().unwrap());
        let body = r#"{"capabilities":["ec2-observe"],"regions":["eu-central-1"]}"#;
        let connection = self.operator("POST", &path, body).await;
        assert_eq!(connection.status, StatusCode::CREATED, "{connection:?}");
        self.calls();
        format!("/v1/connections/{}", connection.body["connection_id"].as_str().unwrap())
    }
}

fn dynamodb_rules(state: &Arc<Mutex<State>>) -> Vec<Rule> {
    use aws_sdk_dynamodb::Client;
    let here = Arc::clone(state);
    let get = mock!(Client::get_item).then_compute_response(move |input| {
        let mut state = here.lock().unwrap();
        if let Some(error) = state.fails("GetItem") {
            return MockResponse::Error(GetItemError::generic(error));
        }
        let found = state.items.iter().rev().find(|(key, _)| Some(key) == input.key());
        let found = found.map(|(_, item)| item.clone());
        MockResponse::Output(GetItemOutput::builder().set_item(found).build())
    });
    let here = Arc::clone(state);
    let put = mock!(Client::put_item).then_compute_output(move |input| {
        let mut state = here.lock().unwrap();
        state.calls.push("PutItem");
        let item = input.item().unwrap().clone();
        state.written.push(item.clone());
        state.items.push((key_of(&item), item));
        PutItemOutput::builder().build()
    });
    let here = Arc::clone(state);
    let query = mock!(Client::query).then_compute_output(move |input| {
        let mut state = here.lock().unwrap();
        state.calls.push("Query");
        state.queries.push(input.clone());
        QueryOutput::builder().set_items(Some(Vec::new())).build()
    });
    let here = Arc::clone(state);
    let transact = mock!(Client::transact_write_items).then_compute_response(move |input| {
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
            state.written.push(put.item().clone());
            state.items.push((key_of(put.item()), put.item().clone()));
        }
        MockResponse::Output(TransactWriteItemsOutput::builder().build())
    });
    vec![get, put, query, transact]
}
