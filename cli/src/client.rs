//! The HTTP client: one signed request, its answer, and patience where that is safe.

use std::time::{Duration, SystemTime};

use reqwest::header::{CONTENT_TYPE, HeaderValue, RETRY_AFTER};
use reqwest::{Method, Request, Response, StatusCode, redirect};
use serde_json::Value;

use crate::api_url::ApiUrl;
use crate::caller::Caller;
use crate::exit::Exit;
use crate::failure::{Failure, Result, chain};
use crate::problem::Refusal;
use crate::settings::Settings;
use crate::sign::sign;

/// How long one request may take. API Gateway gives up after 30 seconds.
const TIME_OUT: Duration = Duration::from_secs(40);

/// How often a GET is tried again.
const RETRIES: u32 = 3;

/// A wait longer than this is the caller's to decide on.
const LONGEST_WAIT: Duration = Duration::from_secs(20);

/// Query parameters: names and values, not yet encoded.
pub type Query<'a> = [(&'a str, String)];

/// A client of one API, in the name of one caller.
#[derive(Debug)]
pub struct Client {
    http: reqwest::Client,
    api_url: ApiUrl,
    caller: Caller,
    /// The wait before the first retry; it doubles with each.
    first_wait: Duration,
}

/// What one attempt came to.
enum Attempt {
    Answered(Value),
    /// Worth another attempt, after the wait that the API asked for if it did.
    Passing(Box<Failure>, Option<Duration>),
    Failed(Box<Failure>),
}

impl Client {
    /// A client for these settings.
    pub async fn connect(settings: Settings) -> Result<Self> {
        let caller = Caller::load(&settings).await?;
        Self::new(settings.api_url, caller, Duration::from_millis(250))
    }

    fn new(api_url: ApiUrl, caller: Caller, first_wait: Duration) -> Result<Self> {
        let mut builder = reqwest::Client::builder()
            .timeout(TIME_OUT)
            .connect_timeout(Duration::from_secs(10))
            // A signature holds for one host and path.
            .redirect(redirect::Policy::none())
            .user_agent(concat!("drawbridge/", env!("CARGO_PKG_VERSION")));
        if api_url.is_loopback() {
            builder = builder.no_proxy();
        }
        let http = builder.build().map_err(|error| {
            Failure::unexpected("the HTTP client could not be set up").because(chain(&error))
        })?;
        Ok(Self { http, api_url, caller, first_wait })
    }

    /// Reads a resource. Tried again when the API cannot be reached, is throttling or is down.
    pub async fn get(&self, segments: &[&str], query: &Query<'_>) -> Result<Value> {
        let mut wait = self.first_wait;
        for _ in 0..RETRIES {
            match self.attempt(Method::GET, segments, query, None).await {
                Attempt::Answered(answer) => return Ok(answer),
                Attempt::Failed(failure) => return Err(failure),
                Attempt::Passing(failure, Some(asked)) if asked > LONGEST_WAIT => return Err(failure),
                Attempt::Passing(_, asked) => tokio::time::sleep(asked.unwrap_or(wait)).await,
            }
            wait *= 2;
        }
        self.attempt(Method::GET, segments, query, None).await.last()
    }

    /// Makes something, once: a second attempt could make it twice.
    pub async fn post(&self, segments: &[&str], body: Option<&Value>) -> Result<Value> {
        self.attempt(Method::POST, segments, &[], body).await.last()
    }

    /// Sets something, once.
    pub async fn put(&self, segments: &[&str], body: &Value) -> Result<Value> {
        self.attempt(Method::PUT, segments, &[], Some(body)).await.last()
    }

    async fn attempt(
        &self,
        method: Method,
        segments: &[&str],
        query: &Query<'_>,
        body: Option<&Value>,
    ) -> Attempt {
        let response = match self.send(method.clone(), segments, query, body).await {
            Ok(Ok(response)) => response,
            Ok(Err(error)) if error.is_connect() => {
                return Attempt::Passing(self.unreachable(error, &method), None);
            }
            Ok(Err(error)) => return Attempt::Failed(self.unreachable(error, &method)),
            Err(failure) => return Attempt::Failed(failure),
        };
        let status = response.status();
        let headers = response.headers().clone();
        let bytes = match response.bytes().await {
            Ok(bytes) => bytes,
            Err(error) => return Attempt::Failed(self.unreachable(error, &method)),
        };
        if status.is_success() {
            return match serde_json::from_slice(&bytes) {
                Ok(answer) => Attempt::Answered(answer),
                Err(_) => Attempt::Failed(self.not_the_api(status)),
            };
        }
        let failure = Refusal { method: &method, segments, status, headers: &headers, body: &bytes }
            .explain(&self.api_url, &self.caller);
        if is_passing(status) {
            Attempt::Passing(failure, headers.get(RETRY_AFTER).and_then(seconds))
        } else {
            Attempt::Failed(failure)
        }
    }

    async fn send(
        &self,
        method: Method,
        segments: &[&str],
        query: &Query<'_>,
        body: Option<&Value>,
    ) -> Result<reqwest::Result<Response>> {
        let url = self.api_url.at(segments, query).map_err(Failure::usage)?;
        let mut request = Request::new(method, url);
        if let Some(body) = body {
            request.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
            *request.body_mut() = Some(body.to_string().into());
        }
        let credentials = self.caller.credentials().await?;
        sign(&mut request, &credentials, self.caller.region(), SystemTime::now())?;
        Ok(self.http.execute(request).await)
    }

