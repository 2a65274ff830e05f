use super::*;
use crate::error::ErrorKind;
use proptest::prelude::*;
use rstest::rstest;
use serde_json::{Value, json};

fn parts(value: Value) -> SelectionParts {
    serde_json::from_value(value).unwrap()
}

fn selection(value: Value) -> Selection {
    Selection::new(parts(value)).unwrap()
}

fn tags<const N: usize>(tags: [(&str, &str); N]) -> BTreeMap<String, String> {
    tags.map(|(key, value)| (key.to_owned(), value.to_owned())).into()
}

#[rstest]
#[case(json!({"names": ["*"]}), "anything", true)]
#[case(json!({"names": ["*"]}), "a/b/c", true)]
#[case(json!({"names": ["*"]}), "two\nlines", true)]
#[case(json!({"names": ["*"]}), "Ümlaut", true)]
#[case(json!({"names": ["orders"]}), "orders", true)]
#[case(json!({"names": ["orders"]}), "orders-2", false)]
#[case(json!({"names": ["orders"]}), "Orders", false)]
#[case(json!({"names": ["*.orders"]}), "prod.orders", true)]
#[case(json!({"names": ["prod.*", "orders"]}), "prod.users", true)]
#[case(json!({"names": ["prod.*", "orders"]}), "orders", true)]
#[case(json!({"names": ["prod.*", "orders"]}), "test.users", false)]
#[case(json!({"names": ["user?"]}), "users", true)]
#[case(json!({"names": ["user?"]}), "user", false)]
#[case(json!({"names": ["{dev,test}-[a-c]*"]}), "test-beta", true)]
#[case(json!({"names": ["{dev,test}-[a-c]*"]}), "test-delta", false)]
#[case(json!({"names": ["[!a]*"]}), "alpha", false)]
#[case(json!({"names": ["a\\*"]}), "a*", true)]
#[case(json!({"names": ["a\\*"]}), "ab", false)]
#[case(json!({"names": ["Größe*"]}), "Größe-1", true)]
#[case(json!({"names": ["*"], "exclude_names": ["tmp-*", "*.bak"]}), "orders", true)]
#[case(json!({"names": ["*"], "exclude_names": ["tmp-*", "*.bak"]}), "tmp-1", false)]
#[case(json!({"names": ["*"], "exclude_names": ["tmp-*", "*.bak"]}), "orders.bak", false)]
#[case(json!({"ids": ["i-1", "i-2"]}), "i-2", true)]
#[case(json!({"ids": ["i-1", "i-2"]}), "i-22", false)]
#[case(json!({"ids": ["i-*"]}), "i-1", false)]
#[case(json!({"ids": ["a", "b"], "names": ["a*"]}), "a", true)]
#[case(json!({"ids": ["a", "b"], "names": ["a*"]}), "b", false)]
#[case(json!({"ids": ["a", "b"], "exclude_names": ["a*"]}), "a", false)]
#[case(json!({"tags": {"backup": "yes"}}), "anything", true)]
#[case(json!({"tags": {"backup": "yes"}, "exclude_names": ["any*"]}), "anything", false)]
fn names_are_wanted(#[case] value: Value, #[case] name: &str, #[case] wanted: bool) {
    assert_eq!(selection(value).wants_name(name), wanted);
}

#[test]
fn every_tag_must_be_there() {
    let both = selection(json!({"tags": {"backup": "yes", "team": ""}}));
    assert!(both.needs_tags());
    assert!(both.wants_tags(&tags([("backup", "yes"), ("team", ""), ("more", "x")])));
    assert!(!both.wants_tags(&tags([("backup", "yes"), ("team", "a")])));
    assert!(!both.wants_tags(&tags([("backup", "yes")])));
    assert!(!both.wants_tags(&tags([("backup", "Yes"), ("team", "")])));
    let none = selection(json!({"names": ["*"]}));
    assert!(!none.needs_tags());
    assert!(none.wants_tags(&tags([])));
}

#[test]
fn ids_are_all_that_may_be_meant() {
    let ids = selection(json!({"ids": ["b", "a", "b"]}));
    assert_eq!(ids.exact_ids(), Some(&BTreeSet::from(["a".to_owned(), "b".to_owned()])));
    assert_eq!(selection(json!({"names": ["a"]})).exact_ids(), None);
}

