//! Answers are those of EC2's documents: EC2 API Reference, `DescribeInstances`, "Examples".

#[expect(dead_code, reason = "these tests need a part of it")]
#[allow(
    clippy::duplicate_mod,
    reason = "the wire under permissions is theirs, and read once more rather than copied"
)]
#[path = "../../permissions/tests/wire.rs"]
mod wire;

use access::{Brokers, Opened, Sessions};
use domain::Connection;
use domain::grant::Shard;
use domain::operation::TargetOutcome;
use domain::power::PowerState;
use domain::sample::{created, deployment, submitted};
use rstest::rstest;
use serde_json::{Value, json};

use super::*;
use crate::backups::fits;
use wire::{Call, Reply, Wire};

const ROLE: &str = "arn:aws:iam::222222222222:role/customer";
const ONE: &str = "i-0123456789abcdef0";
const OTHER: &str = "i-0123456789abcdef1";

fn place() -> Place {
    Place {
        partition: "aws".parse().unwrap(),
        account: "222222222222".parse().unwrap(),
        region: "ap-southeast-2".parse().unwrap(),
    }
}

/// A session where EC2 answers so.
async fn session(answer: impl Fn(&Call) -> Reply + Send + Sync + 'static) -> (CustomerSession, Wire) {
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
    let sessions = Sessions::new(Brokers::new(wire.config(1), deployment()));
    let opened = sessions.open(&connection, "drawbridge-test", &powering_policy(&place(), None)).await;
    let opened = opened.unwrap();
    let Opened::Open(session) = opened else { panic!("there is a session: {opened:?}") };
    (session, wire)
}

fn page(instances: &str) -> Reply {
    let reservation = format!("<item><instancesSet>{instances}</instancesSet></item>");
    let set = format!("<reservationSet>{reservation}</reservationSet>");
    Reply::Http(200, format!("<DescribeInstancesResponse>{set}</DescribeInstancesResponse>"))
}

fn instance(id: &str, state: &str, further: &str) -> String {
    format!(
        "<item><instanceId>{id}</instanceId><instanceState><name>{state}</name></instanceState>\
         <launchTime>2026-11-20T06:00:00.000Z</launchTime>{further}</item>"
    )
}

fn watched(id: &str, taken: Option<i64>) -> Watched {
    Watched { id: id.to_owned(), taken: taken.map(SignedDuration::from_secs) }
}

fn statements(policy: &PolicyDocument) -> Value {
    let mut json: Value = serde_json::from_str(&policy.to_json()).unwrap();
    json["Statement"].take()
}

#[test]
fn a_session_switches_these_instances_and_sees_all() {
    let ids = vec![ONE.to_owned(), OTHER.to_owned()];
    let policy = powering_policy(&place(), Some(&power_request(Wanted::Stopped, ids)));
    let arn = |id: &str| format!("arn:aws:ec2:ap-southeast-2:222222222222:instance/{id}");
    let sees = json!({
        "Effect": "Allow", "Action": "ec2:DescribeInstances", "Resource": "*",
        "Condition": {"StringEquals": {"aws:RequestedRegion": "ap-southeast-2"}},
    });
    let stops = json!({"Effect": "Allow", "Action": "ec2:StopInstances", "Resource": [arn(ONE), arn(OTHER)]});
    assert_eq!(statements(&policy), json!([sees, stops]));
    assert_eq!(statements(&powering_policy(&place(), None)), json!([sees]), "whoever looks can do no more");
}

/// As many as a chunk has, in the Region with the longest name, fit one session.
#[test]
fn a_chunk_of_instances_fits_one_session() {
    let place = Place { partition: "aws-us-gov".parse().unwrap(), ..place() };
    let ids = (0..15).map(|number| format!("i-0123456789abcde{number:02}")).collect();
    let policy = powering_policy(&place, Some(&power_request(Wanted::Running, ids)));
    assert!(fits(&policy), "{}", policy.to_json().len());
}

