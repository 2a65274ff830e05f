//! What a customer may do by invite, before and after the first proof.

use super::*;
use crate::ErrorKind;
use rstest::rstest;

fn by_customer() -> Occasion {
    Occasion { actor: Actor::Customer, ..occasion() }
}

fn submit_as(connection: &Connection, role: &str, actor: Actor) -> Result<Option<Change>, Error> {
    let occasion = Occasion { actor, ..occasion() };
    connection.submit_role(role.parse().unwrap(), &deployment(), start(), occasion)
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

/// Another role was put in place of the proven one by the provider.
fn replaced() -> Connection {
    submit(&active(), OTHER).unwrap().unwrap().connection
}

#[rstest]
#[case::none_yet(pending())]
#[case::one_that_is_being_verified(verifying())]
#[case::one_that_was_rejected(ended(&verifying(), &rejected()).connection)]
#[case::one_that_told_nothing(ended(&verifying(), &Outcome::Inconclusive).connection)]
// Its trust was proven, but not as this connection's.
#[case::one_that_is_owned_elsewhere(ended(&verifying(), &Outcome::OwnedElsewhere).connection)]
fn until_a_role_is_proven_the_customer_may_submit_another(#[case] connection: Connection) {
    let change = submit_as(&connection, OTHER, Actor::Customer).unwrap().unwrap();
    assert_eq!(change.connection.role_arn, Some(OTHER.parse().unwrap()));
    assert_eq!(change.connection.state, ConnectionState::Verifying);
    assert_eq!(change.event.actor, Actor::Customer);
}

#[rstest]
#[case::active(active())]
#[case::suspended(suspended())]
#[case::replaced(replaced())]
#[case::replaced_and_rejected(ended(&replaced(), &rejected()).connection)]
fn after_a_proof_only_the_provider_replaces_the_role(#[case] connection: Connection) {
    let third = "arn:aws:iam::222222222222:role/three";
    let error = submit_as(&connection, third, Actor::Customer).map(|_| ()).unwrap_err();
    assert_eq!((error.kind, error.code), (ErrorKind::Conflict, "invite_read_only"));
    for actor in [Actor::Operator("arn:aws:iam::111111111111:role/ops".to_owned()), Actor::Drawbridge] {
        assert!(submit_as(&connection, third, actor).unwrap().is_some());
    }
}

#[rstest]
#[case::active(active(), ROLE, ConnectionState::Active)]
#[case::suspended(suspended(), ROLE, ConnectionState::Suspended)]
#[case::replaced_and_rejected(
    ended(&replaced(), &rejected()).connection, OTHER, ConnectionState::Verifying
)]
fn after_a_proof_the_customer_may_still_ask_for_a_check(
    #[case] connection: Connection,
    #[case] present: &str,
    #[case] state: ConnectionState,
) {
    let asked = connection.request_verification(start(), by_customer()).unwrap().unwrap();
    assert_eq!((asked.connection.state, &asked.event.actor), (state, &Actor::Customer));
    // Submitting the same role again is asking for a check of it.
    let same = submit_as(&connection, present, Actor::Customer).unwrap().unwrap();
    assert_eq!(same.connection, asked.connection);
}

#[test]
fn a_role_of_another_account_is_told_as_that_first() {
    let error = submit_as(&active(), "arn:aws:iam::333333333333:role/one", Actor::Customer).unwrap_err();
    assert_eq!(error.code, "account_id_mismatch");
}
