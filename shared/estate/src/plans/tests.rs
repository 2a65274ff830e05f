//! What is asked before something is destroyed, and what is made of the answers. Those are AWS's own:
//! EC2 API Reference and `DynamoDB` API Reference, the examples of each action.

#[expect(dead_code, reason = "these tests need a part of it")]
#[allow(
    clippy::duplicate_mod,
    reason = "the wire under permissions is theirs, and read once more rather than copied"
)]
#[path = "../permissions/tests/wire.rs"]
mod wire;

use access::{Brokers, Opened, Sessions};
use domain::sample::{created, deployment, submitted};
use domain::{Capability, Connection, grant::Shard};
use rstest::rstest;
use serde_json::json;

use super::*;
use crate::operations::{OFFERED, Read};
use wire::{Call, Reply, Wire};

const ROLE: &str = "arn:aws:iam::222222222222:role/customer";
const TABLE: &str = "arn:aws:dynamodb:eu-west-3:222222222222:table/Music";
const ID: &str = "i-0123456789abcdef0";

fn place() -> Place {
    Place {
        partition: "aws".parse().unwrap(),
        account: "222222222222".parse().unwrap(),
        region: "eu-west-3".parse().unwrap(),
    }
}

struct Reader;

impl Read for Reader {
    fn read<T: serde::de::DeserializeOwned>(&self, input: &Value) -> Result<T, Error> {
        serde_json::from_value(input.clone())
            .map_err(|error| Error::new(ErrorKind::Malformed, "invalid_type", error.to_string()))
    }
}

fn read(action: &str, input: &Value) -> Request {
    Request::read(action.parse().unwrap(), input, &place(), &Reader).expect("it is offered").unwrap()
}

fn of(capabilities: &[Capability]) -> CapabilitySet {
    CapabilitySet::new(capabilities.iter().copied()).unwrap()
}

async fn look(
    request: &Request,
    capabilities: &CapabilitySet,
    answer: impl Fn(&Call) -> Reply + Send + Sync + 'static,
) -> (Result<Seen, Error>, Vec<String>) {
    let session = "<AssumeRoleResponse><AssumeRoleResult><Credentials><AccessKeyId>CUSTOMERKEY</AccessKeyId>\
         <SecretAccessKey>secret</SecretAccessKey><SessionToken>token</SessionToken>\
         <Expiration>2999-01-01T00:00:00Z</Expiration></Credentials></AssumeRoleResult></AssumeRoleResponse>";
    let wire =
        Wire::new(
            move |call| {
                if call.service == "sts" { Reply::Http(200, session.to_owned()) } else { answer(call) }
            },
        );
    let connection = Connection { shard: Shard::new(1), ..submitted(&created().connection, ROLE).connection };
    let sessions = Sessions::new(Brokers::new(wire.config(1), deployment()));
    let policy = request.look_policy(&place(), capabilities).unwrap();
    let opened = sessions.open(&connection, "drawbridge-test", &policy).await.unwrap();
    let Opened::Open(session) = opened else { panic!("there is a session: {opened:?}") };
    let seen = request.look(&session, &place(), capabilities, "pln_1").await;
    let calls = wire.calls().into_iter().map(|call| format!("{}:{}", call.service, call.operation)).collect();
    (seen, calls)
}

/// Each destructive action with an input.
fn inputs() -> Vec<(&'static str, Value)> {
    let key = json!({"pk": {"S": "one"}});
    vec![
        ("ec2:TerminateInstances", json!({"InstanceIds": [ID]})),
        ("ec2:DeregisterImage", json!({"ImageId": "ami-01234567"})),
        ("ec2:DeleteSnapshot", json!({"SnapshotId": "snap-01234567"})),
        ("dynamodb:DeleteTable", json!({"TableName": "Music"})),
        ("dynamodb:DeleteBackup", json!({"BackupArn": format!("{TABLE}/backup/01489602797149-73d8d5bc")})),
        ("dynamodb:DeleteItem", json!({"TableName": "Music", "Key": key})),
        ("dynamodb:BatchWriteItem", json!({"RequestItems": {"Music": [{"DeleteRequest": {"Key": key}}]}})),
    ]
}

