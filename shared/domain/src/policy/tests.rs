use super::*;
use crate::capability::Action;
use crate::external_id::ExternalId;
use serde_json::{Value, json};

/// The permissions policy of the manual procedure, as its document gives it.
const PROCEDURE: &str = include_str!("procedure.json");

fn account() -> AccountId {
    "111111111111".parse().unwrap()
}

fn external_id() -> ExternalId {
    "an-external-id".parse().unwrap()
}

fn value(document: &PolicyDocument) -> Value {
    serde_json::to_value(document).unwrap()
}

fn set(value: &Value) -> BTreeSet<&str> {
    match value {
        Value::String(one) => BTreeSet::from([one.as_str()]),
        Value::Array(many) => {
            let set: BTreeSet<_> = many.iter().map(|item| item.as_str().unwrap()).collect();
            assert_eq!(set.len(), many.len(), "nothing is listed twice");
            set
        }
        other => panic!("not a string or a list: {other}"),
    }
}

fn only(capability: Capability) -> CapabilitySet {
    CapabilitySet::new([capability]).unwrap()
}

#[test]
fn classic_is_the_procedure_statement_by_statement() {
    let ours = value(&permissions_policy(Partition::Aws, None, &only(Capability::Classic)));
    let theirs: Value = serde_json::from_str(PROCEDURE).unwrap();
    assert_eq!(ours["Version"], theirs["Version"]);
    let (ours, theirs) = (ours["Statement"].as_array().unwrap(), theirs["Statement"].as_array().unwrap());
    assert_eq!((ours.len(), theirs.len()), (2, 2));
    for (ours, theirs) in ours.iter().zip(theirs) {
        for key in ["Effect", "Resource"] {
            assert_eq!(ours[key], theirs[key]);
        }
        assert_eq!(set(&ours["Action"]), set(&theirs["Action"]));
        assert!(ours.get("Condition").is_none());
    }
    let counts: Vec<_> = ours.iter().map(|s| set(&s["Action"]).len()).collect();
    assert_eq!(counts, [18, 17]);
}

#[test]
fn a_user_is_trusted_as_the_procedure_says() {
    let user = TrustedPrincipal::User("arn:aws:iam::111111111111:user/ops".parse().unwrap());
    assert_eq!(
        value(&trust_policy(Partition::Aws, &user, None)),
        json!({"Version": "2012-10-17", "Statement": [{
            "Effect": "Allow",
            "Principal": {"AWS": "arn:aws:iam::111111111111:user/ops"},
            "Action": "sts:AssumeRole",
        }]})
    );
}

#[test]
fn people_of_an_account_may_be_asked_for_mfa() {
    let people = TrustedPrincipal::People { account: account() };
    let trust = trust_policy(Partition::Aws, &people, Some(&external_id())).for_mfa_alone();
    assert_eq!(
        value(&trust),
        json!({"Version": "2012-10-17", "Statement": [{
            "Effect": "Allow",
            "Principal": {"AWS": "arn:aws:iam::111111111111:root"},
            "Action": "sts:AssumeRole",
            "Condition": {
                "Bool": {"aws:MultiFactorAuthPresent": "true"},
                "StringEquals": {"sts:ExternalId": "an-external-id"},
            },
        }]})
    );
}

#[test]
fn an_account_is_trusted_for_its_brokers_alone() {
    let principal = TrustedPrincipal::Account { provider: account() };
    assert_eq!(
        value(&trust_policy(Partition::AwsUsGov, &principal, Some(&external_id()))),
        json!({"Version": "2012-10-17", "Statement": [{
            "Effect": "Allow",
            "Principal": {"AWS": "arn:aws-us-gov:iam::111111111111:root"},
            "Action": "sts:AssumeRole",
            "Condition": {
                "ArnLike": {"aws:PrincipalArn": "arn:aws-us-gov:iam::111111111111:role/drawbridge/broker-*"},
                "StringEquals": {"sts:ExternalId": "an-external-id"},
            },
        }]})
    );
}

#[test]
fn a_broker_is_trusted_by_name() {
    let principal = TrustedPrincipal::Role { provider: account(), broker: 2 };
    assert_eq!(
        value(&trust_policy(Partition::AwsCn, &principal, Some(&external_id())))["Statement"][0],
        json!({
            "Effect": "Allow",
            "Principal": {"AWS": "arn:aws-cn:iam::111111111111:role/drawbridge/broker-2"},
            "Action": "sts:AssumeRole",
            "Condition": {"StringEquals": {"sts:ExternalId": "an-external-id"}},
        })
    );
}

