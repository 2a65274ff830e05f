use crate::test_app::{Bench, OPERATOR};
use axum::http::StatusCode;
use domain::message::RunsMessage;
use rstest::rstest;
use serde_json::{Value, json};

const NOBODY: &str = "con_0193b2c0000070008000000000000001";

fn id(path: &str) -> &str {
    path.rsplit('/').next().unwrap()
}

fn with(fields: Value) -> String {
    let mut body = json!({"connection_ids": "all", "kind": "dynamodb-backup", "select": {"names": ["*"]}});
    let Value::Object(fields) = fields else { panic!("not an object") };
    body.as_object_mut().unwrap().extend(fields);
    body.to_string()
}

/// A crash in between must not leave a run that waits for a message.
#[tokio::test]
async fn the_planner_is_told_before_a_run_is_written() {
    let bench = Bench::new();
    let made = bench.operator("POST", "/v1/runs", with(json!({}))).await;
    assert_eq!(made.status, StatusCode::ACCEPTED, "{made:?}");
    assert_eq!(bench.calls(), ["SendMessage", "TransactWriteItems"]);
    let [(message, 1)] = &bench.messages()[..] else { panic!("{:?}", bench.messages()) };
    let RunsMessage::Run(step) = serde_json::from_str(message).unwrap() else { panic!("{message}") };
    assert_eq!((step.run_id.to_string(), step.step), (made.body["run_id"].as_str().unwrap().to_owned(), 0));
}

#[tokio::test]
async fn a_run_is_shown_as_it_was_asked_for() {
    let bench = Bench::new();
    let connections = [bench.backed_up("active").await, bench.backed_up("degraded").await];
    let body = with(json!({
        "connection_ids": connections.iter().map(|path| id(path)).collect::<Vec<_>>(), "regions": ["eu-west-1"],
        "retention": {"keep_last": 3}, "timezone": "Asia/Tokyo", "dry_run": true,
    }));
    let made = bench.operator("POST", "/v1/runs", body).await;
    assert_eq!(made.status, StatusCode::ACCEPTED, "{made:?}");
    let mut expected = json!({
        "kind": "dynamodb-backup", "state": "planning", "dry_run": true, "regions": ["eu-west-1"],
        "jobs": {"total": 0, "succeeded": 0, "failed": 0, "skipped": 0}, "select": {"names": ["*"]},
        "connection_ids": connections.iter().map(|path| id(path)).collect::<Vec<_>>(),
        "retention": {"keep_last": 3}, "timezone": "Asia/Tokyo", "actor": OPERATOR, "finished_at": null,
    });
    for own in ["run_id", "started_at"] {
        expected[own] = made.body[own].clone();
    }
    assert_eq!(made.body, expected);
    let path = format!("/v1/runs/{}", made.body["run_id"].as_str().unwrap());
    assert_eq!(bench.operator("GET", &path, "").await.body, made.body);
    let listed = bench.operator("GET", "/v1/runs", "").await;
    assert_eq!(listed.body, json!({"items": [made.body], "next_cursor": null}));
}

#[rstest]
#[case::nothing(
    "{}".to_owned(),
    &[("/connection_ids", "missing_field"), ("/kind", "missing_field"), ("/select", "missing_field")]
)]
#[case::a_word(with(json!({"connection_ids": "some"})), &[("/connection_ids", "invalid_connection_ids")])]
#[case::none(with(json!({"connection_ids": []})), &[("/connection_ids", "invalid_connection_ids")])]
#[case::many(with(json!({"connection_ids": vec![NOBODY; 101]})), &[("/connection_ids", "invalid_connection_ids")])]
#[case::a_number(with(json!({"connection_ids": 1})), &[("/connection_ids", "invalid_type")])]
#[case::twice_and_no_id(
    with(json!({"connection_ids": [NOBODY, "cus_1", NOBODY]})),
    &[("/connection_ids/1", "invalid_id"), ("/connection_ids/2", "duplicate_connection")]
)]
#[case::everything(
    with(json!({"kind": "x", "regions": [], "select": {}, "retention": {"keep_last": 0}, "timezone": "x"})),
    &[
        ("/kind", "unknown_kind"),
        ("/regions", "regions_empty"),
        ("/retention/keep_last", "invalid_retention"),
        ("/timezone", "invalid_timezone"),
        ("/select", "selection_empty"),
    ]
)]
#[tokio::test]
async fn every_wrong_field_is_named(#[case] body: String, #[case] errors: &[(&str, &str)]) {
    let bench = Bench::new();
    let answer = bench.operator("POST", "/v1/runs", body).await;
    assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{answer:?}");
    assert_eq!(answer.errors(), errors);
    assert!(bench.calls().is_empty());
}

