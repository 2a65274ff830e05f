//! Schedules: EventBridge holds what the table says, and fires by itself.

use blackbox::{Api, Estate, Provider, eventually, eventually_within, path_of};
use serde_json::{Value, json};
use std::time::Duration;

use crate::operations::connected;
use crate::runs::{BACKUP, ended, ledger};

const HOME: &str = "us-east-1";

fn nightly() -> Value {
    json!({
        "kind": "dynamodb-backup",
        "expression": "cron(0 2 * * ? *)",
        "timezone": "Europe/Berlin",
        "flexible_window_minutes": 15,
        "select": {"names": ["*"]},
        "retention": {"keep_daily": 7},
    })
}

async fn scheduled(api: &Api, connection: &Value, order: Value) -> Value {
    api.post(&format!("{}/schedules", path_of(connection)), order).await.expect(201)
}

/// Waits until another run of the connection has taken its turn behind what is on the queue.
async fn taken(api: &Api, connection: &Value) {
    let order = json!({
        "connection_ids": [connection["connection_id"]],
        "kind": "dynamodb-backup",
        "select": {"names": ["none"]},
    });
    let behind = api.post("/v1/runs", order).await.expect(202);
    ended(api, &behind).await;
}

fn path(schedule: &Value) -> String {
    format!("/v1/schedules/{}", schedule["schedule_id"].as_str().unwrap())
}

fn id(schedule: &Value) -> &str {
    schedule["schedule_id"].as_str().unwrap()
}

/// The schedule once EventBridge holds it as it is.
async fn published(api: &Api, schedule: &Value) -> Value {
    eventually("EventBridge holds the schedule", async || {
        let now = api.get(&path(schedule)).await.expect(200);
        Some(now).filter(|now| now["published"] == true)
    })
    .await
}

#[tokio::test]
async fn eventbridge_holds_what_the_table_says() {
    let (api, provider) = (Api::operator(), Provider::new());
    let (connection, _) = connected(&api, &BACKUP).await;
    let made = scheduled(&api, &connection, nightly()).await;
    published(&api, &made).await;
    let held = provider.schedule(id(&made)).await.expect("EventBridge holds it");
    assert_eq!(held.expression, "cron(0 2 * * ? *)");
    assert_eq!(
        (held.timezone.as_str(), held.state.as_str(), held.window),
        ("Europe/Berlin", "ENABLED", Some(15))
    );

    let change = json!({"expression": "rate(6 hours)", "enabled": false, "flexible_window_minutes": null});
    let changed = api.patch(&path(&made), change).await.expect(200);
    assert_eq!(changed["version"], 2);
    published(&api, &changed).await;
    let held = provider.schedule(id(&made)).await.expect("EventBridge holds it");
    assert_eq!(
        (held.expression.as_str(), held.state.as_str(), held.window),
        ("rate(6 hours)", "DISABLED", None)
    );

    api.delete(&path(&made)).await.expect(204);
    api.get(&path(&made)).await.refused(404, "not_found");
    eventually("EventBridge holds it no more", async || {
        provider.schedule(id(&made)).await.is_none().then_some(())
    })
    .await;
    let list = api.get(&format!("{}/schedules", path_of(&connection))).await.expect(200);
    assert_eq!(list["items"], json!([]));
    let types = api.event_types(&connection).await;
    for kind in ["schedule.created", "schedule.changed", "schedule.deleted"] {
        assert_eq!(types.iter().filter(|one| *one == kind).count(), 1, "{kind}: {types:?}");
    }
}

/// The engine for time is EventBridge: nobody asks for this run.
#[tokio::test]
async fn a_schedule_fires_by_itself() {
    let api = Api::operator();
    let (connection, account) = connected(&api, &BACKUP).await;
    let estate = Estate::of(&account, HOME);
    estate.make_bare_table("ttt").await;
    let mut often = nightly();
    often["expression"] = json!("rate(1 minute)");
    often["flexible_window_minutes"] = Value::Null;
    let made = scheduled(&api, &connection, often).await;
    let runs = format!("/v1/runs?connection_id={}", connection["connection_id"].as_str().unwrap());
    let run = eventually_within(Duration::from_secs(150), "the schedule fires", async || {
        api.get(&runs).await.expect(200)["items"].as_array().unwrap().first().cloned()
    })
    .await;
    let run = ended(&api, &run).await;
    assert_eq!((&run["schedule_id"], &run["state"]), (&made["schedule_id"], &json!("succeeded")), "{run:#}");
    assert!(run["scheduled_for"].is_string());
    let backup = ledger(&api, &connection).await[0].clone();
    assert_eq!((&backup["schedule_id"], &backup["state"]), (&made["schedule_id"], &json!("available")));
    api.delete(&path(&made)).await.expect(204);
}

