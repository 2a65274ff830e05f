//! A run: what a schedule or somebody asked for, once, of one connection or of many.
//!
//! It is planned into parts, one for each connection; a part is planned into chunks of jobs. Each counts
//! its own, so that nothing is counted at one place by all. A run ends when its planner, going through the
//! chunks in order, has found each of them ended: once, for what it found is written with how far it came.

mod admit;

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::audit::{About, Actor, AuditEvent, EventType};
use crate::connection::Occasion;
use crate::ec2_backup::Ec2Backup;
use crate::expression::Timezone;
use crate::id::{ConnectionId, RunId, ScheduleId};
use crate::job::{EVERYTHING, Job, Phase};
use crate::kind::Kind;
use crate::message::{RunStep, RunsMessage};
use crate::place::Region;
use crate::power::LONGEST_ASKING;
use crate::retention::Retention;
use crate::selection::Selection;
use crate::steps::Steps;

/// How long a run may take: a day, after which what has not ended counts as lost.
pub const LONGEST_RUN: SignedDuration = SignedDuration::from_hours(24);

/// Most connections that a run names. Source: the contract of the API.
pub const MOST_CONNECTIONS: usize = 100;

/// Longest pause between two looks at how far it is, in seconds.
const LONGEST_PAUSE: i64 = 15;

/// Where a run stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum RunState {
    /// It is being found out what there is to do.
    Planning,
    /// All that there is to do is known, and being done.
    Running,
    /// All was done that was to be done.
    Succeeded,
    /// Some was done, and some was not.
    Partial,
    /// Nothing was done of what was to be done.
    Failed,
}

impl RunState {
    /// Whether it has ended.
    #[must_use]
    pub const fn is_final(self) -> bool {
        matches!(self, Self::Succeeded | Self::Partial | Self::Failed)
    }
}

/// How many jobs became what.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Tally {
    /// All of them.
    pub total: u32,
    /// Done.
    pub succeeded: u32,
    /// Not done.
    pub failed: u32,
    /// Left out.
    pub skipped: u32,
    /// Of those left out, how many stand for a whole account that nobody could look at.
    #[serde(default, skip_serializing_if = "is_none")]
    pub missed: u32,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde gives a reference")]
const fn is_none(number: &u32) -> bool {
    *number == 0
}

impl Tally {
    /// Counts jobs.
    #[must_use]
    pub fn of(jobs: &[Job]) -> Self {
        let count = |phase| u32::try_from(jobs.iter().filter(|job| job.phase == phase).count()).unwrap_or(0);
        let missed = jobs.iter().filter(|job| job.phase == Phase::Skipped && job.resource == EVERYTHING);
        Self {
            total: u32::try_from(jobs.len()).unwrap_or(0),
            succeeded: count(Phase::Succeeded),
            failed: count(Phase::Failed),
            skipped: count(Phase::Skipped),
            missed: u32::try_from(missed.count()).unwrap_or(0),
        }
    }

    /// Both together.
    #[must_use]
    pub const fn and(self, other: Self) -> Self {
        Self {
            total: self.total.saturating_add(other.total),
            succeeded: self.succeeded.saturating_add(other.succeeded),
            failed: self.failed.saturating_add(other.failed),
            skipped: self.skipped.saturating_add(other.skipped),
            missed: self.missed.saturating_add(other.missed),
        }
    }

    /// What a run has become whose jobs these are. A table that was left out with a reason is none of its
    /// failures; an account that nobody could look at is.
    #[must_use]
    pub const fn state(self) -> RunState {
        match (self.failed + self.missed, self.succeeded) {
            (0, _) => RunState::Succeeded,
            (_, 0) => RunState::Failed,
            _ => RunState::Partial,
        }
    }
}

/// Which connections a run is about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Scope {
    /// All that are active or degraded when it is planned.
    All,
    /// These.
    Connections(Vec<ConnectionId>),
}

/// What is done with each resource that a run selects.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Terms {
    /// What is done.
    pub kind: Kind,
    /// The schedule that asked for it: its retention is about the backups of that schedule alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub schedule_id: Option<ScheduleId>,
    /// What is kept of the backups there are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retention: Option<Retention>,
    /// Whose days, weeks and months retention counts.
    #[serde(default)]
    pub timezone: Timezone,
    /// Whether it is only told what would be done.
    #[serde(default)]
    pub dry_run: bool,
    /// How instances are backed up; as is usual unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ec2_backup: Option<Ec2Backup>,
}

/// What a run is asked to do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunOrder {
    /// Whose resources.
    pub scope: Scope,
    /// In which Regions: in all of each connection's, unless it says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub regions: Option<BTreeSet<Region>>,
    /// Which resources.
    pub select: Selection,
    /// What is done with them.
    pub terms: Terms,
}

/// How far a run has come.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Progress {
    /// Its steps.
    pub steps: Steps,
    /// Where the page of connections that is planned next begins, as the page before it said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cursor: Option<String>,
    /// The connections whose parts the latest step has written: their messages go out after it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sending: Vec<ConnectionId>,
    /// The last of its parts and chunks that was found ended and counted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub counted: Option<String>,
    /// How many looks in a row found nothing new.
    #[serde(default)]
    pub idle: u32,
}

