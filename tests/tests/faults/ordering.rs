//! A run that somebody asks for, and that finds nothing to do.

use aws_sdk_dynamodb::types::AttributeValue;
use reqwest::Method;
use serde_json::{Value, json};

use crate::connected::Connected;
use crate::row::{Fault, Row};
use crate::workflow::{Scene, Workflow};

/// The operator asks for a run over a connection without such a table.
pub(crate) struct Ordering;

/// The connection and the run.
#[derive(Default)]
pub(crate) struct Cast {
    connected: Connected,
    run: String,
}

impl Workflow for Ordering {
    const NAME: &'static str = "run";
    const FAULTS: &'static [Fault] = &[Fault::KilledAfter];
    const ALIKE: u32 = 2;
    const AT_A_TIME: usize = 20;
    type Cast = Cast;

    async fn prepare(&self, scene: &Scene, row: &Row) -> Cast {
        let connected = Connected::active_for(scene, &row.token, &["dynamodb-backup"]).await;
        Cast { connected, ..Cast::default() }
    }

    async fn act(&self, scene: &Scene, row: &Row, cast: &mut Cast) {
        row.own(&[&cast.connected.id]).await;
        let order = json!({
            "connection_ids": [cast.connected.id], "kind": "dynamodb-backup", "select": {"names": [row.token]},
        });
        let begun = scene.user.ask(Method::POST, "/v1/runs", Some(&order)).await.0.expect(202);
        begun["run_id"].as_str().unwrap().clone_into(&mut cast.run);
    }

    async fn is_over(&self, scene: &Scene, cast: &Cast) -> bool {
        let items = scene.provider.items(&format!("RUN#{}", cast.run)).await;
        items.get("META").is_some_and(|item| matches!(item.get("finished_at"), Some(AttributeValue::S(_))))
    }

    async fn observe(&self, scene: &Scene, row: &str, cast: &Cast) -> Value {
        let run = scene.user.read(&format!("/v1/runs/{}", cast.run)).await;
        let path = format!("/v1/runs?connection_id={}&limit=100", cast.connected.id);
        let all = scene.user.read(&path).await;
        let mine = |run: &&Value| run["select"]["names"] == json!([row]);
        let connection = scene.user.read(&format!("/v1/connections/{}", cast.connected.id)).await;
        json!({
            "run": run["state"],
            "counts": run["jobs"],
            "runs": all["items"].as_array().unwrap().iter().filter(mine).count(),
            "state": connection["state"],
        })
    }

    fn connected(&self, cast: Cast) -> Connected {
        cast.connected
    }
}
