use std::collections::HashMap;

use aws_sdk_dynamodb::primitives::Blob;
use proptest::prelude::*;

use super::*;

fn text(value: &str) -> AttributeValue {
    AttributeValue::S(value.to_owned())
}

fn item(value: AttributeValue) -> HashMap<String, AttributeValue> {
    HashMap::from([("pk".to_owned(), text("one")), ("value".to_owned(), value)])
}

/// Two values of different kinds, or of different depth, are never the same.
#[test]
fn what_differs_has_another_hash() {
    let values = [
        text("1"),
        AttributeValue::N("1".to_owned()),
        AttributeValue::B(Blob::new("1")),
        AttributeValue::Bool(true),
        AttributeValue::Bool(false),
        AttributeValue::Null(true),
        AttributeValue::Ss(vec!["1".to_owned()]),
        AttributeValue::Ns(vec!["1".to_owned()]),
        AttributeValue::Bs(vec![Blob::new("1")]),
        AttributeValue::Ss(vec!["1".to_owned(), "2".to_owned()]),
        AttributeValue::Ss(vec!["12".to_owned()]),
        AttributeValue::L(vec![text("1")]),
        AttributeValue::L(vec![text("1"), text("2")]),
        AttributeValue::L(vec![text("2"), text("1")]),
        AttributeValue::M(HashMap::from([("1".to_owned(), text("1"))])),
        AttributeValue::M(HashMap::from([("1".to_owned(), text("2"))])),
    ];
    let hashes: std::collections::BTreeSet<_> =
        values.into_iter().map(|value| hash_of(&item(value))).collect();
    assert_eq!(hashes.len(), 16);
}

proptest! {
    /// AWS tells attributes and members of sets in any order.
    #[test]
    fn an_item_has_one_hash_in_whatever_order_it_is_told(members in prop::collection::hash_set("[a-z]{1,8}", 1..9)) {
        let there: Vec<String> = members.iter().cloned().collect();
        let back: Vec<String> = there.iter().rev().cloned().collect();
        let of = |members: Vec<String>| hash_of(&item(AttributeValue::Ss(members)));
        prop_assert_eq!(of(there), of(back));
    }
}
