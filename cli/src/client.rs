//! The HTTP client: one signed request, its answer, and patience where that is safe.
//!
//! A request whose answer does not come is repeated, a few times, in a way that cannot make a thing
//! twice: every POST carries an `Idempotency-Key` that all its attempts share, changes carry the
//! version that they are meant for, and a PUT says again what it said before.

use std::time::{Duration, Instant, SystemTime};

use reqwest::header::{CONTENT_TYPE, HeaderName, HeaderValue, IF_MATCH, RETRY_AFTER};
use reqwest::{Method, Request, Response, StatusCode, redirect};
use serde_json::Value;

use crate::api_url::ApiUrl;
use crate::caller::Caller;
use crate::exit::Exit;
use crate::failure::{Failure, Result, chain};
use crate::next_step::LOOK_FIRST;
use crate::problem::Refusal;
use crate::settings::Settings;
use crate::sign::sign;

/// How long one request may take. API Gateway gives up after 30 seconds.
const TIME_OUT: Duration = Duration::from_secs(40);

/// How often a request is tried again.
const RETRIES: u32 = 4;

/// A wait longer than this is the caller's to decide on.
const LONGEST_WAIT: Duration = Duration::from_secs(20);

/// No attempt begins later than this after the first: answers that never come take long.
const LONGEST_PATIENCE: Duration = Duration::from_mins(1);

/// What the attempts of one POST have in common, and no two POSTs.
const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");

/// An earlier attempt with the same key is still being carried out.
const IN_PROGRESS: &str = "request_in_progress";
/// Others changed the same thing at the same time, again and again; this request changed nothing.
const CONCURRENT: &str = "concurrent_change";
/// The customer's account did not show what a plan is about; nothing was planned or applied.
const NOT_SEEN: [&str; 2] = ["account_unavailable", "no_session"];
/// Answered like a dependency that is down, but waiting makes no room.
const FULL: &str = "grant_capacity_exhausted";

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

/// What became of a change that was meant for one version.
#[derive(Debug)]
pub enum Conditional {
    /// It is made, and this is the answer.
    Made(Value),
    /// There is another version by now, or none. The answer to an earlier attempt was lost, so that it may be
    /// the one that this very change has made: the caller looks.
    Unknown(Box<Failure>),
}

/// One request, which may take several attempts.
struct Call<'a> {
    method: Method,
    segments: &'a [&'a str],
    query: &'a Query<'a>,
    body: Option<&'a Value>,
    header: Option<(HeaderName, HeaderValue)>,
}

/// What one attempt came to.
enum Attempt {
    Answered(Value),
    /// Worth another attempt.
    Passing {
        failure: Box<Failure>,
        /// The wait that the API asked for.
        asked: Option<Duration>,
        /// Whether it may have taken effect nevertheless.
        is_lost: bool,
    },
    Failed(Box<Failure>),
}

/// What all attempts together came to.
struct Outcome {
    result: Result<Value>,
    /// Whether an attempt before the last may have taken effect without an answer.
    had_lost: bool,
}

impl<'a> Call<'a> {
    fn new(method: Method, segments: &'a [&'a str]) -> Self {
        Self { method, segments, query: &[], body: None, header: None }
    }

    fn meant_for(mut self, version: u64) -> Self {
        let value = HeaderValue::try_from(format!("\"{version}\"")).ok();
        self.header = value.map(|value| (IF_MATCH, value));
        self
    }
}

impl Client {
    /// A client for these settings.
    pub async fn connect(settings: &Settings) -> Result<Self> {
        let caller = Caller::load(settings).await?;
        Self::of(settings.api_url.clone(), caller)
    }

    /// A client of this API in the name of this caller.
    pub fn of(api_url: ApiUrl, caller: Caller) -> Result<Self> {
        Self::new(api_url, caller, Duration::from_millis(250))
    }

    fn new(api_url: ApiUrl, caller: Caller, first_wait: Duration) -> Result<Self> {
        Ok(Self { http: http(&api_url)?, api_url, caller, first_wait })
    }

    /// Where the API is.
    pub fn api_url(&self) -> &ApiUrl {
        &self.api_url
    }

    /// Reads a resource.
    pub async fn get(&self, segments: &[&str], query: &Query<'_>) -> Result<Value> {
        self.send(&Call { query, ..Call::new(Method::GET, segments) }).await.result
    }

