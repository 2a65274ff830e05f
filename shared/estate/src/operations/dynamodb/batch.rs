//! What batches leave undone, tried again.
//!
//! Source: `DynamoDB` Developer Guide, "Batch operations and error handling": what is left unprocessed
//! is to be asked for again, after an exponential backoff.

use std::collections::BTreeSet;
use std::time::Duration;

use domain::operation::Target;
use serde_json::{Map, Value};

use crate::operations::{Outcome, failed, succeeded};

/// How often a batch is sent, at most.
pub(crate) const ROUNDS: u32 = 5;

/// Longest pause before the second round; it doubles with each one.
const FIRST_PAUSE: Duration = Duration::from_millis(100);

/// The longest pause before this round, from 1 on.
pub(crate) fn longest_pause(round: u32) -> Duration {
    FIRST_PAUSE * 2_u32.saturating_pow(round.saturating_sub(1))
}

/// Waits before this round: for some part of the longest pause, so that those who were throttled
/// together do not come again together.
pub(crate) async fn pause(round: u32) {
    let random = getrandom::u32().unwrap_or(u32::MAX);
    tokio::time::sleep(longest_pause(round).mul_f64(f64::from(random) / f64::from(u32::MAX))).await;
}

/// What became of a batch, round by round.
#[derive(Debug, Default)]
pub(crate) struct Batch {
    output: Map<String, Value>,
    request_ids: Vec<String>,
}

impl Batch {
    /// One more answer. Lists are joined; what is left is what this answer leaves.
    pub(crate) fn heard(&mut self, left: &'static str, answer: Value, request_id: Option<&str>) {
        self.request_ids.extend(request_id.map(str::to_owned));
        self.output.remove(left);
        let Value::Object(answer) = answer else { return };
        for (name, value) in answer {
            match self.output.get_mut(&name) {
                Some(known) => join(known, value),
                None => {
                    self.output.insert(name, value);
                }
            }
        }
    }

    /// AWS refused this round.
    pub(crate) fn refused(&mut self, request_id: Option<&str>) {
        self.request_ids.extend(request_id.map(str::to_owned));
    }

    /// The end: what was not done is told of each table in `left`, by `why` if AWS refused it.
    pub(crate) fn ended<'a>(
        self,
        tables: impl IntoIterator<Item = &'a String>,
        left: &BTreeSet<String>,
        mut why: impl FnMut(String) -> Target,
    ) -> Outcome {
        let target = |table: &String| {
            if left.contains(table) { why(table.clone()) } else { succeeded(table.clone()) }
        };
        Outcome {
            targets: tables.into_iter().map(target).collect(),
            output: if self.output.is_empty() { Value::Null } else { Value::Object(self.output) },
            confidential: true,
            request_ids: self.request_ids,
        }
    }
}

/// A table of which `DynamoDB` left something undone in every round.
pub(crate) fn throttled(table: String) -> Target {
    let detail = format!(
        "DynamoDB left part of this table's batch undone in {ROUNDS} rounds; the output says which. Ask for that \
         again in a moment, or raise the table's throughput."
    );
    failed(table, "throttled", detail)
}

/// Lists are joined, and so is what stands under the same name in objects.
fn join(known: &mut Value, more: Value) {
    match (known, more) {
        (Value::Array(known), Value::Array(more)) => known.extend(more),
        (Value::Object(known), Value::Object(more)) => {
            for (name, value) in more {
                match known.get_mut(&name) {
                    Some(known) => join(known, value),
                    None => {
                        known.insert(name, value);
                    }
                }
            }
        }
        (known, more) => *known = more,
    }
}
