//! `BlockDeviceMapping`: what volumes are made with, of an instance and in an image.
//!
//! Sources: EC2 API Reference, `BlockDeviceMapping` and `EbsBlockDevice`; Amazon EBS User Guide,
//! "Amazon EBS volume types".

use std::collections::BTreeSet;

use aws_sdk_ec2::types;
use domain::Error;
use serde::Deserialize;

use super::words::words;
use super::{form, invalid, is_id};

/// Most devices that a request names. EC2 User Guide, "Amazon EBS volume limits for Amazon EC2
/// instances": most instances take 28 attachments, the network interfaces among them.
const MOST_DEVICES: usize = 28;

/// Largest volume, in GiB: `io2` and `gp3` have 64 TiB.
const LARGEST_VOLUME: i32 = 65_536;

/// Most input and output operations a second, and most MiB a second.
const MOST_IOPS: i32 = 256_000;
const MOST_THROUGHPUT: i32 = 2_000;

/// Longest name of a device, or of what it stands for.
const LONGEST_NAME: usize = 64;

words! {
    /// `VolumeType`.
    VolumeType {
        /// Magnetic, of the previous generation.
        Standard = "standard",
        /// Provisioned IOPS.
        Io1 = "io1",
        /// Provisioned IOPS, of the present generation.
        Io2 = "io2",
        /// General purpose.
        Gp2 = "gp2",
        /// General purpose, of the present generation.
        Gp3 = "gp3",
        /// Cold HDD.
        Sc1 = "sc1",
        /// Throughput optimized HDD.
        St1 = "st1",
    }
}

/// `BlockDeviceMapping`.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct BlockDeviceMapping {
    /// Which device, such as `/dev/xvda`.
    device_name: String,
    /// What volume it is.
    #[serde(default)]
    ebs: Option<Ebs>,
    /// That it is none, though the image has one: the empty text.
    #[serde(default)]
    no_device: Option<String>,
    /// Which instance store it is, such as `ephemeral0`.
    #[serde(default)]
    virtual_name: Option<String>,
}

/// `EbsBlockDevice`.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
#[derive(Default)]
pub(crate) struct Ebs {
    delete_on_termination: Option<bool>,
    encrypted: Option<bool>,
    iops: Option<i32>,
    kms_key_id: Option<String>,
    snapshot_id: Option<String>,
    throughput: Option<i32>,
    volume_size: Option<i32>,
    volume_type: Option<VolumeType>,
}

/// Refuses devices that EC2 refuses.
pub(super) fn check_devices(given: Option<&[BlockDeviceMapping]>) -> Result<(), Error> {
    const AT: &str = "/BlockDeviceMappings";
    let Some(given) = given else { return Ok(()) };
    if given.is_empty() || given.len() > MOST_DEVICES {
        let detail = format!("name 1 to {MOST_DEVICES} devices, or leave it out");
        return Err(invalid(AT, "invalid_block_devices", detail));
    }
    let mut seen = BTreeSet::new();
    for (place, device) in given.iter().enumerate() {
        let at = format!("{AT}/{place}");
        device.check().map_err(|error| error.at(&at))?;
        if !seen.insert(&device.device_name) {
            return Err(invalid(format!("{at}/DeviceName"), "invalid_device_name", "it is named twice"));
        }
    }
    Ok(())
}

/// The same as the SDK takes them.
pub(super) fn devices(given: Option<&[BlockDeviceMapping]>) -> Option<Vec<types::BlockDeviceMapping>> {
    given.map(|given| given.iter().map(BlockDeviceMapping::sdk).collect())
}

impl BlockDeviceMapping {
    fn check(&self) -> Result<(), Error> {
        let is_name = |name: &str| {
            let letters =
                |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'/' | b'-' | b'_' | b'.');
            (1..=LONGEST_NAME).contains(&name.len()) && name.bytes().all(letters)
        };
        if !is_name(&self.device_name) {
            return Err(invalid("/DeviceName", "invalid_device_name", "a device is written like /dev/xvda"));
        }
        if self.virtual_name.as_ref().is_some_and(|name| !is_name(name)) {
            let detail = "an instance store volume is written like ephemeral0";
            return Err(invalid("/VirtualName", "invalid_device_name", detail));
        }
        if self.no_device.as_ref().is_some_and(|text| !text.is_empty()) {
            return Err(invalid("/NoDevice", "invalid_block_device", "NoDevice is the empty text"));
        }
        let said = [self.ebs.is_some(), self.no_device.is_some(), self.virtual_name.is_some()];
        if said.into_iter().filter(|said| *said).count() != 1 {
            let detail = "a device is one of Ebs, NoDevice and VirtualName";
            return Err(invalid("", "invalid_block_device", detail));
        }
        self.ebs.as_ref().map_or(Ok(()), |ebs| ebs.check().map_err(|error| error.at("/Ebs")))
    }

    fn sdk(&self) -> types::BlockDeviceMapping {
        types::BlockDeviceMapping::builder()
            .device_name(&self.device_name)
            .set_ebs(self.ebs.as_ref().map(Ebs::sdk))
            .set_no_device(self.no_device.clone())
            .set_virtual_name(self.virtual_name.clone())
            .build()
    }
}

impl Ebs {
    fn check(&self) -> Result<(), Error> {
        let bounds = [
            ("VolumeSize", self.volume_size, LARGEST_VOLUME),
            ("Iops", self.iops, MOST_IOPS),
            ("Throughput", self.throughput, MOST_THROUGHPUT),
        ];
        for (name, number, most) in bounds {
            if number.is_some_and(|number| !(1..=most).contains(&number)) {
                return Err(invalid(format!("/{name}"), "out_of_range", format!("{name} is 1 to {most}")));
            }
        }
        if self.snapshot_id.as_ref().is_some_and(|id| !is_id(id, "snap-")) {
            return Err(invalid("/SnapshotId", "invalid_snapshot_id", form("snap-")));
        }
        let is_key = |key: &String| {
            let letters =
                |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'/' | b'-' | b'_' | b':');
            (1..=2048).contains(&key.len()) && key.bytes().all(letters)
        };
        if self.kms_key_id.as_ref().is_some_and(|key| !is_key(key)) {
            let detail = "a KMS key is its id, its alias or its ARN";
            return Err(invalid("/KmsKeyId", "invalid_kms_key", detail));
        }
        if self.kms_key_id.is_some() && self.encrypted != Some(true) {
            let detail = "a key is for what is encrypted: set Encrypted to true";
            return Err(invalid("/KmsKeyId", "invalid_kms_key", detail));
        }
        Ok(())
    }

    fn sdk(&self) -> types::EbsBlockDevice {
        types::EbsBlockDevice::builder()
            .set_delete_on_termination(self.delete_on_termination)
            .set_encrypted(self.encrypted)
            .set_iops(self.iops)
            .set_kms_key_id(self.kms_key_id.clone())
            .set_snapshot_id(self.snapshot_id.clone())
            .set_throughput(self.throughput)
            .set_volume_size(self.volume_size)
            .set_volume_type(self.volume_type.map(Into::into))
            .build()
    }
}
