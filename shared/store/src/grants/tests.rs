mod leases;
mod repairs;

use super::*;
use crate::item::Item;
use crate::sample::{connection_id, role, shard, verifying};
use crate::scripted::{Scripted, canceled, unmet};
use domain::ErrorKind;
use domain::grant::MAX_POLICY_CHARACTERS;
use rstest::rstest;
use std::time::Duration;

/// Two brokers, of which the second begins with shard 26.
const CAPACITY: Capacity = Capacity { brokers: 2, per_broker: 10, characters: MAX_POLICY_CHARACTERS };

fn me() -> Connection {
    Connection { shard: None, ..verifying() }
}

fn set(values: &[String]) -> aws_sdk_dynamodb::types::AttributeValue {
    aws_sdk_dynamodb::types::AttributeValue::Ss(values.to_vec())
}

/// The item that says that `shard` names the role, for these connections.
fn held(in_shard: Shard, holders: &[ConnectionId]) -> (Key, Item) {
    let mut item = Key::role_grant(&role()).into_item();
    item.insert("shard".to_owned(), number(in_shard.number().into()));
    item.insert("holders".to_owned(), set(&holders.iter().map(ToString::to_string).collect::<Vec<_>>()));
    (Key::role_grant(&role()), item)
}

/// The count of characters, for these shards.
fn used(counts: &[(u16, usize)]) -> (Key, Item) {
    let mut item = Key::grant_use().into_item();
    item.extend(counts.iter().map(|(shard, used)| (format!("shard_{shard}"), number(*used as u64))));
    (Key::grant_use(), item)
}

/// A shard that names another role.
fn filled(shard: Shard) -> (Key, Item) {
    let mut item = Key::grant_shard(shard).into_item();
    item.insert("version".to_owned(), number(7));
    item.insert("published".to_owned(), number(6));
    item.insert("arns".to_owned(), set(&[OTHER.to_owned()]));
    (Key::grant_shard(shard), item)
}

const OTHER: &str = "arn:aws:iam::333333333333:role/other";

fn table(items: Vec<(Key, Item)>) -> Scripted {
    let table = Scripted::new();
    for (key, item) in items {
        table.hold(key, item);
    }
    table
}

fn size() -> usize {
    grant::characters(&role())
}

/// Asserts that the connection itself is written, if it is still what was read.
fn assert_owner(write: &TransactWriteItem, shard: Shard) {
    let update = write.update().unwrap();
    assert_eq!(update.key(), &Key::connection(me().id).into_item());
    assert_eq!(update.condition_expression(), Some("revision = :revision"));
    let values = update.expression_attribute_values().unwrap();
    assert_eq!(values[":revision"], number(me().revision));
    assert_eq!(values[":next"], number(me().revision + 1));
    assert_eq!(values[":shard"], number(shard.number().into()));
}

/// Asserts that the connection joins those that hold the role in `shard`.
fn assert_join(writes: &[TransactWriteItem], in_shard: Shard) {
    assert_eq!(writes.len(), 2, "the shard and its count stay as they are");
    assert_owner(&writes[0], in_shard);
    let join = writes[1].update().unwrap();
    assert_eq!(join.key(), &Key::role_grant(&role()).into_item());
    assert_eq!(join.update_expression(), "ADD holders :me");
    assert_eq!(join.condition_expression(), Some("#shard = :shard"));
    let values = join.expression_attribute_values().unwrap();
    assert_eq!(values[":me"], set_of(me().id.to_string()));
    assert_eq!(values[":shard"], number(in_shard.number().into()));
}

