//! `DynamoDB` JSON: attribute values with their types, as AWS's own API writes them. Binary values are
//! base64.
//!
//! Source: `DynamoDB` API Reference, `AttributeValue`.

use std::collections::HashMap;

use aws_sdk_dynamodb::primitives::Blob;
use aws_sdk_dynamodb::types::AttributeValue;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer};
use serde_json::{Value, json};

/// Deepest nesting. Source: `DynamoDB` Developer Guide, "Service, account, and table quotas".
const DEEPEST: usize = 32;

/// An attribute's value.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Attribute(pub AttributeValue);

/// An item, or its key.
pub(crate) type Attributes = HashMap<String, Attribute>;

impl<'de> Deserialize<'de> for Attribute {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = Value::deserialize(deserializer)?;
        read(&value, 1).map(Self).map_err(D::Error::custom)
    }
}

fn read(value: &Value, depth: usize) -> Result<AttributeValue, String> {
    if depth > DEEPEST {
        return Err(format!("an attribute is nested deeper than {DEEPEST} levels"));
    }
    let one = value.as_object().filter(|object| object.len() == 1).and_then(|object| object.iter().next());
    let (kind, value) = one.ok_or("an attribute is an object with one type, such as {\"S\": \"text\"}")?;
    let text = |value: &Value| value.as_str().map(str::to_owned).ok_or(format!("{kind} takes a string"));
    let list = |value: &Value| value.as_array().cloned().ok_or(format!("{kind} takes a list"));
    let texts = |value: &Value| list(value)?.iter().map(text).collect::<Result<Vec<_>, _>>();
    let bytes = |value: &Value| {
        let decoded = STANDARD.decode(text(value)?).map_err(|_| format!("{kind} takes base64"))?;
        Ok::<_, String>(Blob::new(decoded))
    };
    Ok(match kind.as_str() {
        "S" => AttributeValue::S(text(value)?),
        "N" => AttributeValue::N(text(value)?),
        "B" => AttributeValue::B(bytes(value)?),
        "BOOL" => AttributeValue::Bool(value.as_bool().ok_or("BOOL takes true or false")?),
        "NULL" => AttributeValue::Null(value.as_bool().filter(|null| *null).ok_or("NULL takes true")?),
        "SS" => AttributeValue::Ss(texts(value)?),
        "NS" => AttributeValue::Ns(texts(value)?),
        "BS" => AttributeValue::Bs(list(value)?.iter().map(bytes).collect::<Result<_, _>>()?),
        "L" => {
            let values = list(value)?;
            AttributeValue::L(values.iter().map(|value| read(value, depth + 1)).collect::<Result<_, _>>()?)
        }
        "M" => {
            let map = value.as_object().ok_or("M takes an object")?;
            let entries = map.iter().map(|(name, value)| Ok((name.clone(), read(value, depth + 1)?)));
            AttributeValue::M(entries.collect::<Result<_, String>>()?)
        }
        other => return Err(format!("{other} is no type of an attribute")),
    })
}

/// An item as the SDK takes it.
pub(crate) fn taken(attributes: &Attributes) -> HashMap<String, AttributeValue> {
    attributes.iter().map(|(name, value)| (name.clone(), value.0.clone())).collect()
}

/// An item, or its key, as it was read.
pub(crate) fn written(attributes: &HashMap<String, AttributeValue>) -> Value {
    Value::Object(attributes.iter().map(|(name, value)| (name.clone(), write(value))).collect())
}

fn write(value: &AttributeValue) -> Value {
    let bytes = |bytes: &Blob| STANDARD.encode(bytes.as_ref());
    match value {
        AttributeValue::S(text) => json!({ "S": text }),
        AttributeValue::N(number) => json!({ "N": number }),
        AttributeValue::B(blob) => json!({ "B": bytes(blob) }),
        AttributeValue::Bool(truth) => json!({ "BOOL": truth }),
        AttributeValue::Ss(texts) => json!({ "SS": texts }),
        AttributeValue::Ns(numbers) => json!({ "NS": numbers }),
        AttributeValue::Bs(blobs) => json!({ "BS": blobs.iter().map(bytes).collect::<Vec<_>>() }),
        AttributeValue::L(values) => json!({ "L": values.iter().map(write).collect::<Vec<_>>() }),
        AttributeValue::M(map) => json!({ "M": written(map) }),
        // The one type that is left of those that can be read.
        _ => json!({ "NULL": true }),
    }
}

/// How large a value is at least, in bytes. Numbers take up to two digits a byte; those whose digits
/// `DynamoDB` would trim are counted as if it trimmed all it could.
///
/// Source: `DynamoDB` Developer Guide, "`DynamoDB` item sizes and formats".
pub(crate) fn size_of(value: &AttributeValue) -> usize {
    match value {
        AttributeValue::S(text) => text.len(),
        AttributeValue::N(number) => size_of_number(number),
        AttributeValue::B(bytes) => bytes.as_ref().len(),
        AttributeValue::Ss(texts) => texts.iter().map(String::len).sum(),
        AttributeValue::Ns(numbers) => numbers.iter().map(|number| size_of_number(number)).sum(),
        AttributeValue::Bs(many) => many.iter().map(|bytes| bytes.as_ref().len()).sum(),
        AttributeValue::L(values) => 3 + values.iter().map(|value| 1 + size_of(value)).sum::<usize>(),
        AttributeValue::M(map) => {
            3 + map.iter().map(|(name, value)| 1 + name.len() + size_of(value)).sum::<usize>()
        }
        _ => 1,
    }
}

/// A byte for two significant digits, and one more.
fn size_of_number(number: &str) -> usize {
    let digits: String =
        number.split(['e', 'E']).next().unwrap_or_default().chars().filter(char::is_ascii_digit).collect();
    digits.trim_matches('0').len().div_ceil(2) + 1
}

#[cfg(test)]
mod tests;
