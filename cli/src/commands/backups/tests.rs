use clap::Parser;
use serde_json::{Value, json};

use super::*;
use crate::arguments::Format;
use crate::test_server::{Answer, TestServer};

#[derive(Debug, Parser)]
struct Line {
    #[command(subcommand)]
    command: BackupsCommand,
}

async fn run(arguments: &[&str], script: Vec<Answer>) -> (Result<Exit>, Screen, TestServer) {
    let server = TestServer::start(script).await;
    let screen = Screen::kept(Format::Table);
    let line = Line::try_parse_from(["backups"].iter().chain(arguments)).unwrap();
    let outcome = line.command.run(&server.client(), &screen).await;
    (outcome, screen, server)
}

fn backup() -> Value {
    json!({
        "backup_id": "bkp_1", "connection_id": "con_1", "kind": "dynamodb-backup", "region": "eu-west-1",
        "resource": "orders", "name": "drawbridge-job_1", "aws_id": "arn:of-it", "state": "available",
        "size_bytes": 1024, "created_at": "2026-11-22T05:00:00Z", "run_id": "run_1", "version": 2,
    })
}

#[tokio::test]
async fn backups_are_listed_by_what_they_are_of() {
    let page = json!({"items": [backup()], "next_cursor": null});
    let arguments =
        ["list", "con_1", "--table", "orders", "--region", "eu-west-1", "--kind", "dynamodb-backup"];
    let (outcome, screen, server) = run(&arguments, vec![Answer::ok(page)]).await;
    assert_eq!(outcome.unwrap(), Exit::Done);
    let target = "GET /v1/connections/con_1/backups?kind=dynamodb-backup&resource=orders&region=eu-west-1";
    assert_eq!(server.targets(), [target]);
    assert!(screen.into_kept().output.contains("bkp_1   orders  eu-west-1  available"));
}

#[tokio::test]
async fn a_backup_is_shown_with_its_table() {
    let mut one = backup();
    one["manifest"] = json!({
        "billing_mode": "PAY_PER_REQUEST", "keys": [{"name": "pk", "role": "HASH", "type": "S"}],
        "time_to_live": {"known": "ends"}, "tags": {"unknown": "access_denied"},
    });
    one["drilled"] = json!({
        "at": "2026-11-24T05:00:00Z", "run_id": "run_1", "passed": true, "restored_within_seconds": 42,
    });
    let (outcome, screen, server) = run(&["show", "bkp_1"], vec![Answer::ok(one)]).await;
    assert_eq!(outcome.unwrap(), Exit::Done);
    assert_eq!(server.targets(), ["GET /v1/backups/bkp_1"]);
    let kept = screen.into_kept();
    for part in [
        "arn:of-it",
        "The table then",
        "PAY_PER_REQUEST",
        "keys:",
        "HASH",
        "known=ends",
        "passed 2026-11-24 05:00:00Z, restored in 42 s (run_1)",
    ] {
        assert!(kept.output.contains(part), "{part}: {}", kept.output);
    }
    assert!(!kept.output.contains("deleted"), "what there is nothing to say of is left out");
    assert!(kept.errors.contains("drawbridge restore bkp_1"));
}

#[tokio::test]
async fn a_backup_is_deleted_by_a_plan() {
    let plan = json!({
        "plan_id": "pln_1", "connection_id": "con_1", "action": "dynamodb:DeleteBackup", "state": "pending",
        "targets": [{"id": "arn:of-it", "kind": "backup", "facts": {"table": "orders"}}],
    });
    let done = json!({"operation_id": "op_1", "state": "succeeded", "output": null, "targets": []});
    let (outcome, screen, server) =
        run(&["delete", "bkp_1", "--yes"], vec![Answer::new(201, plan), Answer::ok(done)]).await;
    assert_eq!(outcome.unwrap(), Exit::Done);
    assert_eq!(server.targets(), ["DELETE /v1/backups/bkp_1", "POST /v1/plans/pln_1/apply"]);
    assert!(screen.into_kept().errors.contains("This will be gone, for good"));
    // Where nobody can be asked, nothing is planned either.
    let (outcome, _, server) = run(&["delete", "bkp_1"], vec![]).await;
    assert_eq!((outcome.unwrap_err().exit, server.seen().len()), (Exit::Usage, 0));
}

#[tokio::test]
async fn freshness_is_shown_of_one_connection_and_of_all() {
    let fresh = json!({
        "connection_id": "con_1", "kind": "dynamodb-backup", "region": "eu-west-1", "resource": "orders",
        "newest_good_backup_at": "2026-11-22T05:00:00Z", "promised_by": "2026-11-23T07:00:00Z",
        "schedule_id": "sch_1", "stale": true, "stale_since": "2026-11-23T07:00:00Z",
    });
    let page =
        |items: Value| json!({"items": items, "next_cursor": null, "looked_at": "2026-11-24T05:00:00Z"});
    let one = vec![Answer::ok(page(json!([fresh])))];
    let (outcome, screen, server) = run(&["freshness", "con_1"], one).await;
    assert_eq!(outcome.unwrap(), Exit::Done);
    assert_eq!(server.targets(), ["GET /v1/connections/con_1/freshness"]);
    assert!(screen.into_kept().output.contains("orders    eu-west-1  stale"));

    let (_, screen, server) = run(&["freshness"], vec![Answer::ok(page(json!([fresh])))]).await;
    assert_eq!(server.targets(), ["GET /v1/freshness"]);
    assert!(screen.into_kept().output.contains("con_1       orders    eu-west-1  stale"));
    let (_, screen, _) = run(&["freshness"], vec![Answer::ok(page(json!([])))]).await;
    assert!(screen.into_kept().output.contains("nothing is stale"));
}
