//! Operations of EC2's on another EC2 than the stack's: what is sent is what it takes, and what it answers
//! is read. moto enforces no policies, so that nothing here is about who may do what.

use std::collections::BTreeSet;

use domain::{Error, FieldError};
use estate::operations::{Outcome, Place, Read, Request};
use serde_json::{Value, json};

use crate::account::{Account, REGION};

/// Reads without looking for fields that nobody knows: that is the HTTP API's.
struct Reader;

impl Read for Reader {
    fn read<T: serde::de::DeserializeOwned>(&self, input: &Value) -> Result<T, Error> {
        serde_json::from_value(input.clone())
            .map_err(|error| Error::invalid(FieldError::new("", "invalid_type", error.to_string())))
    }
}

async fn carry(account: &Account, action: &str, input: Value) -> Outcome {
    carry_as(account, action, input, false).await
}

async fn carry_as(account: &Account, action: &str, input: Value, dry_run: bool) -> Outcome {
    let role = account.role();
    let place = Place {
        partition: role.partition(),
        account: role.account().clone(),
        region: REGION.parse().unwrap(),
    };
    let request = Request::read(action.parse().unwrap(), &input, &place, &Reader).unwrap().unwrap();
    let session = account.session(&request.session_policy(&place, dry_run)).await;
    request.carry(&session, &place, dry_run).await
}

fn ids(outcome: &Outcome) -> Vec<String> {
    assert!(outcome.targets.iter().all(|target| target.code.is_none()), "{outcome:#?}");
    outcome.targets.iter().map(|target| target.id.clone()).collect()
}

async fn image(account: &Account) -> Value {
    let input = json!({
        "Owners": ["amazon"], "Filters": [{"Name": "name", "Values": ["al2023-ami-2023.*-x86_64"]}],
    });
    carry(account, "ec2:DescribeImages", input).await.output["Images"][0]["ImageId"].clone()
}

/// A launch with a subnet, groups, tags and volumes of its own is what EC2 takes, and is found again page
/// by page.
#[tokio::test]
async fn what_is_launched_is_listed_to_the_last_page() {
    let account = Account::new().await;
    account.launch_instance_in_new_subnet().await;
    let subnets = carry(&account, "ec2:DescribeSubnets", json!({})).await;
    let tags = json!([{"Key": "Name", "Value": "web"}]);
    let input = json!({
        "ImageId": image(&account).await, "InstanceType": "t3.micro", "MinCount": 7,
        "SubnetId": subnets.output["Subnets"][0]["SubnetId"],
        "TagSpecifications": [{"ResourceType": "instance", "Tags": tags}],
        "BlockDeviceMappings": [{"DeviceName": "/dev/sdb", "Ebs": {"VolumeSize": 7, "VolumeType": "gp3"}}],
    });
    let launched: BTreeSet<_> = ids(&carry(&account, "ec2:RunInstances", input).await).into_iter().collect();
    assert_eq!(launched.len(), 7);
    let (mut found, mut pages, mut next) = (BTreeSet::new(), 0, Value::Null);
    loop {
        let mut input = json!({"MaxResults": 5, "Filters": [{"Name": "tag:Name", "Values": ["web"]}]});
        if !next.is_null() {
            input["NextToken"] = next.clone();
        }
        let page = carry(&account, "ec2:DescribeInstances", input).await.output;
        for reservation in page["Reservations"].as_array().unwrap() {
            let instances = reservation["Instances"].as_array().unwrap();
            found.extend(instances.iter().map(|one| one["InstanceId"].as_str().unwrap().to_owned()));
        }
        pages += 1;
        next = page["NextToken"].clone();
        if next.is_null() {
            break;
        }
    }
    assert_eq!(found, launched, "in {pages} pages");
}

#[tokio::test]
async fn snapshots_and_images_are_made_as_ec2_makes_them() {
    let account = Account::new().await;
    let instance = account.launch_instance_in_new_subnet().await;
    let before = account.state().await;
    let tags = |kinds: &[&str]| -> Value {
        let one = |kind: &&str| json!({"ResourceType": kind, "Tags": [{"Key": "by", "Value": "hand"}]});
        kinds.iter().map(one).collect()
    };
    let input = json!({
        "InstanceSpecification": {"InstanceId": instance}, "Description": "before",
        "TagSpecifications": tags(&["snapshot"]),
    });
    let snapshots = ids(&carry(&account, "ec2:CreateSnapshots", input).await);
    assert!(!snapshots.is_empty() && snapshots.iter().all(|id| id.starts_with("snap-")), "{snapshots:?}");
    let listed = carry(&account, "ec2:DescribeSnapshots", json!({ "SnapshotIds": snapshots })).await;
    assert_eq!(listed.output["Snapshots"][0]["Tags"], json!([{"Key": "by", "Value": "hand"}]));
    // moto cannot tag an image's snapshots.
    let input = json!({"InstanceId": instance, "Name": "web-1", "TagSpecifications": tags(&["image"])});
    let images = ids(&carry(&account, "ec2:CreateImage", input).await);
    let listed = carry(&account, "ec2:DescribeImages", json!({ "ImageIds": images })).await;
    assert_eq!(listed.output["Images"][0]["Name"], "web-1");
    let after = account.state().await;
    assert_eq!(before["instances"], after["instances"], "the instance goes on as it was");
}

/// EC2's own dry run: each says that it would, and nothing is changed.
#[tokio::test]
async fn a_dry_run_of_what_changes_something_changes_nothing() {
    let account = Account::new().await;
    let instance = account.launch_instance_in_new_subnet().await;
    let image = image(&account).await;
    let before = account.state().await;
    let instances = || json!({"InstanceIds": [instance]});
    for (action, input) in [
        ("ec2:StopInstances", instances()),
        ("ec2:StartInstances", instances()),
        ("ec2:RebootInstances", instances()),
        ("ec2:TerminateInstances", instances()),
        ("ec2:CreateTags", json!({"Resources": [instance], "Tags": [{"Key": "by", "Value": "hand"}]})),
        ("ec2:CreateImage", json!({"InstanceId": instance, "Name": "web-1"})),
        ("ec2:RunInstances", json!({"ImageId": image, "InstanceType": "t3.micro"})),
    ] {
        let would = carry_as(&account, action, input, true).await;
        assert_eq!(ids(&would).len(), 1, "{action}: {would:#?}");
    }
    assert_eq!(account.state().await, before);
}

#[tokio::test]
async fn an_instance_is_stopped_started_and_given_a_key() {
    let account = Account::new().await;
    let instance = account.launch_instance_in_new_subnet().await;
    let instances = || json!({"InstanceIds": [instance]});
    for (action, state) in [("ec2:StopInstances", "stopped"), ("ec2:StartInstances", "running")] {
        assert_eq!(ids(&carry(&account, action, instances()).await), std::slice::from_ref(&instance));
        let shown = carry(&account, "ec2:DescribeInstances", instances()).await.output;
        assert_eq!(shown["Reservations"][0]["Instances"][0]["State"]["Name"], state);
    }
    // As ssh-keygen wrote it; nobody has its private half.
    let key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIBzXTuemzPbd7GsQqFhD/UuJ4Ixl2U2JcD0d13nL2646 someone@example.com";
    let input = json!({"InstanceId": instance, "InstanceOSUser": "ec2-user", "SSHPublicKey": key});
    let pushed = carry(&account, "ec2-instance-connect:SendSSHPublicKey", input).await;
    assert_eq!(pushed.output, json!({"Success": true, "ExpiresInSeconds": 60}), "{pushed:#?}");
}
