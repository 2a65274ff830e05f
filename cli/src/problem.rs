//! An answer that is not a success: the API's own problem, API Gateway's, or somebody else's.

use std::time::SystemTime;

use jiff::{SignedDuration, Timestamp};
use reqwest::header::{DATE, HeaderMap, RETRY_AFTER};
use reqwest::{Method, StatusCode};
use serde::Deserialize;

use crate::api_url::ApiUrl;
use crate::caller::Caller;
use crate::exit::Exit;
use crate::failure::{Failure, FieldFailure};
use crate::next_step;

/// AWS refuses signatures whose time is further off than this.
/// Source: IAM User Guide, "Signing elements: signature validity".
const MOST_SKEW: SignedDuration = SignedDuration::from_mins(5);

/// An answer that is not a success, and the request that it answers.
pub struct Refusal<'a> {
    /// The request's method.
    pub method: &'a Method,
    /// The request's path.
    pub segments: &'a [&'a str],
    /// The answer's status.
    pub status: StatusCode,
    /// The answer's headers.
    pub headers: &'a HeaderMap,
    /// The answer's body.
    pub body: &'a [u8],
}

/// RFC 9457's problem with Drawbridge's members; API Gateway's answers have `message` alone.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Problem {
    title: Option<String>,
    detail: Option<String>,
    code: Option<String>,
    request_id: Option<String>,
    errors: Vec<FieldProblem>,
    #[serde(alias = "Message")]
    message: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct FieldProblem {
    pointer: String,
    code: String,
    detail: String,
}

impl Refusal<'_> {
    /// The answer as a failure that says what to do next.
    pub fn explain(&self, api_url: &ApiUrl, caller: &Caller) -> Box<Failure> {
        let problem: Problem = serde_json::from_slice(self.body).unwrap_or_default();
        let request_id = problem.request_id.clone().or_else(|| {
            ["apigw-requestid", "x-amzn-requestid"]
                .into_iter()
                .find_map(|name| self.header(name).map(str::to_owned))
        });
        let mut failure = match (&problem.code, &problem.message) {
            (Some(code), _) => {
                let wait = self.header(RETRY_AFTER.as_str());
                let next = next_step::for_code(code, self.segments, wait)
                    .or_else(|| next_step::for_status(self.status, wait));
                said_by_drawbridge(problem, self.status, next)
            }
            (None, message) if matches!(self.status, StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN) => {
                self.not_allowed(message.as_deref(), caller)
            }
            (None, message) => self.said_by_another(message.as_deref(), api_url),
        };
        failure.request_id = request_id;
        failure.status = Some(self.status.as_u16());
        failure
    }

    /// API Gateway refused the signature or the identity, before Drawbridge saw the request.
    fn not_allowed(&self, message: Option<&str>, caller: &Caller) -> Box<Failure> {
        let message = message.unwrap_or("Forbidden");
        let said = format!("{} {message}", self.header("x-amzn-errortype").unwrap_or_default());
        let signer = caller.describe();
        let what = format!("API Gateway refused the request ({}, {message})", self.status.as_u16());
        let failure = Failure::new(Exit::Refused, what).because(format!("it was signed with {signer}"));
        if caller.has_expired() || (said.contains("xpired") && !said.contains("Signature expired")) {
            return failure.next(
                "the credentials have expired: sign in again (`aws sso login`), or replace AWS_SESSION_TOKEN and \
                 the keys beside it",
            );
        }
        if let Some(skew) = self.skew() {
            return failure.next(format!(
                "this machine's clock is {} seconds off; AWS accepts no signature more than {} off: set the clock",
                skew.as_secs().abs(),
                MOST_SKEW.as_secs(),
            ));
        }
        if said.contains("InvalidSignature") || said.contains("signature we calculated") {
            return failure.next(
                "the secret key does not belong to that access key, or the Region signed for is not the API's \
                 (drawbridge --region …)",
            );
        }
        let policy = next_step::managed_policy(self.method, self.segments);
        failure.next(format!(
            "`{}` shows whose key that is; it needs the managed policy {policy} of the Drawbridge stack (path \
             /drawbridge/). If it has it, the keys may be wrong or expired, or the Region signed for is not the API's",
            caller.who_am_i(),
        ))
    }

    fn said_by_another(&self, message: Option<&str>, api_url: &ApiUrl) -> Box<Failure> {
        let status = self.status;
        let what = match message {
            Some(message) => format!("{api_url} answered {status}: {message}"),
            None => format!("{api_url} answered {status}, not in Drawbridge's form"),
        };
        let next = next_step::for_status(status, self.header(RETRY_AFTER.as_str())).unwrap_or_else(|| {
            "check that the address is right: it is the output ApiUrl of the deployed stack".to_owned()
        });
        Failure::new(Exit::Refused, what).next(next)
    }

    /// How far this machine's clock is off, if that is too far.
    fn skew(&self) -> Option<SignedDuration> {
        let theirs = jiff::fmt::rfc2822::parse(self.header(DATE.as_str())?).ok()?.timestamp();
        let ours = Timestamp::try_from(SystemTime::now()).ok()?;
        Some(ours.duration_since(theirs)).filter(|skew| skew.abs() > MOST_SKEW)
    }

    fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }
}

