//! `Idempotency-Key`: a `POST` that is sent again has its first answer, and is not carried out
//! again.

use std::convert::Infallible;

use axum::body::Body;
use axum::extract::{FromRequestParts, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderName, HeaderValue, Method, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use domain::operation::{Operation, OperationState};
use domain::{ConnectionId, Error, FieldError, OperationId};
use http_body_util::BodyExt as _;
use runtime::{now, random};
use serde::Serialize;
use serde_json::Value;
use store::{Answer, Claim, Claimed, Completion, RequestKey, Store};

use crate::body::{LongestBody, collect};
use crate::caller::operator_arn;
use crate::problem::{ProblemCode, Refused, request_id_of, to_keep};

/// The header that carries the key.
const KEY: HeaderName = HeaderName::from_static("idempotency-key");
/// The header that tells a replay.
const REPLAYED: HeaderName = HeaderName::from_static("idempotency-replayed");
/// Longest key.
const LONGEST_KEY: usize = 255;

/// Shown once, and kept nowhere. No answer with keys is kept at all; should one come here, it loses them.
const NOT_KEPT: [&str; 4] = ["invite_url", "access_key_id", "secret_access_key", "session_token"];
/// Kept with its connection alone, and put in again for a replay.
const EXTERNAL_ID: &str = "external_id";

/// What an operation brought out of a customer's account, which the first answer alone carries.
const OUTPUT: &str = "output";
/// The operation that an answer tells of.
const OPERATION_ID: &str = "operation_id";
/// Says that there was an output.
const OUTPUT_OMITTED: &str = "output_omitted";

/// Problems that the same request may outlive, so that they are no answer to keep.
const PASSING: [&str; 2] = ["concurrent_change", "request_in_progress"];

/// The state of an API whose `POST`s can be sent again.
pub trait Replaying: Clone + Send + Sync + 'static {
    /// Where claims and answers are kept.
    fn store(&self) -> &Store;

    /// Whether somebody who has no name of their own may ask for what this path leads to: the path
    /// tells them from others. Requests of anybody else claim no key, for they will be refused.
    fn admits(&self, _path: &str, _parts: &mut Parts) -> impl Future<Output = bool> + Send {
        std::future::ready(false)
    }
}

/// The present request's claim on its key, if it came with one.
#[derive(Debug, Clone, Default)]
pub struct Idempotent {
    claimed: Option<Claimed>,
    request_id: String,
}

impl<S: Sync> FromRequestParts<S> for Idempotent {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Infallible> {
        let claimed = parts.extensions.get::<Claimed>().cloned();
        Ok(Self { claimed, request_id: request_id_of(&parts.extensions) })
    }
}

impl Idempotent {
    /// The answer, to be written in one transaction with what it tells of.
    #[must_use]
    pub fn completion(&self, answer: Answer) -> Option<Completion> {
        self.claimed.as_ref().map(|claimed| claimed.with(answer))
    }

    /// For what is answered once and kept nowhere: whoever sends the same request again is refused, and
    /// learns that it was answered.
    #[must_use]
    pub fn not_replayable(&self) -> Option<Completion> {
        let refused = Refused::from(Error::conflict(
            "not_replayable",
            "this request was answered, and what the answer held is shown once and kept nowhere; ask anew, with \
             another Idempotency-Key",
        ));
        self.completion(to_keep(&refused, &self.request_id)?)
    }

    /// The same, of a view.
    pub fn completing(&self, status: StatusCode, body: &impl Serialize) -> Option<Completion> {
        self.claimed.as_ref()?;
        self.completion(kept(status, body)?)
    }
}

/// An answer as it is kept.
pub fn kept(status: StatusCode, body: &impl Serialize) -> Option<Answer> {
    let body = serde_json::to_value(body).ok()?;
    Some(Answer { status: status.as_u16(), body: without_secrets(body).to_string() })
}

fn without_secrets(mut body: Value) -> Value {
    if let Value::Object(fields) = &mut body {
        for name in NOT_KEPT {
            fields.remove(name);
        }
        if let Some(id) = fields.get_mut(EXTERNAL_ID) {
            *id = Value::Null;
        }
        if let Some(output) = fields.get_mut(OUTPUT).filter(|output| !output.is_null()) {
            *output = Value::Null;
            fields.insert(OUTPUT_OMITTED.to_owned(), Value::Bool(true));
        }
    }
    body
}

/// Answers a request that was sent again with its first answer, and has others carried out once.
pub async fn replay<A: Replaying>(State(app): State<A>, request: Request, next: Next) -> Response {
    let Some(key) = request.headers().get(KEY).cloned().filter(|_| request.method() == Method::POST) else {
        return next.run(request).await;
    };
    // The page's form is answered by a page, which is no answer to keep. Its media type does not tell: `curl -d ''`
    // names a form's for any request.
    let path = request.uri().path().to_owned();
    if path.strip_prefix("/onboard/").is_some_and(|rest| !rest.contains('/')) {
        return next.run(request).await;
    }
    let (mut parts, body) = request.into_parts();
    let caller = match operator_arn(&parts.extensions) {
        Some(arn) => Some(arn),
        None if app.admits(&path, &mut parts).await => Some(String::new()),
        None => None,
    };
    let request = Request::from_parts(parts, body);
    let Some(caller) = caller else {
        // It will be refused, and fills no table on its way.
        return next.run(request).await;
    };
    match claim_and_run(&app, &key, &caller, &path, request, next).await {
        Ok(response) => response,
        Err(refused) => refused.into_response(),
    }
}