    /// Makes or begins something, once however many attempts it takes.
    pub async fn post(&self, segments: &[&str], body: Option<&Value>) -> Result<Value> {
        let key = (IDEMPOTENCY_KEY, random_key()?);
        self.send(&Call { body, header: Some(key), ..Call::new(Method::POST, segments) }).await.result
    }

    /// Sets something. Saying the same once more changes nothing.
    pub async fn put(&self, segments: &[&str], body: &Value) -> Result<Value> {
        self.send(&Call { body: Some(body), ..Call::new(Method::PUT, segments) }).await.result
    }

    /// Takes something away, or plans to. What is gone cannot go again.
    pub async fn delete(&self, segments: &[&str]) -> Result<Value> {
        self.send(&Call::new(Method::DELETE, segments)).await.result
    }

    /// Changes what is at this version.
    pub async fn patch_version(&self, segments: &[&str], body: &Value, version: u64) -> Result<Conditional> {
        let call = Call { body: Some(body), ..Call::new(Method::PATCH, segments) };
        self.send(&call.meant_for(version)).await.conditional()
    }

    /// Ends what is at this version.
    pub async fn delete_version(&self, segments: &[&str], version: u64) -> Result<Conditional> {
        self.send(&Call::new(Method::DELETE, segments).meant_for(version)).await.conditional()
    }

    /// Sends a request until it is answered, for as long as that makes sense.
    async fn send(&self, call: &Call<'_>) -> Outcome {
        let since = Instant::now();
        let mut wait = self.first_wait;
        let mut had_lost = false;
        let mut retries = 0;
        loop {
            let (mut failure, asked, is_lost) = match self.attempt(call).await {
                Attempt::Answered(answer) => return Outcome { result: Ok(answer), had_lost },
                Attempt::Failed(failure) => {
                    return Outcome { result: Err(doubted(failure, call, had_lost)), had_lost };
                }
                Attempt::Passing { failure, asked, is_lost } => (failure, asked, is_lost),
            };
            let pause = asked.unwrap_or(wait);
            if retries == RETRIES || pause > LONGEST_WAIT || since.elapsed() + pause > LONGEST_PATIENCE {
                failure = doubted(failure, call, had_lost || is_lost);
                return Outcome { result: Err(failure), had_lost };
            }
            had_lost |= is_lost;
            retries += 1;
            wait *= 2;
            tokio::time::sleep(pause).await;
        }
    }

    async fn attempt(&self, call: &Call<'_>) -> Attempt {
        let response = match self.execute(call).await {
            Ok(Ok(response)) => response,
            Ok(Err(error)) => return self.unanswered(error),
            Err(failure) => return Attempt::Failed(failure),
        };
        let status = response.status();
        let headers = response.headers().clone();
        let bytes = match response.bytes().await {
            Ok(bytes) => bytes,
            Err(error) => return self.unanswered(error),
        };
        if status == StatusCode::NO_CONTENT {
            return Attempt::Answered(Value::Null);
        }
        if status.is_success() {
            let media_type =
                headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
            // Forms of a document that are no JSON. Pages of others are HTML.
            if ["text/plain", "application/yaml"].iter().any(|known| media_type.starts_with(known)) {
                return Attempt::Answered(Value::String(String::from_utf8_lossy(&bytes).into_owned()));
            }
            return match serde_json::from_slice(&bytes) {
                Ok(answer) => Attempt::Answered(answer),
                Err(_) => Attempt::Failed(self.not_the_api(status)),
            };
        }
        let Call { method, segments, .. } = call;
        let failure = Refusal { method, segments, status, headers: &headers, body: &bytes }
            .explain(&self.api_url, &self.caller);
        let asked = headers.get(RETRY_AFTER).and_then(seconds);
        match failure.code.as_deref() {
            Some(FULL) => Attempt::Failed(failure),
            Some(code) if code == CONCURRENT || NOT_SEEN.contains(&code) => {
                Attempt::Passing { failure, asked, is_lost: false }
            }
            Some(IN_PROGRESS) => Attempt::Passing { failure, asked, is_lost: true },
            // What is throttled was not looked at.
            _ if status == StatusCode::TOO_MANY_REQUESTS => {
                Attempt::Passing { failure, asked, is_lost: false }
            }
            _ if is_passing(status) => Attempt::Passing { failure, asked, is_lost: true },
            _ => Attempt::Failed(failure),
        }
    }