/// Asserts that the role is put into `shard`, which must still have room for it.
fn assert_first(writes: &[TransactWriteItem], into: Shard) {
    assert_eq!(writes.len(), 4);
    assert_owner(&writes[0], into);
    let put = writes[1].put().unwrap();
    assert_eq!(*put.item(), held(into, &[me().id]).1);
    assert_eq!(put.condition_expression(), Some("attribute_not_exists(pk)"));
    let count = writes[2].update().unwrap();
    assert_eq!(count.key(), &Key::grant_use().into_item());
    assert_eq!(count.update_expression(), "ADD #used :size");
    assert_eq!(count.condition_expression(), Some("attribute_not_exists(#used) OR #used <= :room"));
    assert_eq!(count.expression_attribute_names().unwrap()["#used"], format!("shard_{into}"));
    let values = count.expression_attribute_values().unwrap();
    assert_eq!(values[":size"], number(size() as u64));
    assert_eq!(values[":room"], number((CAPACITY.room() - size()) as u64));
    let add = writes[3].update().unwrap();
    assert_eq!(add.key(), &Key::grant_shard(into).into_item());
    assert_eq!(add.update_expression(), "ADD arns :role, version :one");
    assert_eq!(add.condition_expression(), None);
    let values = add.expression_attribute_values().unwrap();
    assert_eq!(values[":role"], set_of(role().to_string()));
    assert_eq!(values[":one"], number(1));
}

#[tokio::test]
async fn a_role_that_is_granted_already_is_joined_where_it_is() {
    // Its shard is full, which does not matter: the role takes no further room.
    let table = table(vec![held(shard(4), &[connection_id(9)]), used(&[(4, CAPACITY.room())])]);
    assert_eq!(table.store.hold_grant(&me(), &role(), CAPACITY).await.unwrap(), shard(4));
    assert_eq!(table.sent().len(), 1);
    assert_join(&table.sent()[0], shard(4));
}

#[rstest]
#[case::an_empty_table(vec![], 1)]
#[case::room_to_the_last_character(vec![used(&[(1, CAPACITY.room() - size())])], 1)]
#[case::one_character_too_few(vec![used(&[(1, CAPACITY.room() - size() + 1)])], 2)]
#[case::several_full(vec![used(&[(1, CAPACITY.room()), (2, CAPACITY.room())])], 3)]
// A shard whose last role has left counts no characters.
#[case::emptied(vec![used(&[(1, 0), (2, CAPACITY.room())])], 1)]
#[tokio::test]
async fn a_first_hold_takes_the_first_shard_with_room(
    #[case] items: Vec<(Key, Item)>,
    #[case] expected: u16,
) {
    let table = table(items);
    assert_eq!(table.store.hold_grant(&me(), &role(), CAPACITY).await.unwrap(), shard(expected));
    assert_eq!(table.sent().len(), 1);
    assert_first(&table.sent()[0], shard(expected));
}

/// The first broker's grants without room, and as many of the second's.
fn full(of_the_second: u16) -> (Key, Item) {
    let shards = (1..=10).chain(26..26 + of_the_second);
    used(&shards.map(|shard| (shard, CAPACITY.room() - 1)).collect::<Vec<_>>())
}

#[tokio::test]
async fn another_broker_or_more_grants_on_each_make_room() {
    let one = Capacity { brokers: 1, ..CAPACITY };
    let first = table(vec![full(0)]);
    let error = first.store.hold_grant(&me(), &role(), one).await.unwrap_err();
    assert_eq!((error.kind, error.code), (ErrorKind::Unavailable, "grant_capacity_exhausted"));
    assert!(first.sent().is_empty());

    let second = table(vec![full(0)]);
    assert_eq!(second.store.hold_grant(&me(), &role(), CAPACITY).await.unwrap(), shard(26));
    let wider = Capacity { per_broker: 20, ..one };
    let more = table(vec![full(0)]);
    assert_eq!(more.store.hold_grant(&me(), &role(), wider).await.unwrap(), shard(11));
}

