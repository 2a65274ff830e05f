//! Schedules: what is done in a customer's account, and when.
//!
//! The record is the truth, and the schedule in EventBridge a projection of it: whoever publishes it writes
//! down which version stands there.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::audit::{About, AuditEvent, EventType};
use crate::connection::{Connection, Occasion};
use crate::ec2_backup::{Ec2Backup, admit_ec2_backup};
use crate::error::{Error, FieldError};
use crate::expression::{Expression, Timezone};
use crate::id::{ConnectionId, ScheduleId};
use crate::kind::Kind;
use crate::message::{PublishSchedule, RunsMessage};
use crate::place::Region;
use crate::retention::Retention;
use crate::run::{RunOrder, Scope, Terms, told};
use crate::selection::Selection;

/// Longest flexible window, in minutes. Source: EventBridge Scheduler API Reference, `FlexibleTimeWindow`.
pub const LONGEST_WINDOW: u16 = 1440;

/// Why EventBridge does not hold a schedule as it is recorded.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ScheduleProblem {
    /// In one word that programs may decide by.
    pub code: String,
    /// What it is, for people.
    pub detail: String,
}

/// What somebody asks a schedule to be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ScheduleOrder {
    /// What is done.
    pub kind: Kind,
    /// When.
    pub expression: Expression,
    /// In which zone's time.
    #[serde(default)]
    pub timezone: Timezone,
    /// How many minutes later than that it may begin, so that not all begin at once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub flexible_window_minutes: Option<u16>,
    /// In which Regions: in all of the connection's, unless it says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub regions: Option<BTreeSet<Region>>,
    /// To which resources.
    pub select: Selection,
    /// What is kept of the backups there are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retention: Option<Retention>,
    /// Whether it runs at present.
    pub enabled: bool,
    /// How instances are backed up; as is usual unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ec2_backup: Option<Ec2Backup>,
}

/// A schedule.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Schedule {
    /// Its id, which is its name in EventBridge.
    pub id: ScheduleId,
    /// In whose account.
    pub connection_id: ConnectionId,
    /// What it is to be.
    pub order: ScheduleOrder,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
    /// Counts its changes, from 1.
    pub version: u64,
    /// The version that EventBridge holds; 0 for none.
    #[serde(default)]
    pub published: u64,
    /// When EventBridge was last given another time: that is when a rate begins.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub published_at: Option<Timestamp>,
    /// Why EventBridge does not hold it as it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub problem: Option<ScheduleProblem>,
    /// When it was deleted: it stands here until EventBridge holds it no more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deleted_at: Option<Timestamp>,
}

/// A change of a schedule, to be written in one transaction.
#[derive(Debug, Clone, PartialEq)]
pub struct ScheduleChange {
    /// The schedule as it is from then on.
    pub schedule: Schedule,
    /// The entry of the audit list that tells of it.
    pub event: AuditEvent,
}

impl ScheduleChange {
    /// The message by which EventBridge comes to hold it. It goes out before the change is written, so that
    /// a crash in between leaves a message about nothing, and never a change that nobody publishes.
    #[must_use]
    pub fn message(&self) -> RunsMessage {
        let Schedule { id: schedule_id, version, updated_at: asked_at, .. } = self.schedule;
        RunsMessage::Publish(PublishSchedule { schedule_id, version, asked_at })
    }
}

impl ScheduleOrder {
    /// Refuses what the connection is not for, and what goes beyond AWS's limits.
    ///
    /// # Errors
    /// 422 `ec2_backup_not_taken`, `region_not_connected`, `retention_not_taken`; 403
    /// `capability_missing`; 400 `invalid_flexible_window`.
    pub fn admit(&self, connection: &Connection) -> Result<(), Error> {
        admit_ec2_backup(self.kind, self.ec2_backup)?;
        self.kind.admit_retention(self.retention.as_ref())?;
        admit_window(self.flexible_window_minutes).map_err(|error| error.at("/flexible_window_minutes"))?;
        admit_regions(self.regions.as_ref(), connection)?;
        self.kind.admit_connection(&self.select, self.retention.as_ref(), connection)
    }
}

/// Refuses a flexible window that AWS does not take.
///
/// # Errors
/// 400 `invalid_flexible_window`.
pub fn admit_window(minutes: Option<u16>) -> Result<(), Error> {
    if minutes.is_none_or(|minutes| (1..=LONGEST_WINDOW).contains(&minutes)) {
        return Ok(());
    }
    let detail = format!("a flexible window has 1 to {LONGEST_WINDOW} minutes; leave it out for none");
    Err(Error::invalid(FieldError::new("", "invalid_flexible_window", detail)))
}

