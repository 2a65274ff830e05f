//! The ledger of backups: what Drawbridge has made in customers' accounts, and what became of it.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::audit::{About, AuditEvent, EventType};
use crate::chunk::Chunk;
use crate::connection::Occasion;
use crate::id::{BackupId, ConnectionId, JobId, OperationId, RunId, ScheduleId};
use crate::instance_manifest::InstanceManifest;
use crate::job::Job;
use crate::kind::Kind;
use crate::manifest::TableManifest;
use crate::place::Region;
use crate::retention::Candidate;
use crate::run::{LONGEST_RUN, told};

/// Where a backup stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum BackupState {
    /// AWS is making it.
    Creating,
    /// It is there, as AWS says.
    Available,
    /// It is gone.
    Deleted,
}

/// Why a backup is gone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Gone {
    /// No rule of its schedule's retention kept it.
    Retention,
    /// Somebody applied a plan.
    Plan,
    /// It was not there any more when AWS was asked: somebody deleted it behind Drawbridge's back.
    Elsewhere,
    /// AWS could not make it.
    Failed,
}

/// One snapshot of a backup of an instance.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct VolumeSnapshot {
    /// Its id.
    pub snapshot_id: String,
    /// Of which volume.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub volume_id: Option<String>,
    /// Which device that was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub device: Option<String>,
    /// The volume's size, in GiB.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub size_gib: Option<i32>,
}

/// What a drill has shown of a backup.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Drilled {
    /// When it ended.
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = DateTime))]
    pub at: Timestamp,
    /// The run that it was part of.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub run_id: RunId,
    /// Whether a table was made of it that is as it was backed up.
    pub passed: bool,
    /// How long that took, in seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub restored_within_seconds: Option<i64>,
}

/// One backup.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Backup {
    /// Its id.
    pub id: BackupId,
    /// In whose account.
    pub connection_id: ConnectionId,
    /// What made it.
    pub kind: Kind,
    /// Where.
    pub region: Region,
    /// Of what: a table's name, or an instance's id.
    pub resource: String,
    /// Its name in the customer's account.
    pub name: String,
    /// Its ARN; of an instance's, the image's id, or that of the first snapshot.
    pub aws_id: String,
    /// Where it stands.
    pub state: BackupState,
    /// How large it is, as far as AWS has told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub size_bytes: Option<i64>,
    /// When AWS made it.
    pub created_at: Timestamp,
    /// The run that made it.
    pub run_id: RunId,
    /// The job that did.
    pub job_id: JobId,
    /// The schedule of the run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub schedule_id: Option<ScheduleId>,
    /// From when on retention may delete it, where it goes by age.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delete_after: Option<Timestamp>,
    /// When it was found gone, or deleted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deleted_at: Option<Timestamp>,
    /// Why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gone: Option<Gone>,
    /// What its latest drill has shown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub drilled: Option<Drilled>,
    /// What the table was like. Lists leave it out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub manifest: Option<TableManifest>,
    /// What the instance was like. Lists leave it out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub instance: Option<InstanceManifest>,
    /// The snapshots of an instance's volumes, the one that it boots from first. An image's are known once it
    /// is there.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub snapshots: Vec<VolumeSnapshot>,
    /// Counts its changes.
    pub version: u64,
}

/// What the ids of images begin with. Source: EC2 User Guide, "Resource IDs".
const IMAGE: &str = "ami-";

/// Bytes of a GiB.
const GIB: i64 = 1 << 30;

impl Backup {
    /// The backup that a job of this chunk has made, as AWS answered.
    #[must_use]
    pub fn made(
        chunk: &Chunk,
        job: &Job,
        aws_id: String,
        created_at: Timestamp,
        manifest: TableManifest,
    ) -> Self {
        let days = chunk.terms.retention.and_then(|retention| retention.parts().max_age_days);
        Self {
            id: BackupId::of(job.id),
            connection_id: chunk.connection_id,
            kind: chunk.terms.kind,
            region: chunk.region.clone(),
            resource: job.resource.clone(),
            name: job.backup_name(),
            aws_id,
            state: BackupState::Creating,
            size_bytes: None,
            created_at,
            run_id: chunk.run_id,
            job_id: job.id,
            schedule_id: chunk.terms.schedule_id,
            delete_after: days.map(|days| created_at + SignedDuration::from_hours(24 * i64::from(days))),
            deleted_at: None,
            gone: None,
            drilled: None,
            manifest: Some(manifest),
            instance: None,
            snapshots: Vec::new(),
            version: 1,
        }
    }

