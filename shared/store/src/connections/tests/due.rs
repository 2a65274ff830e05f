//! What Drawbridge looks at by itself: the index of what is due, and its keys.

use super::*;
use crate::sample::{NOW, offboarded, offboarding};
use jiff::SignedDuration;

/// An entry of the index, which holds keys alone.
fn entry(number: u8, due_at: Timestamp) -> Item {
    let mut item = Key::connection(connection_id(number)).into_item();
    item.insert("due_key".to_owned(), text("due"));
    item.insert("due_at".to_owned(), text(sort_time(due_at)));
    item
}

fn place(number: u8, due_at: Timestamp) -> DuePlace {
    DuePlace { due_at, connection_id: connection_id(number) }
}

#[tokio::test]
async fn what_is_due_is_read_from_where_the_page_before_ended() {
    let earlier = NOW - SignedDuration::from_hours(1);
    let table = Scripted::new();
    table.page(vec![entry(1, earlier), entry(2, NOW)], Some(entry(2, NOW)));
    table.page(vec![], None);
    let first = table.store.due(NOW, None, 2).await.unwrap();
    assert_eq!(first, Due { places: vec![place(1, earlier), place(2, NOW)], more: true });
    let second = table.store.due(NOW, first.places.last(), 2).await.unwrap();
    assert_eq!(second, Due::default());

    let queries = table.queries();
    for query in &queries {
        assert_eq!((query.index_name(), query.limit()), (Some("by-due"), Some(2)));
        assert_eq!(query.key_condition_expression(), Some("due_key = :due AND due_at <= :now"));
        let values = query.expression_attribute_values().unwrap();
        assert_eq!((&values[":due"], &values[":now"]), (&text("due"), &text("2027-01-15T08:00:00.123Z")));
        // The longest due first.
        assert_ne!(query.scan_index_forward(), Some(false));
    }
    assert_eq!(queries[0].exclusive_start_key(), None);
    // All the keys of the index and of the table. Source: DynamoDB API Reference, `Query`.
    assert_eq!(queries[1].exclusive_start_key(), Some(&entry(2, NOW)));
}

#[rstest]
#[case::no_time("due_at", None)]
#[case::another_time("due_at", Some("soon"))]
#[case::no_connection("pk", None)]
#[case::something_else("pk", Some("CUSTOMER#cus_1"))]
#[tokio::test]
async fn an_entry_that_cannot_be_read_is_a_fault(#[case] name: &str, #[case] value: Option<&str>) {
    let mut broken = entry(1, NOW);
    broken.remove(name);
    broken.extend(value.map(|value| (name.to_owned(), text(value))));
    let table = Scripted::new();
    table.page(vec![broken], None);
    assert_eq!(table.store.due(NOW, None, 9).await.unwrap_err().kind, ErrorKind::Internal);
}

#[rstest]
#[case::waiting_for_a_role(created().connection)]
#[case::refused(concluded(&verifying(), &Outcome::Inconclusive).connection)]
#[case::ended(offboarded())]
fn what_has_nothing_due_is_not_in_the_index(#[case] connection: Connection) {
    // A key of an index cannot be null: the write would be refused. Source: DynamoDB Developer
    // Guide, "Take advantage of sparse indexes", and `PutItem`, ValidationException.
    let item = to_item(Key::connection(connection.id), ConnectionRecord::from(&connection)).unwrap();
    assert!(!item.contains_key("due_key") && !item.contains_key("due_at"), "{item:?}");
}

#[rstest]
#[case::being_verified(verifying())]
#[case::active(concluded(&verifying(), &Outcome::proven()).connection)]
#[case::suspended(full())]
#[case::being_taken_down(offboarding())]
fn what_is_due_is_in_the_index_where_a_query_begins(#[case] connection: Connection) {
    let item = to_item(Key::connection(connection.id), ConnectionRecord::from(&connection)).unwrap();
    assert_eq!(item["due_key"], text("due"));
    assert_eq!(item["due_at"], text(sort_time(connection.due_at.unwrap())));
}

#[tokio::test]
async fn when_it_is_due_next_is_written_with_the_index_key() {
    let (before, table) = (full(), Scripted::new());
    table.store.set_due(&before, NOW).await.unwrap();
    let updates = table.updates();
    let [update] = updates.as_slice() else { panic!("one update: {updates:?}") };
    assert_eq!(update.key(), Some(&Key::connection(before.id).into_item()));
    // One that was not in the index has no hash key there yet.
    assert_eq!(update.update_expression(), Some("SET due_key = :due, due_at = :at, revision = :next"));
    assert_eq!(update.condition_expression(), Some("revision = :revision"));
    let values = update.expression_attribute_values().unwrap();
    assert_eq!((&values[":due"], &values[":at"]), (&text("due"), &text("2027-01-15T08:00:00.123Z")));
    assert_eq!(values[":revision"], number(before.revision));
    assert_eq!(values[":next"], number(before.revision + 1));
}

#[rstest]
#[case::moved_on(UpdateItemError::ConditionalCheckFailedException(found(None)), "concurrent_change")]
#[case::being_changed(
    UpdateItemError::TransactionConflictException(TransactionConflictException::builder().build()),
    "concurrent_change"
)]
#[case::throttled(UpdateItemError::generic(coded("ThrottlingException")), "dependency_unavailable")]
#[case::our_own_rights(UpdateItemError::generic(coded("AccessDeniedException")), "internal_error")]
#[tokio::test]
async fn what_stands_in_the_way_of_a_due_time_is_told(#[case] error: UpdateItemError, #[case] code: &str) {
    let table = Scripted::new();
    table.refuse_update(error, vec![]);
    assert_eq!(table.store.set_due(&full(), NOW).await.unwrap_err().code, code);
    assert_eq!(table.updates().len(), 1);
}
