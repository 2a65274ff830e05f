use crate::test_app::{Bench, text};
use aws_sdk_dynamodb::types::AttributeValue;
use axum::http::StatusCode;
use rstest::rstest;
use serde_json::{Value, json};

const ACCOUNT: &str = r#"{"account_id":"222222222222"}"#;

fn look_of(bench: &Bench, path: &str) -> Option<AttributeValue> {
    let item = bench.item(&path.replace("/v1/connections/", "CONNECTION#"), "META").unwrap();
    item.get("look").filter(|look| look.is_m()).cloned()
}

#[tokio::test]
async fn a_customer_says_where_the_role_will_be_and_it_is_looked_for() {
    let bench = Bench::new();
    let (path, link) = bench.invited().await;
    let name = bench.operator("GET", &path, "").await.body["role_name"].clone();
    bench.calls();
    let answer = bench.anybody("POST", &format!("{link}/look"), &[], ACCOUNT).await;
    assert_eq!(answer.status, StatusCode::ACCEPTED, "{answer:?}");
    // The invite and its connection, the count, and then the connection, its owner and the room for it.
    let calls = bench.calls();
    assert_eq!(calls[..4], ["GetItem", "GetItem", "GetItem", "PutItem"]);
    assert_eq!(calls[4..], ["GetItem", "GetItem", "GetItem", "SendMessage", "TransactWriteItems"]);
    assert_eq!((&answer.body["state"], &answer.body["role_arn"]), (&json!("pending_role"), &Value::Null));
    assert_eq!((&answer.body["verification"], &answer.body["reasons"]), (&json!("idle"), &json!([])));
    let looking = &answer.body["looking"];
    let role = format!("arn:aws:iam::222222222222:role/{}", name.as_str().unwrap());
    assert_eq!((&looking["role_arn"], &looking["attempts"]), (&json!(role), &json!(0)));
    assert!(looking["until"].is_string() && looking["next_at"].is_string());
    for (caller, shown) in [
        ("the customer", bench.anybody("GET", &format!("{link}/status"), &[], "").await),
        ("the operator", bench.operator("GET", &path, "").await),
    ] {
        assert_eq!(shown.body["looking"], *looking, "{caller}");
    }
    let messages = bench.messages();
    let sent: Value = serde_json::from_str(&messages[0].0).unwrap();
    assert_eq!(
        (&sent["kind"], &sent["step"], messages[0].1, messages.len()),
        (&json!("look"), &json!(0), 1, 1)
    );
    let event = bench.written().into_iter().rfind(|item| item.contains_key("event_id")).unwrap();
    assert_eq!((&event["type"], &event["actor"]), (&text("connection.look_started"), &text("customer")));
}

/// Has the look of this connection tried once.
fn tried(bench: &Bench, path: &str) {
    let Some(AttributeValue::M(mut look)) = look_of(bench, path) else { panic!("nobody looks") };
    let Some(AttributeValue::M(steps)) = look.get_mut("steps") else { panic!("no steps") };
    steps.insert("step".to_owned(), AttributeValue::N("1".to_owned()));
    look.insert("attempts".to_owned(), AttributeValue::N("1".to_owned()));
    bench.rewrite(path, [("look", AttributeValue::M(look))]);
}

#[tokio::test]
async fn asking_again_begins_one_look_anew() {
    let bench = Bench::new();
    let (path, link) = bench.invited().await;
    let look = format!("{link}/look");
    bench.anybody("POST", &look, &[], ACCOUNT).await;
    let id = || look_of(&bench, &path).unwrap().as_m().unwrap()["id"].as_s().unwrap().clone();
    let first = id();
    // Pressed twice, before it has begun.
    assert_eq!(bench.anybody("POST", &look, &[], ACCOUNT).await.status, StatusCode::ACCEPTED);
    assert_eq!((id(), bench.messages().len()), (first.clone(), 1));
    tried(&bench, &path);
    let answer = bench.anybody("POST", &look, &[], ACCOUNT).await;
    assert_eq!((answer.status, &answer.body["looking"]["attempts"]), (StatusCode::ACCEPTED, &json!(0)));
    assert!(id() > first, "the messages of the first find nothing to do");
    assert_eq!(bench.messages().len(), 2);
}

