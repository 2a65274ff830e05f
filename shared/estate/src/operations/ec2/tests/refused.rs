//! Inputs that are refused before anything is asked.

use super::*;

/// The lists that name what they list, with what their ids begin with, and the largest page.
const NAMED: &[(&str, &str, &str, i32)] = &[
    ("ec2:DescribeInstances", "InstanceIds", "i-", 1000),
    ("ec2:DescribeVolumes", "VolumeIds", "vol-", 500),
    ("ec2:DescribeInstanceStatus", "InstanceIds", "i-", 1000),
    ("ec2:DescribeVolumeStatus", "VolumeIds", "vol-", 1000),
    ("ec2:DescribeSecurityGroups", "GroupIds", "sg-", 1000),
    ("ec2:DescribeRouteTables", "RouteTableIds", "rtb-", 100),
    ("ec2:DescribeSubnets", "SubnetIds", "subnet-", 1000),
    ("ec2:DescribeVpcs", "VpcIds", "vpc-", 1000),
    ("ec2:DescribeImages", "ImageIds", "ami-", 1000),
    ("ec2:DescribeSnapshots", "SnapshotIds", "snap-", 1000),
];

fn malformed(code: &'static str, pointer: &str) -> (ErrorKind, &'static str, String) {
    (ErrorKind::Malformed, code, format!("/input{pointer}"))
}

#[test]
fn lists_have_bounds() {
    let all = OFFERED.iter().filter(|action| action.starts_with("ec2:Describe"));
    for action in all {
        let named = NAMED.iter().find(|(known, ..)| known == action);
        let largest = named.map_or(if action.ends_with("Types") { 100 } else { 1000 }, |named| named.3);
        let smallest = if action.ends_with("Images") { 1 } else { 5 };
        for size in [smallest, largest] {
            assert!(read(action, &json!({"MaxResults": size})).is_ok(), "{action} {size}");
        }
        for size in [smallest - 1, largest + 1] {
            let refused = refusal(action, &json!({"MaxResults": size}));
            assert_eq!(refused, malformed("invalid_max_results", "/MaxResults"), "{action} {size}");
        }
        let refused = refusal(action, &json!({"NextToken": ""}));
        assert_eq!(refused, malformed("invalid_next_token", "/NextToken"), "{action}");

        let filters = |name: usize, values: usize, value: usize| {
            json!({"Filters": [
                {"Name": "vpc-id", "Values": ["vpc-1"]},
                {"Name": "n".repeat(name), "Values": vec!["v".repeat(value); values]},
            ]})
        };
        assert!(read(action, &filters(255, 200, 255)).is_ok(), "{action}");
        assert!(read(action, &filters(1, 1, 0)).is_ok(), "{action}");
        for (wrong, at) in [
            (filters(0, 1, 1), "/Filters/1/Name"),
            (filters(256, 1, 1), "/Filters/1/Name"),
            (filters(1, 0, 1), "/Filters/1/Values"),
            (filters(1, 201, 1), "/Filters/1/Values"),
            (filters(1, 1, 256), "/Filters/1/Values/0"),
        ] {
            assert_eq!(refusal(action, &wrong), malformed("invalid_filter", at), "{action}");
        }
        let many = |count| json!({"Filters": vec![json!({"Name": "n", "Values": ["v"]}); count]});
        assert!(read(action, &many(50)).is_ok(), "{action}");
        assert_eq!(refusal(action, &many(51)), malformed("invalid_filters", "/Filters"), "{action}");
    }
}

#[test]
fn what_is_named_has_its_own_form_and_comes_in_no_pages() {
    for (action, field, prefix, _) in NAMED {
        let at = format!("/{field}");
        let good = format!("{prefix}0123456789abcdef0");
        assert!(read(action, &json!({*field: [good]})).is_ok(), "{action}");
        for bad in ["01234567", "x-01234567", &format!("{prefix}012345678"), &format!("{prefix}0123456G"), ""]
        {
            let refused = refusal(action, &json!({*field: [good, bad]}));
            assert_eq!(refused, malformed("invalid_id", &format!("{at}/1")), "{action} {bad}");
        }
        for count in [0, 1001] {
            let refused = refusal(action, &json!({*field: vec![good.clone(); count]}));
            assert_eq!(refused, malformed("invalid_ids", &at), "{action} {count}");
        }
        let refused = refusal(action, &json!({*field: [good], "MaxResults": 10}));
        assert_eq!(refused, malformed("invalid_max_results", "/MaxResults"), "{action}");
        let refused = refusal(action, &json!({*field: [good], "NextToken": "x"}));
        assert_eq!(refused, malformed("invalid_next_token", "/NextToken"), "{action}");
    }
}

#[rstest]
#[case::none(json!([]), "invalid_instance_types", "")]
#[case::many(json!(vec!["m7g.large"; 101]), "invalid_instance_types", "")]
#[case::empty(json!([""]), "invalid_instance_type", "/0")]
#[case::capitals(json!(["m7g.large", "M7G.LARGE"]), "invalid_instance_type", "/1")]
#[case::long(json!(["m".repeat(65)]), "invalid_instance_type", "/0")]
fn instance_types_have_a_form(#[case] kinds: Value, #[case] code: &'static str, #[case] at: &str) {
    let refused = refusal("ec2:DescribeInstanceTypes", &json!({"InstanceTypes": kinds}));
    assert_eq!(refused, malformed(code, &format!("/InstanceTypes{at}")));
}

