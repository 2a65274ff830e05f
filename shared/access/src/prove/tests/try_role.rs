//! Whether a role can still be assumed once its grant was removed.

use super::*;

/// Whose role is tried: its grant is given back, so that it names none any more.
fn leaving() -> Connection {
    Connection { shard: None, ..connection() }
}

/// One attempt at the role, by the broker that had the grant, with these answers.
async fn tried(connection: &Connection, sts: Sts) -> (Result<ProbeOutcome, Error>, Vec<Call>) {
    let wire = Wire::new(move |call| sts.answer(call));
    let probes = TrustProbes::new(Brokers::new(wire.config(), deployment()), || NOW);
    let tried = Box::pin(probes.try_role(connection, Shard::new(27).unwrap(), "drawbridge-off_1")).await;
    (tried, wire.calls())
}

#[tokio::test]
async fn the_broker_that_could_asks_once_and_for_nothing() {
    let connection = leaving();
    let (outcome, calls) = tried(&connection, Sts::default()).await;
    assert_eq!(outcome.unwrap(), Allowed);

    // The broker is assumed, the role is asked for with its own external ID, and the session that
    // it still gives is not used.
    assert_eq!(calls.len(), 2);
    assert_eq!((calls[0].field("RoleArn"), calls[0].signer.as_str()), (Some(BROKER), "FUNCTION"));
    assert_eq!((calls[1].field("RoleArn"), calls[1].signer.as_str()), (Some(ROLE), "BROKERKEY"));
    assert_eq!(calls[1].field("ExternalId"), Some(connection.external_id.expose()));
    assert_eq!(calls[1].field("RoleSessionName"), Some("drawbridge-off_1"));
    assert_eq!(calls[1].field("DurationSeconds"), Some("900"));
    assert_eq!(
        calls[1].field("Policy"),
        Some(r#"{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Action":"*","Resource":"*"}]}"#)
    );
}

// Only `AccessDenied` shows that access is gone. An answer that broke off does not, and neither
// does a session without credentials: AWS has said yes.
#[rstest]
#[case::refused(denied(), Denied)]
#[case::a_session_without_credentials(
    Reply::ok("of-correct", "<AssumeRoleResponse><AssumeRoleResult/></AssumeRoleResponse>"),
    Allowed
)]
#[case::throttling(Reply::error(400, "Throttling", "Rate exceeded"), Inconclusive)]
#[case::fault(Reply::error(500, "InternalFailure", "AccessDenied"), Inconclusive)]
#[case::down(Reply::error(503, "ServiceUnavailable", "down"), Inconclusive)]
#[case::region_disabled(Reply::error(403, "RegionDisabledException", "STS is not activated"), Inconclusive)]
#[case::expired(Reply::error(400, "ExpiredTokenException", "expired"), Inconclusive)]
#[case::unknown_key(Reply::error(403, "InvalidClientTokenId", "unknown key"), Inconclusive)]
#[case::invalid(Reply::error(400, "ValidationError", "not valid"), Inconclusive)]
#[case::no_code(Reply::Http(403, "none", "<html>AccessDenied</html>".to_owned()), Inconclusive)]
#[case::empty(Reply::Http(403, "none", String::new()), Inconclusive)]
#[case::too_slow(Reply::Timeout, Inconclusive)]
#[case::no_network(Reply::Unreachable, Inconclusive)]
#[tokio::test]
async fn only_a_refusal_shows_that_access_is_gone(#[case] reply: Reply, #[case] expected: ProbeOutcome) {
    let (outcome, calls) = tried(&leaving(), Sts { correct: reply, ..Sts::default() }).await;
    assert_eq!(outcome.unwrap(), expected);
    assert_eq!(asked(&calls).len(), 1);
}

#[rstest]
#[case::refused(denied())]
#[case::throttled(Reply::error(400, "Throttling", "Rate exceeded"))]
#[case::too_slow(Reply::Timeout)]
#[tokio::test]
async fn a_broker_that_cannot_be_assumed_shows_nothing(#[case] reply: Reply) {
    let (outcome, calls) = tried(&leaving(), Sts { broker: reply, ..Sts::default() }).await;
    assert_eq!(outcome.unwrap(), Inconclusive);
    assert!(asked(&calls).is_empty());
}

#[tokio::test]
async fn without_a_role_there_is_nothing_to_try() {
    let connection = Connection { role_arn: None, ..leaving() };
    let (outcome, calls) = tried(&connection, Sts::default()).await;
    assert_eq!(outcome.unwrap_err().kind, ErrorKind::Internal);
    assert!(asked(&calls).is_empty());
}
