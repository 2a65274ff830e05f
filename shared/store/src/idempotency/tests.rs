//! What DynamoDB answers to a conditional write that was refused: API Reference, `PutItem`, with
//! `ReturnValuesOnConditionCheckFailure`.

use super::*;
use aws_sdk_dynamodb::error::ErrorMetadata;
use aws_sdk_dynamodb::operation::delete_item::DeleteItemError;
use aws_sdk_dynamodb::operation::put_item::PutItemOutput;
use aws_sdk_dynamodb::types::error::ConditionalCheckFailedException;
use aws_smithy_mocks::{mock, mock_client};
use domain::sample::NOW;

fn key() -> RequestKey {
    RequestKey::new("arn:aws:iam::111111111111:user/ann", "POST", "/v1/customers", "key", b"{}")
}

fn refused(item: Option<Item>) -> ConditionalCheckFailedException {
    let code = ErrorMetadata::builder().code("ConditionalCheckFailedException").build();
    ConditionalCheckFailedException::builder().set_item(item).meta(code).build()
}

/// A table that refuses a claim because it holds this.
async fn claim_of(found: Item) -> Claim {
    let rule = mock!(aws_sdk_dynamodb::Client::put_item)
        .then_error(move || PutItemError::ConditionalCheckFailedException(refused(Some(found.clone()))));
    let store = Store::with_client(mock_client!(aws_sdk_dynamodb, [&rule]), "table");
    store.claim_request(&key(), [1; 16], NOW).await.unwrap()
}

fn held(body_hash: &str) -> Item {
    Item::from([("body_hash".to_owned(), text(body_hash)), ("token".to_owned(), text("another's"))])
}

#[tokio::test]
async fn a_new_request_is_claimed_on_condition_and_for_a_time() {
    let rule = mock!(aws_sdk_dynamodb::Client::put_item)
        .match_requests(|input| {
            let item = input.item().unwrap();
            let condition = input.condition_expression().unwrap();
            assert!(item["pk"].as_s().unwrap().starts_with("IDEMPOTENCY#"));
            assert_eq!(item["expires_at"], expiry(NOW + SignedDuration::from_hours(24)));
            assert_eq!(item["lease_until"], expiry(NOW + LEASE));
            assert!(!item.contains_key("answer_status"));
            // Another's claim is taken over once its lease is over, but not for another body.
            assert!(condition.contains("lease_until <= :now AND body_hash = :body"));
            assert_eq!(input.expression_attribute_values().unwrap()[":now"], expiry(NOW));
            true
        })
        .then_output(|| PutItemOutput::builder().build());
    let store = Store::with_client(mock_client!(aws_sdk_dynamodb, [&rule]), "table");
    let Claim::Mine(claimed) = store.claim_request(&key(), [1; 16], NOW).await.unwrap() else {
        panic!("it is nobody's")
    };
    assert!(!claimed.is_answered());
    assert_eq!(rule.num_calls(), 1);
}

#[tokio::test]
async fn what_stands_there_decides() {
    let ours = key().body_hash;
    assert!(matches!(claim_of(held(&ours)).await, Claim::InProgress));
    assert!(matches!(claim_of(held("of another body")).await, Claim::Reused));
    let mut answered = held(&ours);
    answered.insert("answer_status".to_owned(), number(201));
    answered.insert("answer_body".to_owned(), text("{}"));
    let Claim::Answered(answer) = claim_of(answered.clone()).await else { panic!("it was answered") };
    assert_eq!(answer, Answer { status: 201, body: "{}".to_owned() });
    answered.insert("body_hash".to_owned(), text("of another body"));
    assert!(matches!(claim_of(answered).await, Claim::Reused));
}

#[test]
fn a_request_is_told_by_all_of_its_parts() {
    let base = key();
    for other in [
        RequestKey::new("arn:aws:iam::111111111111:user/bob", "POST", "/v1/customers", "key", b"{}"),
        RequestKey::new("arn:aws:iam::111111111111:user/ann", "PUT", "/v1/customers", "key", b"{}"),
        RequestKey::new("arn:aws:iam::111111111111:user/ann", "POST", "/v1/customer", "skey", b"{}"),
        RequestKey::new("arn:aws:iam::111111111111:user/ann", "POST", "/v1/customers", "key2", b"{}"),
    ] {
        assert_ne!(other.hash, base.hash);
    }
    let body = RequestKey::new("arn:aws:iam::111111111111:user/ann", "POST", "/v1/customers", "key", b"{} ");
    assert_eq!(body.hash, base.hash);
    assert_ne!(body.body_hash, base.body_hash);
}

fn claimed() -> Claimed {
    Claimed {
        hash: "hash".to_owned(),
        body_hash: "body".to_owned(),
        token: "mine".to_owned(),
        expires_at: NOW,
        written: Arc::default(),
    }
}

#[tokio::test]
async fn an_answer_is_written_by_whoever_still_has_the_claim() {
    let completion = claimed().with(Answer { status: 202, body: "{}".to_owned() });
    let rule = mock!(aws_sdk_dynamodb::Client::put_item)
        .match_requests(|input| {
            input.condition_expression() == Some(OURS)
                && input.expression_attribute_values().unwrap()[":token"] == text("mine")
                && input.item().unwrap()["answer_status"] == number(202)
        })
        .sequence()
        .output(|| PutItemOutput::builder().build())
        .error(|| PutItemError::ConditionalCheckFailedException(refused(None)))
        .build();
    let store = Store::with_client(mock_client!(aws_sdk_dynamodb, [&rule]), "table");
    store.complete_request(&completion).await.unwrap();
    assert!(completion.claimed.is_answered());
    // Somebody took over, or it is a repetition: what stands there stays.
    store.complete_request(&completion).await.unwrap();
}

#[tokio::test]
async fn a_claim_that_is_given_back_takes_no_answer_along() {
    let rule = mock!(aws_sdk_dynamodb::Client::delete_item)
        .match_requests(|input| input.condition_expression() == Some(OURS))
        .then_error(|| DeleteItemError::ConditionalCheckFailedException(refused(None)));
    let store = Store::with_client(mock_client!(aws_sdk_dynamodb, [&rule]), "table");
    store.release_request(&claimed()).await.unwrap();
    assert_eq!(rule.num_calls(), 1);
}

#[tokio::test]
async fn an_answer_stands_in_the_transaction_with_what_it_tells() {
    let table = crate::scripted::Scripted::new();
    let completion = claimed().with(Answer { status: 201, body: "{}".to_owned() });
    let change = domain::sample::created();
    table.store.create_connection(&change, Some(&completion)).await.unwrap();
    let sent = table.sent();
    let answer = sent[0].last().unwrap().put().unwrap();
    assert_eq!(answer.item()["pk"], text("IDEMPOTENCY#hash"));
    assert_eq!(answer.condition_expression(), Some(OURS));
    assert!(completion.claimed.is_answered());

    // If somebody else took over, nothing is made.
    let table = crate::scripted::Scripted::new();
    table.refuse(crate::scripted::unmet(3, 4), vec![]);
    let late = claimed().with(Answer { status: 201, body: "{}".to_owned() });
    let error = table.store.create_connection(&change, Some(&late)).await.unwrap_err();
    assert_eq!(error.code, "request_in_progress");
    assert!(!late.claimed.is_answered());
}
