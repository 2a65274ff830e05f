//! Freshness: silence is told, of schedules that never fired as well.

use std::time::Duration;

use blackbox::{Api, CustomerAccount, Estate, Provider, Stack, eventually_within, path_of};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use crate::operations::connected as connected_for;
use crate::runs::{BACKUP, ended};

const HOME: &str = "us-east-1";

/// The sweep comes every minute there, and a backup has two seconds to be made in.
fn brisk() -> (Api, CustomerAccount, Provider) {
    let stack = Stack::named("brisk");
    (Api::operator_of(stack), CustomerAccount::on(stack), Provider::of(stack))
}

/// How long a test waits for what the sweep finds.
const PATIENCE: Duration = Duration::from_mins(4);

async fn connected(api: &Api, account: &CustomerAccount) -> Value {
    let wanted = json!({"capabilities": BACKUP, "regions": [HOME]});
    let connection = api.new_connection_for(wanted).await;
    let setup = api.setup(&connection).await;
    // Long enough that each role on this stack has a grant of its own.
    let name = format!("fresh-{}", "r".repeat(50));
    let role = account.make_bare_role(&name, &setup["trust_policy"]).await;
    account.permit(&name, "drawbridge", &setup["permissions_policy"]).await;
    let active = api.onboard(&connection, &role).await;
    assert_eq!(active["state"], "active", "{active:#}");
    active
}

async fn freshness(api: &Api, connection: &Value) -> Value {
    api.get(&format!("{}/freshness", path_of(connection))).await.expect(200)
}

/// The table's freshness, once it is so.
async fn becomes(api: &Api, connection: &Value, stale: bool) -> Value {
    eventually_within(PATIENCE, &format!("stale: {stale}"), async || {
        let now = freshness(api, connection).await;
        now["items"].as_array().unwrap().iter().find(|item| item["stale"] == stale).cloned()
    })
    .await
}

async fn told(api: &Api, connection: &Value) -> Vec<Value> {
    let events = api.events(connection).await.into_iter();
    events.filter(|event| event["type"] == "backup.stale").map(|event| event["data"].clone()).collect()
}

#[tokio::test]
async fn a_schedule_that_never_fires_is_told_once_and_again_when_there_is_a_backup() {
    let (api, account, provider) = brisk();
    let connection = connected(&api, &account).await;
    let estate = Estate::on(Stack::named("brisk"), &account, HOME);
    estate.make_table("orders").await;
    let soon = (Timestamp::now() + SignedDuration::from_secs(45)).in_tz("UTC").unwrap();
    let order = json!({
        "kind": "dynamodb-backup", "expression": format!("at({})", soon.strftime("%Y-%m-%dT%H:%M:%S")),
        "timezone": "UTC", "select": {"names": ["*"]},
    });
    let made = api.post(&format!("{}/schedules", path_of(&connection)), order).await.expect(201);
    let id = made["schedule_id"].as_str().unwrap();
    eventually_within(PATIENCE, "EventBridge holds it", async || provider.schedule(id).await).await;
    // What it promises is known at once.
    let fresh = becomes(&api, &connection, false).await;
    assert_eq!((&fresh["resource"], &fresh["schedule_id"]), (&json!("orders"), &json!(id)));
    assert_eq!(fresh["newest_good_backup_at"], Value::Null);

    // Behind Drawbridge's back: nobody will fire it, and no message tells so.
    provider.remove_schedule(id).await;
    let stale = becomes(&api, &connection, true).await;
    assert_eq!((&stale["newest_good_backup_at"], &stale["schedule_id"]), (&Value::Null, &json!(id)));
    let events = told(&api, &connection).await;
    assert_eq!(events.len(), 1, "{events:#?}");
    assert_eq!((&events[0]["stale"], &events[0]["resource"]), (&json!(true), &json!("orders")));
    let listed = api.get("/v1/freshness?limit=100").await.expect(200);
    let listed = listed["items"].as_array().unwrap();
    assert!(listed.iter().any(|item| item["connection_id"] == connection["connection_id"]), "{listed:#?}");
    for _ in 0..2 {
        provider.send_run(&json!({"kind": "sweep_freshness"})).await;
    }

    // A backup mends it, whoever asks for it, and is seen as soon as the run ends.
    let order = json!({
        "connection_ids": [connection["connection_id"]], "kind": "dynamodb-backup", "select": {"ids": ["orders"]},
    });
    let run = api.post("/v1/runs", order).await.expect(202);
    ended(&api, &run).await;
    let cured = becomes(&api, &connection, false).await;
    assert!(cured["newest_good_backup_at"].is_string() && cured["backup_id"].is_string(), "{cured:#}");
    let events = told(&api, &connection).await;
    let stale: Vec<_> = events.iter().map(|event| &event["stale"]).collect();
    assert_eq!(stale, [&json!(true), &json!(false)], "{events:#?}");
    assert!(freshness(&api, &connection).await["looked_at"].is_string());
}

/// Instances are held against promises as tables are. The stack is the main one: what is looked at when a schedule
/// is published and when a run ends needs no sweep.
#[tokio::test]
async fn an_instance_is_promised_a_backup_and_is_known_to_have_one() {
    let api = Api::operator();
    let (connection, account) = connected_for(&api, &["ec2-backup"]).await;
    let estate = Estate::of(&account, HOME);
    let (wanted, other) = (estate.launch().await, estate.launch().await);
    estate.tag(&wanted, "tier", "gold").await;
    let order = json!({
        "kind": "ec2-backup", "expression": "at(2099-01-01T00:00:00)", "timezone": "UTC",
        "select": {"tags": {"tier": "gold"}},
    });
    let made = api.post(&format!("{}/schedules", path_of(&connection)), order).await.expect(201);
    let fresh = becomes(&api, &connection, false).await;
    assert_eq!(
        (&fresh["kind"], &fresh["resource"], &fresh["schedule_id"]),
        (&json!("ec2-backup"), &json!(wanted), &made["schedule_id"])
    );
    assert_eq!(fresh["newest_good_backup_at"], Value::Null);
    assert_eq!(
        freshness(&api, &connection).await["items"].as_array().unwrap().len(),
        1,
        "{other} is not promised any"
    );

    let order = json!({
        "connection_ids": [connection["connection_id"]], "kind": "ec2-backup", "select": {"ids": [wanted]},
    });
    let run = api.post("/v1/runs", order).await.expect(202);
    assert_eq!(ended(&api, &run).await["state"], "succeeded");
    eventually_within(PATIENCE, "the backup is known", async || {
        let now = freshness(&api, &connection).await;
        Some(()).filter(|()| now["items"][0]["newest_good_backup_at"].is_string())
    })
    .await;
    // What nothing selects any more is forgotten.
    estate.tag(&wanted, "tier", "silver").await;
    let path = format!("/v1/schedules/{}", made["schedule_id"].as_str().unwrap());
    api.patch(&path, json!({"expression": "at(2098-01-01T00:00:00)"})).await.expect(200);
    eventually_within(PATIENCE, "it is forgotten", async || {
        let now = freshness(&api, &connection).await;
        Some(()).filter(|()| now["items"] == json!([]))
    })
    .await;
}
