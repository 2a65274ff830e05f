use crate::test_app::{Bench, text};
use axum::http::StatusCode;
use domain::message::OnboardingMessage;
use rstest::rstest;
use serde_json::json;

const ROLE: &str = r#"{"role_arn":"arn:aws:iam::222222222222:role/one"}"#;

#[rstest]
#[case::no_role_yet(false)]
#[case::a_role(true)]
#[tokio::test]
async fn the_message_goes_out_before_the_table_is_written(#[case] has_role: bool) {
    let bench = Bench::new();
    let path = bench.connection().await;
    if has_role {
        bench.operator("PUT", &format!("{path}/role"), ROLE).await;
        bench.calls();
    }
    let answer = bench.operator("DELETE", &path, "").await;
    assert_eq!(answer.status, StatusCode::ACCEPTED, "{answer:?}");
    assert_eq!(answer.body["state"], "offboarding");
    assert_eq!(answer.body["verification"], "idle");
    assert_eq!(answer.body["invite_expires_at"], json!(null));
    assert!(answer.body.get("receipt").is_none(), "that comes with the proof");
    // Neither the owner of the role nor the room in grants matters any more.
    assert_eq!(bench.calls(), ["GetItem", "SendMessage", "TransactWriteItems"]);
    let (body, delay) = bench.messages().pop().unwrap();
    assert_eq!(delay, 1, "so that the table knows the offboarding when it arrives");
    let OnboardingMessage::Offboard(step) = serde_json::from_str(&body).unwrap() else { panic!("{body}") };
    assert_eq!(format!("/v1/connections/{}", step.connection_id), path);
    assert_eq!(step.step, 0);
    let written =
        bench.written().into_iter().rev().find_map(|item| item.get("offboarding").cloned()).unwrap();
    assert_eq!(*written.as_m().unwrap()["id"].as_s().unwrap(), step.offboarding_id.to_string());
    assert!(!body.contains(answer.body["external_id"].as_str().unwrap()));
}

#[tokio::test]
async fn asked_again_while_it_goes_on_nothing_changes() {
    let bench = Bench::new();
    let path = bench.connection().await;
    let first = bench.operator("DELETE", &path, "").await;
    bench.calls();
    let again = bench.operator("DELETE", &path, "").await;
    assert_eq!((again.status, &again.body), (StatusCode::ACCEPTED, &first.body));
    assert_eq!(bench.calls(), ["GetItem"]);
    assert_eq!(bench.messages().len(), 1);
}

#[tokio::test]
async fn what_has_ended_stays_ended() {
    let bench = Bench::new();
    let path = bench.connection().await;
    bench.rewrite(&path, [("state", text("offboarded"))]);
    let answer = bench.operator("DELETE", &path, "").await;
    assert_eq!((answer.status, &answer.body["state"]), (StatusCode::ACCEPTED, &json!("offboarded")));
    assert_eq!(bench.calls(), ["GetItem"]);
    assert!(bench.messages().is_empty());
}

#[tokio::test]
async fn a_queue_that_fails_leaves_everything_as_it_was() {
    let bench = Bench::new();
    let path = bench.connection().await;
    let written = bench.written().len();
    bench.fail("SendMessage", "ThrottlingException");
    let answer = bench.operator("DELETE", &path, "").await;
    assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE);
    assert!(answer.header("retry-after").is_some());
    assert_eq!(bench.written().len(), written);
    assert_eq!(bench.operator("GET", &path, "").await.body["state"], "pending_role");
}

#[rstest]
#[case("PUT", "/role", ROLE)]
#[case("POST", "/verify", "")]
#[case("POST", "/invite", "")]
#[tokio::test]
async fn what_is_taken_down_takes_nothing_more(
    #[case] method: &str,
    #[case] action: &str,
    #[case] body: &str,
) {
    let bench = Bench::new();
    let path = bench.connection().await;
    bench.operator("DELETE", &path, "").await;
    let written = bench.written().len();
    let answer = bench.operator(method, &format!("{path}{action}"), body.to_owned()).await;
    assert_eq!((answer.status, answer.code()), (StatusCode::CONFLICT, "state_conflict"));
    assert_eq!((bench.written().len(), bench.messages().len()), (written, 1));
}
