//! What is typed, and which operation it asks for.

use clap::Parser as _;
use rstest::rstest;
use serde_json::{Value, json};

use crate::arguments::{Arguments, Command, Format};
use crate::exit::Exit;
use crate::failure::Result;
use crate::screen::Screen;
use crate::test_server::{Answer, TestServer};

/// What is sent for these words, before `--region eu-west-1`.
async fn sent(words: &[&str]) -> Value {
    let server = TestServer::start([Answer::ok(operation())]).await;
    assert_eq!(run(&server, words, &Screen::kept(Format::Json)).await.unwrap(), Exit::Done);
    assert_eq!(server.targets(), ["POST /v1/connections/con_1/operations"]);
    without_region(server.bodies().remove(0))
}

fn operation() -> Value {
    json!({"operation_id": "op_1", "action": "x", "state": "succeeded", "output": {}, "targets": []})
}

/// Does what these words say, with `--region eu-west-1` after them.
async fn run(server: &TestServer, words: &[&str], screen: &Screen) -> Result<Exit> {
    let client = server.client();
    let typed = ["drawbridge"].into_iter().chain(words.iter().copied()).chain(["--region", "eu-west-1"]);
    match Arguments::try_parse_from(typed).unwrap().command {
        Command::Ec2(command) => command.run(&client, screen).await,
        Command::Dynamodb(command) => command.run(&client, screen).await,
        other => panic!("{other:?}"),
    }
}

fn without_region(mut body: Value) -> Value {
    assert_eq!(body.as_object_mut().unwrap().remove("region"), Some(json!("eu-west-1")));
    body
}

#[rstest]
#[case("ec2 list con_1 i-1 i-2", "ec2:DescribeInstances", json!({"InstanceIds": ["i-1", "i-2"]}))]
#[case("ec2 list con_1 --filter tag:Name=a,b", "ec2:DescribeInstances", json!({"Filters": [{"Name": "tag:Name", "Values": ["a", "b"]}]}))]
#[case("ec2 status con_1 --all", "ec2:DescribeInstanceStatus", json!({"IncludeAllInstances": true}))]
#[case("ec2 tags con_1", "ec2:DescribeTags", json!({}))]
#[case("ec2 start con_1 i-1", "ec2:StartInstances", json!({"InstanceIds": ["i-1"]}))]
#[case("ec2 stop con_1 i-1 i-2 --force", "ec2:StopInstances", json!({"InstanceIds": ["i-1", "i-2"], "Force": true}))]
#[case("ec2 stop con_1 i-1 --hibernate", "ec2:StopInstances", json!({"InstanceIds": ["i-1"], "Hibernate": true}))]
#[case("ec2 reboot con_1 i-1", "ec2:RebootInstances", json!({"InstanceIds": ["i-1"]}))]
#[case("ec2 tag con_1 i-1 --tag a=b", "ec2:CreateTags", json!({"Resources": ["i-1"], "Tags": [{"Key": "a", "Value": "b"}]}))]
#[case(
    "ec2 snapshot con_1 i-1 --exclude-boot-volume --exclude-volume vol-1 --copy-tags --description d",
    "ec2:CreateSnapshots",
    json!({
        "InstanceSpecification": {"InstanceId": "i-1", "ExcludeBootVolume": true, "ExcludeDataVolumeIds": ["vol-1"]},
        "CopyTagsFromSource": "volume", "Description": "d",
    })
)]
#[case("ec2 image con_1 i-1 --name web", "ec2:CreateImage", json!({"InstanceId": "i-1", "Name": "web"}))]
#[case("ec2 image con_1 i-1 --name web --reboot", "ec2:CreateImage", json!({"InstanceId": "i-1", "Name": "web", "NoReboot": false}))]
#[case("dynamodb tables con_1", "dynamodb:ListTables", json!({}))]
#[case("dynamodb describe con_1 t", "dynamodb:DescribeTable", json!({"TableName": "t"}))]
#[case("dynamodb backups con_1 --table-name t", "dynamodb:ListBackups", json!({"TableName": "t"}))]
#[case("dynamodb backup con_1 t --backup-name b", "dynamodb:CreateBackup", json!({"TableName": "t", "BackupName": "b"}))]
#[case(
    "dynamodb restore con_1 arn --target-table-name t --billing-mode-override PAY_PER_REQUEST",
    "dynamodb:RestoreTableFromBackup",
    json!({"BackupArn": "arn", "TargetTableName": "t", "BillingModeOverride": "PAY_PER_REQUEST"})
)]
#[case(
    r#"dynamodb get con_1 t --key {"pk":{"S":"1"}} --consistent-read"#,
    "dynamodb:GetItem",
    json!({"TableName": "t", "Key": {"pk": {"S": "1"}}, "ConsistentRead": true})
)]
#[case(
    r#"dynamodb query con_1 t --key-condition-expression a=:v --expression-attribute-values {":v":{"S":"1"}} --index-name i --no-scan-index-forward"#,
    "dynamodb:Query",
    json!({
        "TableName": "t", "KeyConditionExpression": "a=:v", "ExpressionAttributeValues": {":v": {"S": "1"}},
        "IndexName": "i", "ScanIndexForward": false,
    })
)]
#[case(
    r##"dynamodb scan con_1 t --filter-expression #a=:v --expression-attribute-names {"#a":"a"}"##,
    "dynamodb:Scan",
    json!({"TableName": "t", "FilterExpression": "#a=:v", "ExpressionAttributeNames": {"#a": "a"}})
)]
#[case(
    r#"dynamodb put con_1 t --item {"pk":{"S":"1"}} --condition-expression attribute_not_exists(pk)"#,
    "dynamodb:PutItem",
    json!({"TableName": "t", "Item": {"pk": {"S": "1"}}, "ConditionExpression": "attribute_not_exists(pk)"})
)]
#[tokio::test]
async fn what_is_typed_is_what_is_asked_for(#[case] typed: &str, #[case] action: &str, #[case] input: Value) {
    let words: Vec<_> = typed.split(' ').collect();
    assert_eq!(sent(&words).await, json!({"action": action, "input": input}), "{typed}");
}