#[rstest]
#[case(json!({}))]
#[case(json!({"names": [], "tags": {}, "ids": []}))]
#[case(json!({"exclude_names": ["tmp-*"]}))]
fn nothing_is_not_everything(#[case] value: Value) {
    let error = Selection::new(parts(value.clone())).unwrap_err();
    assert_eq!((error.kind, error.code), (ErrorKind::Refused, "selection_empty"));
    assert!(error.detail.contains(r#"{"names": ["*"]} means all"#));
    assert!(serde_json::from_value::<Selection>(value).is_err());
}

#[rstest]
#[case(json!({"names": ["ok", "[a"]}), &["/names/1"])]
#[case(json!({"names": ["[z-a]"]}), &["/names/0"])]
#[case(json!({"names": ["{a"]}), &["/names/0"])]
#[case(json!({"names": ["a\\"]}), &["/names/0"])]
#[case(json!({"names": ["[ä]"]}), &["/names/0"])]
#[case(json!({"names": [""]}), &["/names/0"])]
#[case(json!({"names": ["ä".repeat(255), "n".repeat(256)]}), &["/names/1"])]
#[case(json!({"names": vec!["n"; 101]}), &["/names"])]
#[case(json!({"exclude_names": ["a}"]}), &["/exclude_names/0"])]
#[case(json!({"names": ["n"], "exclude_names": vec!["n"; 101]}), &["/exclude_names"])]
#[case(json!({"ids": ["i", ""]}), &["/ids/1"])]
#[case(json!({"ids": ["i".repeat(256)]}), &["/ids/0"])]
#[case(json!({"ids": vec!["i"; 101]}), &["/ids"])]
#[case(json!({"tags": {"": "v"}}), &["/tags"])]
#[case(json!({"tags": {"k".repeat(129): "v"}}), &["/tags"])]
#[case(json!({"tags": {"a/~b": "v".repeat(257)}}), &["/tags/a~1~0b"])]
#[case(
    json!({"names": ["[a", "b", "{c"], "exclude_names": ["d}"], "ids": [""], "tags": {"": ""}}),
    &["/names/0", "/names/2", "/exclude_names/0", "/ids/0", "/tags"]
)]
fn what_cannot_be_read_is_named(#[case] value: Value, #[case] pointers: &[&str]) {
    let error = Selection::new(parts(value.clone())).unwrap_err();
    assert_eq!((error.kind, error.code), (ErrorKind::Malformed, "invalid_selection"));
    let found: Vec<_> = error.fields.iter().map(|field| field.pointer.as_str()).collect();
    assert_eq!(found, pointers);
    assert!(serde_json::from_value::<Selection>(value).is_err());
}

#[test]
fn as_much_as_may_be_is_taken() {
    let ten: BTreeMap<_, _> = (0..10).map(|n| (format!("{n}{}", "k".repeat(127)), "v".repeat(256))).collect();
    let full = json!({
        "names": vec!["n".repeat(255); 100], "exclude_names": vec!["e"; 100], "ids": vec!["i"; 100], "tags": ten,
    });
    selection(full);
    let eleven: BTreeMap<_, _> = (0..11).map(|n| (n.to_string(), "")).collect();
    assert_eq!(Selection::new(parts(json!({"tags": eleven}))).unwrap_err().fields[0].pointer, "/tags");
}

#[rstest]
#[case(json!({"names": ["b*", "a"]}))]
#[case(json!({"names": ["*"], "exclude_names": ["x"], "tags": {"k": "v"}, "ids": ["2", "1"]}))]
fn it_is_written_as_it_was_read(#[case] value: Value) {
    let read: Selection = serde_json::from_value(value.clone()).unwrap();
    assert_eq!(serde_json::to_value(&read).unwrap(), value);
    assert_eq!(serde_json::to_value(read.parts()).unwrap(), value);
    assert_eq!(read, selection(value));
}

#[rstest]
#[case(json!({"names": ["*"], "name": ["a"]}))]
#[case(json!({"names": "*"}))]
#[case(json!({"tags": {"k": 1}}))]
#[case(json!(["*"]))]
fn other_forms_are_refused(#[case] value: Value) {
    assert!(serde_json::from_value::<SelectionParts>(value.clone()).is_err());
    assert!(serde_json::from_value::<Selection>(value).is_err());
}

proptest! {
    #[test]
    fn no_pattern_panics(pattern in "[a-c*?\\[\\]{},!\\\\/.^-]{1,60}|\\PC{0,300}", name in "\\PC{0,40}|[a-c./]{0,9}") {
        let given = SelectionParts { names: vec![pattern], ..SelectionParts::default() };
        if let Ok(selection) = Selection::new(given) {
            let _ = selection.wants_name(&name);
        }
    }

    #[test]
    fn a_name_without_signs_matches_itself_alone(name in "[a-zA-Z0-9_.äß-]{1,20}", other in "[a-zA-Z0-9_.-]{1,20}") {
        let given = SelectionParts { names: vec![name.clone()], ..SelectionParts::default() };
        let selection = Selection::new(given)?;
        prop_assert!(selection.wants_name(&name));
        prop_assert_eq!(selection.wants_name(&other), name == other);
    }

    #[test]
    fn more_conditions_never_mean_more(
        names in prop::collection::vec("[ab*?]{1,3}", 1..4),
        exclude_names in prop::collection::vec("[ab*?]{1,3}", 0..3),
        ids in prop::collection::vec("[ab]{1,3}", 0..3),
        name in "[ab]{1,3}",
    ) {
        let only_names = SelectionParts { names, ..SelectionParts::default() };
        let all = SelectionParts { exclude_names, ids, ..only_names.clone() };
        let (only_names, all) = (Selection::new(only_names)?, Selection::new(all)?);
        prop_assert!(only_names.wants_name(&name) || !all.wants_name(&name));
    }
}
