use super::*;
use crate::sample::{NOW, cadence, created, end, invite, occasion, start, submitted};
use crate::verification::Outcome;
use jiff::SignedDuration;
use rstest::rstest;

const ROLE: &str = "arn:aws:iam::222222222222:role/one";

fn pending() -> Connection {
    created().connection
}

fn active() -> Connection {
    let verifying = submitted(&pending(), ROLE).connection;
    verifying.conclude(&Outcome::proven(), &[], cadence(), occasion()).unwrap().connection
}

/// What an invite leads to, or the code of its refusal.
fn led(connection: &Connection, hold: &InviteHold, now: Timestamp) -> Result<(), &'static str> {
    match connection.clone().invited(&hold.hash, now) {
        Ok(found) => {
            assert_eq!(found, *connection);
            Ok(())
        }
        Err(error) => {
            assert_eq!(error.kind, ErrorKind::Gone);
            Err(error.code)
        }
    }
}

#[test]
fn a_connection_begins_with_its_invite() {
    let change = created();
    assert_eq!(change.invites, Some(invite(5)));
    assert_eq!(led(&change.connection, &invite(5), NOW), Ok(()));
}

#[rstest]
#[case::at_once(0, Ok(()))]
#[case::to_the_last_moment(7 * 24 * 3600 * 1000 - 1, Ok(()))]
#[case::at_its_end(7 * 24 * 3600 * 1000, Err("invite_expired"))]
#[case::long_after(400 * 24 * 3600 * 1000, Err("invite_expired"))]
fn an_invite_has_an_end(#[case] milliseconds: i64, #[case] expected: Result<(), &'static str>) {
    let now = NOW + SignedDuration::from_millis(milliseconds);
    assert_eq!(led(&pending(), &invite(5), now), expected);
}

#[test]
fn an_invite_of_another_connection_leads_nowhere() {
    assert_eq!(led(&pending(), &invite(6), NOW), Err("invite_revoked"));
}

#[rstest]
#[case::pending(pending())]
#[case::verifying(submitted(&pending(), ROLE).connection)]
#[case::active(active())]
#[case::after_it_was_revoked(pending().revoke_invite(occasion()).unwrap().connection)]
fn a_renewed_invite_ends_the_one_before(#[case] before: Connection) {
    let later = InviteHold { expires_at: NOW + SignedDuration::from_hours(3), ..invite(6) };
    let change = before.renew_invite(later.clone(), occasion()).unwrap();
    assert_eq!(change.invites, Some(later.clone()));
    assert_eq!(change.event.kind, EventType::InviteCreated);
    assert_eq!(led(&change.connection, &later, NOW), Ok(()));
    assert_eq!(led(&change.connection, &invite(5), NOW), Err("invite_revoked"));
    // Nothing else is another, and running work goes on.
    let mut expected =
        Connection { version: before.version + 1, revision: before.revision + 1, ..before.clone() };
    expected.invite = Some(later);
    assert_eq!(change.connection, expected);
}

#[test]
fn an_event_tells_when_an_invite_ends_and_not_what_it_is() {
    let change = pending().renew_invite(invite(6), occasion()).unwrap();
    assert_eq!(
        serde_json::Value::from(change.event.data.clone()),
        json!({"expires_at": invite(6).expires_at})
    );
    assert!(!format!("{:?}", change.event).contains(&invite(6).hash.to_string()));
}

#[test]
fn a_revoked_invite_leads_nowhere() {
    let change = active().revoke_invite(occasion()).unwrap();
    assert_eq!(change.event.kind, EventType::InviteRevoked);
    assert_eq!((&change.connection.invite, &change.invites), (&None, &None));
    assert_eq!(change.connection.revision, active().revision + 1);
    assert_eq!(led(&change.connection, &invite(5), NOW), Err("invite_revoked"));
    // Revoking it again changes nothing.
    assert!(change.connection.revoke_invite(occasion()).is_none());
}

#[test]
fn an_invite_ends_with_its_connection() {
    let offboarding = active().offboard(end(), occasion()).unwrap().unwrap().connection;
    let offboarded = offboarding.conclude_offboarding(occasion()).unwrap().connection;
    for connection in [offboarding, offboarded] {
        assert_eq!(led(&connection, &invite(5), NOW), Err("invite_revoked"));
        assert!(connection.revoke_invite(occasion()).is_none());
        let error = connection.renew_invite(invite(6), occasion()).unwrap_err();
        assert_eq!((error.kind, error.code), (ErrorKind::Conflict, "state_conflict"));
    }
}

#[test]
fn work_on_a_connection_leaves_its_invite() {
    let asked = active().request_verification(start(), occasion()).unwrap().unwrap();
    assert_eq!(led(&asked.connection, &invite(5), NOW), Ok(()));
    // It is written when it begins, and never again.
    assert_eq!(asked.invites, None);
}