#[tokio::test]
async fn whether_there_is_room_is_found_by_one_read() {
    assert!(table(vec![full(9)]).store.has_room(&role(), CAPACITY).await.unwrap());
    let none = table(vec![full(10)]);
    assert!(!none.store.has_room(&role(), CAPACITY).await.unwrap());
    // A role that some grant names needs none.
    let (key, item) = held(shard(4), &[connection_id(9)]);
    none.hold(key, item);
    assert!(none.store.has_room(&role(), CAPACITY).await.unwrap());
}

#[tokio::test]
async fn how_full_grants_are_is_read_as_it_was_counted() {
    let used = table(vec![used(&[(1, 0), (26, 99)])]).store.grant_use().await.unwrap();
    assert_eq!([used.of(shard(1)), used.of(shard(2)), used.of(shard(26))], [0, 0, 99]);
    assert_eq!(table(vec![]).store.grant_use().await.unwrap(), GrantUse::default());
}

#[tokio::test]
async fn who_loses_a_race_for_a_first_hold_joins() {
    let table = table(vec![]);
    table.refuse(unmet(1, 4), vec![held(shard(5), &[connection_id(9)])]);
    assert_eq!(table.store.hold_grant(&me(), &role(), CAPACITY).await.unwrap(), shard(5));
    assert_first(&table.sent()[0], shard(1));
    assert_join(&table.sent()[1], shard(5));
}

#[tokio::test]
async fn who_loses_a_race_for_room_takes_the_next_shard() {
    let table = table(vec![]);
    table.refuse(unmet(2, 4), vec![used(&[(1, CAPACITY.room())])]);
    assert_eq!(table.store.hold_grant(&me(), &role(), CAPACITY).await.unwrap(), shard(2));
    assert_first(&table.sent()[1], shard(2));
}

