//! What is sent: one question for each permission, about nothing that could be harmed.

use super::*;
use domain::policy::{ABSENT_IMAGE, ABSENT_INSTANCE, ABSENT_SNAPSHOT};

/// What EC2 is told to show, and not asked whether it would.
fn look_ups(calls: &[Call]) -> Vec<&Call> {
    calls.iter().filter(|call| call.service == "ec2" && !call.is_dry()).collect()
}

fn questions(calls: &[Call]) -> Vec<&Call> {
    calls.iter().filter(|call| call.service != "ec2" || call.is_dry()).collect()
}

fn asked() -> impl Iterator<Item = Permission> {
    everything().into_iter().filter(|permission| is_asked(permission.action))
}

#[tokio::test]
async fn each_permission_is_asked_once_with_its_own_operation_in_the_region() {
    for permission in asked() {
        let account = Account::new(open_account).await;
        account.find_out([permission]).await;
        let calls = account.wire.calls();
        let questions = questions(&calls);
        let operations: Vec<_> = questions.iter().map(|call| call.operation.as_str()).collect();
        assert_eq!(operations, [permission.action.name()], "{permission:?}");
        let question = questions[0];
        assert_eq!(question.service, permission.action.service(), "{permission:?}");
        for call in &calls {
            assert_eq!((call.region.as_str(), call.signer.as_str()), (REGION, "CUSTOMERKEY"), "{call:?}");
            // Where an ARN is named, the SDK takes the account's own endpoint. Source: DynamoDB Developer
            // Guide, "Account-based endpoints".
            let hosts = [call.service.as_str(), "222222222222.ddb"]
                .map(|name| format!("{name}.{REGION}.amazonaws.com"));
            assert!(hosts.contains(&call.host), "{call:?}");
        }
    }
}

#[tokio::test]
async fn what_destroys_names_nothing_that_exists_and_the_rest_what_does() {
    for permission in asked().filter(|permission| permission.action.service().starts_with("ec2")) {
        let account = Account::new(open_account).await;
        account.find_out([permission]).await;
        let calls = account.wire.calls();
        let name = permission.action.name();
        let (ids, looked_up): (&[&str], &[&str]) = match name {
            "StartInstances" | "StopInstances" | "RebootInstances" | "CreateTags" | "CreateSnapshots"
            | "CreateImage" => (&[INSTANCE], &["DescribeInstances"]),
            "RunInstances" => (&[IMAGE, SUBNET], &["DescribeImages", "DescribeSubnets"]),
            "TerminateInstances" | "SendSSHPublicKey" => (&[ABSENT_INSTANCE], &[]),
            "DeleteSnapshot" => (&[ABSENT_SNAPSHOT], &[]),
            "DeregisterImage" => (&[ABSENT_IMAGE], &[]),
            read => {
                assert!(permission.action.reads(), "{read} is a write: what may it name?");
                (&[], &[])
            }
        };
        let looked: Vec<_> = look_ups(&calls).iter().map(|call| call.operation.as_str()).collect();
        assert_eq!(looked, looked_up, "{name}");
        let mut named = questions(&calls)[0].ids();
        named.sort_unstable();
        assert_eq!(named, ids, "{name}");
    }
}

/// Nothing of an account's is named to `DynamoDB`, and what drills may do is asked of their own
/// tables alone.
#[tokio::test]
async fn dynamodb_is_asked_about_tables_that_do_not_exist() {
    for permission in asked().filter(|permission| permission.action.service() == "dynamodb") {
        let account = Account::new(open_account).await;
        account.find_out([permission]).await;
        let calls = account.wire.calls();
        let call = &calls[0];
        let named: Vec<_> = ["TableName", "TargetTableName", "ResourceArn", "BackupArn"]
            .into_iter()
            .filter_map(|name| call.field(name))
            .collect();
        if matches!(permission.action.name(), "ListTables" | "ListBackups") {
            assert_eq!(call.fields, [("Limit".to_owned(), "1".to_owned())]);
            continue;
        }
        assert!(!named.is_empty(), "{call:?}");
        let prefix = if permission.drill { "drawbridge-drill-probe-" } else { "drawbridge-probe-" };
        let table = format!("{prefix}abababababababab");
        let arn = format!("arn:aws:dynamodb:{REGION}:222222222222:table/{table}");
        for name in named {
            let is_ours = name == table || name == arn || name.starts_with(&format!("{arn}/backup/"));
            assert!(is_ours, "{} names {name}", call.operation);
        }
        // Nothing else in it looks like a name of the account's.
        let others =
            call.fields.iter().filter(|(_, value)| value.contains("table/") && !value.starts_with(&arn));
        assert_eq!(others.count(), 0, "{call:?}");
    }
}

