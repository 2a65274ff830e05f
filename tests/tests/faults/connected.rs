//! A connection and its role, and how the user comes to it.

use std::time::{Duration, Instant};

use aws_sdk_dynamodb::types::AttributeValue;
use blackbox::CustomerAccount;
use reqwest::Method;
use serde_json::json;

use crate::workflow::Scene;

/// How long preparing and clearing up may take, which no fault disturbs.
const PATIENCE: Duration = Duration::from_mins(2);

/// A connection that is, or was, to have a role.
#[derive(Default)]
pub(crate) struct Connected {
    pub id: String,
    pub role_arn: String,
}

impl Connected {
    /// Makes a customer, a connection and the customer's role, all of this name. The name is long
    /// enough that two of the roles fill more than one grant, so that each has one of its own.
    pub async fn begin(scene: &Scene, name: &str) -> Self {
        let user = &scene.user;
        let (customer, _) = user.ask(Method::POST, "/v1/customers", Some(&json!({"name": name}))).await;
        let customer = customer.expect(201)["customer_id"].as_str().unwrap().to_owned();
        let wanted = json!({"capabilities": ["ec2-power"], "regions": ["us-east-1"], "label": name});
        let path = format!("/v1/customers/{customer}/connections");
        let connection = user.ask(Method::POST, &path, Some(&wanted)).await.0.expect(201);
        let id = connection["connection_id"].as_str().unwrap().to_owned();

        // What the operator reads for the customer changes nothing, and is not the row's.
        let setup = user.api.get(&format!("/v1/connections/{id}/setup?format=json")).await;
        let account = CustomerAccount::on(scene.stack);
        let role_arn = account.make_role(name, &setup.expect(200)["trust_policy"]).await;
        Self { id, role_arn }
    }

    /// Submits the role, and returns how often it took until an answer came.
    pub async fn submit(&self, scene: &Scene) -> u32 {
        let path = format!("/v1/connections/{}/role", self.id);
        let role = json!({"role_arn": self.role_arn});
        let (answer, submitted) = scene.user.ask(Method::PUT, &path, Some(&role)).await;
        answer.expect(202);
        submitted
    }

    /// One that is active.
    pub async fn active(scene: &Scene, name: &str) -> Self {
        let connected = Self::begin(scene, name).await;
        connected.submit(scene).await;
        let begun = Instant::now();
        while !connected.is_idle_with_evidence(scene, 1).await {
            assert!(begun.elapsed() < PATIENCE, "{} does not become active", connected.id);
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
        connected
    }

    /// Whether no verification is running, and this many have ended.
    pub async fn is_idle_with_evidence(&self, scene: &Scene, evidence: usize) -> bool {
        let items = scene.provider.items(&format!("CONNECTION#{}", self.id)).await;
        let running = items.get("META").and_then(|meta| {
            let verification = meta.get("verification")?.as_m().ok()?;
            verification.get("steps")?.as_m().ok()?.get("running")?.as_bool().ok()
        });
        let found = items.keys().filter(|sk| sk.starts_with("EVIDENCE#")).count();
        running == Some(&false) && found >= evidence
    }

    /// Whether the connection has ended.
    pub async fn is_offboarded(&self, scene: &Scene) -> bool {
        let items = scene.provider.items(&format!("CONNECTION#{}", self.id)).await;
        items.get("META").is_some_and(|meta| meta["state"] == AttributeValue::S("offboarded".to_owned()))
    }

    /// Asks for the connection to end. Asked twice, it ends once.
    pub async fn offboard(&self, scene: &Scene) {
        let path = format!("/v1/connections/{}", self.id);
        scene.user.ask(Method::DELETE, &path, None).await.0.expect(202);
    }

    /// Ends the connection, so that its grant is free. Returns what went wrong if it does not end.
    pub async fn clear_up(&self, scene: &Scene) -> Option<String> {
        if self.id.is_empty() {
            return None;
        }
        self.offboard(scene).await;
        let begun = Instant::now();
        while !self.is_offboarded(scene).await {
            if begun.elapsed() > PATIENCE {
                return Some(format!("{} does not end", self.id));
            }
            tokio::time::sleep(Duration::from_millis(500)).await;
        }
        None
    }
}