#[rstest]
#[case::images("ec2:DescribeImages", "Owners", "aws-backup-vault", "microsoft")]
#[case::snapshots("ec2:DescribeSnapshots", "OwnerIds", "amazon", "aws-marketplace")]
fn owners_are_accounts_or_known(
    #[case] action: &str,
    #[case] field: &str,
    #[case] known: &str,
    #[case] unknown: &str,
) {
    assert!(read(action, &json!({field: ["self", known, "222222222222"]})).is_ok());
    for wrong in [unknown, "22222222222", "2222222222222", "22222222222x", "", "*"] {
        let refused = refusal(action, &json!({field: ["self", wrong]}));
        assert_eq!(refused, malformed("invalid_owner", &format!("/{field}/1")), "{wrong}");
    }
    for count in [0, 101] {
        let refused = refusal(action, &json!({field: vec!["self"; count]}));
        assert_eq!(refused, malformed("invalid_owners", &format!("/{field}")));
    }
}

#[test]
fn instances_to_reboot_are_named_each_once() {
    let reboot = |ids: Value| refusal("ec2:RebootInstances", &json!({"InstanceIds": ids}));
    let many = |count| (0..count).map(instance).collect::<Vec<_>>();
    assert!(read("ec2:RebootInstances", &json!({"InstanceIds": many(20)})).is_ok());
    assert_eq!(reboot(json!([])), malformed("invalid_instance_ids", "/InstanceIds"));
    assert_eq!(reboot(json!(many(21))), malformed("invalid_instance_ids", "/InstanceIds"));
    let twice = json!(["i-01234567", "i-76543210", "i-01234567"]);
    assert_eq!(reboot(twice), malformed("invalid_instance_ids", "/InstanceIds/2"));
    let wrong = json!(["i-01234567", "vol-01234567"]);
    assert_eq!(reboot(wrong), malformed("invalid_instance_id", "/InstanceIds/1"));
}

fn tags(tags: &Value) -> Value {
    json!({"Resources": ["i-01234567"], "Tags": tags})
}

#[rstest]
#[case::ours("drawbridge:protected")]
#[case::ours_in_capitals("Drawbridge:protected")]
#[case::aws("aws:cloudformation:stack-name")]
#[case::aws_in_capitals("AWS:x")]
#[case::bare("drawbridge:")]
fn reserved_keys_of_tags_are_refused(#[case] key: &str) {
    let refused =
        refusal("ec2:CreateTags", &tags(&json!([{"Key": "a", "Value": "b"}, {"Key": key, "Value": "x"}])));
    assert_eq!(refused, (ErrorKind::Refused, "reserved_tag_key", "/input/Tags/1/Key".to_owned()));
}

#[rstest]
#[case::none(json!([]), "invalid_tags", "")]
#[case::many(json!((0..51).map(|n| json!({"Key": n.to_string()})).collect::<Vec<_>>()), "invalid_tags", "")]
#[case::no_key(json!([{"Key": "", "Value": "x"}]), "invalid_tag_key", "/0/Key")]
#[case::long_key(json!([{"Key": "ä".repeat(128)}]), "invalid_tag_key", "/0/Key")]
#[case::long_value(json!([{"Key": "a", "Value": "ä".repeat(257)}]), "invalid_tag_value", "/0/Value")]
#[case::twice(json!([{"Key": "a", "Value": "1"}, {"Key": "a", "Value": "2"}]), "invalid_tags", "/1/Key")]
fn tags_have_bounds(#[case] given: Value, #[case] code: &'static str, #[case] at: &str) {
    assert_eq!(refusal("ec2:CreateTags", &tags(&given)), malformed(code, &format!("/Tags{at}")));
}

#[test]
fn tags_as_large_as_they_may_be_are_taken() {
    let most =
        (0..50).map(|n| json!({"Key": format!("{n:02}{}", "ä".repeat(125)), "Value": "ä".repeat(256)}));
    assert!(read("ec2:CreateTags", &tags(&json!(most.collect::<Vec<_>>()))).is_ok());
    // What only resembles the reserved ones is the customer's.
    for key in ["drawbridge", "drawbridge-x", "awsome", "my:aws:x", "dräwbridge:x", "awß:"] {
        assert!(read("ec2:CreateTags", &tags(&json!([{"Key": key, "Value": ""}]))).is_ok(), "{key}");
    }
}

#[test]
fn only_resources_whose_arn_their_id_tells_are_tagged() {
    let of = |resources: Value| json!({"Resources": resources, "Tags": [{"Key": "a", "Value": "b"}]});
    for unknown in
        ["key-0123456789abcdef0", "pg-01234567", "x-01234567", "i-", "", "*", "i-0123456789ABCDEF0"]
    {
        let refused = refusal("ec2:CreateTags", &of(json!(["i-01234567", unknown])));
        assert_eq!(refused, malformed("invalid_resource_id", "/Resources/1"), "{unknown}");
    }
    assert_eq!(refusal("ec2:CreateTags", &of(json!([]))), malformed("invalid_resources", "/Resources"));
    let many: Vec<_> = (0..16).map(instance).collect();
    assert_eq!(refusal("ec2:CreateTags", &of(json!(many))), malformed("invalid_resources", "/Resources"));
    let twice = of(json!(["i-01234567", "i-01234567"]));
    assert_eq!(refusal("ec2:CreateTags", &twice), malformed("invalid_resources", "/Resources/1"));
}