#[rstest]
#[case::not_said("{}", StatusCode::UNPROCESSABLE_ENTITY, "account_id_needed", Some("/account_id"))]
#[case::the_providers(
    r#"{"account_id":"111111111111"}"#,
    StatusCode::UNPROCESSABLE_ENTITY,
    "role_in_provider_account",
    Some("/account_id")
)]
#[case::no_account(
    r#"{"account_id":"2222"}"#,
    StatusCode::BAD_REQUEST,
    "invalid_account_id",
    Some("/account_id")
)]
#[case::a_number(
    r#"{"account_id":222222222222}"#,
    StatusCode::BAD_REQUEST,
    "invalid_type",
    Some("/account_id")
)]
#[case::a_name(
    r#"{"account_id":"222222222222","role_name":"admin"}"#,
    StatusCode::BAD_REQUEST,
    "unknown_field",
    Some("/role_name")
)]
#[case::nothing("", StatusCode::BAD_REQUEST, "malformed_json", None)]
#[tokio::test]
async fn a_place_that_cannot_be_looked_in_is_refused_by_name(
    #[case] body: &str,
    #[case] status: StatusCode,
    #[case] code: &str,
    #[case] pointer: Option<&str>,
) {
    let bench = Bench::new();
    let (path, link) = bench.invited().await;
    let answer = bench.anybody("POST", &format!("{link}/look"), &[], body.to_owned()).await;
    assert_eq!((answer.status, answer.code()), (status, code), "{answer:?}");
    if let Some(pointer) = pointer {
        assert_eq!(answer.errors()[0].0, pointer);
    }
    assert!(bench.messages().is_empty() && look_of(&bench, &path).is_none());
}

#[tokio::test]
async fn an_announced_account_need_not_be_said_and_cannot_be_another() {
    let bench = Bench::new();
    let (path, link) = bench.invited().await;
    bench.rewrite(&path, [("account_id", text("333333333333"))]);
    let answer = bench.anybody("POST", &format!("{link}/look"), &[], ACCOUNT).await;
    assert_eq!((answer.status, answer.code()), (StatusCode::UNPROCESSABLE_ENTITY, "account_id_mismatch"));
    assert!(look_of(&bench, &path).is_none());
    let answer = bench.anybody("POST", &format!("{link}/look"), &[], "{}").await;
    let role = answer.body["looking"]["role_arn"].as_str().unwrap();
    assert!(role.starts_with("arn:aws:iam::333333333333:role/drawbridge-"), "{role}");
}

#[rstest]
#[case::verifying("verifying")]
#[case::failed("failed")]
#[case::offboarding("offboarding")]
#[tokio::test]
async fn only_a_connection_that_waits_for_its_role_looks_for_it(#[case] state: &str) {
    let bench = Bench::new();
    let (path, link) = bench.invited().await;
    bench.rewrite(&path, [("state", text(state))]);
    let answer = bench.anybody("POST", &format!("{link}/look"), &[], ACCOUNT).await;
    assert_eq!((answer.status, answer.code()), (StatusCode::CONFLICT, "state_conflict"));
    assert!(bench.messages().is_empty() && look_of(&bench, &path).is_none());
}

#[tokio::test]
async fn a_link_that_only_reads_looks_for_nothing() {
    let bench = Bench::new();
    let (path, link) = bench.invited().await;
    bench.rewrite(&path, [("state", text("active")), ("first_proven_at", text("2026-01-01T00:00:00Z"))]);
    let answer = bench.anybody("POST", &format!("{link}/look"), &[], ACCOUNT).await;
    assert_eq!((answer.status, answer.code()), (StatusCode::CONFLICT, "invite_read_only"));
}

