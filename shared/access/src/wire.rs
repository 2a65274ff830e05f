//! AWS as tests see it: below the SDK, so that requests are what would have been sent, and answers
//! are read by the SDK itself.
//!
//! STS and IAM both speak the query protocol: form fields there, XML back.

use std::fmt;
use std::sync::{Arc, Mutex};

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

/// One request as AWS would have got it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Call {
    /// The access key that signed it.
    pub signer: String,
    /// The Region that it was signed for.
    pub region: String,
    fields: Vec<(String, String)>,
}

impl Call {
    /// The API's name of what is asked for.
    pub fn action(&self) -> &str {
        self.field("Action").unwrap_or_default()
    }

    /// A parameter, if it was sent at all.
    pub fn field(&self, name: &str) -> Option<&str> {
        self.fields.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    fn read(request: &HttpRequest) -> Self {
        let text = |part: &str| {
            let blanks = part.replace('+', " ");
            percent_encoding::percent_decode_str(&blanks).decode_utf8().unwrap().into_owned()
        };
        let body = std::str::from_utf8(request.body().bytes().unwrap()).unwrap();
        let fields = body.split('&').filter_map(|pair| pair.split_once('='));
        let signature = request.headers().get("authorization").unwrap_or_default();
        let scope = signature.split_once("Credential=").map(|(_, rest)| rest).unwrap_or_default();
        let mut scope = scope.split('/');
        Self {
            signer: scope.next().unwrap_or_default().to_owned(),
            region: scope.nth(1).unwrap_or_default().to_owned(),
            fields: fields.map(|(name, value)| (text(name), text(value))).collect(),
        }
    }
}

/// What a request gets back.
#[derive(Debug, Clone)]
pub(crate) enum Reply {
    /// An answer of the service's: status, request id, body.
    Http(u16, &'static str, String),
    /// No answer within the time that a try may take.
    Timeout,
    /// No connection.
    Unreachable,
}

impl Reply {
    /// A success with this body.
    pub fn ok(request_id: &'static str, body: impl Into<String>) -> Self {
        Self::Http(200, request_id, body.into())
    }

    /// An error as the query protocol tells it.
    pub fn error(status: u16, code: &str, message: &str) -> Self {
        let body = format!(
            "<ErrorResponse><Error><Type>Sender</Type><Code>{code}</Code><Message>{message}</Message></Error>\
             <RequestId>of-the-refusal</RequestId></ErrorResponse>"
        );
        Self::Http(status, "of-the-refusal", body)
    }
}

type Answer = Arc<dyn Fn(&Call) -> Reply + Send + Sync>;

/// The network, and AWS at the other end of it.
#[derive(Clone)]
pub(crate) struct Wire {
    answer: Answer,
    calls: Arc<Mutex<Vec<Call>>>,
}

impl fmt::Debug for Wire {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Wire")
    }
}

impl Wire {
    /// AWS that answers every request as `answer` says.
    pub fn new(answer: impl Fn(&Call) -> Reply + Send + Sync + 'static) -> Self {
        Self { answer: Arc::new(answer), calls: Arc::default() }
    }

    /// What was asked so far, in order.
    pub fn calls(&self) -> Vec<Call> {
        self.calls.lock().unwrap().clone()
    }

    /// Settings whose every client ends here, and tries once: how often the SDK tries is no
    /// matter of these tests.
    pub fn config(&self) -> SdkConfig {
        let connector = SharedHttpConnector::new(self.clone());
        SdkConfig::builder()
            .behavior_version(BehaviorVersion::v2026_01_12())
            .region(Region::new("eu-central-1"))
            .credentials_provider(SharedCredentialsProvider::new(Credentials::new(
                "FUNCTION", "secret", None, None, "test",
            )))
            .retry_config(RetryConfig::disabled())
            .time_source(SystemTimeSource::new())
            .http_client(http_client_fn(move |_, _| connector.clone()))
            .build()
    }
}

impl HttpConnector for Wire {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let call = Call::read(&request);
        let reply = (self.answer)(&call);
        self.calls.lock().unwrap().push(call);
        HttpConnectorFuture::ready(match reply {
            Reply::Http(status, request_id, body) => {
                let mut response = HttpResponse::new(status.try_into().unwrap(), SdkBody::from(body));
                response.headers_mut().insert("x-amzn-requestid", request_id);
                Ok(response)
            }
            Reply::Timeout => Err(ConnectorError::timeout("too slow".into())),
            Reply::Unreachable => Err(ConnectorError::io("no route to host".into())),
        })
    }
}
