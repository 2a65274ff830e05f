mod answers;
mod due;
mod lists;

use super::*;
use crate::sample::{
    ANOTHER_ROLE, another_role, concluded, connection_id, created, full, role, submitted, verifying,
};
use crate::scripted::{Scripted, answered, canceled, coded, found, unmet};
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsError;
use aws_sdk_dynamodb::operation::update_item::{UpdateItemError, UpdateItemOutput};
use aws_sdk_dynamodb::types::error::{ConditionalCheckFailedException, TransactionConflictException};
use aws_smithy_mocks::{mock, mock_client};
use domain::verification::Outcome;
use rstest::rstest;

/// A table that refuses the first transactions it is sent.
fn refused(refusals: impl IntoIterator<Item = TransactWriteItemsError>) -> Scripted {
    let table = Scripted::new();
    for error in refusals {
        table.refuse(error, vec![]);
    }
    table
}

fn busy(operations: usize) -> TransactWriteItemsError {
    let mut codes = vec!["None"; operations];
    codes[0] = "TransactionConflict";
    canceled(&codes)
}

#[tokio::test]
async fn a_busy_transaction_is_sent_again_as_it_was() {
    let table = refused((1..BUSY_ATTEMPTS).map(|_| busy(3)));
    table.store.create_connection(&created(), None).await.unwrap();
    let sent = table.sent();
    assert_eq!(sent.len(), BUSY_ATTEMPTS);
    assert!(sent.iter().all(|writes| *writes == sent[0]));
}

#[tokio::test]
async fn sending_again_has_an_end() {
    let before = verifying();
    let table = refused((0..=BUSY_ATTEMPTS).map(|_| busy(3)));
    let error =
        table.store.apply(&before, &concluded(&before, &Outcome::Inconclusive), None).await.unwrap_err();
    assert_eq!((error.kind, error.code), (ErrorKind::Conflict, "concurrent_change"));
    assert_eq!(table.sent().len(), BUSY_ATTEMPTS);
}

#[rstest]
#[case::a_condition(unmet(0, 3))]
#[case::throttling(canceled(&["ThrottlingError", "None", "None"]))]
#[case::our_own_rights(answered("AccessDeniedException"))]
#[tokio::test]
async fn only_what_is_busy_is_sent_again(#[case] error: TransactWriteItemsError) {
    let table = refused([error]);
    table.store.create_connection(&created(), None).await.unwrap_err();
    assert_eq!(table.sent().len(), 1);
}

#[tokio::test]
async fn a_connection_is_made_with_its_event_and_its_invite() {
    let table = Scripted::new();
    let change = created();
    table.store.create_connection(&change, None).await.unwrap();
    let sent = table.sent();
    let [connection, event, invite] = sent[0].as_slice() else { panic!("three operations: {sent:?}") };
    let connection = connection.put().unwrap();
    assert_eq!(connection.condition_expression(), Some("attribute_not_exists(pk)"));
    assert_eq!(event.put().unwrap().item()["event_id"], text(change.event.id.to_string()));
    let hold = change.invites.unwrap();
    assert_eq!(*invite.put().unwrap().item(), invite_item(change.connection.id, &hold));

    // Nobody may get another one's connection, however unlikely the same id is.
    let error = refused([unmet(0, 3)]).store.create_connection(&created(), None).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Internal);
    let error = refused((0..BUSY_ATTEMPTS).map(|_| busy(3)))
        .store
        .create_connection(&created(), None)
        .await
        .unwrap_err();
    assert_eq!(error.kind, ErrorKind::Unavailable);
}

#[rstest]
#[case::our_own(1, None, true)]
#[case::somebody_elses_step(1, Some(7), false)]
#[case::a_later_one(2, None, false)]
#[tokio::test]
async fn a_write_whose_answer_was_lost_meets_itself(
    #[case] revisions: u64,
    #[case] other_step: Option<u32>,
    #[case] ours: bool,
) {
    // The SDK sends an UpdateItem again when its answer does not come; it has no request token.
    let before = verifying();
    let next = before.verification.clone().unwrap().advanced(before.updated_at, &[]);
    let mut found = next.clone();
    found.steps.step = other_step.unwrap_or(next.steps.step);
    let item = HashMap::from([
        ("revision".to_owned(), number(before.revision + revisions)),
        ("verification".to_owned(), attribute(&found).unwrap()),
    ]);
    let rule = mock!(Client::update_item).then_error(move || {
        let failed = ConditionalCheckFailedException::builder().set_item(Some(item.clone())).build();
        UpdateItemError::ConditionalCheckFailedException(failed)
    });
    let store = Store::with_client(mock_client!(aws_sdk_dynamodb, [&rule]), "table");
    let written = store.advance(&before, &next).await;
    assert_eq!(written.is_ok(), ours);
    assert!(written.err().is_none_or(|error| error.code == "concurrent_change"));
}

#[tokio::test]
async fn a_write_that_meets_a_transaction_is_decided_anew() {
    // DynamoDB API Reference, UpdateItem: TransactionConflictException, which the SDK does not retry.
    let rule = mock!(Client::update_item).then_error(|| {
        UpdateItemError::TransactionConflictException(TransactionConflictException::builder().build())
    });
    let store = Store::with_client(mock_client!(aws_sdk_dynamodb, [&rule]), "table");
    let error = store.set_releases(&verifying(), &[]).await.unwrap_err();
    assert_eq!(error.code, "concurrent_change");
}