    fn unreachable(&self, error: reqwest::Error, method: &Method) -> Box<Failure> {
        // What failed names the address already.
        let error = error.without_url();
        let failure = |what: String| Failure::new(Exit::Unreachable, what).because(chain(&error));
        if error.is_connect() {
            return failure(format!("cannot reach the API at {}", self.api_url)).next(
                "check that the address is right (--api-url, DRAWBRIDGE_API_URL or the configuration file) and that \
                 this network reaches it; the local stack is started with `make up`, which writes its address to \
                 .local/stack.json",
            );
        }
        let what = if error.is_timeout() {
            format!("the API at {} did not answer within {} seconds", self.api_url, TIME_OUT.as_secs())
        } else {
            format!("the connection to the API at {} broke", self.api_url)
        };
        failure(what).next(if *method == Method::GET {
            "try again"
        } else {
            "whether the request took effect is not known: look with a list or show command before repeating it"
        })
    }

    fn not_the_api(&self, status: StatusCode) -> Box<Failure> {
        Failure::unexpected(format!(
            "the answer from {} is not Drawbridge's ({status}, but no JSON)",
            self.api_url
        ))
        .next("check that the address is right: it is the output ApiUrl of the deployed stack")
    }

    /// A client of a test's server.
    #[cfg(test)]
    pub fn for_test(api_url: &str, caller: Caller) -> Self {
        Self::new(api_url.parse().unwrap(), caller, Duration::from_millis(1)).unwrap()
    }
}

impl Attempt {
    fn last(self) -> Result<Value> {
        match self {
            Self::Answered(answer) => Ok(answer),
            Self::Passing(failure, _) | Self::Failed(failure) => Err(failure),
        }
    }
}

fn is_passing(status: StatusCode) -> bool {
    matches!(
        status,
        StatusCode::TOO_MANY_REQUESTS
            | StatusCode::BAD_GATEWAY
            | StatusCode::SERVICE_UNAVAILABLE
            | StatusCode::GATEWAY_TIMEOUT
    )
}

/// `Retry-After` in its form in seconds, which is the one that the API writes.
fn seconds(value: &HeaderValue) -> Option<Duration> {
    value.to_str().ok()?.trim().parse().ok().map(Duration::from_secs)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::test_server::{Answer, TestServer};

    fn down() -> Answer {
        Answer::new(503, json!({"title": "Service Unavailable", "code": "dependency_unavailable"}))
    }

    #[tokio::test]
    async fn a_get_is_tried_again_and_signed_each_time() {
        let server =
            TestServer::start([down(), Answer::new(502, json!({})), Answer::ok(json!({"a": 1}))]).await;
        let answer = server.client().get(&["v1", "connections", "a b"], &[]).await.unwrap();
        assert_eq!(answer, json!({"a": 1}));
        assert_eq!(server.targets(), ["GET /v1/connections/a%20b"; 3]);
        assert!(server.seen().iter().all(|request| request.header("authorization").is_some()));
    }

    #[tokio::test]
    async fn retries_end_with_the_last_refusal() {
        let server = TestServer::start((0..5).map(|_| down().header("retry-after: 0"))).await;
        let failure = server.client().get(&["v1", "x"], &[]).await.unwrap_err();
        assert_eq!(failure.code.as_deref(), Some("dependency_unavailable"));
        assert_eq!(server.seen().len(), 4);
    }

    #[tokio::test]
    async fn a_long_wait_is_left_to_the_caller() {
        let server = TestServer::start([down().header("retry-after: 60")]).await;
        let failure = server.client().get(&["v1", "x"], &[]).await.unwrap_err();
        assert_eq!(failure.next.as_deref(), Some("try again in 60 seconds"));
    }

    #[tokio::test]
    async fn what_changes_something_is_sent_once() {
        let server = TestServer::start([down(), down(), down()]).await;
        let client = server.client();
        client.post(&["v1", "x"], Some(&json!({}))).await.unwrap_err();
        client.put(&["v1", "x"], &json!({})).await.unwrap_err();
        assert_eq!(server.targets(), ["POST /v1/x", "PUT /v1/x"]);
    }

    #[tokio::test]
    async fn a_refusal_is_not_tried_again() {
        let server =
            TestServer::start([Answer::new(404, json!({"code": "not_found", "title": "Not Found"}))]).await;
        let failure = server.client().get(&["v1", "customers", "cus_1"], &[]).await.unwrap_err();
        assert_eq!(failure.exit, Exit::Refused);
        assert!(failure.next.unwrap().contains("customers list"));
        assert_eq!(server.seen().len(), 1);
    }

    #[tokio::test]
    async fn nobody_there_ends_with_3() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        drop(listener);
        let credentials = aws_credential_types::Credentials::for_tests();
        let client = Client::for_test(&url, Caller::fixed(credentials, "eu-central-1"));
        for failure in [
            client.get(&["v1", "x"], &[]).await.unwrap_err(),
            client.post(&["v1", "x"], None).await.unwrap_err(),
        ] {
            assert_eq!(failure.exit, Exit::Unreachable);
            assert!(failure.to_string().contains(&format!("cannot reach the API at {url}")), "{failure}");
        }
    }

    #[tokio::test]
    async fn an_answer_that_is_no_json_is_not_the_api() {
        let server = TestServer::start([Answer::ok(json!("x")).cut()]).await;
        let failure = server.client().get(&["v1", "x"], &[]).await.unwrap_err();
        assert!(failure.what.contains("is not Drawbridge's"), "{failure}");
    }
}
