use crate::test_app::{Bench, Item, text};
use aws_sdk_dynamodb::types::AttributeValue;
use axum::http::StatusCode;
use rstest::rstest;
use serde_json::{Value, json};

const ROLE: &str = "arn:aws:iam::222222222222:role/one";

fn body(role: &str) -> String {
    json!({"role_arn": role}).to_string()
}

#[tokio::test]
async fn a_customers_role_is_verified_like_an_operators() {
    let bench = Bench::new();
    let (path, link) = bench.invited().await;
    let answer = bench.anybody("PUT", &format!("{link}/role"), &[], body(ROLE)).await;
    assert_eq!(answer.status, StatusCode::ACCEPTED, "{answer:?}");
    assert_eq!(answer.body["role_arn"], ROLE);
    assert_eq!(answer.body["verification"], "running");
    // The invite and its connection, the count, and then what an operator's takes.
    let calls = bench.calls();
    assert_eq!(calls[..4], ["GetItem", "GetItem", "GetItem", "PutItem"]);
    assert_eq!(calls[4..], ["GetItem", "GetItem", "GetItem", "SendMessage", "TransactWriteItems"]);
    assert_eq!(bench.messages().len(), 1);
    let event = bench.written().into_iter().rfind(|item| item.contains_key("event_id")).unwrap();
    assert_eq!(event["actor"].as_s().unwrap(), "customer");
    assert_eq!(bench.operator("GET", &path, "").await.body["role_arn"], ROLE);
}

#[tokio::test]
async fn a_proven_role_is_the_operators_to_replace() {
    let bench = Bench::new();
    let (path, link) = bench.invited().await;
    bench.anybody("PUT", &format!("{link}/role"), &[], body(ROLE)).await;
    bench.rewrite(&path, [("first_proven_at", text("2026-01-01T00:00:00Z"))]);
    let other = ROLE.replace("one", "two");
    let written = bench.operator("GET", &path, "").await;
    let answer = bench.anybody("PUT", &format!("{link}/role"), &[], body(&other)).await;
    assert_eq!((answer.status, answer.code()), (StatusCode::CONFLICT, "invite_read_only"));
    assert_eq!(bench.operator("GET", &path, "").await.body, written.body);
    let answer = bench.operator("PUT", &format!("{path}/role"), body(&other)).await;
    assert_eq!((answer.status, &answer.body["role_arn"]), (StatusCode::ACCEPTED, &json!(other)));
}

#[rstest]
#[case::missing(json!({}), "/role_arn", "invalid_role_arn")]
#[case::number(json!({"role_arn": 1}), "/role_arn", "invalid_role_arn")]
#[case::wildcard(json!({"role_arn": "arn:aws:iam::222222222222:role/*"}), "/role_arn", "invalid_role_arn")]
#[case::unknown(json!({"role_arn": ROLE, "label": "a"}), "/label", "unknown_field")]
#[tokio::test]
async fn every_field_at_fault_is_named(#[case] body: Value, #[case] pointer: &str, #[case] code: &str) {
    let bench = Bench::new();
    let (_, link) = bench.invited().await;
    let answer = bench.anybody("PUT", &format!("{link}/role"), &[], body.to_string()).await;
    assert_eq!((answer.status, answer.errors()), (StatusCode::BAD_REQUEST, vec![(pointer, code)]));
    assert!(bench.messages().is_empty());
}

fn held(pk: &str, sk: &str, fields: impl IntoIterator<Item = (String, AttributeValue)>) -> Item {
    let key = [("pk".to_owned(), text(pk)), ("sk".to_owned(), text(sk))];
    key.into_iter().chain(fields).collect()
}

/// Ten grants of 6144 characters, every one of them full.
fn no_room() -> Item {
    let full = (1..=10).map(|shard| (format!("shard_{shard}"), AttributeValue::N("6047".to_owned())));
    held("GRANTS", "USE", full)
}

fn granted_to(connection: &str) -> Item {
    let fields = [
        ("shard".to_owned(), AttributeValue::N("1".to_owned())),
        ("holders".to_owned(), AttributeValue::Ss(vec![connection.to_owned()])),
    ];
    held(&format!("ROLE#{ROLE}"), "GRANT", fields)
}

#[tokio::test]
async fn whose_a_role_is_stays_untold() {
    let bench = Bench::new();
    let (_, link) = bench.invited().await;
    let stranger = "con_0193b2c0000070008000000000000009";
    let owner = [("connection_id".to_owned(), text(stranger))];
    bench.hold(held(&format!("ROLE#{ROLE}"), "OWNER", owner));
    let answer = bench.anybody("PUT", &format!("{link}/role"), &[], body(ROLE)).await;
    assert_eq!((answer.status, answer.code()), (StatusCode::CONFLICT, "role_already_connected"));
    assert!(!answer.body.to_string().contains(stranger));
    assert!(bench.messages().is_empty());
}

#[tokio::test]
async fn a_role_that_no_grant_has_room_for_is_refused_with_nothing_sent() {
    let bench = Bench::new();
    let (path, link) = bench.invited().await;
    bench.hold(no_room());
    let written = bench.operator("GET", &path, "").await;
    let by_customer = bench.anybody("PUT", &format!("{link}/role"), &[], body(ROLE)).await;
    let by_operator = bench.operator("PUT", &format!("{path}/role"), body(ROLE)).await;
    for answer in [by_customer, by_operator] {
        assert_eq!(
            (answer.status, answer.code()),
            (StatusCode::SERVICE_UNAVAILABLE, "grant_capacity_exhausted")
        );
        assert!(answer.header("retry-after").is_some());
        assert!(answer.body["detail"].as_str().unwrap().contains("BrokerCount"));
    }
    assert!(bench.messages().is_empty());
    assert_eq!(bench.operator("GET", &path, "").await.body, written.body);
}

#[tokio::test]
async fn a_role_that_is_granted_already_needs_no_room() {
    let bench = Bench::new();
    let (_, link) = bench.invited().await;
    bench.hold(no_room());
    bench.hold(granted_to("con_0193b2c0000070008000000000000009"));
    let answer = bench.anybody("PUT", &format!("{link}/role"), &[], body(ROLE)).await;
    assert_eq!(answer.status, StatusCode::ACCEPTED, "{answer:?}");
}
