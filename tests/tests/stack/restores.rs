//! Backups that were made are restored to new tables, and deleted, by plans.

use blackbox::{Api, Estate, eventually, path_of};
use serde_json::{Value, json};

use crate::operations::connected;
use crate::runs::{ended, ledger};

const HOME: &str = "us-east-1";

/// A connection with a table that has a backup; the table has tags, and its items expire.
async fn backed_up(api: &Api) -> (Value, Estate, Value) {
    let (connection, account) = connected(api, &["dynamodb-backup", "dynamodb-restore"]).await;
    let estate = Estate::of(&account, HOME);
    estate.make_bare_table("orders").await;
    estate.put_item("orders", "one", "first").await;
    estate.tag_table("orders", "team", "shop").await;
    estate.expire_by("orders", "gone_at").await;
    let order = json!({
        "connection_ids": [connection["connection_id"]],
        "kind": "dynamodb-backup",
        "select": {"ids": ["orders"]},
    });
    let run = api.post("/v1/runs", order).await.expect(202);
    assert_eq!(ended(api, &run).await["state"], "succeeded");
    let backup = ledger(api, &connection).await[0].clone();
    (connection, estate, backup)
}

fn path(backup: &Value) -> String {
    format!("/v1/backups/{}", backup["backup_id"].as_str().unwrap())
}

async fn applied(api: &Api, plan: &Value) -> Value {
    let apply = format!("/v1/plans/{}/apply", plan["plan_id"].as_str().unwrap());
    let begun = api.post(&apply, json!({})).await;
    assert!(matches!(begun.status, 200 | 202), "{:#}", begun.body);
    let operation = format!("/v1/operations/{}", begun.body["operation_id"].as_str().unwrap());
    eventually("the operation ends", async || {
        Some(api.get(&operation).await.expect(200)).filter(|now| now["state"] != "running")
    })
    .await
}

#[tokio::test]
async fn a_backup_is_restored_with_what_dynamodb_does_not_restore() {
    let api = Api::operator();
    let (connection, estate, backup) = backed_up(&api).await;
    let restore = format!("{}/restore", path(&backup));
    let taken = api.post(&restore, json!({"target_name": "orders"})).await;
    taken.refused(409, "target_exists");
    let plan =
        api.post(&restore, json!({"target_name": "orders-again", "count_items": true})).await.expect(201);
    assert_eq!(plan["action"], "dynamodb:RestoreTableFromBackup");
    assert!(!estate.tables().await.contains(&"orders-again".to_owned()), "a plan makes nothing");

    let done = applied(&api, &plan).await;
    assert_eq!(done["state"], "succeeded", "{done:#}");
    assert_eq!(estate.keys("orders-again").await, ["one"]);
    assert_eq!(estate.tags_of("orders-again").await, [("team".to_owned(), "shop".to_owned())]);
    assert_eq!(estate.expires_by("orders-again").await.as_deref(), Some("gone_at"));
    assert_eq!(done["output"]["target_table"], "orders-again", "{done:#}");
    let types = api.event_types(&connection).await;
    assert_eq!(types.iter().filter(|kind| *kind == "backup.restored").count(), 1, "{types:?}");
    // A plan is applied once.
    let apply = format!("/v1/plans/{}/apply", plan["plan_id"].as_str().unwrap());
    api.post(&apply, json!({})).await.refused(409, "plan_already_applied");
}

#[tokio::test]
async fn a_recorded_backup_is_deleted_by_a_plan_and_stays_listed() {
    let api = Api::operator();
    let (connection, estate, backup) = backed_up(&api).await;
    let plan = api.delete(&path(&backup)).await.expect(201);
    assert_eq!(plan["action"], "dynamodb:DeleteBackup");
    assert_eq!(estate.backup_names().await.len(), 1, "a plan deletes nothing");
    let done = applied(&api, &plan).await;
    assert_eq!(done["state"], "succeeded", "{done:#}");
    assert!(estate.backup_names().await.is_empty());
    let told = ledger(&api, &connection).await;
    assert_eq!((&told[0]["state"], &told[0]["gone"]), (&json!("deleted"), &json!("plan")));
    let types = api.event_types(&connection).await;
    assert_eq!(types.iter().filter(|kind| *kind == "backup.deleted").count(), 1, "{types:?}");
    let gone = api.post(&format!("{}/restore", path(&backup)), json!({"target_name": "again"})).await;
    gone.refused(409, "backup_not_available");
    assert!(api.get(&format!("{}/backups?region={HOME}", path_of(&connection))).await.expect(200)["items"][0]["deleted_at"].is_string());
}
