use super::*;
use crate::test_app::{Bench, ROLE, verifying};
use aws_sdk_dynamodb::types::AttributeValue;
use domain::ConnectionState;
use domain::connection::{Change, Release};
use domain::grant::Shard;
use runtime::now;

const OTHER: &str = "arn:aws:iam::222222222222:role/other";

fn release(role: &str) -> Release {
    Release { role_arn: role.parse().unwrap(), shard: Shard::new(3).unwrap() }
}

/// A connection whose role was rejected, and that has these to give back.
fn rejected(releases: Vec<Release>) -> Change {
    let mut change = verifying(now());
    change.connection.state = ConnectionState::Failed;
    change.connection.releases = releases;
    change
}

fn granted(bench: &Bench, role: &str, holders: &[String]) {
    let fields =
        [("shard", AttributeValue::N("3".to_owned())), ("holders", AttributeValue::Ss(holders.to_vec()))];
    bench.put(&format!("ROLE#{role}"), "GRANT", fields);
}

#[tokio::test]
async fn a_role_leaves_the_table_then_iam_and_then_the_list() {
    let bench = Bench::new();
    let change = rejected(vec![release(ROLE)]);
    let id = change.connection.id;
    bench.hold(&change).await;
    granted(&bench, ROLE, &[id.to_string()]);
    let after = give_back(&bench.app, change.connection.clone()).await.unwrap();
    // A crash after any of them leaves the role on the list, and it is given back once more.
    assert_eq!(bench.calls(), ["GetItem", "TransactWriteItems", "SendMessage", "UpdateItem"]);
    let message = PublishGrant { shard: Shard::new(3).unwrap(), connection_id: id };
    assert_eq!(bench.messages(), [(OnboardingMessage::Publish(message), 0)]);
    assert_eq!(bench.updates(), ["SET releases = :value, revision = :next"]);
    assert!(after.releases.is_empty());
    assert_eq!(after.revision, change.connection.revision + 1);
}

#[tokio::test]
async fn what_has_left_the_table_before_a_crash_is_published_all_the_same() {
    let bench = Bench::new();
    let change = rejected(vec![release(ROLE)]);
    bench.hold(&change).await;
    let after = give_back(&bench.app, change.connection).await.unwrap();
    assert_eq!(bench.calls(), ["GetItem", "SendMessage", "UpdateItem"]);
    assert!(after.releases.is_empty());
}

#[tokio::test]
async fn each_role_is_given_back_on_its_own() {
    let bench = Bench::new();
    let change = rejected(vec![release(ROLE), release(OTHER)]);
    bench.hold(&change).await;
    let after = give_back(&bench.app, change.connection.clone()).await.unwrap();
    assert_eq!((bench.messages().len(), bench.updates().len()), (2, 2));
    assert!(after.releases.is_empty());
    assert_eq!(after.revision, change.connection.revision + 2);
}

#[tokio::test]
async fn a_role_that_came_back_stays_on_the_list_until_it_is_granted_again() {
    let bench = Bench::new();
    let mut change = verifying(now());
    change.connection.releases = vec![release(ROLE), release(OTHER)];
    bench.hold(&change).await;
    let after = give_back(&bench.app, change.connection).await.unwrap();
    assert_eq!(after.releases, [release(ROLE)]);
    assert_eq!(bench.messages().len(), 1, "of the other one");

    // Once it is granted, there is nothing left to give back.
    let mut granted = verifying(now());
    granted.connection.shard = Shard::new(3);
    granted.connection.releases = vec![release(ROLE)];
    let bench = Bench::new();
    bench.hold(&granted).await;
    let after = give_back(&bench.app, granted.connection).await.unwrap();
    assert!(after.releases.is_empty());
    assert_eq!(bench.calls(), ["UpdateItem"]);
}

#[tokio::test]
async fn a_queue_that_fails_leaves_the_role_on_the_list() {
    let bench = Bench::new();
    let change = rejected(vec![release(ROLE)]);
    bench.hold(&change).await;
    bench.fail("SendMessage", "ThrottlingException");
    let error = give_back(&bench.app, change.connection).await.unwrap_err();
    assert_eq!(error.kind, domain::ErrorKind::Unavailable);
    assert!(bench.updates().is_empty());
}

#[tokio::test]
async fn a_connection_that_has_moved_gives_back_nothing() {
    let bench = Bench::new();
    let change = rejected(vec![release(ROLE)]);
    bench.hold(&change).await;
    granted(&bench, ROLE, &[change.connection.id.to_string()]);
    bench.fail("TransactWriteItems", "ConditionalCheckFailedException");
    let error = give_back(&bench.app, change.connection).await.unwrap_err();
    assert_eq!(error.code, "concurrent_change");
    assert!(bench.messages().is_empty() && bench.updates().is_empty());
}

#[tokio::test]
async fn what_others_hold_is_left_to_them() {
    let bench = Bench::new();
    let change = rejected(vec![release(ROLE)]);
    bench.hold(&change).await;
    granted(&bench, ROLE, &["con_0193b2c0000070008000000000000009".to_owned()]);
    let after = give_back(&bench.app, change.connection).await.unwrap();
    assert!(after.releases.is_empty());
    assert!(!bench.calls().contains(&"TransactWriteItems"));
}