#[test]
fn only_drills_and_keys_are_narrower_than_every_resource() {
    for capability in Capability::ALL {
        let policy = value(&permissions_policy(Partition::Aws, Some(&account()), &only(capability)));
        for statement in policy["Statement"].as_array().unwrap() {
            match statement["Sid"].as_str().unwrap() {
                "DynamodbDrill" => assert_eq!(
                    statement["Resource"],
                    "arn:aws:dynamodb:*:111111111111:table/drawbridge-drill-*"
                ),
                "DynamodbDrillBackups" => {
                    assert_eq!(statement["Resource"], "arn:aws:dynamodb:*:111111111111:table/*/backup/*");
                    assert_eq!(statement["Action"], "dynamodb:RestoreTableFromBackup");
                }
                "Ec2Kms" => {
                    assert_eq!(
                        statement["Condition"],
                        json!({"Bool": {"kms:GrantIsForAWSResource": "true"}})
                    );
                }
                _ => {
                    assert_eq!(statement["Resource"], "*");
                    assert!(statement.get("Condition").is_none());
                }
            }
        }
    }
}

#[test]
fn every_action_of_every_capability_is_allowed_and_no_other() {
    for capability in Capability::ALL {
        let capabilities = only(capability);
        let policy = value(&permissions_policy(Partition::Aws, None, &capabilities));
        let statements = policy["Statement"].as_array().unwrap();
        let allowed: BTreeSet<_> = statements.iter().flat_map(|s| set(&s["Action"])).collect();
        let wanted: BTreeSet<_> =
            capabilities.effective().into_iter().flat_map(Capability::actions).map(Action::as_str).collect();
        assert_eq!(allowed, wanted, "{capability}");
    }
}

#[test]
fn everything_together_fits_the_inline_policies_of_a_role() {
    let all = Capability::ALL.into_iter().filter(|c| *c != Capability::Classic);
    let policy = permissions_policy(Partition::AwsUsGov, Some(&account()), &CapabilitySet::new(all).unwrap());
    // IAM User Guide, "IAM and AWS STS quotas": 10,240 characters together.
    assert!(policy.to_json().len() < 10_240, "{}", policy.to_json().len());
}

#[test]
fn a_grant_names_its_roles_and_nothing_else() {
    assert_eq!(grant_policy(&BTreeSet::new()), None);
    let roles: BTreeSet<RoleArn> =
        ["arn:aws:iam::123456789012:role/a", "arn:aws:iam::123456789013:role/path/b"]
            .map(|arn| arn.parse().unwrap())
            .into();
    assert_eq!(
        value(&grant_policy(&roles).unwrap()),
        json!({"Version": "2012-10-17", "Statement": [{
            "Effect": "Allow",
            "Action": "sts:AssumeRole",
            "Resource": ["arn:aws:iam::123456789012:role/a", "arn:aws:iam::123456789013:role/path/b"],
        }]})
    );
}

#[test]
fn the_empty_session_policy_denies_everything() {
    assert_eq!(
        nothing().to_json(),
        r#"{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Action":"*","Resource":"*"}]}"#
    );
}

fn everything() -> CapabilitySet {
    CapabilitySet::new(Capability::ALL.into_iter().filter(|c| *c != Capability::Classic)).unwrap()
}

fn customer_role() -> RoleArn {
    "arn:aws-us-gov:iam::222222222222:role/a".parse().unwrap()
}

/// STS API Reference, `AssumeRole`: a session policy has 2,048 characters at most.
#[test]
fn sessions_that_try_permissions_are_small_and_name_nothing_that_can_be_destroyed() {
    let all = crate::check::permissions(&everything(), crate::verification::Depth::Full);
    let (ec2, dynamodb) = (trying_ec2(&customer_role(), &all), trying_dynamodb(&customer_role(), &all));
    for policy in [&ec2, &dynamodb] {
        assert!(policy.to_json().len() <= 2048, "{}", policy.to_json().len());
    }
    let allowed = |policy: &PolicyDocument, action: &str| {
        let policy = value(policy);
        let statements = policy["Statement"].as_array().unwrap();
        let one = statements.iter().find(|statement| set(&statement["Action"]).contains(action));
        one.map(|statement| statement["Resource"].clone())
    };
    let absent = |kind: &str| json!(format!("arn:aws-us-gov:ec2:*:{kind}00000000000000000"));
    assert_eq!(allowed(&ec2, "ec2:TerminateInstances"), Some(absent("222222222222:instance/i-")));
    assert_eq!(
        allowed(&ec2, "ec2-instance-connect:SendSSHPublicKey"),
        Some(absent("222222222222:instance/i-"))
    );
    assert_eq!(allowed(&ec2, "ec2:DeleteSnapshot"), Some(absent(":snapshot/snap-")));
    assert_eq!(allowed(&ec2, "ec2:DeregisterImage"), Some(absent(":image/ami-")));
    assert_eq!(allowed(&ec2, "ec2:StopInstances"), Some(json!("*")));
    assert_eq!(allowed(&ec2, "kms:CreateGrant"), None);
    assert_eq!(allowed(&dynamodb, "dynamodb:ListTables"), Some(json!("*")));
    for action in ["dynamodb:DeleteTable", "dynamodb:DeleteBackup", "dynamodb:PutItem", "dynamodb:Scan"] {
        assert_eq!(
            allowed(&dynamodb, action),
            Some(json!([
                "arn:aws-us-gov:dynamodb:*:222222222222:table/drawbridge-probe-*",
                "arn:aws-us-gov:dynamodb:*:222222222222:table/drawbridge-drill-probe-*",
            ]))
        );
    }
    assert_eq!(allowed(&dynamodb, "ec2:DescribeInstances"), None);
}