/// The session of a look may do reads that the capabilities hold, and nothing else.
#[test]
fn a_look_only_reads() {
    for (action, input) in inputs() {
        let request = read(action, &input);
        assert!(request.needs_plan().is_some() && OFFERED.contains(&action), "{action}");
        for capabilities in [
            of(&[Capability::Classic]),
            of(&[Capability::Ec2Terminate, Capability::DynamodbData, Capability::DynamodbTables]),
            of(&[Capability::Ec2Backup, Capability::DynamodbBackup, Capability::DynamodbData]),
        ] {
            let policy = request.look_policy(&place(), &capabilities).unwrap().to_json();
            let policy: Value = serde_json::from_str(&policy).unwrap();
            for statement in policy["Statement"].as_array().unwrap() {
                let actions = match &statement["Action"] {
                    Value::Array(actions) => actions.clone(),
                    one => vec![one.clone()],
                };
                for one in actions {
                    let one: Action = one.as_str().unwrap().parse().unwrap();
                    assert!(one.reads() && capabilities.holds(one), "{action}: {one}");
                }
                assert_eq!(statement["Effect"], "Allow");
            }
        }
    }
    let backup = of(&[Capability::DynamodbBackup, Capability::DynamodbTables]);
    let policy = read("dynamodb:DeleteTable", &inputs()[3].1).look_policy(&place(), &backup).unwrap();
    let expected = json!({"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Resource": TABLE, "Action": [
            "dynamodb:DescribeTable", "dynamodb:ListTagsOfResource", "dynamodb:DescribeContinuousBackups",
        ]},
        {"Effect": "Allow", "Resource": "*", "Action": "dynamodb:ListBackups"},
    ]});
    assert_eq!(serde_json::from_str::<Value>(&policy.to_json()).unwrap(), expected);
}

fn warned(seen: &Seen) -> Vec<&str> {
    seen.warnings.iter().map(|warning| warning.code.as_str()).collect()
}

fn instance(state: &str, tags: &str) -> String {
    format!(
        "<DescribeInstancesResponse><reservationSet><item><instancesSet><item><instanceId>{ID}</instanceId>\
         <imageId>ami-01234567</imageId><instanceState><code>16</code><name>{state}</name></instanceState>\
         <instanceType>m5d.large</instanceType><launchTime>2026-01-01T00:00:00.000Z</launchTime>\
         <rootDeviceType>ebs</rootDeviceType><blockDeviceMapping>\
         <item><deviceName>/dev/xvda</deviceName><ebs><volumeId>vol-01234567</volumeId>\
         <deleteOnTermination>true</deleteOnTermination></ebs></item>\
         <item><deviceName>/dev/xvdb</deviceName><ebs><volumeId>vol-89abcdef</volumeId>\
         <deleteOnTermination>false</deleteOnTermination></ebs></item></blockDeviceMapping>\
         <networkInterfaceSet><item><privateIpAddressesSet>\
         <item><association><publicIp>198.51.100.7</publicIp><ipOwnerId>amazon</ipOwnerId></association></item>\
         <item><association><publicIp>198.51.100.8</publicIp><ipOwnerId>222222222222</ipOwnerId></association></item>\
         </privateIpAddressesSet></item></networkInterfaceSet><tagSet>{tags}</tagSet>\
         </item></instancesSet></item></reservationSet></DescribeInstancesResponse>"
    )
}

fn tagged(key: &str, value: &str) -> String {
    format!("<item><key>{key}</key><value>{value}</value></item>")
}

fn volumes(tags: &str) -> String {
    format!(
        "<DescribeVolumesResponse><volumeSet><item><volumeId>vol-01234567</volumeId><size>8</size>\
         <volumeType>gp3</volumeType><tagSet>{tags}</tagSet></item><item><volumeId>vol-89abcdef</volumeId>\
         <size>100</size><tagSet>{}</tagSet></item></volumeSet></DescribeVolumesResponse>",
        // One that stays is not harmed.
        tagged(PROTECTED, "true")
    )
}

const TYPES: &str = "<DescribeInstanceTypesResponse><instanceTypeSet><item><instanceType>m5d.large</instanceType>\
    <instanceStorageSupported>true</instanceStorageSupported></item></instanceTypeSet></DescribeInstanceTypesResponse>";

fn account(instances: String, volumes: Option<String>) -> impl Fn(&Call) -> Reply + Send + Sync + 'static {
    move |call| match (call.operation.as_str(), &volumes) {
        ("DescribeInstances", _) => Reply::Http(200, instances.clone()),
        ("DescribeInstanceTypes", _) => Reply::Http(200, TYPES.to_owned()),
        ("DescribeVolumes", Some(volumes)) => Reply::Http(200, volumes.clone()),
        _ => Reply::ec2(403, "UnauthorizedOperation", "You are not authorized to perform this operation."),
    }
}

#[tokio::test]
async fn what_goes_with_an_instance_and_what_stays() {
    let request = read("ec2:TerminateInstances", &inputs()[0].1);
    let tags = tagged("aws:autoscaling:groupName", "web") + &tagged("Name", "web-1");
    let answer = account(instance("running", &tags), Some(volumes("")));
    let (seen, calls) = look(&request, &of(&[Capability::Ec2Terminate]), answer).await;
    let seen = seen.unwrap();
    assert_eq!(calls, ["ec2:DescribeInstances", "ec2:DescribeVolumes", "ec2:DescribeInstanceTypes"]);
    assert_eq!(warned(&seen), ["autoscaling_replaces", "instance_store_lost"]);
    assert_eq!(
        Value::Object(seen.blast_radius.clone()),
        json!({
            "instances": 1, "volumes_deleted": 1, "volumes_deleted_gib": 8, "volumes_kept": 1, "volumes_kept_gib": 100,
            "deleted_volumes": [{"volume": "vol-01234567", "instance": ID, "size_gib": 8, "type": "gp3"}],
            "kept_volumes": [{"volume": "vol-89abcdef", "instance": ID, "size_gib": 100}],
            "released_addresses": [{"address": "198.51.100.7", "instance": ID}],
            "kept_elastic_addresses": [{"address": "198.51.100.8", "instance": ID}],
        })
    );
    assert_eq!(seen.targets[0].facts["name"], "web-1");
    let print = &seen.prints[ID];
    assert_eq!(
        (print["state"].as_str(), print["volumes that go with it"].as_str()),
        ("running", "vol-01234567")
    );
    assert_eq!(print["launch time"], "2026-01-01T00:00:00Z");
}

