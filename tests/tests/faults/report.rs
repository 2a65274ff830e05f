//! The table of calls, faults and outcomes, for people and for machines.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::io::Write as _;
use std::path::Path;

use serde::Serialize;
use serde_json::Value;

use crate::row::{Call, Fault};

/// How a row ended.
#[derive(Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Outcome {
    /// As the clean run did.
    AsClean,
    /// Otherwise.
    Different(Value),
    /// The call never came. That is wrong of the first of its kind; whether there is another may
    /// depend on what else happens at that time (who publishes a grant for whom), and a few clean
    /// runs can all have had one by chance.
    NotHit,
}

/// A row that was run.
#[derive(Debug, Serialize)]
pub(crate) struct Result {
    pub call: Call,
    pub fault: Fault,
    pub outcome: Outcome,
    /// Tries of the call that failed as told.
    pub hits: u32,
    /// Runs until the call came.
    pub tries: usize,
    pub seconds: f64,
}

impl Result {
    /// How it differs from the clean run, if it does.
    pub fn is_wrong(&self, clean: &Value) -> Option<String> {
        let how = match &self.outcome {
            Outcome::AsClean => return None,
            Outcome::NotHit if self.call.is_repeated() => return None,
            Outcome::NotHit => "the call never came".to_owned(),
            Outcome::Different(seen) => differences(clean, seen).join("; "),
        };
        Some(format!("{} | {} | {how}", self.call, self.fault))
    }
}

/// All rows of a workflow.
#[derive(Debug, Serialize)]
pub(crate) struct Table {
    pub workflow: &'static str,
    pub clean: Value,
    /// Calls that some clean runs made and others did not: they have no rows.
    pub occasional: BTreeSet<Call>,
    pub results: Vec<Result>,
    pub seconds: f64,
}

impl Table {
    /// The rows that are not as they should be, and how they differ.
    pub fn wrong(&self) -> Vec<String> {
        let mut wrong: Vec<_> =
            self.results.iter().filter_map(|result| result.is_wrong(&self.clean)).collect();
        wrong.sort_unstable();
        wrong
    }

    /// Writes the table into `folder`, and prints where and what is wrong.
    pub fn write(&self, folder: &Path) {
        let path = folder.join(format!("faults-{}.md", self.workflow));
        std::fs::write(&path, self.to_markdown()).expect("the table can be written");
        let data = serde_json::to_string_pretty(self).expect("the table is JSON");
        std::fs::write(path.with_extension("json"), data).expect("the table can be written");
        let (rows, seconds) = (self.results.len(), self.seconds);
        say(&format!("{}: {rows} rows in {seconds:.0} seconds, {}", self.workflow, path.display()));
    }

    fn to_markdown(&self) -> String {
        let mut by_call: BTreeMap<&Call, BTreeMap<Fault, &Result>> = BTreeMap::new();
        for result in &self.results {
            by_call.entry(&result.call).or_default().insert(result.fault, result);
        }
        let mut text = format!("# Faults of {}\n\n| call |", self.workflow);
        for fault in Fault::ALL {
            let _ = write!(text, " {fault} |");
        }
        text.push_str("\n|---|");
        text.push_str(&"---|".repeat(Fault::ALL.len()));
        for (call, faults) in by_call {
            let _ = write!(text, "\n| {call} |");
            for fault in Fault::ALL {
                let cell = faults.get(&fault).map_or("", |result| match result.outcome {
                    Outcome::AsClean => "as clean",
                    Outcome::Different(_) => "**different**",
                    Outcome::NotHit => "**not hit**",
                });
                let _ = write!(text, " {cell} |");
            }
        }
        let _ = write!(text, "\n\n{} rows in {:.0} seconds.\n", self.results.len(), self.seconds);
        for (title, lines) in [
            ("Not as the clean run", self.wrong()),
            ("Calls that depend on chance", self.occasional.iter().map(ToString::to_string).collect()),
        ] {
            if !lines.is_empty() {
                let _ = write!(text, "\n## {title}\n\n- {}\n", lines.join("\n- "));
            }
        }
        let clean = serde_json::to_string_pretty(&self.clean).unwrap_or_default();
        let _ = write!(text, "\n## The clean run\n\n```json\n{clean}\n```\n");
        text
    }
}

/// Tells whoever runs the tests how far they are. It is not a macro for printing, which shows
/// nothing where a test succeeds.
pub(crate) fn say(text: &str) {
    let _ = writeln!(std::io::stderr(), "{}", text.trim_end());
}

/// Where two values differ, and how.
fn differences(expected: &Value, seen: &Value) -> Vec<String> {
    let mut found = Vec::new();
    compare("", expected, seen, &mut found);
    found
}

fn compare(place: &str, expected: &Value, seen: &Value, found: &mut Vec<String>) {
    if let (Value::Object(expected), Value::Object(seen)) = (expected, seen) {
        let names: BTreeSet<_> = expected.keys().chain(seen.keys()).collect();
        for name in names {
            let of = |map: &serde_json::Map<String, Value>| map.get(name).cloned().unwrap_or_default();
            compare(&format!("{place}/{name}"), &of(expected), &of(seen), found);
        }
    } else if expected != seen {
        found.push(format!("{place}: {seen} and not {expected}"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_difference_is_told_by_its_place() {
        let expected = json!({"a": {"b": 1, "c": [1]}, "d": null});
        assert!(differences(&expected, &expected).is_empty());
        let seen = json!({"a": {"b": 2, "c": [1]}, "e": true});
        assert_eq!(differences(&expected, &seen), ["/a/b: 2 and not 1", "/e: true and not null"]);
    }
}
