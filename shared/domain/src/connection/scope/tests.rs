use super::*;
use crate::sample::{NOW, cadence, created, end, occasion, start, submitted};
use crate::verification::{Depth, Outcome};
use crate::{Capability, CapabilitySet, VerificationId, cadence};
use jiff::SignedDuration;
use rstest::rstest;

const ROLE: &str = "arn:aws:iam::222222222222:role/one";

fn pending() -> Connection {
    created().connection
}

/// A first verification that has come some way.
fn verifying() -> Connection {
    let mut verifying = submitted(&pending(), ROLE).connection;
    verifying.shard = crate::grant::Shard::new(1);
    let verification = verifying.verification.as_mut().unwrap();
    verification.steps = verification.steps.advanced(NOW).advanced(NOW);
    verification.granted_at = Some(1);
    verifying
}

fn ended(connection: &Connection, outcome: &Outcome) -> Connection {
    connection.conclude(outcome, &[], cadence(), occasion()).unwrap().connection
}

fn rejected() -> Outcome {
    Outcome::Rejected(vec![crate::reason::ReasonCode::TrustMissingExternalId])
}

fn active() -> Connection {
    ended(&verifying(), &Outcome::proven())
}

fn degraded() -> Connection {
    Connection { state: ConnectionState::Degraded, ..active() }
}

fn suspended() -> Connection {
    ended(&verified_again(&active()), &rejected())
}

fn verified_again(connection: &Connection) -> Connection {
    connection.request_verification(start(), occasion()).unwrap().unwrap().connection
}

/// Another verification than the one that began before.
fn another() -> Start {
    Start {
        id: VerificationId::new(NOW, [80; 10]),
        deadline: NOW + SignedDuration::from_mins(9),
        depth: Depth::Full,
    }
}

fn label(label: Option<&str>) -> Scope {
    Scope { label: Some(label.map(str::to_owned)), ..Scope::default() }
}

fn capabilities() -> Scope {
    let set = CapabilitySet::new([Capability::Ec2Observe, Capability::Ec2Power]).unwrap();
    Scope { capabilities: Some(set), ..Scope::default() }
}

fn regions() -> Scope {
    let regions = ["eu-central-1", "us-east-1"].map(|region| region.parse().unwrap());
    Scope { regions: Some(regions.into()), ..Scope::default() }
}

fn change(connection: &Connection, scope: Scope) -> Option<Change> {
    connection.change_scope(scope, another(), occasion()).unwrap()
}

#[rstest]
fn a_role_that_is_there_is_verified_again_and_keeps_its_state(
    #[values(active(), degraded(), suspended())] before: Connection,
    #[values(capabilities(), regions())] scope: Scope,
) {
    let change = change(&before, scope).unwrap();
    let next = &change.connection;
    assert_eq!(next.state, before.state);
    // Until the outcome is there, what is known of it is what was known.
    assert_eq!((&next.trust, &next.reasons), (&before.trust, &before.reasons));
    assert_eq!((next.shard, &next.releases, &next.role_arn), (before.shard, &vec![], &before.role_arn));
    let verification = next.verification.as_ref().unwrap();
    assert_eq!((verification.id, verification.depth), (another().id, Depth::Full));
    assert!(verification.steps.running);
    // Its grant is there already.
    assert_eq!(verification.granted_at, Some(0));
    assert_eq!(next.due_at, Some(cadence::watched_at(another().deadline)));
    assert!(change.next_message().is_some());
    assert_eq!((change.claims, change.disowns, change.evidence), (None, None, None));
}

/// A week does not pass until what was asked for anew is looked at, though AWS did not answer at first.
#[rstest]
fn after_a_verification_that_told_nothing_the_next_one_looks_at_everything(
    #[values(active(), suspended())] before: Connection,
    #[values(capabilities(), regions())] scope: Scope,
) {
    assert_eq!(before.last_full_at, Some(NOW));
    let begun = change(&before, scope).unwrap().connection;
    let told_nothing = ended(&begun, &Outcome::Inconclusive);
    let later = told_nothing.due_at.unwrap();
    assert_eq!(cadence().depth(told_nothing.last_full_at, later), Depth::Full);
    assert_eq!(cadence().depth(before.last_full_at, later), Depth::Reads, "as it would have been");
    // One that tells something counts as before.
    assert_eq!(ended(&begun, &Outcome::proven()).last_full_at, Some(NOW));
}

