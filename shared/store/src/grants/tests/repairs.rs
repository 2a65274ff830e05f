//! Mending what does not agree: each only where what was seen is still so.

use super::*;

#[tokio::test]
async fn a_role_that_nobody_holds_leaves_its_shard_and_is_counted_out() {
    let table = table(vec![]);
    table.store.remove_unheld(&role(), shard(4)).await.unwrap();
    let sent = table.sent();
    let [unheld, removal @ ..] = sent[0].as_slice() else { panic!("three operations: {sent:?}") };
    let unheld = unheld.condition_check().unwrap();
    assert_eq!(*unheld.key(), Key::role_grant(&role()).into_item());
    // Held in another shard, it is not held in this one.
    assert_eq!(unheld.condition_expression(), "attribute_not_exists(pk) OR #shard <> :shard");
    assert_eq!(unheld.expression_attribute_names().unwrap()["#shard"], "shard");
    assert_eq!(unheld.expression_attribute_values().unwrap()[":shard"], number(4));
    assert_removal(removal);
}

#[tokio::test]
async fn a_shard_is_counted_as_it_was_seen() {
    let roles: BTreeSet<RoleArn> = [role(), OTHER.parse().unwrap()].into();
    let taken: usize = roles.iter().map(grant::characters).sum();
    let seen = GrantShard { roles, version: 7, published: 7, publishing: false };
    let table = table(vec![]);
    table.store.recount_shard(shard(4), &seen).await.unwrap();
    let sent = table.sent();
    let [same, count] = sent[0].as_slice() else { panic!("two operations: {sent:?}") };
    let same = same.condition_check().unwrap();
    assert_eq!(*same.key(), Key::grant_shard(shard(4)).into_item());
    assert_eq!(same.condition_expression(), "attribute_not_exists(version) OR version = :version");
    assert_eq!(same.expression_attribute_values().unwrap()[":version"], number(7));
    let count = count.update().unwrap();
    assert_eq!(count.key(), &Key::grant_use().into_item());
    assert_eq!(count.update_expression(), "SET #used = :taken");
    assert_eq!(count.expression_attribute_names().unwrap()["#used"], "shard_4");
    assert_eq!(count.expression_attribute_values().unwrap()[":taken"], number(taken as u64));
    // The count is that of as many holds.
    assert_eq!(taken, size() + grant::characters(&OTHER.parse().unwrap()));
}

#[tokio::test]
async fn an_empty_shard_counts_nothing() {
    let table = table(vec![]);
    table.store.recount_shard(shard(4), &GrantShard::default()).await.unwrap();
    let count = table.sent()[0][1].update().unwrap().clone();
    assert_eq!(count.expression_attribute_values().unwrap()[":taken"], number(0));
}

#[rstest]
#[case::held_or_moved_meanwhile(&["ConditionalCheckFailed", "None", "None"], "concurrent_change")]
#[case::removed_meanwhile(&["None", "ConditionalCheckFailed", "None"], "concurrent_change")]
#[case::throttled(&["ThrottlingError", "None", "None"], "dependency_unavailable")]
#[tokio::test]
async fn what_is_no_longer_so_is_not_mended(#[case] reasons: &[&str], #[case] code: &str) {
    let unheld = table(vec![]);
    unheld.refuse(canceled(reasons), vec![]);
    assert_eq!(unheld.store.remove_unheld(&role(), shard(4)).await.unwrap_err().code, code);
    let recount = table(vec![]);
    recount.refuse(canceled(reasons), vec![]);
    let failure = recount.store.recount_shard(shard(4), &GrantShard::default()).await.unwrap_err();
    assert_eq!(failure.code, code);
    // Neither is decided anew here: it is found again by the next reconciliation.
    assert_eq!((unheld.sent().len(), recount.sent().len()), (1, 1));
}
