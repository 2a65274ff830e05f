//! A backup is made: the instance is looked at, and what is needed to launch it again is kept beside it.

use access::CustomerSession;
use aws_sdk_ec2::operation::RequestId as _;
use aws_sdk_ec2::types::{
    BlockDeviceMapping, CopyTagsFromSource, Filter, Image, InstanceSpecification, InstanceStateName,
    Reservation, ResourceType, Snapshot, Tag, TagSpecification,
};
use domain::backup::VolumeSnapshot;
use domain::ec2_backup::{BackupMethod, Ec2Backup};
use domain::instance_manifest::{InstanceManifest, VolumeManifest};
use domain::operation::Target;
use domain::policy::{PolicyDocument, Statement};
use jiff::Timestamp;
use runtime::now;

use super::manifest::manifest_of;
use super::{BACKUP, INSTANCE, MOST_TAGS, in_order, is_free, is_instance, reading, snapshot_of, timestamp};
use crate::backups::{Answer, heard};
use crate::operations::ec2::client;
use crate::operations::ec2::tagging::{any, needs_tagging};
use crate::operations::{Place, deadline, not_begun, passing};

/// Most pages of what is looked for: a set of snapshots is one.
const MOST_PAGES: usize = 5;

/// How many tags Drawbridge gives.
const OURS: usize = 2;

/// An instance that can be backed up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Instance {
    /// What it is like.
    pub manifest: InstanceManifest,
    /// Whether its volumes have so few tags that snapshots can have them too, and Drawbridge's besides.
    pub copies_tags: bool,
}

/// How an instance is that is to be backed up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Looked {
    /// It can be, and this is what it is like.
    Ready(Box<Instance>),
    /// It is gone or going, or has no volume that is to be backed up.
    NotNow {
        /// Which of these.
        code: &'static str,
        /// The same for people.
        detail: &'static str,
    },
}

/// A backup that AWS has taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Taken {
    /// The image's id, or that of the first snapshot.
    pub aws_id: String,
    /// When AWS made it.
    pub created_at: Timestamp,
    /// Its snapshots, as far as AWS has told them.
    pub snapshots: Vec<VolumeSnapshot>,
    /// AWS's id of the request that it was found or made by.
    pub request_id: Option<String>,
}

/// What became of the request for a backup.
pub type Made = crate::backups::Made<Taken>;

/// What a session may do that makes backups of these instances. `finding` says whether it looks for those that
/// may be there.
#[must_use]
pub fn making_policy(place: &Place, instances: &[&str], how: Ec2Backup, finding: bool) -> PolicyDocument {
    let instances = instances.iter().filter(|id| is_instance(id));
    let instances = instances.map(|id| place.ec2(&format!("instance/{id}")));
    // What is made has no name yet, and which volumes an instance has is EC2's to find.
    let (action, by, on, tagged, find) = match how.method {
        BackupMethod::Snapshots => (
            "ec2:CreateSnapshots",
            "CreateSnapshots",
            ["volume", "snapshot"],
            &["snapshot"][..],
            "ec2:DescribeSnapshots",
        ),
        BackupMethod::Image => (
            "ec2:CreateImage",
            "CreateImage",
            ["image", "snapshot"],
            &["image", "snapshot"][..],
            "ec2:DescribeImages",
        ),
    };
    let making = Statement::allow([action], instances.chain(on.map(|kind| any(place, kind))));
    let tagging = needs_tagging(place, by, tagged.iter().copied());
    let reads = ["ec2:DescribeInstances", "ec2:DescribeVolumes", find];
    let reading = reading(place, &reads[..if finding { 3 } else { 2 }]);
    PolicyDocument::new([making].into_iter().chain(tagging).chain([reading]).collect())
}