/// What a Region costs, whatever a connection asks for.
#[tokio::test]
async fn everything_takes_one_call_each_and_few_to_look_things_up() {
    let account = Account::new(open_account).await;
    account.find_out(everything()).await;
    let calls = account.wire.calls();
    let mut asked: Vec<_> = questions(&calls)
        .iter()
        .map(|call| {
            let drill = call.fields.iter().any(|(_, value)| value.contains("drawbridge-drill-probe-"));
            (format!("{}:{}", call.service, call.operation), drill)
        })
        .collect();
    asked.sort_unstable();
    let mut expected: Vec<_> =
        super::sent::asked().map(|permission| (permission.action.to_string(), permission.drill)).collect();
    expected.sort_unstable();
    assert_eq!(asked, expected, "one question for each permission");

    let mut looked: Vec<_> = look_ups(&calls).iter().map(|call| call.operation.as_str()).collect();
    looked.sort_unstable();
    assert_eq!(looked, ["DescribeImages", "DescribeInstances", "DescribeSubnets"]);
    assert!(looked.len() <= 5);

    for (place, call) in calls.iter().enumerate() {
        assert!(!calls[..place].contains(call), "twice: {call:?}");
    }
}

/// The session that asks is limited to the permissions that are asked about, so that what is looked
/// up has to be among them.
#[tokio::test]
async fn whatever_is_looked_up_the_session_may_look_up() {
    for capability in Capability::ALL {
        let wanted = permissions(&CapabilitySet::new([capability]).unwrap(), Depth::Full);
        let account = Account::new(open_account).await;
        account.find_out(wanted.clone()).await;
        let session = policy::trying_ec2(&account.permissions.role, &wanted).to_json();
        for look_up in look_ups(&account.wire.calls()) {
            let action = format!("\"ec2:{}\"", look_up.operation);
            assert!(session.contains(&action), "{capability}: {action} in {session}");
        }
    }
}

/// Amazon's image is asked for by the names that it has had, and the newest is taken. Source: Amazon
/// Linux 2023 User Guide, "Naming and versioning".
#[tokio::test]
async fn a_launch_is_tried_with_amazons_newest_image() {
    let account = Account::new(open_account).await;
    account.find("ec2:RunInstances").await;
    let calls = account.wire.calls();
    let images = calls.iter().find(|call| call.operation == "DescribeImages").unwrap();
    assert_eq!(images.field("Owner.1"), Some("amazon"));
    let filters = ["Filter.1.Name", "Filter.1.Value.1", "Filter.2.Name", "Filter.2.Value.1"];
    let told = filters.map(|name| images.field(name).unwrap());
    assert_eq!(told, ["name", "al2023-ami-2023.*-kernel-*-x86_64", "state", "available"]);
    let launch = calls.iter().find(|call| call.operation == "RunInstances").unwrap();
    assert_eq!(launch.field("ImageId"), Some(IMAGE));
    assert_eq!((launch.field("MinCount"), launch.field("MaxCount")), (Some("1"), Some("1")));
    assert_eq!(launch.field("InstanceType"), Some("t3.micro"));
}

/// The key is well formed, so that it is not the key that is refused. Source: EC2 Instance Connect
/// API Reference, `SendSSHPublicKey`; RFC 8709, section 4.
#[tokio::test]
async fn the_key_that_nobody_has_is_a_key() {
    use base64::Engine as _;
    let account = Account::new(open_account).await;
    account.find("ec2-instance-connect:SendSSHPublicKey").await;
    let calls = account.wire.calls();
    let key = calls[0].field("SSHPublicKey").unwrap();
    let parts: Vec<_> = key.split(' ').collect();
    assert_eq!((parts.len(), parts[0], parts[2]), (3, "ssh-ed25519", "drawbridge-probe"));
    let blob = base64::engine::general_purpose::STANDARD.decode(parts[1]).unwrap();
    assert_eq!(&blob[..19], b"\0\0\0\x0bssh-ed25519\0\0\0\x20");
    assert_eq!(blob.len(), 19 + 32);
    assert_eq!(calls[0].field("InstanceOSUser"), Some("ec2-user"));
}
