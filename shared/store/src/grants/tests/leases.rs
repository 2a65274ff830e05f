//! Leases of shards. Each condition is DynamoDB's to judge; here stands which one is sent, and
//! what follows from what it found.

use super::*;
use crate::sample::NOW;
use crate::scripted::{coded, found};
use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use aws_sdk_dynamodb::types::error::TransactionConflictException;
use aws_sdk_dynamodb::types::{ReturnValue, ReturnValuesOnConditionCheckFailure};
use jiff::SignedDuration;

const LEASE: SignedDuration = SignedDuration::from_secs(40);

/// The fourth shard at this version, of which IAM has that one, leased by `publisher`.
fn leased(version: u64, published: u64, lease: Option<&str>) -> Item {
    let mut item = filled(shard(4)).1;
    item.insert("version".to_owned(), number(version));
    item.insert("published".to_owned(), number(published));
    if let Some(publisher) = lease {
        item.insert("publisher".to_owned(), text(publisher));
        item.insert("publisher_until".to_owned(), number(1));
    }
    item
}

fn shard_of(item: &Item) -> GrantShard {
    GrantShard::read(item).unwrap()
}

fn unmet_update(item: Option<Item>) -> UpdateItemError {
    UpdateItemError::ConditionalCheckFailedException(found(item))
}

fn conflict() -> UpdateItemError {
    UpdateItemError::TransactionConflictException(TransactionConflictException::builder().build())
}

#[tokio::test]
async fn whoever_takes_the_lease_learns_what_is_to_be_published() {
    let table = Scripted::new();
    table.leave(leased(7, 6, Some("me")));
    let taken = table.store.lease_shard(shard(4), "me", NOW, LEASE).await.unwrap();
    assert_eq!(taken, Some(shard_of(&leased(7, 6, Some("me")))));
    assert!(taken.unwrap().publishing);

    let updates = table.updates();
    let [update] = updates.as_slice() else { panic!("one write: {updates:?}") };
    assert_eq!(update.key(), Some(&Key::grant_shard(shard(4)).into_item()));
    assert_eq!(update.update_expression(), Some("SET publisher = :me, publisher_until = :until"));
    // Free, one's own whose answer was lost, or over; who is busy meanwhile is waited for.
    assert_eq!(
        update.condition_expression(),
        Some("attribute_not_exists(publisher) OR publisher = :me OR publisher_until < :now")
    );
    let values = update.expression_attribute_values().unwrap();
    assert_eq!(values[":me"], text("me"));
    assert_eq!(values[":now"], number(1_800_000_000_123));
    assert_eq!(values[":until"], number(1_800_000_040_123));
    // What the lease was taken on, in the same answer: another read could find it changed.
    assert_eq!(update.return_values(), Some(&ReturnValue::AllNew));
}

#[tokio::test]
async fn a_shard_that_was_never_filled_can_be_leased() {
    let table = Scripted::new();
    let mut item = Key::grant_shard(shard(4)).into_item();
    item.insert("publisher".to_owned(), text("me"));
    table.leave(item);
    let taken = table.store.lease_shard(shard(4), "me", NOW, LEASE).await.unwrap();
    assert_eq!(taken, Some(GrantShard { publishing: true, ..GrantShard::default() }));
}

#[rstest]
#[case::somebody_else_publishes(unmet_update(None))]
// The shard is being changed: whoever asks looks again in a moment.
#[case::a_change_goes_on(conflict())]
#[tokio::test]
async fn a_lease_that_is_not_free_is_not_taken(#[case] error: UpdateItemError) {
    let table = Scripted::new();
    table.refuse_update(error, vec![]);
    assert_eq!(table.store.lease_shard(shard(4), "me", NOW, LEASE).await.unwrap(), None);
    assert_eq!(table.updates().len(), 1);
}

