//! What terminating instances would destroy.
//!
//! Sources: EC2 API Reference, `TerminateInstances`, `Instance`, `Volume`; EC2 User Guide, "Terminate
//! Amazon EC2 instances" and "Instance store"; EC2 Auto Scaling User Guide, "Tag Auto Scaling groups".

use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_ec2::error::SdkError;
use aws_sdk_ec2::operation::describe_instance_types::DescribeInstanceTypesError;
use aws_sdk_ec2::operation::describe_instances::DescribeInstancesError;
use aws_sdk_ec2::operation::describe_volumes::DescribeVolumesError;
use aws_sdk_ec2::types::{DeviceType, Filter, Instance, InstanceStateName, InstanceType, Tag, Volume};
use domain::Error;
use domain::plan::{PlanTarget, Print, Seen};
use serde_json::{Map, Value, json};

use super::{
    Foresee, Look, MOST_READ, Unread, Warnings, absent, known, not_seen, protected, protects, shown,
};
use crate::operations::Place;
use crate::operations::ec2::terminate_instances::TerminateInstances;

const INSTANCES: &str = "ec2:DescribeInstances";
const VOLUMES: &str = "ec2:DescribeVolumes";
const TYPES: &str = "ec2:DescribeInstanceTypes";

/// The tag by which an Auto Scaling group marks its instances.
const GROUP: &str = "aws:autoscaling:groupName";

impl Foresee for TerminateInstances {
    /// EC2's lists can be limited to no resource.
    fn reads(&self, _place: &Place) -> Vec<(&'static str, Vec<String>)> {
        [INSTANCES, VOLUMES, TYPES].map(|action| (action, vec!["*".to_owned()])).to_vec()
    }

    async fn look(&self, look: &Look<'_>) -> Result<Seen, Error> {
        let ids = &self.instance_ids;
        let (instances, volumes) = futures::join!(
            instances_by(look, filter("instance-id", ids)),
            look.read(VOLUMES, volumes_of(look, ids)),
        );
        let mut found: BTreeMap<String, Instance> = instances
            .map_err(|error| not_seen(&error, false))?
            .into_iter()
            .filter(is_there)
            .filter_map(|instance| Some((instance.instance_id()?.to_owned(), instance)))
            .collect();
        let missing: Vec<_> = places(ids).filter(|(_, id)| !found.contains_key(*id)).collect();
        if !missing.is_empty() {
            return Err(absent(
                missing.into_iter().map(|(at, id)| (at, format!("{id} is not there, or gone"))).collect(),
            ));
        }
        found.retain(|id, _| ids.contains(id));
        let mut warnings = Warnings::default();
        // One of them may be protected, so that nothing is planned without them.
        let volumes = match volumes {
            Err(Unread { refusal: Some(refusal), .. }) => return Err(refusal),
            volumes => warnings.known(volumes, "How large the volumes are, and whether one is protected,"),
        };
        let volumes: BTreeMap<_, _> = volumes
            .unwrap_or_default()
            .into_iter()
            .filter_map(|volume| Some((volume.volume_id()?.to_owned(), volume)))
            .collect();
        refuse_protected(ids, &found, &volumes)?;
        let kinds: BTreeSet<_> = found.values().filter_map(|one| one.instance_type().cloned()).collect();
        let stores = look.read(TYPES, types_with_stores(look, kinds)).await;
        let stores = warnings.known(stores, "Whether an instance has an instance store");
        for instance in found.values() {
            warn(instance, &stores.clone().unwrap_or_default(), &mut warnings);
        }
        let blast_radius = blast_radius(&found, &volumes);
        let named = || ids.iter().filter_map(|id| Some((id.clone(), found.get(id)?)));
        Ok(Seen {
            targets: named().map(|(id, instance)| target(id, instance)).collect(),
            blast_radius,
            warnings: warnings.0,
            prints: named().map(|(id, instance)| (id, print(instance))).collect(),
        })
    }
}

/// Each id, with where it stands in the input.
fn places(ids: &[String]) -> impl Iterator<Item = (String, &String)> {
    ids.iter().enumerate().map(|(place, id)| (format!("/InstanceIds/{place}"), id))
}

