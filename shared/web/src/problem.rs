//! Refusals as RFC 9457 problems: the one place where an error becomes an HTTP answer.

use std::time::Instant;

use axum::Json;
use axum::extract::{MatchedPath, Request};
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, REFERRER_POLICY, RETRY_AFTER};
use axum::http::{Extensions, HeaderValue, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use domain::{Error, ErrorKind, FieldError};
use lambda_http::request::RequestContext;
use serde::Serialize;
use store::Answer;
use utoipa::ToSchema;

/// What a caller is told to wait before trying again, in seconds.
const RETRY_SECONDS: u32 = 5;

/// An RFC 9457 problem.
#[derive(Debug, Serialize, ToSchema)]
pub struct Problem {
    /// A URI that names the kind of problem, made from `code`.
    #[serde(rename = "type")]
    kind: String,
    /// The status in words.
    title: &'static str,
    /// The HTTP status.
    status: u16,
    /// What is wrong and how to mend it.
    detail: String,
    /// A stable code that programs may decide by.
    code: &'static str,
    /// Leads the operator to the request in the logs.
    request_id: String,
    /// The fields at fault, if it is about fields.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    errors: Vec<FieldError>,
}

/// A refusal on its way to the caller: what use cases and extractors return.
#[derive(Debug)]
pub struct Refused {
    status: StatusCode,
    error: Error,
}

impl Refused {
    /// A refusal that no rule of the domain makes, but HTTP does.
    #[must_use]
    pub fn new(status: StatusCode, code: &'static str, detail: impl Into<String>) -> Self {
        Self { status, error: Error::new(ErrorKind::Malformed, code, detail) }
    }

    /// The HTTP status that it is told with.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        self.status
    }

    /// What was refused and why.
    #[must_use]
    pub fn error(&self) -> &Error {
        &self.error
    }

    /// After how many seconds the same request may go through, where it is told to wait.
    #[must_use]
    pub fn wait(&self) -> Option<u32> {
        let unavailable = self.status == StatusCode::SERVICE_UNAVAILABLE;
        self.error.retry_after.or(unavailable.then_some(RETRY_SECONDS))
    }
}

impl From<Error> for Refused {
    fn from(error: Error) -> Self {
        let status = match error.kind {
            ErrorKind::Malformed => StatusCode::BAD_REQUEST,
            ErrorKind::Forbidden => StatusCode::FORBIDDEN,
            ErrorKind::NotFound => StatusCode::NOT_FOUND,
            ErrorKind::Conflict => StatusCode::CONFLICT,
            ErrorKind::Gone => StatusCode::GONE,
            ErrorKind::Stale => StatusCode::PRECONDITION_FAILED,
            ErrorKind::Refused => StatusCode::UNPROCESSABLE_ENTITY,
            ErrorKind::Throttled => StatusCode::TOO_MANY_REQUESTS,
            ErrorKind::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
            ErrorKind::Internal => StatusCode::INTERNAL_SERVER_ERROR,
        };
        Self { status, error }
    }
}

impl IntoResponse for Refused {
    /// Only carries the refusal outwards; [`answer_refusals`] knows the request that it answers.
    fn into_response(self) -> Response {
        let mut response = self.status.into_response();
        response.extensions_mut().insert(std::sync::Arc::new(self));
        response
    }
}

/// The code of the problem that a response tells, for the layers around it.
#[derive(Debug, Clone, Copy)]
pub struct ProblemCode(pub &'static str);

/// Answers every refusal as a problem.
pub async fn answer_refusals(request: Request, next: Next) -> Response {
    let request_id = request_id(&request);
    answered(next.run(request).await, &request_id)
}

fn answered(response: Response, request_id: &str) -> Response {
    answered_as(response, request_id, |refused| problem(refused, request_id))
}

/// Answers a refusal in the form that `tell` gives it, and leaves every other response as it is.
pub fn answered_as(
    mut response: Response,
    request_id: &str,
    tell: impl FnOnce(&Refused) -> Response,
) -> Response {
    let Some(refused) = response.extensions_mut().remove::<std::sync::Arc<Refused>>() else {
        return response;
    };
    if refused.status.is_server_error() {
        tracing::error!(request_id, cause = refused.error.chain(), "the request failed");
    }
    let mut response = tell(&refused);
    response.extensions_mut().insert(ProblemCode(refused.error.code));
    if let Some(seconds) = refused.wait() {
        response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(seconds));
    }
    response
}

/// Writes one line about every request to the log, and keeps what customers reach by a secret out
/// of caches and referrers.
pub async fn log_requests(request: Request, next: Next) -> Response {
    let started = Instant::now();
    let request_id = request_id(&request);
    let method = request.method().clone();
    // The route, never the path: paths may hold secrets.
    let route = request.extensions().get::<MatchedPath>().map_or("none", |path| path.as_str()).to_owned();
    let mut response = answered(next.run(request).await, &request_id);
    let code = response.extensions().get::<ProblemCode>().map_or("none", |code| code.0);
    if route.starts_with("/onboard/") {
        let headers = response.headers_mut();
        // What is the same for everybody says so itself.
        headers.entry(CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
        headers.insert(REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    }
    tracing::info!(
        request_id,
        %method,
        route,
        status = response.status().as_u16(),
        code,
        milliseconds = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX),
        "answered"
    );
    response
}

impl Problem {
    fn new(refused: &Refused, request_id: &str) -> Self {
        let Refused { status, error } = refused;
        Self {
            kind: format!("urn:drawbridge:problem:{}", error.code),
            title: status.canonical_reason().unwrap_or("Refused"),
            status: status.as_u16(),
            detail: error.detail.clone(),
            code: error.code,
            request_id: request_id.to_owned(),
            errors: error.fields.clone(),
        }
    }
}

/// A refusal as an answer that is kept for whoever sends the same request again.
pub(crate) fn to_keep(refused: &Refused, request_id: &str) -> Option<Answer> {
    let body = serde_json::to_string(&Problem::new(refused, request_id)).ok()?;
    Some(Answer { status: refused.status.as_u16(), body })
}

fn problem(refused: &Refused, request_id: &str) -> Response {
    let mut response = (refused.status, Json(Problem::new(refused, request_id))).into_response();
    mark_as_problem(&mut response);
    response
}

/// Says that a response's body is a problem.
pub fn mark_as_problem(response: &mut Response) {
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
}

/// The id that leads to this request in the logs; empty where there is none.
#[must_use]
pub fn request_id(request: &Request) -> String {
    request_id_of(request.extensions())
}

/// The id that leads to a request in the logs; empty where there is none.
pub(crate) fn request_id_of(extensions: &Extensions) -> String {
    match extensions.get::<RequestContext>() {
        Some(RequestContext::ApiGatewayV2(context)) => context.request_id.clone().unwrap_or_default(),
        _ => String::new(),
    }
}

/// Answers a path that no route has.
#[expect(clippy::unused_async, reason = "a handler is an async function")]
pub async fn unknown_route() -> Refused {
    Refused::new(StatusCode::NOT_FOUND, "route_not_found", "there is no such route; /openapi.json lists them")
}

/// Answers a method that a route does not take.
#[expect(clippy::unused_async, reason = "a handler is an async function")]
pub async fn unknown_method() -> Refused {
    Refused::new(
        StatusCode::METHOD_NOT_ALLOWED,
        "method_not_allowed",
        "this route does not take this method; /openapi.json lists those it takes",
    )
}
