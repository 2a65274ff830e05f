//! From nothing to an active connection.

use blackbox::CustomerAccount;
use reqwest::Method;
use serde_json::{Value, json};

use crate::observe;
use crate::row::Row;
use crate::workflow::{Scene, Workflow};

/// A customer and a connection are made, the customer makes the role, the operator submits it.
pub(crate) struct Onboarding;

pub(crate) struct Cast {
    account: CustomerAccount,
    connection: String,
    role_arn: String,
    /// How often the role was submitted until an answer came.
    submitted: u32,
}

impl Workflow for Onboarding {
    const NAME: &'static str = "onboarding";
    type Cast = Cast;

    async fn prepare(&self, scene: &Scene, row: &Row) -> Cast {
        row.own(&[&row.token]).await;
        Cast {
            account: CustomerAccount::on(scene.stack),
            connection: String::new(),
            role_arn: String::new(),
            submitted: 0,
        }
    }

    async fn act(&self, scene: &Scene, row: &Row, cast: &mut Cast) {
        let user = &scene.user;
        let (customer, _) = user.ask(Method::POST, "/v1/customers", Some(&json!({"name": row.token}))).await;
        let customer = customer.expect(201)["customer_id"].as_str().unwrap().to_owned();
        let wanted = json!({"capabilities": ["ec2-power"], "regions": ["us-east-1"], "label": row.token});
        let path = format!("/v1/customers/{customer}/connections");
        let connection = user.ask(Method::POST, &path, Some(&wanted)).await.0.expect(201);
        connection["connection_id"].as_str().unwrap().clone_into(&mut cast.connection);

        // What the operator reads for the customer changes nothing, and is not the row's.
        let setup = user.api.get(&format!("/v1/connections/{}/setup?format=json", cast.connection)).await;
        let name = connection["role_name"].as_str().unwrap();
        cast.role_arn = cast.account.make_role(name, &setup.expect(200)["trust_policy"]).await;

        row.own(&[&cast.connection]).await;
        let path = format!("/v1/connections/{}/role", cast.connection);
        let role = json!({"role_arn": cast.role_arn});
        let (answer, submitted) = user.ask(Method::PUT, &path, Some(&role)).await;
        answer.expect(202);
        cast.submitted = submitted;
    }

    async fn is_over(&self, scene: &Scene, cast: &Cast) -> bool {
        let items = scene.provider.items(&format!("CONNECTION#{}", cast.connection)).await;
        observe::steps(&items, "verification") == Some(false)
    }

    async fn observe(&self, scene: &Scene, row: &str, cast: &Cast) -> Value {
        let mut seen = observe::connection(scene, &cast.connection, &cast.role_arn).await;
        if scene.user.takes_idempotency_keys().await {
            seen["customers"] = json!(observe::count(scene, "name", row).await);
            seen["connections"] = json!(observe::count(scene, "label", row).await);
        }
        if cast.submitted > 1 { without_second_verification(seen) } else { seen }
    }

    fn connection<'a>(&self, cast: &'a Cast) -> &'a str {
        &cast.connection
    }
}

/// Leaves out a verification of the active connection. Where a submission is carried out and not
/// answered, its repetition comes after the connection is active, and submitting an active
/// connection's role again asks for it to be verified again.
fn without_second_verification(mut seen: Value) -> Value {
    let second = ["connection.verification_started", "connection.verified"];
    let Some(events) = seen["events"].as_array_mut() else { return seen };
    let kept = events.len().saturating_sub(second.len());
    if !events[kept..].iter().map(|event| &event["type"]).eq(second) {
        return seen;
    }
    events.truncate(kept);
    if let Some(evidence) = seen["evidence"].as_array_mut() {
        evidence.pop();
    }
    seen["version"] = json!(seen["version"].as_u64().unwrap_or_default() - 2);
    seen
}
