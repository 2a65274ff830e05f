//! When Drawbridge looks at a connection by itself, and since when its trust is proven.

use super::*;
use crate::check::Assessment;
use rstest::rstest;

/// Some days after everything else.
fn later() -> Occasion {
    Occasion { now: NOW + SignedDuration::from_hours(100), ..occasion() }
}

fn rejected() -> Outcome {
    Outcome::Rejected(vec![ReasonCode::TrustMissingExternalId])
}

fn active() -> Connection {
    ended(&verifying(), &Outcome::proven()).connection
}

fn suspended() -> Connection {
    verified_again(&active(), &rejected()).connection
}

/// The end of another verification of an accepted connection, of this depth, [`later`].
fn ended_later(before: &Connection, depth: Depth, outcome: &Outcome) -> Connection {
    verified_later(before, depth, outcome).connection
}

/// The same, with what is told of it.
fn verified_later(before: &Connection, depth: Depth, outcome: &Outcome) -> Change {
    let start = Start { depth, deadline: later().now + SignedDuration::from_mins(5), ..start() };
    let running = before.request_verification(start, later()).unwrap().unwrap().connection;
    // Work that is lost is looked after.
    assert_eq!(running.due_at, Some(start.deadline + SignedDuration::from_mins(10)));
    let ended = running.conclude(outcome, &[], cadence(), later()).unwrap();
    assert_eq!(ended.evidence.as_ref().unwrap().depth, depth);
    ended
}

#[test]
fn nobody_looks_at_a_connection_without_a_role() {
    assert_eq!(pending().due_at, None);
}

#[rstest]
#[case::rejected(rejected())]
#[case::inconclusive(Outcome::Inconclusive)]
#[case::without_room(Outcome::NoRoom)]
#[case::owned_elsewhere(Outcome::OwnedElsewhere)]
fn a_first_role_that_is_not_accepted_is_left_alone(#[case] outcome: Outcome) {
    assert!(verifying().due_at.is_some());
    let failed = ended(&verifying(), &outcome).connection;
    assert_eq!((failed.state, failed.due_at), (ConnectionState::Failed, None));
    assert_eq!(failed.first_proven_at, None);
}

#[rstest]
fn what_is_accepted_is_looked_at_within_a_day(
    #[values(active(), suspended())] before: Connection,
    #[values(Outcome::proven(), rejected())] outcome: Outcome,
) {
    let next = ended_later(&before, Depth::Reads, &outcome);
    assert_eq!(next.due_at, Some(cadence().next(before.id, later().now)));
    assert_eq!(next.last_verified_at, Some(later().now));
}

#[rstest]
fn what_told_nothing_is_tried_again_in_an_hour(
    #[values(active(), suspended())] before: Connection,
    #[values(Outcome::Inconclusive, Outcome::NoRoom)] outcome: Outcome,
) {
    let next = ended_later(&before, Depth::Full, &outcome);
    assert_eq!(next.state, before.state);
    assert_eq!(next.due_at, Some(later().now + SignedDuration::from_hours(1)));
    // It was no look at anything.
    assert_eq!((next.last_verified_at, next.last_full_at), (before.last_verified_at, before.last_full_at));
}

#[rstest]
#[case::of_what_can_be_read(Depth::Reads, NOW)]
#[case::of_everything(Depth::Full, later().now)]
fn only_a_full_look_counts_as_one(#[case] depth: Depth, #[case] last_full_at: Timestamp) {
    for outcome in [Outcome::proven(), rejected()] {
        assert_eq!(ended_later(&active(), depth, &outcome).last_full_at, Some(last_full_at));
    }
}

/// Trust is proven, and AWS left rows unanswered of which something was known before.
fn left_open(reasons: Vec<Reason>) -> Outcome {
    Outcome::Proven(Assessment { reasons, unanswered: true, ..Assessment::default() })
}

fn refused_permission() -> Reason {
    Reason { code: ReasonCode::PermissionMissing, ..Reason::restore_needs_update_item() }
}

fn degraded() -> Connection {
    let outcome = Assessment { reasons: vec![refused_permission()], ..Assessment::default() };
    ended(&verifying(), &Outcome::Proven(outcome)).connection
}

/// Not answered is not wrong: nothing changes, it is told, and it is tried again soon and as fully.
#[rstest]
fn rows_that_were_left_open_are_told_and_tried_again(
    #[values((active(), vec![]), (degraded(), vec![refused_permission()]))] accepted: (
        Connection,
        Vec<Reason>,
    ),
    #[values(Depth::Reads, Depth::Full)] depth: Depth,
) {
    let (before, reasons) = accepted;
    let change = verified_later(&before, depth, &left_open(reasons.clone()));
    assert_eq!(change.event.kind, EventType::VerificationInconclusive);
    let told: Vec<_> =
        reasons.iter().map(|reason| reason.code).chain([ReasonCode::ProbeInconclusive]).collect();
    assert_eq!(change.event.data["reasons"], json!(told));
    assert_eq!(change.evidence.unwrap().reasons, told);
    let after = change.connection;
    assert_eq!((after.state, &after.reasons), (before.state, &reasons), "as before");
    assert_eq!(after.due_at, Some(later().now + SignedDuration::from_hours(1)));
    assert_eq!(after.last_full_at, before.last_full_at, "not everything was looked at");
    // Trust was, and it holds.
    assert_eq!((after.last_verified_at, after.trust.proven_at), (Some(later().now), Some(later().now)));
}

#[test]
fn what_ends_otherwise_than_it_began_is_told_as_that() {
    let change = verified_later(&suspended(), Depth::Full, &left_open(vec![]));
    assert_eq!(change.event.kind, EventType::StateChanged);
    assert_eq!(change.event.data["reasons"], json!(["probe_inconclusive"]));
    let after = change.connection;
    assert_eq!((after.state, after.reasons), (ConnectionState::Active, vec![]));
    assert_eq!(after.due_at, Some(later().now + SignedDuration::from_hours(1)));
    assert_eq!(after.last_full_at, suspended().last_full_at);
}

/// A row that was never answered is a reason of its own, which is told once.
#[test]
fn what_was_never_known_is_told_once() {
    let never = Reason::new(ReasonCode::ProbeInconclusive, &ROLE.parse().unwrap());
    let first = ended(&verifying(), &left_open(vec![never.clone()]));
    assert_eq!(first.event.data["reasons"], json!(["probe_inconclusive"]));
    assert_eq!((first.connection.state, first.connection.last_full_at), (ConnectionState::Degraded, None));
    let again = verified_later(&first.connection, Depth::Full, &left_open(vec![never]));
    assert_eq!(again.event.kind, EventType::VerificationInconclusive);
    assert_eq!(again.event.data["reasons"], json!(["probe_inconclusive"]));
}

#[test]
fn the_first_proof_stays_the_first() {
    assert_eq!(verifying().first_proven_at, None);
    assert_eq!(active().first_proven_at, Some(NOW));
    assert_eq!(ended_later(&active(), Depth::Full, &Outcome::proven()).first_proven_at, Some(NOW));
    // Neither a lapse of trust nor another role takes it back.
    assert_eq!(suspended().first_proven_at, Some(NOW));
    let replaced = submit(&active(), OTHER).unwrap().unwrap().connection;
    assert_eq!((replaced.first_proven_at, replaced.last_verified_at), (Some(NOW), None));
    let failed = ended(&replaced, &rejected()).connection;
    assert_eq!((failed.first_proven_at, failed.due_at), (Some(NOW), None));
}
