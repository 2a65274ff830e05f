//! What makes instances, snapshots and images: what is sent, and what is told.

use super::*;

pub(super) const INSTANCE: &str = "i-0123456789abcdef0";
const RUN: &str = "ec2:RunInstances";

fn tag_specifications(kinds: &[&str]) -> Value {
    kinds
        .iter()
        .map(
            |kind| json!({"ResourceType": kind, "Tags": [{"Key": "Name", "Value": "web"}, {"Key": "empty"}]}),
        )
        .collect()
}

/// All that instances can be launched with, but for interfaces of their own.
pub(super) fn whole_launch() -> Value {
    json!({
        "ImageId": "ami-0123456789abcdef0",
        "InstanceType": "m7g.large",
        "MinCount": 2,
        "MaxCount": 20,
        "SubnetId": "subnet-0123456789abcdef0",
        "SecurityGroupIds": (0..5).map(|number| format!("sg-0123456789abcdef{number}")).collect::<Vec<_>>(),
        "KeyName": "somebody@example.com: of the bastion",
        "BlockDeviceMappings": [
            {"DeviceName": "/dev/xvda", "Ebs": {
                "VolumeSize": 30, "VolumeType": "gp3", "Iops": 4000, "Throughput": 250, "DeleteOnTermination": false,
                "Encrypted": true, "KmsKeyId": "alias/volumes", "SnapshotId": "snap-0123456789abcdef0",
            }},
            {"DeviceName": "/dev/sdb", "NoDevice": ""},
            {"DeviceName": "/dev/sdc", "VirtualName": "ephemeral0"},
        ],
        "EbsOptimized": true,
        "UserData": "IyEvYmluL3NoCg==",
        "MetadataOptions": {
            "HttpTokens": "required", "HttpPutResponseHopLimit": 2, "HttpEndpoint": "enabled",
            "HttpProtocolIpv6": "disabled", "InstanceMetadataTags": "enabled",
        },
        "Monitoring": {"Enabled": true},
        "Placement": {
            "AvailabilityZone": "eu-west-3a", "GroupName": "close by", "PartitionNumber": 3, "Tenancy": "dedicated",
        },
        "CreditSpecification": {"CpuCredits": "unlimited"},
        "CpuOptions": {"CoreCount": 1, "ThreadsPerCore": 2},
        "HibernationOptions": {"Configured": true},
        "InstanceInitiatedShutdownBehavior": "stop",
        "DisableApiTermination": true,
        "DisableApiStop": false,
        "TagSpecifications": tag_specifications(&["instance", "volume", "network-interface"]),
        "ClientToken": "of-the-caller",
    })
}

pub(super) fn whole_snapshots() -> Value {
    json!({
        "InstanceSpecification": {
            "InstanceId": INSTANCE, "ExcludeBootVolume": true, "ExcludeDataVolumeIds": ["vol-0123456789abcdef0"],
        },
        "Description": "before the change",
        "CopyTagsFromSource": "volume",
        "TagSpecifications": tag_specifications(&["snapshot"]),
    })
}

pub(super) fn whole_image() -> Value {
    json!({
        "InstanceId": INSTANCE,
        "Name": "web (2026-11-25)",
        "Description": "before the change",
        "NoReboot": false,
        "BlockDeviceMappings": [{"DeviceName": "/dev/sdb", "NoDevice": ""}],
        "TagSpecifications": tag_specifications(&["image", "snapshot"]),
    })
}

pub(super) fn small_launch() -> Value {
    json!({"ImageId": "ami-01234567", "InstanceType": "t3.micro"})
}

fn launched(ids: &[&str]) -> Reply {
    let item = |id: &&str| {
        format!(
            "<item><instanceId>{id}</instanceId><instanceState><code>0</code><name>pending</name></instanceState>\
             <instanceType>m7g.large</instanceType></item>"
        )
    };
    let items = ids.iter().map(item).collect::<Vec<_>>().concat();
    let elements = format!(
        "<reservationId>r-1</reservationId><ownerId>222222222222</ownerId><instancesSet>{items}</instancesSet>"
    );
    page("RunInstances", &elements)
}