/// One of its volumes may be protected, and nobody would know.
#[tokio::test]
async fn an_instance_whose_volumes_cannot_be_read_is_not_planned() {
    let request = read("ec2:TerminateInstances", &inputs()[0].1);
    let (seen, _) =
        look(&request, &of(&[Capability::Ec2Terminate]), account(instance("running", ""), None)).await;
    assert_eq!(seen.unwrap_err().code, "targets_unreadable");
}

#[rstest]
#[case::instance(instance("running", &tagged(PROTECTED, "true")), volumes(""), "target_protected")]
#[case::its_volume(instance("running", ""), volumes(&tagged(PROTECTED, " TRUE ")), "target_protected")]
#[case::terminated(instance("terminated", ""), volumes(""), "target_not_found")]
#[case::going(instance("shutting-down", ""), volumes(""), "target_not_found")]
#[case::none("<DescribeInstancesResponse/>".to_owned(), volumes(""), "target_not_found")]
#[tokio::test]
async fn what_must_not_go_or_is_gone_is_refused(
    #[case] instances: String,
    #[case] volumes: String,
    #[case] code: &str,
) {
    let request = read("ec2:TerminateInstances", &inputs()[0].1);
    let (seen, _) = look(&request, &of(&[Capability::Ec2Terminate]), account(instances, Some(volumes))).await;
    let error = seen.unwrap_err();
    assert_eq!((error.kind, error.code), (ErrorKind::Refused, code));
    assert_eq!(error.fields[0].pointer, "/input/InstanceIds/0");
}

/// No look, no plan.
#[rstest]
#[case(
    Reply::ec2(403, "UnauthorizedOperation", "You are not authorized."),
    ErrorKind::Refused,
    "targets_unreadable"
)]
#[case(
    Reply::ec2(503, "RequestLimitExceeded", "Request limit exceeded."),
    ErrorKind::Unavailable,
    "account_unavailable"
)]
#[case(Reply::Reset, ErrorKind::Unavailable, "account_unavailable")]
#[tokio::test]
async fn what_nobody_has_looked_at_is_not_planned(
    #[case] reply: Reply,
    #[case] kind: ErrorKind,
    #[case] code: &str,
) {
    for (action, input) in inputs() {
        let all = of(&[
            Capability::Ec2Terminate,
            Capability::Ec2Backup,
            Capability::DynamodbBackup,
            Capability::DynamodbData,
            Capability::DynamodbTables,
        ]);
        let reply = reply.clone();
        let (seen, _) = look(&read(action, &input), &all, move |call| match &reply {
            Reply::Http(403, _) => Reply::refusal(call, 400, "UnauthorizedOperation", "No"),
            Reply::Http(_, _) => Reply::refusal(call, 400, "ThrottlingException", "Slower"),
            other => other.clone(),
        })
        .await;
        let error = seen.unwrap_err();
        assert_eq!((error.kind, error.code), (kind, code), "{action}");
    }
}

#[tokio::test]
async fn an_items_plan_tells_neither_key_nor_item() {
    let request = read("dynamodb:DeleteItem", &inputs()[5].1);
    let answer = |call: &Call| match call.operation.as_str() {
        "DescribeTable" => Reply::Http(
            200,
            json!({"Table": {"TableName": "Music", "TableStatus": "ACTIVE", "TableId": "id-1"}}).to_string(),
        ),
        "GetItem" => Reply::Http(
            200,
            json!({"Item": {"pk": {"S": "one"}, "email": {"S": "a@example.com"}}}).to_string(),
        ),
        other => panic!("nobody may ask {other}"),
    };
    let (seen, _) = look(&request, &of(&[Capability::DynamodbData]), answer).await;
    let seen = seen.unwrap();
    let told = format!("{seen:?}");
    assert!(!told.contains("example.com") && !told.contains("email") && !told.contains("\"one\""), "{told}");
    assert_eq!(warned(&seen), ["tags_not_read"], "the capability may not read a table's tags");
    let print = &seen.prints["Music"];
    assert_eq!(
        (print["table id"].as_str(), print[&format!("the item{}", domain::plan::HASHED)].len()),
        ("id-1", 64)
    );
}
