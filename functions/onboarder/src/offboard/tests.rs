use super::*;
use crate::test_app::{Bench, ROLE, number, occasion, text, verifying};
use aws_sdk_dynamodb::types::AttributeValue;
use domain::connection::{Change, End};
use domain::grant::Shard;
use domain::{ConnectionId, ConnectionState, OffboardingId};
use rstest::rstest;

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
    // Among them whether anything is scheduled.
    assert_eq!(bench.calls(), ["GetItem", "Query", "TransactWriteItems"]);
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
    assert_eq!(bench.calls(), ["GetItem", "Query", "GetItem", "UpdateItem", "UpdateItem"].repeat(ATTEMPTS));
    assert!(bench.messages().is_empty(), "what is not written is not sent");
}

/// The grant as it is published, with these roles.
fn published(bench: &Bench, roles: &[&str]) {
    let version = [("version", number(2)), ("published", number(2))];
    if roles.is_empty() {
        // A set that is emptied is no longer there.
        return bench.put("GRANT#1", "META", version);
    }
    let roles = AttributeValue::Ss(roles.iter().map(ToString::to_string).collect());
    let [version, published] = version;
    bench.put("GRANT#1", "META", [version, published, ("arns", roles)]);
}

/// The offboarding as the table has it after a step.
async fn after_a_step(bench: &Bench, change: &Change) -> Connection {
    take_step(&bench.app, &next_of(change), false).await.unwrap();
    bench.connection(change.connection.id).await
}

#[rstest]
#[case::empty(&[])]
#[case::of_others(&["arn:aws:iam::222222222222:role/another"])]
#[tokio::test]
async fn a_grant_is_removed_when_what_is_published_does_not_name_the_role(#[case] roles: &[&str]) {
    let bench = Bench::new();
    let change = offboarding(Shard::new(1));
    bench.hold(&change).await;
    published(&bench, roles);
    let begun = now();
    let after = after_a_step(&bench, &change).await.offboarding.unwrap();
    let removed_at = after.grant_removed_at.unwrap();
    assert!(removed_at >= begun && removed_at <= now(), "{removed_at}");
    assert_eq!(bench.times_signed(), 1, "and the role is tried");
}

/// Another connection that verifies the same role keeps it in the grant.
#[tokio::test]
async fn while_the_role_is_granted_for_another_it_is_waited_for() {
    let bench = Bench::new();
    let change = offboarding(Shard::new(1));
    bench.hold(&change).await;
    published(&bench, &[ROLE]);
    let after = after_a_step(&bench, &change).await;
    assert_eq!(after.state, ConnectionState::Offboarding);
    let offboarding = after.offboarding.as_ref().unwrap();
    assert_eq!((offboarding.grant_removed_at, offboarding.steps.step), (None, 1));
    assert_eq!(bench.times_signed(), 0, "no role is tried");
    let next = OnboardingMessage::Offboard(offboarding.next_message(after.id));
    assert_eq!(bench.messages(), [(next, i32::try_from(retry_delay(0).as_secs()).unwrap())]);
}

#[tokio::test]
async fn a_role_that_is_still_granted_for_another_at_the_deadline_stalls_it() {
    let bench = Bench::new();
    let mut change = offboarding(Shard::new(1));
    let steps = &mut change.connection.offboarding.as_mut().unwrap().steps;
    (steps.step, steps.deadline) = (20, now() - SignedDuration::from_secs(1));
    bench.hold(&change).await;
    published(&bench, &[ROLE]);
    let after = after_a_step(&bench, &change).await;
    assert_eq!((after.state, after.receipt), (ConnectionState::Offboarding, None));
    let codes: Vec<_> = after.reasons.iter().map(|reason| reason.code).collect();
    assert_eq!(codes, [ReasonCode::RoleStillAssumable]);
    let offboarding = after.offboarding.unwrap();
    assert_eq!((offboarding.grant_removed_at, offboarding.steps.running), (None, false));
    assert!(after.due_at.is_some_and(|at| at > now()), "it is tried again");
    assert!(bench.messages().is_empty());
}

/// Its grant stays for as long as that connection is there, which has an external ID of its own.
#[rstest]
#[tokio::test]
async fn what_another_connection_owns_is_not_waited_for(#[values(true, false)] owned_elsewhere: bool) {
    let bench = Bench::new();
    let change = offboarding(Shard::new(1));
    bench.hold(&change).await;
    published(&bench, &[ROLE]);
    let owner = if owned_elsewhere { ConnectionId::new(now(), [3; 10]) } else { change.connection.id };
    bench.put(&format!("ROLE#{ROLE}"), "OWNER", [("connection_id", text(owner.to_string()))]);
    let after = after_a_step(&bench, &change).await.offboarding.unwrap();
    assert_eq!(after.grant_removed_at.is_some(), owned_elsewhere, "its own hold has ended");
    assert_eq!(bench.times_signed(), usize::from(owned_elsewhere));
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
    assert_eq!(bench.calls(), ["GetItem", "Query", "SendMessage"]);
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