/// Refuses Regions that the connection is not for.
///
/// # Errors
/// 400 `regions_empty`, 422 `region_not_connected`.
pub fn admit_regions(regions: Option<&BTreeSet<Region>>, connection: &Connection) -> Result<(), Error> {
    let Some(regions) = regions else { return Ok(()) };
    if regions.is_empty() {
        let detail = "name at least one Region, or leave `regions` out for all of the connection's";
        return Err(Error::invalid(FieldError::new("/regions", "regions_empty", detail)));
    }
    let Some(other) = regions.iter().find(|region| !connection.regions.contains(*region)) else {
        return Ok(());
    };
    let known: Vec<_> = connection.regions.iter().map(Region::as_str).collect();
    let detail = format!("the connection is for {} and not for {other}", known.join(", "));
    Err(Error::refused("region_not_connected", detail).at("/regions"))
}

impl Schedule {
    /// Makes a schedule that `connection` admits.
    ///
    /// # Errors
    /// 409 `state_conflict` for a connection that is being offboarded, and what [`ScheduleOrder::admit`] refuses.
    pub fn create(
        id: ScheduleId,
        order: ScheduleOrder,
        connection: &Connection,
        occasion: &Occasion,
    ) -> Result<ScheduleChange, Error> {
        admit_state(connection)?;
        order.admit(connection)?;
        let schedule = Self {
            id,
            connection_id: connection.id,
            order,
            created_at: occasion.now,
            updated_at: occasion.now,
            version: 1,
            published: 0,
            published_at: None,
            problem: None,
            deleted_at: None,
        };
        Ok(schedule.told(EventType::ScheduleCreated, occasion))
    }

    /// The same with another order.
    ///
    /// # Errors
    /// As [`Schedule::create`].
    pub fn change(
        &self,
        order: ScheduleOrder,
        connection: &Connection,
        occasion: &Occasion,
    ) -> Result<ScheduleChange, Error> {
        admit_state(connection)?;
        order.admit(connection)?;
        Ok(self
            .touched(occasion, |schedule| Self { order, problem: None, ..schedule })
            .told(EventType::ScheduleChanged, occasion))
    }

    /// The same, deleted.
    #[must_use]
    pub fn delete(&self, occasion: &Occasion) -> ScheduleChange {
        self.touched(occasion, |schedule| Self { deleted_at: Some(occasion.now), ..schedule })
            .told(EventType::ScheduleDeleted, occasion)
    }

    fn touched(&self, occasion: &Occasion, change: impl FnOnce(Self) -> Self) -> Self {
        let next = Self { updated_at: occasion.now, version: self.version + 1, ..self.clone() };
        change(next)
    }

    fn told(self, kind: EventType, occasion: &Occasion) -> ScheduleChange {
        let data: Map<String, Value> = told(json!({
            "schedule_id": self.id,
            "kind": self.order.kind,
            "expression": self.order.expression,
            "timezone": self.order.timezone,
            "enabled": self.order.enabled,
        }));
        let event = AuditEvent {
            id: occasion.event_id,
            kind,
            at: occasion.now,
            actor: occasion.actor.clone(),
            about: About::Connection(self.connection_id),
            data,
        };
        ScheduleChange { schedule: self, event }
    }

    /// Whether EventBridge holds it as it is.
    #[must_use]
    pub const fn is_published(&self) -> bool {
        self.published == self.version
    }

    /// The same as EventBridge holds it now; `changed_at` says when that became so, if it just did.
    #[must_use]
    pub fn held(&self, changed_at: Option<Timestamp>) -> Self {
        let published_at = changed_at.or(self.published_at);
        Self { published: self.version, published_at, problem: None, ..self.clone() }
    }

    /// The same, with EventBridge not holding it as it is.
    #[must_use]
    pub fn refused(&self, problem: ScheduleProblem) -> Self {
        Self { problem: Some(problem), ..self.clone() }
    }

    /// What its runs are asked to do.
    #[must_use]
    pub fn run_order(&self) -> RunOrder {
        let ScheduleOrder { kind, timezone, regions, select, retention, ec2_backup, .. } = self.order.clone();
        RunOrder {
            scope: Scope::Connections(vec![self.connection_id]),
            regions,
            select,
            terms: Terms {
                kind,
                schedule_id: Some(self.id),
                retention,
                timezone,
                dry_run: false,
                ec2_backup,
            },
        }
    }
}

/// Refuses a connection that is about to end, or has.
fn admit_state(connection: &Connection) -> Result<(), Error> {
    use crate::state::ConnectionState::{Offboarded, Offboarding};
    if matches!(connection.state, Offboarding | Offboarded) {
        let state = connection.state.as_str();
        return Err(Error::conflict(
            "state_conflict",
            format!("the connection is {state}; nothing is done there any more"),
        ));
    }
    Ok(())
}

/// How long a deleted schedule stands in the table at most, waiting for EventBridge.
pub const TOMBSTONE: SignedDuration = SignedDuration::from_hours(30 * 24);

#[cfg(test)]
mod tests;