/// Each parameter as EC2 takes it. Source: EC2 API Reference, `RunInstances`.
#[tokio::test]
async fn a_launch_sends_all_that_was_asked_for() {
    let (outcome, calls) = carry(RUN, whole_launch(), false, |_| launched(&[INSTANCE, "i-01234567"])).await;
    let mut expected = fields(&[
        ("Action", "RunInstances"),
        ("DryRun", "false"),
        ("ImageId", "ami-0123456789abcdef0"),
        ("InstanceType", "m7g.large"),
        ("MinCount", "2"),
        ("MaxCount", "20"),
        ("SubnetId", "subnet-0123456789abcdef0"),
        ("KeyName", "somebody@example.com: of the bastion"),
        ("BlockDeviceMapping.1.DeviceName", "/dev/xvda"),
        ("BlockDeviceMapping.1.Ebs.VolumeSize", "30"),
        ("BlockDeviceMapping.1.Ebs.VolumeType", "gp3"),
        ("BlockDeviceMapping.1.Ebs.Iops", "4000"),
        ("BlockDeviceMapping.1.Ebs.Throughput", "250"),
        ("BlockDeviceMapping.1.Ebs.DeleteOnTermination", "false"),
        ("BlockDeviceMapping.1.Ebs.Encrypted", "true"),
        ("BlockDeviceMapping.1.Ebs.KmsKeyId", "alias/volumes"),
        ("BlockDeviceMapping.1.Ebs.SnapshotId", "snap-0123456789abcdef0"),
        ("BlockDeviceMapping.2.DeviceName", "/dev/sdb"),
        ("BlockDeviceMapping.2.NoDevice", ""),
        ("BlockDeviceMapping.3.DeviceName", "/dev/sdc"),
        ("BlockDeviceMapping.3.VirtualName", "ephemeral0"),
        ("EbsOptimized", "true"),
        ("UserData", "IyEvYmluL3NoCg=="),
        ("MetadataOptions.HttpTokens", "required"),
        ("MetadataOptions.HttpPutResponseHopLimit", "2"),
        ("MetadataOptions.HttpEndpoint", "enabled"),
        ("MetadataOptions.HttpProtocolIpv6", "disabled"),
        ("MetadataOptions.InstanceMetadataTags", "enabled"),
        ("Monitoring.Enabled", "true"),
        ("Placement.AvailabilityZone", "eu-west-3a"),
        ("Placement.GroupName", "close by"),
        ("Placement.PartitionNumber", "3"),
        ("Placement.Tenancy", "dedicated"),
        ("CreditSpecification.CpuCredits", "unlimited"),
        ("CpuOptions.CoreCount", "1"),
        ("CpuOptions.ThreadsPerCore", "2"),
        ("HibernationOptions.Configured", "true"),
        ("InstanceInitiatedShutdownBehavior", "stop"),
        ("DisableApiTermination", "true"),
        ("DisableApiStop", "false"),
        ("ClientToken", "of-the-caller"),
    ]);
    for number in 0..5 {
        expected.insert(format!("SecurityGroupId.{}", number + 1), format!("sg-0123456789abcdef{number}"));
    }
    for (place, kind) in ["instance", "volume", "network-interface"].iter().enumerate() {
        let at = |rest: &str| format!("TagSpecification.{}.{rest}", place + 1);
        expected.insert(at("ResourceType"), (*kind).to_owned());
        for (rest, value) in [("1.Key", "Name"), ("1.Value", "web"), ("2.Key", "empty"), ("2.Value", "")] {
            expected.insert(at(&format!("Tag.{rest}")), value.to_owned());
        }
    }
    assert_eq!(calls.iter().map(sent).collect::<Vec<_>>(), [expected]);
    assert_eq!(became(&outcome), [(INSTANCE, None), ("i-01234567", None)]);
    let told = told(&outcome.output);
    assert_eq!((&told["ReservationId"], &told["OwnerId"]), (&json!("r-1"), &json!("222222222222")));
    assert_eq!(told["Instances"][0]["InstanceId"], INSTANCE);
    assert_eq!(told["Instances"][1]["State"], json!({"Code": 0, "Name": "pending"}));
    assert_eq!(outcome.request_ids, ["of-the-answer"]);
}

/// What is not said is AWS's to choose, but for what is safer: tokens for the metadata service, and a
/// client token of the operation's own, by which EC2 knows a launch that it was sent before.
#[tokio::test]
async fn a_launch_asks_for_tokens_and_has_a_token_of_its_own() {
    let (_, calls) = carry(RUN, small_launch(), false, |_| launched(&[INSTANCE])).await;
    let expected = fields(&[
        ("Action", "RunInstances"),
        ("DryRun", "false"),
        ("ImageId", "ami-01234567"),
        ("InstanceType", "t3.micro"),
        ("MinCount", "1"),
        ("MaxCount", "1"),
        ("MetadataOptions.HttpTokens", "required"),
        // The session's name, which is the operation's.
        ("ClientToken", "drawbridge-test"),
    ]);
    assert_eq!(calls.iter().map(sent).collect::<Vec<_>>(), [expected]);
    let mut asked = small_launch();
    asked["MetadataOptions"] = json!({"HttpEndpoint": "enabled"});
    asked["MaxCount"] = json!(3);
    let (_, calls) = carry(RUN, asked.clone(), false, |_| launched(&[INSTANCE])).await;
    let field = |calls: &[Call], name: &str| calls[0].field(name).map(str::to_owned);
    assert_eq!(field(&calls, "MetadataOptions.HttpTokens").as_deref(), Some("required"));
    assert_eq!((field(&calls, "MinCount"), field(&calls, "MaxCount")), (Some("1".into()), Some("3".into())));
    // Who says it, means it.
    asked["MetadataOptions"] = json!({"HttpTokens": "optional"});
    let (_, calls) = carry(RUN, asked, false, |_| launched(&[INSTANCE])).await;
    assert_eq!(field(&calls, "MetadataOptions.HttpTokens").as_deref(), Some("optional"));
}

