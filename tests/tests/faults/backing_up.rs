//! A schedule's time comes: its tables are backed up, and what retention does not keep is deleted.

use std::time::Duration;

use aws_sdk_dynamodb::types::AttributeValue;
use blackbox::Estate;
use jiff::{SignedDuration, Timestamp};
use reqwest::Method;
use serde_json::{Value, json};

use crate::connected::Connected;
use crate::row::{Fault, Row};
use crate::workflow::{Scene, Workflow};

/// How long preparing may take, which no fault disturbs.
const PATIENCE: Duration = Duration::from_mins(3);

const REGION: &str = "us-east-1";
const TABLE: &str = "orders";

/// EventBridge tells of a time of a schedule that keeps one backup, when there is one.
pub(crate) struct BackingUp;

/// The connection, its schedule, and the time that comes.
#[derive(Default)]
pub(crate) struct Cast {
    connected: Connected,
    schedule: String,
    time: Timestamp,
    /// How many events of each kind there were before.
    before: (usize, usize),
}

impl Cast {
    fn estate(&self, scene: &Scene) -> Estate {
        Estate::on(scene.stack, self.connected.account.as_ref().unwrap(), REGION)
    }

    /// EventBridge's message.
    async fn fire(&self, scene: &Scene) {
        let time = self.time.to_string();
        let firing = json!({"kind": "scheduled", "schedule_id": self.schedule, "scheduled_time": time});
        scene.provider.send_run(&firing).await;
    }

    fn run(&self) -> String {
        domain::RunId::of_firing(self.schedule.parse().unwrap(), self.time).to_string()
    }

    async fn has_run(&self, scene: &Scene) -> bool {
        let items = scene.provider.items(&format!("RUN#{}", self.run())).await;
        items.get("META").is_some_and(|item| matches!(item.get("finished_at"), Some(AttributeValue::S(_))))
    }

    /// How many backups the connection's events say were made, and deleted.
    async fn told(&self, scene: &Scene) -> (usize, usize) {
        let items = scene.provider.items(&format!("CONNECTION#{}", self.connected.id)).await;
        let of = |kind: &str| {
            let kind = AttributeValue::S(kind.to_owned());
            items.values().filter(|item| item.get("type") == Some(&kind)).count()
        };
        (of("backup.created"), of("backup.deleted"))
    }
}

impl Workflow for BackingUp {
    const NAME: &'static str = "backup";
    const FAULTS: &'static [Fault] = &Fault::FEW;
    const ALIKE: u32 = 2;
    const AT_A_TIME: usize = 20;
    type Cast = Cast;

    async fn prepare(&self, scene: &Scene, row: &Row) -> Cast {
        let connected = Connected::keeping_for(scene, &row.token, &["dynamodb-backup"]).await;
        let mut cast = Cast { connected, time: Timestamp::now(), ..Cast::default() };
        if let Some(schedule) = cast.connected.kept.clone() {
            cast.schedule = schedule;
        } else {
            cast.estate(scene).make_bare_table(TABLE).await;
            let path = format!("/v1/connections/{}/schedules", cast.connected.id);
            let order = json!({
                "kind": "dynamodb-backup", "expression": "at(2099-01-01T00:00:00)", "timezone": "UTC",
                "select": {"names": [TABLE]}, "retention": {"keep_last": 1},
            });
            let made = scene.user.ask(Method::POST, &path, Some(&order)).await.0.expect(201);
            made["schedule_id"].as_str().unwrap().clone_into(&mut cast.schedule);
            cast.connected.kept = Some(cast.schedule.clone());
            cast.fire(scene).await;
            blackbox::eventually_within(PATIENCE, "the first backup is made", async || {
                cast.has_run(scene).await.then_some(())
            })
            .await;
            cast.time += SignedDuration::from_secs(1);
        }
        cast.before = cast.told(scene).await;
        cast
    }

    async fn act(&self, scene: &Scene, row: &Row, cast: &mut Cast) {
        row.own(&[&cast.schedule]).await;
        cast.fire(scene).await;
    }

    async fn is_over(&self, scene: &Scene, cast: &Cast) -> bool {
        cast.has_run(scene).await
    }

    async fn observe(&self, scene: &Scene, _row: &str, cast: &Cast) -> Value {
        let (user, run) = (&scene.user, cast.run());
        let connection = user.read(&format!("/v1/connections/{}", cast.connected.id)).await;
        let told = user.read(&format!("/v1/runs/{run}")).await;
        let jobs = user.read(&format!("/v1/runs/{run}/jobs")).await;
        let jobs: Vec<_> = jobs["items"]
            .as_array()
            .unwrap()
            .iter()
            .map(|job| json!([job["resource"], job["state"], job["code"], job["backup_id"].is_string()]))
            .collect();
        let ledger = user.read(&format!("/v1/connections/{}/backups?limit=100", cast.connected.id)).await;
        let ledger = ledger["items"].as_array().unwrap();
        let in_state = |state: &str| ledger.iter().filter(|backup| backup["state"] == state).count();
        let made = ledger.iter().find(|backup| backup["run_id"] == run.as_str());
        let now = cast.told(scene).await;
        json!({
            "run": told["state"],
            "counts": told["jobs"],
            "jobs": jobs,
            "made": made.map(|backup| json!([backup["state"], backup["schedule_id"] == cast.schedule.as_str()])),
            "available": in_state("available"),
            "neither_available_nor_deleted": ledger.len() - in_state("available") - in_state("deleted"),
            "in_the_account": cast.estate(scene).backup_names().await.len(),
            "told": [now.0 - cast.before.0, now.1 - cast.before.1],
            "state": connection["state"],
        })
    }

    fn connected(&self, cast: Cast) -> Connected {
        cast.connected
    }
}
