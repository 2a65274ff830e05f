//! `DynamoDB` as these tests see it: below the SDK, so that requests are what would have been sent, and
//! answers are read by the SDK itself.

use std::fmt;
use std::sync::{Arc, Mutex};

use aws_config::retry::RetryConfig;
use aws_config::{BehaviorVersion, SdkConfig};
use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_smithy_async::time::SystemTimeSource;
use aws_smithy_runtime_api::client::http::{
    HttpConnector, HttpConnectorFuture, SharedHttpConnector, http_client_fn,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_types::body::SdkBody;
use serde_json::{Value, json};

/// One request as `DynamoDB` would have got it.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Call {
    /// The access key that signed it.
    pub signer: String,
    /// Whom it was sent to.
    pub host: String,
    /// What is asked for.
    pub operation: String,
    /// Its parameters.
    pub body: Value,
}

/// What a request gets back.
#[derive(Debug, Clone)]
#[allow(dead_code, reason = "each who takes this file in answers in some of these ways")]
pub(super) enum Reply {
    /// What was asked for.
    Done(Value),
    /// An answer without a body.
    Empty,
    /// An error.
    Error(u16, &'static str, &'static str),
    /// The connection broke.
    Reset,
}

type Answer = Arc<dyn Fn(usize, &Call) -> Reply + Send + Sync>;

/// The network, and AWS at the other end of it.
#[derive(Clone)]
pub(super) struct Wire {
    answer: Answer,
    calls: Arc<Mutex<Vec<Call>>>,
}

impl fmt::Debug for Wire {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Wire")
    }
}

impl Wire {
    /// `DynamoDB` that answers each request as `answer` says, of which it is the so-manieth, from 0.
    pub fn new(answer: impl Fn(usize, &Call) -> Reply + Send + Sync + 'static) -> Self {
        Self { answer: Arc::new(answer), calls: Arc::default() }
    }

    /// What was asked of `DynamoDB` so far, in order.
    pub fn calls(&self) -> Vec<Call> {
        self.calls.lock().unwrap().clone()
    }

    /// Settings whose every client ends here, and tries a call once.
    pub fn config(&self) -> SdkConfig {
        let connector = SharedHttpConnector::new(self.clone());
        SdkConfig::builder()
            .behavior_version(BehaviorVersion::v2026_01_12())
            .region(aws_config::Region::new("eu-central-1"))
            .credentials_provider(SharedCredentialsProvider::new(Credentials::new(
                "FUNCTION", "secret", None, None, "test",
            )))
            .retry_config(RetryConfig::standard().with_max_attempts(1))
            .time_source(SystemTimeSource::new())
            .http_client(http_client_fn(move |_, _| connector.clone()))
            .build()
    }
}

impl HttpConnector for Wire {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let header = |name| request.headers().get(name).unwrap_or_default();
        let respond = |status: u16, id: String, body: String| {
            let mut response = HttpResponse::new(status.try_into().unwrap(), SdkBody::from(body));
            response.headers_mut().insert("x-amzn-requestid", id);
            HttpConnectorFuture::ready(Ok(response))
        };
        let Some((_, operation)) = header("x-amz-target").split_once('.') else {
            // STS, which gives a session of the customer's role, of which only its keys matter here.
            let session = "<AssumeRoleResponse><AssumeRoleResult><Credentials><AccessKeyId>CUSTOMERKEY</AccessKeyId>\
                 <SecretAccessKey>secret</SecretAccessKey><SessionToken>token</SessionToken>\
                 <Expiration>2999-01-01T00:00:00Z</Expiration></Credentials></AssumeRoleResult></AssumeRoleResponse>";
            return respond(200, "sts".to_owned(), session.to_owned());
        };
        let signer = header("authorization").split_once("Credential=").unwrap().1;
        let call = Call {
            signer: signer.split('/').next().unwrap().to_owned(),
            host: request.uri().split_once("://").unwrap().1.split('/').next().unwrap().to_owned(),
            operation: operation.to_owned(),
            body: serde_json::from_slice(request.body().bytes().unwrap()).unwrap(),
        };
        let mut calls = self.calls.lock().unwrap();
        let place = calls.len();
        let reply = (self.answer)(place, &call);
        calls.push(call);
        let id = format!("request-{place}");
        match reply {
            Reply::Done(body) => respond(200, id, body.to_string()),
            Reply::Empty => respond(200, id, String::new()),
            Reply::Error(status, code, message) => {
                let kind = format!("com.amazonaws.dynamodb.v20120810#{code}");
                respond(status, id, json!({"__type": kind, "message": message}).to_string())
            }
            Reply::Reset => {
                HttpConnectorFuture::ready(Err(ConnectorError::io("connection reset by peer".into())))
            }
        }
    }
}