#[tokio::test]
async fn a_late_message_grants_nothing() {
    let table = table(vec![]);
    // Both at once: that the connection has moved on decides.
    table.refuse(canceled(&["ConditionalCheckFailed", "None", "ConditionalCheckFailed", "None"]), vec![]);
    let error = table.store.hold_grant(&me(), &role(), CAPACITY).await.unwrap_err();
    assert_eq!(error.code, "concurrent_change");
    assert_eq!(table.sent().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn looking_again_has_an_end() {
    let table = table(vec![held(shard(4), &[me().id])]);
    for _ in 0..2 * ATTEMPTS {
        table.refuse(unmet(1, 2), vec![]);
    }
    let error = table.store.hold_grant(&me(), &role(), CAPACITY).await.unwrap_err();
    assert_eq!((error.kind, table.sent().len()), (ErrorKind::Unavailable, ATTEMPTS));
    let release = Release { role_arn: role(), shard: shard(4) };
    let error = table.store.release_grant(&me(), &release).await.unwrap_err();
    assert_eq!((error.kind, table.sent().len()), (ErrorKind::Unavailable, 2 * ATTEMPTS));
}

#[tokio::test(start_paused = true)]
async fn who_loses_a_race_lets_others_go_first() {
    let table = table(vec![]);
    for _ in 0..ATTEMPTS - 1 {
        table.refuse(canceled(&["None", "None", "TransactionConflict", "None"]), vec![]);
    }
    let begun = tokio::time::Instant::now();
    assert_eq!(table.store.hold_grant(&me(), &role(), CAPACITY).await.unwrap(), shard(1));
    assert_eq!(table.sent().len(), ATTEMPTS);
    // Eleven pauses: at most six of them a whole second, the others shorter.
    let waited = begun.elapsed();
    assert!(waited > Duration::ZERO && waited < Duration::from_secs(7), "{waited:?}");
    // Whoever meets nobody does not wait.
    let begun = tokio::time::Instant::now();
    table.store.hold_grant(&me(), &role(), CAPACITY).await.unwrap();
    assert_eq!(begun.elapsed(), Duration::ZERO);
}

#[tokio::test]
async fn a_throttled_table_is_tried_later() {
    let table = table(vec![]);
    table.refuse(canceled(&["None", "None", "None", "ThrottlingError"]), vec![]);
    let error = table.store.hold_grant(&me(), &role(), CAPACITY).await.unwrap_err();
    assert_eq!((error.kind, error.code), (ErrorKind::Unavailable, "dependency_unavailable"));
}

fn release() -> Release {
    Release { role_arn: role(), shard: shard(4) }
}

/// Asserts that nothing is written once the connection has moved on.
fn assert_unmoved(write: &TransactWriteItem) {
    let check = write.condition_check().unwrap();
    assert_eq!(*check.key(), Key::connection(me().id).into_item());
    assert_eq!(check.condition_expression(), "revision = :revision");
    assert_eq!(check.expression_attribute_values().unwrap()[":revision"], number(me().revision));
}

fn assert_leaves(writes: &[TransactWriteItem]) {
    assert_eq!(writes.len(), 2, "the shard and its count stay as they are");
    assert_unmoved(&writes[0]);
    let leave = writes[1].update().unwrap();
    assert_eq!(leave.key(), &Key::role_grant(&role()).into_item());
    assert_eq!(leave.update_expression(), "DELETE holders :me");
    assert_eq!(leave.condition_expression(), Some("size(holders) > :one"));
    assert_eq!(leave.expression_attribute_values().unwrap()[":me"], set_of(me().id.to_string()));
}

fn assert_removes(writes: &[TransactWriteItem]) {
    assert_eq!(writes.len(), 4);
    assert_unmoved(&writes[0]);
    let forget = writes[1].delete().unwrap();
    assert_eq!(*forget.key(), Key::role_grant(&role()).into_item());
    assert_eq!(forget.condition_expression(), Some("holders = :me"));
    assert_eq!(forget.expression_attribute_values().unwrap()[":me"], set_of(me().id.to_string()));
    assert_removal(&writes[2..]);
}

/// Asserts that the role is taken out of the fourth shard, where it must be, and is counted out.
fn assert_removal(writes: &[TransactWriteItem]) {
    assert_eq!(writes.len(), 2);
    let remove = writes[0].update().unwrap();
    assert_eq!(remove.key(), &Key::grant_shard(shard(4)).into_item());
    assert_eq!(remove.update_expression(), "DELETE arns :roles ADD version :one");
    assert_eq!(remove.condition_expression(), Some("contains(arns, :role)"));
    let values = remove.expression_attribute_values().unwrap();
    assert_eq!(values[":roles"], set_of(role().to_string()));
    assert_eq!(values[":role"], text(role().to_string()));
    assert_eq!(values[":one"], number(1));
    let count = writes[1].update().unwrap();
    assert_eq!(count.key(), &Key::grant_use().into_item());
    assert_eq!(count.update_expression(), "ADD #used :less");
    assert_eq!(count.expression_attribute_names().unwrap()["#used"], "shard_4");
    // Exactly what holding it added.
    let less = &count.expression_attribute_values().unwrap()[":less"];
    assert_eq!(less.as_n().unwrap(), &format!("-{}", size()));
}

#[tokio::test]
async fn the_last_holder_takes_the_role_from_its_shard() {
    let table = table(vec![held(shard(4), &[me().id])]);
    table.store.release_grant(&me(), &release()).await.unwrap();
    assert_eq!(table.sent().len(), 1);
    assert_removes(&table.sent()[0]);
}

#[tokio::test]
async fn one_of_several_holders_only_leaves() {
    let table = table(vec![held(shard(4), &[connection_id(9), me().id])]);
    table.store.release_grant(&me(), &release()).await.unwrap();
    assert_eq!(table.sent().len(), 1);
    assert_leaves(&table.sent()[0]);
}

#[rstest]
#[case::nobody_holds_it(vec![])]
#[case::somebody_else_holds_it(vec![held(shard(4), &[connection_id(9)])])]
#[tokio::test]
async fn what_is_not_held_is_given_back_already(#[case] items: Vec<(Key, Item)>) {
    let table = table(items);
    table.store.release_grant(&me(), &release()).await.unwrap();
    assert!(table.sent().is_empty());
}

#[tokio::test]
async fn a_role_that_somebody_joins_meanwhile_stays() {
    let table = table(vec![held(shard(4), &[me().id])]);
    table.refuse(unmet(1, 4), vec![held(shard(4), &[connection_id(9), me().id])]);
    table.store.release_grant(&me(), &release()).await.unwrap();
    assert_removes(&table.sent()[0]);
    assert_leaves(&table.sent()[1]);
}

#[tokio::test]
async fn the_last_two_do_not_both_only_leave() {
    let table = table(vec![held(shard(4), &[connection_id(9), me().id])]);
    table.refuse(unmet(1, 2), vec![held(shard(4), &[me().id])]);
    table.store.release_grant(&me(), &release()).await.unwrap();
    assert_leaves(&table.sent()[0]);
    assert_removes(&table.sent()[1]);
}

#[tokio::test]
async fn a_connection_that_moved_on_gives_nothing_back() {
    let table = table(vec![held(shard(4), &[me().id])]);
    table.refuse(unmet(0, 4), vec![]);
    let error = table.store.release_grant(&me(), &release()).await.unwrap_err();
    assert_eq!((error.code, table.sent().len()), ("concurrent_change", 1));
}

#[tokio::test]
async fn a_shard_is_read_as_it_was_written() {
    let table = table(vec![filled(shard(1))]);
    let found = table.store.grant_shard(shard(1)).await.unwrap();
    let roles = [OTHER.parse().unwrap()].into();
    assert_eq!(found, GrantShard { roles, version: 7, published: 6, publishing: false });
    assert!(!found.is_published());
    assert!(GrantShard { published: 7, ..found }.is_published());
    // One that nothing was ever put into is nothing to publish.
    assert_eq!(table.store.grant_shard(shard(2)).await.unwrap(), GrantShard::default());
    assert!(GrantShard::default().is_published());
}

#[tokio::test]
async fn shards_are_read_together() {
    let table = table(vec![filled(shard(1)), filled(shard(26))]);
    let all = (1..=250).map(shard);
    let found = table.store.grant_shards(all).await.unwrap();
    let numbers: Vec<_> = found.iter().map(|(shard, _)| shard.number()).collect();
    assert_eq!(numbers, [1, 26]);
    assert_eq!(found[0].1, table.store.grant_shard(shard(1)).await.unwrap());
    let asked: Vec<_> = table.batches().iter().map(Vec::len).collect();
    assert_eq!(asked, [100, 100, 50]);
}

#[tokio::test]
async fn what_is_no_role_never_gets_out_of_a_shard() {
    let (key, mut item) = filled(shard(1));
    item.insert("arns".to_owned(), set_of("arn:aws:iam::333333333333:role/*"));
    let table = table(vec![(key, item)]);
    assert_eq!(table.store.grant_shard(shard(1)).await.unwrap_err().kind, ErrorKind::Internal);
    assert_eq!(table.store.grant_shards([shard(1)]).await.unwrap_err().kind, ErrorKind::Internal);
}

/// The role of a look is held like any other: by a transaction with the connection that looks for it.
#[tokio::test]
async fn a_role_that_is_looked_for_is_held_in_the_same_way() {
    let looking = Connection { shard: None, ..crate::sample::looking() };
    let role = looking.role_to_grant().unwrap().clone();
    let table = table(vec![]);
    assert_eq!(table.store.hold_grant(&looking, &role, CAPACITY).await.unwrap(), shard(1));
    let sent = table.sent();
    assert_eq!(sent[0].len(), 4);
    assert_eq!(sent[0][0].update().unwrap().condition_expression(), Some("revision = :revision"));
    assert_eq!(sent[0][1].put().unwrap().item()["holders"], set_of(looking.id.to_string()));
}
