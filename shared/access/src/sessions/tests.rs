//! Error codes are those of the STS API Reference: `AssumeRole`, "Errors", and "Common errors".

use super::*;
use crate::wire::{Call, Reply, Wire};
use ProbeOutcome::{Denied, Inconclusive};
use domain::ErrorKind;
use domain::grant::Shard;
use domain::policy;
use domain::sample::{created, deployment, submitted};
use rstest::rstest;

const ROLE: &str = "arn:aws:iam::222222222222:role/path/customer-role";

/// A connection whose role is granted to the second broker.
fn connection() -> Connection {
    Connection { shard: Shard::new(27), ..submitted(&created().connection, ROLE).connection }
}

fn keys(key: &str) -> Reply {
    Reply::ok(
        "id",
        format!(
            "<AssumeRoleResponse><AssumeRoleResult><Credentials><AccessKeyId>{key}</AccessKeyId>\
             <SecretAccessKey>{key}-secret</SecretAccessKey><SessionToken>{key}-token</SessionToken>\
             <Expiration>2999-01-01T00:00:00Z</Expiration></Credentials></AssumeRoleResult></AssumeRoleResponse>"
        ),
    )
}

/// STS that gives out the broker, and answers so about the customer's role.
fn sts(customer: Reply) -> Wire {
    Wire::new(move |call| match (call.action(), call.field("RoleArn")) {
        ("GetCallerIdentity", _) => Reply::ok(
            "id",
            "<GetCallerIdentityResponse><GetCallerIdentityResult/></GetCallerIdentityResponse>",
        ),
        (_, Some(ROLE)) => customer.clone(),
        _ => keys("BROKERKEY"),
    })
}

async fn open(wire: &Wire, connection: &Connection) -> Result<Opened, Error> {
    let sessions = Sessions::new(Brokers::new(wire.config(), deployment()));
    Box::pin(sessions.open(connection, "drawbridge-ver_7", &policy::nothing())).await
}

async fn opened(wire: &Wire) -> CustomerSession {
    match open(wire, &connection()).await.unwrap() {
        Opened::Open(session) => session,
        shut => panic!("shut: {shut:?}"),
    }
}

async fn shut(customer: Reply) -> ProbeOutcome {
    match open(&sts(customer), &connection()).await.unwrap() {
        Opened::Open(session) => panic!("open: {session:?}"),
        Opened::Shut(outcome) => outcome,
        Opened::TooLarge => panic!("too large"),
    }
}

fn of_the_role(calls: &[Call]) -> Vec<&Call> {
    calls.iter().filter(|call| call.field("RoleArn") == Some(ROLE)).collect()
}

#[tokio::test]
async fn a_session_is_asked_for_with_the_connections_own_id_and_for_its_purpose() {
    let wire = sts(keys("CUSTOMERKEY"));
    opened(&wire).await;
    let calls = wire.calls();
    let asked = of_the_role(&calls);
    assert_eq!(asked.len(), 1);
    assert_eq!((asked[0].action(), asked[0].signer.as_str()), ("AssumeRole", "BROKERKEY"));
    assert_eq!(asked[0].field("ExternalId"), Some(connection().external_id.expose()));
    assert_eq!(asked[0].field("Policy"), Some(policy::nothing().to_json().as_str()));
    assert_eq!(asked[0].field("RoleSessionName"), Some("drawbridge-ver_7"));
    assert_eq!(asked[0].field("DurationSeconds"), Some("900"));
    assert_eq!(asked[0].region, "eu-central-1", "STS is called at home");
}

#[rstest]
#[case::refused(Reply::error(403, "AccessDenied", "is not authorized to perform: sts:AssumeRole"), Denied)]
#[case::throttled(Reply::error(400, "Throttling", "Rate exceeded"), Inconclusive)]
#[case::fault(Reply::error(500, "InternalFailure", "AccessDenied"), Inconclusive)]
#[case::region(Reply::error(403, "RegionDisabledException", "not activated"), Inconclusive)]
#[case::too_slow(Reply::Timeout, Inconclusive)]
#[case::no_network(Reply::Unreachable, Inconclusive)]
#[case::no_keys(
    Reply::ok("id", "<AssumeRoleResponse><AssumeRoleResult/></AssumeRoleResponse>"),
    Inconclusive
)]
#[case::nothing(Reply::ok("id", ""), Inconclusive)]
#[tokio::test]
async fn without_a_session_it_is_told_whether_aws_refused(
    #[case] customer: Reply,
    #[case] expected: ProbeOutcome,
) {
    assert_eq!(shut(customer).await, expected);
}

