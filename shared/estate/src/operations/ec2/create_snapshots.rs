//! `ec2:CreateSnapshots`. Sources: EC2 API Reference, `CreateSnapshots`; Service Authorization
//! Reference, Amazon EC2, `CreateSnapshots`.

use access::CustomerSession;
use aws_sdk_ec2::types::{InstanceSpecification, SnapshotInfo};
use domain::Error;
use domain::policy::Statement;
use serde::Deserialize;
use serde_json::{Value, json};

use super::tagging::{TagSpecification, any, check_specifications, needs_tagging, specifications, tagged};
use super::words::words;
use super::{check_once, client, each, form, invalid, is_id, tags};
use crate::operations::{Carry, Outcome, Place, not_done};

/// Makes a snapshot of each volume of an instance, all of one moment. They are pending at first.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct CreateSnapshots {
    /// Of which instance, and which of its volumes.
    instance_specification: Source,
    /// What they are for.
    #[serde(default)]
    description: Option<String>,
    /// Whether each has its volume's tags too.
    #[serde(default)]
    copy_tags_from_source: Option<CopyTagsFromSource>,
    /// Of `snapshot`.
    #[serde(default)]
    tag_specifications: Option<Vec<TagSpecification>>,
}

/// `InstanceSpecification`.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Source {
    instance_id: String,
    #[serde(default)]
    exclude_boot_volume: Option<bool>,
    #[serde(default)]
    exclude_data_volume_ids: Option<Vec<String>>,
}

words! {
    /// `CopyTagsFromSource`.
    CopyTagsFromSource {
        /// Those of its volume.
        Volume = "volume",
    }
}

/// Longest description of what is made from an instance.
pub(super) const LONGEST_DESCRIPTION: usize = 255;

/// Most volumes that are left out: an instance has no more. Source: the API Reference.
const MOST_EXCLUDED: usize = 127;

/// Refuses a description that is too long.
pub(super) fn check_description(text: Option<&str>) -> Result<(), Error> {
    match text {
        Some(text) if text.chars().count() > LONGEST_DESCRIPTION => {
            let detail = format!("a description is at most {LONGEST_DESCRIPTION} characters");
            Err(invalid("/Description", "invalid_description", detail))
        }
        _ => Ok(()),
    }
}

impl Carry for CreateSnapshots {
    const ACTION: &'static str = "ec2:CreateSnapshots";

    fn check(&self) -> Result<(), Error> {
        const EXCLUDED: &str = "/InstanceSpecification/ExcludeDataVolumeIds";
        if !is_id(&self.instance_specification.instance_id, "i-") {
            return Err(invalid("/InstanceSpecification/InstanceId", "invalid_instance_id", form("i-")));
        }
        if let Some(excluded) = &self.instance_specification.exclude_data_volume_ids {
            if excluded.is_empty() || excluded.len() > MOST_EXCLUDED {
                let detail = format!("name 1 to {MOST_EXCLUDED} volumes, or leave it out");
                return Err(invalid(EXCLUDED, "invalid_volume_ids", detail));
            }
            if let Some(wrong) = excluded.iter().position(|id| !is_id(id, "vol-")) {
                return Err(invalid(format!("{EXCLUDED}/{wrong}"), "invalid_volume_id", form("vol-")));
            }
            check_once(EXCLUDED, "invalid_volume_ids", excluded)?;
        }
        check_description(self.description.as_deref())?;
        check_specifications(self.tag_specifications.as_deref(), &["snapshot"])
    }

    /// That instance; its volumes are EC2's to find, and the snapshots have no names yet.
    fn needs(&self, place: &Place) -> Vec<Statement> {
        let instance = place.ec2(&format!("instance/{}", self.instance_specification.instance_id));
        let making =
            Statement::allow([Self::ACTION], [instance, any(place, "volume"), any(place, "snapshot")]);
        let copied = self.copy_tags_from_source.map(|_| "snapshot");
        let tagged = tagged(self.tag_specifications.as_deref()).chain(copied).take(1);
        [making].into_iter().chain(needs_tagging(place, "CreateSnapshots", tagged)).collect()
    }

    async fn carry(&self, session: &CustomerSession, place: &Place, dry_run: bool) -> Outcome {
        let Source { instance_id, exclude_boot_volume, exclude_data_volume_ids } =
            self.instance_specification.clone();
        let instance = InstanceSpecification::builder()
            .instance_id(&instance_id)
            .set_exclude_boot_volume(exclude_boot_volume)
            .set_exclude_data_volume_ids(exclude_data_volume_ids)
            .build();
        let request = client(session, place)
            .create_snapshots()
            .instance_specification(instance)
            .set_description(self.description.clone())
            .set_copy_tags_from_source(self.copy_tags_from_source.map(Into::into))
            .set_tag_specifications(specifications(self.tag_specifications.as_deref()))
            .dry_run(dry_run);
        match request.send().await {
            Ok(made) => {
                let ids = made.snapshots().iter().filter_map(|snapshot| snapshot.snapshot_id());
                let output = json!({ "Snapshots": each(made.snapshots(), snapshot) });
                Outcome::done(ids.map(str::to_owned), output, &made)
            }
            Err(error) => not_done(dry_run, [instance_id], &error),
        }
    }
}

fn snapshot(snapshot: &SnapshotInfo) -> Value {
    json!({
        "SnapshotId": snapshot.snapshot_id(),
        "VolumeId": snapshot.volume_id(),
        "State": snapshot.state().map(|state| state.as_str()),
        "Progress": snapshot.progress(),
        "StartTime": snapshot.start_time().map(ToString::to_string),
        "VolumeSize": snapshot.volume_size(),
        "Encrypted": snapshot.encrypted(),
        "OwnerId": snapshot.owner_id(),
        "Description": snapshot.description(),
        "Tags": tags(snapshot.tags()),
    })
}
