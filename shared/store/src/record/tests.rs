use super::*;
use crate::events::{event_item, evidence_item};
use crate::item::{Item, Key, Listing, from_item, number, text, to_item};
use crate::sample::{
    ANOTHER_ROLE, concluded, created, full, looking, offboarded, offboarding, submitted, verifying,
};
use aws_sdk_dynamodb::types::AttributeValue;
use domain::denial::Side;
use domain::proof::{Probe, ProbeId, ProbeOutcome};
use domain::reason::ReasonCode;
use domain::sample::{NOW, cadence, occasion};
use domain::verification::Outcome;
use rstest::rstest;

fn item_of(connection: &Connection) -> Item {
    to_item(Key::connection(connection.id), ConnectionRecord::from(connection)).unwrap()
}

#[rstest]
#[case::everything_left_out(created().connection)]
#[case::being_looked_for(looking())]
#[case::being_verified(verifying())]
#[case::with_releases(submitted(&verifying(), ANOTHER_ROLE).connection)]
#[case::everything_there(full())]
#[case::without_an_invite(full().revoke_invite(domain::sample::occasion()).unwrap().connection)]
#[case::being_taken_down(offboarding())]
#[case::ended(offboarded())]
fn a_connection_reads_back_as_it_was_written(#[case] connection: Connection) {
    let back: Connection = from_item::<ConnectionRecord>(item_of(&connection)).unwrap().try_into().unwrap();
    assert_eq!(back, connection);
    // Secrets print alike, so equality of what is printed would not show a changed one.
    assert_eq!(back.external_id.expose(), connection.external_id.expose());
}

#[test]
fn the_samples_have_everything_between_them() {
    // So that nothing reads back for want of anything to read.
    let (full, ended) = (full(), offboarded());
    assert!(full.invite.is_some() && full.due_at.is_some() && full.shard.is_some());
    assert!(full.last_verified_at.is_some() && full.last_full_at.is_some() && full.first_proven_at.is_some());
    assert!(full.verification.is_some() && !full.reasons.is_empty() && !full.releases.is_empty());
    assert!(ended.offboarding.is_some_and(|offboarding| offboarding.grant_removed_at.is_some()));
    assert!(ended.receipt.is_some_and(|receipt| !receipt.leftovers.is_empty()));
}

#[test]
fn an_item_without_the_optional_attributes_is_read() {
    // Items of older versions have none of what was added since.
    let mut item = item_of(&created().connection);
    let added = ["invite", "look", "offboarding", "receipt", "last_full_at", "first_proven_at"];
    for name in added {
        assert!(item.remove(name).is_some(), "{name}");
    }
    let back: Connection = from_item::<ConnectionRecord>(item).unwrap().try_into().unwrap();
    assert_eq!(back, Connection { invite: None, ..created().connection });
}

#[test]
fn who_refused_reads_back() {
    let refused = |refused_by| {
        let probe = Probe {
            round: 1,
            external_id: ProbeId::Correct,
            outcome: ProbeOutcome::Denied,
            at: NOW,
            request_id: None,
            refused_by,
        };
        let rejected = Outcome::Rejected(vec![ReasonCode::RoleNotAssumable]);
        verifying().conclude(&rejected, &[probe], cadence(), occasion()).unwrap().connection
    };
    let read = |item| -> Connection { from_item::<ConnectionRecord>(item).unwrap().try_into().unwrap() };
    for side in Side::ALL.map(Some).into_iter().chain([None]) {
        let connection = refused(side);
        assert_eq!(read(item_of(&connection)), connection);
    }
    // One that only a later version knows.
    let mut item = item_of(&refused(Some(Side::OurGrant)));
    let AttributeValue::M(trust) = item.get_mut("trust").unwrap() else { panic!("no map") };
    let AttributeValue::L(probes) = trust.get_mut("probes").unwrap() else { panic!("no list") };
    let AttributeValue::M(probe) = &mut probes[0] else { panic!("no map") };
    assert_eq!(probe.insert("refused_by".to_owned(), text("the_moon")), Some(text("our_grant")));
    assert_eq!(read(item).trust.probes[0].refused_by, Some(Side::Unknown));
}

#[test]
fn every_state_reads_back() {
    for state in ConnectionState::ALL {
        let connection = Connection { state, ..full() };
        let back: Connection =
            from_item::<ConnectionRecord>(item_of(&connection)).unwrap().try_into().unwrap();
        assert_eq!(back.state, state);
    }
}

