use super::*;
use crate::ErrorKind;
use crate::arn::RoleName;
use crate::connection::{InviteHold, Release, Scope};
use crate::grant::Shard;
use crate::id::LookId;
use crate::message::OnboardingMessage;
use crate::sample::{
    NOW, cadence, created, deployment, end, invite, look_start, looking, occasion, start, submitted,
};
use crate::verification::Outcome;
use jiff::SignedDuration;
use proptest::prelude::*;
use rstest::rstest;

const ACCOUNT: &str = "222222222222";
const OTHER: &str = "arn:aws:iam::222222222222:role/other";

fn pending() -> Connection {
    created().connection
}

fn announced(account: Option<&str>, role_name: Option<&str>) -> Connection {
    Connection {
        account_id: account.map(|id| id.parse().unwrap()),
        announced_role_name: role_name.map(|name| name.parse().unwrap()),
        ..pending()
    }
}

fn by_customer() -> Occasion {
    Occasion { actor: Actor::Customer, ..occasion() }
}

fn look(connection: &Connection, account: Option<&str>) -> Result<Change, Error> {
    let account = account.map(|id| id.parse().unwrap());
    Ok(connection.look_for_role(account, &deployment(), look_start(), by_customer())?.unwrap())
}

/// A connection whose look has its grant.
fn granted() -> Connection {
    Connection { shard: Shard::new(1), ..looking(&pending()).connection }
}

fn looked_for() -> RoleArn {
    looking(&pending()).connection.look.unwrap().role_arn
}

fn released() -> Vec<Release> {
    vec![Release { role_arn: looked_for(), shard: Shard::new(1).unwrap() }]
}

#[test]
fn looking_leaves_the_state_and_asks_for_the_grant_of_one_role() {
    let change = look(&pending(), Some(ACCOUNT)).unwrap();
    let connection = change.connection.clone();
    assert_eq!((connection.state, &connection.role_arn), (ConnectionState::PendingRole, &None));
    assert_eq!((connection.account_id.as_ref(), &connection.reasons), (None, &vec![]));
    let name = pending().ready_made_role_name;
    let role: RoleArn = format!("arn:aws:iam::222222222222:role/{name}").parse().unwrap();
    assert_eq!(connection.role_to_grant(), Some(&role));
    assert!(connection.needs_grant_of(&role));
    let begun = connection.looking().unwrap();
    assert_eq!((begun.attempts, begun.next_at, begun.until()), (0, NOW, look_start().until));
    assert_eq!(change.next_message(), Some(OnboardingMessage::Look(begun.next_message(connection.id))));
    assert_eq!(connection.due_at, Some(watched_at(look_start().until)));
    assert_eq!((change.event.kind, &change.event.actor), (EventType::LookStarted, &Actor::Customer));
    assert_eq!(
        serde_json::Value::from(change.event.data),
        json!({"look_id": look_start().id, "role_arn": role, "until": look_start().until})
    );
}

#[rstest]
#[case::known(Some(ACCOUNT), None, "222222222222")]
#[case::said_once_more(Some(ACCOUNT), Some(ACCOUNT), "222222222222")]
#[case::said(None, Some("333333333333"), "333333333333")]
fn the_account_is_the_announced_one_or_the_one_that_is_said(
    #[case] known: Option<&str>,
    #[case] said: Option<&str>,
    #[case] expected: &str,
) {
    let change = look(&announced(known, None), said).unwrap();
    assert_eq!(change.connection.looking().unwrap().role_arn.account().to_string(), expected);
}

/// An announced name binds what customers submit, and is the name of the role that the setup makes.
#[test]
fn an_announced_name_is_looked_for() {
    let change = look(&announced(None, Some("Backup")), Some(ACCOUNT)).unwrap();
    let role = &change.connection.looking().unwrap().role_arn;
    assert_eq!(role.to_string(), "arn:aws:iam::222222222222:role/Backup");
}

