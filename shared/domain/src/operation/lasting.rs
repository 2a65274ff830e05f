//! Operations that last: AWS takes the request at once, and the state that is meant is reached in
//! minutes. They go on in steps, each asked for by a message, until every target has ended.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{Ending, Operation, Restoring, Target, TargetOutcome};
use crate::message::{JobsMessage, OperationStep};
use crate::steps::Steps;

/// How long targets may take to reach what is meant. Instances with much memory to write, or on bare
/// metal, take longest. Source: EC2 User Guide, "Hibernate your EC2 instance", "Bare metal instances".
pub const LONGEST_WAIT: SignedDuration = SignedDuration::from_mins(30);

/// How long AWS is asked again where it throttles or fails.
pub const LONGEST_ASKING: SignedDuration = SignedDuration::from_mins(5);

/// Longest pause between two looks, in seconds.
const LONGEST_PAUSE: i64 = 15;

/// Most ids of requests that are kept: the first, since those are what AWS did it by.
const MOST_REQUEST_IDS: usize = 100;

/// What is kept of an operation that lasts, besides what is kept of every one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lasting {
    /// What AWS is asked for, under its own names: ids and switches, and nothing that is the
    /// customer's alone.
    pub input: Map<String, Value>,
    /// How far it has come.
    pub steps: Steps,
    /// When AWS was last asked to do it, as opposed to how it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub asked_at: Option<Timestamp>,
}

impl Operation {
    /// The same as one that lasts, about these targets, none of which AWS was asked about yet.
    #[must_use]
    pub fn lasting(self, input: Map<String, Value>, ids: Vec<String>) -> Self {
        let steps = Steps::start(self.started_at, self.started_at + LONGEST_WAIT);
        let queued = |id| Target { id, outcome: TargetOutcome::Queued, code: None, detail: None };
        Self {
            targets: ids.into_iter().map(queued).collect(),
            lasting: Some(Lasting { input, steps, asked_at: None }),
            ..self
        }
    }

    /// The targets of which this became so far.
    #[must_use]
    pub fn ids(&self, outcome: TargetOutcome) -> Vec<String> {
        let such = self.targets.iter().filter(|target| target.outcome == outcome);
        such.map(|target| target.id.clone()).collect()
    }

    /// Whether every target has ended.
    #[must_use]
    pub fn is_settled(&self) -> bool {
        self.targets.iter().all(|target| target.outcome.is_final())
    }

    /// The message that asks for its next step, if it lasts.
    #[must_use]
    pub fn next_message(&self) -> Option<JobsMessage> {
        let steps = self.steps()?;
        Some(JobsMessage::Operation(OperationStep {
            connection_id: self.connection_id,
            operation_id: self.id,
            step: steps.step,
            deadline: steps.deadline,
            waited: false,
        }))
    }

    /// How long until its next step: soon at first, since most are quick.
    #[must_use]
    pub fn pause(&self) -> SignedDuration {
        if let Some(restoring) = &self.restoring {
            return restoring.pause();
        }
        let step = self.lasting.as_ref().map_or(0, |lasting| lasting.steps.step);
        SignedDuration::from_secs(LONGEST_PAUSE.min(1 << step.saturating_sub(1).min(4)))
    }

    /// The same a step further, now that this became of these targets.
    #[must_use]
    pub fn stepped(&self, news: Vec<Target>, now: Timestamp) -> Self {
        let lasting =
            self.lasting.clone().map(|lasting| Lasting { steps: lasting.steps.advanced(now), ..lasting });
        Self { lasting, ..self.clone() }.with(news)
    }

    /// The same, with this having become of these targets.
    #[must_use]
    pub fn with(self, news: Vec<Target>) -> Self {
        let mut targets = self.targets;
        for told in news {
            if let Some(target) = targets.iter_mut().find(|target| target.id == told.id) {
                *target = told;
            }
        }
        Self { targets, ..self }
    }

    /// The same, with AWS having been asked to do it.
    #[must_use]
    pub fn asked(self, request_ids: Vec<String>, now: Timestamp) -> Self {
        let lasting = self.lasting.map(|lasting| Lasting { asked_at: Some(now), ..lasting });
        let request_ids = self.request_ids.into_iter().chain(request_ids).take(MOST_REQUEST_IDS).collect();
        Self { request_ids, lasting, ..self }
    }

    /// The same, given up: what AWS was not asked for has failed for this reason, unless another is known,
    /// and of what it took nobody knows what became.
    #[must_use]
    pub fn given_up(self, code: &str, detail: &str) -> Self {
        if self.restoring.is_some() {
            return self.restored(|restoring| restoring.given_up(code, detail));
        }
        let unseen = format!("AWS took the request, and what became of it was not seen. {detail}");
        self.fails_where(TargetOutcome::Queued, code, detail).fails_where(
            TargetOutcome::Running,
            "outcome_unknown",
            &unseen,
        )
    }

    /// The same, with the targets of which this became so far having failed for this reason, unless
    /// another is known.
    #[must_use]
    pub fn fails_where(self, outcome: TargetOutcome, code: &str, detail: &str) -> Self {
        let failed = |target: Target| {
            if target.outcome != outcome {
                return target;
            }
            let code = target.code.or_else(|| Some(code.to_owned()));
            let detail = target.detail.or_else(|| Some(detail.to_owned()));
            Target { outcome: TargetOutcome::Failed, code, detail, ..target }
        };
        Self { targets: self.targets.into_iter().map(failed).collect(), ..self }
    }

    /// The same, over: all of its targets have ended.
    #[must_use]
    pub fn settled(&self, now: Timestamp) -> Self {
        let Self { targets, request_ids, had_output, .. } = self.clone();
        let mut ended = self.ended(Ending { targets, request_ids, had_output }, now);
        ended.lasting = ended.lasting.map(|lasting| Lasting { steps: lasting.steps.ended(), ..lasting });
        ended.restoring =
            ended.restoring.map(|restoring| Restoring { steps: restoring.steps.ended(), ..restoring });
        ended
    }
}

#[cfg(test)]
mod tests;
