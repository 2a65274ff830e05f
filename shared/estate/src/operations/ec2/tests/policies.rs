//! What sessions may do: no more than the request in hand.

use super::*;

/// An operation as large as it may be.
pub(super) fn largest(action: &str) -> Value {
    match action {
        "ec2:RunInstances" => making::whole_launch(),
        "ec2:CreateSnapshots" => making::whole_snapshots(),
        "ec2:CreateImage" => making::whole_image(),
        "ec2:StartInstances" | "ec2:StopInstances" | "ec2:RebootInstances" | "ec2:TerminateInstances" => {
            json!({"InstanceIds": (0..20).map(instance).collect::<Vec<_>>()})
        }
        "ec2:DeregisterImage" => json!({"ImageId": "ami-0123456789abcdef0"}),
        "ec2:DeleteSnapshot" => json!({"SnapshotId": "snap-0123456789abcdef0"}),
        "ec2:CreateTags" => {
            // Of all resources that are tagged, these have the longest ARNs.
            let ids: Vec<_> = (0..15).map(|number| format!("pcx-0123456789abcde{number:02x}")).collect();
            json!({"Resources": ids, "Tags": [{"Key": "a", "Value": "b"}]})
        }
        "ec2-instance-connect:SendSSHPublicKey" => json!({
            "InstanceId": instance(0),
            "InstanceOSUser": "u".repeat(32),
            "SSHPublicKey": writes::ED25519,
        }),
        _ => json!({}),
    }
}

/// What AWS can limit each action to, as patterns of ARNs: nothing, for those that are asked with `*`.
/// Source: Service Authorization Reference, Amazon EC2 and Amazon EC2 Instance Connect, "Resource
/// types" of each action.
fn limits(action: &str) -> &'static [&'static str] {
    match action {
        "ec2:StartInstances"
        | "ec2:StopInstances"
        | "ec2:RebootInstances"
        | "ec2:TerminateInstances"
        | "ec2-instance-connect:SendSSHPublicKey" => &["instance/i-"],
        // Their ARNs name no account.
        "ec2:DeregisterImage" => &[":image/ami-"],
        "ec2:DeleteSnapshot" => &[":snapshot/snap-"],
        "ec2:CreateTags" => &["vpc-peering-connection/pcx-"],
        action if action.starts_with("ec2:Describe") => &[],
        other => panic!("nobody has said what {other} can be limited to"),
    }
}

/// What an action takes besides itself.
fn companions_of(action: &str) -> Vec<Value> {
    match action {
        "ec2:StartInstances" => vec![json!({
            "Effect": "Allow",
            "Action": "kms:CreateGrant",
            "Resource": "*",
            "Condition": {"StringLike": {"kms:ViaService": "ec2.eu-west-3.amazonaws.com*"}},
        })],
        _ => vec![],
    }
}

/// What makes things: its sessions name more than one kind of them, and are looked at by themselves.
const MAKING: [&str; 3] = ["ec2:RunInstances", "ec2:CreateSnapshots", "ec2:CreateImage"];

/// Actions of EC2 and its companions that there are operations for.
fn offered() -> impl Iterator<Item = &'static str> {
    OFFERED.iter().copied().filter(|action| action.starts_with("ec2"))
}

/// Where ARNs are the longest: GovCloud, in a Region with the longest name that is taken.
fn far() -> Place {
    let region: domain::Region = "us-gov-abcdefghijklmnop-1".parse().unwrap();
    assert_eq!(region.as_str().len(), 25);
    Place { partition: region.partition(), region, ..place() }
}