/// Looks at an instance.
pub async fn look(session: &CustomerSession, place: &Place, id: &str, how: Ec2Backup) -> Answer<Looked> {
    let client = client(session, place);
    let of_it = |name: &str| Filter::builder().name(name).values(id).build();
    let described =
        async { heard(session, client.describe_instances().filters(of_it("instance-id")).send()).await };
    let attached = async {
        heard(session, client.describe_volumes().filters(of_it("attachment.instance-id")).send()).await
    };
    let (described, volumes) = match futures::join!(described, attached) {
        (Ok(described), Ok(attached)) => (described, attached.volumes.unwrap_or_default()),
        (Err(unheard), _) => return unheard.answer(id),
        (_, Err(unheard)) => return unheard.answer(id),
    };
    let mut instances = described.reservations().iter().flat_map(Reservation::instances);
    let gone = [InstanceStateName::ShuttingDown, InstanceStateName::Terminated];
    let found = instances.find(|instance| {
        let state = instance.state().and_then(|state| state.name());
        instance.instance_id() == Some(id) && !state.is_some_and(|state| gone.contains(state))
    });
    let Some(instance) = found else {
        return Answer::Done(Looked::NotNow {
            code: "instance_not_found",
            detail: "There is no such instance in this Region any more: it was terminated.",
        });
    };
    let manifest = manifest_of(instance, &volumes);
    let included = |volume: &&VolumeManifest| !how.excludes(manifest.boots_from(volume));
    let boots = manifest.volumes.iter().any(|volume| manifest.boots_from(volume));
    if !manifest.volumes.iter().any(|volume| included(&volume)) {
        return Answer::Done(Looked::NotNow {
            code: "no_volumes",
            detail: "The instance has no volume that is to be backed up; what is in an instance store never is.",
        });
    }
    if how.method == BackupMethod::Image && !boots {
        return Answer::Done(Looked::NotNow {
            code: "no_volumes",
            detail: "The instance boots from an instance store, of which no image can be made this way.",
        });
    }
    let most = volumes.iter().map(|volume| volume.tags().len()).max().unwrap_or(0);
    Answer::Done(Looked::Ready(Box::new(Instance { manifest, copies_tags: most + OURS <= MOST_TAGS })))
}

/// The volumes besides the one that it boots from.
fn data_volumes(manifest: &InstanceManifest) -> impl Iterator<Item = &VolumeManifest> {
    manifest.volumes.iter().filter(|volume| !manifest.boots_from(volume))
}

fn tag(key: &str, value: &str) -> Tag {
    Tag::builder().key(key).value(value).build()
}

/// Drawbridge's own tags, and as many of these as there is room for.
fn tagging<'a>(
    kind: ResourceType,
    (id, name): (&str, &str),
    more: impl Iterator<Item = (&'a String, &'a String)>,
) -> TagSpecification {
    let ours = [tag(BACKUP, name), tag(INSTANCE, id)];
    let more = more.filter(|(key, _)| is_free(key)).take(MOST_TAGS - OURS);
    let tags = ours.into_iter().chain(more.map(|(key, value)| tag(key, value)));
    TagSpecification::builder().resource_type(kind).set_tags(Some(tags.collect())).build()
}

/// Asks for a backup, once: a request whose answer was lost may have been carried out.
pub async fn create(
    session: &CustomerSession,
    place: &Place,
    (id, name): (&str, &str),
    how: Ec2Backup,
    instance: &Instance,
) -> Made {
    if deadline::is_over(session) {
        let Target { code, detail, .. } = not_begun(id.to_owned());
        let (code, detail) = (code.unwrap_or_default(), detail.unwrap_or_default());
        return Made::NotTaken { code, detail, later: true };
    }
    let session = session.asking_once();
    match how.method {
        BackupMethod::Snapshots => create_snapshots(&session, place, (id, name), how, instance).await,
        BackupMethod::Image => create_image(&session, place, (id, name), how, instance).await,
    }
}

