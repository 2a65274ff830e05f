//! What deleting a backup of an instance would destroy: an image and its snapshots, or a set of snapshots.
//!
//! Sources: EC2 API Reference, `DeregisterImage`, `DeleteSnapshot`; EC2 User Guide, "Deregister an Amazon EC2
//! AMI".

use aws_sdk_ec2::types::{Image, ImageState, Snapshot};
use domain::backup::Backup;
use domain::plan::{PlanTarget, Print, Seen};
use domain::policy::{PolicyDocument, Statement};
use domain::{CapabilitySet, Error};
use serde_json::json;

use super::images::{self, IMAGES, SNAPSHOTS, images_by, named, snapshots_by, snapshots_of};
use super::instances::{filter, instances_by, is_there, pairs};
use super::snapshots;
use super::{Look, Warnings, absent, holds, known, not_seen, protected, protects, shown};
use crate::operations::Place;

const INSTANCES: &str = "ec2:DescribeInstances";

/// What the session may do that looks at a backup of an instance: EC2's lists can be limited to no resource.
#[must_use]
pub fn look_policy(capabilities: &CapabilitySet) -> PolicyDocument {
    let reads = [IMAGES, SNAPSHOTS, INSTANCES].into_iter().filter(|action| holds(capabilities, action));
    PolicyDocument::new(vec![Statement::allow(reads, ["*"])])
}

/// Looks up what deleting this backup would destroy.
///
/// # Errors
/// 422 `target_not_found` if nothing of it is there, `target_protected`, `targets_unreadable` when AWS does not
/// let the role look; 503 when AWS does not answer.
pub async fn look_at_backup(
    session: &access::CustomerSession,
    place: &Place,
    capabilities: &CapabilitySet,
    backup: &Backup,
) -> Result<Seen, Error> {
    let look = Look { session, place, capabilities, salt: "" };
    let ids: Vec<String> = backup.snapshots.iter().map(|one| one.snapshot_id.clone()).collect();
    let image = backup.is_image().then(|| backup.aws_id.clone());
    let (image, used, found, launched) = futures::join!(
        async {
            match &image {
                Some(id) => images_by(&look, filter("image-id", std::slice::from_ref(id))).await,
                None => Ok(Vec::new()),
            }
        },
        async {
            if ids.is_empty() {
                return Ok(Vec::new());
            }
            look.read(IMAGES, images_by(&look, filter("block-device-mapping.snapshot-id", &ids))).await
        },
        snapshots_by(&look, filter("snapshot-id", &ids)),
        async {
            match &image {
                Some(id) => {
                    look.read(INSTANCES, instances_by(&look, filter("image-id", std::slice::from_ref(id))))
                        .await
                }
                None => Ok(Vec::new()),
            }
        },
    );
    let is_it = |one: &Image| one.image_id() == Some(backup.aws_id.as_str());
    let image = image.map_err(|error| not_seen(&error, false))?.into_iter().find(|one| is_it(one));
    let found = found.map_err(|error| not_seen(&error, false))?;
    let found = in_order(backup, found);
    if image.is_none() && found.is_empty() {
        return Err(absent(vec![(String::new(), "nothing of the backup is there any more".to_owned())]));
    }
    refuse_protected(image.as_ref(), &found)?;
    let mut warnings = Warnings::default();
    let used = warnings.known(used, "Whether other images use the snapshots").unwrap_or_default();
    let used: Vec<_> = used.into_iter().filter(|one| !is_it(one) && uses(one, &found)).collect();
    let launched = warnings.known(launched, "Whether instances were launched from the image");
    let launched = launched.unwrap_or_default();
    let launched =
        launched.iter().filter(|one| is_there(one) && one.image_id() == Some(backup.aws_id.as_str()));
    if let Some(image) = &image {
        images::warn(image, launched.count(), &mut warnings);
    }
    if !used.is_empty() {
        let detail = "a registered image that is not this backup uses a snapshot of it, so that AWS will refuse; \
                      deregister that image first";
        warnings.add("snapshot_in_use", detail);
    }
    let missing = backup.snapshots.len().saturating_sub(found.len());
    if missing > 0 || (backup.is_image() && image.is_none()) {
        warnings.add(
            "incomplete",
            "a part of the backup is gone already: nothing can be restored from it as it was",
        );
    }
    let images = image.iter().map(|image| (images::target(&backup.aws_id, image), images::print(image)));
    let snapshots = found.iter().filter_map(|one| {
        let id = one.snapshot_id()?;
        Some((snapshots::target(id, one), snapshots::print(one)))
    });
    let parts: Vec<(PlanTarget, Print)> = images.chain(snapshots).collect();
    Ok(Seen {
        prints: parts.iter().map(|(target, print)| (target.id.clone(), print.clone())).collect(),
        targets: parts.into_iter().map(|(target, _)| target).collect(),
        blast_radius: known(json!({
            "instance": backup.resource,
            "snapshots": found.len(),
            "size_gib": found.iter().filter_map(|one| one.volume_size()).map(i64::from).sum::<i64>(),
            "images_that_use_them": used.len(),
            "images": shown(used.iter().map(named)),
        })),
        warnings: warnings.0,
    })
}

/// Looks at the image that an instance would be launched from: what it is, and what makes it that.
///
/// # Errors
/// 409 `backup_not_available` if it is not there or cannot be launched from, 422 `targets_unreadable` when AWS does
/// not let the role look; 503 when AWS does not answer.
pub async fn look_at_image(
    session: &access::CustomerSession,
    place: &Place,
    capabilities: &CapabilitySet,
    backup: &Backup,
) -> Result<(PlanTarget, Print), Error> {
    let look = Look { session, place, capabilities, salt: "" };
    let by_id = filter("image-id", std::slice::from_ref(&backup.aws_id));
    let found = images_by(&look, by_id).await.map_err(|error| not_seen(&error, false))?;
    let image = found.first().filter(|image| image.state() == Some(&ImageState::Available));
    let Some(image) = image else {
        let detail = "AWS has no such image any more that something can be launched from";
        return Err(Error::conflict("backup_not_available", detail));
    };
    Ok((images::target(&backup.aws_id, image), images::print(image)))
}

/// The backup's snapshots that are there, in its order.
fn in_order(backup: &Backup, found: Vec<Snapshot>) -> Vec<Snapshot> {
    let place = |one: &Snapshot| {
        backup.snapshots.iter().position(|known| one.snapshot_id() == Some(known.snapshot_id.as_str()))
    };
    let mut found: Vec<_> = found.into_iter().filter(|one| place(one).is_some()).collect();
    found.sort_by_key(place);
    found
}

fn uses(image: &Image, found: &[Snapshot]) -> bool {
    let of_image = snapshots_of(image);
    found.iter().filter_map(|one| one.snapshot_id()).any(|id| of_image.iter().any(|used| used == id))
}

fn refuse_protected(image: Option<&Image>, found: &[Snapshot]) -> Result<(), Error> {
    let image = image.filter(|image| protects(pairs(image.tags()))).and_then(|image| image.image_id());
    let snapshots =
        found.iter().filter(|one| protects(pairs(one.tags()))).filter_map(|one| one.snapshot_id());
    let kept: Vec<_> =
        image.into_iter().chain(snapshots).map(|id| (String::new(), format!("{id} is protected"))).collect();
    if kept.is_empty() { Ok(()) } else { Err(protected(kept)) }
}