fn said_by_drawbridge(problem: Problem, status: StatusCode, next: Option<String>) -> Box<Failure> {
    let fields: Vec<_> = problem
        .errors
        .into_iter()
        .map(|error| FieldFailure {
            detail: match (error.detail.is_empty(), Some(&error.code) == problem.code.as_ref()) {
                (true, _) => error.code,
                (false, true) => error.detail,
                (false, false) => format!("{} ({})", error.detail, error.code),
            },
            pointer: error.pointer,
        })
        .collect();
    let title = problem.title.unwrap_or_else(|| status.to_string());
    let mut failure = Failure::new(Exit::Refused, title);
    failure.detail = problem.detail;
    failure.fields = fields;
    failure.code = problem.code;
    failure.next = next;
    failure
}

#[cfg(test)]
mod tests {
    use aws_credential_types::Credentials;
    use reqwest::header::HeaderValue;
    use rstest::rstest;

    use super::*;

    fn explained(status: u16, headers: &[(&'static str, &str)], body: &str) -> Failure {
        let headers = headers
            .iter()
            .map(|(name, value)| (name.parse().unwrap(), HeaderValue::from_str(value).unwrap()));
        let caller = Caller::fixed(Credentials::for_tests(), "eu-central-1");
        *Refusal {
            method: &Method::PUT,
            segments: &["v1", "connections", "con_1", "role"],
            status: StatusCode::from_u16(status).unwrap(),
            headers: &headers.collect(),
            body: body.as_bytes(),
        }
        .explain(&"https://api.example.com".parse().unwrap(), &caller)
    }

    #[test]
    fn a_problem_is_shown_whole() {
        let failure = explained(
            422,
            &[],
            r#"{"type":"about:blank","title":"Unprocessable Content","status":422,
                "detail":"the role is in another account than this connection is for",
                "code":"account_id_mismatch","request_id":"req-1","extra":true,
                "errors":[{"pointer":"/role_arn","code":"account_id_mismatch","detail":"another account"},
                          {"pointer":"/x","code":"unknown_field","detail":"not known"}]}"#,
        );
        assert_eq!(failure.exit, Exit::Refused);
        assert_eq!(
            failure.to_string(),
            "error: Unprocessable Content\n  \
               the role is in another account than this connection is for\n  \
               /role_arn: another account\n  \
               /x: not known (unknown_field)\n  \
               code: account_id_mismatch\n  \
               request id: req-1\n\
             next: `drawbridge connections show con_1` shows the account and the role name that this connection is for"
        );
    }

    #[test]
    fn api_gateways_refusal_names_the_identity_and_the_policy() {
        let failure = explained(403, &[("apigw-requestid", "gw-1")], r#"{"message":"Forbidden"}"#);
        let text = failure.to_string();
        assert_eq!(failure.request_id.as_deref(), Some("gw-1"));
        for part in
            ["403, Forbidden", "ending in", "eu-central-1", "drawbridge-operator", "get-caller-identity"]
        {
            assert!(text.contains(part), "{part}: {text}");
        }
        assert!(!text.contains(Credentials::for_tests().secret_access_key()));
        assert!(!text.contains(Credentials::for_tests().access_key_id()));
    }

    #[test]
    fn expired_credentials_and_a_wrong_clock_are_told_apart() {
        let expired = r#"{"message":"The security token included in the request is expired"}"#;
        assert!(explained(403, &[], expired).to_string().contains("aws sso login"));
        let forbidden = r#"{"message":"Forbidden"}"#;
        let type_only = explained(403, &[("x-amzn-errortype", "ExpiredTokenException")], forbidden);
        assert!(type_only.to_string().contains("aws sso login"));
        let mistyped = explained(403, &[("x-amzn-errortype", "InvalidSignatureException")], forbidden);
        assert!(mistyped.to_string().contains("secret key does not belong"));
        let old = explained(403, &[("date", "Tue, 01 Jan 2019 00:00:00 GMT")], forbidden);
        assert!(old.to_string().contains("set the clock"));
    }

    #[rstest]
    #[case(503, r#"{"title":"Service Unavailable","code":"from_the_future"}"#)]
    #[case(429, r#"{"title":"Too Many Requests","code":"throttled"}"#)]
    #[case(503, r#"{"title":"Service Unavailable","code":"dependency_unavailable"}"#)]
    fn what_passes_is_asked_for_again_whatever_its_code(#[case] status: u16, #[case] body: &str) {
        let failure = explained(status, &[("retry-after", "5")], body);
        assert_eq!(failure.next.as_deref(), Some("try again in 5 seconds"));
    }

    #[test]
    fn a_stranger_is_not_mistaken_for_drawbridge() {
        let text = explained(404, &[], "<html>nope</html>").to_string();
        assert!(text.contains("not in Drawbridge's form") && text.contains("address is right"), "{text}");
        let text = explained(429, &[("retry-after", "7")], r#"{"message":"Too Many Requests"}"#).to_string();
        assert!(text.contains("Too Many Requests") && text.contains("in 7 seconds"), "{text}");
    }
}