#[tokio::test]
async fn proof_claims_the_role_in_the_same_transaction() {
    let before = verifying();
    let change = concluded(&before, &Outcome::proven());
    let table = Scripted::new();
    table.store.apply(&before, &change, None).await.unwrap();

    let sent = table.sent();
    let [connection, owner, event, evidence] = sent[0].as_slice() else { panic!("four: {sent:?}") };
    let connection = connection.put().unwrap();
    assert_eq!(connection.condition_expression(), Some("revision = :revision"));
    assert_eq!(connection.expression_attribute_values().unwrap()[":revision"], number(before.revision));
    assert_eq!(connection.item()["revision"], number(before.revision + 1));
    assert_eq!(connection.item()["state"], text("active"));
    let owner = owner.put().unwrap();
    assert_eq!(owner.item()["pk"], text(format!("ROLE#{}", role())));
    assert_eq!(owner.item()["sk"], text("OWNER"));
    assert_eq!(owner.item()["connection_id"], text(before.id.to_string()));
    assert_eq!(owner.condition_expression(), Some("attribute_not_exists(pk) OR connection_id = :me"));
    assert_eq!(owner.expression_attribute_values().unwrap()[":me"], text(before.id.to_string()));
    assert_eq!(event.put().unwrap().item()["event_id"], text(change.event.id.to_string()));
    assert!(evidence.put().unwrap().item()["sk"].as_s().unwrap().starts_with("EVIDENCE#"));
}

#[rstest]
#[case::the_owner(unmet(1, 4), "role_already_connected")]
#[case::the_connection(unmet(0, 4), "concurrent_change")]
// Both: what was decided upon is no longer so, and has to be read first.
#[case::both(
    canceled(&["ConditionalCheckFailed", "ConditionalCheckFailed", "None", "None"]),
    "concurrent_change"
)]
#[tokio::test]
async fn what_stands_in_the_way_of_a_claim_is_told(
    #[case] error: TransactWriteItemsError,
    #[case] code: &str,
) {
    let before = verifying();
    let table = refused([error]);
    let error = table.store.apply(&before, &concluded(&before, &Outcome::proven()), None).await.unwrap_err();
    assert_eq!((error.kind, error.code), (ErrorKind::Conflict, code));
    assert_eq!(table.sent().len(), 1);
}

#[tokio::test]
async fn another_role_disowns_the_old_one() {
    let before = full();
    let change = submitted(&before, ANOTHER_ROLE);
    let table = Scripted::new();
    table.store.apply(&before, &change, None).await.unwrap();
    let sent = table.sent();
    let [_, event, disowned] = sent[0].as_slice() else { panic!("three operations: {sent:?}") };
    assert!(event.put().unwrap().item().contains_key("event_id"));
    let disowned = disowned.delete().unwrap();
    assert_eq!(*disowned.key(), Key::role_owner(&role()).into_item());
    // Never another connection's ownership.
    assert_eq!(disowned.condition_expression(), Some("attribute_not_exists(pk) OR connection_id = :me"));
    assert_eq!(disowned.expression_attribute_values().unwrap()[":me"], text(before.id.to_string()));

    // Place 1 is the event here: a refusal there is not about an owner.
    let table = refused([unmet(1, 3)]);
    let error = table.store.apply(&before, &change, None).await.unwrap_err();
    assert_eq!(error.code, "concurrent_change");
}

#[tokio::test]
async fn whose_a_role_is_stands_in_its_item() {
    let table = Scripted::new();
    assert_eq!(table.store.role_owner(&role()).await.unwrap(), None);
    let mut item = Key::role_owner(&role()).into_item();
    item.insert("connection_id".to_owned(), text(connection_id(9).to_string()));
    table.hold(Key::role_owner(&role()), item);
    assert_eq!(table.store.role_owner(&role()).await.unwrap(), Some(connection_id(9)));
    assert_eq!(table.store.role_owner(&another_role()).await.unwrap(), None);
}

#[tokio::test]
async fn a_connection_that_is_not_there_is_not_found() {
    let error = Scripted::new().store.connection(connection_id(1)).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::NotFound);
}

#[tokio::test]
async fn steps_of_a_verification_are_conditional_too() {
    let before = full();
    let revision = before.revision;
    let rule = mock!(Client::update_item)
        .match_requests(move |input| {
            let values = input.expression_attribute_values().unwrap();
            input.condition_expression() == Some("revision = :revision")
                && input.update_expression() == Some("SET #name = :value, revision = :next")
                && values[":revision"] == number(revision)
                && values[":next"] == number(revision + 1)
        })
        .sequence()
        .output(|| UpdateItemOutput::builder().build())
        .times(2)
        .error(|| {
            UpdateItemError::ConditionalCheckFailedException(
                ConditionalCheckFailedException::builder().build(),
            )
        })
        .times(2)
        .build();
    let store = Store::with_client(mock_client!(aws_sdk_dynamodb, [&rule]), "table");
    let verification = before.verification.clone().unwrap();
    store.advance(&before, &verification).await.unwrap();
    store.set_releases(&before, &[]).await.unwrap();
    assert_eq!(store.advance(&before, &verification).await.unwrap_err().code, "concurrent_change");
    assert_eq!(store.set_releases(&before, &[]).await.unwrap_err().code, "concurrent_change");
}
