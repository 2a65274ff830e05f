//! What batches leave undone, tried again.
//!
//! Source: `DynamoDB` Developer Guide, "Batch operations and error handling": what is left unprocessed
//! is to be asked for again, after an exponential backoff.

use std::collections::BTreeMap;
use std::time::Duration;

use domain::operation::{Target, TargetOutcome};
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

    /// This round brought nothing that is told: AWS refused it, or it is asked for again in parts.
    pub(crate) fn passed_over(&mut self, request_id: Option<&str>) {
        self.request_ids.extend(request_id.map(str::to_owned));
    }

    /// Whether nothing was answered yet.
    pub(crate) fn is_empty(&self) -> bool {
        self.output.is_empty()
    }

    /// What is left, in other words than the last answer's.
    pub(crate) fn leaves(&mut self, left: &'static str, what: Value) {
        self.output.insert(left.to_owned(), what);
    }

    /// The end: of each table with so many writes or keys, so many are left, and why.
    pub(crate) fn ended(
        self,
        asked: &BTreeMap<String, usize>,
        left: &BTreeMap<String, usize>,
        mut why: impl FnMut(String) -> Target,
    ) -> Outcome {
        let target = |(table, asked): (&String, &usize)| match left.get(table) {
            None | Some(0) => succeeded(table.clone()),
            Some(left) if left < asked => partly(why(table.clone()), *left, *asked),
            Some(_) => why(table.clone()),
        };
        Outcome {
            targets: asked.iter().map(target).collect(),
            output: if self.output.is_empty() { Value::Null } else { Value::Object(self.output) },
            confidential: true,
            request_ids: self.request_ids,
        }
    }
}

/// A table of which a part was done.
fn partly(why: Target, left: usize, asked: usize) -> Target {
    let reason = why.detail.unwrap_or_default();
    let detail = format!("{left} of {asked} are not done, which the output names. {reason}");
    Target { outcome: TargetOutcome::Partial, detail: Some(detail), ..why }
}

/// A table of which `DynamoDB` left something undone in every round.
pub(crate) fn throttled(table: String) -> Target {
    let detail = format!(
        "DynamoDB left it undone in {ROUNDS} rounds, for want of throughput. Ask for it again in a moment, or raise \
         the table's throughput."
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
