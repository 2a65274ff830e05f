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
    // One of two was written: that is neither done nor failed.
    assert_eq!(outcome.targets[0].outcome, TargetOutcome::Partial);
    assert!(outcome.targets[0].detail.as_ref().unwrap().starts_with("1 of 2 are not done"));
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

/// So many keys of one table, and what is read of each: an item of that many bytes.
fn many(keys: usize, bytes: usize) -> (Value, impl Fn(&wire::Call) -> Value + Send + Sync + 'static) {
    let input: Vec<_> = (0..keys).map(|number| key(&format!("{number:03}"))).collect();
    let items = move |call: &wire::Call| {
        let keys = call.body["RequestItems"]["Music"]["Keys"].as_array().unwrap();
        let item = |key: &Value| json!({"Artist": key["Artist"], "Text": {"S": "x".repeat(bytes)}});
        json!({"Responses": {"Music": keys.iter().map(item).collect::<Vec<_>>()}, "UnprocessedKeys": {}})
    };
    let input = json!({"RequestItems": {"Music": {
        "Keys": input, "ConsistentRead": true, "ProjectionExpression": "#a", "ExpressionAttributeNames": {"#a": "Artist"},
    }}});
    (input, items)
}

/// However much there is to read, no more is held than an answer has room for, and nothing of it is lost:
/// what was not read is named, so that it can be asked for next.
#[tokio::test]
async fn reading_ends_when_an_answer_is_full() {
    let (input, items) = many(100, 300 * 1024);
    let wire = Wire::new(move |_, call| Reply::Done(items(call)));
    let outcome = carried(&wire, "BatchGetItem", &input, false).await;
    let keys = |value: &Value| {
        value.as_array().unwrap().iter().map(|item| item["Artist"].clone()).collect::<Vec<_>>()
    };
    let read = keys(&outcome.output["Responses"]["Music"]);
    let left = &outcome.output["UnprocessedKeys"]["Music"];
    assert_eq!([read.clone(), keys(&left["Keys"])].concat(), keys(&input["RequestItems"]["Music"]["Keys"]));
    assert!(read.len() >= 12 && outcome.output.to_string().len() < 5 * 1024 * 1024, "{}", read.len());
    // As it stands, it can be sent again.
    assert_eq!((&left["ConsistentRead"], &left["ProjectionExpression"]), (&json!(true), &json!("#a")));
    assert!(super::read("BatchGetItem", &json!({"RequestItems": outcome.output["UnprocessedKeys"]})).is_ok());
    assert_eq!(told(&outcome.targets), [("Music", Some("output_too_large"))]);
    assert_eq!(outcome.targets[0].outcome, TargetOutcome::Partial);
    assert!(
        wire.calls()
            .iter()
            .all(|call| { call.body["RequestItems"]["Music"]["Keys"].as_array().unwrap().len() <= 12 })
    );
}

/// Where the first items are too large together, fewer are asked for; one always fits.
#[tokio::test]
async fn items_that_are_large_together_are_read_in_parts() {
    let (input, _) = many(12, 0);
    let wire = Wire::new(|_, call| {
        let keys = call.body["RequestItems"]["Music"]["Keys"].as_array().unwrap().len();
        // An item of nothing but small values is several times as long as DynamoDB counts it.
        let items = vec![json!({"Text": {"S": "x".repeat(3 * 1024 * 1024)}}); keys];
        Reply::Done(json!({"Responses": {"Music": items}, "UnprocessedKeys": {}}))
    });
    let outcome = carried(&wire, "BatchGetItem", &input, false).await;
    let asked: Vec<_> = wire
        .calls()
        .iter()
        .map(|call| call.body["RequestItems"]["Music"]["Keys"].as_array().unwrap().len())
        .collect();
    assert_eq!(asked, [12, 6, 3, 2, 1, 1]);
    assert_eq!(outcome.output["Responses"]["Music"].as_array().unwrap().len(), 1);
    assert_eq!(outcome.output["UnprocessedKeys"]["Music"]["Keys"].as_array().unwrap().len(), 11);
}

#[tokio::test]
async fn many_small_items_are_read_to_the_last() {
    let (input, items) = many(100, 10);
    let wire = Wire::new(move |_, call| Reply::Done(items(call)));
    let outcome = carried(&wire, "BatchGetItem", &input, false).await;
    assert_eq!(outcome.output["Responses"]["Music"].as_array().unwrap().len(), 100);
    assert_eq!(outcome.output["UnprocessedKeys"], json!({}));
    assert_eq!((told(&outcome.targets), wire.calls().len()), (vec![("Music", None)], 9));
}

/// When there is no time left nothing more is begun, and what was done by then is told.
#[tokio::test]
async fn a_batch_ends_in_time_and_tells_what_it_did_not_come_to() {
    for (action, input, left) in [
        ("BatchGetItem", reads(), json!({"UnprocessedKeys": {"Reply": {"Keys": [key("c")]}}})),
        (
            "BatchWriteItem",
            writes(),
            json!({"UnprocessedItems": {"Reply": [{"PutRequest": {"Item": key("c")}}]}}),
        ),
    ] {
        let leaves = left.clone();
        let wire = Wire::new(move |_, _| Reply::Done(leaves.clone()));
        let request = read(action, &input).unwrap();
        let session = session(&wire, &request, false).await;
        let over = session.until(std::time::Instant::now());
        let outcome = request.carry(&over, &place(), false).await;
        let codes = [("Music", Some("not_attempted")), ("Reply", Some("not_attempted"))];
        assert_eq!((told(&outcome.targets), wire.calls().len()), (codes.to_vec(), 0), "{action}");
        assert_eq!(outcome.output, Value::Null);
        let soon = session.until(std::time::Instant::now() + Duration::from_millis(1040));
        let outcome = request.carry(&soon, &place(), false).await;
        assert_eq!(told(&outcome.targets), [("Music", None), ("Reply", Some("not_attempted"))], "{action}");
        assert_eq!(outcome.output, left, "{action}");
    }
}
