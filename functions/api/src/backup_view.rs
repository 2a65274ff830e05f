//! What callers see of backups.

use domain::Region;
use domain::backup::{Backup, BackupState, Drilled, Gone, VolumeSnapshot};
use domain::instance_manifest::InstanceManifest;
use domain::kind::Kind;
use domain::manifest::TableManifest;
use jiff::Timestamp;
use serde::Serialize;
use utoipa::ToSchema;

/// A backup that Drawbridge has made in a customer's account.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct BackupView {
    backup_id: String,
    connection_id: String,
    /// What made it.
    #[schema(value_type = String, example = "dynamodb-backup")]
    kind: Kind,
    #[schema(value_type = String, example = "eu-central-1")]
    region: Region,
    /// What it is of: a table's name, or an instance's id.
    resource: String,
    /// Its name in the customer's account.
    name: String,
    /// Its ARN; of an instance's, the image's id, or that of the first snapshot.
    aws_id: String,
    state: BackupState,
    /// Its size, once AWS has told it.
    #[serde(skip_serializing_if = "Option::is_none")]
    size_bytes: Option<i64>,
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
    run_id: String,
    /// The schedule whose run made it.
    #[serde(skip_serializing_if = "Option::is_none")]
    schedule_id: Option<String>,
    /// From when on `max_age_days` keeps it no more; other rules may.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    delete_after: Option<Timestamp>,
    /// When it was deleted, or found gone.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    deleted_at: Option<Timestamp>,
    /// Why it is gone.
    #[serde(skip_serializing_if = "Option::is_none")]
    gone: Option<Gone>,
    /// What its latest restore drill has shown.
    #[serde(skip_serializing_if = "Option::is_none")]
    drilled: Option<Drilled>,
    /// What the table was like. Only a backup's own page has it.
    #[serde(skip_serializing_if = "Option::is_none")]
    manifest: Option<TableManifest>,
    /// What the instance was like. Only a backup's own page has it.
    #[serde(skip_serializing_if = "Option::is_none")]
    instance: Option<InstanceManifest>,
    /// The snapshots of an instance's volumes; an image's are known once it is there.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    snapshots: Vec<VolumeSnapshot>,
    version: u64,
}

impl From<Backup> for BackupView {
    fn from(backup: Backup) -> Self {
        Self {
            backup_id: backup.id.to_string(),
            connection_id: backup.connection_id.to_string(),
            kind: backup.kind,
            region: backup.region,
            resource: backup.resource,
            name: backup.name,
            aws_id: backup.aws_id,
            state: backup.state,
            size_bytes: backup.size_bytes,
            created_at: backup.created_at,
            run_id: backup.run_id.to_string(),
            schedule_id: backup.schedule_id.map(|id| id.to_string()),
            delete_after: backup.delete_after,
            deleted_at: backup.deleted_at,
            gone: backup.gone,
            drilled: backup.drilled,
            manifest: backup.manifest,
            instance: backup.instance,
            snapshots: backup.snapshots,
            version: backup.version,
        }
    }
}

/// One page of backups, by Region, resource and time.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct BackupList {
    pub items: Vec<BackupView>,
    /// Pass it as `cursor` for the next page; null on the last.
    pub next_cursor: Option<String>,
}
