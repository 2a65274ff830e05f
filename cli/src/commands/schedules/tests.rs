use clap::Parser;
use serde_json::{Value, json};

use super::*;
use crate::arguments::Format;
use crate::test_server::{Answer, TestServer};

#[derive(Debug, Parser)]
struct Line {
    #[command(subcommand)]
    command: SchedulesCommand,
}

async fn run_on(
    screen: Screen,
    arguments: &[&str],
    script: Vec<Answer>,
) -> (Result<Exit>, Screen, TestServer) {
    let server = TestServer::start(script).await;
    let line = Line::try_parse_from(["schedules"].iter().chain(arguments)).unwrap();
    let outcome = line.command.run(&server.client(), &screen).await;
    (outcome, screen, server)
}

async fn run(arguments: &[&str], script: Vec<Answer>) -> (Result<Exit>, Screen, TestServer) {
    run_on(Screen::kept(Format::Table), arguments, script).await
}

fn schedule(version: u64, with: Value) -> Value {
    let mut schedule = json!({
        "schedule_id": "sch_1", "connection_id": "con_1", "kind": "dynamodb-backup", "expression": "rate(1 day)",
        "timezone": "UTC", "flexible_window_minutes": null, "regions": null, "select": {"names": ["*"]},
        "retention": {"keep_last": 3}, "enabled": true, "next_at": "2026-11-22T05:00:00Z", "published": true,
        "created_at": "2026-11-21T05:00:00Z", "updated_at": "2026-11-21T05:00:00Z", "version": version,
    });
    let Value::Object(with) = with else { panic!("not an object") };
    schedule.as_object_mut().unwrap().extend(with);
    schedule
}

#[tokio::test]
async fn what_was_typed_is_asked_for() {
    let arguments = [
        "create",
        "con_1",
        "--kind",
        "dynamodb-backup",
        "--expression",
        "cron(0 5 * * ? *)",
        "--timezone",
        "Europe/Berlin",
        "--window",
        "15",
        "--region",
        "eu-central-1",
        "--name",
        "prod-*",
        "--name",
        "orders",
        "--exclude-name",
        "*-tmp",
        "--tag",
        "tier=gold",
        "--table",
        "users",
        "--keep-last",
        "3",
        "--keep-monthly",
        "12",
        "--max-age-days",
        "30",
        "--disabled",
    ];
    let made = schedule(1, json!({"published": false}));
    let (outcome, screen, server) = run(&arguments, vec![Answer::new(201, made)]).await;
    assert_eq!(outcome.unwrap(), Exit::Done);
    assert_eq!(server.targets(), ["POST /v1/connections/con_1/schedules"]);
    assert_eq!(
        server.bodies()[0],
        json!({
            "kind": "dynamodb-backup", "expression": "cron(0 5 * * ? *)", "timezone": "Europe/Berlin",
            "flexible_window_minutes": 15, "regions": ["eu-central-1"], "enabled": false,
            "select": {
                "names": ["prod-*", "orders"], "exclude_names": ["*-tmp"], "tags": {"tier": "gold"}, "ids": ["users"],
            },
            "retention": {"keep_last": 3, "keep_monthly": 12, "max_age_days": 30},
        })
    );
    let kept = screen.into_kept();
    for part in [
        "sch_1",
        "all of the connection's",
        "keep_last=3",
        "enabled (being published)",
        "2026-11-22 05:00:00Z",
    ] {
        assert!(kept.output.contains(part), "{part}: {}", kept.output);
    }
    assert!(kept.errors.contains("schedules preview sch_1"));
}

#[tokio::test]
async fn what_is_not_typed_is_left_to_the_api() {
    let arguments = ["create", "con_1", "--kind", "dynamodb-backup", "--expression", "rate(1 day)"];
    let refusal = json!({
        "title": "Unprocessable Content", "code": "selection_empty", "detail": "nothing is selected",
        "errors": [{"pointer": "/select", "code": "selection_empty", "detail": "nothing is selected"}],
    });
    let (outcome, _, server) = run(&arguments, vec![Answer::new(422, refusal)]).await;
    let body = json!({"kind": "dynamodb-backup", "expression": "rate(1 day)", "select": {}});
    assert_eq!(server.bodies()[0], body);
    assert!(outcome.unwrap_err().next.unwrap().contains("--name '*'"));
}

#[tokio::test]
async fn a_change_is_meant_for_the_version_that_was_seen() {
    let after = schedule(8, json!({"retention": null, "regions": ["eu-west-1"], "enabled": false}));
    let script = vec![Answer::ok(schedule(7, json!({}))), Answer::ok(after)];
    let arguments = ["update", "sch_1", "--keep-all", "--region", "eu-west-1", "--disable", "--no-window"];
    let (outcome, screen, server) = run(&arguments, script).await;
    assert_eq!(outcome.unwrap(), Exit::Done);
    assert_eq!(server.targets(), ["GET /v1/schedules/sch_1", "PATCH /v1/schedules/sch_1"]);
    assert_eq!(
        server.bodies()[1],
        json!({"retention": null, "regions": ["eu-west-1"], "enabled": false, "flexible_window_minutes": null})
    );
    assert_eq!(server.seen()[1].header("if-match"), Some("\"7\""));
    let shown = screen.into_kept().output;
    assert!(shown.starts_with("CHANGE") && shown.contains("every backup"), "{shown}");
}

