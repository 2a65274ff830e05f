//! Whether a lease is as it was expected is DynamoDB's to judge; here stands what is sent, and what follows
//! from what was found.

use super::*;
use crate::item::Item;
use crate::sample::NOW;
use crate::scripted::{Scripted, found};

fn place() -> (AccountId, Region) {
    ("222222222222".parse().unwrap(), "eu-central-1".parse().unwrap())
}

fn taken_until(milliseconds: i64) -> Item {
    HashMap::from([("free_at".to_owned(), AttributeValue::N(milliseconds.to_string()))])
}

fn unmet(milliseconds: i64) -> UpdateItemError {
    UpdateItemError::ConditionalCheckFailedException(found(Some(taken_until(milliseconds))))
}

async fn turn(table: &Scripted, calls: usize, patience: u64) -> Turn {
    let (account, region) = place();
    let patience = Duration::from_secs(patience);
    table.store.take_turn((&account, &region), Paced::ListTags, calls, patience, NOW).await.unwrap()
}

fn until(table: &Scripted, place: usize) -> i64 {
    let values = table.updates()[place].expression_attribute_values().unwrap().clone();
    values[":until"].as_n().unwrap().parse().unwrap()
}

#[tokio::test]
async fn a_free_turn_is_taken_at_once_for_as_long_as_the_calls_take() {
    let table = Scripted::new();
    assert_eq!(turn(&table, 8, 5).await, Turn::In(Duration::ZERO));
    // Ten a second, of which a fifth is left to others.
    assert_eq!(until(&table, 0), NOW.as_millisecond() + 1000);
    let key = table.updates()[0].key().unwrap().clone();
    assert_eq!(key["pk"], crate::item::text("PACE#222222222222#eu-central-1#ListTagsOfResource"));
}

#[tokio::test]
async fn a_turn_that_is_taken_is_waited_for_behind_it() {
    let table = Scripted::new();
    let free_at = NOW.as_millisecond() + 3000;
    table.refuse_update(unmet(free_at), vec![]);
    assert_eq!(turn(&table, 8, 5).await, Turn::In(Duration::from_secs(3)));
    assert_eq!(until(&table, 1), free_at + 1000);
    assert_eq!(table.updates()[1].condition_expression(), Some("free_at = :expected"));
}

#[tokio::test]
async fn what_would_be_too_long_is_not_taken() {
    let table = Scripted::new();
    table.refuse_update(unmet(NOW.as_millisecond() + 9000), vec![]);
    assert_eq!(turn(&table, 1, 5).await, Turn::Later(SignedDuration::from_secs(9)));
    assert_eq!(table.updates().len(), 1, "nothing was written");
}

/// Whoever always comes second puts it off, and nobody turns in circles.
#[tokio::test]
async fn of_many_who_want_a_turn_some_come_later() {
    let table = Scripted::new();
    for _ in 0..ATTEMPTS {
        table.refuse_update(unmet(NOW.as_millisecond()), vec![]);
    }
    assert_eq!(turn(&table, 1, 5).await, Turn::Later(SignedDuration::from_secs(1)));
    assert_eq!(table.updates().len(), ATTEMPTS);
}
