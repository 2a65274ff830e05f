use crate::test_app::{Bench, text};
use axum::http::StatusCode;
use domain::message::OnboardingMessage;
use rstest::rstest;
use serde_json::{Value, json};

const ROLE: &str = r#"{"role_arn":"arn:aws:iam::222222222222:role/one"}"#;

/// A connection whose role is being verified.
async fn verifying(bench: &Bench) -> String {
    let path = bench.connection().await;
    bench.operator("PUT", &format!("{path}/role"), ROLE).await;
    bench.calls();
    path
}

fn last_event(bench: &Bench) -> Value {
    let event = bench.written().into_iter().rfind(|item| item.contains_key("event_id")).unwrap();
    json!(event["type"].as_s().unwrap())
}

#[rstest]
#[case::a_label(json!({"label": "Production"}))]
#[case::capabilities(json!({"capabilities": ["ec2-observe", "ec2-power"]}))]
#[case::regions(json!({"regions": ["eu-central-1", "eu-west-1"]}))]
#[case::everything(json!({"label": "a", "capabilities": ["ec2-power"], "regions": ["eu-west-1"]}))]
#[tokio::test]
async fn where_there_is_no_role_a_change_is_only_noted(#[case] change: Value) {
    let bench = Bench::new();
    let path = bench.connection().await;
    let before = bench.operator("GET", &path, "").await;
    bench.calls();
    let answer = bench.operator("PATCH", &path, change.to_string()).await;
    assert_eq!(answer.status, StatusCode::ACCEPTED, "{answer:?}");
    for field in ["label", "capabilities", "regions"] {
        let expected = change.get(field).unwrap_or(&before.body[field]);
        assert_eq!(answer.body[field], *expected, "{field}");
    }
    assert_eq!((&answer.body["version"], &answer.body["state"]), (&json!(2), &json!("pending_role")));
    assert_eq!(bench.calls(), ["GetItem", "TransactWriteItems"]);
    assert!(bench.messages().is_empty(), "nothing begins");
    assert_eq!(last_event(&bench), "connection.changed");
    assert_eq!(without_checks(bench.operator("GET", &path, "").await.body), answer.body);
}

/// What answers to changes tell of a connection: what its role may do is on its own page alone.
fn without_checks(mut shown: Value) -> Value {
    assert!(shown.as_object_mut().unwrap().remove("checks").is_some());
    shown
}

#[rstest]
#[case::nothing(json!({}))]
#[case::what_it_is(json!({"label": null, "capabilities": ["ec2-observe"], "regions": ["eu-central-1"]}))]
#[case::null_lists(json!({"capabilities": null, "regions": null}))]
#[tokio::test]
async fn what_changes_nothing_writes_and_sends_nothing(#[case] change: Value) {
    let bench = Bench::new();
    let path = verifying(&bench).await;
    let (before, messages) = (bench.operator("GET", &path, "").await, bench.messages().len());
    bench.calls();
    let answer = bench.operator("PATCH", &path, change.to_string()).await;
    assert_eq!((answer.status, answer.body), (StatusCode::ACCEPTED, without_checks(before.body)));
    assert_eq!((bench.calls(), bench.messages().len()), (vec!["GetItem"], messages));
}

#[rstest]
#[case::capabilities(json!({"capabilities": ["ec2-power"]}))]
#[case::regions(json!({"regions": ["eu-west-1"]}))]
#[tokio::test]
async fn a_role_is_verified_anew_for_what_is_asked_now(#[case] change: Value) {
    let bench = Bench::new();
    let path = verifying(&bench).await;
    let answer = bench.operator("PATCH", &path, change.to_string()).await;
    assert_eq!((answer.status, &answer.body["verification"]), (StatusCode::ACCEPTED, &json!("running")));
    let calls = bench.calls();
    let place = |call| calls.iter().position(|one| *one == call).unwrap();
    assert!(place("SendMessage") < place("TransactWriteItems"), "{calls:?}");
    let messages = bench.messages();
    assert_eq!(messages.len(), 2, "one of the first verification, one of this");
    let OnboardingMessage::Verify(step) = serde_json::from_str(&messages[1].0).unwrap() else {
        panic!("{messages:?}")
    };
    assert_eq!((step.step, messages[1].1), (0, 1));
    let written =
        bench.written().into_iter().rev().find_map(|item| item.get("verification").cloned()).unwrap();
    assert_eq!(*written.as_m().unwrap()["id"].as_s().unwrap(), step.verification_id.to_string());
}

