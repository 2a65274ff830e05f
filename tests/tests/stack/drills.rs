//! Restore drills: a backup is restored to a table of its own, compared, and the table deleted again.

use blackbox::{Api, Estate, path_of};
use serde_json::{Value, json};

use crate::operations::connected;
use crate::runs::{ended, jobs, ledger};

const HOME: &str = "us-east-1";

async fn ran(api: &Api, connection: &Value, kind: &str, select: Value) -> (Value, Vec<Value>) {
    let order = json!({"connection_ids": [connection["connection_id"]], "kind": kind, "select": select});
    let begun = api.post("/v1/runs", order).await.expect(202);
    let run = ended(api, &begun).await;
    let jobs = jobs(api, &run).await;
    (run, jobs)
}

async fn drill_tables(estate: &Estate) -> Vec<String> {
    estate.tables().await.into_iter().filter(|name| name.starts_with("drawbridge-drill-")).collect()
}

#[tokio::test]
async fn a_drill_leaves_evidence_and_nothing_else() {
    let api = Api::operator();
    let (connection, account) =
        connected(&api, &["dynamodb-backup", "dynamodb-drill", "dynamodb-data"]).await;
    let estate = Estate::of(&account, HOME);
    for table in ["orders", "bare"] {
        estate.make_bare_table(table).await;
    }
    for key in ["one", "two", "three"] {
        estate.put_item("orders", key, "first").await;
    }
    ran(&api, &connection, "dynamodb-backup", json!({"ids": ["orders"]})).await;
    // What happens to the table afterwards is told, and held against nobody.
    estate.put_item("orders", "two", "second").await;
    let (run, jobs) = ran(&api, &connection, "restore-drill", json!({"names": ["*"]})).await;
    assert_eq!(run["state"], "succeeded", "{run:#}");
    assert_eq!(run["jobs"], json!({"total": 2, "succeeded": 1, "failed": 0, "skipped": 1}), "{jobs:#?}");
    let of = |table: &str| jobs.iter().find(|job| job["resource"] == table).unwrap();
    assert_eq!((&of("bare")["state"], &of("bare")["code"]), (&json!("skipped"), &json!("no_backup")));
    let job = of("orders");
    assert_eq!((&job["state"], &job["code"]), (&json!("succeeded"), &json!("drilled")), "{job:#}");
    let drill = &job["drill"];
    assert_eq!(drill["sample"], json!({"items": 3, "same": 2, "changed": 1, "gone": 0}), "{drill:#}");
    let verdicts: Vec<_> = drill["compared"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| (one["aspect"].as_str().unwrap(), one["verdict"].as_str().unwrap(), &one["is"]))
        .collect();
    assert!(verdicts.contains(&("keys", "same", &Value::Null)), "{verdicts:?}");
    assert!(
        verdicts.iter().any(|(aspect, _, is)| *aspect == "item_count" && **is == json!(3)),
        "{verdicts:?}"
    );
    assert!(drill["restored_within_seconds"].is_i64() && drill["removed_at"].is_string(), "{drill:#}");
    assert_eq!(drill_tables(&estate).await, [""; 0]);
    assert_eq!(estate.keys("orders").await.len(), 3, "the live table is left alone");

    // The backup says that it was restored, and by which run.
    let backup = &ledger(&api, &connection).await[0];
    assert_eq!((&backup["drilled"]["passed"], &backup["drilled"]["run_id"]), (&json!(true), &run["run_id"]));
    let events = api.events(&connection).await;
    let told: Vec<_> = events.iter().filter(|event| event["type"] == "backup.drilled").collect();
    assert_eq!(told.len(), 1, "{told:#?}");
    assert_eq!((&told[0]["data"]["passed"], &told[0]["data"]["sample"]["items"]), (&json!(true), &json!(3)));
}

#[tokio::test]
async fn what_a_drill_leaves_behind_the_next_one_deletes() {
    let api = Api::operator();
    let (connection, account) = connected(&api, &["dynamodb-backup", "dynamodb-drill"]).await;
    let estate = Estate::of(&account, HOME);
    estate.make_bare_table("orders").await;
    ran(&api, &connection, "dynamodb-backup", json!({"ids": ["orders"]})).await;
    // Somebody takes the right away that the drill ends with.
    let nothing_deleted = json!({"Version": "2012-10-17", "Statement": [
        {"Effect": "Deny", "Action": "dynamodb:DeleteTable", "Resource": "*"},
    ]});
    account.permit("r", "mistake", &nothing_deleted).await;
    let (run, jobs) = ran(&api, &connection, "restore-drill", json!({"ids": ["orders"]})).await;
    assert_eq!((&run["state"], &jobs[0]["code"]), (&json!("failed"), &json!("access_denied")), "{jobs:#?}");
    let left = drill_tables(&estate).await;
    assert_eq!(left.len(), 1);
    assert!(jobs[0]["detail"].as_str().unwrap().contains(&left[0]), "{jobs:#?}");
    // No run selects it, however much it asks for.
    let (_, backed_up) = ran(&api, &connection, "dynamodb-backup", json!({"names": ["*"]})).await;
    let resources: Vec<_> = backed_up.iter().map(|job| &job["resource"]).collect();
    assert_eq!(resources, ["orders"]);

    account.permit("r", "mistake", &json!({"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Action": "dynamodb:DeleteTable", "Resource": "arn:aws:dynamodb:*:*:table/drawbridge-drill-*"},
    ]})).await;
    let (run, jobs) = ran(&api, &connection, "restore-drill", json!({"ids": ["orders"]})).await;
    assert_eq!(run["state"], "succeeded", "{jobs:#?}");
    let codes: Vec<_> = jobs.iter().map(|job| job["code"].as_str().unwrap()).collect();
    assert!(codes.contains(&"drilled") && codes.contains(&"leftover_removed"), "{codes:?}");
    assert_eq!(drill_tables(&estate).await, [""; 0]);
    assert_eq!(estate.tables().await, ["orders"]);
}

/// Restoring by hand is another right than drills, whose tables have names of their own.
#[tokio::test]
async fn a_drill_takes_its_own_capability() {
    let api = Api::operator();
    let (connection, _) = connected(&api, &["dynamodb-backup"]).await;
    let order = json!({
        "connection_ids": [connection["connection_id"]], "kind": "restore-drill", "select": {"names": ["*"]},
    });
    let refused = api.post("/v1/runs", order).await;
    refused.refused(403, "capability_missing");
    assert!(refused.body["detail"].as_str().unwrap().contains("dynamodb-drill"), "{:#}", refused.body);
    let schedule = json!({
        "kind": "restore-drill", "expression": "rate(7 days)", "timezone": "UTC", "select": {"names": ["*"]},
    });
    let refused = api.post(&format!("{}/schedules", path_of(&connection)), schedule).await;
    refused.refused(403, "capability_missing");
}
