//! An operation in a customer's account.
//!
//! What AWS refuses or fails to answer is an answer to whoever asked, who asks anew. So what must be
//! as in a clean run is where that ends: with an operation that succeeded and is recorded so.

use reqwest::Method;
use serde_json::{Value, json};

use crate::connected::Connected;
use crate::row::Row;
use crate::workflow::{Scene, Workflow};

/// How often the operator asks anew.
const PATIENCE: usize = 5;

/// The operator lists the customer's tables.
pub(crate) struct Operating;

/// The connection, and what the operator was told in the end.
#[derive(Default)]
pub(crate) struct Cast {
    connected: Connected,
    told: Value,
}

impl Workflow for Operating {
    const NAME: &'static str = "operation";
    type Cast = Cast;

    async fn prepare(&self, scene: &Scene, row: &Row) -> Cast {
        Cast { connected: Connected::active(scene, &row.token).await, told: Value::Null }
    }

    async fn act(&self, scene: &Scene, row: &Row, cast: &mut Cast) {
        row.own(&[&cast.connected.id]).await;
        let path = format!("/v1/connections/{}/operations", cast.connected.id);
        let order = json!({"action": "dynamodb:ListTables", "region": "us-east-1", "input": {}});
        for _ in 0..PATIENCE {
            cast.told = scene.user.ask(Method::POST, &path, Some(&order)).await.0.expect(200);
            if cast.told["state"] == "succeeded" {
                return;
            }
        }
    }

    async fn is_over(&self, _scene: &Scene, cast: &Cast) -> bool {
        !cast.told.is_null()
    }

    async fn observe(&self, scene: &Scene, _row: &str, cast: &Cast) -> Value {
        let id = cast.told["operation_id"].as_str().unwrap();
        let kept = scene.user.read(&format!("/v1/operations/{id}")).await;
        let connection = scene.user.read(&format!("/v1/connections/{}", cast.connected.id)).await;
        let events =
            scene.user.read(&format!("/v1/connections/{}/events?limit=100", cast.connected.id)).await;
        let events = events["items"].as_array().unwrap();
        let of_this = events.iter().filter(|event| event["data"]["operation_id"] == id);
        json!({
            "told": cast.told["state"],
            "kept": {"state": kept["state"], "targets": kept["targets"]},
            "events": of_this.map(|event| &event["data"]["state"]).collect::<Vec<_>>(),
            "state": connection["state"],
        })
    }

    fn connected(&self, cast: Cast) -> Connected {
        cast.connected
    }
}
