//! One verification of a connection: how far it has come, and how it ended.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::arn::RoleArn;
use crate::capability::Action;
use crate::check::{Assessment, Tally};
use crate::id::{ConnectionId, VerificationId};
use crate::message::VerifyStep;
use crate::proof::{Probe, Trust};
use crate::reason::ReasonCode;
use crate::state::ConnectionState;
use crate::steps::Steps;

/// How much a verification looks at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Depth {
    /// Trust, and what can be read: what is looked at every day.
    Reads,
    /// Everything: what is looked at every week, and whenever somebody asks.
    Full,
}

impl Depth {
    /// Whether a verification of this depth asks about the action.
    #[must_use]
    pub fn includes(self, action: Action) -> bool {
        self == Self::Full || action.reads()
    }
}

/// The latest verification of a connection.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Verification {
    /// Which one.
    pub id: VerificationId,
    /// How far it has come.
    pub steps: Steps,
    /// How much it looks at.
    pub depth: Depth,
    /// At which step the grant was known to be published, once it is.
    pub granted_at: Option<u32>,
    /// The probes of the rounds that agree so far.
    pub probes: Vec<Probe>,
    /// Whether enough rounds agree, so that only the role's permissions are still to be looked at.
    #[serde(default)]
    pub proven: bool,
}

impl Verification {
    /// The message that takes its next step.
    #[must_use]
    pub fn next_message(&self, connection_id: ConnectionId) -> VerifyStep {
        VerifyStep {
            connection_id,
            verification_id: self.id,
            step: self.steps.step,
            deadline: self.steps.deadline,
        }
    }

    /// How many rounds agree so far. Each has left three probes.
    #[must_use]
    pub fn rounds_agreed(&self) -> u32 {
        self.probes.iter().map(|probe| probe.round).max().unwrap_or(0)
    }

    /// The same one a step further, with the probes of a round that agrees, if one did.
    #[must_use]
    pub fn advanced(&self, now: Timestamp, agreed: &[Probe]) -> Self {
        let mut next = Self { steps: self.steps.advanced(now), ..self.clone() };
        next.probes.extend_from_slice(agreed);
        next
    }

    /// The same one a step further, once trust is proven: the time that it was given is now for the
    /// permissions.
    #[must_use]
    pub fn proven(&self, now: Timestamp, agreed: &[Probe]) -> Self {
        let next = self.advanced(now, agreed);
        Self { steps: next.steps.counted_from(now), proven: true, ..next }
    }

    /// When the rounds that agree so far were run, if there are any.
    #[must_use]
    pub fn last_agreed_at(&self) -> Option<Timestamp> {
        self.probes.iter().map(|probe| probe.at).max()
    }
}

/// How a verification ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// Trust is proven, and the connection may own the role; what the role can do is assessed.
    Proven(Assessment),
    /// Trust is proven, but another connection owns the role.
    OwnedElsewhere,
    /// The role cannot be trusted or assumed.
    Rejected(Vec<ReasonCode>),
    /// AWS did not say until the deadline.
    Inconclusive,
    /// No grant had room for the role until the deadline: nothing was asked of AWS.
    NoRoom,
}

#[cfg(any(test, feature = "sample"))]
impl Outcome {
    /// Trust is proven, and everything asked for is possible.
    #[must_use]
    pub fn proven() -> Self {
        Self::Proven(Assessment::default())
    }
}

/// What a verification leaves behind: kept with the connection for auditors, one item each.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Evidence {
    /// Which verification.
    pub verification_id: VerificationId,
    /// Of which role.
    pub role_arn: RoleArn,
    /// How much it looked at.
    pub depth: Depth,
    /// When it was asked for.
    pub started_at: Timestamp,
    /// When it ended.
    pub finished_at: Timestamp,
    /// The state that it led to.
    pub state: ConnectionState,
    /// What was asked and answered.
    pub trust: Trust,
    /// Why the connection is not active, if it is not; and whether something was left open.
    pub reasons: Vec<ReasonCode>,
    /// What the role can do, where its trust is proven.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub checks: Option<Tally>,
}
