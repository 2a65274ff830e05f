//! What batches leave undone.

use std::time::Duration;

use super::*;
use crate::operations::dynamodb::batch::{ROUNDS, longest_pause};

fn key(name: &str) -> Value {
    json!({"Artist": {"S": name}})
}

fn reads() -> Value {
    json!({"RequestItems": {"Music": {"Keys": [key("a"), key("b")]}, "Reply": {"Keys": [key("c")]}}})
}

fn writes() -> Value {
    let put = |name| json!({"PutRequest": {"Item": key(name)}});
    json!({"RequestItems": {"Music": [put("a"), put("b")], "Reply": [put("c")]}})
}

/// What is left is asked for again, alone, and all that was read is told as one.
#[tokio::test(start_paused = true)]
async fn what_a_read_leaves_is_read_in_the_next_round() {
    let wire = Wire::new(|round, _| {
        Reply::Done(match round {
            0 => json!({
                "Responses": {"Music": [key("a")], "Reply": [key("c")]},
                "UnprocessedKeys": {"Music": {"Keys": [key("b")]}},
                "ConsumedCapacity": [{"TableName": "Music"}],
            }),
            _ => json!({
                "Responses": {"Music": [key("b")]}, "UnprocessedKeys": {}, "ConsumedCapacity": [{"TableName": "Music"}],
            }),
        })
    });
    let outcome = carried(&wire, "BatchGetItem", &reads(), false).await;
    let second = json!({"RequestItems": {"Music": {"Keys": [key("b")]}}});
    assert_eq!(asked(&wire), [("BatchGetItem".to_owned(), reads()), ("BatchGetItem".to_owned(), second)]);
    assert_eq!(
        outcome.output,
        json!({
            "Responses": {"Music": [key("a"), key("b")], "Reply": [key("c")]},
            "UnprocessedKeys": {},
            "ConsumedCapacity": [{"TableName": "Music"}, {"TableName": "Music"}],
        })
    );
    assert_eq!(told(&outcome.targets), [("Music", None), ("Reply", None)]);
    assert_eq!((outcome.request_ids.len(), outcome.confidential), (2, true));
}

#[tokio::test(start_paused = true)]
async fn what_a_write_leaves_is_written_in_the_next_round() {
    let left = json!({"Reply": [{"PutRequest": {"Item": key("c")}}]});
    let leaves = left.clone();
    let wire = Wire::new(move |round, _| {
        Reply::Done(json!({"UnprocessedItems": if round < 3 { leaves.clone() } else { json!({}) }}))
    });
    let outcome = carried(&wire, "BatchWriteItem", &writes(), false).await;
    let calls = asked(&wire);
    assert_eq!(calls.len(), 4);
    assert_eq!(calls[0].1, writes());
    assert!(calls[1..].iter().all(|(_, body)| *body == json!({"RequestItems": left})), "{calls:?}");
    assert_eq!(outcome.output, json!({"UnprocessedItems": {}}));
    assert_eq!(told(&outcome.targets), [("Music", None), ("Reply", None)]);
}

/// The rounds end, and what is left then is told: of the table that it is of, and what it is.
#[tokio::test(start_paused = true)]
async fn what_is_left_in_the_end_is_told() {
    let begun = tokio::time::Instant::now();
    let left = json!({"Reply": {"Keys": [key("c")]}});
    let leaves = left.clone();
    let wire = Wire::new(move |round, _| {
        let read = if round == 0 { json!({"Music": [key("a"), key("b")]}) } else { json!({}) };
        Reply::Done(json!({"Responses": read, "UnprocessedKeys": leaves}))
    });
    let outcome = carried(&wire, "BatchGetItem", &reads(), false).await;
    assert_eq!(wire.calls().len(), ROUNDS as usize);
    assert_eq!(told(&outcome.targets), [("Music", None), ("Reply", Some("throttled"))]);
    assert_eq!(outcome.output["UnprocessedKeys"], left);
    assert_eq!(outcome.output["Responses"]["Music"], json!([key("a"), key("b")]));
    let longest: Duration = (1..ROUNDS).map(longest_pause).sum();
    assert!(begun.elapsed() <= longest + Duration::from_millis(50), "{:?}", begun.elapsed());
    assert!(begun.elapsed() > Duration::ZERO, "rounds are paused between");
    assert!(longest < Duration::from_secs(2));

    let left = json!({"Music": [{"PutRequest": {"Item": key("a")}}]});
    let leaves = left.clone();
    let wire = Wire::new(move |_, _| Reply::Done(json!({"UnprocessedItems": leaves})));
    let outcome = carried(&wire, "BatchWriteItem", &writes(), false).await;
    assert_eq!(wire.calls().len(), ROUNDS as usize);
    assert_eq!(told(&outcome.targets), [("Music", Some("throttled")), ("Reply", None)]);
    assert_eq!(outcome.output, json!({"UnprocessedItems": left}));
}

/// A refusal in a later round takes back nothing of what was done before.
#[tokio::test(start_paused = true)]
async fn a_refusal_in_a_later_round_is_told_of_what_was_left() {
    for (action, input, left) in [
        ("BatchGetItem", reads(), json!({"UnprocessedKeys": {"Reply": {"Keys": [key("c")]}}})),
        (
            "BatchWriteItem",
            writes(),
            json!({"UnprocessedItems": {"Reply": [{"PutRequest": {"Item": key("c")}}]}}),
        ),
    ] {
        let leaves = left.clone();
        let wire = Wire::new(move |round, _| match round {
            0 => Reply::Done(leaves.clone()),
            _ => Reply::Error(400, "ProvisionedThroughputExceededException", "too high"),
        });
        let outcome = carried(&wire, action, &input, false).await;
        assert_eq!(told(&outcome.targets), [("Music", None), ("Reply", Some("throttled"))], "{action}");
        assert_eq!((outcome.output, outcome.confidential), (left, true), "{action}");
        assert_eq!(outcome.request_ids, ["request-0", "request-1"], "{action}");
    }
}

/// A refusal of the whole batch is one of each table.
#[tokio::test]
async fn a_refused_batch_fails_on_each_table() {
    let wire = Wire::new(|_, _| Reply::Error(400, "ResourceNotFoundException", "not found"));
    let outcome = carried(&wire, "BatchGetItem", &reads(), false).await;
    assert_eq!(told(&outcome.targets), [("Music", Some("not_found")), ("Reply", Some("not_found"))]);
    assert_eq!(outcome.output, Value::Null);
    // A dry run tells them apart.
    let wire = Wire::new(|_, call| match call.body["TableName"].as_str() {
        Some("Music") => Reply::Done(json!({"Table": {}})),
        _ => Reply::Error(400, "ResourceNotFoundException", "not found"),
    });
    let outcome = carried(&wire, "BatchWriteItem", &writes(), true).await;
    assert_eq!(told(&outcome.targets), [("Music", None), ("Reply", Some("not_found"))]);
    assert_eq!((outcome.output, wire.calls().len()), (Value::Null, 2));
}
