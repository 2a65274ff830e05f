//! A customer of the provider's: whoever owns the accounts that connections reach.

use std::collections::BTreeMap;

use jiff::Timestamp;

use crate::error::FieldError;
use crate::id::CustomerId;

/// Longest name of a customer, in characters.
pub const MAX_NAME: usize = 200;
/// Longest e-mail address. Source: RFC 5321, section 4.5.3.1.3.
pub const MAX_EMAIL: usize = 254;
/// Most labels of a customer.
pub const MAX_LABELS: usize = 50;
/// Longest key of a label, in characters.
pub const MAX_LABEL_KEY: usize = 128;
/// Longest value of a label, in characters.
pub const MAX_LABEL_VALUE: usize = 256;

/// A customer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Customer {
    /// Its id.
    pub id: CustomerId,
    /// What people call it.
    pub name: String,
    /// Where its people are reached.
    pub email: Option<String>,
    /// The provider's own notes on it.
    pub labels: BTreeMap<String, String>,
    /// When it was made.
    pub created_at: Timestamp,
    /// Counts its changes, from 1.
    pub version: u64,
}

/// Whether `text` is what people can read on one line: 1 to `most` characters, no control
/// characters, no blank at an end.
#[must_use]
pub fn is_one_line(text: &str, most: usize) -> bool {
    !text.is_empty()
        && text.chars().count() <= most
        && !text.chars().any(char::is_control)
        && text.trim() == text
}

/// What is wrong with the fields of a customer, each by its pointer.
#[must_use]
pub fn field_errors(name: &str, email: Option<&str>, labels: &BTreeMap<String, String>) -> Vec<FieldError> {
    let mut errors = Vec::new();
    if !is_one_line(name, MAX_NAME) {
        errors.push(FieldError::new("/name", "invalid_name", one_line_rule("a name", MAX_NAME)));
    }
    if let Some(email) = email {
        // Whether mail arrives only a mail can tell; this catches what cannot be an address.
        let sound = email.len() <= MAX_EMAIL
            && email.split_once('@').is_some_and(|(local, domain)| {
                !local.is_empty() && !domain.is_empty() && !domain.contains('@')
            })
            && !email.chars().any(|c| c.is_control() || c.is_whitespace());
        if !sound {
            errors.push(FieldError::new("/email", "invalid_email", "not an e-mail address"));
        }
    }
    if labels.len() > MAX_LABELS {
        let detail = format!("at most {MAX_LABELS} labels");
        errors.push(FieldError::new("/labels", "too_many_labels", detail));
    }
    for (key, value) in labels.iter().take(MAX_LABELS) {
        let pointer = format!("/labels/{}", key.replace('~', "~0").replace('/', "~1"));
        if !is_one_line(key, MAX_LABEL_KEY) {
            let detail = one_line_rule("a label's key", MAX_LABEL_KEY);
            errors.push(FieldError::new("/labels", "invalid_label", detail));
        } else if !value.is_empty() && !is_one_line(value, MAX_LABEL_VALUE) {
            let detail = one_line_rule("a label's value", MAX_LABEL_VALUE);
            errors.push(FieldError::new(pointer, "invalid_label", detail));
        }
    }
    errors
}

/// The rule of [`is_one_line`], for people.
#[must_use]
pub fn one_line_rule(what: &str, most: usize) -> String {
    format!("{what} is 1 to {most} characters on one line, with no blank at either end")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sound_fields_pass() {
        let labels =
            BTreeMap::from([("tier".to_owned(), "gold".to_owned()), ("x/y".to_owned(), String::new())]);
        assert_eq!(field_errors("Ümlaut & Söhne", Some("ops@example.com"), &labels), []);
        assert_eq!(field_errors("A", None, &BTreeMap::new()), []);
    }

    #[test]
    fn every_unsound_field_is_named() {
        let labels = BTreeMap::from([
            ("a/b".to_owned(), "line\nbreak".to_owned()),
            (String::new(), "value".to_owned()),
        ]);
        let errors = field_errors(" ", Some("nobody"), &labels);
        let found: Vec<_> = errors.iter().map(|e| (e.pointer.as_str(), e.code.as_ref())).collect();
        assert_eq!(
            found,
            [
                ("/name", "invalid_name"),
                ("/email", "invalid_email"),
                ("/labels", "invalid_label"),
                ("/labels/a~1b", "invalid_label"),
            ]
        );
    }

    #[test]
    fn everything_is_bounded() {
        let long = "n".repeat(MAX_NAME + 1);
        assert_eq!(field_errors(&long, None, &BTreeMap::new()).len(), 1);
        let email = format!("{}@example.com", "e".repeat(MAX_EMAIL));
        assert_eq!(field_errors("n", Some(&email), &BTreeMap::new()).len(), 1);
        let labels = (0..=MAX_LABELS).map(|n| (n.to_string(), String::new())).collect();
        assert_eq!(field_errors("n", None, &labels)[0].code, "too_many_labels");
    }
}