#[tokio::test]
async fn what_is_published_is_marked_and_the_lease_given_up_in_one_write() {
    let table = Scripted::new();
    assert_eq!(table.store.mark_published(shard(4), "me", 7).await.unwrap(), Marked::Done);
    let updates = table.updates();
    let [update] = updates.as_slice() else { panic!("one write: {updates:?}") };
    assert_eq!(update.key(), Some(&Key::grant_shard(shard(4)).into_item()));
    assert_eq!(
        update.update_expression(),
        Some("SET published = :version REMOVE publisher, publisher_until")
    );
    // Only while the shard is what was published: a change in between would be nobody's otherwise.
    assert_eq!(
        update.condition_expression(),
        Some(
            "publisher = :me AND (version = :version OR (attribute_not_exists(version) AND :version = :none))"
        )
    );
    let values = update.expression_attribute_values().unwrap();
    assert_eq!(
        (&values[":me"], &values[":version"], &values[":none"]),
        (&text("me"), &number(7), &number(0))
    );
    assert_eq!(
        update.return_values_on_condition_check_failure(),
        Some(&ReturnValuesOnConditionCheckFailure::AllOld)
    );
}

#[rstest]
#[case::it_has_moved_on(Some(leased(8, 6, Some("me"))), Marked::Moved(shard_of(&leased(8, 6, Some("me")))))]
#[case::the_lost_answer_was_ours(Some(leased(7, 7, None)), Marked::Done)]
#[case::ours_and_then_it_was_changed(Some(leased(8, 7, None)), Marked::Done)]
#[case::somebody_else_has_published_it(Some(leased(8, 8, None)), Marked::Done)]
#[case::somebody_else_publishes_what_we_did(Some(leased(8, 7, Some("other"))), Marked::Done)]
#[case::somebody_else_took_over(Some(leased(7, 6, Some("other"))), Marked::Lost)]
#[case::nobody_did(Some(leased(7, 6, None)), Marked::Lost)]
#[case::it_is_not_there(None, Marked::Lost)]
#[tokio::test]
async fn what_stands_in_the_way_of_a_mark_is_told(#[case] item: Option<Item>, #[case] expected: Marked) {
    let table = Scripted::new();
    table.refuse_update(unmet_update(item), vec![]);
    assert_eq!(table.store.mark_published(shard(4), "me", 7).await.unwrap(), expected);
    assert_eq!(table.updates().len(), 1);
}

#[tokio::test]
async fn a_change_that_goes_on_is_one_more_to_publish() {
    let table = Scripted::new();
    let changed = leased(8, 6, Some("me"));
    table.refuse_update(conflict(), vec![(Key::grant_shard(shard(4)), changed.clone())]);
    let marked = table.store.mark_published(shard(4), "me", 7).await.unwrap();
    assert_eq!(marked, Marked::Moved(shard_of(&changed)));
}

#[rstest]
#[case::given_up(None)]
#[case::somebody_elses_by_now(Some(unmet_update(Some(leased(7, 6, Some("other"))))))]
#[tokio::test]
async fn a_lease_is_given_up_by_whoever_has_it(#[case] refused: Option<UpdateItemError>) {
    let table = Scripted::new();
    if let Some(error) = refused {
        table.refuse_update(error, vec![]);
    }
    table.store.leave_shard(shard(4), "me").await.unwrap();
    let updates = table.updates();
    let [update] = updates.as_slice() else { panic!("one write: {updates:?}") };
    assert_eq!(update.key(), Some(&Key::grant_shard(shard(4)).into_item()));
    // Nothing is marked as published.
    assert_eq!(update.update_expression(), Some("REMOVE publisher, publisher_until"));
    assert_eq!(update.condition_expression(), Some("publisher = :me"));
    assert_eq!(update.expression_attribute_values().unwrap()[":me"], text("me"));
}

#[rstest]
#[case::throttled("ThrottlingException", ErrorKind::Unavailable)]
#[case::fault("InternalServerError", ErrorKind::Unavailable)]
#[case::our_own_rights("AccessDeniedException", ErrorKind::Internal)]
#[case::our_own_request("ValidationException", ErrorKind::Internal)]
#[tokio::test]
async fn a_table_that_does_not_answer_is_no_lease_and_no_mark(#[case] code: &str, #[case] kind: ErrorKind) {
    let table = Scripted::new();
    for _ in 0..3 {
        table.refuse_update(UpdateItemError::generic(coded(code)), vec![]);
    }
    let failures = [
        table.store.lease_shard(shard(4), "me", NOW, LEASE).await.map(|_| ()),
        table.store.mark_published(shard(4), "me", 7).await.map(|_| ()),
        table.store.leave_shard(shard(4), "me").await,
    ];
    for failure in failures {
        assert_eq!(failure.unwrap_err().kind, kind);
    }
}
