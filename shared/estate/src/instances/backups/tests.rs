use super::*;
use crate::backups::fits;
use domain::ec2_backup::{BackupMethod, Ec2Backup};
use domain::policy::PolicyDocument;
use serde_json::{Value, json};

fn place() -> Place {
    Place {
        partition: "aws".parse().unwrap(),
        account: "222222222222".parse().unwrap(),
        region: "ap-southeast-2".parse().unwrap(),
    }
}

fn statements(policy: &PolicyDocument) -> Value {
    let mut json: Value = serde_json::from_str(&policy.to_json()).unwrap();
    json["Statement"].take()
}

/// Source: Service Authorization Reference, Amazon EC2, `CreateSnapshots`, `CreateImage`.
#[test]
fn who_makes_backups_may_make_those_of_these_instances_and_tag_what_he_makes() {
    let instance = "i-0123456789abcdef0";
    let policy = making_policy(&place(), &[instance, "*"], Ec2Backup::default(), false);
    let of = |rest: &str| format!("arn:aws:ec2:ap-southeast-2:{rest}");
    let here = json!({"StringEquals": {"aws:RequestedRegion": "ap-southeast-2"}});
    assert_eq!(
        statements(&policy),
        json!([
            {
                "Effect": "Allow", "Action": "ec2:CreateSnapshots",
                "Resource": [
                    of(&format!("222222222222:instance/{instance}")), of("222222222222:volume/*"), of(":snapshot/*")
                ],
            },
            {
                "Effect": "Allow", "Action": "ec2:CreateTags", "Resource": of(":snapshot/*"),
                "Condition": {"StringEquals": {"ec2:CreateAction": "CreateSnapshots"}},
            },
            {
                "Effect": "Allow", "Action": ["ec2:DescribeInstances", "ec2:DescribeVolumes"], "Resource": "*",
                "Condition": here,
            },
        ])
    );
    let image = Ec2Backup { method: BackupMethod::Image, ..Ec2Backup::default() };
    let finding = statements(&making_policy(&place(), &[instance], image, true));
    assert_eq!(finding[0]["Action"], "ec2:CreateImage");
    assert_eq!(finding[1]["Resource"], json!([of(":image/*"), of(":snapshot/*")]));
    assert_eq!(finding[2]["Action"][2], "ec2:DescribeImages");
}

#[test]
fn a_chunk_of_instances_fits_one_session() {
    let ids: Vec<String> = (0..15).map(|number| format!("i-{number:0>17}")).collect();
    let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
    for method in [BackupMethod::Snapshots, BackupMethod::Image] {
        let how = Ec2Backup { method, ..Ec2Backup::default() };
        let policy = making_policy(&place(), &ids, how, true);
        assert!(fits(&policy), "{}", policy.to_json().len());
    }
}

#[test]
fn who_deletes_may_delete_those_and_no_session_names_too_many() {
    let policy = deleting_policy(&place(), &["ami-0123456789abcdef0", "snap-0123456789abcdef0", "snap-*"]);
    let told = statements(&policy);
    assert_eq!(told[0]["Resource"], "arn:aws:ec2:ap-southeast-2::image/ami-0123456789abcdef0");
    assert_eq!(told[2]["Resource"], "arn:aws:ec2:ap-southeast-2::snapshot/snap-0123456789abcdef0");
    let ids: Vec<String> = (0..128).map(|number| format!("snap-{number:0>17}")).collect();
    let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
    let parts = fitting(&place(), &ids);
    assert!(parts.iter().all(|part| fits(&deleting_policy(&place(), part))));
    assert_eq!(parts.concat(), ids);
    assert!(fitting(&place(), &ids[..28]).len() == 1, "what an instance has most often is one session's");
}

#[test]
fn the_volume_that_boots_comes_first() {
    let one = |device: &str| VolumeSnapshot {
        snapshot_id: format!("snap-of-{device}"),
        volume_id: None,
        device: Some(device.to_owned()),
        size_gib: None,
    };
    let manifest = InstanceManifest {
        root_device: Some("/dev/xvda".to_owned()),
        ..InstanceManifest::unseen(Timestamp::UNIX_EPOCH)
    };
    let order = in_order(vec![one("/dev/sdg"), one("/dev/xvda"), one("/dev/sdf")], Some(&manifest));
    let devices: Vec<_> = order.into_iter().filter_map(|one| one.device).collect();
    assert_eq!(devices, ["/dev/xvda", "/dev/sdf", "/dev/sdg"]);
}