pub(super) fn filter(name: &str, values: &[String]) -> Filter {
    Filter::builder().name(name).set_values(Some(values.to_vec())).build()
}

/// The instances that fit. What is named one by one is filtered for as well, for EC2 refuses the whole
/// list if one of them is not there.
pub(super) async fn instances_by(
    look: &Look<'_>,
    filter: Filter,
) -> Result<Vec<Instance>, SdkError<DescribeInstancesError>> {
    let mut pages = look.ec2().describe_instances().filters(filter).into_paginator().send();
    let mut found = Vec::new();
    while let Some(page) = pages.next().await {
        let reservations = page?.reservations.unwrap_or_default();
        found.extend(reservations.into_iter().flat_map(|one| one.instances.unwrap_or_default()));
        if found.len() >= MOST_READ {
            break;
        }
    }
    Ok(found)
}

async fn volumes_of(look: &Look<'_>, ids: &[String]) -> Result<Vec<Volume>, SdkError<DescribeVolumesError>> {
    let attached = filter("attachment.instance-id", ids);
    let mut pages = look.ec2().describe_volumes().filters(attached).into_paginator().send();
    let mut found = Vec::new();
    while let Some(page) = pages.next().await {
        found.extend(page?.volumes.unwrap_or_default());
        if found.len() >= MOST_READ {
            break;
        }
    }
    Ok(found)
}

/// Those of the types that have disks of their own.
async fn types_with_stores(
    look: &Look<'_>,
    kinds: BTreeSet<InstanceType>,
) -> Result<BTreeSet<InstanceType>, SdkError<DescribeInstanceTypesError>> {
    let request = look.ec2().describe_instance_types().set_instance_types(Some(kinds.into_iter().collect()));
    let answer = request.send().await?;
    let types = answer.instance_types.unwrap_or_default().into_iter();
    Ok(types
        .filter(|one| one.instance_storage_supported() == Some(true))
        .filter_map(|one| one.instance_type)
        .collect())
}

fn state(instance: &Instance) -> Option<&InstanceStateName> {
    instance.state().and_then(|state| state.name())
}

/// Whether there is something to terminate: terminated instances are told for an hour or so.
pub(super) fn is_there(instance: &Instance) -> bool {
    !matches!(state(instance), Some(InstanceStateName::Terminated | InstanceStateName::ShuttingDown))
}

pub(super) fn tag<'a>(tags: &'a [Tag], key: &str) -> Option<&'a str> {
    tags.iter().find(|tag| tag.key() == Some(key))?.value()
}

pub(super) fn pairs(tags: &[Tag]) -> impl Iterator<Item = (Option<&str>, Option<&str>)> {
    tags.iter().map(|tag| (tag.key(), tag.value()))
}

/// An instance's volumes, each with whether it goes with the instance.
fn attached(instance: &Instance) -> impl Iterator<Item = (&str, bool)> {
    instance.block_device_mappings().iter().filter_map(|mapping| {
        let ebs = mapping.ebs()?;
        Some((ebs.volume_id()?, ebs.delete_on_termination().unwrap_or(false)))
    })
}

fn refuse_protected(
    ids: &[String],
    found: &BTreeMap<String, Instance>,
    volumes: &BTreeMap<String, Volume>,
) -> Result<(), Error> {
    let mut refused = Vec::new();
    for (at, id) in places(ids) {
        let Some(instance) = found.get(id) else { continue };
        if protects(pairs(instance.tags())) {
            refused.push((at.clone(), format!("{id} is protected")));
        }
        for (volume, goes) in attached(instance) {
            if goes && volumes.get(volume).is_some_and(|volume| protects(pairs(volume.tags()))) {
                refused.push((at.clone(), format!("{volume}, which would go with {id}, is protected")));
            }
        }
    }
    if refused.is_empty() { Ok(()) } else { Err(protected(refused)) }
}

fn warn(instance: &Instance, stores: &BTreeSet<InstanceType>, warnings: &mut Warnings) {
    let id = instance.instance_id().unwrap_or_default();
    if let Some(group) = tag(instance.tags(), GROUP) {
        let detail =
            format!("{id} belongs to the Auto Scaling group {group}, which will launch another in its place");
        warnings.add("autoscaling_replaces", detail);
    }
    let on_store = instance.root_device_type() == Some(&DeviceType::InstanceStore);
    if on_store || instance.instance_type().is_some_and(|kind| stores.contains(kind)) {
        warnings.add(
            "instance_store_lost",
            format!("what {id} has on its instance store is lost, and has no snapshots"),
        );
    }
}

