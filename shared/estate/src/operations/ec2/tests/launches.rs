//! Launches, snapshots and images that are refused before anything is asked.

use super::*;

const RUN: &str = "ec2:RunInstances";

/// A launch that is taken, but for what stands at this pointer.
fn launch(pointer: &str, value: Value) -> Value {
    changed(
        json!({
            "ImageId": "ami-01234567", "InstanceType": "t3.micro",
            "BlockDeviceMappings": [{"DeviceName": "/dev/xvda", "Ebs": {"Encrypted": true}}],
            "MetadataOptions": {}, "Placement": {}, "CpuOptions": {"CoreCount": 1, "ThreadsPerCore": 1},
            "TagSpecifications": [{"ResourceType": "instance", "Tags": [{"Key": "a", "Value": "b"}]}],
        }),
        pointer,
        value,
    )
}

fn changed(mut input: Value, pointer: &str, value: Value) -> Value {
    let (above, name) = pointer.rsplit_once('/').unwrap();
    match input.pointer_mut(above).unwrap() {
        Value::Array(items) => items[name.parse::<usize>().unwrap()] = value,
        object => object[name] = value,
    }
    input
}

fn text(length: usize) -> Value {
    json!("x".repeat(length))
}

fn refused_as(action: &str, input: &Value, expected: (ErrorKind, &'static str), at: &str) {
    let (kind, code, pointer) = refusal(action, input);
    assert_eq!((kind, code, pointer.as_str()), (expected.0, expected.1, format!("/input{at}").as_str()));
}

#[rstest]
#[case::profile("/IamInstanceProfile", json!({"Name": "admin"}), "instance_profile_refused", "")]
#[case::profile_by_arn("/IamInstanceProfile", json!({"Arn": "arn:aws:iam::222222222222:instance-profile/x"}), "instance_profile_refused", "")]
#[case::profile_in_any_form("/IamInstanceProfile", json!("admin"), "instance_profile_refused", "")]
#[case::image_by_parameter("/ImageId", json!("resolve:ssm:/aws/service/x"), "image_reference_refused", "")]
#[case::our_tag("/TagSpecifications/0/Tags/0/Key", json!("drawbridge:protected"), "reserved_tag_key", "")]
#[case::aws_tag("/TagSpecifications/0/Tags/0/Key", json!("AWS:x"), "reserved_tag_key", "")]
fn a_launch_brings_no_rights_and_no_marks(
    #[case] pointer: &str,
    #[case] value: Value,
    #[case] code: &'static str,
    #[case] below: &str,
) {
    let at = format!("{pointer}{below}");
    refused_as(RUN, &launch(pointer, value), (ErrorKind::Refused, code), &at);
}

#[rstest]
#[case("/ImageId", json!("ami-0123456G"), "invalid_image_id", "/ImageId")]
#[case("/ImageId", json!("ami-*"), "invalid_image_id", "/ImageId")]
#[case("/InstanceType", json!("M7G.LARGE"), "invalid_instance_type", "/InstanceType")]
#[case("/InstanceType", json!(""), "invalid_instance_type", "/InstanceType")]
#[case("/MinCount", json!(0), "out_of_range", "/MinCount")]
#[case("/MinCount", json!(21), "out_of_range", "/MinCount")]
#[case("/MaxCount", json!(21), "out_of_range", "/MaxCount")]
#[case("/MaxCount", json!(0), "out_of_range", "/MaxCount")]
#[case("/SubnetId", json!("subnet-*"), "invalid_subnet_id", "/SubnetId")]
#[case("/SecurityGroupIds", json!([]), "invalid_group_ids", "/SecurityGroupIds")]
#[case("/SecurityGroupIds", json!(vec!["sg-01234567"; 6]), "invalid_group_ids", "/SecurityGroupIds")]
#[case("/SecurityGroupIds", json!(["sg-01234567", "sg-01234567"]), "invalid_group_ids", "/SecurityGroupIds/1")]
#[case("/SecurityGroupIds", json!(["sg-01234567", "default"]), "invalid_group_id", "/SecurityGroupIds/1")]
#[case("/PrivateIpAddress", json!("10.0.0.256"), "invalid_ip_address", "/PrivateIpAddress")]
#[case("/KeyName", json!(""), "invalid_name", "/KeyName")]
#[case("/KeyName", json!("all*"), "invalid_name", "/KeyName")]
#[case("/KeyName", json!("${aws:username}"), "invalid_name", "/KeyName")]
#[case("/KeyName", json!("a?"), "invalid_name", "/KeyName")]
#[case("/KeyName", json!("a\nb"), "invalid_name", "/KeyName")]
#[case("/KeyName", text(256), "invalid_name", "/KeyName")]
#[case("/Placement/GroupName", json!("*"), "invalid_name", "/Placement/GroupName")]
#[case("/Placement/AvailabilityZone", json!("eu-west-3"), "invalid_availability_zone", "/Placement/AvailabilityZone")]
#[case("/Placement/PartitionNumber", json!(8), "out_of_range", "/Placement/PartitionNumber")]
#[case("/UserData", json!("not base64!"), "invalid_user_data", "/UserData")]
#[case("/UserData", json!(base64::Engine::encode(&base64::engine::general_purpose::STANDARD, vec![0; 16 * 1024 + 1])), "user_data_too_large", "/UserData")]
#[case("/MetadataOptions/HttpPutResponseHopLimit", json!(65), "out_of_range", "/MetadataOptions/HttpPutResponseHopLimit")]
#[case("/MetadataOptions/HttpPutResponseHopLimit", json!(0), "out_of_range", "/MetadataOptions/HttpPutResponseHopLimit")]
#[case("/CpuOptions/CoreCount", json!(0), "out_of_range", "/CpuOptions/CoreCount")]
#[case("/CpuOptions/ThreadsPerCore", json!(3), "out_of_range", "/CpuOptions/ThreadsPerCore")]
#[case("/ClientToken", json!(""), "invalid_client_token", "/ClientToken")]
#[case("/ClientToken", text(65), "invalid_client_token", "/ClientToken")]
#[case("/ClientToken", json!("a b"), "invalid_client_token", "/ClientToken")]
#[case("/BlockDeviceMappings", json!([]), "invalid_block_devices", "/BlockDeviceMappings")]
#[case("/BlockDeviceMappings", json!(vec![json!({"DeviceName": "/dev/sda", "NoDevice": ""}); 29]), "invalid_block_devices", "/BlockDeviceMappings")]
#[case("/BlockDeviceMappings", json!(vec![json!({"DeviceName": "/dev/sda", "NoDevice": ""}); 2]), "invalid_device_name", "/BlockDeviceMappings/1/DeviceName")]
#[case("/BlockDeviceMappings/0/DeviceName", json!("a b"), "invalid_device_name", "/BlockDeviceMappings/0/DeviceName")]
#[case("/BlockDeviceMappings/0/VirtualName", json!("ephemeral0"), "invalid_block_device", "/BlockDeviceMappings/0")]
#[case("/BlockDeviceMappings/0/NoDevice", json!("true"), "invalid_block_device", "/BlockDeviceMappings/0/NoDevice")]
#[case("/BlockDeviceMappings/0/Ebs", json!(null), "invalid_block_device", "/BlockDeviceMappings/0")]
#[case("/BlockDeviceMappings/0/Ebs/VolumeSize", json!(0), "out_of_range", "/BlockDeviceMappings/0/Ebs/VolumeSize")]
#[case("/BlockDeviceMappings/0/Ebs/VolumeSize", json!(65_537), "out_of_range", "/BlockDeviceMappings/0/Ebs/VolumeSize")]
#[case("/BlockDeviceMappings/0/Ebs/Iops", json!(-1), "out_of_range", "/BlockDeviceMappings/0/Ebs/Iops")]
#[case("/BlockDeviceMappings/0/Ebs/Throughput", json!(2001), "out_of_range", "/BlockDeviceMappings/0/Ebs/Throughput")]
#[case("/BlockDeviceMappings/0/Ebs/SnapshotId", json!("snap-*"), "invalid_snapshot_id", "/BlockDeviceMappings/0/Ebs/SnapshotId")]
#[case("/BlockDeviceMappings/0/Ebs/KmsKeyId", json!("a*"), "invalid_kms_key", "/BlockDeviceMappings/0/Ebs/KmsKeyId")]
#[case("/BlockDeviceMappings/0/Ebs", json!({"KmsKeyId": "alias/x"}), "invalid_kms_key", "/BlockDeviceMappings/0/Ebs/KmsKeyId")]
#[case("/TagSpecifications/0/ResourceType", json!("image"), "invalid_resource_type", "/TagSpecifications/0/ResourceType")]
#[case("/TagSpecifications/0/Tags", json!([]), "invalid_tags", "/TagSpecifications/0/Tags")]
#[case("/TagSpecifications", json!(vec![json!({"ResourceType": "volume", "Tags": [{"Key": "a"}]}); 2]), "invalid_resource_type", "/TagSpecifications/1/ResourceType")]
#[case("/NetworkInterfaces", json!([]), "invalid_network_interfaces", "/NetworkInterfaces")]
#[case("/NetworkInterfaces", json!([{"DeviceIndex": 0}, {"DeviceIndex": 0}]), "invalid_device_index", "/NetworkInterfaces/1/DeviceIndex")]
#[case("/NetworkInterfaces", json!([{"DeviceIndex": 100}]), "invalid_device_index", "/NetworkInterfaces/0/DeviceIndex")]
#[case("/NetworkInterfaces", json!([{"DeviceIndex": 0, "SubnetId": "*"}]), "invalid_subnet_id", "/NetworkInterfaces/0/SubnetId")]
#[case("/NetworkInterfaces", json!([{"DeviceIndex": 0, "Groups": ["*"]}]), "invalid_group_id", "/NetworkInterfaces/0/Groups/0")]
#[case("/NetworkInterfaces", json!([{"DeviceIndex": 0, "NetworkInterfaceId": "eni-*"}]), "invalid_network_interface_id", "/NetworkInterfaces/0/NetworkInterfaceId")]
#[case("/NetworkInterfaces", json!([{"DeviceIndex": 0, "NetworkInterfaceId": "eni-01234567", "Groups": ["sg-01234567"]}]), "invalid_network_interface", "/NetworkInterfaces/0/NetworkInterfaceId")]
#[case("/NetworkInterfaces", json!([{"DeviceIndex": 0, "PrivateIpAddress": "::1"}]), "invalid_ip_address", "/NetworkInterfaces/0/PrivateIpAddress")]
#[case("/NetworkInterfaces", json!([{"DeviceIndex": 0, "Description": "x".repeat(256)}]), "invalid_description", "/NetworkInterfaces/0/Description")]
fn launches_have_bounds(
    #[case] pointer: &str,
    #[case] value: Value,
    #[case] code: &'static str,
    #[case] at: &str,
) {
    refused_as(RUN, &launch(pointer, value), (ErrorKind::Malformed, code), at);
}

#[test]
fn what_does_not_go_together_is_refused_where_it_stands() {
    let with = |more: Value| {
        let mut input = json!({"ImageId": "ami-01234567", "InstanceType": "t3.micro"});
        input.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        input
    };
    for (more, code, at) in [
        (json!({"MinCount": 3, "MaxCount": 2}), "out_of_range", "/MaxCount"),
        (json!({"MaxCount": 2, "PrivateIpAddress": "10.0.0.5"}), "out_of_range", "/MaxCount"),
        (
            json!({"MaxCount": 2, "NetworkInterfaces": [{"DeviceIndex": 0, "NetworkInterfaceId": "eni-01234567"}]}),
            "out_of_range",
            "/MaxCount",
        ),
        (
            json!({"NetworkInterfaces": [{"DeviceIndex": 0}], "SubnetId": "subnet-01234567"}),
            "invalid_network_interfaces",
            "/SubnetId",
        ),
        (
            json!({"NetworkInterfaces": [{"DeviceIndex": 0}], "SecurityGroupIds": ["sg-01234567"]}),
            "invalid_network_interfaces",
            "/SecurityGroupIds",
        ),
    ] {
        refused_as(RUN, &with(more), (ErrorKind::Malformed, code), at);
    }
    for taken in [
        json!({}),
        json!({"MinCount": 20}),
        json!({"MaxCount": 20}),
        json!({"KeyName": "x".repeat(255)}),
        json!({"NetworkInterfaces": (0..8).map(|index| json!({"DeviceIndex": index})).collect::<Vec<_>>()}),
        json!({"UserData": ""}),
    ] {
        read(RUN, &with(taken)).unwrap();
    }
}

/// Words that are none are told from those that are.
#[rstest]
#[case("/MetadataOptions/HttpTokens", "maybe")]
#[case("/Placement/Tenancy", "host")]
#[case("/InstanceInitiatedShutdownBehavior", "hibernate")]
#[case("/CreditSpecification", "unlimited")]
#[case("/BlockDeviceMappings/0/Ebs/VolumeType", "gp9")]
fn words_are_those_of_the_api(#[case] pointer: &str, #[case] word: &str) {
    assert_eq!(refusal(RUN, &launch(pointer, json!(word))).1, "invalid_type", "{pointer}");
}

#[test]
fn user_data_is_not_printed() {
    let request = read(RUN, &launch("/UserData", json!("cGFzc3dvcmQ="))).unwrap();
    let told = format!("{request:?}");
    assert!(told.contains("[redacted]") && !told.contains("cGFzc3dvcmQ"), "{told}");
}

#[rstest]
#[case("/InstanceSpecification/InstanceId", json!("i-*"), "invalid_instance_id", "/InstanceSpecification/InstanceId")]
#[case("/InstanceSpecification/ExcludeDataVolumeIds", json!([]), "invalid_volume_ids", "/InstanceSpecification/ExcludeDataVolumeIds")]
#[case("/InstanceSpecification/ExcludeDataVolumeIds", json!(["vol-1"]), "invalid_volume_id", "/InstanceSpecification/ExcludeDataVolumeIds/0")]
#[case("/InstanceSpecification/ExcludeDataVolumeIds", json!(["vol-01234567", "vol-01234567"]), "invalid_volume_ids", "/InstanceSpecification/ExcludeDataVolumeIds/1")]
#[case("/Description", text(256), "invalid_description", "/Description")]
#[case("/TagSpecifications/0/ResourceType", json!("volume"), "invalid_resource_type", "/TagSpecifications/0/ResourceType")]
#[case("/CopyTagsFromSource", json!("instance"), "invalid_type", "")]
fn snapshots_have_bounds(
    #[case] pointer: &str,
    #[case] value: Value,
    #[case] code: &'static str,
    #[case] at: &str,
) {
    let input = changed(policies::largest("ec2:CreateSnapshots"), pointer, value);
    let (_, told, pointer) = refusal("ec2:CreateSnapshots", &input);
    assert_eq!(told, code);
    assert!(code == "invalid_type" || pointer == format!("/input{at}"), "{pointer}");
}

#[rstest]
#[case("/InstanceId", json!("*"), "invalid_instance_id", "/InstanceId")]
#[case("/Name", json!("ab"), "invalid_image_name", "/Name")]
#[case("/Name", text(129), "invalid_image_name", "/Name")]
#[case("/Name", json!("web*"), "invalid_image_name", "/Name")]
#[case("/Description", text(256), "invalid_description", "/Description")]
#[case("/BlockDeviceMappings", json!([]), "invalid_block_devices", "/BlockDeviceMappings")]
#[case("/TagSpecifications/0/ResourceType", json!("instance"), "invalid_resource_type", "/TagSpecifications/0/ResourceType")]
fn images_have_bounds(
    #[case] pointer: &str,
    #[case] value: Value,
    #[case] code: &'static str,
    #[case] at: &str,
) {
    let input = changed(policies::largest("ec2:CreateImage"), pointer, value);
    refused_as("ec2:CreateImage", &input, (ErrorKind::Malformed, code), at);
}
