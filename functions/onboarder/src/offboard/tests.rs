use super::*;
use crate::test_app::{Bench, occasion, verifying};
use domain::connection::{Change, End};
use domain::grant::Shard;
use domain::{ConnectionState, OffboardingId};

/// A connection that is being taken down since now, with this grant.
fn offboarding(shard: Option<Shard>) -> Change {
    let mut connection = verifying(now()).connection;
    connection.shard = shard;
    let end = End { id: OffboardingId::new(now(), [9; 10]), deadline: now() + SignedDuration::from_mins(5) };
    let mut change = connection.offboard(end, occasion()).unwrap().unwrap();
    change.connection.releases.clear();
    change
}

fn next_of(change: &Change) -> OffboardStep {
    change.connection.offboarding.as_ref().unwrap().next_message(change.connection.id)
}

#[tokio::test]
async fn what_was_never_granted_has_ended_at_once() {
    let bench = Bench::new();
    let change = offboarding(None);
    bench.hold(&change).await;
    take_step(&bench.app, &next_of(&change), false).await.unwrap();
    assert_eq!(bench.calls(), ["GetItem", "TransactWriteItems"]);
    let after = bench.connection(change.connection.id).await;
    assert_eq!(after.state, ConnectionState::Offboarded);
    let receipt = after.receipt.unwrap();
    assert_eq!((receipt.assume_role_refused_at, receipt.last_session_expires_at), (None, None));
    assert!(bench.messages().is_empty());
}

#[tokio::test]
async fn a_message_about_no_connection_is_dropped() {
    let bench = Bench::new();
    take_step(&bench.app, &next_of(&offboarding(None)), false).await.unwrap();
    assert_eq!(bench.calls(), ["GetItem"]);
}

#[tokio::test]
async fn a_message_that_overtook_its_write_comes_again() {
    let bench = Bench::new();
    let change = offboarding(None);
    let step = next_of(&change);
    bench.hold(&verifying(now())).await;
    take_step(&bench.app, &step, false).await.unwrap();
    assert_eq!(bench.messages(), [(OnboardingMessage::Offboard(step), 2)]);
}

/// Somebody who publishes another change of the grant removes the role from IAM with it.
#[tokio::test]
async fn while_somebody_else_removes_the_grant_no_role_is_tried() {
    let bench = Bench::new();
    let change = offboarding(Shard::new(1));
    bench.hold(&change).await;
    let version = |value: &str| aws_sdk_dynamodb::types::AttributeValue::N(value.to_owned());
    bench.put("GRANT#1", "META", [("version", version("2")), ("published", version("1"))]);
    let step = next_of(&change);
    bench.fail("UpdateItem", "ConditionalCheckFailedException");
    // The lease is refused, and so is the write of the step here: it is taken anew, a few times.
    let error = take_step(&bench.app, &step, false).await.unwrap_err();
    assert_eq!(error.code, "concurrent_change");
    assert_eq!(bench.calls(), ["GetItem", "GetItem", "UpdateItem", "UpdateItem"].repeat(ATTEMPTS));
    assert!(bench.messages().is_empty(), "what is not written is not sent");
}

/// IAM's servers learn one by one, so refusals count only when they are apart.
#[tokio::test]
async fn a_message_that_comes_early_waits_for_the_interval() {
    let bench = Bench::new();
    let mut change = offboarding(Shard::new(1));
    let offboarding = change.connection.offboarding.as_mut().unwrap();
    offboarding.grant_removed_at = Some(now());
    offboarding.refusals = vec![now()];
    bench.hold(&change).await;
    let step = next_of(&change);
    take_step(&bench.app, &step, false).await.unwrap();
    assert_eq!(bench.calls(), ["GetItem", "SendMessage"]);
    let (message, delay) = bench.messages().pop().unwrap();
    assert_eq!(message, OnboardingMessage::Offboard(step));
    assert!((1..=15).contains(&delay), "{delay}");
}

#[tokio::test]
async fn a_step_is_taken_once_and_its_next_never_lost() {
    let bench = Bench::new();
    let mut change = offboarding(Shard::new(1));
    change.connection.offboarding.as_mut().unwrap().steps.step = 4;
    bench.hold(&change).await;
    let next = next_of(&change);
    let before = OffboardStep { step: 3, ..next.clone() };
    take_step(&bench.app, &before, false).await.unwrap();
    assert!(bench.messages().is_empty());
    take_step(&bench.app, &before, true).await.unwrap();
    assert_eq!(bench.messages(), [(OnboardingMessage::Offboard(next), 0)]);
}

#[tokio::test]
async fn what_has_ended_takes_no_step() {
    let bench = Bench::new();
    let change = offboarding(None);
    bench.hold(&change.connection.conclude_offboarding(occasion()).unwrap()).await;
    take_step(&bench.app, &next_of(&change), true).await.unwrap();
    assert_eq!(bench.calls(), ["GetItem"]);
}
