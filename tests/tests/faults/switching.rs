//! A run that stops instances for the night.

use aws_sdk_dynamodb::types::AttributeValue;
use blackbox::Estate;
use reqwest::Method;
use serde_json::{Value, json};

use crate::connected::Connected;
use crate::row::{Fault, Row};
use crate::workflow::{Scene, Workflow};

const REGION: &str = "us-east-1";

/// The operator has two instances stopped that run, and one that somebody has stopped before.
pub(crate) struct Switching;

/// The connection, its instances, and the run.
#[derive(Default)]
pub(crate) struct Cast {
    connected: Connected,
    instances: Vec<String>,
    run: String,
}

impl Cast {
    fn estate(&self, scene: &Scene) -> Estate {
        Estate::on(scene.stack, self.connected.account.as_ref().unwrap(), REGION)
    }
}

impl Workflow for Switching {
    const NAME: &'static str = "office-hours";
    const FAULTS: &'static [Fault] = &Fault::SORTS;
    const ALIKE: u32 = 2;
    const AT_A_TIME: usize = 20;
    type Cast = Cast;

    async fn prepare(&self, scene: &Scene, row: &Row) -> Cast {
        let connected = Connected::active_for(scene, &row.token, &["ec2-power"]).await;
        let mut cast = Cast { connected, ..Cast::default() };
        let estate = cast.estate(scene);
        for _ in 0..3 {
            cast.instances.push(estate.launch().await);
        }
        estate.stop(&cast.instances[2]).await;
        cast
    }

    async fn act(&self, scene: &Scene, row: &Row, cast: &mut Cast) {
        row.own(&[&cast.connected.id]).await;
        let order = json!({
            "connection_ids": [cast.connected.id], "kind": "ec2-stop", "select": {"ids": cast.instances},
        });
        let begun = scene.user.ask(Method::POST, "/v1/runs", Some(&order)).await.0.expect(202);
        begun["run_id"].as_str().unwrap().clone_into(&mut cast.run);
    }

    async fn is_over(&self, scene: &Scene, cast: &Cast) -> bool {
        let items = scene.provider.items(&format!("RUN#{}", cast.run)).await;
        items.get("META").is_some_and(|item| matches!(item.get("finished_at"), Some(AttributeValue::S(_))))
    }

    async fn observe(&self, scene: &Scene, _row: &str, cast: &Cast) -> Value {
        let (user, estate) = (&scene.user, cast.estate(scene));
        let run = user.read(&format!("/v1/runs/{}", cast.run)).await;
        let jobs = user.read(&format!("/v1/runs/{}/jobs", cast.run)).await;
        let connection = user.read(&format!("/v1/connections/{}", cast.connected.id)).await;
        let items = scene.provider.items(&format!("CONNECTION#{}", cast.connected.id)).await;
        let mut instances = Vec::new();
        for id in &cast.instances {
            let jobs = jobs["items"].as_array().unwrap();
            let job = jobs.iter().find(|job| job["resource"] == json!(id));
            let memory = items.get(&format!("POWER#{REGION}#{id}"));
            let found = memory.and_then(|item| item["found"].as_s().ok());
            instances.push(json!({
                "job": job.map(|job| json!([job["state"], job["code"]])),
                "is": estate.state_of(id).await,
                "remembered": found,
            }));
        }
        json!({
            "run": run["state"],
            "counts": run["jobs"],
            "instances": instances,
            "state": connection["state"],
        })
    }

    fn connected(&self, cast: Cast) -> Connected {
        cast.connected
    }
}