#[tokio::test]
async fn a_label_leaves_a_verification_alone() {
    let bench = Bench::new();
    let path = verifying(&bench).await;
    let answer = bench.operator("PATCH", &path, r#"{"label":"Production"}"#).await;
    assert_eq!(answer.body["label"], "Production");
    assert_eq!(bench.messages().len(), 1);
    assert!(!bench.calls().contains(&"SendMessage"));
    let answer = bench.operator("PATCH", &path, r#"{"regions":null}"#).await;
    assert_eq!(answer.body["label"], "Production", "what is left out stays");
    let answer = bench.operator("PATCH", &path, r#"{"label":null}"#).await;
    assert_eq!(answer.body["label"], Value::Null, "and a null takes it away");
}

#[rstest]
#[case::label(json!({"label": "two\nlines"}), &[("/label", "invalid_label")])]
#[case::no_capabilities(json!({"capabilities": []}), &[("/capabilities", "capabilities_empty")])]
#[case::no_regions(json!({"regions": []}), &[("/regions", "regions_empty")])]
#[case::too_many(json!({"regions": vec!["eu-central-1"; 65]}), &[("/regions", "too_many_items")])]
#[case::type_of_label(json!({"label": 1}), &[("/label", "invalid_type")])]
#[case::type_of_item(json!({"regions": [1]}), &[("/regions/0", "invalid_type")])]
#[case::not_to_be_changed(
    json!({"account_id": "222222222222", "external_id": "mine"}),
    &[("/account_id", "unknown_field"), ("/external_id", "unknown_field")]
)]
#[case::all_at_once(
    json!({"label": "\u{0}", "capabilities": ["ec2-observe", "x"], "regions": ["cn-north-1", "*"]}),
    &[("/label", "invalid_label"), ("/capabilities/1", "unknown_capability"), ("/regions/1", "invalid_region")]
)]
#[tokio::test]
async fn every_field_at_fault_is_named(#[case] change: Value, #[case] errors: &[(&str, &str)]) {
    let bench = Bench::new();
    let path = bench.connection().await;
    let answer = bench.operator("PATCH", &path, change.to_string()).await;
    assert_eq!(answer.errors(), errors);
    assert_eq!(answer.status, StatusCode::BAD_REQUEST);
    assert!(bench.calls().is_empty());
}

#[rstest]
#[case::as_seen(Some("\"1\""), StatusCode::ACCEPTED, "")]
#[case::whatever_it_is(Some("*"), StatusCode::ACCEPTED, "")]
#[case::not_said(None, StatusCode::ACCEPTED, "")]
#[case::another(Some("\"2\""), StatusCode::PRECONDITION_FAILED, "version_mismatch")]
#[case::without_quotes(Some("1"), StatusCode::BAD_REQUEST, "invalid_if_match")]
#[case::weak(Some("W/\"1\""), StatusCode::BAD_REQUEST, "invalid_if_match")]
#[case::several(Some("\"1\", \"2\""), StatusCode::BAD_REQUEST, "invalid_if_match")]
#[case::half_a_quote(Some("\""), StatusCode::BAD_REQUEST, "invalid_if_match")]
#[case::empty(Some(""), StatusCode::BAD_REQUEST, "invalid_if_match")]
#[tokio::test]
async fn only_the_version_that_was_seen_is_changed(
    #[case] if_match: Option<&str>,
    #[case] status: StatusCode,
    #[case] code: &str,
) {
    // Each way to change a connection, with what it takes.
    for (method, action, body) in [
        ("PATCH", "", r#"{"label":"a"}"#),
        ("DELETE", "", ""),
        ("DELETE", "/invite", ""),
        ("PUT", "/role", ROLE),
    ] {
        let bench = Bench::new();
        let path = bench.connection().await;
        let written = bench.written().len();
        let headers: Vec<_> = if_match.iter().map(|version| ("if-match", *version)).collect();
        let answer = bench.operator_with(method, &format!("{path}{action}"), &headers, body).await;
        let status = if action == "/invite" && status.is_success() { StatusCode::NO_CONTENT } else { status };
        assert_eq!((answer.status, answer.code()), (status, code), "{method} {action}");
        assert_eq!(bench.written().len() > written, status.is_success(), "{method} {action}");
        if !status.is_success() {
            assert!(bench.messages().is_empty(), "{method} {action}");
        }
    }
}

/// What the caller has seen is compared each time that the change is decided anew.
#[tokio::test]
async fn a_change_at_the_same_time_is_decided_anew() {
    let bench = Bench::new();
    let path = bench.connection().await;
    bench.refuse(&["ConditionalCheckFailed", "None"]);
    let answer = bench.operator_with("PATCH", &path, &[("if-match", "\"1\"")], r#"{"label":"a"}"#).await;
    assert_eq!(answer.status, StatusCode::ACCEPTED);
    let once = ["GetItem", "TransactWriteItems"];
    assert_eq!(bench.calls(), once.repeat(2));
}

#[rstest]
#[case("offboarding")]
#[case("offboarded")]
#[tokio::test]
async fn what_is_taken_down_is_not_changed(#[case] state: &str) {
    let bench = Bench::new();
    let path = bench.connection().await;
    bench.rewrite(&path, [("state", text(state))]);
    let answer = bench.operator("PATCH", &path, r#"{"label":"a"}"#).await;
    assert_eq!((answer.status, answer.code()), (StatusCode::CONFLICT, "state_conflict"));
    assert_eq!(bench.calls(), ["GetItem"]);
}

#[rstest]
#[case("PATCH", "", "{}")]
#[case("DELETE", "", "")]
#[case("POST", "/invite", "")]
#[case("DELETE", "/invite", "")]
#[tokio::test]
async fn what_is_not_there_cannot_be_changed(#[case] method: &str, #[case] action: &str, #[case] body: &str) {
    for id in ["con_0193b2c0000070008000000000000001", "cus_0193b2c0000070008000000000000001", "*"] {
        let bench = Bench::new();
        let path = format!("/v1/connections/{id}{action}");
        let answer = bench.operator(method, &path, body.to_owned()).await;
        assert_eq!((answer.status, answer.code()), (StatusCode::NOT_FOUND, "not_found"), "{path}");
        assert!(bench.written().is_empty());
    }
}
