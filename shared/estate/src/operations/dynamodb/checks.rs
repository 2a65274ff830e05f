//! What `DynamoDB` would refuse, refused before it is asked.
//!
//! Source: `DynamoDB` Developer Guide, "Naming rules" and "Service, account, and table quotas".

use std::collections::{BTreeSet, HashMap};
use std::ops::RangeInclusive;

use domain::{Error, FieldError};

use super::shapes::Tag;
use crate::operations::attribute_value::{Attributes, size_of};

/// Largest item, in bytes.
pub(crate) const LARGEST_ITEM: usize = 400 * 1024;

/// Longest expression, in bytes.
const LONGEST_EXPRESSION: usize = 4 * 1024;

/// Longest placeholder of an expression, in bytes.
const LONGEST_PLACEHOLDER: usize = 255;

/// Most that all placeholders of an expression may stand for, in bytes.
const LARGEST_SUBSTITUTES: usize = 2 * 1024 * 1024;

/// Most tags of a table.
const MOST_TAGS: usize = 50;

fn invalid(at: &str, code: &'static str, detail: impl Into<String>) -> Error {
    Error::invalid(FieldError::new(at, code, detail))
}

/// Whether this is the name of a table, or of an index.
pub(crate) fn is_table(name: &str) -> bool {
    let letters = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.');
    (3..=255).contains(&name.len()) && name.bytes().all(letters)
}

/// Refuses what is no table's name: what is not never reaches a policy.
pub(crate) fn check_table(name: &str, at: &str) -> Result<(), Error> {
    if is_table(name) {
        return Ok(());
    }
    let detail = "a table's name is 3 to 255 letters, digits, underscores, hyphens and dots";
    Err(invalid(at, "invalid_table_name", detail))
}

/// Refuses what is no index's name.
pub(crate) fn check_index(name: &str, at: &str) -> Result<(), Error> {
    if is_table(name) {
        return Ok(());
    }
    let detail = "an index's name is 3 to 255 letters, digits, underscores, hyphens and dots";
    Err(invalid(at, "invalid_index_name", detail))
}

/// Refuses what is no backup's name. Source: `DynamoDB` API Reference, `CreateBackup`.
pub(crate) fn check_backup_name(name: &str, at: &str) -> Result<(), Error> {
    if is_table(name) {
        return Ok(());
    }
    let detail = "a backup's name is 3 to 255 letters, digits, underscores, hyphens and dots";
    Err(invalid(at, "invalid_backup_name", detail))
}

/// Refuses a number out of bounds.
pub(crate) fn check_range<N: PartialOrd + std::fmt::Display>(
    number: Option<N>,
    bounds: &RangeInclusive<N>,
    at: &str,
) -> Result<(), Error> {
    match number {
        Some(number) if !bounds.contains(&number) => {
            let name = at.rsplit('/').next().unwrap_or(at);
            let detail = format!("{name} is {} to {}", bounds.start(), bounds.end());
            Err(invalid(at, "out_of_range", detail))
        }
        _ => Ok(()),
    }
}

/// Refuses what is no primary key.
pub(crate) fn check_key(key: &Attributes, at: &str) -> Result<(), Error> {
    match key.len() {
        1 | 2 => check_item(key, at),
        _ => Err(invalid(at, "invalid_key", "a primary key is one attribute or two")),
    }
}

/// Refuses what is not where a page ended: the keys of the table, and of an index of it. Of an index,
/// keys may have more attributes than one or two.
pub(crate) fn check_start(key: Option<&Attributes>, at: &str) -> Result<(), Error> {
    key.map_or(Ok(()), |key| check_item(key, at))
}

/// Refuses what is no item, or is too large for one.
pub(crate) fn check_item(item: &Attributes, at: &str) -> Result<(), Error> {
    if item.is_empty() {
        return Err(invalid(at, "invalid_item", "an item has its primary key's attributes at least"));
    }
    let size: usize = item.iter().map(|(name, value)| name.len() + size_of(&value.0)).sum();
    if size > LARGEST_ITEM {
        let detail = format!("an item is at most 400 KB, this one is at least {size} bytes");
        return Err(invalid(at, "item_too_large", detail));
    }
    Ok(())
}