/// What the table holds about the role that a connection looks for in 222222222222.
async fn held_about_the_role(
    bench: &Bench,
    path: &str,
    sk: &str,
    fields: impl IntoIterator<Item = (&'static str, AttributeValue)>,
) {
    let name = bench.operator("GET", path, "").await.body["role_name"].clone();
    let pk = format!("ROLE#arn:aws:iam::222222222222:role/{}", name.as_str().unwrap());
    let fields = [("pk", text(&pk)), ("sk", text(sk))].into_iter().chain(fields);
    bench.hold(fields.map(|(name, value)| (name.to_owned(), value)).collect());
}

#[tokio::test]
async fn a_role_that_somebody_has_connected_is_not_looked_for() {
    let bench = Bench::new();
    let (path, link) = bench.invited().await;
    let owner = text("con_0193b2c0000070008000000000000009");
    held_about_the_role(&bench, &path, "OWNER", [("connection_id", owner)]).await;
    let answer = bench.anybody("POST", &format!("{link}/look"), &[], ACCOUNT).await;
    assert_eq!((answer.status, answer.code()), (StatusCode::CONFLICT, "role_already_connected"));
    assert!(bench.messages().is_empty() && look_of(&bench, &path).is_none());
}

/// What the look finds out about its role is not for other changes of the connection to tell.
#[tokio::test]
async fn a_label_is_changed_whatever_is_looked_for() {
    let bench = Bench::new();
    let (path, link) = bench.invited().await;
    bench.anybody("POST", &format!("{link}/look"), &[], ACCOUNT).await;
    let owner = text("con_0193b2c0000070008000000000000009");
    held_about_the_role(&bench, &path, "OWNER", [("connection_id", owner)]).await;
    let answer = bench.operator("PATCH", &path, r#"{"label":"prod"}"#).await;
    assert_eq!((answer.status, &answer.body["label"]), (StatusCode::ACCEPTED, &json!("prod")), "{answer:?}");
    assert_eq!((answer.body["looking"]["attempts"].clone(), bench.messages().len()), (json!(0), 1));
}

#[tokio::test]
async fn a_role_that_no_grant_has_room_for_is_not_looked_for() {
    let bench = Bench::new();
    let (path, link) = bench.invited().await;
    let full = (1..=10).map(|shard| (format!("shard_{shard}"), AttributeValue::N("6047".to_owned())));
    let keys = [("pk".to_owned(), text("GRANTS")), ("sk".to_owned(), text("USE"))];
    bench.hold(keys.into_iter().chain(full).collect());
    let answer = bench.anybody("POST", &format!("{link}/look"), &[], ACCOUNT).await;
    assert_eq!((answer.status, answer.code()), (StatusCode::SERVICE_UNAVAILABLE, "grant_capacity_exhausted"));
    assert!(answer.header("retry-after").is_some());
    assert!(bench.messages().is_empty() && look_of(&bench, &path).is_none());
}

/// Its grant is given back at once, and not when its next step would have come.
#[rstest]
#[case::the_link_ends("DELETE", "/invite", "")]
#[case::another_link_is_made("POST", "/invite", "")]
#[tokio::test]
async fn a_look_ends_with_its_link(#[case] method: &str, #[case] action: &str, #[case] body: &'static str) {
    let bench = Bench::new();
    let (path, link) = bench.invited().await;
    bench.anybody("POST", &format!("{link}/look"), &[], ACCOUNT).await;
    bench.rewrite(&path, [("shard", AttributeValue::N("1".to_owned()))]);
    let answer = bench.operator(method, &format!("{path}{action}"), body).await;
    assert!(answer.status.is_success(), "{answer:?}");
    let messages = bench.messages();
    let sent: Value = serde_json::from_str(&messages[1].0).unwrap();
    assert_eq!((&sent["kind"], messages.len()), (&json!("look"), 2));
    let item = bench.item(&path.replace("/v1/connections/", "CONNECTION#"), "META").unwrap();
    assert_eq!(item["releases"].as_l().unwrap().len(), 1);
    assert_eq!(bench.operator("GET", &path, "").await.body["looking"], Value::Null);
}

#[tokio::test]
async fn a_role_that_is_submitted_meanwhile_wins() {
    let bench = Bench::new();
    let (path, link) = bench.invited().await;
    bench.anybody("POST", &format!("{link}/look"), &[], ACCOUNT).await;
    let role = r#"{"role_arn":"arn:aws:iam::222222222222:role/one"}"#;
    let answer = bench.anybody("PUT", &format!("{link}/role"), &[], role).await;
    assert_eq!((&answer.body["state"], &answer.body["looking"]), (&json!("verifying"), &Value::Null));
    let sent: Value = serde_json::from_str(&bench.messages()[1].0).unwrap();
    assert_eq!(sent["kind"], "verify");
    assert!(bench.operator("GET", &path, "").await.body["role_arn"].as_str().unwrap().ends_with("/one"));
}

#[tokio::test]
async fn the_same_key_begins_one_look() {
    let bench = Bench::new();
    let (path, link) = bench.invited().await;
    let headers = [("idempotency-key", "one")];
    let first = bench.anybody("POST", &format!("{link}/look"), &headers, ACCOUNT).await;
    let look = look_of(&bench, &path);
    let again = bench.anybody("POST", &format!("{link}/look"), &headers, ACCOUNT).await;
    assert_eq!((again.status, &again.body), (first.status, &first.body));
    assert_eq!(again.header("idempotency-replayed"), Some("true"));
    assert_eq!((look_of(&bench, &path), bench.messages().len()), (look, 1));
}
