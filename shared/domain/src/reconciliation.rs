//! Reconciliation: do the grants in IAM, the table's account of them, and what connections need
//! agree?

use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::audit::Actor;
use crate::id::ReconciliationId;
use crate::message::Reconcile;

/// Most findings that are kept of one reconciliation; the others are counted.
pub const MAX_FINDINGS: usize = 200;

/// What does not agree.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum FindingCode {
    /// A connection needs its role, but the table does not hold it for the connection.
    HoldMissing,
    /// The table holds a role for a connection that does not need it.
    HoldUnneeded,
    /// An accepted connection would never be verified again.
    ProofNotDue,
    /// A grant names a role that nobody holds.
    RoleUnheld,
    /// The table's count of a grant's characters is not what its roles take.
    CountWrong,
    /// A grant's policy is not in IAM.
    PolicyMissing,
    /// A grant's policy names other roles than the table.
    PolicyDiffers,
    /// A policy is in IAM whose grant is empty.
    PolicyUnneeded,
    /// A grant's policy is not attached to its broker.
    AttachmentMissing,
    /// A grant's policy is attached to a broker that is not its own.
    AttachmentUnneeded,
    /// Something else than a grant is attached to a broker. Drawbridge does not touch it.
    AttachmentForeign,
}

impl FindingCode {
    /// What is, or would be, done about it.
    #[must_use]
    pub const fn mend(self) -> &'static str {
        match self {
            Self::HoldMissing => "hold the role for the connection",
            Self::HoldUnneeded => "give the role back",
            Self::ProofNotDue => "schedule its next verification",
            Self::RoleUnheld => "remove the role from the grant",
            Self::CountWrong => "count again",
            Self::PolicyMissing | Self::PolicyDiffers => "publish the grant",
            Self::PolicyUnneeded => "delete the policy",
            Self::AttachmentMissing => "attach the policy",
            Self::AttachmentUnneeded => "detach the policy",
            Self::AttachmentForeign => "none: look at who attached it, and detach it by hand",
        }
    }
}

/// One thing that does not agree.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Finding {
    /// What.
    pub code: FindingCode,
    /// Of which connection, grant or policy.
    pub subject: String,
    /// More about it.
    pub detail: String,
    /// What is, or would be, done about it.
    pub mend: String,
    /// Whether it was.
    pub mended: bool,
}

impl Finding {
    /// A finding that nothing has been done about.
    pub fn new<S: fmt::Display + ?Sized>(code: FindingCode, subject: &S, detail: impl Into<String>) -> Self {
        Self {
            code,
            subject: subject.to_string(),
            detail: detail.into(),
            mend: code.mend().to_owned(),
            mended: false,
        }
    }
}

/// What is compared next.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "phase", rename_all = "snake_case")]
pub enum Phase {
    /// The connections from this page of their list on.
    Connections {
        /// Where the page before it led to.
        cursor: Option<String>,
    },
    /// The grants from this place on.
    Grants {
        /// Among [`crate::grant::Capacity::every_shard`], from 0.
        place: usize,
    },
    /// Nothing more.
    Finished,
}

/// One comparison of everything.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reconciliation {
    /// Which one.
    pub id: ReconciliationId,
    /// Whether it only tells what it would do.
    pub dry_run: bool,
    /// Who asked for it.
    pub actor: Actor,
    /// When.
    pub started_at: Timestamp,
    /// When it ended, if it has.
    pub finished_at: Option<Timestamp>,
    /// The step that is next, from 0.
    pub step: u32,
    /// What that compares.
    pub phase: Phase,
    /// Connections compared so far.
    pub connections_checked: u64,
    /// Grants compared so far.
    pub grants_checked: u64,
    /// What was found, up to [`MAX_FINDINGS`].
    pub findings: Vec<Finding>,
    /// How many more there were.
    pub findings_omitted: u64,
}

impl Reconciliation {
    /// One that begins.
    #[must_use]
    pub fn start(id: ReconciliationId, dry_run: bool, actor: Actor, now: Timestamp) -> Self {
        Self {
            id,
            dry_run,
            actor,
            started_at: now,
            finished_at: None,
            step: 0,
            phase: Phase::Connections { cursor: None },
            connections_checked: 0,
            grants_checked: 0,
            findings: Vec::new(),
            findings_omitted: 0,
        }
    }

    /// The message that takes its next step.
    #[must_use]
    pub fn next_message(&self) -> Reconcile {
        Reconcile { reconciliation_id: Some(self.id), step: self.step }
    }

    /// The same one a step further.
    #[must_use]
    pub fn advanced(
        mut self,
        phase: Phase,
        connections: u64,
        grants: u64,
        findings: Vec<Finding>,
        now: Timestamp,
    ) -> Self {
        self.step += 1;
        self.connections_checked += connections;
        self.grants_checked += grants;
        for finding in findings {
            if self.findings.len() < MAX_FINDINGS {
                self.findings.push(finding);
            } else {
                self.findings_omitted += 1;
            }
        }
        self.finished_at = (phase == Phase::Finished).then_some(now);
        self.phase = phase;
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn findings_are_bounded_and_counted() {
        let now = Timestamp::UNIX_EPOCH;
        let begun = Reconciliation::start(ReconciliationId::new(now, [1; 10]), true, Actor::Drawbridge, now);
        let many = vec![Finding::new(FindingCode::CountWrong, "grant-1", "9 and not 8"); MAX_FINDINGS + 7];
        let on = begun.advanced(Phase::Grants { place: 0 }, 3, 0, many, now);
        assert_eq!((on.findings.len(), on.findings_omitted, on.step), (MAX_FINDINGS, 7, 1));
        assert_eq!((on.finished_at, on.next_message().step), (None, 1));
        let done = on.advanced(Phase::Finished, 0, 1, vec![], now);
        assert_eq!((done.finished_at, done.connections_checked, done.grants_checked), (Some(now), 3, 1));
    }
}