/// A run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Run {
    /// Its id.
    pub id: RunId,
    /// What it is to do.
    pub order: RunOrder,
    /// Who asked for it.
    pub actor: Actor,
    /// Where it stands.
    pub state: RunState,
    /// How many of the jobs that have been counted became what.
    pub tally: Tally,
    /// How far it has come.
    pub progress: Progress,
    /// When the schedule meant it to begin.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scheduled_for: Option<Timestamp>,
    /// Whether it began too long after it was meant to, so that what is for that time alone is left out.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub too_late: bool,
    /// When it began.
    pub started_at: Timestamp,
    /// When it ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub finished_at: Option<Timestamp>,
}

impl Run {
    /// A run that begins.
    #[must_use]
    pub fn begin(
        id: RunId,
        order: RunOrder,
        scheduled_for: Option<Timestamp>,
        actor: Actor,
        now: Timestamp,
    ) -> Self {
        Self {
            id,
            order,
            actor,
            state: RunState::Planning,
            tally: Tally::default(),
            progress: Progress {
                steps: Steps::start(now, now + LONGEST_RUN),
                cursor: None,
                sending: Vec::new(),
                counted: None,
                idle: 0,
            },
            scheduled_for,
            too_late: false,
            started_at: now,
            finished_at: None,
        }
    }

    /// Whether what it is asked to do was for a time that is over.
    #[must_use]
    pub fn is_overdue(&self, now: Timestamp) -> bool {
        let waits = self.order.terms.kind.is_for_its_time();
        waits && (self.too_late || now > self.started_at + LONGEST_ASKING)
    }

    /// The one connection that it is about, if it is about one.
    #[must_use]
    pub fn connection(&self) -> Option<ConnectionId> {
        match &self.order.scope {
            Scope::Connections(ids) if ids.len() == 1 => ids.first().copied(),
            Scope::Connections(_) | Scope::All => None,
        }
    }

    /// The message that asks for its next step.
    #[must_use]
    pub fn next_message(&self) -> RunsMessage {
        RunsMessage::Run(RunStep {
            run_id: self.id,
            step: self.progress.steps.step,
            deadline: self.progress.steps.deadline,
        })
    }

    /// The same a step further: the parts of these connections are written, and planning goes on where
    /// `cursor` says, or is over.
    #[must_use]
    pub fn planned(&self, sending: Vec<ConnectionId>, cursor: Option<String>, now: Timestamp) -> Self {
        let state = if cursor.is_some() { RunState::Planning } else { RunState::Running };
        let steps = self.progress.steps.advanced(now);
        let progress = Progress { steps, cursor, sending, ..self.progress.clone() };
        Self { state, progress, ..self.clone() }
    }

    /// The same a step further: what stands up to `counted` has ended, and became this.
    #[must_use]
    pub fn counted(&self, counted: Option<String>, tally: Tally, now: Timestamp) -> Self {
        let idle = if counted.is_some() { 0 } else { self.progress.idle.saturating_add(1) };
        let progress = Progress {
            steps: self.progress.steps.advanced(now),
            sending: Vec::new(),
            counted: counted.or_else(|| self.progress.counted.clone()),
            idle,
            ..self.progress.clone()
        };
        Self { tally: self.tally.and(tally), progress, ..self.clone() }
    }

    /// How long until its next step.
    #[must_use]
    pub fn pause(&self) -> SignedDuration {
        if self.state == RunState::Planning || !self.progress.sending.is_empty() {
            return SignedDuration::ZERO;
        }
        SignedDuration::from_secs(LONGEST_PAUSE.min(1 << self.progress.idle.min(4)))
    }

    /// The same, over: what was not counted yet became this.
    #[must_use]
    pub fn finished(&self, tally: Tally, now: Timestamp) -> Self {
        let steps = self.progress.steps.ended();
        let progress = Progress { steps, sending: Vec::new(), ..self.progress.clone() };
        let tally = self.tally.and(tally);
        Self { state: tally.state(), tally, progress, finished_at: Some(now), ..self.clone() }
    }

    /// The event that tells of its end.
    #[must_use]
    pub fn event(&self, occasion: &Occasion) -> AuditEvent {
        let Tally { total, succeeded, failed, skipped, .. } = self.tally;
        let data = json!({
            "run_id": self.id,
            "kind": self.order.terms.kind,
            "state": self.state,
            "dry_run": self.order.terms.dry_run,
            "jobs": {"total": total, "succeeded": succeeded, "failed": failed, "skipped": skipped},
            "schedule_id": self.order.terms.schedule_id,
        });
        AuditEvent {
            id: occasion.event_id,
            kind: EventType::RunFinished,
            at: occasion.now,
            actor: self.actor.clone(),
            about: self.connection().map_or(About::Run(self.id), About::Connection),
            data: told(data),
        }
    }
}

/// What an event says, without what there is nothing to say of.
pub(crate) fn told(data: Value) -> Map<String, Value> {
    match data {
        Value::Object(map) => map.into_iter().filter(|(_, value)| !value.is_null()).collect(),
        _ => Map::new(),
    }
}

#[cfg(test)]
mod tests;
