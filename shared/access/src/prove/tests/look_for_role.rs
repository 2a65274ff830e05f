//! Whether a role that was not there yet is there by now.

use super::*;
use rstest::rstest;

/// A connection that looks for a role, which is granted to the second broker.
fn looking() -> Connection {
    Connection { shard: Shard::new(27), ..domain::sample::looking(&created().connection).connection }
}

/// One attempt, when STS answers this about the role.
async fn tried(connection: &Connection, reply: Reply) -> (Result<ProbeOutcome, Error>, Vec<Call>) {
    let wire = Wire::new(move |call| match call.field("RoleArn") {
        Some(BROKER) => session("BROKERKEY", "of-the-broker"),
        _ => reply.clone(),
    });
    let probes = TrustProbes::new(Brokers::new(wire.config(), deployment()), || NOW);
    let tried = Box::pin(probes.look_for_role(connection, "drawbridge-look_1")).await;
    (tried, wire.calls())
}

#[tokio::test]
async fn the_role_that_is_looked_for_is_asked_for_once_with_our_own_external_id_and_for_nothing() {
    let connection = looking();
    let (outcome, calls) = tried(&connection, session("CUSTOMERKEY", "of-correct")).await;
    assert_eq!(outcome.unwrap(), Allowed);
    assert_eq!(calls.len(), 2, "the broker, and the role; its session is not used");
    let role = connection.looking().unwrap().role_arn.to_string();
    assert_eq!((calls[1].field("RoleArn"), calls[1].signer.as_str()), (Some(role.as_str()), "BROKERKEY"));
    assert_eq!(calls[1].field("ExternalId"), Some(connection.external_id.expose()));
    assert_eq!(
        (calls[1].field("DurationSeconds"), calls[1].field("RoleSessionName")),
        (Some("900"), Some("drawbridge-look_1"),)
    );
    assert_eq!(
        calls[1].field("Policy"),
        Some(r#"{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Action":"*","Resource":"*"}]}"#)
    );
}

// A role that is not there, and one that asks for another external ID, are refused alike.
#[rstest]
#[case::refused(denied(), Denied)]
#[case::throttling(Reply::error(400, "Throttling", "Rate exceeded"), Inconclusive)]
#[case::too_slow(Reply::Timeout, Inconclusive)]
#[tokio::test]
async fn what_gives_no_session_is_not_there(#[case] reply: Reply, #[case] expected: ProbeOutcome) {
    assert_eq!(tried(&looking(), reply).await.0.unwrap(), expected);
}

#[rstest]
#[case::without_a_look(created().connection)]
#[case::without_a_grant(Connection { shard: None, ..looking() })]
#[case::submitted_by_now(connection())]
#[tokio::test]
async fn nothing_else_is_looked_for(#[case] connection: Connection) {
    let (outcome, calls) = tried(&connection, denied()).await;
    assert_eq!(outcome.unwrap_err().kind, ErrorKind::Internal);
    assert!(calls.is_empty());
}
