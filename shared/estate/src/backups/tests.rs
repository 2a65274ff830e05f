//! Answers are those of AWS's documents: `DynamoDB` API Reference, the examples and the errors of each action.

mod making;
mod manifest;
mod planning;
mod watching;
#[allow(
    clippy::duplicate_mod,
    reason = "the wire under operations is theirs, and read once more rather than copied"
)]
#[path = "../operations/dynamodb/tests/wire.rs"]
mod wire;

use std::time::Instant;

use access::{Brokers, CustomerSession, Opened, Sessions};
use domain::grant::Shard;
use domain::policy::nothing;
use domain::sample::{created, deployment, submitted};
use domain::{Capability, CapabilitySet, Connection};
use rstest::rstest;
use serde_json::{Value, json};

use super::*;
use crate::operations::Place;
use wire::{Call, Reply, Wire};

const ROLE: &str = "arn:aws:iam::222222222222:role/customer";
const TABLE: &str = "arn:aws:dynamodb:eu-west-3:222222222222:table/Music";
const BACKUP: &str = "arn:aws:dynamodb:eu-west-3:222222222222:table/Music/backup/01489602797149-73d8d5bc";
const NAME: &str = "drawbridge-job_1";
/// What passes by itself: an error of AWS's, and the code that is told. Source: `DynamoDB` Developer Guide,
/// "Error handling with `DynamoDB`".
const PASSING: [(u16, &str, &str); 3] = [
    (400, "ThrottlingException", "throttled"),
    (500, "InternalServerError", "aws_unavailable"),
    (400, "ProvisionedThroughputExceededException", "throttled"),
];
/// What nobody mends by asking again.
const REFUSED: [(u16, &str, &str); 3] = [
    (400, "AccessDeniedException", "access_denied"),
    (400, "UnrecognizedClientException", "region_unavailable"),
    (400, "ValidationException", "invalid_input"),
];

fn place() -> Place {
    Place {
        partition: "aws".parse().unwrap(),
        account: "222222222222".parse().unwrap(),
        region: "eu-west-3".parse().unwrap(),
    }
}

fn of(capabilities: &[Capability]) -> CapabilitySet {
    CapabilitySet::new(capabilities.iter().copied()).unwrap()
}

async fn session(wire: &Wire) -> CustomerSession {
    let connection = Connection { shard: Shard::new(1), ..submitted(&created().connection, ROLE).connection };
    let sessions = Sessions::new(Brokers::new(wire.config(), deployment()));
    match sessions.open(&connection, "drawbridge-test", &nothing()).await.unwrap() {
        Opened::Open(session) => session,
        other => panic!("there is a session: {other:?}"),
    }
}

/// What was asked for, in order.
fn asked(wire: &Wire) -> Vec<(String, Value)> {
    wire.calls().into_iter().map(|call| (call.operation, call.body)).collect()
}

fn statements(policy: &PolicyDocument) -> Value {
    assert!(fits(policy));
    let mut json: Value = serde_json::from_str(&policy.to_json()).unwrap();
    json["Statement"].take()
}

fn allow(actions: &Value, resources: &Value) -> Value {
    json!({"Effect": "Allow", "Action": actions, "Resource": resources})
}

/// Whether asking AWS for this is answered as every request is: what passes may be asked again, and what
/// does not is told with its code.
async fn answers_as_every_request<T: std::fmt::Debug + PartialEq>(
    asking: impl AsyncFn(CustomerSession) -> Answer<T>,
) {
    for (status, code, told) in PASSING {
        let wire = Wire::new(move |_, _| Reply::Error(status, code, "no"));
        let answer = asking(session(&wire).await).await;
        assert_eq!(answer, Answer::Later { code: told.to_owned() }, "{code}");
    }
    let wire = Wire::new(|_, _| Reply::Reset);
    let lost = Answer::Later { code: "no_answer".to_owned() };
    assert_eq!(asking(session(&wire).await).await, lost);
    let over = session(&wire).await.until(Instant::now());
    assert_eq!(asking(over).await, lost, "nothing is waited for beyond the end");
    for (status, code, told) in REFUSED {
        let wire = Wire::new(move |_, _| Reply::Error(status, code, "no"));
        match asking(session(&wire).await).await {
            Answer::Refused { code: answered, detail } => {
                assert_eq!(answered, told);
                assert!(!detail.is_empty());
            }
            other => panic!("{code}: {other:?}"),
        }
    }
}

#[test]
fn what_is_too_long_for_a_session_does_not_fit() {
    let policy = |tables: usize| {
        let names: Vec<String> = (0..tables).map(|table| format!("{table:0>255}")).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        making_policy(&place(), &names, &of(&[Capability::DynamodbBackup]), true)
    };
    assert!(fits(&policy(5)), "{}", policy(5).to_json().len());
    assert!(!fits(&policy(6)), "{}", policy(6).to_json().len());
}
