//! What the owner of a set of snapshots does to have his instance again, as commands of the AWS CLI.
//!
//! Sources: AWS CLI Command Reference, `ec2 register-image`, `run-instances`, `create-volume`, `attach-volume`;
//! EC2 User Guide, "Create an Amazon EBS-backed AMI", "Create an AMI from a snapshot".

use serde::Serialize;
use serde_json::{Map, Value, json};

use super::Launch;
use crate::backup::{Backup, VolumeSnapshot};
use crate::instance_manifest::VolumeManifest;

/// One step.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Step {
    /// What it does.
    pub title: String,
    /// The command, for a POSIX shell. Later steps use the variables that it sets.
    pub command: String,
}

fn step(title: impl Into<String>, command: String) -> Step {
    Step { title: title.into(), command }
}

/// What makes an instance of this set of snapshots; or volumes, where the one that it boots from is not among
/// them, or AWS registers no image of it.
#[must_use]
pub fn steps(backup: &Backup, launch: &Launch<'_>) -> Vec<Step> {
    let root = launch.manifest.root_device.as_deref();
    let boots = root.is_some() && backup.snapshots.iter().any(|one| one.device.as_deref() == root);
    if boots && !is_windows(launch) { image(backup, launch) } else { volumes(backup, launch) }
}

/// AWS registers no image of Windows from snapshots.
fn is_windows(launch: &Launch<'_>) -> bool {
    launch.manifest.platform.as_deref().is_some_and(|platform| platform.starts_with("Windows"))
}

fn image(backup: &Backup, launch: &Launch<'_>) -> Vec<Step> {
    let manifest = launch.manifest;
    let devices: Vec<Value> = backup.snapshots.iter().filter_map(|one| device(one, launch)).collect();
    let mut register = Command::new("register-image", backup);
    register.option("name", &format!("restored-{}", backup.id));
    register.option("architecture", manifest.architecture.as_deref().unwrap_or("x86_64"));
    register.option("virtualization-type", manifest.virtualization.as_deref().unwrap_or("hvm"));
    register.option("root-device-name", manifest.root_device.as_deref().unwrap_or_default());
    register.flag("ena-support", manifest.ena_support);
    if let Some(mode) = &manifest.boot_mode {
        register.option("boot-mode", mode);
    }
    register.option("block-device-mappings", &Value::from(devices).to_string());
    let wait = format!("aws ec2 wait image-available --region {} --image-ids \"$IMAGE\"", backup.region);
    let mut forget = Command::new("deregister-image", backup);
    forget.raw("image-id", "\"$IMAGE\"");
    vec![
        step("Register an image of the snapshots", register.into_variable("IMAGE", "ImageId")),
        step("Wait until it is available", wait),
        step("Launch the instance", run(backup, launch).into_variable("INSTANCE", "Instances[0].InstanceId")),
        step("Once it runs, forget the image; the snapshots stay", forget.text),
    ]
}

fn run(backup: &Backup, launch: &Launch<'_>) -> Command {
    let manifest = launch.manifest;
    let mut run = Command::new("run-instances", backup);
    run.raw("image-id", "\"$IMAGE\"");
    run.option("instance-type", launch.instance_type);
    if let Some(subnet) = launch.subnet_id {
        run.option("subnet-id", subnet);
    }
    if !launch.security_group_ids.is_empty() {
        let groups: Vec<_> = launch.security_group_ids.iter().map(|group| quoted(group)).collect();
        run.raw("security-group-ids", &groups.join(" "));
    }
    if let Some(key) = &manifest.key_name {
        run.option("key-name", key);
    }
    if let Some(profile) = &manifest.instance_profile {
        run.option("iam-instance-profile", &format!("Arn={profile}"));
    }
    run.flag("ebs-optimized", manifest.ebs_optimized);
    let metadata = metadata(launch);
    if !metadata.is_empty() {
        run.option("metadata-options", &Value::Object(metadata).to_string());
    }
    let tags: Vec<Value> = launch.tags().map(|(key, value)| json!({"Key": key, "Value": value})).collect();
    if !tags.is_empty() {
        run.option("tag-specifications", &json!([{"ResourceType": "instance", "Tags": tags}]).to_string());
    }
    run
}

fn metadata(launch: &Launch<'_>) -> Map<String, Value> {
    let options = &launch.manifest.metadata_options;
    let told = json!({
        "HttpTokens": options.http_tokens,
        "HttpEndpoint": options.http_endpoint,
        "HttpPutResponseHopLimit": options.http_put_response_hop_limit,
        "HttpProtocolIpv6": options.http_protocol_ipv6,
        "InstanceMetadataTags": options.instance_metadata_tags,
    });
    crate::run::told(told)
}