/// It is neither a refusal of the customer's nor a failure: with less to name there would be a session.
#[tokio::test]
async fn a_session_that_cannot_be_limited_so_is_told_apart() {
    let wire = sts(Reply::error(400, "PackedPolicyTooLarge", "too large"));
    let opened = open(&wire, &connection()).await.unwrap();
    assert!(matches!(opened, Opened::TooLarge), "{opened:?}");
    // A broker's own session is limited by nothing, so that it is something else there.
    let wire = Wire::new(|_| Reply::error(400, "PackedPolicyTooLarge", "too large"));
    let opened = open(&wire, &connection()).await.unwrap();
    assert!(matches!(opened, Opened::Shut(Inconclusive)), "{opened:?}");
}

/// A failure to act as the broker says nothing about the customer's role.
#[tokio::test]
async fn a_broker_that_is_refused_is_no_refusal_of_the_customers() {
    let wire = Wire::new(|_| Reply::error(403, "AccessDenied", "no"));
    let opened = open(&wire, &connection()).await.unwrap();
    assert!(matches!(opened, Opened::Shut(Inconclusive)), "{opened:?}");
    assert!(of_the_role(&wire.calls()).is_empty());
}

#[rstest]
#[case::no_grant(Connection { shard: None, ..connection() })]
#[case::no_role(Connection { role_arn: None, ..connection() })]
#[tokio::test]
async fn nothing_is_asked_without_a_granted_role(#[case] connection: Connection) {
    let wire = sts(keys("CUSTOMERKEY"));
    assert_eq!(open(&wire, &connection).await.unwrap_err().kind, ErrorKind::Internal);
    assert_eq!(wire.calls(), []);
}

/// Sessions are told apart, though they are made of the same settings.
#[tokio::test]
async fn a_session_signs_with_its_own_keys_for_the_region_that_is_asked() {
    let (one, other) = (sts(keys("ONEKEY")), sts(keys("OTHERKEY")));
    for (wire, key) in [(&one, "ONEKEY"), (&other, "OTHERKEY")] {
        let session = opened(wire).await;
        for region in ["eu-west-3", "ap-southeast-2"] {
            let config = session.in_region(&region.parse().unwrap());
            let answered = aws_sdk_sts::Client::new(&config).get_caller_identity().send().await;
            answered.unwrap();
            let call = wire.calls().pop().unwrap();
            assert_eq!((call.action(), call.signer.as_str()), ("GetCallerIdentity", key));
            assert_eq!(call.region, region);
        }
    }
}

#[tokio::test]
async fn one_brokers_sessions_of_two_customers_do_not_mix() {
    let wire = Wire::new(|call| match (call.action(), call.field("RoleArn")) {
        ("GetCallerIdentity", _) => Reply::ok(
            "id",
            "<GetCallerIdentityResponse><GetCallerIdentityResult/></GetCallerIdentityResponse>",
        ),
        (_, Some(ROLE)) => keys("ONEKEY"),
        (_, Some("arn:aws:iam::333333333333:role/other")) => keys("OTHERKEY"),
        _ => keys("BROKERKEY"),
    });
    // As in a function, where all settings share one cache of identities.
    let cache = aws_sdk_sts::config::IdentityCache::lazy().build();
    let config = wire.config().into_builder().identity_cache(cache).build();
    let sessions = Sessions::new(Brokers::new(config, deployment()));
    let other = submitted(&created().connection, "arn:aws:iam::333333333333:role/other").connection;
    let other = Connection { shard: Shard::new(27), ..other };
    let mut opened = Vec::new();
    for connection in [connection(), other] {
        let answer = Box::pin(sessions.open(&connection, "drawbridge-ver_7", &policy::nothing())).await;
        let Opened::Open(session) = answer.unwrap() else { panic!("there is a session") };
        opened.push(session);
    }
    for (session, key) in opened.iter().zip(["ONEKEY", "OTHERKEY"]) {
        let config = session.in_region(&"eu-west-3".parse().unwrap());
        aws_sdk_sts::Client::new(&config).get_caller_identity().send().await.unwrap();
        assert_eq!(wire.calls().pop().unwrap().signer, key);
    }
}

#[tokio::test]
async fn a_session_shows_no_secret() {
    let session = opened(&sts(keys("CUSTOMERKEY"))).await;
    let external_id = connection().external_id;
    let config = session.in_region(&"eu-west-3".parse().unwrap());
    for told in [format!("{session:?}"), format!("{session:#?}"), format!("{:?}", Opened::Open(session))]
        .into_iter()
        .chain([format!("{config:?}")])
    {
        for secret in ["-secret", "-token", external_id.expose()] {
            assert!(!told.contains(secret), "{secret} in {told}");
        }
    }
}
