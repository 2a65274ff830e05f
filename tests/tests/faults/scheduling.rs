//! Schedules are made, changed and deleted, and EventBridge holds what the table says.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use reqwest::Method;
use serde_json::{Value, json};

use crate::connected::Connected;
use crate::row::{Fault, Row};
use crate::workflow::{Scene, Workflow};

/// How long preparing may take, which no fault disturbs.
const PATIENCE: Duration = Duration::from_mins(3);

/// How long after it is published it is looked what a schedule promises.
const SETTLED: SignedDuration = SignedDuration::from_secs(5);

const BACKUP: &[&str] = &["dynamodb-backup"];

/// What is scheduled: nothing that comes in the time of a test.
fn order() -> Value {
    json!({
        "kind": "dynamodb-backup", "expression": "at(2099-01-01T00:00:00)", "timezone": "Europe/Berlin",
        "select": {"names": ["*"]}, "retention": {"keep_last": 1},
    })
}

/// The connection and its schedule.
#[derive(Default)]
pub(crate) struct Cast {
    connected: Connected,
    schedule: String,
}

impl Cast {
    async fn schedule(&mut self, scene: &Scene) {
        let path = format!("/v1/connections/{}/schedules", self.connected.id);
        let made = scene.user.ask(Method::POST, &path, Some(&order())).await.0.expect(201);
        made["schedule_id"].as_str().unwrap().clone_into(&mut self.schedule);
    }

    /// What the table says was done at EventBridge.
    async fn is_published(&self, scene: &Scene) -> bool {
        let items = scene.provider.items(&format!("SCHEDULE#{}", self.schedule)).await;
        items.get("META").is_some_and(|meta| {
            let number = |name: &str| meta.get(name).and_then(|value| value.as_n().ok());
            number("published") == number("version")
        })
    }

    /// Whether the backups of the connection were looked at for what was scheduled then: a look that comes
    /// sooner is for what a row before has deleted.
    async fn was_looked_at(&self, scene: &Scene, since: Timestamp) -> bool {
        let items = scene.provider.items(&format!("CONNECTION#{}", self.connected.id)).await;
        let looked = items.get("FRESHNESS_LOOKED").and_then(|item| item.get("looked_at")?.as_s().ok());
        looked.and_then(|at| at.parse::<Timestamp>().ok()).is_some_and(|at| at > since + SETTLED)
    }

    async fn is_gone(&self, scene: &Scene) -> bool {
        scene.provider.items(&format!("SCHEDULE#{}", self.schedule)).await.is_empty()
    }

    async fn observe(&self, scene: &Scene) -> Value {
        let connection = scene.user.read(&format!("/v1/connections/{}", self.connected.id)).await;
        let held = scene.provider.schedule(&self.schedule).await;
        let mine = |item: &&Value| item["schedule_id"] == self.schedule.as_str();
        let list = format!("/v1/connections/{}/schedules?limit=100", self.connected.id);
        let list = scene.user.read(&list).await;
        let shown = list["items"].as_array().unwrap().iter().find(mine).cloned();
        let shown = shown.map(|shown| json!([shown["expression"], shown["enabled"], shown["problem"]]));
        json!({
            "held": held.map(|held| [held.expression, held.timezone, held.state]),
            "shown": shown,
            "state": connection["state"],
        })
    }
}

/// The operator makes a schedule and disables it.
pub(crate) struct Scheduling;

impl Workflow for Scheduling {
    const NAME: &'static str = "schedule";
    const FAULTS: &'static [Fault] = &Fault::SORTS;
    type Cast = Cast;

    async fn prepare(&self, scene: &Scene, row: &Row) -> Cast {
        Cast { connected: Connected::active_for(scene, &row.token, BACKUP).await, ..Cast::default() }
    }

    async fn act(&self, scene: &Scene, row: &Row, cast: &mut Cast) {
        row.own(&[&cast.connected.id]).await;
        cast.schedule(scene).await;
        row.own(&[&cast.schedule]).await;
        let path = format!("/v1/schedules/{}", cast.schedule);
        scene.user.ask(Method::PATCH, &path, Some(&json!({"enabled": false}))).await.0.expect(200);
    }

    async fn is_over(&self, scene: &Scene, cast: &Cast) -> bool {
        cast.is_published(scene).await
    }

    async fn observe(&self, scene: &Scene, _row: &str, cast: &Cast) -> Value {
        cast.observe(scene).await
    }

    fn connected(&self, cast: Cast) -> Connected {
        cast.connected
    }
}

/// The operator deletes a schedule.
pub(crate) struct Unscheduling;

impl Workflow for Unscheduling {
    const NAME: &'static str = "schedule-deletion";
    const FAULTS: &'static [Fault] = &Fault::SORTS;
    type Cast = Cast;

    async fn prepare(&self, scene: &Scene, row: &Row) -> Cast {
        let connected = Connected::active_for(scene, &row.token, BACKUP).await;
        let mut cast = Cast { connected, ..Cast::default() };
        let since = Timestamp::now();
        cast.schedule(scene).await;
        blackbox::eventually_within(PATIENCE, "EventBridge holds it", async || {
            cast.is_published(scene).await.then_some(())
        })
        .await;
        // What it promises is looked at a moment later: that is no part of the deletion.
        blackbox::eventually_within(PATIENCE, "what it promises is looked at", async || {
            cast.was_looked_at(scene, since).await.then_some(())
        })
        .await;
        cast
    }

    async fn act(&self, scene: &Scene, row: &Row, cast: &mut Cast) {
        row.own(&[&cast.schedule]).await;
        let path = format!("/v1/schedules/{}", cast.schedule);
        let (answer, _) = scene.user.ask(Method::DELETE, &path, None).await;
        assert!(matches!(answer.status, 204 | 404), "{answer:?}");
    }

    async fn is_over(&self, scene: &Scene, cast: &Cast) -> bool {
        cast.is_gone(scene).await
    }

    async fn observe(&self, scene: &Scene, _row: &str, cast: &Cast) -> Value {
        cast.observe(scene).await
    }

    fn connected(&self, cast: Cast) -> Connected {
        cast.connected
    }
}
