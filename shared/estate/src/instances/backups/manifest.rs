//! What an instance is like, as AWS describes it.

use aws_sdk_ec2::types::{Instance, InstanceMetadataOptionsResponse, Volume};
use domain::instance_manifest::{InstanceManifest, MetadataManifest, VolumeManifest};

/// What is kept of an instance beside its backup.
pub(super) fn manifest_of(instance: &Instance, volumes: &[Volume]) -> InstanceManifest {
    let id = instance.instance_id().unwrap_or_default();
    let mut volumes: Vec<_> = volumes.iter().filter_map(|volume| volume_of(volume, id)).collect();
    volumes.sort_by(|one, other| one.device.cmp(&other.device));
    let text = |text: Option<&str>| text.filter(|text| !text.is_empty()).map(str::to_owned);
    let placement = instance.placement();
    let groups = instance.security_groups().iter();
    let tags = instance.tags().iter();
    let tags =
        tags.filter_map(|tag| Some((tag.key()?.to_owned(), tag.value().unwrap_or_default().to_owned())));
    InstanceManifest {
        seen_at: runtime::now(),
        instance_type: instance.instance_type().map_or_else(String::new, |kind| kind.as_str().to_owned()),
        image_id: text(instance.image_id()),
        architecture: text(instance.architecture().map(|architecture| architecture.as_str())),
        platform: text(instance.platform_details()),
        virtualization: text(instance.virtualization_type().map(|kind| kind.as_str())),
        boot_mode: text(instance.boot_mode().map(|mode| mode.as_str())),
        ena_support: instance.ena_support() == Some(true),
        root_device: text(instance.root_device_name()),
        availability_zone: text(placement.and_then(|placement| placement.availability_zone())),
        vpc_id: text(instance.vpc_id()),
        subnet_id: text(instance.subnet_id()),
        security_group_ids: groups.filter_map(|group| text(group.group_id())).collect(),
        interfaces: instance.network_interfaces().len(),
        private_ip: text(instance.private_ip_address()),
        public_ip: text(instance.public_ip_address()),
        key_name: text(instance.key_name()),
        instance_profile: text(instance.iam_instance_profile().and_then(|profile| profile.arn())),
        ebs_optimized: instance.ebs_optimized() == Some(true),
        metadata_options: instance.metadata_options().map(metadata_of).unwrap_or_default(),
        tags: tags.filter(|(key, _)| !key.to_lowercase().starts_with("aws:")).collect(),
        volumes,
    }
}

/// A volume, if it is attached to this instance.
fn volume_of(volume: &Volume, instance: &str) -> Option<VolumeManifest> {
    let attachment = volume.attachments().iter().find(|one| one.instance_id() == Some(instance))?;
    Some(VolumeManifest {
        device: attachment.device()?.to_owned(),
        volume_id: volume.volume_id()?.to_owned(),
        kind: volume.volume_type().map_or_else(String::new, |kind| kind.as_str().to_owned()),
        size_gib: volume.size().unwrap_or(0),
        iops: volume.iops(),
        throughput: volume.throughput(),
        encrypted: volume.encrypted() == Some(true),
        kms_key: volume.kms_key_id().map(str::to_owned),
        delete_on_termination: attachment.delete_on_termination() == Some(true),
    })
}

fn metadata_of(options: &InstanceMetadataOptionsResponse) -> MetadataManifest {
    MetadataManifest {
        http_tokens: options.http_tokens().map(|word| word.as_str().to_owned()),
        http_endpoint: options.http_endpoint().map(|word| word.as_str().to_owned()),
        http_put_response_hop_limit: options.http_put_response_hop_limit(),
        http_protocol_ipv6: options.http_protocol_ipv6().map(|word| word.as_str().to_owned()),
        instance_metadata_tags: options.instance_metadata_tags().map(|word| word.as_str().to_owned()),
    }
}
