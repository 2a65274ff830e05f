use crate::test_app::Bench;
use axum::http::StatusCode;
use domain::backup::{Backup, BackupState};
use domain::chunk::Chunk;
use domain::expression::Timezone;
use domain::job::Job;
use domain::kind::Kind;
use domain::manifest::{Known, TableManifest};
use domain::run::Terms;
use domain::{ConnectionId, Region, RunId};
use jiff::{SignedDuration, Timestamp};
use rstest::rstest;
use serde_json::{Value, json};
use store::BackupWrite;

const NOW: Timestamp = Timestamp::constant(1_800_000_000, 0);

fn manifest() -> TableManifest {
    let unseen = TableManifest::unseen(NOW);
    TableManifest { time_to_live: Known::Known(Some("ends".to_owned())), ..unseen }
}

/// A backup of this table, as the worker records it.
async fn recorded(bench: &Bench, path: &str, region: &str, table: &str) -> Backup {
    let connection: ConnectionId = path.rsplit('/').next().unwrap().parse().unwrap();
    let region: Region = region.parse().unwrap();
    let run = RunId::new(NOW, [1; 10]);
    let job = Job::waiting(run, connection, &region, table);
    let terms = Terms {
        kind: Kind::DynamodbBackup,
        schedule_id: None,
        retention: None,
        timezone: Timezone::default(),
        dry_run: false,
        ec2_backup: None,
    };
    let until = NOW + SignedDuration::from_hours(1);
    let chunk = Chunk::of((run, connection, region, 0), terms, vec![job.clone()], NOW, until);
    let arn = format!("arn:aws:dynamodb:backup/{table}");
    let backup = Backup::made(&chunk, &job, arn, NOW, manifest()).available(Some(1024));
    bench.store.write_chunk(&chunk, &[BackupWrite::New(backup.clone())], &[]).await.unwrap();
    backup
}

#[tokio::test]
async fn a_backup_is_shown_with_what_its_table_was_like() {
    let bench = Bench::new();
    let path = bench.backed_up("active").await;
    let backup = recorded(&bench, &path, "eu-central-1", "orders").await;
    assert_eq!(backup.state, BackupState::Available);
    let shown = bench.operator("GET", &format!("/v1/backups/{}", backup.id), "").await;
    assert_eq!(shown.status, StatusCode::OK, "{shown:?}");
    let mut body = shown.body;
    let manifest = body.as_object_mut().unwrap().remove("manifest").unwrap();
    assert_eq!(manifest["time_to_live"], json!({"known": "ends"}));
    assert_eq!(
        body,
        json!({
            "backup_id": backup.id.to_string(), "connection_id": backup.connection_id.to_string(),
            "kind": "dynamodb-backup", "region": "eu-central-1", "resource": "orders", "name": backup.name,
            "aws_id": backup.aws_id, "state": "available", "size_bytes": 1024, "created_at": "2027-01-15T08:00:00Z",
            "run_id": backup.run_id.to_string(), "version": 2,
        })
    );
}

#[rstest]
#[case("", &["orders", "users", "orders"])]
#[case("?region=eu-west-1", &["orders"])]
#[case("?resource=orders", &["orders", "orders"])]
#[case("?resource=orders&region=eu-central-1", &["orders"])]
#[case("?kind=dynamodb-backup&resource=users", &["users"])]
#[case("?kind=ec2-backup", &[])]
#[tokio::test]
async fn backups_are_found_by_what_they_are_of(#[case] query: &str, #[case] expected: &[&str]) {
    let bench = Bench::new();
    let path = bench.backed_up("active").await;
    for (region, table) in [("eu-central-1", "orders"), ("eu-central-1", "users"), ("eu-west-1", "orders")] {
        recorded(&bench, &path, region, table).await;
    }
    let answer = bench.operator("GET", &format!("{path}/backups{query}"), "").await;
    assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
    let items = answer.body["items"].as_array().unwrap();
    let names: Vec<&str> = items.iter().map(|item| item["resource"].as_str().unwrap()).collect();
    assert_eq!(names, expected);
    assert_eq!(answer.body["next_cursor"], Value::Null);
}

#[rstest]
#[case("kind=tables", "unknown_kind", "/kind")]
#[case("region=nowhere", "invalid_region", "/region")]
#[tokio::test]
async fn a_filter_that_cannot_be_is_named(#[case] query: &str, #[case] code: &str, #[case] at: &str) {
    let bench = Bench::new();
    let path = bench.backed_up("active").await;
    let answer = bench.operator("GET", &format!("{path}/backups?{query}"), "").await;
    assert_eq!((answer.status, answer.errors()), (StatusCode::BAD_REQUEST, vec![(at, code)]));
    assert!(bench.calls().is_empty());
}
