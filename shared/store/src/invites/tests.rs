use super::*;
use crate::item::to_item;
use crate::record::ConnectionRecord;
use crate::sample::{NOW, connection_id, created};
use crate::scripted::{Scripted, coded, found};
use domain::ErrorKind;
use domain::sample::{invite, occasion};
use rstest::rstest;

fn after(seconds: i64) -> Timestamp {
    NOW + SignedDuration::from_secs(seconds)
}

/// A table that holds `connection` and this invite, which leads to it.
fn table(connection: &Connection, hold: &InviteHold) -> Scripted {
    let table = Scripted::new();
    let record = to_item(Key::connection(connection.id), ConnectionRecord::from(connection));
    table.hold(Key::connection(connection.id), record.unwrap());
    table.hold(Key::invite(&hold.hash), invite_item(connection.id, hold));
    table
}

#[test]
fn an_invite_is_kept_by_its_hash_and_outlives_its_end() {
    let hold = invite(5);
    let item = invite_item(connection_id(1), &hold);
    assert_eq!(item["pk"], text(format!("INVITE#{}", hold.hash)));
    assert_eq!(item["connection_id"], text(connection_id(1).to_string()));
    // A week of its own, and thirty days in which it is told that it has ended.
    assert_eq!(item["expires_at"], number(1_800_000_000 + 37 * 86_400));
    // The link itself is nowhere.
    let secret = domain::invite::Invite::new([5; 32]);
    assert_eq!(secret.hash(), hold.hash);
    assert!(!format!("{item:?}").contains(&secret.expose()));
}

#[tokio::test]
async fn an_invite_leads_to_its_connection_while_it_is_in_force() {
    let connection = created().connection;
    let table = table(&connection, &invite(5));
    let found = table.store.invited(&invite(5).hash, NOW).await.unwrap();
    assert_eq!(found, connection);
}

#[rstest]
#[case::nobody_made(invite(7), NOW, ErrorKind::NotFound, "not_found")]
#[case::its_time_is_over(invite(5), invite(5).expires_at, ErrorKind::Gone, "invite_expired")]
#[case::replaced(invite(4), NOW, ErrorKind::Gone, "invite_revoked")]
#[tokio::test]
async fn an_invite_that_is_not_in_force_leads_nowhere(
    #[case] hold: InviteHold,
    #[case] now: Timestamp,
    #[case] kind: ErrorKind,
    #[case] code: &str,
) {
    let connection = created().connection;
    let table = table(&connection, &invite(5));
    // One before the present, which the table still knows.
    table.hold(Key::invite(&invite(4).hash), invite_item(connection.id, &invite(4)));
    let error = table.store.invited(&hold.hash, now).await.unwrap_err();
    assert_eq!((error.kind, error.code), (kind, code));
}

#[tokio::test]
async fn an_invite_whose_connection_was_offboarded_is_withdrawn() {
    let connection = created().connection;
    let revoked = connection.revoke_invite(occasion()).unwrap().connection;
    let table = table(&revoked, &invite(5));
    let error = table.store.invited(&invite(5).hash, NOW).await.unwrap_err();
    assert_eq!((error.kind, error.code), (ErrorKind::Gone, "invite_revoked"));
}

#[tokio::test]
async fn an_invite_that_leads_to_no_connection_is_a_fault() {
    let table = Scripted::new();
    let mut item = invite_item(connection_id(1), &invite(5));
    item.insert("connection_id".to_owned(), text("cus_1"));
    table.hold(Key::invite(&invite(5).hash), item);
    let error = table.store.invited(&invite(5).hash, NOW).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Internal);
}

/// The item that says when something was asked for, the earliest first.
fn asked(times: &[Timestamp]) -> Item {
    let mut item = Key::invite_use(connection_id(1)).into_item();
    item.insert("asked_at".to_owned(), attribute(times).unwrap());
    item
}

/// A table in which something was asked for at these times.
fn asked_at(times: &[Timestamp]) -> Scripted {
    let table = Scripted::new();
    table.hold(Key::invite_use(connection_id(1)), asked(times));
    table
}

#[tokio::test]
async fn the_first_time_is_counted() {
    let table = Scripted::new();
    table.store.count_submission(connection_id(1), NOW).await.unwrap();
    let puts = table.puts();
    let [put] = puts.as_slice() else { panic!("one write: {puts:?}") };
    let mut expected = asked(&[NOW]);
    expected.insert("expires_at".to_owned(), number(1_800_003_600));
    assert_eq!(put.item(), Some(&expected));
    assert_eq!(put.condition_expression(), Some("attribute_not_exists(pk)"));
}