#[tokio::test]
async fn what_changes_something_can_be_asked_about_first() {
    for typed in
        ["ec2 stop con_1 i-1", "ec2 image con_1 i-1 --name web", "dynamodb backup con_1 t --backup-name b"]
    {
        let words: Vec<_> = typed.split(' ').chain(["--dry-run", "--reason", "ticket 7"]).collect();
        let body = sent(&words).await;
        assert_eq!((&body["dry_run"], &body["reason"]), (&json!(true), &json!("ticket 7")), "{typed}");
    }
}

fn plan() -> Answer {
    let target = json!({"id": "the-target", "kind": "thing", "facts": {}});
    Answer::new(
        201,
        json!({"plan_id": "pln_1", "state": "pending", "targets": [target], "blast_radius": {}, "warnings": []}),
    )
}

#[rstest]
#[case("ec2 terminate con_1 i-1 i-2", "ec2:TerminateInstances", json!({"InstanceIds": ["i-1", "i-2"]}))]
#[case("ec2 deregister-image con_1 ami-1", "ec2:DeregisterImage", json!({"ImageId": "ami-1"}))]
#[case("ec2 delete-snapshot con_1 snap-1", "ec2:DeleteSnapshot", json!({"SnapshotId": "snap-1"}))]
#[case("dynamodb delete-table con_1 t", "dynamodb:DeleteTable", json!({"TableName": "t"}))]
#[case("dynamodb delete-backup con_1 arn", "dynamodb:DeleteBackup", json!({"BackupArn": "arn"}))]
#[case(
    r#"dynamodb delete-item con_1 t --key {"pk":{"S":"1"}}"#,
    "dynamodb:DeleteItem",
    json!({"TableName": "t", "Key": {"pk": {"S": "1"}}})
)]
#[tokio::test]
async fn what_destroys_is_planned_shown_and_asked_about(
    #[case] typed: &str,
    #[case] action: &str,
    #[case] input: Value,
) {
    let words: Vec<_> = typed.split(' ').chain(["--reason", "ticket"]).collect();
    let and = |more: &'static str| words.iter().copied().chain([more]).collect::<Vec<_>>();
    let planned = "POST /v1/connections/con_1/plans";
    // With a yes it is carried out, and followed.
    let running = json!({"operation_id": "op_1", "state": "running", "targets": []});
    let server = TestServer::start([plan(), Answer::new(202, running), Answer::ok(operation())]).await;
    let screen = Screen::answering(Format::Json, "yes");
    assert_eq!(run(&server, &words, &screen).await.unwrap(), Exit::Done);
    assert_eq!(server.targets(), [planned, "POST /v1/plans/pln_1/apply", "GET /v1/operations/op_1"]);
    let body = without_region(server.bodies().remove(0));
    assert_eq!(body, json!({"action": action, "input": input, "reason": "ticket"}));
    let kept = screen.into_kept();
    assert!(kept.errors.contains("the-target") && kept.errors.contains("[y/N]"), "{}", kept.errors);
    let shown: Value = serde_json::from_str(&kept.output).unwrap();
    assert_eq!(shown, operation());
    // With a no it is not.
    let server = TestServer::start([plan()]).await;
    let refused = run(&server, &words, &Screen::answering(Format::Table, "no")).await;
    assert_eq!((refused.unwrap_err().exit, server.targets()), (Exit::Refused, vec![planned.to_owned()]));
    // Where nobody can be asked, only `--yes` does it.
    let server = TestServer::start([plan(), Answer::ok(operation())]).await;
    let screen = Screen::kept(Format::Table);
    assert_eq!(run(&server, &words, &screen).await.unwrap_err().exit, Exit::Usage);
    assert!(server.targets().is_empty());
    assert_eq!(run(&server, &and("--yes"), &screen).await.unwrap(), Exit::Done);
    // A dry run is an operation, and asks nobody.
    let dry_run = sent(&and("--dry-run")).await;
    assert_eq!(dry_run, json!({"action": action, "input": input, "reason": "ticket", "dry_run": true}));
}
