//! `ec2:CreateImage`. Sources: EC2 API Reference, `CreateImage`; Service Authorization Reference, Amazon
//! EC2, `CreateImage`.

use access::CustomerSession;
use domain::Error;
use domain::policy::Statement;
use serde::Deserialize;
use serde_json::json;

use super::block_devices::{BlockDeviceMapping, check_devices, devices};
use super::create_snapshots::check_description;
use super::tagging::{TagSpecification, any, check_specifications, needs_tagging, specifications, tagged};
use super::{client, form, invalid, is_id};
use crate::operations::{Carry, Outcome, Place, not_done};

/// Makes an image of an instance, and a snapshot of each of its volumes. It is pending at first.
///
/// The instance goes on running, unless `NoReboot` is false. AWS would reboot it unless told not to,
/// which gives volumes as a clean shutdown leaves them, and an outage that nobody asked for.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct CreateImage {
    /// Of which instance.
    instance_id: String,
    /// The image's name, which no other image of the account in the Region has.
    name: String,
    /// What it is for.
    #[serde(default)]
    description: Option<String>,
    /// Whether the instance is left running: true, unless said.
    #[serde(default)]
    no_reboot: Option<bool>,
    /// What its volumes are made with, where that is to be otherwise than the instance's.
    #[serde(default)]
    block_device_mappings: Option<Vec<BlockDeviceMapping>>,
    /// Of `image` and `snapshot`.
    #[serde(default)]
    tag_specifications: Option<Vec<TagSpecification>>,
}

/// "3-128 alphanumeric characters, parentheses, square brackets, spaces, periods, slashes, dashes,
/// single quotes, at-signs, or underscores". Source: the API Reference, `Name`.
fn is_name(name: &str) -> bool {
    let letters = |byte: u8| byte.is_ascii_alphanumeric() || b"()[] ./-'@_".contains(&byte);
    (3..=128).contains(&name.len()) && name.bytes().all(letters)
}

impl Carry for CreateImage {
    const ACTION: &'static str = "ec2:CreateImage";

    fn check(&self) -> Result<(), Error> {
        if !is_id(&self.instance_id, "i-") {
            return Err(invalid("/InstanceId", "invalid_instance_id", form("i-")));
        }
        if !is_name(&self.name) {
            let detail = "an image's name is 3 to 128 letters, digits, blanks, and any of ()[]./-'@_";
            return Err(invalid("/Name", "invalid_image_name", detail));
        }
        check_description(self.description.as_deref())?;
        check_devices(self.block_device_mappings.as_deref())?;
        check_specifications(self.tag_specifications.as_deref(), &["image", "snapshot"])
    }

    /// That instance; the image and its snapshots have no names yet.
    fn needs(&self, place: &Place) -> Vec<Statement> {
        let instance = place.ec2(&format!("instance/{}", self.instance_id));
        let making =
            Statement::allow([Self::ACTION], [instance, any(place, "image"), any(place, "snapshot")]);
        let tagging = needs_tagging(place, "CreateImage", tagged(self.tag_specifications.as_deref()));
        [making].into_iter().chain(tagging).collect()
    }

    async fn carry(&self, session: &CustomerSession, place: &Place, dry_run: bool) -> Outcome {
        let request = client(session, place)
            .create_image()
            .instance_id(&self.instance_id)
            .name(&self.name)
            .set_description(self.description.clone())
            .no_reboot(self.no_reboot.unwrap_or(true))
            .set_block_device_mappings(devices(self.block_device_mappings.as_deref()))
            .set_tag_specifications(specifications(self.tag_specifications.as_deref()))
            .dry_run(dry_run);
        match request.send().await {
            Ok(made) => {
                let ids = made.image_id().map(str::to_owned);
                Outcome::done(ids, json!({ "ImageId": made.image_id() }), &made)
            }
            Err(error) => not_done(dry_run, [self.instance_id.clone()], &error),
        }
    }
}