#[rstest]
#[case::nobody_knows_where(None, None, "account_id_needed")]
#[case::somewhere_else(Some(ACCOUNT), Some("333333333333"), "account_id_mismatch")]
#[case::at_the_providers(None, Some("111111111111"), "role_in_provider_account")]
fn a_place_that_cannot_be_looked_in_is_refused(
    #[case] known: Option<&str>,
    #[case] said: Option<&str>,
    #[case] code: &str,
) {
    let error = look(&announced(known, None), said).map(|_| ()).unwrap_err();
    assert_eq!((error.kind, error.code), (ErrorKind::Refused, code));
    assert_eq!(error.fields[0].pointer, "/account_id");
}

#[test]
fn only_a_connection_that_waits_for_its_role_looks_for_it() {
    for state in ConnectionState::ALL {
        let result = look(&Connection { state, ..pending() }, Some(ACCOUNT));
        match result {
            Ok(_) => assert_eq!(state, ConnectionState::PendingRole),
            Err(error) => assert_eq!((error.kind, error.code), (ErrorKind::Conflict, "state_conflict")),
        }
    }
}

#[test]
fn a_link_that_only_reads_looks_for_nothing() {
    let active = submitted(&pending(), OTHER).connection;
    let active = active.conclude(&Outcome::proven(), &[], cadence(), occasion()).unwrap().connection;
    assert_eq!(look(&active, None).map(|_| ()).unwrap_err().code, "invite_read_only");
}

#[test]
fn a_customers_look_ends_with_the_invite() {
    let expires_at = NOW + SignedDuration::from_mins(3);
    let hold = InviteHold { expires_at, ..invite(5) };
    let change = look(&Connection { invite: Some(hold.clone()), ..pending() }, Some(ACCOUNT)).unwrap();
    assert_eq!(change.connection.looking().unwrap().until(), expires_at);
    let connection = Connection { invite: Some(hold), ..announced(Some(ACCOUNT), None) };
    let change = connection.look_for_role(None, &deployment(), look_start(), occasion()).unwrap().unwrap();
    assert_eq!(change.connection.looking().unwrap().until(), look_start().until, "an operator's does not");
}

#[test]
fn asking_again_begins_anew_with_the_same_grant() {
    let mut before = granted();
    before.look = before.look.map(|look| look.tried(NOW, SignedDuration::from_secs(5)));
    let id = LookId::new(NOW, [7; 10]);
    let again = crate::connection::LookStart { id, ..look_start() };
    let account = Some(ACCOUNT.parse().unwrap());
    let change = before.look_for_role(account, &deployment(), again, by_customer()).unwrap().unwrap();
    let look = change.connection.looking().unwrap();
    assert_eq!((look.id, look.attempts, look.steps.step, look.next_at), (id, 0, 0, NOW));
    assert_eq!((change.connection.shard, change.connection.releases), (Shard::new(1), vec![]));
}

/// Somebody pressed twice, or the answer was lost.
#[test]
fn a_look_that_is_about_to_begin_is_not_begun_twice() {
    let before = granted();
    let asked = |account: &str, seconds| {
        let now = NOW + SignedDuration::from_secs(seconds);
        let occasion = Occasion { now, ..by_customer() };
        let account = Some(account.parse().unwrap());
        before.look_for_role(account, &deployment(), look_start(), occasion).unwrap()
    };
    assert!(asked(ACCOUNT, 9).is_none());
    assert!(asked("333333333333", 9).is_some(), "another one");
    assert!(asked(ACCOUNT, 10).is_some(), "its message may be lost");
}

#[test]
fn another_account_gives_up_the_grant_of_the_first() {
    let change = look(&granted(), Some("333333333333")).unwrap();
    assert_eq!((change.connection.shard, &change.connection.releases), (None, &released()));
    assert!(!change.connection.needs_grant_of(&looked_for()));
    // And back again it is not given back.
    let back = look(&change.connection, Some(ACCOUNT)).unwrap().connection;
    assert!(back.needs_grant_of(&looked_for()));
}

