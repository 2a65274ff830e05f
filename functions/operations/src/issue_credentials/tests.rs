use rstest::rstest;
use serde_json::{Value, json};

use crate::test_app::{OPERATOR, Sts, TestApp, active};
use domain::{Connection, ConnectionState};

fn order() -> Value {
    json!({"capabilities": ["ec2-power"], "region": "eu-central-1", "duration_seconds": 1800, "reason": "ticket 1234"})
}

const SECRETS: [&str; 3] = ["CUSTOMERKEY", "CUSTOMER-secret", "CUSTOMER-token"];

#[tokio::test]
async fn credentials_are_recorded_asked_for_recorded_and_handed_out() {
    let app = TestApp::new(active(), Sts::Gives).await;
    let given = app.ask(&order()).await;
    assert_eq!(given.status, 201, "{:#}", given.body);
    assert_eq!(given.headers["cache-control"], "no-store");
    assert_eq!(app.asked(), ["credentials.requested", "AssumeRole", "credentials.issued"]);
    let body = &given.body;
    let keys =
        ["access_key_id", "secret_access_key", "session_token"].map(|name| body[name].as_str().unwrap());
    assert_eq!(keys, SECRETS);
    assert_eq!(body["expires_at"], "2999-01-01T00:00:00Z");
    assert_eq!((&body["account_id"], &body["reason"]), (&json!("222222222222"), &json!("ticket 1234")));
    assert_eq!((&body["capabilities"], &body["regions"]), (&json!(["ec2-power"]), &json!(["eu-central-1"])));
    let session = body["session_name"].as_str().unwrap();
    assert_eq!(session, format!("drawbridge-{}", body["credentials_id"].as_str().unwrap()));
    assert!(body["cloudtrail"][0].as_str().unwrap().contains(session));
    // Both entries tell who, what and why; nothing that was written holds a key.
    let table = app.table();
    for part in [session, OPERATOR, "ticket 1234", "1800", "ec2-power"] {
        assert!(table.contains(part), "{part}");
    }
    assert!(SECRETS.iter().all(|secret| !table.contains(secret)), "{table}");
}

#[tokio::test]
async fn the_same_request_is_answered_once() {
    let app = TestApp::new(active(), Sts::Gives).await;
    assert_eq!(app.send(&order(), Some("once"), Some(OPERATOR)).await.status, 201);
    let again = app.send(&order(), Some("once"), Some(OPERATOR)).await;
    assert_eq!(again.problem(), (409, "not_replayable"));
    assert_eq!(again.headers["idempotency-replayed"], "true");
    assert_eq!(again.headers["content-type"], "application/problem+json");
    assert_eq!((&again.body["request_id"], &again.body["status"]), (&json!("req-1"), &json!(409)));
    assert_eq!(app.asked().iter().filter(|call| *call == "AssumeRole").count(), 1);
    let table = app.table();
    assert!(SECRETS.iter().all(|secret| !table.contains(secret)), "{table}");
    // Another key is another request.
    assert_eq!(app.send(&order(), Some("twice"), Some(OPERATOR)).await.status, 201);
}

/// Without a record AWS is not asked, and what AWS gave is not handed out.
#[rstest]
#[case(0, &[])]
#[case(1, &["credentials.requested", "AssumeRole"])]
#[tokio::test]
async fn there_are_no_credentials_without_a_record(#[case] transactions: usize, #[case] asked: &[&str]) {
    let app = TestApp::new(active(), Sts::Gives).await;
    app.break_after(transactions);
    let refused = app.send(&order(), Some("key"), Some(OPERATOR)).await;
    assert_eq!(refused.problem(), (503, "dependency_unavailable"));
    assert!(refused.headers.contains_key("retry-after"));
    assert_eq!(app.asked(), asked);
    assert!(SECRETS.iter().all(|secret| !refused.body.to_string().contains(secret)));
    // Nothing was answered yet, so that the same request may come again.
    app.break_after(usize::MAX);
    assert_eq!(app.send(&order(), Some("key"), Some(OPERATOR)).await.status, 201);
}

#[tokio::test]
async fn what_changed_meanwhile_is_not_handed_out_for() {
    let app = TestApp::new(active(), Sts::GivesLate).await;
    let refused = app.ask(&order()).await;
    assert_eq!(refused.problem(), (409, "concurrent_change"));
    assert_eq!(app.asked(), ["credentials.requested", "AssumeRole", "credentials.refused"]);
    assert!(SECRETS.iter().all(|secret| !refused.body.to_string().contains(secret)));
}

