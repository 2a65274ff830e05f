use crate::test_app::Bench;
use axum::http::StatusCode;
use domain::message::RunsMessage;
use rstest::rstest;
use serde_json::{Value, json};

const MADE: &str = r#"{
    "kind": "dynamodb-backup", "expression": "rate(1 day)", "timezone": "Europe/Berlin", "regions": ["eu-west-1"],
    "flexible_window_minutes": 5, "select": {"names": ["*"]}, "retention": {"keep_last": 3}
}"#;

/// A schedule, and its path.
pub(crate) async fn made(bench: &Bench) -> (String, Value) {
    let path = format!("{}/schedules", bench.backed_up("active").await);
    let made = bench.operator("POST", &path, MADE).await;
    assert_eq!(made.status, StatusCode::CREATED, "{made:?}");
    bench.calls();
    (format!("/v1/schedules/{}", made.body["schedule_id"].as_str().unwrap()), made.body)
}

#[rstest]
#[case(json!({"expression": "cron(0 5 * * ? *)"}))]
#[case(json!({"timezone": "UTC"}))]
#[case(json!({"flexible_window_minutes": null, "regions": null, "retention": null}))]
#[case(json!({"flexible_window_minutes": 10, "regions": ["eu-central-1"], "retention": {"keep_daily": 7}}))]
#[case(json!({"select": {"ids": ["orders"]}, "enabled": false}))]
#[tokio::test]
async fn what_is_given_changes_and_the_rest_stays(#[case] change: Value) {
    let bench = Bench::new();
    let (path, before) = made(&bench).await;
    let answer = bench.operator_with("PATCH", &path, &[("if-match", "\"1\"")], change.to_string()).await;
    assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
    for field in [
        "kind",
        "expression",
        "timezone",
        "flexible_window_minutes",
        "regions",
        "select",
        "retention",
        "enabled",
    ] {
        assert_eq!(answer.body[field], *change.get(field).unwrap_or(&before[field]), "{field}");
    }
    assert_eq!((&answer.body["version"], &answer.body["published"]), (&json!(2), &json!(false)));
    assert_eq!(bench.calls(), ["GetItem", "GetItem", "SendMessage", "TransactWriteItems"]);
    let RunsMessage::Publish(publish) = serde_json::from_str(&bench.messages()[1].0).unwrap() else {
        panic!()
    };
    assert_eq!((publish.version, bench.messages()[1].1), (2, 1));
    let event = bench.written().into_iter().rfind(|item| item.contains_key("event_id")).unwrap();
    assert_eq!(event["type"].as_s().unwrap(), "schedule.changed");
    let mut shown = bench.operator("GET", &path, "").await.body;
    shown["next_at"] = answer.body["next_at"].clone();
    assert_eq!(shown, answer.body);
}

#[rstest]
#[case(json!({}))]
#[case(json!({"expression": "rate(1 day)", "enabled": true, "retention": {"keep_last": 3}, "select": null}))]
#[tokio::test]
async fn what_changes_nothing_writes_and_sends_nothing(#[case] change: Value) {
    let bench = Bench::new();
    let (path, _) = made(&bench).await;
    let answer = bench.operator("PATCH", &path, change.to_string()).await;
    assert_eq!((answer.status, &answer.body["version"]), (StatusCode::OK, &json!(1)));
    assert_eq!((bench.calls(), bench.messages().len()), (vec!["GetItem", "GetItem"], 1));
}

#[rstest]
#[case(json!({"kind": "dynamodb-backup"}), StatusCode::BAD_REQUEST, &[("/kind", "kind_cannot_change")])]
#[case(
    json!({"expression": "often", "timezone": "", "regions": []}),
    StatusCode::BAD_REQUEST,
    &[("/expression", "invalid_expression"), ("/timezone", "invalid_timezone"), ("/regions", "regions_empty")]
)]
#[case(json!({"retention": {}}), StatusCode::UNPROCESSABLE_ENTITY, &[("/retention", "retention_empty")])]
#[case(json!({"regions": ["us-east-1"]}), StatusCode::UNPROCESSABLE_ENTITY, &[("/regions", "region_not_connected")])]
#[tokio::test]
async fn what_cannot_be_is_refused(
    #[case] change: Value,
    #[case] status: StatusCode,
    #[case] errors: &[(&str, &str)],
) {
    let bench = Bench::new();
    let (path, before) = made(&bench).await;
    let answer = bench.operator("PATCH", &path, change.to_string()).await;
    assert_eq!((answer.status, &answer.errors()[..]), (status, errors));
    assert_eq!((bench.operator("GET", &path, "").await.body, bench.messages().len()), (before, 1));
}

#[tokio::test]
async fn only_what_the_caller_has_seen_is_changed() {
    let bench = Bench::new();
    let (path, before) = made(&bench).await;
    for method in ["PATCH", "DELETE"] {
        let answer = bench.operator_with(method, &path, &[("if-match", "\"2\"")], "{}").await;
        assert_eq!((answer.status, answer.code()), (StatusCode::PRECONDITION_FAILED, "version_mismatch"));
    }
    assert_eq!((bench.operator("GET", &path, "").await.body, bench.messages().len()), (before, 1));
}

#[tokio::test]
async fn a_change_at_the_same_time_is_decided_anew() {
    let bench = Bench::new();
    let (path, _) = made(&bench).await;
    bench.refuse(&["ConditionalCheckFailed", "None"]);
    let answer = bench.operator("PATCH", &path, r#"{"enabled":false}"#).await;
    assert_eq!((answer.status, &answer.body["enabled"]), (StatusCode::OK, &json!(false)));
    for _ in 0..3 {
        bench.refuse(&["ConditionalCheckFailed", "None"]);
    }
    let answer = bench.operator("PATCH", &path, r#"{"enabled":true}"#).await;
    assert_eq!((answer.status, answer.code()), (StatusCode::CONFLICT, "concurrent_change"));
}
