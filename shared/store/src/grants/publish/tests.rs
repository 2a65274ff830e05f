use super::*;
use crate::sample::shard;
use aws_sdk_dynamodb::operation::update_item::UpdateItemOutput;
use aws_sdk_dynamodb::types::error::ConditionalCheckFailedException;
use aws_smithy_mocks::{mock, mock_client};
use domain::sample::NOW;
use rstest::rstest;

const LEASE: SignedDuration = SignedDuration::from_secs(40);

fn item(version: u64, published: u64, by: Option<&str>) -> Item {
    let mut item = Key::grant_shard(shard(1)).into_item();
    item.insert("version".to_owned(), number(version));
    item.insert("published".to_owned(), number(published));
    item.extend(by.map(|name| ("publisher".to_owned(), text(name))));
    item
}

/// A table whose condition does not hold, because this stands there.
fn refusing(found: Item) -> Store {
    let rule = mock!(aws_sdk_dynamodb::Client::update_item).then_error(move || {
        let failed = ConditionalCheckFailedException::builder().set_item(Some(found.clone())).build();
        UpdateItemError::ConditionalCheckFailedException(failed)
    });
    Store::with_client(mock_client!(aws_sdk_dynamodb, [&rule]), "table")
}

#[tokio::test]
async fn whoever_takes_the_lease_is_told_what_to_publish() {
    let rule = mock!(aws_sdk_dynamodb::Client::update_item)
        .match_requests(|input| {
            let values = input.expression_attribute_values().unwrap();
            values[":me"] == text("me")
                && values[":now"] == milliseconds(NOW)
                && values[":until"] == milliseconds(NOW + LEASE)
                && input.condition_expression().unwrap().ends_with("publisher_until < :now")
        })
        .then_output(|| UpdateItemOutput::builder().set_attributes(Some(item(7, 5, Some("me")))).build());
    let store = Store::with_client(mock_client!(aws_sdk_dynamodb, [&rule]), "table");
    let wanted = store.lease_shard(shard(1), "me", NOW, LEASE).await.unwrap().unwrap();
    assert_eq!((wanted.version, wanted.published, wanted.publishing), (7, 5, true));
    assert!(!wanted.is_published());
}

#[tokio::test]
async fn while_somebody_publishes_nobody_else_does() {
    let store = refusing(item(7, 5, Some("another")));
    assert_eq!(store.lease_shard(shard(1), "me", NOW, LEASE).await.unwrap(), None);
}

#[rstest]
#[case::others_changed_it(item(8, 5, Some("me")), "moved")]
#[case::our_own_answer_was_lost(item(7, 7, None), "done")]
#[case::a_later_one_was_published(item(9, 9, Some("another")), "done")]
#[case::the_lease_was_over(item(7, 5, Some("another")), "lost")]
#[tokio::test]
async fn what_is_published_is_noted_unless_it_has_moved(#[case] found: Item, #[case] expected: &str) {
    let marked = refusing(found).mark_published(shard(1), "me", 7).await.unwrap();
    let told = match &marked {
        Marked::Done => "done",
        Marked::Moved(now) if now.version == 8 => "moved",
        Marked::Moved(_) => "moved elsewhere",
        Marked::Lost => "lost",
    };
    assert_eq!(told, expected);
}
