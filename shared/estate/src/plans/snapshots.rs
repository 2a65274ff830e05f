//! What deleting a snapshot would destroy.
//!
//! Sources: EC2 API Reference, `DeleteSnapshot`, `Snapshot`; EBS User Guide, "Delete an Amazon EBS
//! snapshot"; AWS Backup Developer Guide, "Deleting backups".

use aws_sdk_ec2::types::{Snapshot, SnapshotState};
use domain::Error;
use domain::plan::{PlanTarget, Print, Seen};
use serde_json::json;

use super::images::{IMAGES, SNAPSHOTS, images_by, named, snapshots_by, snapshots_of};
use super::instances::{filter, pairs, tag};
use super::{Foresee, Look, Warnings, absent, known, not_seen, protected, protects, shown};
use crate::operations::Place;
use crate::operations::ec2::delete_snapshot::DeleteSnapshot;

const AT: &str = "/SnapshotId";

/// What AWS Backup tags its snapshots with.
const AWS_BACKUP: &str = "aws:backup:source-resource";

/// The volume that copies of snapshots are said to be of, which is none. Source: EBS User Guide, "Copy an
/// Amazon EBS snapshot".
const NO_VOLUME: &str = "vol-ffffffff";

impl Foresee for DeleteSnapshot {
    /// EC2's lists can be limited to no resource.
    fn reads(&self, _place: &Place) -> Vec<(&'static str, Vec<String>)> {
        [SNAPSHOTS, IMAGES].map(|action| (action, vec!["*".to_owned()])).to_vec()
    }

    async fn look(&self, look: &Look<'_>) -> Result<Seen, Error> {
        let id = std::slice::from_ref(&self.snapshot_id);
        let (snapshots, images) = futures::join!(
            snapshots_by(look, filter("snapshot-id", id)),
            look.read(IMAGES, images_by(look, filter("block-device-mapping.snapshot-id", id))),
        );
        let snapshots = snapshots.map_err(|error| not_seen(&error, false))?;
        let is_it = |one: &&Snapshot| one.snapshot_id() == Some(self.snapshot_id.as_str());
        let Some(snapshot) = snapshots.iter().find(is_it) else {
            return Err(absent(vec![(
                AT.to_owned(),
                "the account has no such snapshot of its own".to_owned(),
            )]));
        };
        if protects(pairs(snapshot.tags())) {
            return Err(protected(vec![(AT.to_owned(), format!("{} is protected", self.snapshot_id))]));
        }
        let mut warnings = Warnings::default();
        let images = warnings.known(images, "Whether an image uses the snapshot").unwrap_or_default();
        let images: Vec<_> =
            images.into_iter().filter(|image| snapshots_of(image).contains(&self.snapshot_id)).collect();
        let others = self.others(snapshot, look, &mut warnings).await;
        if !images.is_empty() {
            let detail =
                "a registered image uses the snapshot, so that AWS will refuse; deregister the image first";
            warnings.add("snapshot_in_use", detail);
        }
        if others == Some(0) {
            let detail = "no other completed snapshot of the same volume is left in this account and Region";
            warnings.add("last_snapshot", detail);
        }
        if tag(snapshot.tags(), AWS_BACKUP).is_some() {
            let detail =
                "AWS Backup made the snapshot and keeps it, so that EC2 will refuse; it is deleted there";
            warnings.add("managed_by_aws_backup", detail);
        }
        Ok(Seen {
            targets: vec![target(&self.snapshot_id, snapshot)],
            blast_radius: known(json!({
                "size_gib": snapshot.volume_size(),
                "images_that_use_it": images.len(),
                "snapshots_of_the_volume_kept": others,
                "images": shown(images.iter().map(named)),
            })),
            warnings: warnings.0,
            prints: [(self.snapshot_id.clone(), print(snapshot))].into(),
        })
    }
}

impl DeleteSnapshot {
    /// How many other snapshots of the same volume there are to go back to.
    async fn others(&self, snapshot: &Snapshot, look: &Look<'_>, warnings: &mut Warnings) -> Option<usize> {
        let volume = snapshot.volume_id().filter(|volume| *volume != NO_VOLUME)?.to_owned();
        let of_volume = filter("volume-id", std::slice::from_ref(&volume));
        let read = look.read(SNAPSHOTS, snapshots_by(look, of_volume)).await;
        let all = warnings.known(read, "Whether the volume has other snapshots")?;
        let counts = |one: &&Snapshot| {
            one.snapshot_id() != Some(self.snapshot_id.as_str())
                && one.volume_id() == Some(volume.as_str())
                && one.state() == Some(&SnapshotState::Completed)
        };
        Some(all.iter().filter(counts).count())
    }
}

pub(super) fn target(id: &str, snapshot: &Snapshot) -> PlanTarget {
    let facts = json!({
        "name": tag(snapshot.tags(), "Name"),
        "state": snapshot.state().map(|state| state.as_str()),
        "volume": snapshot.volume_id(),
        "size_gib": snapshot.volume_size(),
        "started_at": snapshot.start_time().map(ToString::to_string),
        "description": snapshot.description(),
        "tier": snapshot.storage_tier().map(|tier| tier.as_str()),
    });
    PlanTarget { id: id.to_owned(), kind: "snapshot".to_owned(), facts: known(facts) }
}

pub(super) fn print(snapshot: &Snapshot) -> Print {
    [
        ("volume", snapshot.volume_id().map(str::to_owned)),
        ("start time", snapshot.start_time().map(ToString::to_string)),
        ("size", snapshot.volume_size().map(|size| format!("{size} GiB"))),
    ]
    .into_iter()
    .filter_map(|(part, value)| Some((part.to_owned(), value?)))
    .collect()
}