/// The expressions of a request, and what their placeholders stand for.
#[derive(Debug)]
pub(crate) struct Expressions<'a> {
    /// Each expression, under its parameter's name.
    pub texts: &'a [(&'static str, Option<&'a str>)],
    /// `ExpressionAttributeNames`.
    pub names: Option<&'a HashMap<String, String>>,
    /// `ExpressionAttributeValues`.
    pub values: Option<&'a Attributes>,
}

impl Expressions<'_> {
    /// Refuses what is too long, and placeholders that are none.
    pub(crate) fn check(&self, at: &str) -> Result<(), Error> {
        for (name, text) in self.texts {
            let at = format!("{at}/{name}");
            match text.map(str::len) {
                Some(0) => return Err(invalid(&at, "invalid_expression", "an expression is not empty")),
                Some(length) if length > LONGEST_EXPRESSION => {
                    return Err(invalid(&at, "expression_too_long", "an expression is at most 4 KB"));
                }
                _ => {}
            }
        }
        let any = self.texts.iter().any(|(_, text)| text.is_some());
        let names = self.names.map(|names| names.keys()).into_iter().flatten();
        let values = self.values.map(|values| values.keys()).into_iter().flatten();
        check_placeholders("ExpressionAttributeNames", '#', names, any, at)?;
        check_placeholders("ExpressionAttributeValues", ':', values, any, at)?;
        let names = self.names.into_iter().flatten().map(|(name, stands_for)| name.len() + stands_for.len());
        let values = self.values.into_iter().flatten().map(|(name, value)| name.len() + size_of(&value.0));
        if names.chain(values).sum::<usize>() > LARGEST_SUBSTITUTES {
            let detail = "what all placeholders stand for is at most 2 MB";
            return Err(invalid(&format!("{at}/ExpressionAttributeValues"), "expression_too_long", detail));
        }
        Ok(())
    }
}

fn check_placeholders<'a>(
    parameter: &str,
    sign: char,
    placeholders: impl Iterator<Item = &'a String>,
    any_expression: bool,
    at: &str,
) -> Result<(), Error> {
    let at = format!("{at}/{parameter}");
    for placeholder in placeholders {
        if !any_expression {
            let detail = format!("{parameter} needs an expression to stand in");
            return Err(invalid(&at, "invalid_expression", detail));
        }
        let named = placeholder.strip_prefix(sign).is_some_and(|rest| !rest.is_empty());
        if !named || placeholder.len() > LONGEST_PLACEHOLDER {
            let detail = format!("a placeholder is {sign} and a name, 255 bytes at most");
            return Err(invalid(&at, "invalid_placeholder", detail));
        }
    }
    Ok(())
}

/// What the keys of Drawbridge's own tags begin with.
const OURS: &str = "drawbridge:";

/// Refuses tags that `DynamoDB` would not take, and Drawbridge's own. Source: `DynamoDB` API Reference,
/// `Tag`; Developer Guide, "Tagging restrictions in `DynamoDB`".
pub(crate) fn check_tags(tags: &[Tag], at: &str) -> Result<(), Error> {
    if tags.len() > MOST_TAGS {
        return Err(invalid(at, "too_many_tags", "a table has at most 50 tags"));
    }
    let mut seen = BTreeSet::new();
    for (place, tag) in tags.iter().enumerate() {
        let (key_at, value_at) = (format!("{at}/{place}/Key"), format!("{at}/{place}/Value"));
        // Services compare keys as they stand, people do not.
        let key = tag.key.to_lowercase();
        if key.starts_with(OURS) {
            let detail = "keys that begin with drawbridge: are Drawbridge's own";
            return Err(Error::refused("reserved_tag_key", detail).at(&key_at));
        }
        if key.starts_with("aws:") {
            return Err(invalid(&key_at, "invalid_tag", "keys that begin with aws: are AWS's own"));
        }
        if !(1..=128).contains(&tag.key.chars().count()) {
            return Err(invalid(&key_at, "invalid_tag", "a tag's key is 1 to 128 characters"));
        }
        if tag.value.chars().count() > 256 {
            return Err(invalid(&value_at, "invalid_tag", "a tag's value is at most 256 characters"));
        }
        if !seen.insert(&tag.key) {
            return Err(invalid(&key_at, "invalid_tag", "each key stands once"));
        }
    }
    Ok(())
}

/// One step of a JSON pointer. Source: RFC 6901.
pub(crate) fn step(name: &str) -> String {
    name.replace('~', "~0").replace('/', "~1")
}