/// EventBridge tells of a time at least once.
#[tokio::test]
async fn a_time_that_is_told_again_is_the_same_run() {
    let (api, provider) = (Api::operator(), Provider::new());
    let (connection, account) = connected(&api, &BACKUP).await;
    let estate = Estate::of(&account, HOME);
    estate.make_bare_table("ttt").await;
    let made = scheduled(&api, &connection, nightly()).await;
    let firing =
        |at: &str| json!({"kind": "scheduled", "schedule_id": made["schedule_id"], "scheduled_time": at});
    for _ in 0..3 {
        provider.send_run(&firing("2026-11-28T01:00:00Z")).await;
    }
    let runs = format!("/v1/runs?connection_id={}", connection["connection_id"].as_str().unwrap());
    let run = eventually("the run begins", async || {
        api.get(&runs).await.expect(200)["items"].as_array().unwrap().first().cloned()
    })
    .await;
    ended(&api, &run).await;
    provider.send_run(&firing("2026-11-28T01:00:00Z")).await;
    taken(&api, &connection).await;
    let all = api.get(&runs).await.expect(200)["items"].as_array().unwrap().clone();
    let fired = all.iter().filter(|run| run["schedule_id"] == made["schedule_id"]).count();
    assert_eq!(fired, 1, "{all:#?}");
    assert_eq!(estate.backup_names().await.len(), 1);
    // One that is paused runs no more, whatever is still on its way.
    api.patch(&path(&made), json!({"enabled": false})).await.expect(200);
    provider.send_run(&firing("2026-11-29T01:00:00Z")).await;
    taken(&api, &connection).await;
    assert_eq!(estate.backup_names().await.len(), 1);
}

#[tokio::test]
async fn what_drifts_apart_is_brought_together() {
    let (api, provider) = (Api::operator(), Provider::new());
    let (connection, _) = connected(&api, &BACKUP).await;
    let (removed, changed) =
        (scheduled(&api, &connection, nightly()).await, scheduled(&api, &connection, nightly()).await);
    for schedule in [&removed, &changed] {
        published(&api, schedule).await;
    }
    let unknown = "sch_00000000000070008000000000000000";
    provider.remove_schedule(id(&removed)).await;
    provider.disable_schedule(id(&changed)).await;
    provider.copy_schedule(id(&changed), unknown).await;
    provider.send_run(&json!({"kind": "reconcile"})).await;
    eventually("what was removed is there again", async || provider.schedule(id(&removed)).await).await;
    eventually("what was changed is as it was", async || {
        provider.schedule(id(&changed)).await.filter(|held| held.state == "ENABLED")
    })
    .await;
    eventually("what nobody knows is gone", async || {
        provider.schedule(unknown).await.is_none().then_some(())
    })
    .await;
}

#[tokio::test]
async fn offboarding_ends_what_was_scheduled() {
    let (api, provider) = (Api::operator(), Provider::new());
    let (connection, _) = connected(&api, &BACKUP).await;
    let made = scheduled(&api, &connection, nightly()).await;
    published(&api, &made).await;
    api.offboarded(&connection).await;
    api.get(&path(&made)).await.refused(404, "not_found");
    eventually("EventBridge holds it no more", async || {
        provider.schedule(id(&made)).await.is_none().then_some(())
    })
    .await;
    let refused = api.post(&format!("{}/schedules", path_of(&connection)), nightly()).await;
    refused.refused(409, "state_conflict");
}

/// What the preview says is what EventBridge does: across the change of clocks too.
#[tokio::test]
async fn a_preview_is_in_local_time() {
    let api = Api::operator();
    let (connection, _) = connected(&api, &BACKUP).await;
    let made = scheduled(&api, &connection, nightly()).await;
    let preview = api.get(&format!("{}/preview?count=3", path(&made))).await.expect(200);
    let items = preview["items"].as_array().unwrap();
    assert_eq!(items.len(), 3);
    for item in items {
        let local = item["local"].as_str().unwrap();
        assert!(local.contains("T02:00:00+0"), "{local}");
        let (utc, local): (jiff::Timestamp, jiff::Timestamp) =
            (item["utc"].as_str().unwrap().parse().unwrap(), local.parse().unwrap());
        assert_eq!(utc, local);
    }
    assert_eq!(made["next_at"], items[0]["utc"]);
    api.get(&format!("{}/preview?count=0", path(&made))).await.refused(400, "invalid_count");
}
