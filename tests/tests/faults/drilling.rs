//! A restore drill: a table comes and goes.

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

/// The operator asks for a drill of the one backup that there is.
pub(crate) struct Drilling;

/// The connection, which keeps its backup, and the run.
#[derive(Default)]
pub(crate) struct Cast {
    connected: Connected,
    run: String,
    /// How many events told of drills before.
    before: usize,
}

impl Cast {
    fn estate(&self, scene: &Scene) -> Estate {
        Estate::on(scene.stack, self.connected.account.as_ref().unwrap(), REGION)
    }

    async fn told(&self, scene: &Scene) -> usize {
        let items = scene.provider.items(&format!("CONNECTION#{}", self.connected.id)).await;
        let kind = AttributeValue::S("backup.drilled".to_owned());
        items.values().filter(|item| item.get("type") == Some(&kind)).count()
    }
}

impl Workflow for Drilling {
    const NAME: &'static str = "drill";
    const FAULTS: &'static [Fault] = &Fault::FEW;
    const ALIKE: u32 = 1;
    const AT_A_TIME: usize = 20;
    type Cast = Cast;

    async fn prepare(&self, scene: &Scene, row: &Row) -> Cast {
        let capabilities = &["dynamodb-backup", "dynamodb-drill", "dynamodb-data"];
        let connected = Connected::keeping_for(scene, &row.token, capabilities).await;
        let mut cast = Cast { connected, ..Cast::default() };
        if cast.connected.kept.is_none() {
            let estate = cast.estate(scene);
            estate.make_bare_table(TABLE).await;
            estate.put_item(TABLE, "one", "first").await;
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
        }
        cast.before = cast.told(scene).await;
        cast
    }

    async fn act(&self, scene: &Scene, row: &Row, cast: &mut Cast) {
        row.own(&[&cast.connected.id]).await;
        let order = json!({
            "connection_ids": [cast.connected.id], "kind": "restore-drill", "select": {"ids": [TABLE]},
        });
        let begun = scene.user.ask(Method::POST, "/v1/runs", Some(&order)).await.0.expect(202);
        begun["run_id"].as_str().unwrap().clone_into(&mut cast.run);
    }

    async fn is_over(&self, scene: &Scene, cast: &Cast) -> bool {
        let items = scene.provider.items(&format!("RUN#{}", cast.run)).await;
        items.get("META").is_some_and(|item| matches!(item.get("finished_at"), Some(AttributeValue::S(_))))
    }

    async fn observe(&self, scene: &Scene, _row: &str, cast: &Cast) -> Value {
        let (user, run) = (&scene.user, &cast.run);
        let told = user.read(&format!("/v1/runs/{run}")).await;
        let jobs = user.read(&format!("/v1/runs/{run}/jobs")).await;
        let jobs: Vec<_> = jobs["items"]
            .as_array()
            .unwrap()
            .iter()
            .map(|job| json!([job["resource"], job["state"], job["code"], job["drill"]["sample"]]))
            .collect();
        let ledger = user.read(&format!("/v1/connections/{}/backups", cast.connected.id)).await;
        let backup = &ledger["items"][0];
        let kept = scene.provider.items(&format!("CONNECTION#{}", cast.connected.id)).await;
        let connection = user.read(&format!("/v1/connections/{}", cast.connected.id)).await;
        json!({
            "run": told["state"],
            "counts": told["jobs"],
            "jobs": jobs,
            "drilled": [&backup["drilled"]["passed"], &json!(backup["drilled"]["run_id"] == run.as_str())],
            "tables": cast.estate(scene).tables().await,
            "remembered": kept.keys().filter(|key| key.starts_with("DRILL#")).count(),
            "told": cast.told(scene).await - cast.before,
            "state": connection["state"],
        })
    }

    fn connected(&self, cast: Cast) -> Connected {
        cast.connected
    }
}
