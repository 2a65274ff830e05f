//! `ec2:DescribeVolumes`. Source: EC2 API Reference, `DescribeVolumes` and `Volume`.

use access::CustomerSession;
use aws_sdk_ec2::types::Volume;
use domain::Error;
use domain::policy::Statement;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    Filter, check_filters, check_named, check_page, client, each, everywhere, filters, list, page_size, tags,
};
use crate::operations::{Carry, Outcome, Place};

/// Lists volumes, a page at a time.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct DescribeVolumes {
    /// These alone; then there are no pages.
    volume_ids: Option<Vec<String>>,
    /// Those that fit alone.
    filters: Option<Vec<Filter>>,
    /// Most of a page: 5 to 500, 100 unless said.
    max_results: Option<i32>,
    /// Where the page before ended.
    next_token: Option<String>,
}

impl Carry for DescribeVolumes {
    const ACTION: &'static str = "ec2:DescribeVolumes";

    fn check(&self) -> Result<(), Error> {
        check_named("/VolumeIds", "vol-", self.volume_ids.as_deref())?;
        check_filters(self.filters.as_deref())?;
        check_page(self.max_results, 5..=500, self.next_token.as_deref(), self.volume_ids.is_some())
    }

    /// EC2's lists can be limited to no resource.
    fn needs(&self, _place: &Place) -> Vec<Statement> {
        everywhere(Self::ACTION)
    }

    async fn carry(&self, session: &CustomerSession, place: &Place, dry_run: bool) -> Outcome {
        let request = client(session, place)
            .describe_volumes()
            .set_volume_ids(self.volume_ids.clone())
            .set_filters(filters(self.filters.as_deref()))
            .set_max_results(page_size(self.max_results, self.volume_ids.is_some()))
            .set_next_token(self.next_token.clone());
        list!(request, dry_run, |page| json!({
            "Volumes": each(page.volumes(), volume),
            "NextToken": page.next_token(),
        }))
    }
}

/// What people ask of a volume.
fn volume(volume: &Volume) -> Value {
    json!({
        "VolumeId": volume.volume_id(),
        "State": volume.state().map(|state| state.as_str()),
        "VolumeType": volume.volume_type().map(|kind| kind.as_str()),
        "Size": volume.size(),
        "Iops": volume.iops(),
        "Throughput": volume.throughput(),
        "Encrypted": volume.encrypted(),
        "KmsKeyId": volume.kms_key_id(),
        "SnapshotId": volume.snapshot_id(),
        "AvailabilityZone": volume.availability_zone(),
        "CreateTime": volume.create_time().map(ToString::to_string),
        "MultiAttachEnabled": volume.multi_attach_enabled(),
        "Attachments": each(volume.attachments(), |attachment| json!({
            "InstanceId": attachment.instance_id(),
            "Device": attachment.device(),
            "State": attachment.state().map(|state| state.as_str()),
            "AttachTime": attachment.attach_time().map(ToString::to_string),
            "DeleteOnTermination": attachment.delete_on_termination(),
        })),
        "Tags": tags(volume.tags()),
    })
}
