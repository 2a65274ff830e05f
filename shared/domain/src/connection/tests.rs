mod customer;
mod schedule;

use super::*;
use crate::denial::Side;
use crate::message::VerifyStep;
use crate::proof::{Probe, ProbeId, ProbeOutcome, refused_by};
use crate::reason::ReasonCode;
use crate::sample::{NOW, cadence, created, deployment, occasion, start};
use crate::verification::{Depth, Outcome};
use jiff::SignedDuration;
use rstest::rstest;

const ROLE: &str = "arn:aws:iam::222222222222:role/one";
const OTHER: &str = "arn:aws:iam::222222222222:role/two";

fn pending() -> Connection {
    created().connection
}

fn submit(connection: &Connection, role: &str) -> Result<Option<Change>, Error> {
    connection.submit_role(role.parse().unwrap(), &deployment(), start(), occasion())
}

fn verifying() -> Connection {
    let mut connection = submit(&pending(), ROLE).unwrap().unwrap().connection;
    connection.shard = Shard::new(1);
    connection
}

fn released(role: &str) -> Release {
    Release { role_arn: role.parse().unwrap(), shard: Shard::new(1).unwrap() }
}

fn ended(connection: &Connection, outcome: &Outcome) -> Change {
    connection.conclude(outcome, &[], cadence(), occasion()).unwrap()
}

fn verified_again(connection: &Connection, outcome: &Outcome) -> Change {
    let running = connection.request_verification(start(), occasion()).unwrap().unwrap();
    assert_eq!(running.event.kind, EventType::VerificationStarted);
    assert_eq!(running.connection.state, connection.state);
    ended(&running.connection, outcome)
}

#[test]
fn a_first_role_is_verified() {
    let change = submit(&pending(), ROLE).unwrap().unwrap();
    assert_eq!(change.connection.state, ConnectionState::Verifying);
    assert_eq!(change.connection.version, 2);
    assert_eq!(change.event.kind, EventType::StateChanged);
    assert_eq!(change.event.data["from"], "pending_role");
    assert!(change.connection.releases.is_empty() && change.disowns.is_none());
    let verification = change.connection.verification.unwrap();
    assert!(verification.steps.running);
    assert_eq!(
        verification.next_message(change.connection.id),
        VerifyStep {
            connection_id: change.connection.id,
            verification_id: start().id,
            step: 0,
            deadline: start().deadline
        }
    );
}

#[test]
fn the_same_role_again_changes_nothing_while_it_is_verified() {
    assert!(submit(&verifying(), ROLE).unwrap().is_none());
}

#[test]
fn a_verification_lost_to_the_dead_letter_queue_can_be_started_again() {
    let late = Occasion { now: start().deadline + SignedDuration::from_mins(3), ..occasion() };
    let change = verifying().request_verification(start(), late).unwrap().unwrap();
    assert_eq!(change.connection.state, ConnectionState::Verifying);
}

#[test]
fn another_role_gives_up_the_grant_of_the_old_one() {
    let change = submit(&verifying(), OTHER).unwrap().unwrap();
    assert_eq!(change.connection.releases, [released(ROLE)]);
    assert_eq!((change.disowns, change.connection.shard), (None, None));
    // Coming back to the old one needs it again, so it is not given back meanwhile; going on to a
    // third one still gives it back, though it was never granted a second time.
    let back = submit(&change.connection, ROLE).unwrap().unwrap().connection;
    assert!(back.needs_grant_of(&ROLE.parse().unwrap()));
    let third = submit(&back, OTHER).unwrap().unwrap().connection;
    assert_eq!(third.releases, [released(ROLE)]);
    assert!(!third.needs_grant_of(&ROLE.parse().unwrap()));
}

#[test]
fn a_replaced_role_is_disowned() {
    let active = ended(&verifying(), &Outcome::proven()).connection;
    let change = submit(&active, OTHER).unwrap().unwrap();
    assert_eq!(change.connection.state, ConnectionState::Verifying);
    assert_eq!(change.disowns, Some(ROLE.parse().unwrap()));
    assert_eq!(change.connection.releases, [released(ROLE)]);
    assert!(!change.connection.trust.proven);
}

