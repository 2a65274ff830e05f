//! What deregistering an image would destroy.
//!
//! Sources: EC2 API Reference, `DeregisterImage`, `Image`; EC2 User Guide, "Deregister an Amazon EC2
//! AMI" and "Protect an Amazon EC2 AMI from deregistration".

use aws_sdk_ec2::error::SdkError;
use aws_sdk_ec2::operation::describe_images::DescribeImagesError;
use aws_sdk_ec2::operation::describe_snapshots::DescribeSnapshotsError;
use aws_sdk_ec2::types::{Filter, Image, Snapshot};
use domain::Error;
use domain::plan::{PlanTarget, Print, Seen};
use serde_json::{Value, json};

use super::instances::{filter, instances_by, is_there, pairs, tag};
use super::{Foresee, Look, MOST_READ, Warnings, absent, known, not_seen, protected, protects, shown};
use crate::operations::Place;
use crate::operations::ec2::deregister_image::DeregisterImage;

pub(super) const IMAGES: &str = "ec2:DescribeImages";
pub(super) const SNAPSHOTS: &str = "ec2:DescribeSnapshots";
const INSTANCES: &str = "ec2:DescribeInstances";
const AT: &str = "/ImageId";

impl Foresee for DeregisterImage {
    /// EC2's lists can be limited to no resource.
    fn reads(&self, _place: &Place) -> Vec<(&'static str, Vec<String>)> {
        [IMAGES, SNAPSHOTS, INSTANCES].map(|action| (action, vec!["*".to_owned()])).to_vec()
    }

    async fn look(&self, look: &Look<'_>) -> Result<Seen, Error> {
        let id = std::slice::from_ref(&self.image_id);
        let (images, instances) = futures::join!(
            images_by(look, filter("image-id", id)),
            look.read(INSTANCES, instances_by(look, filter("image-id", id))),
        );
        let images = images.map_err(|error| not_seen(&error, false))?;
        let is_it = |image: &&Image| image.image_id() == Some(self.image_id.as_str());
        let Some(image) = images.iter().find(is_it) else {
            return Err(absent(vec![(AT.to_owned(), "the account has no such image of its own".to_owned())]));
        };
        if protects(pairs(image.tags())) {
            return Err(protected(vec![(AT.to_owned(), format!("{} is protected", self.image_id))]));
        }
        let mut warnings = Warnings::default();
        let of_image = snapshots_of(image);
        let snapshots = look.read(SNAPSHOTS, snapshots_by(look, filter("snapshot-id", &of_image))).await;
        let snapshots = warnings.known(snapshots, "How large the image's snapshots are");
        let snapshots: Vec<_> = snapshots.unwrap_or_default();
        let instances = warnings.known(instances, "Whether instances were launched from the image");
        let launched: Vec<_> = instances
            .unwrap_or_default()
            .into_iter()
            .filter(|instance| is_there(instance) && instance.image_id() == Some(self.image_id.as_str()))
            .collect();
        warn(image, launched.len(), &mut warnings);
        let size = |id: &str| snapshots.iter().find(|one| one.snapshot_id() == Some(id))?.volume_size();
        let blast_radius = known(json!({
            "snapshots_kept": of_image.len(),
            "snapshots_kept_gib": of_image.iter().filter_map(|id| size(id)).map(i64::from).sum::<i64>(),
            "instances_launched_from_it": launched.len(),
            "kept_snapshots": shown(of_image.iter().map(|id| known(json!({"snapshot": id, "size_gib": size(id)})))),
            "launched_instances": shown(launched.iter().map(|instance| known(json!({
                "instance": instance.instance_id(),
                "name": tag(instance.tags(), "Name"),
            })))),
        }));
        Ok(Seen {
            targets: vec![target(&self.image_id, image)],
            blast_radius,
            warnings: warnings.0,
            prints: [(self.image_id.clone(), print(image))].into(),
        })
    }
}

/// The account's own images that fit.
pub(super) async fn images_by(
    look: &Look<'_>,
    filter: Filter,
) -> Result<Vec<Image>, SdkError<DescribeImagesError>> {
    let mut pages = look
        .ec2()
        .describe_images()
        .owners("self")
        .filters(filter)
        // One that somebody has disabled is there all the same.
        .include_disabled(true)
        .into_paginator()
        .send();
    let mut found = Vec::new();
    while let Some(page) = pages.next().await {
        found.extend(page?.images.unwrap_or_default());
        if found.len() >= MOST_READ {
            break;
        }
    }
    Ok(found)
}

/// The account's own snapshots that fit.
pub(super) async fn snapshots_by(
    look: &Look<'_>,
    filter: Filter,
) -> Result<Vec<Snapshot>, SdkError<DescribeSnapshotsError>> {
    // A filter of no values would fit everything.
    if filter.values().is_empty() {
        return Ok(Vec::new());
    }
    let mut pages = look.ec2().describe_snapshots().owner_ids("self").filters(filter).into_paginator().send();
    let mut found = Vec::new();
    while let Some(page) = pages.next().await {
        found.extend(page?.snapshots.unwrap_or_default());
        if found.len() >= MOST_READ {
            break;
        }
    }
    Ok(found)
}

/// The snapshots that an image is made of.
pub(super) fn snapshots_of(image: &Image) -> Vec<String> {
    let mappings = image.block_device_mappings().iter();
    let mut ids: Vec<_> =
        mappings.filter_map(|mapping| Some(mapping.ebs()?.snapshot_id()?.to_owned())).collect();
    ids.sort();
    ids.dedup();
    ids
}

pub(super) fn warn(image: &Image, launched: usize, warnings: &mut Warnings) {
    if launched > 0 {
        let detail = format!(
            "{launched} instances were launched from the image; they go on, but nothing can launch another like them, \
             neither launch templates nor Auto Scaling groups that name it"
        );
        warnings.add("image_in_use", detail);
    }
    if image.public() == Some(true) {
        warnings.add("image_is_public", "the image is public: other accounts may launch from it");
    }
    if image.deregistration_protection().is_some_and(|protection| protection.starts_with("enabled")) {
        let detail = "the image is protected from deregistration, so that AWS will refuse; the customer takes the \
                      protection off, if it is to go";
        warnings.add("deregistration_protected", detail);
    }
}

pub(super) fn target(id: &str, image: &Image) -> PlanTarget {
    let facts = json!({
        "name": image.name(),
        "state": image.state().map(|state| state.as_str()),
        "created_at": image.creation_date(),
        "architecture": image.architecture().map(|architecture| architecture.as_str()),
        "root_device": image.root_device_type().map(|kind| kind.as_str()),
        "last_launched_at": image.last_launched_time(),
    });
    PlanTarget { id: id.to_owned(), kind: "image".to_owned(), facts: known(facts) }
}

pub(super) fn print(image: &Image) -> Print {
    [
        ("name", image.name().map(str::to_owned)),
        ("creation time", image.creation_date().map(str::to_owned)),
        ("snapshots", Some(snapshots_of(image).join(" ")).filter(|snapshots| !snapshots.is_empty())),
    ]
    .into_iter()
    .filter_map(|(part, value)| Some((part.to_owned(), value?)))
    .collect()
}

/// What names an image that uses a snapshot.
pub(super) fn named(image: &Image) -> serde_json::Map<String, Value> {
    known(json!({"image": image.image_id(), "name": image.name()}))
}