#[test]
fn a_role_that_is_found_is_submitted_with_its_grant_by_whoever_looked() {
    let change = granted().submit_found_role(start(), occasion()).unwrap();
    let connection = &change.connection;
    assert_eq!((connection.state, &connection.role_arn), (ConnectionState::Verifying, &Some(looked_for())));
    assert_eq!((connection.shard, &connection.releases), (Shard::new(1), &vec![]));
    assert!(connection.looking().is_none() && connection.needs_grant_of(&looked_for()));
    assert_eq!(connection.verification.as_ref().unwrap().granted_at, None, "its grant is published first");
    assert_eq!((change.event.kind, &change.event.actor), (EventType::StateChanged, &Actor::Customer));
    assert_eq!(change.event.data["from"], "pending_role");
    assert_eq!(change.event.data["look_id"], json!(look_start().id));
    assert!(matches!(change.next_message(), Some(OnboardingMessage::Verify(_))));
}

#[test]
fn a_role_that_is_submitted_while_it_is_looked_for_keeps_the_grant() {
    let change = submitted(&granted(), &looked_for().to_string());
    assert_eq!((change.connection.shard, &change.connection.releases), (Shard::new(1), &vec![]));
    assert_eq!(change.event.actor, Actor::Drawbridge, "whoever submitted it, and not who looked");
    assert!(change.connection.looking().is_none());
}

#[test]
fn another_role_that_is_submitted_ends_the_look() {
    let change = submitted(&granted(), OTHER);
    assert_eq!((change.connection.shard, &change.connection.releases), (None, &released()));
    assert_eq!(change.connection.role_to_grant(), Some(&OTHER.parse().unwrap()));
    assert!(!change.connection.look.unwrap().steps.running);
}

#[test]
fn giving_up_fails_nothing() {
    let mut before = granted();
    before.look = before.look.map(|look| look.tried(NOW, SignedDuration::from_secs(5)));
    let change = before.give_up_looking(occasion()).unwrap();
    let after = &change.connection;
    assert_eq!(
        (after.state, &after.reasons, &after.role_arn),
        (ConnectionState::PendingRole, &vec![], &None)
    );
    assert_eq!((after.shard, &after.releases, after.due_at), (None, &released(), None));
    assert_eq!((change.event.kind, &change.event.actor), (EventType::LookEnded, &Actor::Drawbridge));
    assert_eq!(change.event.data["attempts"], 1);
    assert!(change.next_message().is_none());
    assert_eq!(after.give_up_looking(occasion()).map(|_| ()).unwrap_err().code, "state_conflict");
    assert_eq!(after.submit_found_role(start(), occasion()).map(|_| ()).unwrap_err().code, "state_conflict");
    assert!(look(after, Some(ACCOUNT)).unwrap().connection.looking().is_some(), "and can be begun again");
}

#[test]
fn a_customers_look_ends_when_the_link_does() {
    let revoked = granted().revoke_invite(occasion()).unwrap().connection;
    let renewed = granted().renew_invite(invite(6), occasion()).unwrap().connection;
    for after in [revoked, renewed] {
        assert!(after.looking().is_none());
        assert_eq!((after.shard, &after.releases, after.due_at), (None, &released(), None));
    }
}

#[test]
fn another_scope_does_not_disturb_it() {
    let scope = Scope { label: Some(Some("prod".to_owned())), ..Scope::default() };
    let after = granted().change_scope(scope, start(), occasion()).unwrap().unwrap().connection;
    assert_eq!((after.looking(), after.shard), (granted().looking(), Shard::new(1)));
}

#[test]
fn offboarding_gives_the_grant_back_and_has_nothing_to_prove() {
    let change = granted().offboard(end(), occasion()).unwrap().unwrap();
    let after = &change.connection;
    assert_eq!((after.shard, &after.releases), (None, &released()));
    assert_eq!(after.offboarding.as_ref().unwrap().shard, None);
    assert!(after.looking().is_none() && after.role_to_grant().is_none());
    let receipt = after.conclude_offboarding(occasion()).unwrap().connection.receipt.unwrap();
    assert_eq!((receipt.grant_removed_at, receipt.assume_role_refused_at), (None, None));
    assert_eq!(receipt.leftovers, []);
}

