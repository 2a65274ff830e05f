use std::time::Duration;

use clap::Parser;
use serde_json::{Value, json};

use super::watch::until_over;
use super::*;
use crate::arguments::Format;
use crate::progress::Progress;
use crate::test_server::{Answer, TestServer};

#[derive(Debug, Parser)]
struct Line {
    #[command(subcommand)]
    command: RunsCommand,
}

async fn run(arguments: &[&str], script: Vec<Answer>) -> (Result<Exit>, Screen, TestServer) {
    let server = TestServer::start(script).await;
    let screen = Screen::kept(Format::Table);
    let line = Line::try_parse_from(["runs"].iter().chain(arguments)).unwrap();
    let outcome = line.command.run(&server.client(), &screen).await;
    (outcome, screen, server)
}

/// A run with so many jobs in all, succeeded, failed and skipped.
fn told(state: &str, jobs: [u64; 4]) -> Value {
    let [total, succeeded, failed, skipped] = jobs;
    json!({
        "run_id": "run_1", "kind": "dynamodb-backup", "state": state, "dry_run": false, "connection_ids": ["con_1"],
        "jobs": {"total": total, "succeeded": succeeded, "failed": failed, "skipped": skipped},
        "regions": null, "select": {"names": ["*"]}, "retention": null, "actor": "arn",
        "started_at": "2026-11-22T05:00:00Z", "finished_at": null,
    })
}

fn job(number: u32, resource: &str, state: &str, code: Option<&str>) -> Value {
    json!({
        "job_id": format!("job_{number}"), "connection_id": "con_1", "region": "eu-west-1", "resource": resource,
        "state": state, "code": code, "detail": code.map(|_| "why"), "request_ids": [],
    })
}

fn page(jobs: &[Value]) -> Answer {
    Answer::ok(json!({"items": jobs, "next_cursor": null}))
}

#[tokio::test]
async fn what_was_typed_is_asked_for() {
    let arguments = [
        "start",
        "--connection",
        "con_1",
        "--connection",
        "con_2",
        "--kind",
        "dynamodb-backup",
        "--name",
        "*",
        "--region",
        "eu-west-1",
        "--keep-daily",
        "7",
        "--timezone",
        "Asia/Tokyo",
        "--dry-run",
    ];
    let begun = || vec![Answer::new(202, told("planning", [0; 4]))];
    let (outcome, screen, server) = run(&arguments, begun()).await;
    assert_eq!(outcome.unwrap(), Exit::Done);
    assert_eq!(server.targets(), ["POST /v1/runs"]);
    assert_eq!(
        server.bodies()[0],
        json!({
            "connection_ids": ["con_1", "con_2"], "kind": "dynamodb-backup", "select": {"names": ["*"]},
            "regions": ["eu-west-1"], "retention": {"keep_daily": 7}, "timezone": "Asia/Tokyo", "dry_run": true,
        })
    );
    assert!(screen.into_kept().errors.contains("runs watch run_1"));
    let arguments =
        ["start", "--connection", "con_1", "--kind", "ec2-stop", "--instance", "i-1", "--instance", "i-2"];
    let (_, _, server) = run(&arguments, begun()).await;
    assert_eq!(
        server.bodies()[0],
        json!({"connection_ids": ["con_1"], "kind": "ec2-stop", "select": {"ids": ["i-1", "i-2"]}})
    );
    let (_, _, server) = run(&["start", "--all", "--kind", "dynamodb-backup", "--tag", "a=b"], begun()).await;
    assert_eq!(
        server.bodies()[0],
        json!({"connection_ids": "all", "kind": "dynamodb-backup", "select": {"tags": {"a": "b"}}})
    );
}

#[tokio::test]
async fn a_run_is_followed_to_its_end_and_its_failures_are_told_as_they_come() {
    let failed = job(1, "users", "failed", Some("access_denied"));
    let missed = job(2, "*", "skipped", Some("connection_not_active"));
    let left_out = job(3, "tmp", "skipped", Some("table_deleted"));
    let server = TestServer::start([
        Answer::ok(told("planning", [0; 4])),
        Answer::ok(told("running", [4, 1, 1, 0])),
        page(&[job(0, "orders", "succeeded", None), failed.clone()]),
        Answer::ok(told("running", [4, 1, 1, 0])),
        Answer::ok(told("partial", [4, 1, 1, 2])),
        page(&[failed, missed, left_out]),
    ])
    .await;
    let progress = Progress::kept();
    let client = server.client();
    let ended = until_over(&client, "run_1", Duration::from_secs(9), &progress).await.unwrap();
    assert_eq!(crate::commands::show_operation::exit(&ended), Exit::NotAccepted);
    assert_eq!(
        progress.lines(),
        [
            "planning",
            "running",
            "2 of 4 ended: 1 succeeded, 1 failed, 0 skipped",
            "users in eu-west-1 of con_1: failed (access_denied): why",
            "partial",
            "4 of 4 ended: 1 succeeded, 1 failed, 2 skipped",
            "everything in eu-west-1 of con_1: skipped (connection_not_active): why",
        ]
    );
    assert_eq!(server.targets()[2], "GET /v1/runs/run_1/jobs?limit=100");
}

