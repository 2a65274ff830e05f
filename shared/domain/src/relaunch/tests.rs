use super::*;
use crate::backup::VolumeSnapshot;
use crate::instance_manifest::VolumeManifest;
use crate::kind::Kind;
use crate::sample::{NOW, created};

fn volume(device: &str, volume_id: &str) -> VolumeManifest {
    VolumeManifest {
        device: device.to_owned(),
        volume_id: volume_id.to_owned(),
        kind: "gp3".to_owned(),
        size_gib: 8,
        iops: Some(3000),
        throughput: Some(125),
        encrypted: true,
        kms_key: Some("arn:aws:kms:eu-central-1:222222222222:key/k".to_owned()),
        delete_on_termination: true,
    }
}

fn snapshot(id: &str, device: &str, volume: &str) -> VolumeSnapshot {
    VolumeSnapshot {
        snapshot_id: id.to_owned(),
        volume_id: Some(volume.to_owned()),
        device: Some(device.to_owned()),
        size_gib: Some(8),
    }
}

fn backup() -> Backup {
    let manifest = InstanceManifest {
        instance_type: "m7g.large".to_owned(),
        architecture: Some("arm64".to_owned()),
        root_device: Some("/dev/xvda".to_owned()),
        availability_zone: Some("eu-central-1a".to_owned()),
        subnet_id: Some("subnet-1".to_owned()),
        security_group_ids: vec!["sg-1".to_owned()],
        interfaces: 1,
        private_ip: Some("10.0.0.5".to_owned()),
        key_name: Some("it's ours".to_owned()),
        instance_profile: Some("arn:aws:iam::222222222222:instance-profile/web".to_owned()),
        tags: [("Name", "web"), ("drawbridge:restored-from", "bkp_0")]
            .map(|(key, value)| (key.to_owned(), value.to_owned()))
            .into(),
        volumes: vec![volume("/dev/xvda", "vol-a"), volume("/dev/sdf", "vol-b")],
        ..InstanceManifest::unseen(NOW)
    };
    Backup {
        kind: Kind::Ec2Backup,
        aws_id: "snap-a".to_owned(),
        manifest: None,
        instance: Some(manifest),
        snapshots: vec![snapshot("snap-a", "/dev/xvda", "vol-a"), snapshot("snap-b", "/dev/sdf", "vol-b")],
        ..crate::sample::backup(&created().connection)
    }
}

fn codes(warnings: Vec<Warning>) -> Vec<String> {
    warnings.into_iter().map(|warning| warning.code).collect()
}

#[test]
fn an_instance_is_launched_as_it_was_unless_something_else_is_wished() {
    let (backup, wishes) = (backup(), LaunchWishes::default());
    let launch = Launch::of(&backup, &wishes).unwrap();
    assert_eq!((launch.instance_type, launch.subnet_id), ("m7g.large", Some("subnet-1")));
    assert_eq!(launch.security_group_ids, ["sg-1"]);
    assert_eq!(launch.tags().map(|(key, _)| key.as_str()).collect::<Vec<_>>(), ["Name"]);
    assert_eq!(codes(launch.warnings(&backup)), ["settings_left_out", "private_address"]);
    assert!(launch.profile_warning().is_some());
    let other = LaunchWishes { subnet_id: Some("subnet-2".to_owned()), ..LaunchWishes::default() };
    let launch = Launch::of(&backup, &other).unwrap();
    assert!(launch.security_group_ids.is_empty(), "the groups are another VPC's, perhaps");
    assert!(codes(launch.warnings(&backup)).contains(&"default_security_group".to_owned()));
}

#[test]
fn what_the_backup_does_not_hold_is_told() {
    let backup = Backup { snapshots: backup().snapshots[..1].to_vec(), ..backup() };
    let wishes = LaunchWishes::default();
    let warnings = Launch::of(&backup, &wishes).unwrap().warnings(&backup);
    let left_out = warnings.iter().find(|warning| warning.code == "volumes_left_out").unwrap();
    assert!(left_out.detail.contains("/dev/sdf") && !left_out.detail.contains("xvda"));
}

#[test]
fn nobody_guesses_a_type() {
    let unseen = Backup { instance: Some(InstanceManifest::unseen(NOW)), ..backup() };
    let wishes = LaunchWishes::default();
    assert_eq!(Launch::of(&unseen, &wishes).unwrap_err().code, "instance_type_required");
    let wishes = LaunchWishes { instance_type: Some("t3.nano".to_owned()), ..wishes };
    assert_eq!(Launch::of(&unseen, &wishes).unwrap().instance_type, "t3.nano");
}

#[test]
fn a_set_that_boots_becomes_an_image_and_an_instance() {
    let (backup, wishes) = (backup(), LaunchWishes::default());
    let told = steps(&backup, &Launch::of(&backup, &wishes).unwrap());
    let [register, _, run, forget] = told.as_slice() else { panic!("{told:#?}") };
    let mapping = r#""SnapshotId":"snap-a""#;
    for part in
        ["IMAGE=$(aws ec2 register-image", "--architecture arm64", "--root-device-name /dev/xvda", mapping]
    {
        assert!(register.command.contains(part), "{part}: {}", register.command);
    }
    for part in [
        "--image-id \"$IMAGE\"",
        "--instance-type m7g.large",
        "--security-group-ids sg-1",
        r"--key-name 'it'\''s ours'",
        "--iam-instance-profile Arn=arn:aws:iam::222222222222:instance-profile/web",
    ] {
        assert!(run.command.contains(part), "{part}: {}", run.command);
    }
    assert!(!run.command.contains("drawbridge:"), "{}", run.command);
    assert!(forget.command.contains("deregister-image"));
}

#[test]
fn what_does_not_boot_becomes_volumes() {
    let data = Backup { snapshots: backup().snapshots[1..].to_vec(), ..backup() };
    let wishes = LaunchWishes::default();
    let told = steps(&data, &Launch::of(&data, &wishes).unwrap());
    assert_eq!(told.len(), 4, "{told:#?}");
    for part in
        ["VOLUME_1=$(aws ec2 create-volume", "--availability-zone eu-central-1a", "--kms-key-id arn:aws:kms"]
    {
        assert!(told[1].command.contains(part), "{part}: {}", told[1].command);
    }
    assert!(told[3].command.ends_with("--device /dev/sdf"), "{}", told[3].command);
    let mut windows = backup();
    windows.instance.as_mut().unwrap().platform = Some("Windows".to_owned());
    let told = steps(&windows, &Launch::of(&windows, &wishes).unwrap());
    assert!(told.iter().all(|step| !step.command.contains("register-image")), "{told:#?}");
}
