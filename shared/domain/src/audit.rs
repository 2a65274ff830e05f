//! The audit list: who did what to a connection, and when.

use std::convert::Infallible;
use std::fmt;

use jiff::Timestamp;
use serde_json::{Map, Value};

use crate::id::{ConnectionId, EventId, RunId};

/// Who caused a change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Actor {
    /// One of the provider's operators or systems, by the ARN that signed the request.
    Operator(String),
    /// The customer, by the connection's invite.
    Customer,
    /// Drawbridge itself.
    Drawbridge,
}

impl fmt::Display for Actor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Operator(arn) => arn,
            Self::Customer => "customer",
            Self::Drawbridge => "drawbridge",
        })
    }
}

impl std::str::FromStr for Actor {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Infallible> {
        Ok(match text {
            "customer" => Self::Customer,
            "drawbridge" => Self::Drawbridge,
            arn => Self::Operator(arn.to_owned()),
        })
    }
}

crate::text::serde_as_text!(Actor);

/// What an event says has happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum EventType {
    /// The connection was made.
    #[serde(rename = "connection.created")]
    Created,
    /// Its state is another one now; `data` holds `from` and `to`.
    #[serde(rename = "connection.state_changed")]
    StateChanged,
    /// A verification has begun that leaves the state as it is until it ends.
    #[serde(rename = "connection.verification_started")]
    VerificationStarted,
    /// A verification has ended with the state it began with.
    #[serde(rename = "connection.verified")]
    Verified,
    /// A verification has ended without an answer to all that it asked, and with the state it began
    /// with; what was not answered is as it was.
    #[serde(rename = "connection.verification_inconclusive")]
    VerificationInconclusive,
    /// Its label, capabilities or Regions are others now; `data` says which.
    #[serde(rename = "connection.changed")]
    Changed,
    /// The customer has got a new invite; the one before it has ended.
    #[serde(rename = "connection.invite_created")]
    InviteCreated,
    /// The customer's invite has ended.
    #[serde(rename = "connection.invite_revoked")]
    InviteRevoked,
    /// The customer's role is looked for; `data` says which, and until when.
    #[serde(rename = "connection.look_started")]
    LookStarted,
    /// The customer's role was looked for in vain, which is no failure.
    #[serde(rename = "connection.look_ended")]
    LookEnded,
    /// It is tried again to show that the role is out of reach.
    #[serde(rename = "connection.offboarding_retried")]
    OffboardingRetried,
    /// The role could not be shown to be out of reach in time; it will be tried again.
    #[serde(rename = "connection.offboarding_stalled")]
    OffboardingStalled,
    /// An operation in the customer's account has ended; `data` says which, and what became of it.
    #[serde(rename = "operation.finished")]
    OperationFinished,
    /// What cannot be undone was planned; `data` says what, and of which targets.
    #[serde(rename = "plan.created")]
    PlanCreated,
    /// A plan is being carried out; `data` says who planned it, and by which operation.
    #[serde(rename = "plan.applied")]
    PlanApplied,
    /// Somebody asked for credentials of the customer's role, and AWS is about to be asked for them;
    /// `data` says what for, why and for how long.
    #[serde(rename = "credentials.requested")]
    CredentialsRequested,
    /// Credentials of the customer's role are handed out; `data` says until when they are good.
    #[serde(rename = "credentials.issued")]
    CredentialsIssued,
    /// AWS gave no credentials of the customer's role; `data` says why.
    #[serde(rename = "credentials.refused")]
    CredentialsRefused,
    /// A schedule was made; `data` says which, and when it runs.
    #[serde(rename = "schedule.created")]
    ScheduleCreated,
    /// A schedule is another one now.
    #[serde(rename = "schedule.changed")]
    ScheduleChanged,
    /// A schedule runs no more.
    #[serde(rename = "schedule.deleted")]
    ScheduleDeleted,
    /// A run has ended; `data` says which, and how many of its jobs became what.
    #[serde(rename = "run.finished")]
    RunFinished,
    /// A backup is there, as AWS says.
    #[serde(rename = "backup.created")]
    BackupCreated,
    /// A backup was deleted; `data` says why.
    #[serde(rename = "backup.deleted")]
    BackupDeleted,
    /// A backup was restored; `data` says as what, and by which operation.
    #[serde(rename = "backup.restored")]
    BackupRestored,
    /// A backup was restored for a drill; `data` says what that has shown.
    #[serde(rename = "backup.drilled")]
    BackupDrilled,
    /// A resource has no backup as new as its schedules promise, or has one again; `data` says which, and when
    /// the newest was made.
    #[serde(rename = "backup.stale")]
    BackupStale,
}

/// What an event is about, in whose audit list it stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum About {
    /// One connection.
    Connection(ConnectionId),
    /// A run over several.
    Run(RunId),
}

impl About {
    /// The connection, if it is about one.
    #[must_use]
    pub const fn connection(self) -> Option<ConnectionId> {
        match self {
            Self::Connection(id) => Some(id),
            Self::Run(_) => None,
        }
    }
}

/// One entry of the audit list. `data` never holds an external ID or a credential.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditEvent {
    /// Its stable id.
    pub id: EventId,
    /// What has happened.
    pub kind: EventType,
    /// When.
    pub at: Timestamp,
    /// Who caused it.
    pub actor: Actor,
    /// To what.
    pub about: About,
    /// What else there is to know, by kind.
    pub data: Map<String, Value>,
}
