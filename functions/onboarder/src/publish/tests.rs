use super::*;
use crate::test_app::{Bench, ROLE, text};
use aws_sdk_dynamodb::types::AttributeValue;
use domain::ConnectionId;

fn message() -> PublishGrant {
    PublishGrant { shard: Shard::new(3).unwrap(), connection_id: ConnectionId::new(now(), [1; 10]) }
}

/// A grant at its second version, of which IAM has this one.
fn published(bench: &Bench, version: u64) {
    let number = |value: u64| AttributeValue::N(value.to_string());
    let fields = [
        ("arns", AttributeValue::Ss(vec![ROLE.to_owned()])),
        ("version", number(2)),
        ("published", number(version)),
        ("publisher", text("somebody")),
    ];
    bench.put("GRANT#3", "META", fields);
}

#[tokio::test]
async fn what_is_published_needs_no_iam() {
    let bench = Bench::new();
    published(&bench, 2);
    take(&bench.app, &message()).await.unwrap();
    assert_eq!(bench.calls(), ["GetItem"]);
    assert!(bench.messages().is_empty());
}

#[tokio::test]
async fn who_finds_somebody_publishing_looks_again_and_leaves_iam_alone() {
    let bench = Bench::new();
    published(&bench, 1);
    bench.fail("UpdateItem", "ConditionalCheckFailedException");
    let message = message();
    take(&bench.app, &message).await.unwrap();
    assert_eq!(bench.calls(), ["GetItem", "UpdateItem", "SendMessage"]);
    assert_eq!(bench.messages(), [(OnboardingMessage::Publish(message), 1)]);
}

/// The bench has no IAM.
#[tokio::test]
async fn who_cannot_publish_gives_the_lease_up_at_once() {
    let bench = Bench::new();
    published(&bench, 1);
    take(&bench.app, &message()).await.unwrap_err();
    assert_eq!(bench.calls(), ["GetItem", "UpdateItem", "UpdateItem"]);
    let updates = bench.updates();
    assert!(updates[0].starts_with("SET publisher = :me"), "{updates:?}");
    assert_eq!(updates[1], "REMOVE publisher, publisher_until");
}

#[tokio::test]
async fn force_publishes_what_is_known_to_be_published() {
    let bench = Bench::new();
    published(&bench, 2);
    let shard = Shard::new(3).unwrap();
    assert!(publish(&bench.app, shard, Force::No).await.unwrap());
    publish(&bench.app, shard, Force::Yes).await.unwrap_err();
    assert_eq!(bench.calls(), ["GetItem", "UpdateItem", "UpdateItem"]);
}
