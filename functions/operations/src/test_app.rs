//! These routes with AWS below the SDK, for tests: a table that keeps what is put into it, STS as a test
//! scripts it, and one list of what was asked of both, in order.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex};

use access::{Brokers, Sessions};
use aws_config::retry::RetryConfig;
use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_smithy_async::time::SystemTimeSource;
use aws_smithy_runtime_api::client::http::{
    HttpConnector, HttpConnectorFuture, SharedHttpConnector, http_client_fn,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_types::body::SdkBody;
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

/// The role of the bench's connection.
pub(crate) const ROLE: &str = "arn:aws:iam::222222222222:role/path/customer-role";
/// Whoever asks.
pub(crate) const OPERATOR: &str = "arn:aws:iam::111111111111:user/operator";

/// What STS answers about the customer's role.
#[derive(Debug, Clone)]
pub(crate) enum Sts {
    /// Keys, which begin with `CUSTOMER`.
    Gives,
    /// A status, a code and a message.
    Refuses(u16, &'static str, &'static str),
    /// Keys, after the connection has been changed by somebody else.
    GivesLate,
}

/// The network, and AWS at the other end of it.
#[derive(Clone)]
struct Wire(Arc<Mutex<Aws>>);

struct Aws {
    items: BTreeMap<String, Value>,
    sts: Sts,
    /// What was asked, in order.
    asked: Vec<String>,
    /// How many transactions go through before the table is down.
    transactions_left: usize,
}

impl fmt::Debug for Wire {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Wire")
    }
}

impl HttpConnector for Wire {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let target = request.headers().get("x-amz-target").map(str::to_owned);
        let body = std::str::from_utf8(request.body().bytes().unwrap()).unwrap().to_owned();
        let mut aws = self.0.lock().unwrap();
        let (status, answer) = match target {
            Some(target) => {
                let (status, answer) = aws.table(target.rsplit('.').next().unwrap(), &body);
                (status, answer.to_string())
            }
            None => aws.sts(&body),
        };
        HttpConnectorFuture::ready(Ok(HttpResponse::new(status.try_into().unwrap(), SdkBody::from(answer))))
    }
}

fn key(item: &Value) -> String {
    format!("{}|{}", item["pk"]["S"].as_str().unwrap(), item["sk"]["S"].as_str().unwrap())
}

impl Aws {
    fn table(&mut self, action: &str, body: &str) -> (u16, Value) {
        let input: Value = serde_json::from_str(body).unwrap();
        let unmet = |name: &str| json!({"__type": format!("com.amazonaws.dynamodb.v20120810#{name}")});
        match action {
            "GetItem" => match self.items.get(&key(&input["Key"])) {
                Some(item) => (200, json!({"Item": item})),
                None => (200, json!({})),
            },
            // A claim, or an answer to it: what is there is told.
            "PutItem" => {
                let (item, held) = (&input["Item"], self.items.get(&key(&input["Item"])));
                let condition = input["ConditionExpression"].as_str().unwrap();
                let answered = held.is_some_and(|held| held.get("answer_status").is_some());
                if (condition.starts_with("attribute_not_exists") && held.is_some()) || answered {
                    let mut refusal = unmet("ConditionalCheckFailedException");
                    refusal["Item"] = held.cloned().unwrap();
                    return (400, refusal);
                }
                self.items.insert(key(item), item.clone());
                (200, json!({}))
            }
            "DeleteItem" => {
                self.items.remove(&key(&input["Key"]));
                (200, json!({}))
            }
            "TransactWriteItems" => self.transaction(input["TransactItems"].as_array().unwrap()),
            other => panic!("the bench's table knows no {other}"),
        }
    }

    fn transaction(&mut self, writes: &[Value]) -> (u16, Value) {
        if self.transactions_left == 0 {
            return (500, json!({"__type": "com.amazonaws.dynamodb.v20120810#InternalServerError"}));
        }
        self.transactions_left -= 1;
        for (place, write) in writes.iter().enumerate() {
            let check = &write["ConditionCheck"];
            if check.is_null() {
                continue;
            }
            assert_eq!(check["ConditionExpression"], "version = :version");
            let version = &self.items[&key(&check["Key"])]["version"];
            if version != &check["ExpressionAttributeValues"][":version"] {
                let mut reasons = vec![json!({"Code": "None"}); writes.len()];
                reasons[place] = json!({"Code": "ConditionalCheckFailed"});
                let name = "com.amazonaws.dynamodb.v20120810#TransactionCanceledException";
                return (400, json!({"__type": name, "CancellationReasons": reasons}));
            }
        }
        for item in writes.iter().map(|write| &write["Put"]["Item"]).filter(|item| !item.is_null()) {
            if let Some(kind) = item["type"]["S"].as_str() {
                self.asked.push(kind.to_owned());
            }
            self.items.insert(key(item), item.clone());
        }
        (200, json!({}))
    }

    fn sts(&mut self, body: &str) -> (u16, String) {
        let text = percent_encoding::percent_decode_str(body).decode_utf8().unwrap().into_owned();
        if !text.contains(ROLE) {
            return (200, keys("BROKER"));
        }
        self.asked.push("AssumeRole".to_owned());
        match self.sts.clone() {
            Sts::Gives => (200, keys("CUSTOMER")),
            Sts::GivesLate => {
                let held = self
                    .items
                    .iter_mut()
                    .find(|(key, _)| key.starts_with("CONNECTION#") && key.ends_with("|META"));
                held.unwrap().1["version"] = json!({"N": "99"});
                (200, keys("CUSTOMER"))
            }
            Sts::Refuses(status, code, message) => (
                status,
                format!(
                    "<ErrorResponse><Error><Type>Sender</Type><Code>{code}</Code><Message>{message}</Message></Error>\
                     </ErrorResponse>"
                ),
            ),
        }
    }
}

fn keys(whose: &str) -> String {
    format!(
        "<AssumeRoleResponse><AssumeRoleResult><Credentials><AccessKeyId>{whose}KEY</AccessKeyId>\
         <SecretAccessKey>{whose}-secret</SecretAccessKey><SessionToken>{whose}-token</SessionToken>\
         <Expiration>2999-01-01T00:00:00Z</Expiration></Credentials></AssumeRoleResult></AssumeRoleResponse>"
    )
}

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
        let aws = Aws { items: BTreeMap::new(), sts, asked: Vec::new(), transactions_left: usize::MAX };
        let aws = Arc::new(Mutex::new(aws));
        let connector = SharedHttpConnector::new(Wire(aws.clone()));
        let config = SdkConfig::builder()
            .behavior_version(BehaviorVersion::v2026_01_12())
            .region(Region::new("eu-central-1"))
            .credentials_provider(SharedCredentialsProvider::new(Credentials::new(
                "FUNCTION", "secret", None, None, "test",
            )))
            .retry_config(RetryConfig::disabled())
            .time_source(SystemTimeSource::new())
            .http_client(http_client_fn(move |_, _| connector.clone()))
            .build();
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