#[tokio::test]
async fn what_is_so_already_is_not_sent() {
    let arguments = ["update", "sch_1", "--keep-last", "3", "--name", "*", "--enable", "--all-regions"];
    let (outcome, screen, server) = run(&arguments, vec![Answer::ok(schedule(7, json!({})))]).await;
    assert_eq!((outcome.unwrap(), server.seen().len()), (Exit::Done, 1));
    assert!(screen.into_kept().errors.contains("nothing to change"));
}

#[tokio::test]
async fn what_was_changed_meanwhile_stays() {
    let stale = Answer::new(412, json!({"title": "Precondition Failed", "code": "version_mismatch"}));
    let (outcome, ..) =
        run(&["update", "sch_1", "--disable"], vec![Answer::ok(schedule(7, json!({}))), stale]).await;
    assert!(outcome.unwrap_err().next.unwrap().contains("schedules show sch_1"));
}

#[tokio::test]
async fn a_schedule_is_deleted_once_that_is_confirmed() {
    let script = || vec![Answer::ok(schedule(7, json!({}))), Answer::nothing()];
    let (outcome, screen, server) = run(&["delete", "sch_1", "--yes"], script()).await;
    assert_eq!(outcome.unwrap(), Exit::Done);
    assert_eq!(server.targets(), ["GET /v1/schedules/sch_1", "DELETE /v1/schedules/sch_1"]);
    assert_eq!(server.seen()[1].header("if-match"), Some("\"7\""));
    assert!(screen.into_kept().errors.contains("sch_1 is deleted"));

    let screen = Screen::answering(Format::Table, "no");
    let (outcome, _, server) = run_on(screen, &["delete", "sch_1"], script()).await;
    assert_eq!((outcome.unwrap_err().exit, server.seen().len()), (Exit::Refused, 1));
    let (outcome, _, server) = run(&["delete", "sch_1"], script()).await;
    assert_eq!((outcome.unwrap_err().exit, server.seen().len()), (Exit::Usage, 0));
}

#[tokio::test]
async fn a_deletion_whose_answer_was_lost_is_one() {
    let gone = Answer::new(404, json!({"title": "Not Found", "code": "not_found"}));
    let script = vec![Answer::ok(schedule(7, json!({}))), Answer::lost(), gone];
    let (outcome, ..) = run(&["delete", "sch_1", "--yes"], script).await;
    assert_eq!(outcome.unwrap(), Exit::Done);
}

#[tokio::test]
async fn times_are_told_of_a_schedule_and_of_an_expression() {
    let preview = || {
        let item = json!({"utc": "2026-03-29T01:30:00Z", "local": "2026-03-29T03:30:00+02:00"});
        vec![Answer::ok(json!({"items": [item]}))]
    };
    let (outcome, screen, server) = run(&["preview", "sch_1", "--count", "3"], preview()).await;
    assert_eq!(outcome.unwrap(), Exit::Done);
    assert_eq!(server.targets(), ["GET /v1/schedules/sch_1/preview?count=3"]);
    assert!(screen.into_kept().output.contains("2026-03-29T03:30:00+02:00  2026-03-29 01:30:00Z"));

    let arguments = ["preview", "--expression", "rate(1 day)", "--timezone", "Europe/Berlin"];
    let (_, _, server) = run(&arguments, preview()).await;
    assert_eq!(server.targets(), ["POST /v1/schedules/preview"]);
    assert_eq!(server.bodies()[0], json!({"expression": "rate(1 day)", "timezone": "Europe/Berlin"}));

    let (_, screen, _) = run(&["preview", "sch_1"], vec![Answer::ok(json!({"items": []}))]).await;
    assert!(screen.into_kept().errors.contains("not due any more"));
}

#[tokio::test]
async fn a_list_tells_what_is_not_published() {
    let problem = json!({"code": "quota_exceeded", "detail": "EventBridge holds no more"});
    let items = [schedule(1, json!({})), schedule(2, json!({"published": false, "problem": problem}))];
    let page = json!({"items": items, "next_cursor": null});
    let (outcome, screen, server) = run(&["list", "con_1"], vec![Answer::ok(page)]).await;
    assert_eq!(outcome.unwrap(), Exit::Done);
    assert_eq!(server.targets(), ["GET /v1/connections/con_1/schedules"]);
    let shown = screen.into_kept().output;
    assert!(shown.contains("enabled (not published: quota_exceeded)"), "{shown}");

    let one = schedule(2, json!({"published": false, "problem": problem}));
    let (_, screen, server) = run(&["show", "sch_1"], vec![Answer::ok(one)]).await;
    assert_eq!(server.targets(), ["GET /v1/schedules/sch_1"]);
    assert!(screen.into_kept().output.contains("quota_exceeded: EventBridge holds no more"));
}
