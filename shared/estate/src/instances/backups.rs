//! Backups of instances: what runs ask of EC2 in a customer's account, each with the session policy that lets it
//! do that on those instances, snapshots and images, and nothing else.
//!
//! Sources: EC2 API Reference; Amazon EBS User Guide, "Create Amazon EBS snapshots"; Service Authorization
//! Reference, "Actions, resources, and condition keys for Amazon EC2".

#![expect(
    clippy::redundant_closure_for_method_calls,
    reason = "the methods' paths would name each of the SDK's types, and say no more"
)]

mod launch;
mod look;
mod make;
mod manifest;
mod remove;

use domain::backup::VolumeSnapshot;
use domain::instance_manifest::InstanceManifest;
use domain::policy::Statement;
use jiff::Timestamp;

use crate::operations::Place;
use crate::operations::ec2::is_id;

pub use launch::launch_of;
pub use look::{Seen, watch, watching_policy};
pub use make::{Instance, Looked, Made, Taken, create, find, look, making_policy, tagged_snapshots};
pub use remove::{deleting_policy, fitting, remove};

/// The tag that what a backup consists of is found by: its value is the backup's name.
const BACKUP: &str = "drawbridge:backup";

/// The tag that says which instance it is of.
const INSTANCE: &str = "drawbridge:instance";

/// What is Drawbridge's own among tags, and what is AWS's: neither is given to what is made.
const RESERVED: [&str; 2] = ["drawbridge:", "aws:"];

/// Most tags of a resource. Source: EC2 User Guide, "Tag restrictions".
const MOST_TAGS: usize = 50;

/// Whether this is an instance's id: what is not never reaches a policy.
#[must_use]
pub fn is_instance(id: &str) -> bool {
    is_id(id, "i-")
}

/// Whether somebody may give this tag to what he makes.
fn is_free(key: &str) -> bool {
    !RESERVED.iter().any(|prefix| key.to_lowercase().starts_with(prefix))
}

/// Reads, which EC2 limits to no resource, in this Region alone.
fn reading(place: &Place, actions: &[&'static str]) -> Statement {
    let reads = Statement::allow(actions.iter().copied(), ["*"]);
    reads.on_condition("StringEquals", "aws:RequestedRegion", place.region.as_str())
}

/// A time of AWS's, to the millisecond.
fn timestamp(at: &aws_sdk_ec2::primitives::DateTime) -> Option<Timestamp> {
    Timestamp::from_millisecond(at.to_millis().ok()?).ok()
}

/// The snapshots in order: of the volume that the instance boots from first, then by device.
fn in_order(mut snapshots: Vec<VolumeSnapshot>, manifest: Option<&InstanceManifest>) -> Vec<VolumeSnapshot> {
    let root = manifest.and_then(|manifest| manifest.root_device.as_deref());
    snapshots.sort_by_key(|one| {
        let boots = root.is_some() && one.device.as_deref() == root;
        (!boots, one.device.clone(), one.snapshot_id.clone())
    });
    snapshots
}

/// A snapshot of this volume, with the device that it was.
fn snapshot_of(
    id: &str,
    volume: Option<&str>,
    size: Option<i32>,
    manifest: Option<&InstanceManifest>,
) -> VolumeSnapshot {
    let known = manifest.into_iter().flat_map(|manifest| &manifest.volumes);
    let known = known.into_iter().find(|known| volume == Some(known.volume_id.as_str()));
    VolumeSnapshot {
        snapshot_id: id.to_owned(),
        volume_id: volume.map(str::to_owned),
        device: known.map(|known| known.device.clone()),
        size_gib: size.or(known.map(|known| known.size_gib)),
    }
}

#[cfg(test)]
mod tests;
