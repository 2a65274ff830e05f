use crate::test_app::Bench;
use axum::http::StatusCode;
use domain::message::RunsMessage;
use jiff::Timestamp;
use rstest::rstest;
use serde_json::{Value, json};

const MISSING: &str = "/v1/connections/con_0193b2c0000070008000000000000001/schedules";

fn with(fields: Value) -> String {
    let mut body =
        json!({"kind": "dynamodb-backup", "expression": "cron(0 5 * * ? *)", "select": {"names": ["*"]}});
    let Value::Object(fields) = fields else { panic!("not an object") };
    body.as_object_mut().unwrap().extend(fields);
    body.to_string()
}

#[tokio::test]
async fn a_schedule_is_shown_as_it_was_made() {
    let bench = Bench::new();
    let connection = bench.backed_up("active").await;
    let schedules = format!("{connection}/schedules");
    let body = with(json!({
        "timezone": "europe/berlin", "flexible_window_minutes": 15, "regions": ["eu-central-1"],
        "retention": {"keep_last": 7, "max_age_days": 30}, "select": {"names": ["orders*"], "tags": {"a": "b"}},
    }));
    let made = bench.operator("POST", &schedules, body).await;
    assert_eq!(made.status, StatusCode::CREATED, "{made:?}");
    let id = made.body["schedule_id"].as_str().unwrap();
    assert_eq!(connection, format!("/v1/connections/{}", made.body["connection_id"].as_str().unwrap()));
    let next: Timestamp = made.body["next_at"].as_str().unwrap().parse().unwrap();
    assert_eq!(next.in_tz("Europe/Berlin").unwrap().hour(), 5);
    for (field, value) in [
        ("timezone", json!("Europe/Berlin")),
        ("flexible_window_minutes", json!(15)),
        ("regions", json!(["eu-central-1"])),
        ("retention", json!({"keep_last": 7, "max_age_days": 30})),
        ("select", json!({"names": ["orders*"], "tags": {"a": "b"}})),
        ("enabled", json!(true)),
        ("published", json!(false)),
        ("version", json!(1)),
    ] {
        assert_eq!(made.body[field], value, "{field}");
    }
    assert!(made.body.get("problem").is_none());
    assert_eq!(bench.operator("GET", &format!("/v1/schedules/{id}"), "").await.body, made.body);
    let listed = bench.operator("GET", &schedules, "").await;
    assert_eq!(listed.body, json!({"items": [made.body], "next_cursor": null}));
}

/// A crash in between must not leave a schedule that nobody publishes.
#[tokio::test]
async fn the_planner_is_told_before_it_is_written() {
    let bench = Bench::new();
    let path = format!("{}/schedules", bench.backed_up("active").await);
    let made = bench.operator("POST", &path, with(json!({}))).await;
    assert_eq!(bench.calls(), ["GetItem", "SendMessage", "TransactWriteItems"]);
    let [(message, 1)] = &bench.messages()[..] else { panic!("{:?}", bench.messages()) };
    let RunsMessage::Publish(publish) = serde_json::from_str(message).unwrap() else { panic!("{message}") };
    assert_eq!(publish.schedule_id.to_string(), made.body["schedule_id"].as_str().unwrap());
    let event = bench.written().into_iter().find(|item| item.contains_key("schedule_id"));
    assert!(event.is_none(), "the event tells it in its data");
    let event = bench.written().into_iter().rfind(|item| item.contains_key("event_id")).unwrap();
    assert_eq!(event["type"].as_s().unwrap(), "schedule.created");
}

#[tokio::test]
async fn what_is_not_said_is_utc_everywhere_and_for_good() {
    let bench = Bench::new();
    let path = format!("{}/schedules", bench.backed_up("degraded").await);
    let made = bench.operator("POST", &path, with(json!({"enabled": false}))).await;
    assert_eq!(made.body["timezone"], "UTC");
    for nothing in ["flexible_window_minutes", "regions", "retention", "next_at"] {
        assert_eq!(made.body[nothing], Value::Null, "{nothing}");
    }
}

