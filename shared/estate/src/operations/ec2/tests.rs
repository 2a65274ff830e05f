//! Requests are looked at below the SDK, and answers are read by it.

mod bisected;
mod lasts;
mod launches;
mod limits;
mod lists;
mod making;
mod policies;
mod refused;
mod writes;

#[expect(dead_code, reason = "these tests need a part of it")]
#[allow(
    clippy::duplicate_mod,
    reason = "the wire under permissions is theirs, and read once more rather than copied"
)]
#[path = "../../permissions/tests/wire.rs"]
mod wire;

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use access::{Brokers, Opened, Sessions};
use aws_smithy_runtime_api::client::http::{
    HttpConnector, HttpConnectorFuture, SharedHttpConnector, http_client_fn,
};
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use domain::operation::TargetOutcome;
use domain::sample::{created, deployment, submitted};
use domain::{Connection, ErrorKind, grant::Shard};
use rstest::rstest;

use super::*;
use crate::operations::{OFFERED, Outcome, Read, Request};
use wire::{Call, Reply, Wire};

const ROLE: &str = "arn:aws:iam::222222222222:role/customer";

/// Where it takes place. Home is `eu-central-1`.
fn place() -> Place {
    Place {
        partition: "aws".parse().unwrap(),
        account: "222222222222".parse().unwrap(),
        region: "eu-west-3".parse().unwrap(),
    }
}

/// Reads without looking for fields that nobody knows: that is the HTTP API's.
struct Reader;

impl Read for Reader {
    fn read<T: serde::de::DeserializeOwned>(&self, input: &Value) -> Result<T, Error> {
        serde_json::from_value(input.clone())
            .map_err(|error| Error::new(ErrorKind::Malformed, "invalid_type", error.to_string()))
    }
}

fn read(action: &str, input: &Value) -> Result<Request, Error> {
    Request::read(action.parse().unwrap(), input, &place(), &Reader).expect("it is offered")
}

/// The code and the pointer that an input is refused with.
fn refusal(action: &str, input: &Value) -> (ErrorKind, &'static str, String) {
    let error = read(action, input).expect_err(&format!("{action} of {input}"));
    (error.kind, error.code, error.fields.first().map(|field| field.pointer.clone()).unwrap_or_default())
}

/// The wire, with the header by which AWS tells a request's id. Source: AWS SDK for Rust Developer
/// Guide, "Get the request ID".
#[derive(Debug)]
struct Numbered(Wire);

impl HttpConnector for Numbered {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let response = self.0.call(request);
        HttpConnectorFuture::new(async move {
            let mut response = response.await?;
            response.headers_mut().insert("x-amzn-requestid", "of-the-answer");
            Ok(response)
        })
    }
}

/// A session that may do this, where AWS answers so.
async fn session(
    answer: impl Fn(&Call) -> Reply + Send + Sync + 'static,
    attempts: u32,
    policy: &domain::policy::PolicyDocument,
) -> (CustomerSession, Wire) {
    let session = "<AssumeRoleResponse><AssumeRoleResult><Credentials><AccessKeyId>CUSTOMERKEY</AccessKeyId>\
         <SecretAccessKey>secret</SecretAccessKey><SessionToken>token</SessionToken>\
         <Expiration>2999-01-01T00:00:00Z</Expiration></Credentials></AssumeRoleResult></AssumeRoleResponse>";
    let wire =
        Wire::new(
            move |call| {
                if call.service == "sts" { Reply::Http(200, session.to_owned()) } else { answer(call) }
            },
        );
    let connection = Connection { shard: Shard::new(1), ..submitted(&created().connection, ROLE).connection };
    let numbered = SharedHttpConnector::new(Numbered(wire.clone()));
    let config =
        wire.config(attempts).into_builder().http_client(http_client_fn(move |_, _| numbered.clone()));
    let sessions = Sessions::new(Brokers::new(config.build(), deployment()));
    let opened = sessions.open(&connection, "drawbridge-test", policy).await.unwrap();
    let Opened::Open(session) = opened else { panic!("there is a session: {opened:?}") };
    (session, wire)
}

/// Carries it out where AWS answers so, and tells what AWS was asked.
async fn carry(
    action: &str,
    input: Value,
    dry_run: bool,
    answer: impl Fn(&Call) -> Reply + Send + Sync + 'static,
) -> (Outcome, Vec<Call>) {
    carry_in(action, input, dry_run, 1, CustomerSession::clone, answer).await
}

/// The same, in a session that is to have ended by then.
async fn carry_until(
    action: &str,
    input: Value,
    time: Duration,
    answer: impl Fn(&Call) -> Reply + Send + Sync + 'static,
) -> (Outcome, Vec<Call>) {
    let until = |session: &CustomerSession| session.until(Instant::now() + time);
    carry_in(action, input, false, 1, until, answer).await
}

/// The same, in a session in which writes are asked for once and other things several times.
async fn carry_once(
    action: &str,
    input: Value,
    answer: impl Fn(&Call) -> Reply + Send + Sync + 'static,
) -> (Outcome, Vec<Call>) {
    carry_in(action, input, false, 3, CustomerSession::asking_once, answer).await
}

async fn carry_in(
    action: &str,
    input: Value,
    dry_run: bool,
    attempts: u32,
    session_for: impl FnOnce(&CustomerSession) -> CustomerSession,
    answer: impl Fn(&Call) -> Reply + Send + Sync + 'static,
) -> (Outcome, Vec<Call>) {
    let request = read(action, &input).unwrap();
    let (session, wire) = session(answer, attempts, &request.session_policy(&place(), false)).await;
    let outcome = request.carry(&session_for(&session), &place(), dry_run).await;
    let calls = wire.calls();
    for call in &calls {
        assert_eq!((call.signer.as_str(), call.region.as_str()), ("CUSTOMERKEY", "eu-west-3"), "{call:?}");
    }
    (outcome, calls)
}

/// A page of EC2's with these elements.
fn page(operation: &str, elements: &str) -> Reply {
    Reply::Http(200, format!("<{operation}Response>{elements}</{operation}Response>"))
}

/// What was sent to EC2, but for its version.
fn sent(call: &Call) -> BTreeMap<String, String> {
    let fields = call.fields.iter().cloned();
    fields.filter(|(name, _)| name != "Version").collect()
}

fn fields(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

/// The same without what is null, so that only what was told is compared.
fn told(value: &Value) -> Value {
    match value {
        Value::Object(object) => {
            let object = object.iter().filter(|(_, value)| !value.is_null());
            object.map(|(name, value)| (name.clone(), told(value))).collect()
        }
        Value::Array(items) => items.iter().map(told).collect(),
        other => other.clone(),
    }
}

/// Each target, with the code of what failed.
fn became(outcome: &Outcome) -> Vec<(&str, Option<&str>)> {
    for target in &outcome.targets {
        assert_eq!(target.outcome == TargetOutcome::Failed, target.code.is_some(), "{target:?}");
    }
    outcome.targets.iter().map(|target| (target.id.as_str(), target.code.as_deref())).collect()
}

/// An instance's id that ends so.
fn instance(number: usize) -> String {
    format!("i-0123456789abc{number:04x}")
}
