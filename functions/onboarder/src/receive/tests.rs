use super::*;
use crate::test_app::Bench;
use aws_lambda_events::event::sqs::SqsMessage;
use domain::message::PublishGrant;
use domain::{ConnectionId, grant::Shard};

fn message(id: &str, count: u32, body: &str) -> SqsMessage {
    let mut message = SqsMessage::default();
    message.attributes = [("ApproximateReceiveCount".to_owned(), count.to_string())].into();
    message.message_id = Some(id.to_owned());
    message.receipt_handle = Some(format!("receipt of {id}"));
    message.body = Some(body.to_owned());
    message
}

/// A message about a grant that IAM has already.
fn publish() -> String {
    let (shard, connection_id) = (Shard::new(1).unwrap(), ConnectionId::new(runtime::now(), [1; 10]));
    serde_json::to_string(&OnboardingMessage::Publish(PublishGrant { shard, connection_id })).unwrap()
}

fn batch(records: Vec<SqsMessage>) -> SqsEvent {
    let mut event = SqsEvent::default();
    event.records = records;
    event
}

fn failed(response: &SqsBatchResponse) -> Vec<&str> {
    response.batch_item_failures.iter().map(|failure| failure.item_identifier.as_str()).collect()
}

#[tokio::test]
async fn a_message_that_cannot_be_read_harms_no_other() {
    let bench = Bench::new();
    let mut nothing = message("nothing", 3, "");
    nothing.body = None;
    let response = receive(
        &bench.app,
        batch(vec![
            message("broken", 1, "{"),
            message("sound", 1, &publish()),
            message("unknown", 9, r#"{"kind":"format_the_disk"}"#),
            nothing,
            message("sound as well", 1, &publish()),
        ]),
    )
    .await;
    assert_eq!(failed(&response), ["broken", "unknown", "nothing"]);
    assert_eq!(bench.calls().iter().filter(|call| **call == "GetItem").count(), 2);
    // No waiting makes them readable.
    let rests = ["broken", "unknown", "nothing"].map(|id| (format!("receipt of {id}"), 1));
    assert_eq!(bench.rests(), rests);
}

// Source of the codes: DynamoDB API Reference, "Common errors".
#[tokio::test]
async fn what_may_pass_is_delivered_again_later_and_later() {
    for (count, code, rest) in
        [(1, "ThrottlingException", 5), (3, "InternalServerError", 80), (3, "AccessDeniedException", 1)]
    {
        let bench = Bench::new();
        bench.fail("GetItem", code);
        let response = receive(&bench.app, batch(vec![message("one", count, &publish())])).await;
        assert_eq!(failed(&response), ["one"]);
        assert_eq!(bench.rests(), [("receipt of one".to_owned(), rest)], "{code}");
    }
}

#[tokio::test]
async fn a_message_that_cannot_be_hastened_is_delivered_again_all_the_same() {
    let bench = Bench::new();
    bench.fail("ChangeMessageVisibility", "InvalidParameterValue");
    let mut unknown = message("without a receipt", 1, "");
    unknown.receipt_handle = None;
    let response = receive(&bench.app, batch(vec![message("one", 1, ""), unknown])).await;
    assert_eq!(failed(&response), ["one", "without a receipt"]);
    assert_eq!(bench.calls(), ["ChangeMessageVisibility"]);
}

#[tokio::test]
async fn a_batch_that_was_taken_reports_nothing() {
    let bench = Bench::new();
    let response = receive(&bench.app, batch(vec![message("one", 1, &publish())])).await;
    assert!(response.batch_item_failures.is_empty());
    assert!(receive(&bench.app, batch(vec![])).await.batch_item_failures.is_empty());
    assert!(bench.rests().is_empty());
}
