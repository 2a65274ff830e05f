//! AWS as these tests see it: below the SDK, so that requests are what would have been sent, and
//! answers are read by the SDK itself.
//!
//! STS and EC2 speak query protocols (form fields there, XML back), `DynamoDB` and EC2 Instance
//! Connect speak JSON.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use aws_config::retry::RetryConfig;
use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_smithy_async::time::SystemTimeSource;
use aws_smithy_runtime_api::client::http::{
    HttpConnector, HttpConnectorFuture, SharedHttpConnector, http_client_fn,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_types::body::SdkBody;
use serde_json::Value;

/// One request as AWS would have got it.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Call {
    /// As IAM calls it, such as `ec2`: what the signature is for.
    pub service: String,
    /// Where, as the signature says.
    pub region: String,
    /// The access key that signed it.
    pub signer: String,
    /// The API's name of what is asked for.
    pub operation: String,
    /// Whom it was sent to.
    pub host: String,
    /// What was sent with it: each parameter as a path and its value.
    pub fields: Vec<(String, String)>,
}

impl Call {
    /// A parameter, if it was sent at all.
    pub fn field(&self, name: &str) -> Option<&str> {
        self.fields.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// Whether it is a question of EC2's that carries nothing out.
    pub fn is_dry(&self) -> bool {
        self.field("DryRun") == Some("true")
    }

    /// Every id of EC2's that it names.
    pub fn ids(&self) -> Vec<&str> {
        let is_id =
            |value: &&str| ["i-", "ami-", "snap-", "subnet-"].iter().any(|kind| value.starts_with(kind));
        self.fields.iter().map(|(_, value)| value.as_str()).filter(is_id).collect()
    }

    fn read(request: &HttpRequest) -> Self {
        let header = |name| request.headers().get(name).unwrap_or_default();
        let signature = header("authorization").split_once("Credential=").unwrap().1;
        let scope: Vec<_> = signature.split(['/', ',']).take(4).collect();
        let body = std::str::from_utf8(request.body().bytes().unwrap()).unwrap();
        let mut fields = Vec::new();
        let operation = if let Some((_, operation)) = header("x-amz-target").split_once('.') {
            flatten("", &serde_json::from_str(body).unwrap(), &mut fields);
            operation.to_owned()
        } else {
            let text = |part: &str| {
                let blanks = part.replace('+', " ");
                percent_encoding::percent_decode_str(&blanks).decode_utf8().unwrap().into_owned()
            };
            let pairs = body.split('&').filter_map(|pair| pair.split_once('='));
            fields.extend(pairs.map(|(name, value)| (text(name), text(value))));
            fields.iter().find(|(name, _)| name == "Action").unwrap().1.clone()
        };
        let host = request.uri().split_once("://").unwrap().1.split('/').next().unwrap();
        Self {
            service: scope[3].to_owned(),
            region: scope[2].to_owned(),
            signer: scope[0].to_owned(),
            operation,
            host: host.to_owned(),
            fields,
        }
    }
}

/// The leaves of a JSON document, with the way to them. A key of an object that the caller names is
/// a value too.
fn flatten(path: &str, value: &Value, into: &mut Vec<(String, String)>) {
    let below = |name: &str| if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") };
    match value {
        Value::Object(object) => object.iter().for_each(|(name, value)| {
            if path == "RequestItems" {
                into.push(("TableName".to_owned(), name.clone()));
            }
            flatten(&below(name), value, into);
        }),
        Value::Array(array) => {
            array
                .iter()
                .enumerate()
                .for_each(|(place, value)| flatten(&below(&place.to_string()), value, into));
        }
        Value::String(text) => into.push((path.to_owned(), text.clone())),
        other => into.push((path.to_owned(), other.to_string())),
    }
}

/// What a request gets back.
#[derive(Debug, Clone)]
pub(super) enum Reply {
    /// An answer of the service's: status and body.
    Http(u16, String),
    /// No answer within the time that a try may take.
    Timeout,
    /// The connection broke.
    Reset,
    /// This, after a while.
    After(Duration, Box<Reply>),
}

impl Reply {
    pub fn after(seconds: u64, reply: Self) -> Self {
        Self::After(Duration::from_secs(seconds), Box::new(reply))
    }