#[derive(Debug, Clone, Copy)]
enum Deed {
    Look(bool),
    Grant,
    Try,
    Find,
    GiveUp,
    Submit,
    SubmitTheSame,
    Fail,
    Revoke,
    Renew,
    Offboard,
}

/// What one deed makes of a connection, if it may be done.
fn done(before: &Connection, deed: Deed) -> Option<Connection> {
    let change = match deed {
        Deed::Look(here) => {
            let account = Some(if here { ACCOUNT } else { "333333333333" }.parse().unwrap());
            before.look_for_role(account, &deployment(), look_start(), by_customer()).ok()?
        }
        Deed::Find => before.submit_found_role(start(), occasion()).ok(),
        Deed::GiveUp => before.give_up_looking(occasion()).ok(),
        Deed::Submit => {
            before.submit_role(OTHER.parse().unwrap(), &deployment(), start(), occasion()).ok()?
        }
        Deed::SubmitTheSame => before.submit_role(looked_for(), &deployment(), start(), occasion()).ok()?,
        Deed::Fail => before.conclude(&Outcome::Inconclusive, &[], cadence(), occasion()).ok(),
        Deed::Revoke => before.revoke_invite(occasion()),
        Deed::Renew => before.renew_invite(invite(6), occasion()).ok(),
        Deed::Offboard => before.offboard(end(), occasion()).ok()?,
        // What the store does.
        Deed::Grant => {
            before.role_to_grant()?;
            return Some(Connection { shard: before.shard.or(Shard::new(1)), ..before.clone() });
        }
        Deed::Try => {
            let look = before.looking()?.tried(NOW, SignedDuration::from_secs(5));
            return Some(Connection { look: Some(look), ..before.clone() });
        }
    };
    change.map(|change| change.connection)
}

fn deed() -> impl Strategy<Value = Deed> {
    let fixed = [
        Deed::Grant,
        Deed::Try,
        Deed::Find,
        Deed::GiveUp,
        Deed::Submit,
        Deed::SubmitTheSame,
        Deed::Fail,
        Deed::Revoke,
        Deed::Renew,
        Deed::Offboard,
    ];
    prop_oneof![1 => any::<bool>().prop_map(Deed::Look), 3 => prop::sample::select(fixed.to_vec())]
}

proptest! {
    /// No grant is forgotten, whatever happens: one that a connection no longer needs is marked to be
    /// given back, and one that it has is for the role that it needs.
    #[test]
    fn no_grant_of_a_look_is_lost(deeds in prop::collection::vec(deed(), 0..30)) {
        let mut connection = pending();
        let mut granted: Vec<RoleArn> = Vec::new();
        for deed in deeds {
            let Some(next) = done(&connection, deed) else { continue };
            if let (Deed::Grant, Some(role)) = (deed, next.role_to_grant()) {
                granted.push(role.clone());
            }
            for role in &granted {
                let held = next.shard.is_some() && next.needs_grant_of(role);
                let marked = next.releases.iter().any(|release| release.role_arn == *role);
                prop_assert!(held || marked, "{role} after {deed:?}");
            }
            if next.shard.is_some() {
                prop_assert!(next.role_to_grant().is_some(), "{deed:?}");
            }
            if next.looking().is_some() {
                prop_assert_eq!(next.state, ConnectionState::PendingRole);
                prop_assert!(next.due_at.is_some() && next.role_arn.is_none());
            }
            connection = next;
        }
    }
}

#[test]
fn names_of_ready_made_roles_have_no_path() {
    let name: RoleName = looked_for().name().clone();
    assert_eq!(looked_for().to_string(), format!("arn:aws:iam::222222222222:role/{name}"));
}
