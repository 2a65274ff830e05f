//! Answers and invites that are written with what they tell of.

use super::*;
use crate::sample::{claimed, looking, offboarding};
use crate::{Answer, Claimed};
use aws_sdk_dynamodb::types::Put;
use domain::sample::{NOW, invite, occasion};
use jiff::SignedDuration;

async fn completion() -> (Claimed, Completion) {
    let claimed = claimed().await;
    let completion = claimed.with(Answer { status: 201, body: "{}".to_owned() });
    (claimed, completion)
}

/// Asserts that the last write of a transaction is the answer, and only while the claim stands.
fn assert_answers(writes: &[TransactWriteItem], completion: &Completion) {
    let expected = Store::completing(&Scripted::new().store, completion).unwrap();
    assert_eq!(writes.last(), Some(&expected));
    let answer: &Put = expected.put().unwrap();
    assert_eq!(answer.item()["answer_status"], number(201));
    assert_eq!(
        answer.condition_expression(),
        Some("#token = :token AND attribute_not_exists(answer_status)")
    );
}

#[tokio::test]
async fn a_new_connection_and_its_answer_are_written_together() {
    let (table, (claimed, completion)) = (Scripted::new(), completion().await);
    table.store.create_connection(&created(), Some(&completion)).await.unwrap();
    let sent = table.sent();
    assert_eq!((sent.len(), sent[0].len()), (1, 4));
    assert_answers(&sent[0], &completion);
    assert!(claimed.is_answered());
}

#[rstest]
#[case::answered_elsewhere(unmet(3, 4), "request_in_progress")]
#[case::throttled(canceled(&["None", "None", "None", "ThrottlingError"]), "dependency_unavailable")]
// An id that is there already is a fault, whoever answers.
#[case::both(
    canceled(&["ConditionalCheckFailed", "None", "None", "ConditionalCheckFailed"]),
    "internal_error"
)]
#[tokio::test]
async fn a_connection_that_is_not_made_has_no_answer(
    #[case] error: TransactWriteItemsError,
    #[case] code: &str,
) {
    let (table, (claimed, completion)) = (refused([error]), completion().await);
    let error = table.store.create_connection(&created(), Some(&completion)).await.unwrap_err();
    assert_eq!(error.code, code);
    assert!(!claimed.is_answered());
}

#[tokio::test]
async fn a_change_and_its_answer_are_written_together() {
    let (table, (claimed, completion), before) = (Scripted::new(), completion().await, full());
    let change = submitted(&before, ANOTHER_ROLE);
    table.store.apply(&before, &change, Some(&completion)).await.unwrap();
    let sent = table.sent();
    assert_eq!((sent.len(), sent[0].len()), (1, 4));
    assert_answers(&sent[0], &completion);
    assert!(claimed.is_answered());
}

// Of four: the connection, its event, the role that it disowns, the answer.
#[rstest]
#[case::answered_elsewhere(unmet(3, 4), "request_in_progress")]
#[case::moved_on(unmet(0, 4), "concurrent_change")]
// What was decided upon is no longer so; whoever reads again meets the answer.
#[case::both(
    canceled(&["ConditionalCheckFailed", "None", "None", "ConditionalCheckFailed"]),
    "concurrent_change"
)]
#[tokio::test]
async fn a_change_that_is_not_made_has_no_answer(#[case] error: TransactWriteItemsError, #[case] code: &str) {
    let (table, (claimed, completion), before) = (refused([error]), completion().await, full());
    let change = submitted(&before, ANOTHER_ROLE);
    let error = table.store.apply(&before, &change, Some(&completion)).await.unwrap_err();
    assert_eq!((error.kind, error.code), (ErrorKind::Conflict, code));
    assert!(!claimed.is_answered());
}

#[tokio::test]
async fn without_a_key_no_place_is_the_answers() {
    // The fourth of four is the evidence here.
    let before = verifying();
    let error = refused([unmet(3, 4)])
        .store
        .apply(&before, &concluded(&before, &Outcome::proven()), None)
        .await
        .unwrap_err();
    assert_eq!(error.code, "concurrent_change");
}

#[tokio::test]
async fn another_invite_is_written_with_its_connection() {
    let (table, before) = (Scripted::new(), full());
    let change = before.renew_invite(invite(6), occasion()).unwrap();
    table.store.apply(&before, &change, None).await.unwrap();
    let sent = table.sent();
    let [connection, event, led] = sent[0].as_slice() else { panic!("three operations: {sent:?}") };
    assert_eq!(connection.put().unwrap().condition_expression(), Some("revision = :revision"));
    assert_eq!(event.put().unwrap().item()["type"], text("connection.invite_created"));
    assert_eq!(*led.put().unwrap().item(), invite_item(before.id, &invite(6)));
}

#[tokio::test]
async fn steps_of_an_offboarding_are_conditional_too() {
    let (table, before) = (Scripted::new(), offboarding());
    let next = before.offboarding.clone().unwrap();
    table.store.advance_offboarding(&before, &next).await.unwrap();
    let updates = table.updates();
    assert_eq!(updates[0].condition_expression(), Some("revision = :revision"));
    assert_eq!(updates[0].expression_attribute_names().unwrap()["#name"], "offboarding");
    let values = updates[0].expression_attribute_values().unwrap();
    assert_eq!(values[":value"], attribute(&next).unwrap());
    assert_eq!(values[":revision"], number(before.revision));
    assert_eq!(values[":next"], number(before.revision + 1));

    table.refuse_update(UpdateItemError::ConditionalCheckFailedException(found(None)), vec![]);
    let error = table.store.advance_offboarding(&before, &next).await.unwrap_err();
    assert_eq!(error.code, "concurrent_change");
}

#[tokio::test]
async fn steps_of_a_look_are_conditional_too() {
    let (table, before) = (Scripted::new(), looking());
    let next = before.look.clone().unwrap().tried(NOW, SignedDuration::from_secs(5));
    table.store.advance_look(&before, &next).await.unwrap();
    let updates = table.updates();
    assert_eq!(updates[0].condition_expression(), Some("revision = :revision"));
    assert_eq!(updates[0].expression_attribute_names().unwrap()["#name"], "look");
    let values = updates[0].expression_attribute_values().unwrap();
    assert_eq!(
        (&values[":value"], &values[":next"]),
        (&attribute(&next).unwrap(), &number(before.revision + 1))
    );

    table.refuse_update(UpdateItemError::ConditionalCheckFailedException(found(None)), vec![]);
    assert_eq!(table.store.advance_look(&before, &next).await.unwrap_err().code, "concurrent_change");
}
