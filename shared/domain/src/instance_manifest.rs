//! What an instance was like when it was backed up: what is needed to launch it again, for neither snapshots
//! nor an image hold it.
//!
//! Sources: EC2 API Reference, `Instance`, `Volume`, `RegisterImage`.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// One volume, and how it was attached.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct VolumeManifest {
    /// Which device it was, such as `/dev/xvda`.
    pub device: String,
    /// Its id.
    pub volume_id: String,
    /// Its type, such as `gp3`.
    #[serde(rename = "type")]
    pub kind: String,
    /// Its size, in GiB.
    pub size_gib: i32,
    /// Input and output operations a second, where its type has such.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub iops: Option<i32>,
    /// MiB a second, where its type has such.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub throughput: Option<i32>,
    /// Whether it is encrypted.
    pub encrypted: bool,
    /// Under which KMS key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kms_key: Option<String>,
    /// Whether it goes with the instance.
    pub delete_on_termination: bool,
}

/// How an instance reaches its own metadata.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct MetadataManifest {
    /// `required` or `optional`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub http_tokens: Option<String>,
    /// `enabled` or `disabled`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub http_endpoint: Option<String>,
    /// How many hops an answer travels.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub http_put_response_hop_limit: Option<i32>,
    /// `enabled` or `disabled`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub http_protocol_ipv6: Option<String>,
    /// `enabled` or `disabled`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub instance_metadata_tags: Option<String>,
}

/// An instance as it was.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct InstanceManifest {
    /// When it was looked at.
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = DateTime))]
    pub seen_at: Timestamp,
    /// Its type, such as `m7g.large`.
    pub instance_type: String,
    /// The image that it was launched from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub image_id: Option<String>,
    /// `x86_64`, `arm64` and the like.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub architecture: Option<String>,
    /// What AWS bills it as, such as `Linux/UNIX`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub platform: Option<String>,
    /// `hvm` or `paravirtual`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub virtualization: Option<String>,
    /// How it boots, where its image says: `uefi` and the like.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub boot_mode: Option<String>,
    /// Whether it knows the elastic network adapter.
    #[serde(default)]
    pub ena_support: bool,
    /// The device that it boots from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub root_device: Option<String>,
    /// Its Availability Zone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub availability_zone: Option<String>,
    /// Its VPC.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vpc_id: Option<String>,
    /// Its subnet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subnet_id: Option<String>,
    /// Its security groups.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub security_group_ids: Vec<String>,
    /// How many network interfaces it had.
    #[serde(default)]
    pub interfaces: usize,
    /// Its private address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub private_ip: Option<String>,
    /// Its public address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub public_ip: Option<String>,
    /// Its key pair.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key_name: Option<String>,
    /// The ARN of the instance profile that gave it the rights of a role.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub instance_profile: Option<String>,
    /// Whether it was optimized for EBS.
    #[serde(default)]
    pub ebs_optimized: bool,
    /// How it reaches its metadata.
    #[serde(default)]
    pub metadata_options: MetadataManifest,
    /// Its tags, without those of AWS's own.
    #[serde(default)]
    pub tags: BTreeMap<String, String>,
    /// Its volumes, by device.
    #[serde(default)]
    pub volumes: Vec<VolumeManifest>,
}

impl InstanceManifest {
    /// Whether this is the volume that it boots from.
    #[must_use]
    pub fn boots_from(&self, volume: &VolumeManifest) -> bool {
        self.root_device.as_deref() == Some(volume.device.as_str())
    }

    /// Of an instance that could not be looked at when its backup was found.
    #[must_use]
    pub fn unseen(seen_at: Timestamp) -> Self {
        Self {
            seen_at,
            instance_type: "not_seen".to_owned(),
            image_id: None,
            architecture: None,
            platform: None,
            virtualization: None,
            boot_mode: None,
            ena_support: false,
            root_device: None,
            availability_zone: None,
            vpc_id: None,
            subnet_id: None,
            security_group_ids: Vec::new(),
            interfaces: 0,
            private_ip: None,
            public_ip: None,
            key_name: None,
            instance_profile: None,
            ebs_optimized: false,
            metadata_options: MetadataManifest::default(),
            tags: BTreeMap::new(),
            volumes: Vec::new(),
        }
    }

    /// Whether the instance could be looked at when its backup was made.
    #[must_use]
    pub fn is_seen(&self) -> bool {
        self.instance_type != "not_seen"
    }
}
