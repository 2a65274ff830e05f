//! How a backup is.

use std::collections::BTreeSet;

use access::CustomerSession;
use aws_sdk_ec2::types::{Filter, Image, ImageState, Snapshot, SnapshotState};
use domain::backup::{Backup, VolumeSnapshot};
use domain::policy::PolicyDocument;
use jiff::{SignedDuration, Timestamp};

use super::make::{described, images_by, snapshots_by};
use super::{BACKUP, in_order, reading, snapshot_of};
use crate::backups::Answer;
use crate::operations::Place;

/// How long what was just made may not be seen by whoever asks for it. Source: EC2 Developer Guide, "Eventual
/// consistency in the Amazon EC2 API".
const UNSEEN: SignedDuration = SignedDuration::from_mins(5);

/// How a backup is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Seen {
    /// AWS is making it.
    Creating,
    /// It is there, with these snapshots.
    Available(Vec<VolumeSnapshot>),
    /// AWS could not make it, and says why.
    Failed(String),
    /// AWS knows it no more, or not all of it.
    Gone,
}

/// What a session may do that looks at backups: EC2 limits that to no resource.
#[must_use]
pub fn watching_policy(place: &Place) -> PolicyDocument {
    PolicyDocument::new(vec![reading(place, &["ec2:DescribeSnapshots", "ec2:DescribeImages"])])
}

/// Looks at one backup.
pub async fn watch(
    session: &CustomerSession,
    place: &Place,
    backup: &Backup,
    now: Timestamp,
) -> Answer<Seen> {
    let unseen = if now < backup.created_at + UNSEEN { Seen::Creating } else { Seen::Gone };
    if backup.is_image() {
        let by_id = Filter::builder().name("image-id").values(&backup.aws_id).build();
        return images_by(session, place, by_id).await.map(|found| match found.first() {
            Some(image) => of_image(image, backup),
            None => unseen,
        });
    }
    let known: BTreeSet<&str> = backup.snapshots.iter().map(|one| one.snapshot_id.as_str()).collect();
    let has_all =
        |found: &[Snapshot]| known.iter().all(|id| found.iter().any(|one| one.snapshot_id() == Some(*id)));
    // By its tag all of it is found, that too of which nobody was told.
    let tagged = Filter::builder().name(format!("tag:{BACKUP}")).values(&backup.name).build();
    let found = match snapshots_by(session, place, tagged).await {
        Answer::Done(found) if has_all(&found) => found,
        Answer::Done(_) => {
            let ids = Some(known.iter().map(|id| (*id).to_owned()).collect());
            let by_id = Filter::builder().name("snapshot-id").set_values(ids).build();
            match snapshots_by(session, place, by_id).await {
                Answer::Done(found) if has_all(&found) => found,
                Answer::Done(_) => return Answer::Done(unseen),
                other => return other.map(|_| Seen::Creating),
            }
        }
        other => return other.map(|_| Seen::Creating),
    };
    Answer::Done(of_snapshots(&found, backup))
}

fn of_snapshots(found: &[Snapshot], backup: &Backup) -> Seen {
    let is = |state: &SnapshotState| found.iter().find(|one| one.state() == Some(state));
    if let Some(failed) = is(&SnapshotState::Error) {
        let why = failed.state_message().unwrap_or("AWS does not say why");
        let id = failed.snapshot_id().unwrap_or_default();
        return Seen::Failed(format!("AWS could not make the snapshot {id}: {why}."));
    }
    if is(&SnapshotState::Recoverable).or(is(&SnapshotState::Recovering)).is_some() {
        return Seen::Gone;
    }
    if found.is_empty() || found.iter().any(|one| one.state() != Some(&SnapshotState::Completed)) {
        return Seen::Creating;
    }
    let manifest = backup.instance.as_ref();
    Seen::Available(in_order(described(found, manifest), manifest))
}

fn of_image(image: &Image, backup: &Backup) -> Seen {
    match image.state() {
        Some(ImageState::Available | ImageState::Disabled) => {
            Seen::Available(in_order(snapshots_in(image, backup), backup.instance.as_ref()))
        }
        Some(ImageState::Failed | ImageState::Error | ImageState::Invalid) => {
            let why = image.state_reason().and_then(|reason| reason.message());
            Seen::Failed(format!("AWS could not make the image: {}.", why.unwrap_or("it does not say why")))
        }
        Some(ImageState::Deregistered) => Seen::Gone,
        _ => Seen::Creating,
    }
}

/// The snapshots that an image is made of. It does not name their volumes; their devices tell.
fn snapshots_in(image: &Image, backup: &Backup) -> Vec<VolumeSnapshot> {
    let manifest = backup.instance.as_ref();
    let volumes = || manifest.into_iter().flat_map(|manifest| &manifest.volumes);
    let one = |mapping: &aws_sdk_ec2::types::BlockDeviceMapping| {
        let (device, ebs) = (mapping.device_name()?, mapping.ebs()?);
        let volume = volumes().find(|volume| volume.device == device);
        let volume = volume.map(|volume| volume.volume_id.as_str());
        let snapshot = snapshot_of(ebs.snapshot_id()?, volume, ebs.volume_size(), manifest);
        Some(VolumeSnapshot { device: Some(device.to_owned()), ..snapshot })
    };
    image.block_device_mappings().iter().filter_map(one).collect()
}
