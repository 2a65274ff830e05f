//! One job of a run: what is done to one resource.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::drill::Drill;
use crate::id::{BackupId, ConnectionId, JobId, RunId};
use crate::place::Region;
use crate::retention::KeepReason;

/// The resource of a job that stands for all that would have been selected, where nobody could look.
pub const EVERYTHING: &str = "*";

/// Most ids of requests that a job keeps.
const MOST_REQUEST_IDS: usize = 10;

/// How far a job has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// AWS was not asked yet.
    Waiting,
    /// AWS is being asked to make it, or was: whoever finds it so after a crash looks for it first.
    Asking,
    /// AWS has taken it, and is making it.
    Making,
    /// It is there; what retention does not keep is being deleted.
    Pruning,
    /// It is done.
    Succeeded,
    /// It is not done, and will not be.
    Failed,
    /// It was left out on purpose, and the code says why.
    Skipped,
}

impl Phase {
    /// Whether nothing more becomes of it.
    #[must_use]
    pub const fn is_final(self) -> bool {
        matches!(self, Self::Succeeded | Self::Failed | Self::Skipped)
    }
}

/// Where a job stands, for callers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum JobState {
    /// AWS was not asked yet.
    Queued,
    /// AWS is at it.
    Running,
    /// It is done.
    Succeeded,
    /// It is not done, and will not be.
    Failed,
    /// It was left out, and the code says why.
    Skipped,
}

impl From<Phase> for JobState {
    fn from(phase: Phase) -> Self {
        match phase {
            Phase::Waiting => Self::Queued,
            Phase::Asking | Phase::Making | Phase::Pruning => Self::Running,
            Phase::Succeeded => Self::Succeeded,
            Phase::Failed => Self::Failed,
            Phase::Skipped => Self::Skipped,
        }
    }
}

/// What retention makes of one backup, as a dry run tells.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Verdict {
    /// Which backup; the one that the run would make has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>))]
    pub backup_id: Option<BackupId>,
    /// When it was made, or would be.
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = DateTime))]
    pub created_at: Timestamp,
    /// Whether it stays.
    pub keep: bool,
    /// Why it stays; nothing keeps what goes.
    pub reasons: Vec<KeepReason>,
}

/// One job.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Job {
    /// Its id, which follows from the run and the resource.
    pub id: JobId,
    /// The table's name or the instance's id, or [`EVERYTHING`].
    pub resource: String,
    /// How far it has come.
    pub phase: Phase,
    /// Why it failed, was left out or waits, in one word that programs may decide by.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// The same for people, with what mends it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
    /// The table's tags, if whoever selected it has read them: AWS allows few such look-ups.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tags: Option<BTreeMap<String, String>>,
    /// The ARN of the backup, once AWS has told it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub aws_id: Option<String>,
    /// AWS's ids of the requests that made it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub request_ids: Vec<String>,
    /// How far its drill has come, where it is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub drill: Option<Box<Drill>>,
    /// When AWS was last asked for it, where it is waited for what becomes of that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub asked_at: Option<Timestamp>,
    /// What retention makes of the backups there are, in a dry run.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub verdicts: Vec<Verdict>,
}

impl Job {
    /// A job that waits.
    #[must_use]
    pub fn waiting(run: RunId, connection: ConnectionId, region: &Region, resource: &str) -> Self {
        Self {
            id: JobId::of(run, connection, region, resource),
            resource: resource.to_owned(),
            phase: Phase::Waiting,
            code: None,
            detail: None,
            tags: None,
            aws_id: None,
            request_ids: Vec::new(),
            drill: None,
            asked_at: None,
            verdicts: Vec::new(),
        }
    }

    /// What a backup that it makes is called in the customer's account: by that it is found again.
    #[must_use]
    pub fn backup_name(&self) -> String {
        format!("drawbridge-{}", self.id)
    }

    /// The id of the backup that it makes, once AWS has taken it.
    #[must_use]
    pub fn backup_id(&self) -> Option<BackupId> {
        self.aws_id.as_ref().map(|_| BackupId::of(self.id))
    }

    /// The same in another phase, with nothing to say about it.
    #[must_use]
    pub fn now(self, phase: Phase) -> Self {
        Self { phase, code: None, detail: None, ..self }
    }

    /// The same in another phase, and why.
    #[must_use]
    pub fn because(self, phase: Phase, code: &str, detail: impl Into<String>) -> Self {
        Self { phase, code: Some(code.to_owned()), detail: Some(detail.into()), ..self }
    }

    /// The same, with AWS having been asked by these requests.
    #[must_use]
    pub fn asked(mut self, request_ids: impl IntoIterator<Item = String>) -> Self {
        let known = std::mem::take(&mut self.request_ids);
        self.request_ids = known.into_iter().chain(request_ids).take(MOST_REQUEST_IDS).collect();
        self
    }
}