#[test]
fn proof_makes_it_active_and_the_owner() {
    let probe = Probe {
        round: 1,
        external_id: ProbeId::Correct,
        outcome: ProbeOutcome::Allowed,
        at: NOW,
        request_id: None,
        refused_by: None,
    };
    let change = verifying().conclude(&Outcome::proven(), &[probe], cadence(), occasion()).unwrap();
    assert_eq!(change.connection.state, ConnectionState::Active);
    assert_eq!(change.claims, Some(ROLE.parse().unwrap()));
    assert_eq!(change.connection.releases, []);
    assert_eq!(change.connection.account_id, Some("222222222222".parse().unwrap()));
    assert_eq!(change.connection.trust.proven_at, Some(NOW));
    assert!(!change.connection.is_being_verified());
    assert_eq!(change.evidence.unwrap().trust.probes.len(), 1);
    assert!(change.connection.shard.is_some());
}

#[test]
fn a_first_role_that_is_rejected_gives_back_its_grant() {
    let codes = vec![ReasonCode::TrustMissingExternalId];
    let change = ended(&verifying(), &Outcome::Rejected(codes.clone()));
    assert_eq!(change.connection.state, ConnectionState::Failed);
    assert_eq!(change.connection.releases, [released(ROLE)]);
    assert_eq!(change.connection.shard, None);
    assert_eq!(change.connection.reasons[0].code, codes[0]);
    assert_eq!(change.evidence.unwrap().reasons, codes);
    assert_eq!(change.event.data["reasons"], json!(["trust_missing_external_id"]));
    // And it can be tried again.
    let again = submit(&change.connection, ROLE).unwrap().unwrap();
    assert_eq!(again.connection.state, ConnectionState::Verifying);
    assert_eq!((&again.connection.reasons, &again.disowns), (&vec![], &None));
    assert_eq!(again.connection.releases, [released(ROLE)]);
    assert!(again.connection.needs_grant_of(&ROLE.parse().unwrap()));
}

#[test]
fn an_accepted_role_that_is_rejected_is_suspended_and_keeps_its_grant() {
    let active = ended(&verifying(), &Outcome::proven()).connection;
    let change = verified_again(&active, &Outcome::Rejected(vec![ReasonCode::RoleNotAssumable]));
    assert_eq!(change.connection.state, ConnectionState::Suspended);
    assert_eq!((&change.connection.releases, &change.claims), (&vec![], &None));
    assert!(change.connection.shard.is_some());
    let back = verified_again(&change.connection, &Outcome::proven());
    assert_eq!(back.connection.state, ConnectionState::Active);
    assert_eq!(back.connection.reasons, []);
}

/// The last round's refusal of the right external ID, by this side.
fn refused(refused_by: Option<Side>) -> Probe {
    Probe {
        round: 1,
        external_id: ProbeId::Correct,
        outcome: ProbeOutcome::Denied,
        at: NOW,
        request_id: None,
        refused_by,
    }
}

#[rstest]
#[case::our_own_grant(Some(Side::OurGrant), "no policy of Drawbridge's broker allows it", "grants reconcile")]
#[case::trust(Some(Side::RoleTrust), "The role's trust policy refuses", "Replace the role's trust policy")]
#[case::trust_or_absent(
    Some(Side::RoleTrustOrAbsent),
    "either there is no such role",
    "Check that the role exists"
)]
#[case::organization(
    Some(Side::OrganizationDeny),
    "(SCP or RCP)",
    "customer's AWS organization excepts this role"
)]
#[case::not_told(None, "comes from the customer's side", "Check that the role exists")]
fn a_refused_role_is_told_by_whom(
    #[case] side: Option<Side>,
    #[case] detail: &str,
    #[case] remedy: &str,
    #[values(false, true)] accepted_before: bool,
) {
    let outcome = Outcome::Rejected(vec![ReasonCode::RoleNotAssumable]);
    let first = verifying();
    let before = if accepted_before {
        let active = ended(&first, &Outcome::proven()).connection;
        active.request_verification(start(), occasion()).unwrap().unwrap().connection
    } else {
        first
    };
    let change = before.conclude(&outcome, &[refused(side)], cadence(), occasion()).unwrap();
    // Whoever refuses, what is decided is the same.
    let expected = if accepted_before { ConnectionState::Suspended } else { ConnectionState::Failed };
    assert_eq!(change.connection.state, expected);
    let [reason] = &change.connection.reasons[..] else { panic!("{:?}", change.connection.reasons) };
    assert_eq!(reason.code, ReasonCode::RoleNotAssumable);
    assert!(reason.detail.contains(detail), "{}", reason.detail);
    assert!(reason.remedy.contains(remedy), "{}", reason.remedy);
    // And it is kept as evidence.
    let evidence = change.evidence.unwrap();
    assert_eq!(refused_by(&evidence.trust.probes), side);
    assert_eq!(evidence.reasons, [ReasonCode::RoleNotAssumable]);
}