#[rstest]
#[case::an_inactive_one("suspended", json!({}), StatusCode::CONFLICT, "connection_not_active")]
#[case::another_region("active", json!({"regions": ["us-east-1"]}), StatusCode::UNPROCESSABLE_ENTITY, "region_not_connected")]
#[tokio::test]
async fn all_connections_that_are_refused_are_named(
    #[case] state: &str,
    #[case] fields: Value,
    #[case] status: StatusCode,
    #[case] code: &str,
) {
    let bench = Bench::new();
    let (one, two) = (bench.backed_up(state).await, bench.backed_up(state).await);
    let mut fields = fields;
    fields["connection_ids"] = json!([id(&one), id(&two)]);
    let answer = bench.operator("POST", "/v1/runs", with(fields)).await;
    assert_eq!((answer.status, answer.code()), (status, code), "{answer:?}");
    assert_eq!(answer.errors(), [("/connection_ids/0", code), ("/connection_ids/1", code)]);
    assert!(answer.body["detail"].as_str().unwrap().starts_with(id(&one)));
    assert!(answer.body["errors"][1]["detail"].as_str().unwrap().starts_with(id(&two)));
    assert_eq!(bench.calls(), ["GetItem", "GetItem"]);
}

#[tokio::test]
async fn what_is_not_there_or_not_for_it_is_named() {
    let bench = Bench::new();
    let (good, other) = (bench.backed_up("active").await, bench.connection().await);
    let body = with(json!({"connection_ids": [id(&good), NOBODY]}));
    let answer = bench.operator("POST", "/v1/runs", body).await;
    assert_eq!(
        (answer.status, answer.errors()),
        (StatusCode::NOT_FOUND, vec![("/connection_ids/1", "not_found")])
    );
    bench.rewrite(&other, [("state", crate::test_app::text("active"))]);
    let body = with(json!({"connection_ids": [id(&other)]}));
    let answer = bench.operator("POST", "/v1/runs", body).await;
    let errors = vec![("/connection_ids/0", "capability_missing")];
    assert_eq!((answer.status, answer.errors()), (StatusCode::FORBIDDEN, errors));
    let body = with(json!({"ec2_backup": {"method": "image"}}));
    let answer = bench.operator("POST", "/v1/runs", body).await;
    assert_eq!((answer.status, answer.code()), (StatusCode::UNPROCESSABLE_ENTITY, "ec2_backup_not_taken"));
    assert!(bench.messages().is_empty());
}

#[tokio::test]
async fn a_table_that_does_not_answer_is_no_fault_of_the_request() {
    let bench = Bench::new();
    bench.fail("GetItem", "ThrottlingException");
    let answer = bench.operator("POST", "/v1/runs", with(json!({"connection_ids": [NOBODY]}))).await;
    assert_eq!((answer.status, answer.errors()), (StatusCode::SERVICE_UNAVAILABLE, vec![]));
}

#[tokio::test]
async fn the_same_request_begins_one_run() {
    let bench = Bench::new();
    let key = [("idempotency-key", "one")];
    let first = bench.operator_with("POST", "/v1/runs", &key, with(json!({}))).await;
    let again = bench.operator_with("POST", "/v1/runs", &key, with(json!({}))).await;
    assert_eq!((again.status, &again.body), (StatusCode::ACCEPTED, &first.body));
    assert_eq!(again.header("idempotency-replayed"), Some("true"));
    assert_eq!(bench.messages().len(), 1);
}