/// The volume that a snapshot is of, as it was.
fn volume<'a>(snapshot: &VolumeSnapshot, launch: &Launch<'a>) -> Option<&'a VolumeManifest> {
    let is_it = |volume: &&VolumeManifest| snapshot.volume_id.as_deref() == Some(volume.volume_id.as_str());
    launch.manifest.volumes.iter().find(is_it)
}

/// Input and output operations a second and throughput, where a volume's type takes them.
fn speed(volume: &VolumeManifest) -> (Option<i32>, Option<i32>) {
    let iops = volume.iops.filter(|_| matches!(volume.kind.as_str(), "gp3" | "io1" | "io2"));
    (iops, volume.throughput.filter(|_| volume.kind == "gp3"))
}

fn device(snapshot: &VolumeSnapshot, launch: &Launch<'_>) -> Option<Value> {
    let volume = volume(snapshot, launch);
    let (iops, throughput) = volume.map(speed).unwrap_or_default();
    let ebs = json!({
        "SnapshotId": snapshot.snapshot_id,
        "VolumeType": volume.map(|volume| &volume.kind),
        "Iops": iops,
        "Throughput": throughput,
        "DeleteOnTermination": volume.map(|volume| volume.delete_on_termination),
    });
    Some(json!({"DeviceName": snapshot.device.as_ref()?, "Ebs": crate::run::told(ebs)}))
}

fn volumes(backup: &Backup, launch: &Launch<'_>) -> Vec<Step> {
    let zone = launch.manifest.availability_zone.as_deref().unwrap_or("AVAILABILITY_ZONE");
    let mut all = vec![step(
        "Say which instance the volumes are for: one in the same Availability Zone, stopped where it is to boot from one \
         of them",
        "INSTANCE=i-…".to_owned(),
    )];
    for (number, snapshot) in backup.snapshots.iter().enumerate() {
        let variable = format!("VOLUME_{}", number + 1);
        let mut create = Command::new("create-volume", backup);
        create.option("availability-zone", zone);
        create.option("snapshot-id", &snapshot.snapshot_id);
        if let Some(volume) = volume(snapshot, launch) {
            create.option("volume-type", &volume.kind);
            let (iops, throughput) = speed(volume);
            for (name, value) in [("iops", iops), ("throughput", throughput)] {
                if let Some(value) = value {
                    create.option(name, &value.to_string());
                }
            }
            if let Some(key) = volume.kms_key.as_ref().filter(|_| volume.encrypted) {
                create.flag("encrypted", true);
                create.option("kms-key-id", key);
            }
        }
        let device = snapshot.device.as_deref().unwrap_or("/dev/sdX");
        all.push(step(
            format!("Make a volume of {}, which was {device}", snapshot.snapshot_id),
            create.into_variable(&variable, "VolumeId"),
        ));
        let wait = format!("aws ec2 wait volume-available --region {} --volume-ids", backup.region);
        all.push(step("Wait until it is available", format!("{wait} \"${variable}\"")));
        let mut attach = Command::new("attach-volume", backup);
        attach.raw("volume-id", &format!("\"${variable}\""));
        attach.raw("instance-id", "\"$INSTANCE\"");
        attach.option("device", device);
        all.push(step(format!("Attach it as {device}"), attach.text));
    }
    all
}

/// A command of the AWS CLI.
struct Command {
    text: String,
}

impl Command {
    fn new(name: &str, backup: &Backup) -> Self {
        Self { text: format!("aws ec2 {name} --region {}", backup.region) }
    }

    fn option(&mut self, name: &str, value: &str) {
        self.raw(name, &quoted(value));
    }

    /// An option whose value is the shell's to read.
    fn raw(&mut self, name: &str, value: &str) {
        self.text = format!("{} --{name} {value}", self.text);
    }

    fn flag(&mut self, name: &str, is_so: bool) {
        if is_so {
            self.text = format!("{} --{name}", self.text);
        }
    }

    /// The same, with what it answers kept in a variable.
    fn into_variable(self, variable: &str, query: &str) -> String {
        format!("{variable}=$({} --query {} --output text)", self.text, quoted(query))
    }
}

/// A word of a POSIX shell that means just this.
fn quoted(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_./:=,@%+".contains(&byte);
    if !text.is_empty() && text.bytes().all(plain) {
        return text.to_owned();
    }
    format!("'{}'", text.replace('\'', r"'\''"))
}
