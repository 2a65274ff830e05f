use clap::Parser;
use serde_json::{Value, json};

use super::*;
use crate::arguments::Format;
use crate::test_server::{Answer, TestServer};

#[derive(Debug, Parser)]
struct Line {
    #[command(flatten)]
    command: Restore,
}

async fn run(screen: Screen, arguments: &[&str], script: Vec<Answer>) -> (Result<Exit>, Screen, TestServer) {
    let server = TestServer::start(script).await;
    let line = Line::try_parse_from(["restore", "bkp_1", "orders-2"].iter().chain(arguments)).unwrap();
    let outcome = line.command.run(&server.client(), &screen).await;
    (outcome, screen, server)
}

fn plan() -> Answer {
    let plan = json!({
        "plan_id": "pln_1", "connection_id": "con_1", "action": "dynamodb:RestoreTableFromBackup", "state": "pending",
        "targets": [{"id": "orders-2", "kind": "table", "facts": {}}],
    });
    Answer::new(201, plan)
}

fn operation(state: &str, output: &Value) -> Value {
    json!({
        "operation_id": "op_1", "action": "dynamodb:RestoreTableFromBackup", "state": state, "output": output,
        "targets": [{"id": "orders-2", "outcome": state}],
    })
}

#[tokio::test]
async fn a_restore_is_followed_and_its_report_is_shown() {
    let report = json!({
        "target_table": "orders-2", "restored": {"items": 8, "indexes": 1},
        "reapplied": [
            {"what": "time_to_live", "outcome": "done"},
            {"what": "tags", "outcome": "failed", "code": "access_denied", "detail": "the role may not"},
        ],
        "compared": [{"what": "item_count", "outcome": "same", "backup": 8, "table": 8}],
    });
    let script = vec![
        plan(),
        Answer::new(202, operation("running", &Value::Null)),
        Answer::ok(operation("partial", &report)),
    ];
    let arguments =
        ["--region", "eu-west-1", "--count-items", "--reason", "why", "--yes", "--watch", "--timeout", "60"];
    let (outcome, screen, server) = run(Screen::kept(Format::Table), &arguments, script).await;
    assert_eq!(outcome.unwrap(), Exit::NotAccepted);
    assert_eq!(
        server.targets(),
        ["POST /v1/backups/bkp_1/restore", "POST /v1/plans/pln_1/apply", "GET /v1/operations/op_1"]
    );
    assert_eq!(
        server.bodies()[0],
        json!({"target_name": "orders-2", "region": "eu-west-1", "count_items": true, "reason": "why"})
    );
    let kept = screen.into_kept();
    assert!(kept.errors.contains("This will be made"), "{}", kept.errors);
    for part in ["reapplied:", "time_to_live", "the role may not", "compared:", "item_count", "items=8"] {
        assert!(kept.output.contains(part), "{part}: {}", kept.output);
    }
}

#[tokio::test]
async fn a_restore_goes_on_by_itself() {
    let script = vec![plan(), Answer::new(202, operation("running", &Value::Null))];
    let screen = Screen::answering(Format::Table, "yes");
    let (outcome, screen, server) = run(screen, &[], script).await;
    assert_eq!((outcome.unwrap(), server.seen().len()), (Exit::Done, 2));
    assert_eq!(server.bodies()[0], json!({"target_name": "orders-2"}));
    assert!(screen.into_kept().errors.contains("operations show op_1"));
}

#[tokio::test]
async fn what_is_not_confirmed_is_not_restored() {
    let (outcome, _, server) = run(Screen::answering(Format::Table, "no"), &[], vec![plan()]).await;
    assert_eq!((outcome.unwrap_err().exit, server.seen().len()), (Exit::Refused, 1));
    let (outcome, _, server) = run(Screen::kept(Format::Table), &[], vec![]).await;
    assert_eq!((outcome.unwrap_err().exit, server.seen().len()), (Exit::Usage, 0));
}

/// The commands that run with these arguments, of a backup of an instance.
async fn of_an_instance(arguments: &[&str], script: Vec<Answer>) -> (Result<Exit>, Screen, TestServer) {
    let server = TestServer::start(script).await;
    let line = Line::try_parse_from(["restore", "bkp_1"].iter().chain(arguments)).unwrap();
    let screen = Screen::kept(Format::Table);
    let outcome = line.command.run(&server.client(), &screen).await;
    (outcome, screen, server)
}

#[tokio::test]
async fn an_instance_is_launched_again_from_its_image() {
    let plan = json!({
        "plan_id": "pln_1", "connection_id": "con_1", "action": "ec2:RunInstances", "state": "pending",
        "targets": [{"id": "ami-1", "kind": "image", "facts": {}}],
    });
    let done = json!({
        "operation_id": "op_1", "action": "ec2:RunInstances", "state": "succeeded", "output": null,
        "targets": [{"id": "i-1", "outcome": "succeeded"}],
    });
    let arguments = ["--type", "t3.nano", "--subnet", "subnet-1", "--security-group", "sg-1", "--yes"];
    let (outcome, screen, server) =
        of_an_instance(&arguments, vec![Answer::new(201, plan), Answer::ok(done)]).await;
    assert_eq!(outcome.unwrap(), Exit::Done);
    assert_eq!(server.targets(), ["POST /v1/backups/bkp_1/restore", "POST /v1/plans/pln_1/apply"]);
    let asked = json!({"instance_type": "t3.nano", "subnet_id": "subnet-1", "security_group_ids": ["sg-1"]});
    assert_eq!(server.bodies()[0], asked);
    let kept = screen.into_kept();
    assert!(kept.errors.contains("This will be made") && kept.output.contains("i-1"), "{}", kept.output);
}

#[tokio::test]
async fn what_the_owner_does_with_snapshots_is_a_script() {
    let told = json!({
        "backup_id": "bkp_1", "warnings": [{"code": "private_address", "detail": "another address"}],
        "steps": [{"title": "Register an image", "command": "IMAGE=$(aws ec2 register-image)"}],
    });
    let (outcome, screen, server) = of_an_instance(&["--yes"], vec![Answer::ok(told)]).await;
    assert_eq!(outcome.unwrap(), Exit::Done);
    assert_eq!(server.targets(), ["POST /v1/backups/bkp_1/restore"]);
    let kept = screen.into_kept();
    let script = "# Note: another address\n# Register an image\nIMAGE=$(aws ec2 register-image)";
    assert!(kept.output.contains(script), "{}", kept.output);
}