#[tokio::test]
async fn further_ones_are_counted_upon_what_was_read() {
    let table = asked_at(&[after(-30), after(-20)]);
    table.store.count_submission(connection_id(1), NOW).await.unwrap();
    let put = &table.puts()[0];
    assert_eq!(put.item().unwrap()["asked_at"], asked(&[after(-30), after(-20), NOW])["asked_at"]);
    assert_eq!(put.condition_expression(), Some("asked_at = :seen"));
    let seen = &put.expression_attribute_values().unwrap()[":seen"];
    assert_eq!(*seen, asked(&[after(-30), after(-20)])["asked_at"]);
}

#[tokio::test]
async fn the_twentieth_within_an_hour_is_taken_and_the_next_is_not() {
    let mut times: Vec<_> = (0..19).map(|minute| after(60 * minute)).collect();
    let now = after(60 * 19);
    let table = asked_at(&times);
    table.store.count_submission(connection_id(1), now).await.unwrap();
    times.push(now);
    assert_eq!(table.puts()[0].item().unwrap()["asked_at"], asked(&times)["asked_at"]);

    let table = asked_at(&times);
    let error = table.store.count_submission(connection_id(1), after(60 * 20)).await.unwrap_err();
    assert_eq!((error.kind, error.code), (ErrorKind::Throttled, "too_many_submissions"));
    // What is refused is not counted, so that asking again and again does not put it off.
    assert!(table.puts().is_empty());
    // The window slides: there is room again when the first of them is an hour ago.
    assert_eq!(error.retry_after, Some(40 * 60 + 1));
}

#[rstest]
#[case::a_moment_before(3599, false)]
#[case::after_an_hour(3600, true)]
#[case::when_it_was_told_to(3601, true)]
#[tokio::test]
async fn the_window_slides(#[case] later: i64, #[case] taken: bool) {
    let mut times = vec![NOW];
    times.extend([after(1800); 19]);
    let table = asked_at(&times);
    let counted = table.store.count_submission(connection_id(1), after(later)).await;
    assert_eq!(counted.is_ok(), taken);
    if taken {
        // What is outside is forgotten, so that the item stays small.
        let mut inside = vec![after(1800); 19];
        inside.push(after(later));
        assert_eq!(table.puts()[0].item().unwrap()["asked_at"], asked(&inside)["asked_at"]);
    } else {
        assert_eq!(counted.unwrap_err().retry_after, Some(2));
    }
}

#[tokio::test]
async fn whoever_is_overtaken_counts_anew() {
    let table = asked_at(&[after(-30)]);
    let other = vec![(Key::invite_use(connection_id(1)), asked(&[after(-30), after(-1)]))];
    table.refuse_put(PutItemError::ConditionalCheckFailedException(found(None)), other);
    table.store.count_submission(connection_id(1), NOW).await.unwrap();
    let puts = table.puts();
    assert_eq!(puts.len(), 2);
    assert_eq!(puts[1].item().unwrap()["asked_at"], asked(&[after(-30), after(-1), NOW])["asked_at"]);
}

#[tokio::test]
async fn of_two_that_would_be_the_twentieth_one_is_refused() {
    let nineteen = vec![after(-10); 19];
    let table = asked_at(&nineteen);
    let other = vec![(Key::invite_use(connection_id(1)), asked(&[after(-10); 20]))];
    table.refuse_put(PutItemError::ConditionalCheckFailedException(found(None)), other);
    let error = table.store.count_submission(connection_id(1), NOW).await.unwrap_err();
    assert_eq!((error.code, table.puts().len()), ("too_many_submissions", 1));
}

#[tokio::test]
async fn counting_anew_has_an_end() {
    let table = Scripted::new();
    for _ in 0..2 * ATTEMPTS {
        table.refuse_put(PutItemError::ConditionalCheckFailedException(found(None)), vec![]);
    }
    let error = table.store.count_submission(connection_id(1), NOW).await.unwrap_err();
    assert_eq!((error.code, table.puts().len()), ("concurrent_change", ATTEMPTS));
}

#[rstest]
#[case::throttled("ThrottlingException", ErrorKind::Unavailable)]
#[case::our_own_rights("AccessDeniedException", ErrorKind::Internal)]
#[tokio::test]
async fn what_cannot_be_counted_is_not_taken(#[case] code: &str, #[case] kind: ErrorKind) {
    let table = Scripted::new();
    table.refuse_put(PutItemError::generic(coded(code)), vec![]);
    let error = table.store.count_submission(connection_id(1), NOW).await.unwrap_err();
    assert_eq!((error.kind, table.puts().len()), (kind, 1));
}