#[test]
fn a_session_that_tries_to_restore_may_do_all_that_restoring_takes() {
    let classic = crate::check::permissions(&only(Capability::Classic), crate::verification::Depth::Full);
    let policy = value(&trying_dynamodb(&customer_role(), &classic));
    let named = set(&policy["Statement"][1]["Action"]);
    for name in RESTORE_TAKES {
        assert!(named.contains(format!("dynamodb:{name}").as_str()), "{name}");
    }
    // And nothing of it where nobody restores.
    let backup =
        crate::check::permissions(&only(Capability::DynamodbBackup), crate::verification::Depth::Full);
    assert!(!trying_dynamodb(&customer_role(), &backup).to_json().contains("Item"));
}

fn regions(names: &[&str]) -> BTreeSet<Region> {
    names.iter().map(|name| name.parse().unwrap()).collect()
}

/// Each right of a document: an action, where, and on which condition.
fn rights(document: &Value) -> BTreeSet<String> {
    let statements = document["Statement"].as_array().unwrap();
    let rights = statements.iter().flat_map(|statement| {
        assert_eq!(statement["Effect"], "Allow");
        let (actions, resources) = (set(&statement["Action"]), set(&statement["Resource"]));
        let condition = statement.get("Condition").cloned().unwrap_or_else(|| json!({}));
        let of = move |action: &str, resource: &str| format!("{action} on {resource} if {condition}");
        let pairs = actions.into_iter().flat_map(move |action| {
            resources.iter().map(|resource| of(action, resource)).collect::<Vec<_>>()
        });
        pairs.collect::<Vec<_>>()
    });
    rights.collect()
}

/// A session that is handed out may do what the customer was shown, in those Regions, and no more.
#[test]
fn a_session_that_is_handed_out_has_the_rights_of_the_permissions_document_in_its_regions() {
    let role = customer_role();
    let sets = Capability::ALL.map(only).into_iter().chain([everything()]);
    for capabilities in sets {
        let shown = permissions_policy(role.partition(), Some(role.account()), &capabilities);
        for names in [&["us-gov-west-1"][..], &["us-gov-east-1", "us-gov-west-1"]] {
            let mut session = value(&session_policy(&role, &capabilities, &regions(names)));
            for statement in session["Statement"].as_array_mut().unwrap() {
                let conditions = statement["Condition"].as_object_mut().unwrap();
                let equals = conditions["StringEquals"].as_object_mut().unwrap();
                let region = equals.remove("aws:RequestedRegion").unwrap();
                assert_eq!(set(&region), names.iter().copied().collect());
                assert!(equals.is_empty());
                conditions.remove("StringEquals");
                assert_eq!(statement.get("Sid"), None);
            }
            assert_eq!(rights(&session), rights(&value(&shown)), "{capabilities:?}");
        }
    }
}

#[test]
fn a_session_policy_reads_so() {
    let role: RoleArn = "arn:aws:iam::222222222222:role/a".parse().unwrap();
    let capabilities = CapabilitySet::new([Capability::Ec2Kms, Capability::Ec2Connect]).unwrap();
    let policy = value(&session_policy(&role, &capabilities, &regions(&["eu-central-1"])));
    let statements = policy["Statement"].as_array().unwrap();
    assert_eq!(statements.len(), 2);
    assert!(set(&statements[0]["Action"]).contains("ec2-instance-connect:SendSSHPublicKey"));
    assert_eq!(statements[0]["Condition"], json!({"StringEquals": {"aws:RequestedRegion": "eu-central-1"}}));
    assert_eq!(
        statements[1],
        json!({"Effect": "Allow", "Action": "kms:CreateGrant", "Resource": "*", "Condition": {
            "Bool": {"kms:GrantIsForAWSResource": "true"},
            "StringEquals": {"aws:RequestedRegion": "eu-central-1"},
        }})
    );
}

/// STS API Reference, `AssumeRole`: a session policy has 2,048 characters at most. What one connection
/// can be for fits, in the Regions that AWS has on for everybody, or in one: `everything` is the most.
#[test]
fn every_capability_by_itself_fits_a_session_policy() {
    let many: BTreeSet<Region> = (1..=20).map(|n| format!("ap-southeast-{n}").parse().unwrap()).collect();
    for capability in Capability::ALL {
        let length = session_policy(&customer_role(), &only(capability), &many).to_json().len();
        assert!(length <= 2048, "{capability}: {length}");
    }
}