#[rstest]
#[case::refused(403, "AccessDenied", 409, "role_not_assumable")]
#[case::too_large(400, "PackedPolicyTooLarge", 422, "too_many_capabilities")]
#[case::throttled(400, "Throttling", 503, "dependency_unavailable")]
#[case::region(403, "RegionDisabledException", 503, "dependency_unavailable")]
#[tokio::test]
async fn what_aws_does_not_give_is_told_and_recorded(
    #[case] status: u16,
    #[case] code: &'static str,
    #[case] answered: u16,
    #[case] told: &str,
) {
    let message = "User: arn:aws:sts::111111111111:assumed-role/broker-1/drawbridge is not authorized to perform: \
                   sts:AssumeRole on resource: arn:aws:iam::222222222222:role/path/customer-role";
    let app = TestApp::new(active(), Sts::Refuses(status, code, message)).await;
    let refused = app.ask(&order()).await;
    assert_eq!(refused.problem(), (answered, told), "{:#}", refused.body);
    assert_eq!(app.asked(), ["credentials.requested", "AssumeRole", "credentials.refused"]);
    assert!(app.table().contains(told));
    assert!(!refused.body.to_string().contains("assumed-role/broker-1"), "{:#}", refused.body);
}

#[rstest]
#[case(json!({"reason": "r"}), &[("/capabilities", "missing_field")])]
#[case(json!({"capabilities": [], "reason": "r"}), &[("/capabilities", "capabilities_empty")])]
#[case(json!({"capabilities": ["ec2-everything"], "reason": "r"}), &[("/capabilities/0", "unknown_capability")])]
#[case(json!({"capabilities": vec!["ec2-power"; 15], "reason": "r"}), &[("/capabilities", "too_many_items")])]
#[case(json!({"capabilities": ["ec2-power"]}), &[("/reason", "missing_field")])]
#[case(json!({"capabilities": ["ec2-power"], "reason": " "}), &[("/reason", "invalid_reason")])]
#[case(json!({"capabilities": ["ec2-power"], "reason": "x".repeat(501)}), &[("/reason", "invalid_reason")])]
#[case(json!({"capabilities": ["ec2-power"], "reason": "r", "region": "*"}), &[("/region", "invalid_region")])]
#[case(json!({"capabilities": ["ec2-power"], "reason": "r", "duration_seconds": 899}), &[("/duration_seconds", "invalid_duration")])]
#[case(json!({"capabilities": ["ec2-power"], "reason": "r", "duration_seconds": 3601}), &[("/duration_seconds", "invalid_duration")])]
#[case(json!({"capabilities": ["ec2-power"], "reason": "r", "external_id": "x"}), &[("/external_id", "unknown_field")])]
#[case(
    json!({"capabilities": ["x"], "region": "nowhere", "duration_seconds": 1}),
    &[("/capabilities/0", "unknown_capability"), ("/region", "invalid_region"), ("/duration_seconds", "invalid_duration"), ("/reason", "missing_field")]
)]
#[tokio::test]
async fn what_cannot_be_read_is_named(#[case] body: Value, #[case] errors: &[(&str, &str)]) {
    let app = TestApp::new(active(), Sts::Gives).await;
    let refused = app.ask(&body).await;
    assert_eq!((refused.status.as_u16(), refused.errors()), (400, errors.to_vec()), "{:#}", refused.body);
    assert!(app.asked().is_empty());
}

#[rstest]
#[case(json!({"capabilities": ["dynamodb-data"]}), 403, "capability_missing", &["/capabilities"])]
#[case(json!({"capabilities": ["classic"]}), 403, "capability_missing", &["/capabilities"])]
#[case(json!({"capabilities": ["classic", "ec2-power"]}), 422, "classic_stands_alone", &["/capabilities"])]
#[case(json!({"region": "eu-west-1"}), 422, "region_not_connected", &["/region"])]
#[tokio::test]
async fn what_the_connection_is_not_for_is_refused_before_anything_is_asked(
    #[case] change: Value,
    #[case] status: u16,
    #[case] code: &str,
    #[case] pointers: &[&str],
) {
    let app = TestApp::new(active(), Sts::Gives).await;
    let mut body = order();
    body.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
    let refused = app.ask(&body).await;
    assert_eq!(refused.problem(), (status, code));
    assert_eq!(refused.errors().iter().map(|(pointer, _)| *pointer).collect::<Vec<_>>(), pointers);
    assert!(app.asked().is_empty());
}

#[tokio::test]
async fn only_an_accepted_connection_and_an_operator_have_credentials() {
    let suspended = Connection { state: ConnectionState::Suspended, ..active() };
    let app = TestApp::new(suspended, Sts::Gives).await;
    assert_eq!(app.ask(&order()).await.problem(), (409, "connection_not_active"));
    assert!(app.asked().is_empty());
    let app = TestApp::new(active(), Sts::Gives).await;
    assert_eq!(app.send(&order(), None, None).await.problem(), (403, "not_authorized"));
    assert!(app.asked().is_empty());
}
