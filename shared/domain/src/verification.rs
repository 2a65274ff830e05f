//! One verification of a connection: how far it has come, and how it ended.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::arn::RoleArn;
use crate::id::{ConnectionId, VerificationId};
use crate::message::VerifyStep;
use crate::proof::{Probe, Trust};
use crate::reason::ReasonCode;
use crate::state::ConnectionState;

/// After so many steps a verification is past its deadline, whatever the clock says.
pub const MAX_STEPS: u32 = 500;

/// The latest verification of a connection.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Verification {
    /// Which one.
    pub id: VerificationId,
    /// Whether it is still going on.
    pub running: bool,
    /// When it was asked for.
    pub started_at: Timestamp,
    /// When waiting for an answer ends.
    pub deadline: Timestamp,
    /// The step that is next, from 0.
    pub step: u32,
    /// When the step before it was taken, or the verification asked for.
    pub stepped_at: Timestamp,
    /// Whether the grant is known to be published.
    pub granted: bool,
    /// The probes of the rounds that agree so far.
    pub probes: Vec<Probe>,
}

impl Verification {
    /// How long after its last step a running verification counts as stuck: longer than any delay
    /// between two steps, which the template bounds to two minutes, and the time a step may take.
    const GRACE: SignedDuration = SignedDuration::from_mins(7);

    /// A new one. A role that was accepted before has been `granted`.
    #[must_use]
    pub fn start(id: VerificationId, now: Timestamp, deadline: Timestamp, granted: bool) -> Self {
        Self {
            id,
            running: true,
            started_at: now,
            deadline,
            step: 0,
            stepped_at: now,
            granted,
            probes: Vec::new(),
        }
    }

    /// The message that takes its next step.
    #[must_use]
    pub fn next_message(&self, connection_id: ConnectionId) -> VerifyStep {
        VerifyStep { connection_id, verification_id: self.id, step: self.step, deadline: self.deadline }
    }

    /// How many rounds agree so far. Each has left three probes.
    #[must_use]
    pub fn rounds_agreed(&self) -> u32 {
        self.probes.iter().map(|probe| probe.round).max().unwrap_or(0)
    }

    /// The same one with all the time that it was given, counted from `now`: waiting in a queue or
    /// for our own grant must not be held against the customer's role.
    #[must_use]
    pub fn counted_from(&self, now: Timestamp) -> Self {
        let given = self.deadline.duration_since(self.started_at);
        Self { deadline: self.deadline.max(now + given), ..self.clone() }
    }

    /// The same one a step further, with the probes of a round that agrees, if one did.
    #[must_use]
    pub fn advanced(&self, now: Timestamp, agreed: &[Probe]) -> Self {
        let mut next = self.clone();
        next.step += 1;
        next.stepped_at = now;
        next.probes.extend_from_slice(agreed);
        next
    }

    /// When the rounds that agree so far were run, if there are any.
    #[must_use]
    pub fn last_agreed_at(&self) -> Option<Timestamp> {
        self.probes.iter().map(|probe| probe.at).max()
    }

    /// Whether its next step should have been taken long ago: its message was lost to the
    /// dead-letter queue.
    #[must_use]
    pub fn is_stuck(&self, now: Timestamp) -> bool {
        self.running && now > self.deadline && now > self.stepped_at + Self::GRACE
    }
}

/// How a verification ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// Trust is proven, and the connection may own the role.
    Proven,
    /// Trust is proven, but another connection owns the role.
    OwnedElsewhere,
    /// The role cannot be trusted or assumed.
    Rejected(Vec<ReasonCode>),
    /// AWS did not say until the deadline.
    Inconclusive,
}

/// What a verification leaves behind: kept with the connection for auditors, one item each.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Evidence {
    /// Which verification.
    pub verification_id: VerificationId,
    /// Of which role.
    pub role_arn: RoleArn,
    /// When it was asked for.
    pub started_at: Timestamp,
    /// When it ended.
    pub finished_at: Timestamp,
    /// The state that it led to.
    pub state: ConnectionState,
    /// What was asked and answered.
    pub trust: Trust,
    /// Why the connection is not active, if it is not.
    pub reasons: Vec<ReasonCode>,
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::constant(1_000_000, 0);

    fn after(seconds: i64) -> Timestamp {
        NOW + SignedDuration::from_secs(seconds)
    }

    #[test]
    fn time_in_the_queue_is_not_held_against_the_role() {
        let verification = Verification::start(VerificationId::new(NOW, [1; 10]), NOW, after(300), false);
        assert_eq!(verification.counted_from(after(500)).deadline, after(800));
        assert_eq!(verification.counted_from(NOW).deadline, after(300));
    }

    #[test]
    fn only_what_takes_no_steps_is_stuck() {
        let verification = Verification::start(VerificationId::new(NOW, [1; 10]), NOW, after(300), false);
        assert!(!verification.is_stuck(after(400)));
        assert!(verification.is_stuck(after(421)));
        assert!(!verification.advanced(after(400), &[]).is_stuck(after(421)));
        assert!(!Verification { running: false, ..verification }.is_stuck(after(9999)));
    }
}
