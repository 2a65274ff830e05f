//! Changing something in the version that was seen.

use comfy_table::Cell;
use serde_json::{Map, Value};

use super::seen_version;
use crate::client::{Client, Conditional};
use crate::failure::Result;
use crate::screen::Screen;
use crate::table::listing;
use crate::text::field;

/// Changes what is at this path and was read as `before`, unless it is as `body` asks already: then there
/// is no answer. Where an answer is lost, it looks.
pub(super) async fn change(
    client: &Client,
    screen: &Screen,
    path: &[&str],
    before: &Value,
    body: &Map<String, Value>,
) -> Result<Option<Value>> {
    if is_like(before, body) {
        return Ok(None);
    }
    let asked = Value::Object(body.clone());
    match client.patch_version(path, &asked, seen_version(before)?).await? {
        Conditional::Made(after) => Ok(Some(after)),
        Conditional::Unknown(failure) => {
            // The version may be another because of this very change.
            let now = client.get(path, &[]).await?;
            if !is_like(&now, body) {
                return Err(failure);
            }
            screen.note("the answer was lost, but it is as asked for\n");
            Ok(Some(now))
        }
    }
}

/// Whether everything that `body` asks for is so.
fn is_like(of: &Value, body: &Map<String, Value>) -> bool {
    body.iter().all(|(name, wanted)| unordered(of.get(name)) == unordered(Some(wanted)))
}

/// A field's value, whatever the order of its items: what lists there are, are sets.
fn unordered(value: Option<&Value>) -> Value {
    let mut value = value.cloned().unwrap_or_default();
    if let Some(items) = value.as_array_mut() {
        items.sort_by_key(ToString::to_string);
        items.dedup();
    }
    value
}

/// What is different, field by field.
pub(super) fn changes(fields: &[&str], before: &Value, after: &Value) -> String {
    let rows: Vec<_> = fields
        .iter()
        .filter(|name| unordered(before.get(name)) != unordered(after.get(name)))
        .map(|name| vec![Cell::new(name), Cell::new(field(before, name)), Cell::new(field(after, name))])
        .collect();
    match rows[..] {
        [] => "nothing has changed".to_owned(),
        _ => listing(&["change", "before", "after"], 3, rows),
    }
}