#[rstest]
#[case::of_a_first_role(verifying(), None)]
#[case::of_an_accepted_one(verified_again(&active()), Some(0))]
fn a_running_verification_begins_anew(#[case] before: Connection, #[case] granted_at: Option<u32>) {
    assert!(before.is_being_verified());
    let change = change(&before, regions()).unwrap();
    let verification = change.connection.verification.clone().unwrap();
    assert_ne!(Some(verification.id), before.verification.as_ref().map(|verification| verification.id));
    assert_eq!((verification.steps.step, verification.granted_at), (0, granted_at));
    assert_eq!(verification.steps.deadline, another().deadline);
    assert!(verification.steps.running && verification.probes.is_empty());
    assert_eq!((change.connection.state, change.connection.shard), (before.state, before.shard));
    let crate::message::OnboardingMessage::Verify(message) = change.next_message().unwrap() else {
        panic!("no step of a verification")
    };
    assert_eq!((message.verification_id, message.step), (another().id, 0));
}

#[rstest]
fn where_no_role_is_in_use_it_is_only_noted(
    #[values(pending(), ended(&verifying(), &rejected()))] before: Connection,
    #[values(capabilities(), regions(), label(Some("new")))] scope: Scope,
) {
    let change = change(&before, scope.clone()).unwrap();
    let next = &change.connection;
    assert_eq!((next.state, &next.verification), (before.state, &before.verification));
    assert_eq!((&next.reasons, next.due_at), (&before.reasons, None));
    assert!(change.next_message().is_none());
    assert!(!change.event.data.contains_key("verification_id"));
    if let Some(capabilities) = scope.capabilities {
        assert_eq!(next.capabilities, capabilities);
    }
    if let Some(regions) = scope.regions {
        assert_eq!(next.regions, regions);
    }
    // The next role is asked for what was asked for last.
    let next = submitted(next, "arn:aws:iam::222222222222:role/two").connection;
    assert_eq!(next.capabilities, change.connection.capabilities);
}

#[rstest]
#[case::pending(pending())]
#[case::verifying(verifying())]
#[case::active(active())]
#[case::active_and_verified(verified_again(&active()))]
#[case::suspended(suspended())]
fn a_label_alone_disturbs_nothing(#[case] before: Connection) {
    let labelled = change(&before, label(Some("prod"))).unwrap();
    let expected = Connection {
        label: Some("prod".to_owned()),
        version: before.version + 1,
        revision: before.revision + 1,
        ..before
    };
    assert_eq!(labelled.connection, expected);
    assert_eq!(labelled.event.kind, EventType::Changed);
    assert_eq!(serde_json::Value::from(labelled.event.data), json!({"label": "prod"}));

    let bare = change(&labelled.connection, label(None)).unwrap();
    assert_eq!(bare.connection.label, None);
    assert_eq!(serde_json::Value::from(bare.event.data), json!({"label": null}));
}

#[rstest]
fn what_is_so_already_changes_nothing(
    #[values(pending(), verifying(), active(), degraded(), suspended(), ended(&verifying(), &rejected()))]
    before: Connection,
) {
    let same = Scope {
        label: Some(before.label.clone()),
        capabilities: Some(before.capabilities.clone()),
        regions: Some(before.regions.clone()),
    };
    assert!(change(&before, same).is_none());
    assert!(change(&before, Scope::default()).is_none());
}

#[test]
fn only_what_differs_is_told() {
    let mut scope = regions();
    scope.capabilities = Some(active().capabilities);
    scope.label = Some(Some("prod".to_owned()));
    let told = change(&active(), scope).unwrap().event;
    assert_eq!(told.kind, EventType::Changed);
    assert_eq!(
        serde_json::Value::from(told.data),
        json!({
            "label": "prod",
            "regions": ["eu-central-1", "us-east-1"],
            "verification_id": another().id,
        })
    );
}

#[test]
fn nothing_is_changed_once_it_is_taken_down() {
    let offboarding = active().offboard(end(), occasion()).unwrap().unwrap().connection;
    let offboarded = offboarding.conclude_offboarding(occasion()).unwrap().connection;
    for connection in [offboarding, offboarded] {
        for scope in [label(Some("late")), capabilities(), regions(), Scope::default()] {
            let error = connection.change_scope(scope, another(), occasion()).map(|_| ()).unwrap_err();
            assert_eq!((error.kind, error.code), (crate::ErrorKind::Conflict, "state_conflict"));
        }
    }
}
