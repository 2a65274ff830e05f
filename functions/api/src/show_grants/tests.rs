use crate::test_app::{Bench, Item, text};
use aws_sdk_dynamodb::types::AttributeValue;
use axum::http::StatusCode;
use serde_json::json;

fn number(value: usize) -> AttributeValue {
    AttributeValue::N(value.to_string())
}

fn item(pk: &str, sk: &str, attributes: impl IntoIterator<Item = (String, AttributeValue)>) -> Item {
    let key = [("pk".to_owned(), text(pk)), ("sk".to_owned(), text(sk))];
    key.into_iter().chain(attributes).collect()
}

#[tokio::test]
async fn nothing_was_ever_granted() {
    let bench = Bench::new();
    let answer = bench.operator("GET", "/v1/grants", "").await;
    assert_eq!(answer.status, StatusCode::OK);
    assert_eq!(
        answer.body,
        json!({
            "brokers": 1,
            "grants_per_broker": 10,
            "characters_per_grant": 6144,
            "used_percent": 0,
            "items": [],
        })
    );
    // However many grants there are, two reads show them.
    let mut calls = bench.calls();
    calls.sort_unstable();
    assert_eq!(calls, ["BatchGetItem", "GetItem"]);
}

/// The second one lies beyond today's `GrantsPerBroker` of 10, and is shown all the same.
#[tokio::test]
async fn each_grant_is_shown_with_what_it_holds() {
    let bench = Bench::new();
    let arns = |names: &[&str]| {
        let arns = names.iter().map(|name| format!("arn:aws:iam::222222222222:role/{name}"));
        AttributeValue::Ss(arns.collect())
    };
    let shard = |arns, version, published| {
        [("arns", arns), ("version", number(version)), ("published", number(published))]
            .map(|(name, value)| (name.to_owned(), value))
    };
    bench.hold(item("GRANT#1", "META", shard(arns(&["a", "b"]), 3, 3)));
    bench.hold(item("GRANT#12", "META", shard(arns(&["c"]), 2, 1)));
    let used = [("shard_1".to_owned(), number(3000)), ("shard_12".to_owned(), number(35))];
    bench.hold(item("GRANTS", "USE", used));
    let answer = bench.operator("GET", "/v1/grants", "").await;
    assert_eq!(
        answer.body["items"],
        json!([
            {
                "shard": 1,
                "broker": 1,
                "policy_name": "grant-1",
                "roles": 2,
                "used_characters": 3000,
                "published": true,
            },
            {
                "shard": 12,
                "broker": 1,
                "policy_name": "grant-12",
                "roles": 1,
                "used_characters": 35,
                "published": false,
            },
        ])
    );
    // Of the ten that may be filled, 3000 characters of somewhat more than 60000, rounded up.
    assert_eq!(answer.body["used_percent"], 5);
}