async fn create_snapshots(
    session: &CustomerSession,
    place: &Place,
    (id, name): (&str, &str),
    how: Ec2Backup,
    instance: &Instance,
) -> Made {
    let manifest = &instance.manifest;
    let left_out = how.exclude_data_volumes.then(|| data_volumes(manifest));
    let left_out: Vec<String> =
        left_out.into_iter().flatten().map(|volume| volume.volume_id.clone()).collect();
    let of_it = InstanceSpecification::builder()
        .instance_id(id)
        .set_exclude_boot_volume(how.exclude_boot_volume.then_some(true))
        .set_exclude_data_volume_ids(Some(left_out).filter(|ids| !ids.is_empty()))
        .build();
    let asked = client(session, place)
        .create_snapshots()
        .instance_specification(of_it)
        .description(format!("Drawbridge's backup of {id}"))
        .set_copy_tags_from_source(instance.copies_tags.then_some(CopyTagsFromSource::Volume))
        .tag_specifications(tagging(ResourceType::Snapshot, (id, name), [].into_iter()))
        .send();
    match heard(session, asked).await {
        Ok(answer) => {
            let request_id = answer.request_id().map(str::to_owned);
            let made = answer.snapshots().iter();
            let created_at = made.clone().filter_map(|one| timestamp(one.start_time()?)).min();
            let snapshots = made.filter_map(|one| {
                let id = one.snapshot_id()?;
                Some(snapshot_of(id, one.volume_id(), one.volume_size(), Some(manifest)))
            });
            taken(in_order(snapshots.collect(), Some(manifest)), created_at, request_id)
        }
        Err(unheard) => not_taken(id, &unheard),
    }
}

/// What is made of these snapshots.
fn taken(snapshots: Vec<VolumeSnapshot>, created_at: Option<Timestamp>, request_id: Option<String>) -> Made {
    let Some(first) = snapshots.first() else { return Made::Unknown };
    let aws_id = first.snapshot_id.clone();
    Made::Taken(Taken { aws_id, created_at: created_at.unwrap_or_else(now), snapshots, request_id })
}

async fn create_image(
    session: &CustomerSession,
    place: &Place,
    (id, name): (&str, &str),
    how: Ec2Backup,
    instance: &Instance,
) -> Made {
    let manifest = &instance.manifest;
    let none_of = |volume: &VolumeManifest| {
        BlockDeviceMapping::builder().device_name(&volume.device).no_device("").build()
    };
    let left_out = how.exclude_data_volumes.then(|| data_volumes(manifest).map(none_of));
    let left_out: Vec<_> = left_out.into_iter().flatten().collect();
    let asked = client(session, place)
        .create_image()
        .instance_id(id)
        .name(name)
        .description(format!("Drawbridge's backup of {id}"))
        // A reboot would be an outage that nobody asked for.
        .no_reboot(true)
        .set_block_device_mappings(Some(left_out).filter(|devices| !devices.is_empty()))
        .tag_specifications(tagging(ResourceType::Image, (id, name), manifest.tags.iter()))
        .tag_specifications(tagging(ResourceType::Snapshot, (id, name), manifest.tags.iter()))
        .send();
    match heard(session, asked).await {
        Ok(answer) => {
            let request_id = answer.request_id().map(str::to_owned);
            answer.image_id.map_or(Made::Unknown, |aws_id| {
                Made::Taken(Taken { aws_id, created_at: now(), snapshots: Vec::new(), request_id })
            })
        }
        // An image of this name is this backup's: it is found by it.
        Err(unheard) if unheard.code() == Some("InvalidAMIName.Duplicate") => Made::Unknown,
        Err(unheard) => not_taken(id, &unheard),
    }
}

fn not_taken<E: aws_sdk_ec2::error::ProvideErrorMetadata>(
    id: &str,
    unheard: &crate::backups::Unheard<E>,
) -> Made {
    if !unheard.is_refusal() {
        return Made::Unknown;
    }
    let target = unheard.target(id);
    Made::NotTaken {
        later: passing(&target) || unheard.code().is_some_and(may_come_later),
        code: target.code.unwrap_or_default(),
        detail: target.detail.unwrap_or_default(),
    }
}