#[test]
fn every_session_is_for_its_action_on_its_resources_alone() {
    for action in offered().filter(|action| !MAKING.contains(action)) {
        let policy = read(action, &largest(action)).unwrap().session_policy(&place(), false);
        let policy: Value = serde_json::from_str(&policy.to_json()).unwrap();
        let [statement, companions @ ..] = policy["Statement"].as_array().unwrap().as_slice() else {
            panic!("{policy}")
        };
        assert_eq!(companions, companions_of(action), "{action}");
        assert_eq!((&statement["Effect"], &statement["Action"]), (&json!("Allow"), &json!(action)));
        let resources = match &statement["Resource"] {
            Value::String(one) => vec![one.as_str()],
            many => many.as_array().unwrap().iter().map(|arn| arn.as_str().unwrap()).collect(),
        };
        let limits = limits(action);
        if limits.is_empty() {
            assert_eq!(resources, ["*"], "{action}");
        }
        for arn in resources.iter().filter(|_| !limits.is_empty()) {
            let here = arn.strip_prefix("arn:aws:ec2:eu-west-3:").expect(arn);
            let resource = here.strip_prefix("222222222222:").unwrap_or(here);
            assert!(limits.iter().any(|limit| resource.starts_with(limit)), "{action}: {arn}");
            assert!(!arn.contains(['*', '?', '$']), "{action}: {arn}");
        }
        let condition = match action {
            "ec2-instance-connect:SendSSHPublicKey" => {
                json!({"StringEquals": {"ec2:osuser": "u".repeat(32)}})
            }
            _ => Value::Null,
        };
        assert_eq!(statement.get("Condition").unwrap_or(&Value::Null), &condition, "{action}");
    }
}

/// Source: IAM User Guide, "IAM and AWS STS quotas", session policies.
#[test]
fn every_session_policy_fits_at_its_largest() {
    for action in offered() {
        let policy = read(action, &largest(action)).unwrap().session_policy(&far(), false).to_json();
        assert!(policy.len() <= 2048, "{action}: {}", policy.len());
    }
}

/// Each kind of resource by its own ARN. Source: Service Authorization Reference, Amazon EC2,
/// "Resource types defined by Amazon EC2".
#[rstest]
#[case("i-01234567", "222222222222:instance/i-01234567")]
#[case("vol-01234567", "222222222222:volume/vol-01234567")]
#[case("snap-01234567", ":snapshot/snap-01234567")]
#[case("ami-01234567", ":image/ami-01234567")]
#[case("subnet-01234567", "222222222222:subnet/subnet-01234567")]
#[case("vpc-01234567", "222222222222:vpc/vpc-01234567")]
#[case("sg-01234567", "222222222222:security-group/sg-01234567")]
#[case("sgr-01234567", "222222222222:security-group-rule/sgr-01234567")]
#[case("rtb-01234567", "222222222222:route-table/rtb-01234567")]
#[case("eni-01234567", "222222222222:network-interface/eni-01234567")]
#[case("igw-01234567", "222222222222:internet-gateway/igw-01234567")]
#[case("nat-01234567", "222222222222:natgateway/nat-01234567")]
#[case("acl-01234567", "222222222222:network-acl/acl-01234567")]
#[case("eipalloc-01234567", "222222222222:elastic-ip/eipalloc-01234567")]
#[case("dopt-01234567", "222222222222:dhcp-options/dopt-01234567")]
#[case("lt-01234567", "222222222222:launch-template/lt-01234567")]
#[case("pl-01234567", "222222222222:prefix-list/pl-01234567")]
#[case("vpce-01234567", "222222222222:vpc-endpoint/vpce-01234567")]
#[case("pcx-01234567", "222222222222:vpc-peering-connection/pcx-01234567")]
#[case("tgw-01234567", "222222222222:transit-gateway/tgw-01234567")]
#[case("vgw-01234567", "222222222222:vpn-gateway/vgw-01234567")]
#[case("vpn-01234567", "222222222222:vpn-connection/vpn-01234567")]
#[case("cgw-01234567", "222222222222:customer-gateway/cgw-01234567")]
#[case("cr-01234567", "222222222222:capacity-reservation/cr-01234567")]
#[case("h-01234567", "222222222222:dedicated-host/h-01234567")]
#[case("fl-01234567", "222222222222:vpc-flow-log/fl-01234567")]
fn each_kind_of_resource_has_its_own_arn(#[case] id: &str, #[case] arn: &str) {
    let input = json!({"Resources": [id], "Tags": [{"Key": "a", "Value": "b"}]});
    let policy = read("ec2:CreateTags", &input).unwrap().session_policy(&place(), false).to_json();
    assert!(policy.contains(&format!("\"Resource\":\"arn:aws:ec2:eu-west-3:{arn}\"")), "{policy}");
}

