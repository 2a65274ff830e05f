//! Looking for a customer's role that is not there yet, so that its ARN need not be pasted.
//!
//! A look knows where the role will be: in the customer's account, under the name that the setup gives
//! it. AWS is asked for it by and by, less often the longer it takes, until it lets us in or the look's
//! time is over. That it is not there yet is no failure of anybody's.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::arn::RoleArn;
use crate::audit::Actor;
use crate::id::{ConnectionId, LookId};
use crate::message::LookStep;
use crate::steps::Steps;

/// Longest pause between two attempts. It stays below the time after which work counts as stuck, and
/// below SQS's longest delay.
const LONGEST_PAUSE: SignedDuration = SignedDuration::from_mins(5);

/// One look for a role.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Look {
    /// Which one.
    pub id: LookId,
    /// How far it has come. Its deadline is a promise: nothing is asked of AWS after it.
    pub steps: Steps,
    /// Who asked for it, and submits the role if it is found.
    pub actor: Actor,
    /// The role that is looked for.
    pub role_arn: RoleArn,
    /// How often it was tried to have it.
    pub attempts: u32,
    /// When it is tried next.
    pub next_at: Timestamp,
}

impl Look {
    /// One that begins at once.
    #[must_use]
    pub fn start(id: LookId, role_arn: RoleArn, actor: Actor, now: Timestamp, until: Timestamp) -> Self {
        Self { id, steps: Steps::start(now, until), actor, role_arn, attempts: 0, next_at: now }
    }

    /// When it ends.
    #[must_use]
    pub fn until(&self) -> Timestamp {
        self.steps.deadline
    }

    /// The message that takes its next step.
    #[must_use]
    pub fn next_message(&self, connection_id: ConnectionId) -> LookStep {
        LookStep { connection_id, look_id: self.id, step: self.steps.step, deadline: self.steps.deadline }
    }

    /// The same one after an attempt in vain.
    #[must_use]
    pub fn tried(&self, now: Timestamp, interval: SignedDuration) -> Self {
        let tried = Self { attempts: self.attempts.saturating_add(1), ..self.clone() };
        let pause = back_off(tried.attempts, interval);
        tried.paused(now, pause)
    }

    /// The same one a step further, without an attempt: `pause` is for something of our own. It never
    /// leads past the end.
    #[must_use]
    pub fn paused(&self, now: Timestamp, pause: SignedDuration) -> Self {
        let next_at = (now + pause).min(self.until()).max(now);
        Self { steps: self.steps.advanced(now), next_at, ..self.clone() }
    }

    /// The same one, over.
    #[must_use]
    pub fn ended(&self) -> Self {
        Self { steps: self.steps.ended(), ..self.clone() }
    }
}

/// How long to wait after so many attempts: it doubles.
#[must_use]
pub fn back_off(attempts: u32, interval: SignedDuration) -> SignedDuration {
    let factor = 1_i32.checked_shl(attempts.saturating_sub(1)).filter(|factor| *factor > 0);
    factor
        .and_then(|factor| interval.checked_mul(factor))
        .map_or(LONGEST_PAUSE, |pause| pause.min(LONGEST_PAUSE))
}

#[cfg(test)]
mod tests;