#[tokio::test]
async fn many_failures_are_told_in_part() {
    let jobs: Vec<_> = (0..50).map(|number| job(number, "t", "failed", Some("x"))).collect();
    let server = TestServer::start([
        Answer::ok(told("running", [90, 0, 50, 0])),
        page(&jobs),
        Answer::ok(told("failed", [90, 0, 90, 0])),
    ])
    .await;
    let (progress, client) = (Progress::kept(), server.client());
    until_over(&client, "run_1", Duration::from_secs(9), &progress).await.unwrap();
    let lines = progress.lines();
    assert_eq!(lines.iter().filter(|line| line.starts_with("t in ")).count(), 20);
    assert!(lines.iter().any(|line| line.contains("there may be more")));
}

#[tokio::test]
async fn the_end_is_an_exit_code() {
    for (state, exit) in
        [("succeeded", Exit::Done), ("partial", Exit::NotAccepted), ("failed", Exit::NotAccepted)]
    {
        for arguments in [&["watch", "run_1"][..], &["show", "run_1"]] {
            let (outcome, screen, _) = run(arguments, vec![Answer::ok(told(state, [0; 4]))]).await;
            assert_eq!(outcome.unwrap(), exit, "{state}");
            assert!(screen.into_kept().output.contains(state));
        }
    }
    let script = vec![Answer::new(202, told("planning", [0; 4])), Answer::ok(told("failed", [1, 0, 0, 1]))];
    let arguments = ["start", "--all", "--kind", "dynamodb-backup", "--name", "*", "--watch"];
    let script = script.into_iter().chain([page(&[])]).collect();
    let (outcome, screen, _) = run(&arguments, script).await;
    assert_eq!(outcome.unwrap(), Exit::NotAccepted);
    assert!(screen.into_kept().errors.contains("--state failed"));
}

#[tokio::test]
async fn who_gives_up_is_told_how_to_watch_on() {
    let server = TestServer::start([Answer::ok(told("running", [4, 0, 0, 0]))]).await;
    let (progress, client) = (Progress::kept(), server.client());
    let failure = until_over(&client, "run_1", Duration::ZERO, &progress).await.unwrap_err();
    assert!(failure.next.unwrap().contains("runs watch run_1"));
}

#[tokio::test]
async fn jobs_are_listed_with_what_retention_would_do() {
    let mut dry = job(1, "orders", "succeeded", None);
    dry["retention"] = json!([
        {"created_at": "2026-11-22T05:00:00Z", "keep": true, "reasons": ["last", "newest_good"]},
        {"backup_id": "bkp_1", "created_at": "2026-11-20T05:00:00Z", "keep": false, "reasons": []},
    ]);
    let jobs = [dry, job(2, "users", "failed", Some("access_denied"))];
    let (outcome, screen, server) = run(&["jobs", "run_1", "--all"], vec![page(&jobs)]).await;
    assert_eq!(outcome.unwrap(), Exit::Done);
    assert_eq!(server.targets(), ["GET /v1/runs/run_1/jobs?limit=100"]);
    let shown = screen.into_kept().output;
    for part in ["access_denied", "(the new one)", "last, newest_good", "bkp_1"] {
        assert!(shown.contains(part), "{part}: {shown}");
    }
    let (_, screen, _) = run(&["jobs", "run_1", "--state", "failed"], vec![page(&jobs)]).await;
    let shown = screen.into_kept().output;
    assert!(shown.contains("users") && !shown.contains("orders"), "{shown}");
}

#[tokio::test]
async fn runs_are_listed_for_one_connection_or_all() {
    let runs = || vec![Answer::ok(json!({"items": [told("running", [4, 1, 0, 0])], "next_cursor": "a"}))];
    let (_, screen, server) = run(&["list", "--connection", "con_1"], runs()).await;
    assert_eq!(server.targets(), ["GET /v1/runs?connection_id=con_1"]);
    let kept = screen.into_kept();
    assert!(kept.output.contains("1 of 4 ended") && kept.errors.contains("--all"), "{}", kept.output);
    let (_, _, server) = run(&["list"], runs()).await;
    assert_eq!(server.targets(), ["GET /v1/runs"]);
}