    async fn execute(&self, call: &Call<'_>) -> Result<reqwest::Result<Response>> {
        let url = self.api_url.at(call.segments, call.query).map_err(Failure::usage)?;
        let mut request = Request::new(call.method.clone(), url);
        request.headers_mut().extend(call.header.clone());
        if let Some(body) = call.body {
            request.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
            *request.body_mut() = Some(body.to_string().into());
        }
        let credentials = self.caller.credentials().await?;
        sign(&mut request, &credentials, self.caller.region(), SystemTime::now())?;
        Ok(self.http.execute(request).await)
    }

    /// No answer, or only a part of one.
    fn unanswered(&self, error: reqwest::Error) -> Attempt {
        // What failed names the address already.
        let error = error.without_url();
        let failure = |what: String| Failure::new(Exit::Unreachable, what).because(chain(&error));
        if error.is_connect() {
            let failure = failure(format!("cannot reach the API at {}", self.api_url)).next(
                "check that the address is right (--api-url, DRAWBRIDGE_API_URL or the configuration file) and that \
                 this network reaches it; the local stack is started with `make up`, which writes its address to \
                 .local/stack.json",
            );
            return Attempt::Passing { failure, asked: None, is_lost: false };
        }
        let what = if error.is_timeout() {
            format!("the API at {} did not answer within {} seconds", self.api_url, TIME_OUT.as_secs())
        } else {
            format!("the connection to the API at {} broke", self.api_url)
        };
        Attempt::Passing { failure: failure(what).next("try again"), asked: None, is_lost: true }
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

impl Outcome {
    fn conditional(self) -> Result<Conditional> {
        match self.result {
            Ok(answer) => Ok(Conditional::Made(answer)),
            Err(failure)
                if self.had_lost
                    && matches!(failure.code.as_deref(), Some("version_mismatch" | "not_found")) =>
            {
                Ok(Conditional::Unknown(failure))
            }
            Err(failure) => Err(failure),
        }
    }
}

/// What sends requests to this API, signed or not.
pub fn http(api_url: &ApiUrl) -> Result<reqwest::Client> {
    let mut builder = reqwest::Client::builder()
        .timeout(TIME_OUT)
        .connect_timeout(Duration::from_secs(10))
        // A signature holds for one host and path.
        .redirect(redirect::Policy::none())
        .user_agent(concat!("drawbridge/", env!("CARGO_PKG_VERSION")));
    // Tests look for hosts that do not exist, for which a proxy would have another answer.
    if api_url.is_loopback() || cfg!(test) {
        builder = builder.no_proxy();
    }
    builder
        .build()
        .map_err(|error| Failure::unexpected("the HTTP client could not be set up").because(chain(&error)))
}

/// The failure of something that may have taken effect nevertheless: to repeat it blindly with a
/// new key could make it twice.
fn doubted(failure: Box<Failure>, call: &Call<'_>, is_lost: bool) -> Box<Failure> {
    // Reading has no effect.
    if is_lost && call.method != Method::GET { failure.next(LOOK_FIRST) } else { failure }
}

/// Whether it may go better in a moment, though what was done is not known.
fn is_passing(status: StatusCode) -> bool {
    matches!(status, StatusCode::BAD_GATEWAY | StatusCode::SERVICE_UNAVAILABLE | StatusCode::GATEWAY_TIMEOUT)
}

/// `Retry-After` in its form in seconds, which is the one that the API writes.
fn seconds(value: &HeaderValue) -> Option<Duration> {
    value.to_str().ok()?.trim().parse().ok().map(Duration::from_secs)
}

/// 128 random bits: nobody else's request has the same key.
fn random_key() -> Result<HeaderValue> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).map_err(|error| {
        Failure::unexpected("the operating system gives no random bytes").because(error.to_string())
    })?;
    let digits = format!("{:032x}", u128::from_be_bytes(bytes));
    HeaderValue::try_from(digits).map_err(|error| Failure::unexpected(error.to_string()))
}

#[cfg(test)]
mod tests;
