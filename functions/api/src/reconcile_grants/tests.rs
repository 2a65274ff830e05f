use crate::test_app::{Bench, OPERATOR};
use axum::http::StatusCode;
use domain::message::OnboardingMessage;
use rstest::rstest;
use serde_json::json;

const PATH: &str = "/v1/grants/reconcile";

#[rstest]
#[case::unless_told_otherwise("{}", true)]
#[case::null(r#"{"dry_run":null}"#, true)]
#[case::dry(r#"{"dry_run":true}"#, true)]
#[case::mending(r#"{"dry_run":false}"#, false)]
#[tokio::test]
async fn it_begins_with_a_message_and_is_then_written(#[case] body: &str, #[case] dry_run: bool) {
    let bench = Bench::new();
    let answer = bench.operator("POST", PATH, body.to_owned()).await;
    assert_eq!(answer.status, StatusCode::ACCEPTED, "{answer:?}");
    assert_eq!(answer.body["dry_run"], dry_run);
    assert_eq!(answer.body["state"], "running");
    assert_eq!(answer.body["findings"], json!([]));
    assert_eq!(bench.calls(), ["SendMessage", "TransactWriteItems"]);

    let messages = bench.messages();
    let OnboardingMessage::Reconcile(step) = serde_json::from_str(&messages[0].0).unwrap() else {
        panic!("{messages:?}")
    };
    let id = answer.body["reconciliation_id"].as_str().unwrap();
    assert_eq!((step.reconciliation_id.unwrap().to_string().as_str(), step.step), (id, 0));
    assert_eq!((messages.len(), messages[0].1), (1, 1));
    let item = bench.item(&format!("RECONCILIATION#{id}"), "META").unwrap();
    assert!(format!("{item:?}").contains(OPERATOR), "whoever asked for it is noted");

    let shown = bench.operator("GET", &format!("/v1/grants/reconciliations/{id}"), "").await;
    assert_eq!((shown.status, &shown.body), (StatusCode::OK, &answer.body));
    assert_eq!(bench.calls(), ["GetItem"]);
}

#[tokio::test]
async fn a_queue_that_fails_leaves_nothing_waiting() {
    let bench = Bench::new();
    bench.fail("SendMessage", "ThrottlingException");
    let answer = bench.operator("POST", PATH, "{}").await;
    assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(bench.calls(), ["SendMessage"]);
    assert!(bench.written().is_empty());
}

#[rstest]
#[case::text(r#"{"dry_run":"no"}"#, "/dry_run", "invalid_type")]
#[case::number(r#"{"dry_run":0}"#, "/dry_run", "invalid_type")]
#[case::misspelt(r#"{"dryrun":false}"#, "/dryrun", "unknown_field")]
#[case::no_body("", "", "malformed_json")]
#[tokio::test]
async fn nothing_is_mended_by_mistake(#[case] body: &str, #[case] pointer: &str, #[case] code: &str) {
    let bench = Bench::new();
    let answer = bench.operator("POST", PATH, body.to_owned()).await;
    assert_eq!((answer.status, answer.errors()), (StatusCode::BAD_REQUEST, vec![(pointer, code)]));
    assert!(bench.calls().is_empty());
}

#[rstest]
#[case("rec_0193b2c0000070008000000000000001")]
#[case("con_0193b2c0000070008000000000000001")]
#[case("x")]
#[tokio::test]
async fn what_was_never_begun_is_not_found(#[case] id: &str) {
    let answer = Bench::new().operator("GET", &format!("/v1/grants/reconciliations/{id}"), "").await;
    assert_eq!((answer.status, answer.code()), (StatusCode::NOT_FOUND, "not_found"));
}
