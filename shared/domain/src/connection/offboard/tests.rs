use super::*;
use crate::connection::Release;
use crate::grant::Shard;
use crate::sample::{NOW, cadence, created, end, occasion, start, submitted};
use crate::verification::Outcome;
use crate::{ErrorKind, RoleArn};
use jiff::SignedDuration;
use rstest::rstest;

const ROLE: &str = "arn:aws:iam::222222222222:role/one";

fn role() -> RoleArn {
    ROLE.parse().unwrap()
}

fn verifying() -> Connection {
    Connection { shard: Shard::new(1), ..submitted(&created().connection, ROLE).connection }
}

fn active() -> Connection {
    verifying().conclude(&Outcome::proven(), &[], cadence(), occasion()).unwrap().connection
}

fn offboarding(from: &Connection) -> Connection {
    from.offboard(end(), occasion()).unwrap().unwrap().connection
}

#[rstest]
#[case::active(active(), true)]
#[case::verifying(verifying(), false)]
fn what_is_granted_is_given_back_and_work_ends(#[case] from: Connection, #[case] owner: bool) {
    let change = from.offboard(end(), occasion()).unwrap().unwrap();
    let next = change.connection;
    assert_eq!(next.state, ConnectionState::Offboarding);
    assert_eq!(next.releases, [Release { role_arn: role(), shard: Shard::new(1).unwrap() }]);
    assert!(!next.is_being_verified() && next.invite.is_none() && next.shard.is_none());
    let begun = next.offboarding.as_ref().unwrap();
    assert_eq!((begun.shard, begun.owns_role, begun.steps.running), (Shard::new(1), owner, true));
    // The role is the connection's until access is shown to be gone.
    assert_eq!(change.disowns, None);
    assert!(!next.needs_grant_of(&role()));
    let done = next.conclude_offboarding(occasion()).unwrap();
    assert_eq!(done.disowns, owner.then(role));
}

#[test]
fn the_receipt_says_when_and_what_stays() {
    let mut begun = offboarding(&active());
    begun.offboarding.as_mut().unwrap().grant_removed_at = Some(NOW);
    let later = Occasion { now: NOW + SignedDuration::from_secs(30), ..occasion() };
    let refused = later.now;
    let done = begun.conclude_offboarding(later).unwrap();
    let receipt = done.connection.receipt.clone().unwrap();
    assert_eq!(receipt.grant_removed_at, Some(NOW));
    assert_eq!(receipt.assume_role_refused_at, Some(refused));
    assert_eq!(receipt.last_session_expires_at, Some(refused + SignedDuration::from_hours(1)));
    assert_eq!(receipt.leftovers.len(), 1);
    assert_eq!(receipt.leftovers[0].id, ROLE);
    assert_eq!(done.connection.state, ConnectionState::Offboarded);
    assert_eq!(done.connection.due_at, None);
    assert!(done.connection.offboard(end(), occasion()).unwrap().is_none());
}

#[rstest]
#[case::without_a_role(created().connection, 0)]
#[case::refused(
    verifying().conclude(&Outcome::Inconclusive, &[], cadence(), occasion()).unwrap().connection,
    1
)]
fn without_a_grant_there_is_no_time_to_tell(#[case] from: Connection, #[case] leftovers: usize) {
    let done = offboarding(&from).conclude_offboarding(occasion()).unwrap();
    let receipt = done.connection.receipt.unwrap();
    assert_eq!(receipt.grant_removed_at, None);
    assert_eq!(receipt.assume_role_refused_at, None);
    assert_eq!(receipt.last_session_expires_at, None);
    assert_eq!(receipt.leftovers.len(), leftovers);
    // A role that somebody else may own is not disowned.
    assert_eq!(done.disowns, None);
}

#[test]
fn asked_again_it_goes_on_and_after_it_stalled_it_is_tried_again() {
    let begun = offboarding(&active());
    assert!(begun.offboard(end(), occasion()).unwrap().is_none());

    let stalled = begun.stall_offboarding(ReasonCode::RoleStillAssumable, cadence(), occasion()).unwrap();
    assert_eq!(stalled.event.kind, EventType::OffboardingStalled);
    let stalled = stalled.connection;
    assert_eq!(stalled.state, ConnectionState::Offboarding);
    assert_eq!(stalled.reasons[0].code, ReasonCode::RoleStillAssumable);
    assert_eq!(stalled.due_at, Some(NOW + SignedDuration::from_hours(1)));

    let again = stalled.offboard(end(), occasion()).unwrap().unwrap();
    assert_eq!(again.event.kind, EventType::OffboardingRetried);
    assert_eq!(again.connection.reasons, [], "why it stalled before is no longer why it runs");
    let retried = again.connection.offboarding.as_ref().unwrap();
    // Which broker it was, and whose the role is, is still known.
    assert_eq!((retried.shard, retried.owns_role), (Shard::new(1), true));
    assert_eq!(again.connection.conclude_offboarding(occasion()).unwrap().disowns, Some(role()));
}

#[test]
fn one_whose_message_was_lost_is_tried_again() {
    let begun = offboarding(&active());
    let late = Occasion { now: end().deadline + SignedDuration::from_mins(3), ..occasion() };
    assert!(begun.due_at.unwrap() >= late.now);
    assert!(begun.offboard(end(), late).unwrap().is_some());
}

#[test]
fn what_is_being_taken_down_takes_nothing_else() {
    for connection in
        [offboarding(&active()), offboarding(&active()).conclude_offboarding(occasion()).unwrap().connection]
    {
        let scope = crate::connection::Scope { label: Some(None), ..Default::default() };
        for error in [
            connection.request_verification(start(), occasion()).map(|_| ()).unwrap_err(),
            connection.change_scope(scope, start(), occasion()).map(|_| ()).unwrap_err(),
            connection.renew_invite(crate::sample::invite(6), occasion()).map(|_| ()).unwrap_err(),
            connection.conclude(&Outcome::proven(), &[], cadence(), occasion()).map(|_| ()).unwrap_err(),
            connection
                .submit_role(role(), &crate::sample::deployment(), start(), occasion())
                .map(|_| ())
                .unwrap_err(),
        ] {
            assert_eq!((error.kind, error.code), (ErrorKind::Conflict, "state_conflict"));
        }
    }
    assert!(active().conclude_offboarding(occasion()).is_err());
}