#[tokio::test]
async fn interfaces_of_its_own_are_sent_as_they_are_given() {
    let mut asked = small_launch();
    asked["NetworkInterfaces"] = json!([
        {
            "DeviceIndex": 0, "SubnetId": "subnet-01234567", "Groups": ["sg-01234567", "sg-76543210"],
            "AssociatePublicIpAddress": true, "DeleteOnTermination": true, "Description": "first",
            "PrivateIpAddress": "10.0.0.5",
        },
        {"DeviceIndex": 1, "NetworkInterfaceId": "eni-01234567", "DeleteOnTermination": false},
    ]);
    let (_, calls) = carry(RUN, asked.clone(), false, |_| launched(&[INSTANCE])).await;
    let expected = fields(&[
        ("NetworkInterface.1.DeviceIndex", "0"),
        ("NetworkInterface.1.SubnetId", "subnet-01234567"),
        ("NetworkInterface.1.SecurityGroupId.1", "sg-01234567"),
        ("NetworkInterface.1.SecurityGroupId.2", "sg-76543210"),
        ("NetworkInterface.1.AssociatePublicIpAddress", "true"),
        ("NetworkInterface.1.DeleteOnTermination", "true"),
        ("NetworkInterface.1.Description", "first"),
        ("NetworkInterface.1.PrivateIpAddress", "10.0.0.5"),
        ("NetworkInterface.2.DeviceIndex", "1"),
        ("NetworkInterface.2.NetworkInterfaceId", "eni-01234567"),
        ("NetworkInterface.2.DeleteOnTermination", "false"),
    ]);
    let sent: BTreeMap<_, _> =
        sent(&calls[0]).into_iter().filter(|(name, _)| name.starts_with("NetworkInterface")).collect();
    assert_eq!(sent, expected);
    let resources = limits::resources(RUN, &asked);
    for named in ["subnet/subnet-01234567", "security-group/sg-76543210", "network-interface/eni-01234567"] {
        assert!(resources.contains(&named.to_owned()), "{named}: {resources:?}");
    }
    for open in ["subnet/*", "security-group/*"] {
        assert!(!resources.contains(&open.to_owned()), "{open}: {resources:?}");
    }
}

/// EC2 launches once for one token, so that a launch whose answer was lost is asked for again, though
/// writes are asked for once. Source: EC2 Developer Guide, "Ensuring idempotency".
#[tokio::test]
async fn a_launch_whose_answer_was_lost_is_the_same_launch_when_it_is_sent_again() {
    let asked = std::sync::Arc::new(std::sync::Mutex::new(0));
    let tries = |reply: fn() -> Reply| {
        let asked = std::sync::Arc::clone(&asked);
        *asked.lock().unwrap() = 0;
        move |_: &Call| {
            let mut asked = asked.lock().unwrap();
            *asked += 1;
            if *asked == 1 { Reply::Reset } else { reply() }
        }
    };
    let (outcome, calls) = carry_once(RUN, small_launch(), tries(|| launched(&[INSTANCE]))).await;
    assert_eq!((became(&outcome), calls.len()), (vec![(INSTANCE, None)], 2));
    assert_eq!(sent(&calls[0]), sent(&calls[1]), "with the same token");
    assert!(calls[0].field("ClientToken").is_some());
    // What has no token is not.
    let image = || page("CreateImage", "<imageId>ami-0123456789abcdef0</imageId>");
    let (outcome, calls) = carry_once("ec2:CreateImage", whole_image(), tries(image)).await;
    assert_eq!((became(&outcome), calls.len()), (vec![(INSTANCE, Some("no_answer"))], 1));
}

#[tokio::test]
async fn a_dry_run_launches_nothing() {
    for action in [RUN, "ec2:CreateSnapshots", "ec2:CreateImage"] {
        let (outcome, calls) = carry(action, policies::largest(action), true, |call| {
            assert!(call.is_dry());
            Reply::ec2(412, "DryRunOperation", "Request would have succeeded, but DryRun flag is set.")
        })
        .await;
        assert_eq!(calls.len(), 1, "{action}");
        let target = if action == RUN { RUN } else { INSTANCE };
        assert_eq!((became(&outcome), &outcome.output), (vec![(target, None)], &Value::Null), "{action}");
    }
}