#[test]
fn what_is_inconclusive_fails_a_first_role_and_changes_nothing_else() {
    let first = ended(&verifying(), &Outcome::Inconclusive);
    assert_eq!(first.connection.state, ConnectionState::Failed);
    assert_eq!(first.connection.reasons[0].code, ReasonCode::ProbeInconclusive);

    let active = ended(&verifying(), &Outcome::proven()).connection;
    let again = verified_again(&active, &Outcome::Inconclusive);
    assert_eq!(again.event.kind, EventType::VerificationInconclusive);
    assert_eq!(again.connection.state, ConnectionState::Active);
    assert_eq!(again.connection.trust, active.trust);
    assert_eq!(again.connection.last_verified_at, active.last_verified_at);
    assert_eq!(again.connection.reasons, []);
}

#[test]
fn a_role_that_another_connection_owns_by_then_is_refused() {
    let change = ended(&verifying(), &Outcome::OwnedElsewhere);
    assert_eq!(change.connection.state, ConnectionState::Failed);
    assert_eq!(change.connection.reasons[0].code, ReasonCode::RoleAlreadyConnected);
    assert_eq!(change.claims, None);
}

#[test]
fn submissions_are_refused_by_rule() {
    let refused = |connection: &Connection, role: &str, actor: Actor| {
        let occasion = Occasion { actor, ..occasion() };
        let error = connection
            .submit_role(role.parse().unwrap(), &deployment(), start(), occasion)
            .map(|_| ())
            .unwrap_err();
        (error.code, error.fields[0].pointer.clone())
    };
    let at = "/role_arn".to_owned();
    let mut announced = pending();
    announced.account_id = Some("333333333333".parse().unwrap());
    assert_eq!(refused(&announced, ROLE, Actor::Drawbridge), ("account_id_mismatch", at.clone()));
    assert_eq!(
        refused(&pending(), "arn:aws:iam::111111111111:role/x", Actor::Drawbridge),
        ("role_in_provider_account", at.clone())
    );
    assert_eq!(
        refused(&pending(), "arn:aws-cn:iam::222222222222:role/x", Actor::Drawbridge),
        ("role_partition_unsupported", at.clone())
    );
    let mut named = pending();
    named.announced_role_name = Some("expected".parse().unwrap());
    assert_eq!(refused(&named, ROLE, Actor::Customer), ("role_name_mismatch", at));
    // An announced name binds the customer, not the operator.
    assert!(submit(&named, ROLE).unwrap().is_some());
}

#[test]
fn the_account_is_fixed_by_proof() {
    let active = ended(&verifying(), &Outcome::proven()).connection;
    let error = submit(&active, "arn:aws:iam::333333333333:role/one").unwrap_err();
    assert_eq!(error.code, "account_id_mismatch");
}

#[test]
fn there_must_be_a_role_to_verify() {
    let error = pending().request_verification(start(), occasion()).unwrap_err();
    assert_eq!(error.code, "state_conflict");
    assert!(pending().conclude(&Outcome::proven(), &[], cadence(), occasion()).is_err());
}

#[test]
fn neither_the_connection_nor_its_events_tell_the_external_id() {
    let change = ended(&verifying(), &Outcome::proven());
    let text = format!("{change:?}{}", serde_json::to_string(&change.event.data).unwrap());
    assert!(!text.contains(change.connection.external_id.expose()));
}