#[rstest]
#[case(created().connection)]
#[case(full())]
#[case(offboarded())]
fn the_external_id_stands_in_one_attribute(#[case] connection: Connection) {
    let mut item = item_of(&connection);
    let secret = connection.external_id.expose();
    assert_eq!(item.remove("external_id"), Some(text(secret)));
    for (name, value) in &item {
        assert!(!format!("{value:?}").contains(secret), "{name}");
    }
}

#[rstest]
#[case::created(created())]
#[case::looked_for(domain::sample::looking(&created().connection))]
#[case::looked_for_in_vain(looking().give_up_looking(occasion()).unwrap())]
#[case::submitted(submitted(&created().connection, ANOTHER_ROLE))]
#[case::replaced(submitted(&full(), ANOTHER_ROLE))]
#[case::proven(concluded(&verifying(), &Outcome::proven()))]
#[case::owned_elsewhere(concluded(&verifying(), &Outcome::OwnedElsewhere))]
#[case::inconclusive(concluded(&verifying(), &Outcome::Inconclusive))]
#[case::invited(full().renew_invite(domain::sample::invite(6), domain::sample::occasion()).unwrap())]
#[case::offboarded(offboarding().conclude_offboarding(domain::sample::occasion()).unwrap())]
fn events_and_evidence_tell_no_external_id(#[case] change: domain::connection::Change) {
    let secret = change.connection.external_id.expose();
    let item = event_item(&change.event).unwrap();
    let evidence = change.evidence.as_ref().map(|evidence| evidence_item(change.connection.id, evidence));
    for told in [&Some(item.clone()), &evidence.transpose().unwrap()] {
        assert!(!format!("{told:?}").contains(secret), "{told:?}");
    }
    assert!(!format!("{:?}", change.event).contains(secret));

    let back: AuditEvent = from_item::<EventRecord>(item).unwrap().try_into().unwrap();
    assert_eq!(back, change.event);
}

#[test]
fn evidence_reads_back() {
    let change = concluded(&verifying(), &Outcome::proven());
    let evidence = change.evidence.unwrap();
    let item = evidence_item(change.connection.id, &evidence).unwrap();
    assert_eq!(item["pk"], text(format!("CONNECTION#{}", change.connection.id)));
    assert_eq!(item["sk"], text("EVIDENCE#2027-01-15T08:00:00.123Z"));
    assert_eq!(from_item::<domain::verification::Evidence>(item).unwrap(), evidence);
}

#[test]
fn a_connection_is_in_the_lists_that_are_asked_for_it() {
    let connection = full();
    let item = item_of(&connection);
    for listing in [
        Listing::Connections,
        Listing::OfCustomer(connection.customer_id),
        Listing::InState(connection.state),
    ] {
        let (_, hash, value) = listing.index();
        assert_eq!(item[hash], text(value), "{listing:?}");
        // A cursor leads to exactly these attributes.
        for (name, value) in listing.key_of(&connection.id.to_string()) {
            assert_eq!(item[&name], value, "{listing:?}: {name}");
        }
    }
}

#[test]
fn a_customer_reads_back_and_is_in_its_list() {
    let customer = Customer {
        id: crate::sample::customer_id(),
        name: "Søren & Co".to_owned(),
        email: Some("ops@example.com".to_owned()),
        labels: [("tier".to_owned(), "gold".to_owned()), ("empty".to_owned(), String::new())].into(),
        created_at: crate::sample::NOW,
        version: 3,
    };
    let item = to_item(Key::customer(customer.id), CustomerRecord::from(&customer)).unwrap();
    for (name, value) in Listing::Customers.key_of(&customer.id.to_string()) {
        assert_eq!(item[&name], value, "{name}");
    }
    assert_eq!(Customer::from(from_item::<CustomerRecord>(item).unwrap()), customer);
}

#[test]
fn what_conditions_compare_are_numbers() {
    let item = item_of(&verifying());
    assert_eq!(item["revision"], number(verifying().revision));
    assert!(matches!(item["version"], AttributeValue::N(_)));
    assert_eq!(item["shard"], number(3));
}

#[test]
fn a_broken_external_id_is_not_told() {
    let mut item = item_of(&full());
    item.insert("external_id".to_owned(), text("not an id *"));
    let error = Connection::try_from(from_item::<ConnectionRecord>(item).unwrap()).unwrap_err();
    assert_eq!(error.kind, domain::ErrorKind::Internal);
    assert!(!error.chain().contains("not an id *"));
}

#[test]
fn a_broken_due_time_is_a_fault() {
    let mut item = item_of(&full());
    item.insert("due_at".to_owned(), text("soon"));
    let error = Connection::try_from(from_item::<ConnectionRecord>(item).unwrap()).unwrap_err();
    assert_eq!(error.kind, domain::ErrorKind::Internal);
}