    /// An error as EC2 tells it. Source: EC2 Developer Guide, "Error codes for the Amazon EC2 API",
    /// "Example error response".
    pub fn ec2(status: u16, code: &str, message: &str) -> Self {
        Self::Http(
            status,
            format!(
                "<Response><Errors><Error><Code>{code}</Code><Message>{message}</Message></Error></Errors>\
                 <RequestID>of-the-refusal</RequestID></Response>"
            ),
        )
    }

    /// An error as `DynamoDB` tells it. Source: `DynamoDB` Developer Guide, "Error handling with
    /// `DynamoDB`".
    pub fn json(status: u16, code: &str, message: &str) -> Self {
        let kind = format!("com.amazonaws.dynamodb.v20120810#{code}");
        Self::Http(status, serde_json::json!({ "__type": kind, "message": message }).to_string())
    }

    /// An error of the service that was asked.
    pub fn refusal(call: &Call, status: u16, code: &str, message: &str) -> Self {
        if call.service == "ec2" {
            Self::ec2(status, code, message)
        } else {
            Self::json(status, code, message)
        }
    }
}

type Answer = Arc<dyn Fn(&Call) -> Reply + Send + Sync>;

/// How many requests are being answered, by service: now, and at most so far.
type InFlight = BTreeMap<String, (usize, usize)>;

/// The network, and AWS at the other end of it.
#[derive(Clone)]
pub(super) struct Wire {
    answer: Answer,
    calls: Arc<Mutex<Vec<Call>>>,
    in_flight: Arc<Mutex<InFlight>>,
}

impl fmt::Debug for Wire {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Wire")
    }
}

impl Wire {
    /// AWS that answers every request as `answer` says.
    pub fn new(answer: impl Fn(&Call) -> Reply + Send + Sync + 'static) -> Self {
        Self { answer: Arc::new(answer), calls: Arc::default(), in_flight: Arc::default() }
    }

    /// What was asked in customers' accounts so far, in order.
    pub fn calls(&self) -> Vec<Call> {
        let calls = self.calls.lock().unwrap();
        calls.iter().filter(|call| call.service != "sts").cloned().collect()
    }

    /// How many requests a service had to answer at once, at most.
    pub fn most_in_flight(&self, service: &str) -> usize {
        self.in_flight.lock().unwrap().get(service).map_or(0, |(_, most)| *most)
    }

    /// Settings whose every client ends here, and tries a call so often.
    pub fn config(&self, attempts: u32) -> SdkConfig {
        let connector = SharedHttpConnector::new(self.clone());
        SdkConfig::builder()
            .behavior_version(BehaviorVersion::v2026_01_12())
            .region(Region::new("eu-central-1"))
            .credentials_provider(SharedCredentialsProvider::new(Credentials::new(
                "FUNCTION", "secret", None, None, "test",
            )))
            .retry_config(RetryConfig::standard().with_max_attempts(attempts))
            .time_source(SystemTimeSource::new())
            .http_client(http_client_fn(move |_, _| connector.clone()))
            .build()
    }
}

/// One request that is being answered; it is over when this is dropped, answered or not.
struct Answering {
    in_flight: Arc<Mutex<InFlight>>,
    service: String,
}

impl Answering {
    fn begin(in_flight: &Arc<Mutex<InFlight>>, service: &str) -> Self {
        let mut services = in_flight.lock().unwrap();
        let (now, most) = services.entry(service.to_owned()).or_default();
        *now += 1;
        *most = (*most).max(*now);
        Self { in_flight: Arc::clone(in_flight), service: service.to_owned() }
    }
}

impl Drop for Answering {
    fn drop(&mut self) {
        self.in_flight.lock().unwrap().entry(self.service.clone()).or_default().0 -= 1;
    }
}

impl HttpConnector for Wire {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let call = Call::read(&request);
        let mut reply = (self.answer)(&call);
        let answering = Answering::begin(&self.in_flight, &call.service);
        self.calls.lock().unwrap().push(call);
        HttpConnectorFuture::new(async move {
            let _answering = answering;
            while let Reply::After(time, then) = reply {
                tokio::time::sleep(time).await;
                reply = *then;
            }
            match reply {
                Reply::Http(status, body) => {
                    Ok(HttpResponse::new(status.try_into().unwrap(), SdkBody::from(body)))
                }
                Reply::Timeout => Err(ConnectorError::timeout("too slow".into())),
                Reply::Reset | Reply::After(..) => Err(ConnectorError::io("connection reset by peer".into())),
            }
        })
    }
}
