//! Error codes are those of the STS API Reference: `AssumeRole`, "Errors", and "Common errors".

use super::*;
use crate::broker::Brokers;
use crate::wire::{Reply, Wire};
use domain::credentials::{CredentialsOrder, SessionLength};
use domain::grant::Shard;
use domain::sample::{NOW, created, deployment, occasion, submitted};
use domain::{ConnectionState, CredentialsId, ErrorKind};
use rstest::rstest;

const ROLE: &str = "arn:aws:iam::222222222222:role/path/customer-role";

fn connection() -> Connection {
    Connection {
        shard: Shard::new(27),
        state: ConnectionState::Active,
        ..submitted(&created().connection, ROLE).connection
    }
}

fn issue() -> Issue {
    let order = CredentialsOrder {
        capabilities: connection().capabilities,
        region: None,
        length: SessionLength::of_seconds(1234).unwrap(),
        reason: "why".parse().unwrap(),
    };
    Issue::admit(CredentialsId::new(NOW, [7; 10]), order, &connection(), &occasion()).unwrap()
}

fn keys(key: &str, expiration: &str) -> Reply {
    Reply::ok(
        "id",
        format!(
            "<AssumeRoleResponse><AssumeRoleResult><Credentials><AccessKeyId>{key}</AccessKeyId>\
             <SecretAccessKey>{key}-secret</SecretAccessKey><SessionToken>{key}-token</SessionToken>\
             {expiration}</Credentials></AssumeRoleResult></AssumeRoleResponse>"
        ),
    )
}

fn whole_keys(key: &str) -> Reply {
    keys(key, "<Expiration>2999-01-01T00:00:00Z</Expiration>")
}

/// STS that gives out the broker, and answers so about the customer's role.
fn sts(customer: Reply) -> Wire {
    Wire::new(move |call| match call.field("RoleArn") {
        Some(ROLE) => customer.clone(),
        _ => whole_keys("BROKERKEY"),
    })
}

async fn asked(wire: &Wire, connection: &Connection) -> Result<Issued, Error> {
    let sessions = Sessions::new(Brokers::new(wire.config(), deployment()));
    Box::pin(sessions.issue(connection, &issue())).await
}

#[tokio::test]
async fn keys_are_asked_for_as_they_were_admitted_and_given_whole() {
    let wire = sts(whole_keys("CUSTOMERKEY"));
    let Issued::Given(given) = asked(&wire, &connection()).await.unwrap() else { panic!("keys are given") };
    assert_eq!(
        (given.access_key_id(), given.secret_access_key(), given.session_token()),
        ("CUSTOMERKEY", "CUSTOMERKEY-secret", "CUSTOMERKEY-token")
    );
    assert_eq!(given.expires_at(), "2999-01-01T00:00:00Z".parse().unwrap());
    let calls = wire.calls();
    let call = calls.iter().find(|call| call.field("RoleArn") == Some(ROLE)).unwrap();
    assert_eq!((call.action(), call.signer.as_str()), ("AssumeRole", "BROKERKEY"));
    assert_eq!(call.field("ExternalId"), Some(connection().external_id.expose()));
    assert_eq!(call.field("Policy"), Some(issue().session_policy.to_json().as_str()));
    assert_eq!(call.field("RoleSessionName"), Some(issue().session_name.as_str()));
    assert_eq!(call.field("DurationSeconds"), Some("1234"));
}

#[rstest]
#[case::refused(
    Reply::error(403, "AccessDenied", "is not authorized to perform: sts:AssumeRole on resource: x"),
    "Refused"
)]
#[case::too_large(
    Reply::error(400, "PackedPolicyTooLarge", "Packed policy consumes 137% of allotted space"),
    "TooLarge"
)]
#[case::throttled(Reply::error(400, "Throttling", "Rate exceeded"), "Unanswered")]
#[case::fault(Reply::error(500, "InternalFailure", "AccessDenied"), "Unanswered")]
#[case::too_slow(Reply::Timeout, "Unanswered")]
#[case::no_network(Reply::Unreachable, "Unanswered")]
#[case::no_end(keys("CUSTOMERKEY", ""), "Unanswered")]
#[case::no_keys(
    Reply::ok("id", "<AssumeRoleResponse><AssumeRoleResult/></AssumeRoleResponse>"),
    "Unanswered"
)]
#[tokio::test]
async fn without_keys_it_is_told_why(#[case] customer: Reply, #[case] expected: &str) {
    let told = format!("{:?}", asked(&sts(customer), &connection()).await.unwrap());
    assert!(told.starts_with(expected), "{told}");
}

/// A failure to act as the broker says nothing about the customer's role.
#[tokio::test]
async fn a_broker_that_is_refused_is_no_refusal_of_the_customers() {
    let wire = Wire::new(|_| Reply::error(403, "AccessDenied", "no"));
    assert!(matches!(asked(&wire, &connection()).await.unwrap(), Issued::Unanswered));
}

#[tokio::test]
async fn nothing_is_asked_without_a_granted_role() {
    let wire = sts(whole_keys("CUSTOMERKEY"));
    for connection in
        [Connection { shard: None, ..connection() }, Connection { role_arn: None, ..connection() }]
    {
        assert_eq!(asked(&wire, &connection).await.unwrap_err().kind, ErrorKind::Internal);
    }
    assert_eq!(wire.calls(), []);
}

#[tokio::test]
async fn keys_show_no_secret() {
    let issued = asked(&sts(whole_keys("CUSTOMERKEY")), &connection()).await.unwrap();
    for told in [format!("{issued:?}"), format!("{issued:#?}")] {
        assert!(told.contains("[redacted]") && !told.contains("CUSTOMERKEY"), "{told}");
    }
}
