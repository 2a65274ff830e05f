//! A backup is restored to a new table, by a plan.

use std::time::Duration;

use aws_sdk_dynamodb::types::AttributeValue;
use blackbox::Estate;
use reqwest::Method;
use serde_json::{Value, json};

use crate::connected::Connected;
use crate::row::{Fault, Row};
use crate::workflow::{Scene, Workflow};

/// How long preparing may take, which no fault disturbs.
const PATIENCE: Duration = Duration::from_mins(3);

const REGION: &str = "us-east-1";
const TABLE: &str = "orders";

/// The operator plans to restore a recorded backup, and applies the plan.
pub(crate) struct Restoring;

/// The connection, its backup, and the operation that restores it.
#[derive(Default)]
pub(crate) struct Cast {
    connected: Connected,
    target: String,
    plan: String,
    operation: String,
}

impl Cast {
    fn estate(&self, scene: &Scene) -> Estate {
        Estate::on(scene.stack, self.connected.account.as_ref().unwrap(), REGION)
    }
}

impl Workflow for Restoring {
    const NAME: &'static str = "restore";
    const FAULTS: &'static [Fault] = &Fault::FEW;
    const ALIKE: u32 = 2;
    const AT_A_TIME: usize = 20;
    type Cast = Cast;

    async fn prepare(&self, scene: &Scene, row: &Row) -> Cast {
        let capabilities = &["dynamodb-backup", "dynamodb-restore"];
        let connected = Connected::keeping_for(scene, &row.token, capabilities).await;
        let target = format!("restored-{}", row.token);
        let mut cast = Cast { connected, target, ..Cast::default() };
        if cast.connected.kept.is_some() {
            return cast;
        }
        let estate = cast.estate(scene);
        estate.make_bare_table(TABLE).await;
        estate.put_item(TABLE, "one", "first").await;
        estate.tag_table(TABLE, "team", "shop").await;
        estate.expire_by(TABLE, "gone_at").await;
        let order = json!({
            "connection_ids": [cast.connected.id], "kind": "dynamodb-backup", "select": {"ids": [TABLE]},
        });
        scene.user.ask(Method::POST, "/v1/runs", Some(&order)).await.0.expect(202);
        let ledger = format!("/v1/connections/{}/backups", cast.connected.id);
        let backup = blackbox::eventually_within(PATIENCE, "the backup is made", async || {
            let ledger = scene.user.read(&ledger).await;
            let first = ledger["items"].as_array().unwrap().first().cloned();
            first.filter(|backup| backup["state"] == "available")
        })
        .await;
        cast.connected.kept = backup["backup_id"].as_str().map(str::to_owned);
        cast
    }

    async fn act(&self, scene: &Scene, row: &Row, cast: &mut Cast) {
        let backup = cast.connected.kept.clone().unwrap();
        row.own(&[&backup]).await;
        let order = json!({"target_name": cast.target, "count_items": true});
        let path = format!("/v1/backups/{backup}/restore");
        let plan = scene.user.ask(Method::POST, &path, Some(&order)).await.0.expect(201);
        plan["plan_id"].as_str().unwrap().clone_into(&mut cast.plan);
        row.own(&[&cast.plan]).await;
        let apply = format!("/v1/plans/{}/apply", cast.plan);
        let (answer, _) = scene.user.ask(Method::POST, &apply, Some(&json!({}))).await;
        assert!(matches!(answer.status, 200 | 202 | 409), "{answer:?}");
        let plan = scene.user.read(&format!("/v1/plans/{}", cast.plan)).await;
        plan["operation_id"].as_str().unwrap_or_default().clone_into(&mut cast.operation);
    }

    async fn is_over(&self, scene: &Scene, cast: &Cast) -> bool {
        let items = scene.provider.items(&format!("OPERATION#{}", cast.operation)).await;
        items.get("META").is_some_and(|item| item["state"] != AttributeValue::S("running".to_owned()))
    }

    async fn observe(&self, scene: &Scene, _row: &str, cast: &Cast) -> Value {
        let (user, estate) = (&scene.user, cast.estate(scene));
        let kept = user.read(&format!("/v1/operations/{}", cast.operation)).await;
        let plan = user.read(&format!("/v1/plans/{}", cast.plan)).await;
        let connection = user.read(&format!("/v1/connections/{}", cast.connected.id)).await;
        let target = AttributeValue::S(cast.operation.clone());
        let events = scene.provider.items(&format!("CONNECTION#{}", cast.connected.id)).await;
        let of_this = events.values().filter(|event| {
            let data = event.get("data").and_then(|data| data.as_m().ok());
            data.is_some_and(|data| data.get("operation_id") == Some(&target))
        });
        let mut types: Vec<_> = of_this.map(|event| event["type"].as_s().unwrap()).collect();
        types.sort();
        let (there, mut report) = (estate.tables().await.contains(&cast.target), kept["output"].clone());
        if let Some(report) = report.as_object_mut() {
            let is_its_own =
                |name: &str| ["_at", "_id", "_arn", "target_table"].iter().any(|end| name.ends_with(end));
            report.retain(|name, _| !is_its_own(name));
        }
        let seen = json!({
            "operation": kept["state"],
            "codes": kept["targets"].as_array().unwrap().iter().map(|one| &one["code"]).collect::<Vec<_>>(),
            "report": report,
            "plan": plan["state"],
            "keys": if there { estate.keys(&cast.target).await } else { Vec::new() },
            "tags": if there { estate.tags_of(&cast.target).await } else { Vec::new() },
            "expires_by": if there { estate.expires_by(&cast.target).await } else { None },
            "events": types,
            "state": connection["state"],
        });
        if there {
            estate.delete_table(&cast.target).await;
        }
        seen
    }

    fn connected(&self, cast: Cast) -> Connected {
        cast.connected
    }
}