/// A generator of its own, so that every run tries the same.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % sides as u64).unwrap()
    }

    /// Text that resembles an id, a wildcard, a variable, an ARN or JSON.
    fn hostile(&mut self) -> String {
        const PARTS: &[&str] = &[
            "i-",
            "vol-",
            "snap-",
            "ami-",
            "sg-",
            "0",
            "9",
            "a",
            "f",
            "g",
            "A",
            "01234567",
            "0123456789abcdef0",
            "*",
            "?",
            "${aws:username}",
            "$",
            "\"",
            "\\",
            "],[",
            "/",
            ":",
            ",",
            " ",
            "\n",
            "\0",
            "\u{202e}",
            "ä",
            "０",
            "-",
            "instance/",
            "arn:aws:ec2:*:*:instance/*",
            "",
            "..",
            "%2a",
        ];
        (0..=self.roll(5)).map(|_| PARTS[self.roll(PARTS.len())]).collect()
    }
}

/// Whatever is sent as an id: either it is refused, or it is one by the letter, and in the policy as
/// nothing else.
#[test]
fn no_hostile_id_reaches_a_policy() {
    let strict = |id: &str, prefixes: &[&str]| {
        prefixes.iter().any(|prefix| {
            let rest = id.strip_prefix(prefix).unwrap_or_default();
            matches!(rest.chars().count(), 8 | 17)
                && rest.chars().all(|letter| "0123456789abcdef".contains(letter))
        })
    };
    let is_user = |user: &str| {
        (1..=32).contains(&user.len())
            && user.chars().all(|letter| letter.is_ascii_alphanumeric() || "@._-".contains(letter))
    };
    let mut dice = Dice(0x9e37_79b9_7f4a_7c15);
    // Every single letter in every place of a good id, too.
    let mut tried: Vec<String> = (0..20_000).map(|_| dice.hostile()).collect();
    for letter in (0..=255_u8).map(char::from) {
        for place in 0..=10 {
            let (before, after) = "i-01234567".split_at(place);
            tried.push(format!("{before}{letter}{after}"));
            tried.push(format!("{before}{letter}{}", after.get(1..).unwrap_or_default()));
        }
    }
    let (mut taken, mut refused) = (0, 0);
    for id in tried {
        let inputs = [
            ("ec2:RebootInstances", json!({"InstanceIds": [id]}), strict(&id, &["i-"])),
            (
                "ec2:CreateTags",
                json!({"Resources": [id], "Tags": [{"Key": id, "Value": id}, {"Key": "a", "Value": ""}]}),
                strict(&id, &["i-", "vol-", "snap-", "ami-", "sg-", "h-"]),
            ),
            (
                "ec2-instance-connect:SendSSHPublicKey",
                json!({"InstanceId": id, "InstanceOSUser": "root", "SSHPublicKey": writes::ED25519}),
                strict(&id, &["i-"]),
            ),
            (
                "ec2-instance-connect:SendSSHPublicKey",
                json!({"InstanceId": instance(0), "InstanceOSUser": id, "SSHPublicKey": writes::ED25519}),
                is_user(&id),
            ),
        ];
        for (action, input, may) in inputs {
            let Ok(request) = read(action, &input) else {
                refused += 1;
                continue;
            };
            taken += 1;
            assert!(may, "{action} takes {id:?}");
            let policy = request.session_policy(&place(), false).to_json();
            assert!(!policy.contains(['*', '?', '$', '\\']), "{id:?}: {policy}");
            let parsed: Value = serde_json::from_str(&policy).unwrap();
            assert_eq!(parsed["Statement"].as_array().map(Vec::len), Some(1), "{id:?}: {policy}");
            assert!(parsed["Statement"][0]["Resource"].is_string(), "{id:?}: {policy}");
        }
    }
    assert!(taken > 500 && refused > 50_000, "both were tried: {taken}, {refused}");
}
