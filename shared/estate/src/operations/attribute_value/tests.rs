use proptest::prelude::*;
use rstest::rstest;
use serde_json::json;

use super::*;

fn parsed(value: &Value) -> Result<AttributeValue, String> {
    serde_json::from_value::<Attribute>(value.clone()).map(|read| read.0).map_err(|error| error.to_string())
}

/// Lists in lists, so deep.
fn nested(depth: usize, kind: &str) -> Value {
    let wrap = |inner: Value| if kind == "L" { json!({"L": [inner]}) } else { json!({"M": {"a": inner}}) };
    (1..depth).fold(json!({"S": "innermost"}), |inner, _| wrap(inner))
}

fn any_value() -> impl Strategy<Value = AttributeValue> {
    let bytes = || proptest::collection::vec(any::<u8>(), 0..20).prop_map(Blob::new);
    let number = || "-?[0-9]{1,30}(\\.[0-9]{1,8})?([eE][+-]?[0-9]{1,2})?";
    let leaf = prop_oneof![
        ".*".prop_map(AttributeValue::S),
        number().prop_map(AttributeValue::N),
        bytes().prop_map(AttributeValue::B),
        any::<bool>().prop_map(AttributeValue::Bool),
        Just(AttributeValue::Null(true)),
        proptest::collection::vec(".*", 0..4).prop_map(AttributeValue::Ss),
        proptest::collection::vec(number(), 0..4).prop_map(AttributeValue::Ns),
        proptest::collection::vec(bytes(), 0..4).prop_map(AttributeValue::Bs),
    ];
    leaf.prop_recursive(6, 60, 5, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..5).prop_map(AttributeValue::L),
            proptest::collection::hash_map(".*", inner, 0..5).prop_map(AttributeValue::M),
        ]
    })
}

proptest! {
    #[test]
    fn every_value_reads_back(value in any_value()) {
        let json = write(&value);
        prop_assert_eq!(parsed(&json), Ok(value.clone()));
        // Through the text that goes over the wire, too.
        let text = serde_json::to_string(&json).unwrap();
        prop_assert_eq!(parsed(&serde_json::from_str(&text).unwrap()), Ok(value));
    }

    /// A size is at most what the value's text takes, so that nothing is refused for how it is written.
    #[test]
    fn no_value_counts_for_more_than_its_parts(text in ".*", number in "[0-9]{1,38}", bytes in proptest::collection::vec(any::<u8>(), 0..99)) {
        prop_assert_eq!(size_of(&AttributeValue::S(text.clone())), text.len());
        prop_assert!(size_of(&AttributeValue::N(number.clone())) <= number.len() / 2 + 2);
        prop_assert_eq!(size_of(&AttributeValue::B(Blob::new(bytes.clone()))), bytes.len());
        let list = AttributeValue::L(vec![AttributeValue::S(text.clone()), AttributeValue::Bool(true)]);
        prop_assert_eq!(size_of(&list), 3 + 2 + text.len() + 1);
    }
}

#[rstest]
#[case(json!({"N": 1}), "N takes a string")]
#[case(json!({"S": 1}), "S takes a string")]
#[case(json!({"B": "no base64!"}), "B takes base64")]
#[case(json!({"BOOL": "true"}), "BOOL takes true or false")]
#[case(json!({"NULL": false}), "NULL takes true")]
#[case(json!({"SS": "a"}), "SS takes a list")]
#[case(json!({"NS": [1]}), "NS takes a string")]
#[case(json!({"L": {}}), "L takes a list")]
#[case(json!({"M": []}), "M takes an object")]
#[case(json!({"X": "a"}), "X is no type")]
#[case(json!({"S": "a", "N": "1"}), "one type")]
#[case(json!({}), "one type")]
#[case(json!("bare"), "one type")]
#[case(Value::Null, "one type")]
fn what_is_no_value_is_refused(#[case] value: Value, #[case] why: &str) {
    let error = parsed(&value).unwrap_err();
    assert!(error.contains(why), "{error}");
}

#[rstest]
fn nesting_ends_where_dynamodb_ends_it(#[values("L", "M")] kind: &str) {
    assert!(parsed(&nested(DEEPEST, kind)).is_ok());
    let error = parsed(&nested(DEEPEST + 1, kind)).unwrap_err();
    assert!(error.contains("deeper than 32"), "{error}");
    // Far deeper ones end neither the stack nor the patience; a JSON reader ends them before.
    let hostile = format!("{}{}", "{\"L\":[".repeat(100_000), "]}".repeat(100_000));
    assert!(serde_json::from_str::<Attribute>(&hostile).is_err());
}

/// Source: `DynamoDB` Developer Guide, "`DynamoDB` item sizes and formats".
#[rstest]
#[case(json!({"S": "äb"}), 3)]
#[case(json!({"N": "0"}), 1)]
#[case(json!({"N": "-12.30"}), 3)]
#[case(json!({"N": "1e125"}), 2)]
#[case(json!({"BOOL": false}), 1)]
#[case(json!({"NULL": true}), 1)]
#[case(json!({"B": "AAEC"}), 3)]
#[case(json!({"SS": ["a", "bc"]}), 3)]
#[case(json!({"M": {"ab": {"S": "c"}}}), 3 + 1 + 2 + 1)]
#[case(json!({"L": []}), 3)]
fn sizes_are_dynamodbs(#[case] value: Value, #[case] size: usize) {
    assert_eq!(size_of(&parsed(&value).unwrap()), size);
}
