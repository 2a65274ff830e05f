use crate::test_app::{Bench, Item, text};
use axum::http::StatusCode;
use domain::message::OnboardingMessage;
use rstest::rstest;
use serde_json::{Value, json};

const ROLE: &str = "arn:aws:iam::222222222222:role/one";
const STRANGER: &str = "con_0193b2c0000070008000000000000009";

fn body() -> String {
    json!({"role_arn": ROLE}).to_string()
}

fn owned_by(connection: &str) -> Item {
    Item::from([
        ("pk".to_owned(), text(&format!("ROLE#{ROLE}"))),
        ("sk".to_owned(), text("OWNER")),
        ("connection_id".to_owned(), text(connection)),
    ])
}

#[tokio::test]
async fn the_message_goes_out_before_the_table_is_written() {
    let bench = Bench::new();
    let path = bench.connection().await;
    let answer = bench.operator("PUT", &format!("{path}/role"), body()).await;
    assert_eq!(answer.status, StatusCode::ACCEPTED, "{answer:?}");
    assert_eq!(answer.body["state"], "verifying");
    assert_eq!(answer.body["verification"], "running");
    assert_eq!(answer.body["role_arn"], ROLE);
    // The connection, the role's owner and the room in grants, the message, the change: a crash
    // after the message leaves one about nothing, and one before it leaves everything as it was.
    assert_eq!(bench.calls(), ["GetItem", "GetItem", "GetItem", "SendMessage", "TransactWriteItems"]);

    let messages = bench.messages();
    assert_eq!(messages.len(), 1);
    assert_eq!(messages[0].1, 1, "so that the table knows the verification when it arrives");
    let OnboardingMessage::Verify(step) = serde_json::from_str(&messages[0].0).unwrap() else {
        panic!("{messages:?}")
    };
    assert_eq!(format!("/v1/connections/{}", step.connection_id), path);
    assert_eq!(step.step, 0);
    let told = bench.written().into_iter().rfind(|item| item.contains_key("event_id")).unwrap();
    let told = told["data"].as_m().unwrap()["verification_id"].as_s().unwrap();
    assert_eq!(*told, step.verification_id.to_string(), "the message is about what was written");
    // Neither on the queue nor in the event.
    let shown = bench.operator("GET", &path, "").await;
    assert!(!messages[0].0.contains(shown.body["external_id"].as_str().unwrap()));
}

#[tokio::test]
async fn a_queue_that_fails_leaves_everything_as_it_was() {
    let bench = Bench::new();
    let path = bench.connection().await;
    let written = bench.written().len();
    bench.fail("SendMessage", "ThrottlingException");
    let answer = bench.operator("PUT", &format!("{path}/role"), body()).await;
    assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(bench.written().len(), written);
    assert_eq!(bench.operator("GET", &path, "").await.body["state"], "pending_role");
}

