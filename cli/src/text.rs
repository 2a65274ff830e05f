//! Texts from elsewhere, made fit for a terminal.

use jiff::Timestamp;
use serde_json::Value;

/// What stands where there is nothing.
pub const NOTHING: &str = "-";

/// The text without control characters, which could make a terminal do things. Line breaks stay.
pub fn visible(text: &str) -> String {
    text.chars().map(|c| if c.is_control() && c != '\n' { char::REPLACEMENT_CHARACTER } else { c }).collect()
}

/// A field of an answer as a person reads it: lists joined, labels as `key=value`, `-` for nothing.
pub fn field(of: &Value, name: &str) -> String {
    of.get(name).map_or_else(|| NOTHING.to_owned(), human)
}

/// A point in time of an answer, to the second.
pub fn time(of: &Value, name: &str) -> String {
    let text = field(of, name);
    match text.parse::<Timestamp>() {
        Ok(time) => time.strftime("%Y-%m-%d %H:%M:%SZ").to_string(),
        Err(_) => text,
    }
}

/// The items of a list in an answer; none where there is no list.
pub fn items<'a>(of: &'a Value, name: &str) -> &'a [Value] {
    of.get(name).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

fn human(value: &Value) -> String {
    let text = match value {
        Value::Null => String::new(),
        Value::String(text) => visible(text),
        Value::Array(items) => items.iter().map(human).collect::<Vec<_>>().join(", "),
        Value::Object(fields) => fields
            .iter()
            .map(|(key, value)| format!("{}={}", visible(key), human(value)))
            .collect::<Vec<_>>()
            .join(", "),
        other => other.to_string(),
    };
    if text.is_empty() { NOTHING.to_owned() } else { text }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn fields_read_well() {
        let of = json!({
            "a": ["x", "y"], "b": {"tier": "gold"}, "c": null, "d": [], "e": "bell\u{7}",
            "at": "2026-11-22T02:04:35.123456Z",
        });
        let read = |name| field(&of, name);
        assert_eq!(
            [read("a"), read("b"), read("c"), read("d"), read("e"), read("f")],
            ["x, y", "tier=gold", "-", "-", "bell\u{fffd}", "-"]
        );
        assert_eq!(time(&of, "at"), "2026-11-22 02:04:35Z");
        assert_eq!(time(&of, "c"), "-");
    }
}
