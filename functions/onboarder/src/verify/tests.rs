use super::*;
use crate::test_app::{Bench, verifying};
use domain::VerificationId;
use domain::connection::Change;
use domain::proof::{ProbeId, ProbeOutcome};
use rstest::rstest;

/// The message of the step that the table expects.
fn next_of(change: &Change) -> VerifyStep {
    change.connection.verification.as_ref().unwrap().next_message(change.connection.id)
}

/// A connection whose verification has taken so many steps.
fn at_step(step: u32) -> Change {
    let mut change = verifying(now());
    change.connection.verification.as_mut().unwrap().steps.step = step;
    change
}

#[tokio::test]
async fn a_message_about_no_connection_is_dropped() {
    let bench = Bench::new();
    take_step(&bench.app, &next_of(&verifying(now())), false).await.unwrap();
    assert_eq!(bench.calls(), ["GetItem"]);
}

#[tokio::test]
async fn a_message_that_overtook_its_write_comes_again() {
    let bench = Bench::new();
    let change = verifying(now());
    bench.hold(&change).await;
    let id = VerificationId::new(now() + SignedDuration::from_secs(1), [9; 10]);
    let step = VerifyStep { verification_id: id, ..next_of(&change) };
    take_step(&bench.app, &step, false).await.unwrap();
    assert_eq!(bench.messages(), [(OnboardingMessage::Verify(step), 2)]);
    assert_eq!(bench.calls(), ["GetItem", "SendMessage"]);
}

#[rstest]
// The API crashed between the message and the write.
#[case::never_written(None, 180)]
#[case::of_an_earlier_verification(Some(30), 60)]
#[tokio::test]
async fn a_message_of_what_nobody_wants_is_dropped(#[case] latest: Option<i64>, #[case] asked: i64) {
    let ago = |seconds| now() - SignedDuration::from_secs(seconds);
    let bench = Bench::new();
    let mut change = verifying(ago(latest.unwrap_or_default()));
    let id = VerificationId::new(ago(asked), [9; 10]);
    let step = VerifyStep { verification_id: id, ..next_of(&change) };
    if latest.is_none() {
        change.connection.verification = None;
    }
    bench.hold(&change).await;
    take_step(&bench.app, &step, true).await.unwrap();
    assert_eq!(bench.calls(), ["GetItem"]);
}

#[tokio::test]
async fn a_step_that_was_taken_is_not_taken_again() {
    let bench = Bench::new();
    let change = at_step(4);
    bench.hold(&change).await;
    for step in [0, 2, 3, 5, 9] {
        take_step(&bench.app, &VerifyStep { step, ..next_of(&change) }, false).await.unwrap();
        assert_eq!(bench.calls(), ["GetItem"], "{step}");
    }
}

/// A crash came between the write of a step and the message of the next one.
#[tokio::test]
async fn a_redelivered_step_sends_the_next_one_again() {
    let bench = Bench::new();
    let change = at_step(4);
    bench.hold(&change).await;
    let next = next_of(&change);
    take_step(&bench.app, &VerifyStep { step: 3, ..next.clone() }, true).await.unwrap();
    assert_eq!(bench.messages(), [(OnboardingMessage::Verify(next), 0)]);
    assert_eq!(bench.calls(), ["GetItem", "SendMessage"]);
}

/// Two rounds right after each other would be one.
#[tokio::test]
async fn a_message_that_comes_early_waits_for_the_interval() {
    let bench = Bench::new();
    let mut change = at_step(2);
    let agreed = |external_id, outcome| Probe {
        round: 1,
        external_id,
        outcome,
        at: now(),
        request_id: None,
        refused_by: None,
    };
    change.connection.verification.as_mut().unwrap().probes = vec![
        agreed(ProbeId::Correct, ProbeOutcome::Allowed),
        agreed(ProbeId::Absent, ProbeOutcome::Denied),
        agreed(ProbeId::Random, ProbeOutcome::Denied),
    ];
    bench.hold(&change).await;
    let next = next_of(&change);
    take_step(&bench.app, &next, false).await.unwrap();
    assert_eq!(bench.calls(), ["GetItem", "SendMessage"], "no role is asked for");
    let (message, delay) = bench.messages().pop().unwrap();
    assert_eq!(message, OnboardingMessage::Verify(next), "it is the same step still");
    assert!((1..=15).contains(&delay), "{delay}");
}

#[tokio::test]
async fn what_ended_takes_no_step() {
    let bench = Bench::new();
    let mut change = verifying(now());
    let verification = change.connection.verification.as_mut().unwrap();
    verification.steps = verification.steps.ended();
    bench.hold(&change).await;
    take_step(&bench.app, &next_of(&change), true).await.unwrap();
    assert_eq!(bench.calls(), ["GetItem"]);
}

#[tokio::test]
async fn a_table_that_fails_leaves_the_message_where_it_is() {
    let bench = Bench::new();
    bench.fail("GetItem", "ThrottlingException");
    let error = take_step(&bench.app, &next_of(&verifying(now())), false).await.unwrap_err();
    assert!(may_pass(&error));
    assert!(bench.messages().is_empty());
}
