//! What the sessions may do that make instances, snapshots and images.

use super::making::INSTANCE;
use super::*;

const RUN: &str = "ec2:RunInstances";

fn policy(action: &str, input: &Value) -> Value {
    let policy = read(action, input).unwrap().session_policy(&place(), false).to_json();
    serde_json::from_str(&policy).unwrap()
}

/// What the first statement, which is for the action itself, names: without what all ARNs begin with.
pub(super) fn resources(action: &str, input: &Value) -> Vec<String> {
    let policy = policy(action, input);
    assert_eq!(policy["Statement"][0]["Action"], action, "{policy}");
    assert_eq!(policy["Statement"][0].get("Condition"), None, "{policy}");
    let mut all: Vec<_> = policy["Statement"][0]["Resource"]
        .as_array()
        .unwrap()
        .iter()
        .map(|arn| {
            let arn = arn.as_str().unwrap().strip_prefix("arn:aws:ec2:eu-west-3:").unwrap();
            let (owner, resource) = arn.split_once(':').unwrap();
            let shared = resource.starts_with("image/") || resource.starts_with("snapshot/");
            assert_eq!(owner, if shared { "" } else { "222222222222" }, "{arn}");
            resource.to_owned()
        })
        .collect();
    all.sort();
    all
}

/// Source: Service Authorization Reference, Amazon EC2, `RunInstances`, `CreateSnapshots` and
/// `CreateImage`, "Resource types".
#[test]
fn what_is_made_has_no_name_yet_and_everything_else_is_named() {
    assert_eq!(
        resources(RUN, &making::small_launch()),
        [
            "image/ami-01234567",
            "instance/*",
            "network-interface/*",
            "security-group/*",
            "snapshot/*",
            "subnet/*",
            "volume/*"
        ]
    );
    let mut expected = vec![
        "image/ami-0123456789abcdef0".to_owned(),
        "instance/*".to_owned(),
        "key-pair/somebody@example.com: of the bastion".to_owned(),
        "network-interface/*".to_owned(),
        "placement-group/close by".to_owned(),
        "snapshot/*".to_owned(),
        "subnet/subnet-0123456789abcdef0".to_owned(),
        "volume/*".to_owned(),
    ];
    expected.extend((0..5).map(|number| format!("security-group/sg-0123456789abcdef{number}")));
    expected.sort();
    assert_eq!(resources(RUN, &making::whole_launch()), expected);
    let instance = format!("instance/{INSTANCE}");
    assert_eq!(
        resources("ec2:CreateSnapshots", &making::whole_snapshots()),
        [&instance, "snapshot/*", "volume/*"]
    );
    assert_eq!(resources("ec2:CreateImage", &making::whole_image()), ["image/*", &instance, "snapshot/*"]);
}

/// To tag what is made, and nothing that there is. Source: EC2 User Guide, "Grant permission to tag
/// Amazon EC2 resources during creation".
#[test]
fn what_is_made_is_tagged_as_it_is_made_and_at_no_other_time() {
    let tagging = |action: &str, input: &Value| {
        let policy = policy(action, input);
        let statements = policy["Statement"].as_array().unwrap().clone();
        statements.into_iter().find(|statement| statement["Action"] == "ec2:CreateTags")
    };
    let of = |kind: &str, owner: &str| format!("arn:aws:ec2:eu-west-3:{owner}:{kind}/*");
    let owned = |kind: &str| of(kind, "222222222222");
    for (action, resources) in [
        (RUN, json!([owned("instance"), owned("volume"), owned("network-interface")])),
        ("ec2:CreateSnapshots", json!(of("snapshot", ""))),
        ("ec2:CreateImage", json!([of("image", ""), of("snapshot", "")])),
    ] {
        let input = policies::largest(action);
        let statement = tagging(action, &input).expect(action);
        assert_eq!(statement["Resource"], resources, "{action}");
        let made_by = action.strip_prefix("ec2:").unwrap();
        assert_eq!(
            statement["Condition"],
            json!({"StringEquals": {"ec2:CreateAction": made_by}}),
            "{action}"
        );
        let mut untagged = input;
        for name in ["TagSpecifications", "CopyTagsFromSource"] {
            untagged.as_object_mut().unwrap().remove(name);
        }
        assert_eq!(tagging(action, &untagged), None, "{action}");
    }
    let copied = json!({"InstanceSpecification": {"InstanceId": INSTANCE}, "CopyTagsFromSource": "volume"});
    assert!(tagging("ec2:CreateSnapshots", &copied).is_some(), "copied tags are tags");
}

/// Source: Amazon EBS User Guide, "Requirements for Amazon EBS encryption", and AWS KMS Developer Guide,
/// `kms:ViaService`.
#[test]
fn keys_are_used_by_ec2_alone() {
    let policy = policy(RUN, &making::small_launch());
    let statements = policy["Statement"].as_array().unwrap();
    assert_eq!(statements.len(), 2, "{policy}");
    let actions = statements[1]["Action"].as_array().unwrap();
    assert!(actions.iter().all(|action| action.as_str().unwrap().starts_with("kms:")), "{policy}");
    let through = json!({"StringLike": {"kms:ViaService": "ec2.eu-west-3.amazonaws.com*"}});
    assert_eq!(statements[1]["Condition"], through);
}