    /// The backup of an instance that a job of this chunk has made, as AWS answered.
    #[must_use]
    pub fn of_instance(
        chunk: &Chunk,
        job: &Job,
        aws_id: String,
        created_at: Timestamp,
        instance: InstanceManifest,
        snapshots: Vec<VolumeSnapshot>,
    ) -> Self {
        let made = Self::made(chunk, job, aws_id, created_at, TableManifest::unseen(created_at));
        Self { manifest: None, instance: Some(instance), snapshots, ..made }
    }

    /// Whether it is an image.
    #[must_use]
    pub fn is_image(&self) -> bool {
        self.kind == Kind::Ec2Backup && self.aws_id.starts_with(IMAGE)
    }

    /// The same, there, with these snapshots. It counts as large as the volumes are, of which AWS keeps less.
    #[must_use]
    pub fn available_as(&self, snapshots: Vec<VolumeSnapshot>) -> Self {
        let sizes = snapshots.iter().filter_map(|one| one.size_gib);
        let size_bytes = sizes.map(|gib| i64::from(gib) * GIB).sum();
        Self { snapshots, ..self.available(Some(size_bytes)) }
    }

    /// What AWS has to delete for it to be gone, in order: an image before the snapshots that it holds.
    #[must_use]
    pub fn parts(&self) -> Vec<&str> {
        let image = self.is_image().then_some(self.aws_id.as_str());
        image.into_iter().chain(self.snapshots.iter().map(|one| one.snapshot_id.as_str())).collect()
    }

    /// The same, there.
    #[must_use]
    pub fn available(&self, size_bytes: Option<i64>) -> Self {
        Self {
            state: BackupState::Available,
            size_bytes: size_bytes.or(self.size_bytes),
            version: self.version + 1,
            ..self.clone()
        }
    }

    /// The same, gone.
    #[must_use]
    pub fn deleted(&self, gone: Gone, now: Timestamp) -> Self {
        Self {
            state: BackupState::Deleted,
            gone: Some(gone),
            deleted_at: Some(now),
            version: self.version + 1,
            ..self.clone()
        }
    }

    /// Whether the run that made it is over, and has not seen what became of it: nobody looks any more, and
    /// whatever of an instance's is there can be deleted.
    #[must_use]
    pub fn is_left_behind(&self, now: Timestamp) -> bool {
        let over = now >= self.created_at + LONGEST_RUN;
        self.kind == Kind::Ec2Backup && self.state == BackupState::Creating && over
    }

    /// What retention weighs.
    #[must_use]
    pub fn candidate(&self) -> Candidate<BackupId> {
        Candidate { id: self.id, created_at: self.created_at, good: self.state == BackupState::Available }
    }

    /// The event that it is there.
    #[must_use]
    pub fn created_event(&self, occasion: &Occasion) -> AuditEvent {
        self.event(EventType::BackupCreated, json!({"size_bytes": self.size_bytes}), occasion)
    }

    /// The event that it is gone.
    #[must_use]
    pub fn deleted_event(&self, operation: Option<OperationId>, occasion: &Occasion) -> AuditEvent {
        let data = json!({"because": self.gone, "operation_id": operation});
        self.event(EventType::BackupDeleted, data, occasion)
    }

    /// The event that it was restored, as this table of this Region.
    #[must_use]
    pub fn restored_event(
        &self,
        target: &str,
        region: &Region,
        operation: OperationId,
        occasion: &Occasion,
    ) -> AuditEvent {
        let data = json!({"target_name": target, "target_region": region, "operation_id": operation});
        self.event(EventType::BackupRestored, data, occasion)
    }

    pub(crate) fn event(&self, kind: EventType, more: Value, occasion: &Occasion) -> AuditEvent {
        let data = json!({
            "backup_id": self.id,
            "kind": self.kind,
            "region": self.region,
            "resource": self.resource,
            "aws_id": self.aws_id,
            "run_id": self.run_id,
            "schedule_id": self.schedule_id,
        });
        AuditEvent {
            id: occasion.event_id,
            kind,
            at: occasion.now,
            actor: occasion.actor.clone(),
            about: About::Connection(self.connection_id),
            data: [data, more].into_iter().flat_map(told).collect(),
        }
    }
}

#[cfg(test)]
mod tests;
