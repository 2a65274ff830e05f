//! What callers see of runs and their jobs.

use std::collections::BTreeSet;

use domain::drill::{Drill, Sample};
use domain::ec2_backup::Ec2Backup;
use domain::expression::Timezone;
use domain::job::{JobState, Verdict};
use domain::kind::Kind;
use domain::operation::{Comparison, Trouble};
use domain::retention::{Retention, RetentionParts};
use domain::run::{Run, RunState, Scope, Tally};
use domain::selection::SelectionParts;
use domain::{ConnectionId, Region};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use store::RunJob;
use utoipa::ToSchema;

/// How many jobs became what.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct JobCounts {
    /// All that are known so far.
    total: u32,
    succeeded: u32,
    failed: u32,
    /// Left out, each with a code.
    skipped: u32,
}

/// Ids of 1 to 100 connections, or `all` for those that are active or degraded when the run is planned.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(untagged)]
pub(crate) enum ConnectionIds {
    /// `all`.
    Word(String),
    /// These.
    Named(Vec<String>),
}

impl From<&Scope> for ConnectionIds {
    fn from(scope: &Scope) -> Self {
        match scope {
            Scope::All => Self::Word("all".to_owned()),
            Scope::Connections(ids) => Self::Named(ids.iter().map(ConnectionId::to_string).collect()),
        }
    }
}

/// What a schedule or somebody asked for, once.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct RunView {
    run_id: String,
    #[schema(value_type = String, example = "dynamodb-backup")]
    kind: Kind,
    /// The schedule that asked for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    schedule_id: Option<String>,
    state: RunState,
    /// Whether it only tells what would be done.
    dry_run: bool,
    /// What became of its jobs so far. In lists of runs that go on, the count is a moment behind.
    jobs: JobCounts,
    connection_ids: ConnectionIds,
    /// Where; null for all Regions of each connection.
    #[schema(value_type = Option<Vec<String>>)]
    regions: Option<BTreeSet<Region>>,
    select: SelectionParts,
    /// What is kept of the backups that were made this way; null for all.
    retention: Option<RetentionParts>,
    /// Whose days retention counts.
    #[schema(value_type = String)]
    timezone: Timezone,
    /// How instances are backed up, where it was said.
    #[serde(skip_serializing_if = "Option::is_none")]
    ec2_backup: Option<Ec2Backup>,
    /// The ARN that signed the request, or `drawbridge` for a schedule.
    actor: String,
    /// When the schedule meant it to begin.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    scheduled_for: Option<Timestamp>,
    #[schema(value_type = String, format = DateTime)]
    started_at: Timestamp,
    #[schema(value_type = Option<String>, format = DateTime)]
    finished_at: Option<Timestamp>,
}

impl RunView {
    /// The same, with jobs as they were counted meanwhile.
    pub fn with_tally(self, tally: Tally) -> Self {
        let Tally { total, succeeded, failed, skipped, .. } = tally;
        Self { jobs: JobCounts { total, succeeded, failed, skipped }, ..self }
    }
}

impl From<Run> for RunView {
    fn from(run: Run) -> Self {
        let terms = run.order.terms;
        let view = Self {
            run_id: run.id.to_string(),
            kind: terms.kind,
            schedule_id: terms.schedule_id.map(|id| id.to_string()),
            state: run.state,
            dry_run: terms.dry_run,
            jobs: JobCounts { total: 0, succeeded: 0, failed: 0, skipped: 0 },
            connection_ids: (&run.order.scope).into(),
            regions: run.order.regions,
            select: run.order.select.parts().clone(),
            retention: terms.retention.as_ref().map(Retention::parts).copied(),
            timezone: terms.timezone,
            ec2_backup: terms.ec2_backup,
            actor: run.actor.to_string(),
            scheduled_for: run.scheduled_for,
            started_at: run.started_at,
            finished_at: run.finished_at,
        };
        view.with_tally(run.tally)
    }
}

/// One page of runs, the oldest first.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct RunList {
    pub items: Vec<RunView>,
    /// Pass it as `cursor` for the next page; null on the last.
    pub next_cursor: Option<String>,
}

/// The evidence of a restore drill.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct DrillView {
    /// The backup that is restored.
    backup_id: String,
    /// When that was made.
    #[schema(value_type = String, format = DateTime)]
    backup_made_at: Timestamp,
    /// The table that it is restored to, and that is deleted afterwards.
    target_name: String,
    /// When AWS was first about to be asked for it.
    #[schema(value_type = Option<String>, format = DateTime)]
    asked_at: Option<Timestamp>,
    /// When it was seen that the table can be used.
    #[schema(value_type = Option<String>, format = DateTime)]
    usable_at: Option<Timestamp>,
    /// How long that took.
    restored_within_seconds: Option<i64>,
    /// How the table compares with what was backed up: keys, indexes, billing, the number of items.
    #[schema(value_type = Vec<Object>)]
    compared: Vec<Comparison>,
    /// Some of its items, held against the live table by their hashes.
    sample: Option<Sample>,
    /// When the table was seen to be gone.
    #[schema(value_type = Option<String>, format = DateTime)]
    removed_at: Option<Timestamp>,
    /// What has gone wrong, if something has.
    #[schema(value_type = Option<Object>)]
    #[serde(skip_serializing_if = "Option::is_none")]
    trouble: Option<Trouble>,
    /// Whether it only deletes what an earlier drill has left behind.
    leftover: bool,
}

impl From<Drill> for DrillView {
    fn from(drill: Drill) -> Self {
        Self {
            restored_within_seconds: drill.restored_within_seconds(),
            backup_id: drill.backup_id.to_string(),
            backup_made_at: drill.backup_made_at,
            target_name: drill.target,
            asked_at: drill.asked_at,
            usable_at: drill.usable_at,
            compared: drill.compared,
            sample: drill.sample,
            removed_at: drill.removed_at,
            trouble: drill.trouble,
            leftover: drill.leftover,
        }
    }
}

/// What a run does to one resource.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct JobView {
    job_id: String,
    connection_id: String,
    #[schema(value_type = String, example = "eu-central-1")]
    region: Region,
    /// The table's name or the instance's id, or `*` where nobody could look which there are.
    resource: String,
    state: JobState,
    /// Why it failed, was left out or waits.
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<String>,
    /// The same for people.
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<String>,
    /// The backup that it has made.
    #[serde(skip_serializing_if = "Option::is_none")]
    backup_id: Option<String>,
    /// The same as AWS names it.
    #[serde(skip_serializing_if = "Option::is_none")]
    aws_id: Option<String>,
    /// AWS's ids of the requests that made it.
    request_ids: Vec<String>,
    /// What its restore drill has shown.
    #[serde(skip_serializing_if = "Option::is_none")]
    drill: Option<DrillView>,
    /// What retention would make of the backups there are: of a dry run alone.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    retention: Vec<Verdict>,
}

impl From<RunJob> for JobView {
    fn from(RunJob { connection_id, region, job }: RunJob) -> Self {
        Self {
            job_id: job.id.to_string(),
            connection_id: connection_id.to_string(),
            region,
            state: job.phase.into(),
            backup_id: job.backup_id().map(|id| id.to_string()),
            resource: job.resource,
            code: job.code,
            detail: job.detail,
            aws_id: job.aws_id,
            request_ids: job.request_ids,
            drill: job.drill.map(|drill| DrillView::from(*drill)),
            retention: job.verdicts,
        }
    }
}

/// One page of jobs, by connection and Region.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct JobList {
    pub items: Vec<JobView>,
    /// Pass it as `cursor` for the next page; null on the last.
    pub next_cursor: Option<String>,
}