#[rstest]
#[case::nothing(
    "{}".to_owned(),
    &[("/kind", "missing_field"), ("/expression", "missing_field"), ("/select", "missing_field")]
)]
#[case::everything(
    with(json!({
        "kind": "s3-backup", "expression": "rate(0 hours)", "timezone": "Mars", "flexible_window_minutes": 1441,
        "regions": ["nowhere"], "select": {}, "retention": {"keep_last": 0, "keep_daily": 7},
    })),
    &[
        ("/kind", "unknown_kind"),
        ("/expression", "invalid_expression"),
        ("/timezone", "invalid_timezone"),
        ("/flexible_window_minutes", "invalid_flexible_window"),
        ("/regions/0", "invalid_region"),
        ("/retention/keep_last", "invalid_retention"),
        ("/select", "selection_empty"),
    ]
)]
#[case::no_regions(with(json!({"regions": []})), &[("/regions", "regions_empty")])]
#[case::a_pattern(with(json!({"select": {"names": ["a", "["]}})), &[("/select/names/1", "invalid_selection")])]
#[case::no_window(with(json!({"flexible_window_minutes": 0})), &[("/flexible_window_minutes", "invalid_flexible_window")])]
#[case::an_unknown_rule(with(json!({"retention": {"keep_hourly": 1}})), &[("/retention/keep_hourly", "unknown_field")])]
#[case::an_unknown_field(with(json!({"select": {"name": "a"}})), &[("/select/name", "unknown_field")])]
#[case::no_type(with(json!({"select": "*"})), &[("/select", "invalid_type")])]
#[tokio::test]
async fn every_wrong_field_is_named(#[case] body: String, #[case] errors: &[(&str, &str)]) {
    let bench = Bench::new();
    let answer = bench.operator("POST", MISSING, body).await;
    assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{answer:?}");
    assert_eq!(answer.errors(), errors);
    assert!(bench.calls().is_empty());
}

#[rstest]
#[case::nothing_selected(with(json!({"select": {}})), "selection_empty", "/select")]
#[case::nothing_kept(with(json!({"retention": {}})), "retention_empty", "/retention")]
#[case::another_region(with(json!({"regions": ["us-east-1"]})), "region_not_connected", "/regions")]
#[case::of_other_kinds(with(json!({"ec2_backup": {}})), "ec2_backup_not_taken", "/ec2_backup")]
#[case::no_volume(
    with(json!({"kind": "ec2-backup", "ec2_backup": {"exclude_boot_volume": true, "exclude_data_volumes": true}})),
    "ec2_backup_empty", "/ec2_backup"
)]
#[tokio::test]
async fn what_a_rule_refuses_is_refused(#[case] body: String, #[case] code: &str, #[case] at: &str) {
    let bench = Bench::new();
    let path = format!("{}/schedules", bench.backed_up("active").await);
    let written = bench.written().len();
    let answer = bench.operator("POST", &path, body).await;
    assert_eq!((answer.status, answer.code()), (StatusCode::UNPROCESSABLE_ENTITY, code), "{answer:?}");
    assert_eq!(answer.errors(), [(at, code)]);
    assert_eq!((bench.messages().len(), bench.written().len()), (0, written));
}

#[tokio::test]
async fn a_connection_that_is_not_for_it_has_none() {
    let bench = Bench::new();
    let path = format!("{}/schedules", bench.connection().await);
    let answer = bench.operator("POST", &path, with(json!({}))).await;
    assert_eq!((answer.status, answer.code()), (StatusCode::FORBIDDEN, "capability_missing"));
    let path = format!("{}/schedules", bench.backed_up("offboarding").await);
    let answer = bench.operator("POST", &path, with(json!({}))).await;
    assert_eq!((answer.status, answer.code()), (StatusCode::CONFLICT, "state_conflict"));
    assert!(bench.messages().is_empty());
}

#[tokio::test]
async fn the_same_request_makes_one() {
    let bench = Bench::new();
    let path = format!("{}/schedules", bench.backed_up("active").await);
    let key = [("idempotency-key", "one")];
    let first = bench.operator_with("POST", &path, &key, with(json!({}))).await;
    let again = bench.operator_with("POST", &path, &key, with(json!({}))).await;
    assert_eq!((again.status, &again.body), (StatusCode::CREATED, &first.body));
    assert_eq!(again.header("idempotency-replayed"), Some("true"));
    assert_eq!(bench.messages().len(), 1);
}