#[tokio::test]
async fn instances_are_seen_as_they_are() {
    let (session, wire) = session(|_| {
        let tags = "<tagSet><item><key>aws:autoscaling:groupName</key><value>web</value></item></tagSet>";
        let reason = "<stateReason><code>Client.UserInitiatedShutdown</code></stateReason>";
        let store = "<rootDeviceType>instance-store</rootDeviceType>";
        page(&format!(
            "{}{}",
            instance(ONE, "stopped", &format!("{tags}{reason}")),
            instance(OTHER, "running", store)
        ))
    })
    .await;
    let all = [watched(ONE, None), watched(OTHER, None), watched("i-0123456789abcdef2", None)];
    let seen = match look_at_power(&session, &place(), Wanted::Stopped, &all).await {
        Answer::Done(seen) => seen,
        other => panic!("{other:?}"),
    };
    let launched_at = Some("2026-11-20T06:00:00Z".parse().unwrap());
    let one = Powered {
        state: PowerState::Stopped,
        launched_at,
        group: Some("web".to_owned()),
        on_instance_store: false,
        reason: Some("Client.UserInitiatedShutdown".to_owned()),
    };
    let other = Powered {
        state: PowerState::Running,
        launched_at,
        group: None,
        on_instance_store: true,
        reason: None,
    };
    let instances: Vec<_> = seen.iter().map(|seen| seen.instance.clone()).collect();
    assert_eq!(instances, [Some(one), Some(other), None]);
    assert!(seen.iter().all(|seen| seen.became.is_none()), "nobody was asked for");
    let calls = wire.calls();
    let call = calls.iter().find(|call| call.service == "ec2").unwrap();
    assert_eq!(call.operation, "DescribeInstances");
    assert_eq!(call.field("Filter.1.Name"), Some("instance-id"));
    assert_eq!(call.field("Filter.1.Value.3"), Some("i-0123456789abcdef2"));
}

/// What AWS has taken is told by the state that it ends in, each by its own time.
#[rstest]
#[case::started("running", "", Some(60), TargetOutcome::Succeeded, None)]
#[case::on_its_way("pending", "", Some(60), TargetOutcome::Running, None)]
#[case::not_seen_yet("stopped", "", Some(1), TargetOutcome::Running, None)]
#[case::without_its_key(
    "stopped",
    "Client.InternalError",
    Some(60),
    TargetOutcome::Failed,
    Some("key_unusable")
)]
#[case::without_room(
    "stopped",
    "Server.InsufficientInstanceCapacity",
    Some(60),
    TargetOutcome::Failed,
    Some("insufficient_capacity")
)]
#[tokio::test]
async fn what_aws_has_taken_is_followed_to_its_end(
    #[case] state: &'static str,
    #[case] reason: &'static str,
    #[case] taken: Option<i64>,
    #[case] outcome: TargetOutcome,
    #[case] code: Option<&str>,
) {
    let (session, _) = session(move |_| {
        let reason = format!("<stateReason><code>{reason}</code></stateReason>");
        page(&instance(ONE, state, &reason))
    })
    .await;
    match look_at_power(&session, &place(), Wanted::Running, &[watched(ONE, taken)]).await {
        Answer::Done(seen) => {
            let became = seen[0].became.clone().unwrap();
            assert_eq!((became.outcome, became.code.as_deref()), (outcome, code));
        }
        other => panic!("{other:?}"),
    }
}

/// Source: EC2 API Reference, "Error codes".
#[tokio::test]
async fn what_passes_is_asked_again_and_a_refusal_is_told() {
    let look = async |code: &'static str, status| {
        let (session, _) = session(move |_| Reply::ec2(status, code, "no")).await;
        look_at_power(&session, &place(), Wanted::Running, &[watched(ONE, None)]).await
    };
    assert_eq!(look("RequestLimitExceeded", 503).await, Answer::Later { code: "throttled".to_owned() });
    assert_eq!(look("Unavailable", 503).await, Answer::Later { code: "aws_unavailable".to_owned() });
    match look("UnauthorizedOperation", 403).await {
        Answer::Refused { code, .. } => assert_eq!(code, "access_denied"),
        other => panic!("{other:?}"),
    }
}
