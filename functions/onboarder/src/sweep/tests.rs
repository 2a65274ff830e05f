use super::*;
use crate::test_app::{Bench, occasion, verifying};
use domain::connection::End;
use domain::verification::Depth;
use domain::{ConnectionId, OffboardingId};
use rstest::rstest;

/// A connection in this state, whose latest verification is over and that was due an hour ago.
fn due(state: ConnectionState) -> Change {
    let mut change = verifying(now() - SignedDuration::from_hours(24));
    let verification = change.connection.verification.as_mut().unwrap();
    verification.steps = verification.steps.ended();
    change.connection.state = state;
    change.connection.due_at = Some(hour_ago());
    change
}

fn hour_ago() -> Timestamp {
    now() - SignedDuration::from_hours(1)
}

async fn sweep(bench: &Bench, change: &Change) {
    bench.hold(change).await;
    bench.due(&[(change.connection.id, hour_ago())], false);
    take(&bench.app, &Sweep::default()).await.unwrap();
}

#[rstest]
#[case::proven_yesterday(Some(SignedDuration::from_hours(24)), Depth::Reads)]
#[case::looked_at_whole_last_week(Some(SignedDuration::from_hours(7 * 24)), Depth::Full)]
#[case::never_looked_at_whole(None, Depth::Full)]
#[tokio::test]
async fn an_accepted_connection_is_verified_again(
    #[case] last_full: Option<SignedDuration>,
    #[case] depth: Depth,
    #[values(ConnectionState::Active, ConnectionState::Degraded, ConnectionState::Suspended)]
    state: ConnectionState,
) {
    let bench = Bench::new();
    let mut change = due(state);
    change.connection.last_full_at = last_full.map(|ago| now() - ago);
    sweep(&bench, &change).await;
    // Sent before it is written.
    assert_eq!(bench.calls(), ["Query", "GetItem", "SendMessage", "TransactWriteItems"]);
    let after = bench.connection(change.connection.id).await;
    let begun = after.verification.clone().unwrap();
    assert_eq!((after.state, begun.depth, begun.steps.running), (state, depth, true));
    assert_eq!(bench.messages(), [(OnboardingMessage::Verify(begun.next_message(after.id)), 1)]);
    assert!(after.due_at.unwrap() > now(), "it is looked after again only if its message was lost");
}

#[tokio::test]
async fn an_offboarding_that_stalled_is_tried_again() {
    let bench = Bench::new();
    let active = due(ConnectionState::Active).connection;
    let id = OffboardingId::new(hour_ago(), [9; 10]);
    let mut change = active.offboard(End { id, deadline: hour_ago() }, occasion()).unwrap().unwrap();
    let offboarding = change.connection.offboarding.as_mut().unwrap();
    offboarding.steps = offboarding.steps.ended();
    change.connection.due_at = Some(hour_ago());
    sweep(&bench, &change).await;
    let after = bench.connection(change.connection.id).await;
    let begun = after.offboarding.clone().unwrap();
    assert!(begun.id > id && begun.steps.running);
    assert_eq!(bench.messages(), [(OnboardingMessage::Offboard(begun.next_message(after.id)), 1)]);
}

#[tokio::test]
async fn work_whose_message_was_lost_is_begun_anew() {
    let bench = Bench::new();
    let mut change = verifying(hour_ago());
    let lost = change.connection.verification.as_ref().unwrap().id;
    change.connection.due_at = Some(now());
    sweep(&bench, &change).await;
    let after = bench.connection(change.connection.id).await.verification.unwrap();
    assert!(after.id > lost && after.steps.running && after.steps.step == 0);
    assert_eq!(bench.messages().len(), 1);
}

#[tokio::test]
async fn what_is_at_work_is_only_looked_at_later() {
    let bench = Bench::new();
    let mut change = verifying(now());
    change.connection.due_at = Some(hour_ago());
    sweep(&bench, &change).await;
    assert_eq!(bench.calls(), ["Query", "GetItem", "UpdateItem"]);
    assert!(bench.updates()[0].contains("due_at = :at"));
    assert!(bench.messages().is_empty());
}

/// The index learns of a write later than the table.
#[rstest]
#[case::looked_after_meanwhile(Some(SignedDuration::from_hours(1)))]
#[case::nothing_to_look_after(None)]
#[tokio::test]
async fn what_is_no_longer_due_is_left_alone(#[case] due_in: Option<SignedDuration>) {
    let bench = Bench::new();
    let mut change = due(ConnectionState::Active);
    change.connection.due_at = due_in.map(|rest| now() + rest);
    sweep(&bench, &change).await;
    assert_eq!(bench.calls(), ["Query", "GetItem"]);
}

#[tokio::test]
async fn two_sweeps_at_once_harm_nobody() {
    let bench = Bench::new();
    let change = due(ConnectionState::Active);
    bench.hold(&change).await;
    bench.due(&[(change.connection.id, hour_ago())], false);
    bench.fail("TransactWriteItems", "ConditionalCheckFailedException");
    take(&bench.app, &Sweep::default()).await.unwrap();
    assert_eq!(bench.connection(change.connection.id).await, change.connection);
}

#[tokio::test]
async fn one_that_fails_harms_no_other_and_the_next_page_comes_after_it() {
    let bench = Bench::new();
    let change = due(ConnectionState::Active);
    let gone = ConnectionId::new(hour_ago(), [9; 10]);
    bench.hold(&change).await;
    bench.due(&[(change.connection.id, hour_ago()), (gone, hour_ago())], true);
    take(&bench.app, &Sweep::default()).await.unwrap();
    let messages = bench.messages();
    assert!(matches!(messages[0].0, OnboardingMessage::Verify(_)));
    let (OnboardingMessage::Sweep(next), 1) = &messages[1] else { panic!("{messages:?}") };
    assert_eq!(next.after.as_ref().unwrap().connection_id, gone);
    assert_eq!(messages.len(), 2);
}

#[tokio::test]
async fn a_queue_that_fails_leaves_it_due() {
    let bench = Bench::new();
    let change = due(ConnectionState::Active);
    bench.hold(&change).await;
    bench.due(&[(change.connection.id, hour_ago())], false);
    bench.fail("SendMessage", "ThrottlingException");
    take(&bench.app, &Sweep::default()).await.unwrap();
    assert_eq!(bench.connection(change.connection.id).await, change.connection);
}

#[tokio::test]
async fn where_nothing_is_due_nothing_is_sent() {
    let bench = Bench::new();
    take(&bench.app, &Sweep::default()).await.unwrap();
    assert_eq!(bench.calls(), ["Query"]);
}

/// Its message was lost. Its next step is past its end, and ends it.
#[tokio::test]
async fn a_look_whose_message_was_lost_is_ended() {
    let bench = Bench::new();
    let mut change = domain::sample::looking(&domain::sample::created().connection);
    change.connection.due_at = Some(hour_ago());
    let id = change.connection.id;
    sweep(&bench, &change).await;
    let step = change.connection.look.as_ref().unwrap().next_message(id);
    assert_eq!(bench.messages(), [(OnboardingMessage::Look(step), 0)]);
    assert_eq!(bench.updates(), ["SET due_key = :due, due_at = :at, revision = :next"]);
}
