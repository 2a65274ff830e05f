//! `ec2:DescribeImages`. Source: EC2 API Reference, `DescribeImages` and `Image`.

use access::CustomerSession;
use aws_sdk_ec2::types::Image;
use domain::Error;
use domain::policy::Statement;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    Filter, check_filters, check_named, check_owners, check_page, client, each, everywhere, filters, list,
    owners, page_size, tags,
};
use crate::operations::{Carry, Outcome, Place};

/// Lists images, a page at a time. Without `Owners`, `ImageIds` and `Filters` it lists the account's
/// own, as if `Owners` were `self`: EC2 would list every public image there is.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct DescribeImages {
    /// These alone; then there are no pages.
    image_ids: Option<Vec<String>>,
    /// Whose: accounts, `self`, `amazon`, `aws-marketplace` or `aws-backup-vault`.
    owners: Option<Vec<String>>,
    /// Whether deprecated images of others are listed too.
    include_deprecated: Option<bool>,
    /// Whether disabled images are listed too.
    include_disabled: Option<bool>,
    /// Those that fit alone.
    filters: Option<Vec<Filter>>,
    /// Most of a page: 1 to 1,000, 100 unless said.
    max_results: Option<i32>,
    /// Where the page before ended.
    next_token: Option<String>,
}

impl Carry for DescribeImages {
    const ACTION: &'static str = "ec2:DescribeImages";

    fn check(&self) -> Result<(), Error> {
        check_named("/ImageIds", "ami-", self.image_ids.as_deref())?;
        check_owners("/Owners", OWNERS, self.owners.as_deref())?;
        check_filters(self.filters.as_deref())?;
        check_page(self.max_results, 1..=1000, self.next_token.as_deref(), self.image_ids.is_some())
    }

    /// EC2's lists can be limited to no resource.
    fn needs(&self, _place: &Place) -> Vec<Statement> {
        everywhere(Self::ACTION)
    }

    async fn carry(&self, session: &CustomerSession, place: &Place, dry_run: bool) -> Outcome {
        let narrowed =
            self.image_ids.is_some() || self.filters.as_ref().is_some_and(|filters| !filters.is_empty());
        let request = client(session, place)
            .describe_images()
            .set_image_ids(self.image_ids.clone())
            .set_owners(owners(self.owners.as_deref(), narrowed))
            .set_include_deprecated(self.include_deprecated)
            .set_include_disabled(self.include_disabled)
            .set_filters(filters(self.filters.as_deref()))
            .set_max_results(page_size(self.max_results, self.image_ids.is_some()))
            .set_next_token(self.next_token.clone());
        list!(request, dry_run, |page| json!({
            "Images": each(page.images(), image),
            "NextToken": page.next_token(),
        }))
    }
}

/// Whom `Owners` may name but accounts.
const OWNERS: &[&str] = &["self", "amazon", "aws-marketplace", "aws-backup-vault"];

fn image(image: &Image) -> Value {
    json!({
        "ImageId": image.image_id(),
        "Name": image.name(),
        "Description": image.description(),
        "State": image.state().map(|state| state.as_str()),
        "StateReason": image.state_reason().map(|reason| {
            json!({"Code": reason.code(), "Message": reason.message()})
        }),
        "OwnerId": image.owner_id(),
        "ImageOwnerAlias": image.image_owner_alias(),
        "Public": image.public(),
        "CreationDate": image.creation_date(),
        "DeprecationTime": image.deprecation_time(),
        "LastLaunchedTime": image.last_launched_time(),
        "DeregistrationProtection": image.deregistration_protection(),
        "Architecture": image.architecture().map(|architecture| architecture.as_str()),
        "PlatformDetails": image.platform_details(),
        "RootDeviceName": image.root_device_name(),
        "RootDeviceType": image.root_device_type().map(|kind| kind.as_str()),
        "VirtualizationType": image.virtualization_type().map(|kind| kind.as_str()),
        "BootMode": image.boot_mode().map(|mode| mode.as_str()),
        "EnaSupport": image.ena_support(),
        "SourceInstanceId": image.source_instance_id(),
        "SourceImageId": image.source_image_id(),
        "BlockDeviceMappings": each(image.block_device_mappings(), |mapping| json!({
            "DeviceName": mapping.device_name(),
            "VirtualName": mapping.virtual_name(),
            "Ebs": mapping.ebs().map(|volume| json!({
                "SnapshotId": volume.snapshot_id(),
                "VolumeSize": volume.volume_size(),
                "VolumeType": volume.volume_type().map(|kind| kind.as_str()),
                "Encrypted": volume.encrypted(),
                "KmsKeyId": volume.kms_key_id(),
                "DeleteOnTermination": volume.delete_on_termination(),
            })),
        })),
        "Tags": tags(image.tags()),
    })
}
