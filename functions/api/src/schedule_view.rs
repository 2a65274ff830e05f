//! What callers see of schedules.

use std::collections::BTreeSet;

use domain::Region;
use domain::ec2_backup::Ec2Backup;
use domain::expression::{Expression, Timezone};
use domain::kind::Kind;
use domain::retention::{Retention, RetentionParts};
use domain::schedule::{Schedule, ScheduleOrder, ScheduleProblem};
use domain::selection::SelectionParts;
use jiff::Timestamp;
use serde::Serialize;
use utoipa::ToSchema;

/// What is done in a customer's account, and when.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ScheduleView {
    schedule_id: String,
    connection_id: String,
    #[schema(value_type = String, example = "dynamodb-backup")]
    kind: Kind,
    /// When, as `EventBridge` Scheduler writes it.
    #[schema(value_type = String, example = "cron(0 5 * * ? *)")]
    expression: Expression,
    #[schema(value_type = String, example = "Europe/Berlin")]
    timezone: Timezone,
    /// How many minutes later than that it may begin; null for none.
    flexible_window_minutes: Option<u16>,
    /// Where; null for all of the connection's Regions.
    #[schema(value_type = Option<Vec<String>>)]
    regions: Option<BTreeSet<Region>>,
    select: SelectionParts,
    /// What is kept of the backups that it makes; null for all.
    retention: Option<RetentionParts>,
    enabled: bool,
    /// How instances are backed up, where it was said.
    #[serde(skip_serializing_if = "Option::is_none")]
    ec2_backup: Option<Ec2Backup>,
    /// When it is due next; null if it is disabled, or not due again.
    #[schema(value_type = Option<String>, format = DateTime)]
    next_at: Option<Timestamp>,
    /// Whether `EventBridge` holds it as it stands here.
    published: bool,
    /// Why it does not.
    #[serde(skip_serializing_if = "Option::is_none")]
    problem: Option<ScheduleProblem>,
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
    #[schema(value_type = String, format = DateTime)]
    updated_at: Timestamp,
    version: u64,
}

impl ScheduleView {
    /// A schedule as it stands at `now`.
    pub fn of(schedule: Schedule, now: Timestamp) -> Self {
        let next_at = schedule.order.enabled.then(|| times(&schedule, 1, now).into_iter().next()).flatten();
        let published = schedule.is_published();
        let ScheduleOrder {
            kind,
            expression,
            timezone,
            flexible_window_minutes,
            regions,
            select,
            retention,
            enabled,
            ec2_backup,
        } = schedule.order;
        Self {
            schedule_id: schedule.id.to_string(),
            connection_id: schedule.connection_id.to_string(),
            kind,
            expression,
            timezone,
            flexible_window_minutes,
            regions,
            select: select.parts().clone(),
            retention: retention.as_ref().map(Retention::parts).copied(),
            enabled,
            ec2_backup,
            next_at,
            published,
            problem: schedule.problem,
            created_at: schedule.created_at,
            updated_at: schedule.updated_at,
            version: schedule.version,
        }
    }
}

/// The next times of a schedule after `now`. Its rate begins when `EventBridge` was given it.
pub(crate) fn times(schedule: &Schedule, count: usize, now: Timestamp) -> Vec<Timestamp> {
    let anchor = schedule.published_at.unwrap_or(schedule.updated_at);
    schedule.order.expression.next(&schedule.order.timezone, anchor, count, now)
}

/// One page of schedules, the oldest first.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ScheduleList {
    pub items: Vec<ScheduleView>,
    /// Pass it as `cursor` for the next page; null on the last.
    pub next_cursor: Option<String>,
}

/// One time at which a schedule is due.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct DueTime {
    #[schema(value_type = String, format = DateTime)]
    pub utc: Timestamp,
    /// What clocks show then, with their distance from UTC.
    #[schema(format = DateTime, example = "2026-03-29T03:30:00+02:00")]
    pub local: String,
}

/// The next times at which a schedule is due.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Preview {
    /// Fewer than were asked for where there are no more.
    pub items: Vec<DueTime>,
}

impl Preview {
    /// These times by the clocks of `zone`.
    pub fn of(times: Vec<Timestamp>, zone: &Timezone) -> Self {
        Self { items: times.into_iter().map(|utc| DueTime { utc, local: zone.local(utc) }).collect() }
    }
}
