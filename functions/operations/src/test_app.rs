//! These routes with AWS below the SDK, for tests: a table that keeps what is put into it, STS as a test
//! scripts it, and one list of what was asked of both, in order.

mod aws;

use std::sync::{Arc, Mutex};

use access::{Brokers, Sessions};
use aws::Aws;
use axum::body::Body;
use axum::http::{HeaderMap, Request, StatusCode};
use domain::connection::Change;
use domain::grant::Shard;
use domain::sample::{created, deployment, submitted};
use domain::{Capability, CapabilitySet, Connection, ConnectionState};
use http_body_util::BodyExt as _;
use jiff::SignedDuration;
use lambda_http::request::RequestContext;
use serde_json::{Value, json};
use store::{JobsQueue, Store};
use tower::ServiceExt as _;

use crate::app::App;

pub(crate) use aws::{Call, ROLE, Sts, refusal};

/// Whoever asks.
pub(crate) const OPERATOR: &str = "arn:aws:iam::111111111111:user/operator";

/// What a caller got.
#[derive(Debug)]
pub(crate) struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: Value,
}

impl Answer {
    /// The status and the code of a problem.
    pub fn problem(&self) -> (u16, &str) {
        (self.status.as_u16(), self.body["code"].as_str().unwrap_or_default())
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

/// The routes, with one connection.
pub(crate) struct TestApp {
    router: axum::Router,
    /// The table.
    pub store: Store,
    aws: Arc<Mutex<Aws>>,
    /// Whose account it is about.
    pub connection: Connection,
}

/// An accepted connection for starting and stopping instances, in one Region.
pub(crate) fn active() -> Connection {
    Connection {
        state: ConnectionState::Active,
        shard: Shard::new(1),
        capabilities: CapabilitySet::new([Capability::Ec2Power]).unwrap(),
        ..submitted(&created().connection, ROLE).connection
    }
}

impl TestApp {
    /// With this connection, and STS that answers so about its role.
    pub async fn new(connection: Connection, sts: Sts) -> Self {
        let aws = Arc::new(Mutex::new(Aws { sts, ..Aws::default() }));
        let config = aws::config(&aws);
        let store = Store::new(&config, "table");
        let change = Change { connection: connection.clone(), ..created() };
        store.create_connection(&change, None).await.unwrap();
        aws.lock().unwrap().asked.clear();
        let queue = JobsQueue::new(&config, "https://queue");
        let sessions = Arc::new(Sessions::new(Brokers::new(config, deployment())));
        let app = App { store: store.clone(), queue, sessions, plan_lifetime: SignedDuration::from_mins(15) };
        Self { router: crate::router(app), store, aws, connection }
    }

    /// From now on so many transactions go through, and then none.
    pub fn break_after(&self, transactions: usize) {
        self.aws.lock().unwrap().transactions_left = transactions;
    }

    /// What was asked of AWS, in order: the types of events that were written, and sessions of the
    /// customer's role.
    pub fn asked(&self) -> Vec<String> {
        self.aws.lock().unwrap().asked.clone()
    }

    /// From now on the customer's account answers like this.
    pub fn answer(&self, answers: impl FnMut(&Call) -> (u16, Value) + Send + 'static) {
        self.aws.lock().unwrap().customer = Box::new(answers);
    }

    /// What was asked of the customer's account, in order.
    pub fn calls(&self) -> Vec<Call> {
        self.aws.lock().unwrap().calls.clone()
    }

    /// What the latest session of the customer's role was limited to.
    pub fn policy(&self) -> Value {
        self.aws.lock().unwrap().policies.last().cloned().unwrap_or_default()["Statement"].take()
    }

    /// What was sent to the queue, and after how many seconds it is to come.
    pub fn sent(&self) -> Vec<(Value, i64)> {
        self.aws.lock().unwrap().sent.clone()
    }

    /// Puts a backup into the ledger, where the worker would have put it.
    pub fn hold(&self, backup: &domain::backup::Backup) {
        aws::hold_backup(&self.aws, backup);
    }

    /// Everything that stands in the table, as text.
    pub fn table(&self) -> String {
        format!("{:?}", self.aws.lock().unwrap().items)
    }

    /// The path of the connection's credentials.
    pub fn path(&self) -> String {
        format!("/v1/connections/{}/credentials", self.connection.id)
    }

    /// Asks for credentials, as an operator.
    pub async fn ask(&self, body: &Value) -> Answer {
        self.send(body, None, Some(OPERATOR)).await
    }

    /// Sends this to this path, as an operator.
    pub async fn call(&self, method: &str, path: &str, body: &Value) -> Answer {
        let request = Request::builder().method(method).uri(path).header("content-type", "application/json");
        let body = if body.is_null() { Body::empty() } else { Body::from(body.to_string()) };
        self.deliver(request.body(body).unwrap(), Some(OPERATOR)).await
    }

    /// The same with an `Idempotency-Key`, or as somebody else.
    pub async fn send(&self, body: &Value, key: Option<&str>, operator: Option<&str>) -> Answer {
        let mut request = Request::post(self.path()).header("content-type", "application/json");
        if let Some(key) = key {
            request = request.header("idempotency-key", key);
        }
        self.deliver(request.body(Body::from(body.to_string())).unwrap(), operator).await
    }

    /// What stands at this path, for an operator.
    pub async fn get(&self, path: &str) -> Answer {
        self.deliver(Request::get(path).body(Body::empty()).unwrap(), Some(OPERATOR)).await
    }

    async fn deliver(&self, mut request: Request<Body>, operator: Option<&str>) -> Answer {
        let authorizer = operator.map(|arn| json!({"iam": {"userArn": arn}}));
        let method = request.method().as_str();
        let context = json!({"requestId": "req-1", "timeEpoch": 0, "http": {"method": method}, "authorizer": authorizer});
        request
            .extensions_mut()
            .insert(RequestContext::ApiGatewayV2(serde_json::from_value(context).unwrap()));
        let (parts, body) = self.router.clone().oneshot(request).await.unwrap().into_parts();
        let bytes = body.collect().await.unwrap().to_bytes();
        Answer {
            status: parts.status,
            headers: parts.headers,
            body: serde_json::from_slice(&bytes).unwrap_or_default(),
        }
    }
}
