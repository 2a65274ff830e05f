//! A run's part: one connection. Step by step its tables are listed and selected, and chunks of jobs are
//! made of them.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::id::{ConnectionId, RunId};
use crate::message::{PartStep, RunsMessage};
use crate::place::Region;
use crate::steps::Steps;

/// How long AWS is asked again for one Region's tables where it throttles or fails.
pub const LONGEST_LISTING: SignedDuration = SignedDuration::from_mins(10);

/// Longest pause before AWS is asked again, in seconds.
const LONGEST_PAUSE: i64 = 60;

/// One connection's part of a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Part {
    /// Of which run.
    pub run_id: RunId,
    /// Whose.
    pub connection_id: ConnectionId,
    /// Its steps; it has ended when all of its chunks are written.
    pub steps: Steps,
    /// The Region that is being listed; none before the first step.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub region: Option<Region>,
    /// The table after which the next page of that Region begins.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<String>,
    /// How many chunks there are.
    pub chunks: u32,
    /// How many of these the latest step has written: their messages go out after it.
    #[serde(default)]
    pub sending: u32,
    /// Since when AWS has not answered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unanswered_since: Option<Timestamp>,
    /// How often in a row it did not.
    #[serde(default)]
    pub unanswered: u32,
}

impl Part {
    /// A part of which nothing is planned yet.
    #[must_use]
    pub fn begin(run_id: RunId, connection_id: ConnectionId, now: Timestamp, deadline: Timestamp) -> Self {
        Self {
            run_id,
            connection_id,
            steps: Steps::start(now, deadline),
            region: None,
            after: None,
            chunks: 0,
            sending: 0,
            unanswered_since: None,
            unanswered: 0,
        }
    }

    /// The message that asks for its next step.
    #[must_use]
    pub fn next_message(&self) -> RunsMessage {
        RunsMessage::Part(PartStep {
            run_id: self.run_id,
            connection_id: self.connection_id,
            step: self.steps.step,
            deadline: self.steps.deadline,
            waited: false,
        })
    }

    /// The same a step further: so many chunks more are written, and it goes on at this table of this
    /// Region, or has ended.
    #[must_use]
    pub fn planned(&self, next: Option<(Region, Option<String>)>, written: u32, now: Timestamp) -> Self {
        let steps = self.steps.advanced(now);
        let (steps, region, after) = match next {
            Some((region, after)) => (steps, Some(region), after),
            None => (steps.ended(), None, None),
        };
        Self {
            steps,
            region,
            after,
            chunks: self.chunks + written,
            sending: written,
            unanswered_since: None,
            unanswered: 0,
            ..self.clone()
        }
    }

    /// The same a step further, without an answer of AWS's.
    #[must_use]
    pub fn unanswered(&self, now: Timestamp) -> Self {
        Self {
            steps: self.steps.advanced(now),
            sending: 0,
            unanswered_since: self.unanswered_since.or(Some(now)),
            unanswered: self.unanswered.saturating_add(1),
            ..self.clone()
        }
    }

    /// Whether AWS has not answered for so long that this Region is given up.
    #[must_use]
    pub fn gives_up(&self, now: Timestamp) -> bool {
        self.unanswered_since.is_some_and(|since| now >= since + LONGEST_LISTING)
    }

    /// How long until its next step.
    #[must_use]
    pub fn pause(&self) -> SignedDuration {
        match self.unanswered {
            0 => SignedDuration::ZERO,
            times => SignedDuration::from_secs(LONGEST_PAUSE.min(1 << times.min(6))),
        }
    }

    /// The numbers of the chunks that the latest step has written.
    #[must_use]
    pub fn to_send(&self) -> std::ops::Range<u32> {
        self.chunks - self.sending..self.chunks
    }
}

#[cfg(test)]
mod tests;
