//! An operation that lasts, in a customer's account.

use aws_sdk_dynamodb::types::AttributeValue;
use blackbox::Estate;
use reqwest::Method;
use serde_json::{Value, json};

use crate::connected::Connected;
use crate::row::Row;
use crate::workflow::{Scene, Workflow};

const REGION: &str = "us-east-1";

/// The operator stops an instance.
pub(crate) struct Powering;

/// The connection, its instance, and the operation.
#[derive(Default)]
pub(crate) struct Cast {
    connected: Connected,
    instance: String,
    operation: String,
}

impl Cast {
    fn estate(&self, scene: &Scene) -> Estate {
        Estate::on(scene.stack, self.connected.account.as_ref().unwrap(), REGION)
    }
}

impl Workflow for Powering {
    const NAME: &'static str = "operation-that-lasts";
    type Cast = Cast;

    async fn prepare(&self, scene: &Scene, row: &Row) -> Cast {
        let connected = Connected::active_for(scene, &row.token, &["ec2-power"]).await;
        let mut cast = Cast { connected, ..Cast::default() };
        cast.instance = cast.estate(scene).launch().await;
        cast
    }

    async fn act(&self, scene: &Scene, row: &Row, cast: &mut Cast) {
        row.own(&[&cast.connected.id]).await;
        let path = format!("/v1/connections/{}/operations", cast.connected.id);
        let order = json!({
            "action": "ec2:StopInstances", "region": REGION, "input": {"InstanceIds": [cast.instance]},
        });
        let begun = scene.user.ask(Method::POST, &path, Some(&order)).await.0.expect(202);
        begun["operation_id"].as_str().unwrap().clone_into(&mut cast.operation);
    }

    async fn is_over(&self, scene: &Scene, cast: &Cast) -> bool {
        let items = scene.provider.items(&format!("OPERATION#{}", cast.operation)).await;
        items.get("META").is_some_and(|item| item["state"] != AttributeValue::S("running".to_owned()))
    }

    async fn observe(&self, scene: &Scene, _row: &str, cast: &Cast) -> Value {
        let user = &scene.user;
        let kept = user.read(&format!("/v1/operations/{}", cast.operation)).await;
        let connection = user.read(&format!("/v1/connections/{}", cast.connected.id)).await;
        let path = format!("/v1/connections/{}/events?limit=100", cast.connected.id);
        let events = user.read(&path).await;
        let events = events["items"].as_array().unwrap();
        let of_this = events.iter().filter(|event| event["data"]["operation_id"] == cast.operation);
        let outcomes: Vec<_> =
            kept["targets"].as_array().unwrap().iter().map(|target| &target["outcome"]).collect();
        json!({
            "operation": kept["state"],
            "targets": outcomes,
            "instance": cast.estate(scene).state_of(&cast.instance).await,
            "events": of_this.map(|event| &event["data"]["state"]).collect::<Vec<_>>(),
            "state": connection["state"],
        })
    }

    fn connected(&self, cast: Cast) -> Connected {
        cast.connected
    }
}
