//! How old the newest good backup of each selected resource is, held against what schedules promise.
//!
//! A schedule promises a backup by each of its times, from when it was made or last changed. So what was backed
//! up last, or was first seen, after that is to have another one by the schedule's next time, with some time to
//! make it in. Whether EventBridge fires, whether runs begin and whether they succeed makes no difference: silence
//! is told as well as failure.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::audit::{About, AuditEvent, EventType};
use crate::backup::Backup;
use crate::connection::Occasion;
use crate::id::{BackupId, ConnectionId, ScheduleId};
use crate::kind::Kind;
use crate::place::Region;
use crate::run::told;
use crate::schedule::Schedule;

/// How long before a time of a schedule that comes again a backup may be made that is for this time: clocks
/// differ, and EventBridge may cut what it counts from to the minute.
const TOLERANCE: SignedDuration = SignedDuration::from_mins(1);

/// What a schedule promises of one resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Promise {
    /// By when there is to be another backup.
    pub by: Timestamp,
    /// Which schedule promises it.
    pub schedule_id: ScheduleId,
}

impl Schedule {
    /// Whether it makes backups at present, so that it promises something.
    #[must_use]
    pub const fn promises(&self) -> bool {
        self.order.enabled && self.deleted_at.is_none() && self.order.kind.makes_backups()
    }

    /// What it promises of a resource whose newest backup is from `since`, or which has been there since then
    /// without one: a backup by its next time, and `grace` to make it in. `None` once it has no more times. It
    /// promises nothing from before it was as it is.
    #[must_use]
    pub fn promise(&self, since: Timestamp, grace: SignedDuration) -> Option<Promise> {
        let anchor = self.published_at.unwrap_or(self.updated_at);
        let tolerance = if self.order.expression.is_recurring() { TOLERANCE } else { SignedDuration::ZERO };
        let since = since.max(self.updated_at).checked_add(tolerance).ok()?;
        let due = self.order.expression.next(&self.order.timezone, anchor, 1, since).into_iter().next()?;
        let window = self.order.flexible_window_minutes.unwrap_or(0);
        let by = due.checked_add(SignedDuration::from_mins(window.into()) + grace).ok()?;
        Some(Promise { by, schedule_id: self.id })
    }
}

/// What is known of one resource.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Freshness {
    /// In whose account it is.
    pub connection_id: ConnectionId,
    /// The kind of its backups.
    pub kind: Kind,
    /// Where it is.
    pub region: Region,
    /// Its name.
    pub resource: String,
    /// Since when it is known to be selected.
    pub seen_at: Timestamp,
    /// When its newest good backup was made, if there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub newest_good_backup_at: Option<Timestamp>,
    /// Which one that is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub backup_id: Option<BackupId>,
    /// What is promised first, if anything is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub promise: Option<Promise>,
    /// Since when the promise is broken, if it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stale_since: Option<Timestamp>,
    /// Counts its changes, from 1.
    pub version: u64,
}

impl Freshness {
    /// A resource that was not known before.
    #[must_use]
    pub const fn seen(
        connection_id: ConnectionId,
        kind: Kind,
        region: Region,
        resource: String,
        now: Timestamp,
    ) -> Self {
        Self {
            connection_id,
            kind,
            region,
            resource,
            seen_at: now,
            newest_good_backup_at: None,
            backup_id: None,
            promise: None,
            stale_since: None,
            version: 0,
        }
    }

    /// Whether it has no backup as new as it was promised.
    #[must_use]
    pub const fn is_stale(&self) -> bool {
        self.stale_since.is_some()
    }

    /// How long after its newest backup, or after it was first seen if that was later, the next one is promised.
    #[must_use]
    pub fn promised_within(&self) -> Option<SignedDuration> {
        let since = self.newest_good_backup_at.map_or(self.seen_at, |made_at| made_at.max(self.seen_at));
        self.promise.map(|promise| promise.by.duration_since(since))
    }

    /// The same as it is at `now`, with this newest good backup, by these schedules, which select it. `None` if
    /// that is nothing new.
    ///
    /// What is stale stays so until there is a newer backup: a schedule that is set up again promises a later
    /// one, and that makes none.
    #[must_use]
    pub fn looked_at<'a>(
        &self,
        newest: Option<&Backup>,
        schedules: impl IntoIterator<Item = &'a Schedule>,
        grace: SignedDuration,
        now: Timestamp,
    ) -> Option<Self> {
        let made_at = newest.map(|backup| backup.created_at);
        let since = made_at.map_or(self.seen_at, |made_at| made_at.max(self.seen_at));
        let promise = schedules.into_iter().filter_map(|schedule| schedule.promise(since, grace)).min();
        let is_newer = made_at > self.newest_good_backup_at;
        let broken = promise.map(|promise| promise.by).filter(|by| *by < now);
        let stale_since = match self.stale_since {
            Some(since) if !is_newer => Some(since),
            _ => broken,
        };
        // A broken promise stands until it is kept, and no later one in its place.
        let promise =
            if stale_since.is_some() && self.is_stale() && !is_newer { self.promise } else { promise };
        let next = Self {
            newest_good_backup_at: made_at,
            backup_id: newest.map(|backup| backup.id),
            promise,
            stale_since,
            version: self.version + 1,
            ..self.clone()
        };
        let same = Self { version: self.version, ..next.clone() } == *self;
        (!same || self.version == 0).then_some(next)
    }

    /// The event that tells that it has become stale, or is so no more; `None` if neither is so.
    #[must_use]
    pub fn event(&self, before: &Self, occasion: &Occasion) -> Option<AuditEvent> {
        (self.is_stale() != before.is_stale()).then(|| self.told(self.is_stale(), None, occasion))
    }

    /// The event that tells that nobody waits for its backups any more, if it was stale: no schedule selects it,
    /// or it is gone.
    #[must_use]
    pub fn closing_event(&self, occasion: &Occasion) -> Option<AuditEvent> {
        self.is_stale().then(|| self.told(false, Some("not_selected"), occasion))
    }

    fn told(&self, stale: bool, why: Option<&str>, occasion: &Occasion) -> AuditEvent {
        let data = json!({
            "stale": stale,
            "kind": self.kind,
            "region": self.region,
            "resource": self.resource,
            "newest_good_backup_at": self.newest_good_backup_at,
            "backup_id": self.backup_id,
            "promised_by": self.promise.map(|promise| promise.by),
            "schedule_id": self.promise.map(|promise| promise.schedule_id),
            "reason": why,
        });
        AuditEvent {
            id: occasion.event_id,
            kind: EventType::BackupStale,
            at: occasion.now,
            actor: occasion.actor.clone(),
            about: About::Connection(self.connection_id),
            data: told(data),
        }
    }
}

#[cfg(test)]
mod tests;
