use crate::test_app::Bench;
use axum::http::StatusCode;
use domain::freshness::{Freshness, Promise};
use domain::kind::Kind;
use domain::{ConnectionId, ScheduleId};
use jiff::{SignedDuration, Timestamp};
use serde_json::json;

const NOW: Timestamp = Timestamp::constant(1_800_000_000, 0);

async fn known(bench: &Bench, path: &str, table: &str, stale: bool) {
    let connection: ConnectionId = path.rsplit('/').next().unwrap().parse().unwrap();
    let region = "eu-central-1".parse().unwrap();
    let seen = Freshness::seen(connection, Kind::DynamodbBackup, region, table.to_owned(), NOW);
    let by = NOW + SignedDuration::from_hours(3);
    let promise = Promise { by, schedule_id: ScheduleId::new(NOW, [1; 10]) };
    let known = Freshness { version: 1, promise: Some(promise), stale_since: stale.then_some(by), ..seen };
    assert!(bench.store.write_freshness(&known, None).await.unwrap());
}

#[tokio::test]
async fn freshness_is_shown_by_resource_and_what_is_stale_of_all() {
    let bench = Bench::new();
    let (one, other) = (bench.backed_up("active").await, bench.backed_up("active").await);
    known(&bench, &one, "orders", true).await;
    known(&bench, &one, "users", false).await;
    known(&bench, &other, "orders", false).await;
    let shown = bench.operator("GET", &format!("{one}/freshness"), "").await;
    assert_eq!(shown.status, StatusCode::OK);
    assert_eq!(shown.body["looked_at"], json!(null));
    let items = shown.body["items"].as_array().unwrap();
    let told: Vec<_> = items.iter().map(|item| (&item["resource"], &item["stale"])).collect();
    assert_eq!(told, [(&json!("orders"), &json!(true)), (&json!("users"), &json!(false))]);
    assert_eq!(items[0]["promised_within_seconds"], 3 * 3600);
    assert_eq!(items[0]["newest_good_backup_at"], json!(null));

    let stale = bench.operator("GET", "/v1/freshness", "").await;
    let stale = stale.body["items"].as_array().unwrap().clone();
    assert_eq!((stale.len(), &stale[0]["resource"]), (1, &json!("orders")));
    assert!(one.ends_with(stale[0]["connection_id"].as_str().unwrap()));
    let missing =
        bench.operator("GET", "/v1/connections/con_01a21ab4e08e71f0808080808080808a/freshness", "").await;
    assert_eq!(missing.status, StatusCode::NOT_FOUND);
}