async fn claim_and_run(
    app: &impl Replaying,
    key: &HeaderValue,
    caller: &str,
    path: &str,
    request: Request,
    next: Next,
) -> Result<Response, Refused> {
    let key = key.to_str().ok().filter(|key| is_key(key)).ok_or_else(|| {
        let detail = "an Idempotency-Key is 1 to 255 visible ASCII characters";
        Error::invalid(FieldError::new("", "invalid_idempotency_key", detail))
    })?;
    let (mut parts, body) = request.into_parts();
    let body = collect(body, LongestBody::of(&parts.extensions)).await?;
    let request_key = RequestKey::new(caller, parts.method.as_str(), path, key, &body);
    let claimed = match app.store().claim_request(&request_key, random(), now()).await? {
        Claim::Mine(claimed) => claimed,
        Claim::Answered(answer) => return replayed(app, answer).await,
        Claim::Reused => {
            return Err(Error::conflict(
                "idempotency_key_reused",
                "this Idempotency-Key was sent with another body; use a new key for a new request",
            )
            .into());
        }
        Claim::InProgress => {
            return Err(Error::conflict(
                "request_in_progress",
                "a request with this Idempotency-Key is being carried out; send it again in a moment",
            )
            .into());
        }
    };
    parts.extensions.insert(claimed.clone());
    let response = next.run(Request::from_parts(parts, Body::from(body))).await;
    keep(app, &claimed, response).await
}

fn is_key(key: &str) -> bool {
    (1..=LONGEST_KEY).contains(&key.len()) && key.bytes().all(|byte| byte.is_ascii_graphic())
}

/// Keeps what was answered, unless it was written with what it tells of, or may be another answer
/// next time.
async fn keep(app: &impl Replaying, claimed: &Claimed, response: Response) -> Result<Response, Refused> {
    let status = response.status();
    if status.is_success() && claimed.is_answered() {
        return Ok(response);
    }
    let code = response.extensions().get::<ProblemCode>().map_or("", |code| code.0);
    let passes =
        status.is_server_error() || status == StatusCode::TOO_MANY_REQUESTS || PASSING.contains(&code);
    if passes {
        // At worst the claim runs out.
        if let Err(error) = app.store().release_request(claimed).await {
            tracing::warn!(cause = error.chain(), "the claim on an Idempotency-Key could not be given back");
        }
        return Ok(response);
    }
    let (parts, body) = response.into_parts();
    let bytes = body.collect().await.map_err(Error::internal)?.to_bytes();
    let kept = match serde_json::from_slice::<Value>(&bytes) {
        Ok(body) => without_secrets(body).to_string(),
        Err(_) => String::new(),
    };
    let completion = claimed.with(Answer { status: status.as_u16(), body: kept });
    app.store().complete_request(&completion).await?;
    Ok(Response::from_parts(parts, Body::from(bytes)))
}

/// The first answer once more.
async fn replayed(app: &impl Replaying, answer: Answer) -> Result<Response, Refused> {
    let status = StatusCode::from_u16(answer.status).map_err(Error::internal)?;
    let mut body: Value = serde_json::from_str(&answer.body).unwrap_or(Value::Null);
    if body.get(EXTERNAL_ID) == Some(&Value::Null)
        && let Some(id) = body["connection_id"].as_str()
    {
        let id: ConnectionId = id.parse().map_err(Error::internal)?;
        let connection = app.store().connection(id).await?;
        body[EXTERNAL_ID] = Value::from(connection.external_id.expose());
    }
    if let Some(id) = body.get(OPERATION_ID).and_then(Value::as_str) {
        let id: OperationId = id.parse().map_err(Error::internal)?;
        tell(&mut body, &app.store().operation(id).await?.told(now()))?;
    }
    let mut response =
        if body.is_null() { status.into_response() } else { (status, axum::Json(body)).into_response() };
    if !status.is_success() {
        crate::problem::mark_as_problem(&mut response);
    }
    response.headers_mut().insert(REPLAYED, HeaderValue::from_static("true"));
    Ok(response)
}

/// Brings the first answer up to what became of the operation that it told of. That was written before
/// the operation was carried out, so that nothing carries it out again. One that lasts is told of while
/// it runs; another is answered in a moment.
fn tell(body: &mut Value, operation: &Operation) -> Result<(), Refused> {
    if operation.state == OperationState::Running && operation.lasting.is_none() {
        return Err(Error::conflict(
            "request_in_progress",
            "the operation that this Idempotency-Key asked for is being carried out; look again in a moment",
        )
        .into());
    }
    body["state"] = to_value(operation.state)?;
    body["targets"] = to_value(&operation.targets)?;
    body["finished_at"] = to_value(operation.finished_at)?;
    body["request_ids"] = to_value(&operation.request_ids)?;
    if operation.had_output {
        body[OUTPUT_OMITTED] = Value::Bool(true);
    }
    Ok(())
}

fn to_value(value: impl Serialize) -> Result<Value, Refused> {
    serde_json::to_value(value).map_err(|error| Error::internal(error).into())
}