fn target(id: String, instance: &Instance) -> PlanTarget {
    let facts = json!({
        "name": tag(instance.tags(), "Name"),
        "state": state(instance).map(|state| state.as_str()),
        "type": instance.instance_type().map(|kind| kind.as_str()),
        "launched_at": instance.launch_time().map(ToString::to_string),
        "image": instance.image_id(),
        "availability_zone": instance.placement().and_then(|placement| placement.availability_zone()),
        "lifecycle": instance.instance_lifecycle().map(|lifecycle| lifecycle.as_str()),
        "private_address": instance.private_ip_address(),
        "public_address": instance.public_ip_address(),
        "autoscaling_group": tag(instance.tags(), GROUP),
    });
    PlanTarget { id, kind: "instance".to_owned(), facts: known(facts) }
}

fn print(instance: &Instance) -> Print {
    let mut volumes: Vec<_> =
        attached(instance).filter(|(_, goes)| *goes).map(|(volume, _)| volume.to_owned()).collect();
    volumes.sort();
    [
        ("state", state(instance).map(|state| state.as_str().to_owned())),
        ("launch time", instance.launch_time().map(ToString::to_string)),
        ("volumes that go with it", Some(volumes.join(" ")).filter(|volumes| !volumes.is_empty())),
    ]
    .into_iter()
    .filter_map(|(part, value)| Some((part.to_owned(), value?)))
    .collect()
}

fn blast_radius(
    found: &BTreeMap<String, Instance>,
    volumes: &BTreeMap<String, Volume>,
) -> Map<String, Value> {
    let (mut deleted, mut kept) = (Vec::new(), Vec::new());
    let (mut released, mut elastic) = (Vec::new(), Vec::new());
    for (id, instance) in found {
        for (volume, goes) in attached(instance) {
            if goes { &mut deleted } else { &mut kept }.push((volume, id));
        }
        for (address, is_elastic) in addresses(instance) {
            let told = known(json!({"address": address, "instance": id}));
            if is_elastic { &mut elastic } else { &mut released }.push(told);
        }
    }
    let size = |list: &[(&str, &String)]| -> i64 {
        list.iter().filter_map(|(id, _)| volumes.get(*id)?.size()).map(i64::from).sum()
    };
    let list = |list: &[(&str, &String)]| {
        shown(list.iter().map(|(id, instance)| {
            let volume = volumes.get(*id);
            known(json!({
                "volume": id,
                "instance": instance,
                "name": volume.and_then(|volume| tag(volume.tags(), "Name")),
                "size_gib": volume.and_then(|volume| volume.size()),
                "type": volume.and_then(|volume| volume.volume_type()).map(|kind| kind.as_str()),
            }))
        }))
    };
    known(json!({
        "instances": found.len(),
        "volumes_deleted": deleted.len(),
        "volumes_deleted_gib": size(&deleted),
        "volumes_kept": kept.len(),
        "volumes_kept_gib": size(&kept),
        "deleted_volumes": list(&deleted),
        "kept_volumes": list(&kept),
        "released_addresses": shown(released),
        "kept_elastic_addresses": shown(elastic),
    }))
}

/// Public addresses, each with whether it is an Elastic IP address, which stays and is paid for. Source:
/// EC2 API Reference, `InstanceNetworkInterfaceAssociation`, `IpOwnerId`: `amazon` for others.
fn addresses(instance: &Instance) -> Vec<(&str, bool)> {
    let interfaces = instance.network_interfaces().iter();
    let all = interfaces.flat_map(|interface| interface.private_ip_addresses());
    let associations = all.filter_map(|address| address.association());
    let mut found: Vec<_> = associations
        .filter_map(|one| Some((one.public_ip()?, one.ip_owner_id() != Some("amazon"))))
        .collect();
    if found.is_empty() {
        found.extend(instance.public_ip_address().map(|address| (address, false)));
    }
    found
}
