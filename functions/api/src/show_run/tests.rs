use crate::test_app::Bench;
use axum::http::StatusCode;
use domain::chunk::Chunk;
use domain::expression::Timezone;
use domain::job::{Job, Phase, Verdict};
use domain::kind::Kind;
use domain::part::Part;
use domain::run::{Run, RunOrder, Scope, Terms};
use domain::selection::{Selection, SelectionParts};
use domain::{Actor, ConnectionId, JobId, Region, RunId};
use jiff::{SignedDuration, Timestamp};
use serde_json::json;

const NOW: Timestamp = Timestamp::constant(1_800_000_000, 0);

fn run(connection: ConnectionId) -> Run {
    let names = vec!["*".to_owned()];
    let order = RunOrder {
        scope: Scope::Connections(vec![connection]),
        regions: None,
        select: Selection::new(SelectionParts { names, ..SelectionParts::default() }).unwrap(),
        terms: Terms {
            kind: Kind::DynamodbBackup,
            schedule_id: None,
            retention: None,
            timezone: Timezone::default(),
            dry_run: false,
            ec2_backup: None,
        },
    };
    Run::begin(RunId::new(NOW, [1; 10]), order, Some(NOW), Actor::Drawbridge, NOW)
}

/// A run as the planner and the worker write it: three jobs of one chunk, one in each way to stand.
async fn planned(bench: &Bench) -> Run {
    let connection = ConnectionId::new(NOW, [2; 10]);
    let run = run(connection);
    bench.store.begin_run(&run, None).await.unwrap();
    let region: Region = "eu-central-1".parse().unwrap();
    let job = |name: &str| Job::waiting(run.id, connection, &region, name);
    let verdict = Verdict { backup_id: None, created_at: NOW, keep: true, reasons: Vec::new() };
    let made = Job { aws_id: Some("arn:of-it".to_owned()), verdicts: vec![verdict], ..job("orders") };
    let jobs = vec![
        made.now(Phase::Succeeded).asked(["request-1".to_owned()]),
        job("users").because(Phase::Failed, "access_denied", "AWS refused it"),
        job("visits").now(Phase::Asking),
    ];
    let until = NOW + SignedDuration::from_hours(1);
    let chunk = Chunk::of((run.id, connection, region.clone(), 0), run.order.terms.clone(), jobs, NOW, until);
    let part = Part::begin(run.id, connection, NOW, until).planned(None, 1, NOW);
    bench.store.advance_part(&part, &[chunk]).await.unwrap();
    run
}

#[tokio::test]
async fn a_run_that_goes_on_is_counted_as_it_stands() {
    let bench = Bench::new();
    let run = planned(&bench).await;
    let shown = bench.operator("GET", &format!("/v1/runs/{}", run.id), "").await;
    assert_eq!(shown.status, StatusCode::OK, "{shown:?}");
    assert_eq!(shown.body["jobs"], json!({"total": 3, "succeeded": 1, "failed": 1, "skipped": 0}));
    assert_eq!(shown.body["scheduled_for"], "2027-01-15T08:00:00Z");
    assert_eq!(shown.body["actor"], "drawbridge");
}

#[tokio::test]
async fn each_job_tells_what_became_of_it() {
    let bench = Bench::new();
    let run = planned(&bench).await;
    let answer = bench.operator("GET", &format!("/v1/runs/{}/jobs", run.id), "").await;
    assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
    let items = answer.body["items"].as_array().unwrap();
    let connection = run.connection().unwrap();
    let id = JobId::of(run.id, connection, &"eu-central-1".parse().unwrap(), "orders");
    assert_eq!(
        items[0],
        json!({
            "job_id": id.to_string(), "connection_id": connection.to_string(), "region": "eu-central-1",
            "resource": "orders", "state": "succeeded", "backup_id": domain::BackupId::of(id).to_string(),
            "aws_id": "arn:of-it", "request_ids": ["request-1"],
            "retention": [{"created_at": "2027-01-15T08:00:00Z", "keep": true, "reasons": []}],
        })
    );
    let told = |place: usize| (&items[place]["state"], &items[place]["code"], &items[place]["detail"]);
    assert_eq!(told(1), (&json!("failed"), &json!("access_denied"), &json!("AWS refused it")));
    assert_eq!(told(2), (&json!("running"), &json!(null), &json!(null)));
    assert_eq!(items.len(), 3);
}

#[tokio::test]
async fn jobs_come_page_by_page() {
    let bench = Bench::new();
    let run = planned(&bench).await;
    let path = format!("/v1/runs/{}/jobs?limit=2", run.id);
    let first = bench.operator("GET", &path, "").await;
    let cursor = first.body["next_cursor"].as_str().unwrap();
    let rest = bench.operator("GET", &format!("{path}&cursor={cursor}"), "").await;
    let names = |page: &serde_json::Value| {
        let items = page["items"].as_array().unwrap().iter();
        items.map(|job| job["resource"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(
        (names(&first.body), names(&rest.body)),
        (vec!["orders".into(), "users".into()], vec!["visits".into()])
    );
    assert_eq!(rest.body["next_cursor"], json!(null));
}

#[tokio::test]
async fn the_runs_of_a_connection_are_its_own() {
    let bench = Bench::new();
    let run = planned(&bench).await;
    let of = async |id: &str| bench.operator("GET", &format!("/v1/runs?connection_id={id}"), "").await;
    let listed = of(&run.connection().unwrap().to_string()).await;
    assert_eq!(listed.body["items"][0]["run_id"], run.id.to_string(), "{listed:?}");
    let other = of("con_0193b2c0000070008000000000000001").await;
    assert_eq!(other.body, json!({"items": [], "next_cursor": null}));
    let wrong = of("run_0193b2c0000070008000000000000001").await;
    assert_eq!(wrong.errors(), [("/connection_id", "invalid_id")]);
}
