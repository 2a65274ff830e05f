//! Fingerprints of items: hashes by which nobody can tell what an item holds, only whether it is the
//! same.

use std::collections::HashMap;
use std::fmt::Write as _;

use aws_sdk_dynamodb::types::AttributeValue;
use sha2::{Digest as _, Sha256};

/// The hash of an item, with `salt` so that the same item has another hash in each plan.
pub(crate) fn digest(salt: &str, item: &HashMap<String, AttributeValue>) -> String {
    let mut hash = Sha256::new();
    text(&mut hash, b's', salt.as_bytes());
    map(&mut hash, item);
    hash.finalize().iter().fold(String::new(), |mut told, byte| {
        let _ = write!(told, "{byte:02x}");
        told
    })
}

/// Each part with its type and length, so that no two items are written alike.
fn text(hash: &mut Sha256, kind: u8, bytes: &[u8]) {
    hash.update([kind]);
    hash.update(bytes.len().to_be_bytes());
    hash.update(bytes);
}

fn map(hash: &mut Sha256, entries: &HashMap<String, AttributeValue>) {
    let mut names: Vec<_> = entries.iter().collect();
    names.sort_by_key(|(name, _)| *name);
    text(hash, b'M', &names.len().to_be_bytes());
    for (name, value) in names {
        text(hash, b'k', name.as_bytes());
        write(hash, value);
    }
}

fn set<'a>(hash: &mut Sha256, kind: u8, values: impl Iterator<Item = &'a [u8]>) {
    // Sets have no order, and come in any.
    let mut values: Vec<_> = values.collect();
    values.sort_unstable();
    text(hash, kind, &values.len().to_be_bytes());
    for value in values {
        text(hash, b'e', value);
    }
}

fn write(hash: &mut Sha256, value: &AttributeValue) {
    match value {
        AttributeValue::S(value) => text(hash, b'S', value.as_bytes()),
        AttributeValue::N(value) => text(hash, b'N', value.as_bytes()),
        AttributeValue::B(value) => text(hash, b'B', value.as_ref()),
        AttributeValue::Bool(value) => text(hash, b'?', &[u8::from(*value)]),
        AttributeValue::Null(_) => text(hash, b'0', &[]),
        AttributeValue::Ss(values) => set(hash, b'T', values.iter().map(String::as_bytes)),
        AttributeValue::Ns(values) => set(hash, b'O', values.iter().map(String::as_bytes)),
        AttributeValue::Bs(values) => set(hash, b'C', values.iter().map(AsRef::as_ref)),
        AttributeValue::L(values) => {
            text(hash, b'L', &values.len().to_be_bytes());
            for value in values {
                write(hash, value);
            }
        }
        AttributeValue::M(entries) => map(hash, entries),
        // A type that this version does not know.
        other => text(hash, b'u', format!("{other:?}").as_bytes()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn item(
        values: impl IntoIterator<Item = (&'static str, AttributeValue)>,
    ) -> HashMap<String, AttributeValue> {
        values.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
    }

    fn s(text: &str) -> AttributeValue {
        AttributeValue::S(text.to_owned())
    }

    #[test]
    fn the_same_item_has_the_same_hash_in_one_plan_alone() {
        let set = |texts: [&str; 2]| AttributeValue::Ss(texts.map(str::to_owned).to_vec());
        let one = item([("a", s("x")), ("b", set(["p", "q"]))]);
        let again = item([("b", set(["q", "p"])), ("a", s("x"))]);
        assert_eq!(digest("pln_1", &one), digest("pln_1", &again));
        assert_ne!(digest("pln_1", &one), digest("pln_2", &one));
        assert!(!digest("pln_1", &one).contains('x') && digest("pln_1", &one).len() == 64);
    }

    #[test]
    fn whatever_differs_has_another_hash() {
        let items = [
            item([]),
            item([("a", s(""))]),
            item([("a", s("1"))]),
            item([("a", AttributeValue::N("1".to_owned()))]),
            item([("a", AttributeValue::B(aws_sdk_dynamodb::primitives::Blob::new("1")))]),
            item([("a", AttributeValue::Ss(vec!["1".to_owned()]))]),
            item([("a", AttributeValue::Ss(vec!["1".to_owned(), "2".to_owned()]))]),
            item([("a", AttributeValue::Ss(vec!["12".to_owned()]))]),
            item([("a", AttributeValue::Ns(vec!["1".to_owned()]))]),
            item([("a", AttributeValue::L(vec![s("1"), s("2")]))]),
            item([("a", AttributeValue::L(vec![s("2"), s("1")]))]),
            item([("a", AttributeValue::M(item([("b", s("1"))])))]),
            item([("a", AttributeValue::M(item([]))), ("b", s("1"))]),
            item([("a", AttributeValue::Bool(true))]),
            item([("a", AttributeValue::Bool(false))]),
            item([("a", AttributeValue::Null(true))]),
            item([("ab", s("1"))]),
        ];
        let hashes: std::collections::BTreeSet<_> = items.iter().map(|item| digest("s", item)).collect();
        assert_eq!(hashes.len(), items.len());
    }
}
