//! What each condition finds is DynamoDB's to judge; here stands which condition is sent, and what
//! follows from what it found.

use super::*;
use crate::sample::{NOW, claimed};
use crate::scripted::{Scripted, coded, found};
use aws_sdk_dynamodb::operation::delete_item::DeleteItemError;
use aws_sdk_dynamodb::types::AttributeValue;
use domain::ErrorKind;
use proptest::prelude::*;
use rstest::rstest;

const BODY: &[u8] = br#"{"name":"a"}"#;

fn request() -> RequestKey {
    RequestKey::new("arn:aws:iam::111111111111:user/a", "POST", "/v1/customers", "key", BODY)
}

fn answer() -> Answer {
    Answer { status: 201, body: r#"{"customer_id":"cus_1"}"#.to_owned() }
}

fn mine(claim: Claim) -> Claimed {
    match claim {
        Claim::Mine(claimed) => claimed,
        other => panic!("not claimed: {other:?}"),
    }
}

/// What the table holds of a request, as it was written.
fn written(table: &Scripted) -> Item {
    table.puts().last().unwrap().item().unwrap().clone()
}

/// Claims a request of whose key the table holds `item`, where the condition does not hold.
async fn claim_against(item: Option<Item>) -> Claim {
    let table = Scripted::new();
    table.refuse_put(PutItemError::ConditionalCheckFailedException(found(item)), vec![]);
    table.store.claim_request(&request(), [2; 16], NOW).await.unwrap()
}

#[tokio::test]
async fn a_request_is_claimed_before_it_is_carried_out() {
    let table = Scripted::new();
    let claimed = mine(table.store.claim_request(&request(), [1; 16], NOW).await.unwrap());
    assert!(!claimed.is_answered());

    let puts = table.puts();
    let [put] = puts.as_slice() else { panic!("one write: {puts:?}") };
    let item = put.item().unwrap();
    assert!(item["pk"].as_s().unwrap().starts_with("IDEMPOTENCY#"));
    assert_eq!(item["sk"], text("META"));
    assert_eq!(item["lease_until"], number(1_800_000_060));
    assert_eq!(item["expires_at"], number(1_800_086_400));
    assert!(!item.contains_key("answer_status") && !item.contains_key("answer_body"));

    // Free, over, sent twice by the SDK, or left behind by whoever had it: never answered.
    assert_eq!(
        put.condition_expression(),
        Some(
            "attribute_not_exists(pk) OR expires_at <= :now OR \
             (attribute_not_exists(answer_status) AND \
             (#token = :token OR (lease_until <= :now AND body_hash = :body)))"
        )
    );
    let values = put.expression_attribute_values().unwrap();
    assert_eq!(values[":now"], number(1_800_000_000));
    assert_eq!(values[":token"], item["token"]);
    assert_eq!(values[":body"], item["body_hash"]);
    assert_eq!(put.expression_attribute_names().unwrap()["#token"], "token");
    // What it finds is told by the same answer: another read could find something else.
    assert_eq!(
        put.return_values_on_condition_check_failure(),
        Some(&ReturnValuesOnConditionCheckFailure::AllOld)
    );
}

#[tokio::test]
async fn what_is_being_carried_out_waits_and_what_is_answered_is_told() {
    let table = Scripted::new();
    let claimed = mine(table.store.claim_request(&request(), [1; 16], NOW).await.unwrap());
    assert!(matches!(claim_against(Some(written(&table))).await, Claim::InProgress));

    table.store.complete_request(&claimed.with(answer())).await.unwrap();
    match claim_against(Some(written(&table))).await {
        Claim::Answered(found) => assert_eq!(found, answer()),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn an_empty_answer_is_an_answer() {
    let table = Scripted::new();
    let claimed = mine(table.store.claim_request(&request(), [1; 16], NOW).await.unwrap());
    let empty = Answer { status: 204, body: String::new() };
    table.store.complete_request(&claimed.with(empty.clone())).await.unwrap();
    match claim_against(Some(written(&table))).await {
        Claim::Answered(found) => assert_eq!(found, empty),
        other => panic!("{other:?}"),
    }
}

#[rstest]
#[case::while_it_is_carried_out(false)]
#[case::after_its_answer(true)]
#[tokio::test]
async fn a_key_of_another_body_tells_nothing_of_it(#[case] answered: bool) {
    let table = Scripted::new();
    let other = RequestKey { body_hash: "of another body".to_owned(), ..request() };
    let claimed = mine(table.store.claim_request(&other, [1; 16], NOW).await.unwrap());
    if answered {
        table.store.complete_request(&claimed.with(answer())).await.unwrap();
    }
    assert!(matches!(claim_against(Some(written(&table))).await, Claim::Reused));
}

#[tokio::test]
async fn whoever_takes_over_has_a_claim_of_their_own() {
    let table = Scripted::new();
    let first = mine(table.store.claim_request(&request(), [1; 16], NOW).await.unwrap());
    let later = NOW + LEASE;
    let second = mine(table.store.claim_request(&request(), [2; 16], later).await.unwrap());
    assert_ne!(first.token, second.token);
    let puts = table.puts();
    let (before, after) = (puts[0].item().unwrap(), puts[1].item().unwrap());
    assert_eq!((&before["pk"], &before["body_hash"]), (&after["pk"], &after["body_hash"]));
    // The lease is over at the moment that the condition compares it with, and not before.
    assert_eq!(puts[1].expression_attribute_values().unwrap()[":now"], before["lease_until"]);

    // The first one comes back, and finds the second's claim: it neither answers nor releases.
    let lost = || found(Some(after.clone()));
    table.refuse_put(PutItemError::ConditionalCheckFailedException(lost()), vec![]);
    table.store.complete_request(&first.with(answer())).await.unwrap();
    assert!(!first.is_answered());
    table.refuse_delete(DeleteItemError::ConditionalCheckFailedException(lost()));
    table.store.release_request(&first).await.unwrap();
    assert_eq!(table.deletes()[0].expression_attribute_values().unwrap()[":token"], text(&first.token));
}

const OURS_ALONE: &str = "#token = :token AND attribute_not_exists(answer_status)";

#[tokio::test]
async fn an_answer_is_written_by_whoever_has_the_claim() {
    let (table, claimed) = (Scripted::new(), claimed().await);
    table.store.complete_request(&claimed.with(answer())).await.unwrap();
    assert!(claimed.is_answered());

    let puts = table.puts();
    let (put, item) = (&puts[0], puts[0].item().unwrap());
    assert_eq!(put.condition_expression(), Some(OURS_ALONE));
    assert_eq!(put.expression_attribute_values().unwrap()[":token"], text(&claimed.token));
    assert_eq!(put.expression_attribute_names().unwrap()["#token"], "token");
    assert_eq!(item["answer_status"], number(201));
    assert_eq!(item["answer_body"], text(answer().body));
    assert_eq!(item["expires_at"], number(1_800_086_400));
    // Nobody takes over what is answered.
    assert!(!item.contains_key("lease_until"));
}

#[tokio::test]
async fn an_answer_whose_write_was_lost_stands_though_it_is_not_known() {
    // The SDK sends the PutItem again when its answer does not come, and then meets itself.
    let (table, claimed) = (Scripted::new(), claimed().await);
    let completion = claimed.with(answer());
    let failed = found(Some(completion.item()));
    table.refuse_put(PutItemError::ConditionalCheckFailedException(failed), vec![]);
    table.store.complete_request(&completion).await.unwrap();
    // At worst it is tried once more: the condition keeps the answer as it is.
    assert!(!claimed.is_answered());
}

#[tokio::test]
async fn an_answer_in_a_transaction_is_the_same_under_the_same_condition() {
    let (table, claimed) = (Scripted::new(), claimed().await);
    let completion = claimed.with(answer());
    table.store.complete_request(&completion).await.unwrap();
    let alone = &table.puts()[0];

    let write = table.store.completing(&completion).unwrap();
    let put = write.put().unwrap();
    assert_eq!(Some(put.item()), alone.item());
    assert_eq!(put.table_name(), "table");
    assert_eq!(put.condition_expression(), alone.condition_expression());
    assert_eq!(put.expression_attribute_values(), alone.expression_attribute_values());
    assert_eq!(put.expression_attribute_names(), alone.expression_attribute_names());
}

#[tokio::test]
async fn what_could_not_be_carried_out_can_be_sent_again_at_once() {
    let (table, claimed) = (Scripted::new(), claimed().await);
    table.store.release_request(&claimed).await.unwrap();
    let deletes = table.deletes();
    let [delete] = deletes.as_slice() else { panic!("one deletion: {deletes:?}") };
    let key = Key { pk: format!("IDEMPOTENCY#{}", claimed.hash), sk: "META".to_owned() };
    assert_eq!(delete.key(), Some(&key.into_item()));
    // Never an answer, and never somebody else's claim.
    assert_eq!(delete.condition_expression(), Some(OURS_ALONE));
    assert_eq!(delete.expression_attribute_values().unwrap()[":token"], text(&claimed.token));
    assert!(!claimed.is_answered());
}

#[rstest]
#[case::throttled("ThrottlingException", ErrorKind::Unavailable)]
#[case::in_a_transaction("TransactionConflictException", ErrorKind::Unavailable)]
#[case::fault("InternalServerError", ErrorKind::Unavailable)]
#[case::our_own_rights("AccessDeniedException", ErrorKind::Internal)]
#[case::our_own_request("ValidationException", ErrorKind::Internal)]
#[tokio::test]
async fn a_table_that_does_not_answer_is_no_claim(#[case] code: &str, #[case] kind: ErrorKind) {
    let (table, claimed) = (Scripted::new(), claimed().await);
    for _ in 0..2 {
        table.refuse_put(PutItemError::generic(coded(code)), vec![]);
    }
    table.refuse_delete(DeleteItemError::generic(coded(code)));
    let failures = [
        table.store.claim_request(&request(), [1; 16], NOW).await.map(|_| ()),
        table.store.complete_request(&claimed.with(answer())).await,
        table.store.release_request(&claimed).await,
    ];
    for failure in failures {
        assert_eq!(failure.unwrap_err().kind, kind);
    }
    assert!(!claimed.is_answered());
}

proptest! {
    /// Who sends it, what it asks for and the key tell requests apart, wherever one of them ends
    /// and the next begins; the body is compared apart from them.
    #[test]
    fn no_two_requests_have_the_same_item(
        one in prop::array::uniform4("[/a-c]{0,3}"),
        two in prop::array::uniform4("[/a-c]{0,3}"),
        body in prop::collection::vec(any::<u8>(), 0..3),
        other_body in prop::collection::vec(any::<u8>(), 0..3),
    ) {
        let key = |parts: &[String; 4], body: &[u8]| RequestKey::new(&parts[0], &parts[1], &parts[2], &parts[3], body);
        prop_assert_eq!(one == two, key(&one, &body).hash == key(&two, &body).hash);
        prop_assert_eq!(&key(&one, &body).hash, &key(&one, &other_body).hash);
        prop_assert_eq!(body == other_body, key(&one, &body).body_hash == key(&one, &other_body).body_hash);
    }
}

#[tokio::test]
async fn neither_the_caller_nor_the_key_nor_the_body_is_kept() {
    // A body may hold what is only to be shown, and a key is whatever the caller made up.
    let table = Scripted::new();
    let request = RequestKey::new("the-caller", "POST", "/the-path", "the-key", b"the-body");
    let claimed = mine(table.store.claim_request(&request, [1; 16], NOW).await.unwrap());
    table.store.complete_request(&claimed.with(answer())).await.unwrap();
    for put in table.puts() {
        let item = format!("{:?}", put.item());
        for part in ["the-caller", "the-path", "the-key", "the-body"] {
            assert!(!item.contains(part), "{item}");
        }
        // A hash in full, so that no other request has it by chance.
        let pk = put.item().unwrap()["pk"].as_s().unwrap().clone();
        assert_eq!(pk.len(), "IDEMPOTENCY#".len() + 43);
        assert!(matches!(put.item().unwrap()["body_hash"], AttributeValue::S(ref hash) if hash.len() == 43));
    }
}