/// What EC2 refuses is told of what was asked for: nothing was made that it could be told of.
#[tokio::test]
async fn what_is_refused_is_told() {
    for (code, told) in [
        ("InsufficientInstanceCapacity", "insufficient_capacity"),
        ("VcpuLimitExceeded", "vcpu_limit_exceeded"),
        ("InvalidAMIID.NotFound", "not_found"),
        ("InvalidSubnetID.NotFound", "not_found"),
        ("UnauthorizedOperation", "access_denied"),
        ("IdempotentParameterMismatch", "idempotency_mismatch"),
    ] {
        let answer = move |_: &Call| Reply::ec2(400, code, "It is so");
        let (outcome, calls) = carry(RUN, small_launch(), false, answer).await;
        assert_eq!((became(&outcome), calls.len()), (vec![(RUN, Some(told))], 1), "{code}");
        let detail = outcome.targets[0].detail.clone().unwrap();
        assert!(detail.ends_with('.') || told == "access_denied", "it says what mends it: {detail}");
    }
    for action in ["ec2:CreateSnapshots", "ec2:CreateImage"] {
        let answer = |_: &Call| Reply::ec2(400, "InvalidInstanceID.NotFound", "It does not exist");
        let (outcome, _) = carry(action, policies::largest(action), false, answer).await;
        assert_eq!(became(&outcome), [(INSTANCE, Some("not_found"))], "{action}");
    }
}

#[tokio::test]
async fn snapshots_are_made_of_the_volumes_that_are_wanted() {
    let (outcome, calls) = carry("ec2:CreateSnapshots", whole_snapshots(), false, |_| {
        page(
            "CreateSnapshots",
            "<snapshotSet><item><snapshotId>snap-1</snapshotId><volumeId>vol-1</volumeId><state>pending</state>\
             <volumeSize>8</volumeSize><encrypted>true</encrypted></item><item><snapshotId>snap-2</snapshotId></item>\
             </snapshotSet>",
        )
    })
    .await;
    let expected = fields(&[
        ("Action", "CreateSnapshots"),
        ("DryRun", "false"),
        ("InstanceSpecification.InstanceId", INSTANCE),
        ("InstanceSpecification.ExcludeBootVolume", "true"),
        ("InstanceSpecification.ExcludeDataVolumeId.1", "vol-0123456789abcdef0"),
        ("Description", "before the change"),
        ("CopyTagsFromSource", "volume"),
        ("TagSpecification.1.ResourceType", "snapshot"),
        ("TagSpecification.1.Tag.1.Key", "Name"),
        ("TagSpecification.1.Tag.1.Value", "web"),
        ("TagSpecification.1.Tag.2.Key", "empty"),
        ("TagSpecification.1.Tag.2.Value", ""),
    ]);
    assert_eq!(calls.iter().map(sent).collect::<Vec<_>>(), [expected]);
    assert_eq!(became(&outcome), [("snap-1", None), ("snap-2", None)]);
    let first = &told(&outcome.output)["Snapshots"][0];
    assert_eq!((&first["State"], &first["VolumeSize"]), (&json!("pending"), &json!(8)));
}

/// AWS reboots an instance that an image is made of, unless it is told not to: here it is told.
#[tokio::test]
async fn an_image_is_made_without_a_reboot_unless_one_is_asked_for() {
    let made = |_: &Call| page("CreateImage", "<imageId>ami-0123456789abcdef0</imageId>");
    let asked = json!({"InstanceId": INSTANCE, "Name": "web"});
    let (outcome, calls) = carry("ec2:CreateImage", asked, false, made).await;
    let expected = fields(&[
        ("Action", "CreateImage"),
        ("DryRun", "false"),
        ("InstanceId", INSTANCE),
        ("Name", "web"),
        ("NoReboot", "true"),
    ]);
    assert_eq!(calls.iter().map(sent).collect::<Vec<_>>(), [expected]);
    assert_eq!(became(&outcome), [("ami-0123456789abcdef0", None)]);
    assert_eq!(outcome.output, json!({"ImageId": "ami-0123456789abcdef0"}));
    let (_, calls) = carry("ec2:CreateImage", whole_image(), false, made).await;
    let field = |name: &str| calls[0].field(name);
    assert_eq!((field("NoReboot"), field("BlockDeviceMapping.1.NoDevice")), (Some("false"), Some("")));
    assert_eq!(field("TagSpecification.2.ResourceType"), Some("snapshot"));
}