/// Whether AWS has no room for it at the moment, or the instance is on its way somewhere. Source: EC2 API
/// Reference, "Error codes".
fn may_come_later(code: &str) -> bool {
    matches!(
        code,
        "ConcurrentSnapshotLimitExceeded"
            | "PendingSnapshotLimitExceeded"
            | "SnapshotCreationPerVolumeRateExceeded"
            | "ConcurrentCreateImageNoRebootLimitExceeded"
            | "IncorrectState"
            | "IncorrectInstanceState"
    )
}

/// Looks for what was made under this name.
pub async fn find(
    session: &CustomerSession,
    place: &Place,
    name: &str,
    how: Ec2Backup,
    manifest: Option<&InstanceManifest>,
) -> Answer<Option<Taken>> {
    match how.method {
        BackupMethod::Snapshots => {
            let tagged = Filter::builder().name(format!("tag:{BACKUP}")).values(name).build();
            snapshots_by(session, place, tagged).await.map(|found| {
                let created_at = found.iter().filter_map(|one| timestamp(one.start_time()?)).min();
                let snapshots = described(&found, manifest);
                match taken(in_order(snapshots, manifest), created_at, None) {
                    Made::Taken(taken) => Some(taken),
                    Made::NotTaken { .. } | Made::Unknown => None,
                }
            })
        }
        BackupMethod::Image => {
            let named = Filter::builder().name("name").values(name).build();
            images_by(session, place, named).await.map(|found| {
                let image = found.into_iter().find(|image| image.name() == Some(name))?;
                let created_at = image.creation_date().and_then(|at| at.parse().ok());
                Some(Taken {
                    aws_id: image.image_id()?.to_owned(),
                    created_at: created_at.unwrap_or_else(now),
                    snapshots: Vec::new(),
                    request_id: None,
                })
            })
        }
    }
}

/// These snapshots, with the devices that their volumes were.
pub(super) fn described(found: &[Snapshot], manifest: Option<&InstanceManifest>) -> Vec<VolumeSnapshot> {
    let one =
        |one: &Snapshot| Some(snapshot_of(one.snapshot_id()?, one.volume_id(), one.volume_size(), manifest));
    found.iter().filter_map(one).collect()
}

/// The snapshots that were made for a backup of this name.
pub async fn tagged_snapshots(
    session: &CustomerSession,
    place: &Place,
    name: &str,
) -> Answer<Vec<VolumeSnapshot>> {
    let tagged = Filter::builder().name(format!("tag:{BACKUP}")).values(name).build();
    snapshots_by(session, place, tagged).await.map(|found| described(&found, None))
}

/// The account's own snapshots that fit.
pub(super) async fn snapshots_by(
    session: &CustomerSession,
    place: &Place,
    filter: Filter,
) -> Answer<Vec<Snapshot>> {
    let client = client(session, place);
    let (mut found, mut next) = (Vec::new(), None);
    for _ in 0..MOST_PAGES {
        let asked =
            client.describe_snapshots().owner_ids("self").filters(filter.clone()).set_next_token(next).send();
        match heard(session, asked).await {
            Ok(page) => {
                found.extend(page.snapshots.unwrap_or_default());
                next = page.next_token.filter(|token| !token.is_empty());
            }
            Err(unheard) => return unheard.answer("DescribeSnapshots"),
        }
        if next.is_none() {
            return Answer::Done(found);
        }
    }
    Answer::Later { code: "too_many_pages".to_owned() }
}

/// The account's own images that fit.
pub(super) async fn images_by(
    session: &CustomerSession,
    place: &Place,
    filter: Filter,
) -> Answer<Vec<Image>> {
    let asked = client(session, place)
        .describe_images()
        .owners("self")
        .filters(filter)
        // One that somebody has disabled is there all the same.
        .include_disabled(true)
        .send();
    match heard(session, asked).await {
        Ok(answer) => Answer::Done(answer.images.unwrap_or_default()),
        Err(unheard) => unheard.answer("DescribeImages"),
    }
}