#[tokio::test]
async fn a_role_that_another_connection_owns_is_refused_with_nothing_sent() {
    let bench = Bench::new();
    let path = bench.connection().await;
    bench.hold(owned_by(STRANGER));
    let answer = bench.operator("PUT", &format!("{path}/role"), body()).await;
    assert_eq!((answer.status, answer.code()), (StatusCode::CONFLICT, "role_already_connected"));
    assert_eq!(bench.calls(), ["GetItem", "GetItem", "GetItem"]);
    // Whose it is stays untold.
    assert!(!answer.body.to_string().contains(STRANGER));
    insta::assert_json_snapshot!(answer.body, @r#"
    {
      "type": "urn:drawbridge:problem:role_already_connected",
      "title": "Conflict",
      "status": 409,
      "detail": "another connection has proven that it holds this role",
      "code": "role_already_connected",
      "request_id": "the-request",
      "errors": [
        {
          "pointer": "/role_arn",
          "code": "role_already_connected",
          "detail": "another connection has proven that it holds this role"
        }
      ]
    }
    "#);
}

#[tokio::test]
async fn a_role_that_the_connection_itself_owns_is_its_own() {
    let bench = Bench::new();
    let path = bench.connection().await;
    bench.hold(owned_by(path.rsplit('/').next().unwrap()));
    let answer = bench.operator("PUT", &format!("{path}/role"), body()).await;
    assert_eq!(answer.status, StatusCode::ACCEPTED);
}

#[tokio::test]
async fn a_change_at_the_same_time_is_decided_anew_under_a_new_id() {
    let bench = Bench::new();
    let path = bench.connection().await;
    for _ in 0..2 {
        bench.refuse(&["ConditionalCheckFailed", "None"]);
    }
    let answer = bench.operator("PUT", &format!("{path}/role"), body()).await;
    assert_eq!(answer.status, StatusCode::ACCEPTED);
    // The one that is written is the latest: a message of it was sent, and those of the others are
    // about verifications that nobody knows.
    let ids: Vec<String> = bench
        .messages()
        .iter()
        .map(|(body, _)| {
            serde_json::from_str::<Value>(body).unwrap()["verification_id"].as_str().unwrap().to_owned()
        })
        .collect();
    assert_eq!(ids.len(), 3);
    let written =
        bench.written().into_iter().rev().find_map(|item| item.get("verification").cloned()).unwrap();
    assert_eq!(written.as_m().unwrap()["id"].as_s().unwrap(), &ids[2]);
    assert!(ids[0] != ids[1] && ids[1] != ids[2]);
    // Read again each time, for what was decided upon is no longer so.
    let once = ["GetItem", "GetItem", "GetItem", "SendMessage", "TransactWriteItems"];
    assert_eq!(bench.calls(), once.repeat(3));
}

#[tokio::test]
async fn deciding_anew_has_an_end() {
    let bench = Bench::new();
    let path = bench.connection().await;
    for _ in 0..10 {
        bench.refuse(&["ConditionalCheckFailed", "None"]);
    }
    let answer = bench.operator("PUT", &format!("{path}/role"), body()).await;
    assert_eq!((answer.status, answer.code()), (StatusCode::CONFLICT, "concurrent_change"));
    assert_eq!(bench.messages().len(), 3);
}

#[tokio::test]
async fn the_same_role_again_changes_nothing_while_it_is_verified() {
    let bench = Bench::new();
    let path = bench.connection().await;
    let first = bench.operator("PUT", &format!("{path}/role"), body()).await;
    bench.calls();
    for (method, action, body) in [("PUT", "role", body()), ("POST", "verify", String::new())] {
        let again = bench.operator(method, &format!("{path}/{action}"), body).await;
        assert_eq!((again.status, &again.body), (StatusCode::ACCEPTED, &first.body));
        assert_eq!(bench.calls(), ["GetItem"]);
    }
}

#[tokio::test]
async fn there_must_be_a_role_to_verify() {
    let bench = Bench::new();
    let path = bench.connection().await;
    let answer = bench.operator("POST", &format!("{path}/verify"), "").await;
    assert_eq!((answer.status, answer.code()), (StatusCode::CONFLICT, "state_conflict"));
    assert_eq!(bench.calls(), ["GetItem"]);
}

#[rstest]
#[case::missing(json!({}))]
#[case::null(json!({"role_arn": null}))]
#[case::number(json!({"role_arn": 1}))]
#[case::list(json!({"role_arn": [ROLE]}))]
#[case::object(json!({"role_arn": {"arn": ROLE}}))]
#[case::empty(json!({"role_arn": ""}))]
#[case::wildcard(json!({"role_arn": "arn:aws:iam::222222222222:role/*"}))]
#[case::user(json!({"role_arn": "arn:aws:iam::222222222222:user/one"}))]
#[tokio::test]
async fn whatever_is_no_roles_arn_is_refused_unasked(#[case] body: serde_json::Value) {
    let bench = Bench::new();
    let path = bench.connection().await;
    let answer = bench.operator("PUT", &format!("{path}/role"), body.to_string()).await;
    assert_eq!(answer.status, StatusCode::BAD_REQUEST);
    assert_eq!(answer.errors(), [("/role_arn", "invalid_role_arn")]);
    assert!(bench.calls().is_empty());
}

#[rstest]
#[case("arn:aws:iam::111111111111:role/x", StatusCode::UNPROCESSABLE_ENTITY, "role_in_provider_account")]
#[case("arn:aws-cn:iam::222222222222:role/x", StatusCode::BAD_REQUEST, "role_partition_unsupported")]
#[tokio::test]
async fn a_role_that_cannot_be_a_customers_is_refused(
    #[case] role: &str,
    #[case] status: StatusCode,
    #[case] code: &str,
) {
    let bench = Bench::new();
    let path = bench.connection().await;
    let body = json!({"role_arn": role}).to_string();
    let answer = bench.operator("PUT", &format!("{path}/role"), body).await;
    assert_eq!((answer.status, answer.errors()), (status, vec![("/role_arn", code)]));
    assert_eq!(bench.calls(), ["GetItem"]);
}
