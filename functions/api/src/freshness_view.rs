//! What callers see of how fresh backups are.

use domain::freshness::Freshness;
use domain::kind::Kind;
use domain::{BackupId, ConnectionId, Region, ScheduleId};
use jiff::Timestamp;
use serde::Serialize;
use utoipa::ToSchema;

/// How fresh the backups of one resource are.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Freshness)]
pub(crate) struct FreshnessView {
    /// In whose account it is.
    #[schema(value_type = String)]
    pub connection_id: ConnectionId,
    /// The kind of its backups.
    #[schema(value_type = String)]
    pub kind: Kind,
    /// Where it is.
    #[schema(value_type = String)]
    pub region: Region,
    /// Its name.
    pub resource: String,
    /// When the newest good backup was made that is recorded; null if there is none.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub newest_good_backup_at: Option<Timestamp>,
    /// Which one that is.
    #[schema(value_type = Option<String>)]
    pub backup_id: Option<BackupId>,
    /// How long after that one, or after the resource was first seen if that was later, there is to be another;
    /// null where no time of a schedule is to come.
    pub promised_within_seconds: Option<i64>,
    /// By when there is to be another.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub promised_by: Option<Timestamp>,
    /// Which schedule promises it.
    #[schema(value_type = Option<String>)]
    pub schedule_id: Option<ScheduleId>,
    /// Whether the promise is broken.
    pub stale: bool,
    /// Since when.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub stale_since: Option<Timestamp>,
}

impl From<Freshness> for FreshnessView {
    fn from(fresh: Freshness) -> Self {
        Self {
            connection_id: fresh.connection_id,
            kind: fresh.kind,
            newest_good_backup_at: fresh.newest_good_backup_at,
            backup_id: fresh.backup_id,
            promised_within_seconds: fresh.promised_within().map(|within| within.as_secs()),
            promised_by: fresh.promise.map(|promise| promise.by),
            schedule_id: fresh.promise.map(|promise| promise.schedule_id),
            stale: fresh.is_stale(),
            stale_since: fresh.stale_since,
            region: fresh.region,
            resource: fresh.resource,
        }
    }
}

/// One page of a connection's resources, by kind, Region and name.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct FreshnessList {
    pub items: Vec<FreshnessView>,
    /// Pass it as `cursor` for the next page; null on the last.
    pub next_cursor: Option<String>,
    /// When all of them were last looked at; null if they never were. What is shown is as it was then.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub looked_at: Option<Timestamp>,
}

/// One page of what is stale, of all connections.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct StaleList {
    pub items: Vec<FreshnessView>,
    /// Pass it as `cursor` for the next page; null on the last.
    pub next_cursor: Option<String>,
}
