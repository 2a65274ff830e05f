//! The API on a bench: its router, and behind it a table and a queue that tests see into.
//!
//! The table keeps what is written. It judges the conditions of single writes, which claims and
//! counts need, and refuses those transactions that it is told to. Every call to AWS is noted in
//! its order.

mod table;

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex};

use aws_sdk_dynamodb::error::ErrorMetadata;
use aws_sdk_dynamodb::operation::query::QueryInput;
use aws_sdk_dynamodb::types::AttributeValue;
use aws_sdk_sqs::operation::send_message::{SendMessageError, SendMessageOutput};
use aws_smithy_mocks::{MockResponse, RuleMode, mock, mock_client};
use axum::Router;
use axum::body::Body;
use axum::http::{HeaderMap, Method, Request, StatusCode};
use domain::Deployment;
use http_body_util::BodyExt as _;
use jiff::SignedDuration;
use lambda_http::aws_lambda_events::apigw::ApiGatewayV2httpRequestContext;
use lambda_http::request::RequestContext;
use serde_json::{Value, json};
use store::{OnboardingQueue, RunsQueue, Store};
use tower::ServiceExt as _;

use crate::App;

pub(crate) const OPERATOR: &str = "arn:aws:sts::111111111111:assumed-role/operators/ann";
pub(crate) const REQUEST_ID: &str = "the-request";
pub(crate) const PUBLIC_URL: &str = "https://drawbridge.example";
/// A name that would be harmful if it were not escaped.
pub(crate) const PROVIDER: &str = "<script>alert('1')</script> & \"Söhne\"";
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
    /// For what other functions write.
    pub store: Store,
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
    /// The body as it came.
    pub text: String,
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
        Self::with_invites_for(SignedDuration::from_hours(7 * 24))
    }

    /// The same, with invites that are in force for so long.
    pub fn with_invites_for(invite_lifetime: SignedDuration) -> Self {
        let state: Arc<Mutex<State>> = Arc::default();
        let rules = table::rules(&state);
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
        let brand = runtime::Environment::new(&|name| match name {
            "PROVIDER_NAME" => Some(PROVIDER.to_owned()),
            "PROVIDER_COLOUR" => Some("#ffdd00".to_owned()),
            _ => None,
        });
        let app = App {
            store: Store::with_client(dynamodb, "table"),
            queue: OnboardingQueue::with_client(sqs.clone(), "https://queue"),
            runs: RunsQueue::with_client(sqs, "https://runs"),
            deployment: Arc::new(Deployment {
                partition: domain::Partition::Aws,
                provider: "111111111111".parse().unwrap(),
                region: "eu-central-1".parse().unwrap(),
                customer_template_url: None,
            }),
            propagation_deadline: SignedDuration::from_mins(5),
            capacity: domain::grant::Capacity { brokers: 1, per_broker: 10, characters: 6144 },
            look_lifetime: SignedDuration::from_hours(1),
            invite_lifetime,
            public_url: PUBLIC_URL.into(),
            site: Arc::new(crate::Site::new(crate::brand::Brand::from_environment(&brand).unwrap())),
        };
        Self { store: app.store.clone(), router: crate::router(app), state }
    }

    /// Has this operation of AWS's fail with this code.
    pub fn fail(&self, operation: &'static str, code: &'static str) {
        self.state.lock().unwrap().failing = Some((operation, code));
    }

    /// Has the next transaction cancelled for these reasons.
    pub fn refuse(&self, reasons: &[&'static str]) {
        self.state.lock().unwrap().refusals.push_back(reasons.to_vec());
    }

    /// Has everything work again.
    pub fn mend(&self) {
        self.state.lock().unwrap().failing = None;
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
            text: String::from_utf8_lossy(&bytes).into_owned(),
        }
    }

    /// Gives the connection at this path these attributes.
    pub fn rewrite(&self, path: &str, attributes: impl IntoIterator<Item = (&'static str, AttributeValue)>) {
        let id = path.rsplit('/').next().unwrap();
        let mut item = self.item(&format!("CONNECTION#{id}"), "META").unwrap();
        item.extend(attributes.into_iter().map(|(name, value)| (name.to_owned(), value)));
        self.hold(item);
    }

    /// The item that stands at a key now.
    pub fn item(&self, pk: &str, sk: &str) -> Option<Item> {
        let key = Item::from([("pk".to_owned(), text(pk)), ("sk".to_owned(), text(sk))]);
        self.state.lock().unwrap().held(&key).cloned()
    }

    /// Sends a request as an operator, with this text as its body.
    pub async fn operator(&self, method: &str, path: &str, body: impl Into<Body>) -> Answer {
        self.operator_with(method, path, &[], body).await
    }

    /// The same with these headers.
    pub async fn operator_with(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: impl Into<Body>,
    ) -> Answer {
        let mut request = request(method, path, headers, body);
        request.extensions_mut().insert(context(&json!({"iam": {"userArn": OPERATOR}})));
        self.send(request).await
    }

    /// Sends a request as somebody whom no authorizer let in.
    pub async fn anybody(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: impl Into<Body>,
    ) -> Answer {
        let mut request = request(method, path, headers, body);
        request.extensions_mut().insert(context(&Value::Null));
        self.send(request).await
    }

    /// Makes a customer and a connection of theirs, and returns the connection's path.
    pub async fn connection(&self) -> String {
        self.invited().await.0
    }

    /// Makes one that is for backups in two Regions and in this state, and returns its path.
    pub async fn backed_up(&self, state: &str) -> String {
        let path = self.connection().await;
        let scope = r#"{"capabilities":["dynamodb-backup"],"regions":["eu-central-1","eu-west-1"]}"#;
        self.operator("PATCH", &path, scope).await;
        self.rewrite(&path, [("state", text(state))]);
        self.calls();
        path
    }

    /// The same, and the path that the customer's link leads to.
    pub async fn invited(&self) -> (String, String) {
        let customer = self.operator("POST", "/v1/customers", r#"{"name":"Customer"}"#).await;
        let path = format!("/v1/customers/{}/connections", customer.body["customer_id"].as_str().unwrap());
        let body = r#"{"capabilities":["ec2-observe"],"regions":["eu-central-1"]}"#;
        let connection = self.operator("POST", &path, body).await;
        assert_eq!(connection.status, StatusCode::CREATED, "{connection:?}");
        self.calls();
        let link = connection.body["invite_url"].as_str().unwrap();
        (
            format!("/v1/connections/{}", connection.body["connection_id"].as_str().unwrap()),
            link.strip_prefix(PUBLIC_URL).unwrap().to_owned(),
        )
    }
}

/// A string attribute.
pub(crate) fn text(value: &str) -> AttributeValue {
    AttributeValue::S(value.to_owned())
}

fn request(method: &str, path: &str, headers: &[(&str, &str)], body: impl Into<Body>) -> Request<Body> {
    let request = Request::builder().method(Method::from_bytes(method.as_bytes()).unwrap()).uri(path);
    let request = headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
    request.body(body.into()).unwrap()
}
