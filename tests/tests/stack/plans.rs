//! What cannot be undone: planned, shown, and carried out once.

use blackbox::{Api, CustomerAccount, Estate, path_of};
use reqwest::Method;
use serde_json::{Value, json};

const HOME: &str = "us-east-1";

/// An active connection for these capabilities, and what is in its account.
async fn connected(api: &Api, capabilities: &[&str]) -> (Value, CustomerAccount, Estate) {
    let account = CustomerAccount::new();
    let wanted = json!({"capabilities": capabilities, "regions": [HOME]});
    let connection = api.new_connection_for(wanted).await;
    let setup = api.setup(&connection).await;
    let role = account.make_bare_role("r", &setup["trust_policy"]).await;
    account.permit("r", "drawbridge", &setup["permissions_policy"]).await;
    let active = api.onboard(&connection, &role).await;
    assert_eq!(active["state"], "active", "{active:#}");
    let estate = Estate::of(&account, HOME);
    (active, account, estate)
}

fn plans(connection: &Value) -> String {
    format!("{}/plans", path_of(connection))
}

fn order(action: &str, input: Value) -> Value {
    let mut order = json!({"action": action, "region": HOME, "reason": "a test"});
    order["input"] = input;
    order
}

fn path(plan: &Value) -> String {
    format!("/v1/plans/{}", plan["plan_id"].as_str().unwrap())
}

fn apply(plan: &Value) -> String {
    format!("{}/apply", path(plan))
}

/// The codes of a plan's warnings.
fn warned(plan: &Value) -> Vec<&str> {
    plan["warnings"].as_array().unwrap().iter().map(|warning| warning["code"].as_str().unwrap()).collect()
}

/// Plans, and holds what is shown afterwards against what was answered.
async fn planned(api: &Api, connection: &Value, action: &str, input: Value) -> Value {
    let plan = api.post(&plans(connection), order(action, input)).await.expect(201);
    assert_eq!(
        (&plan["state"], &plan["action"], &plan["version"]),
        (&json!("pending"), &json!(action), &json!(1))
    );
    assert_eq!(api.get(&path(&plan)).await.expect(200), plan);
    plan
}

/// Applies a plan, waits for what carries it out, and returns that.
async fn applied(api: &Api, plan: &Value) -> Value {
    let answer = api.send(Method::POST, &apply(plan), None).await;
    let begun = match answer.status {
        202 => answer.expect(202),
        _ => answer.expect(200),
    };
    let id = begun["operation_id"].as_str().unwrap();
    let operation = blackbox::eventually("the operation ends", async || {
        let now = api.get(&format!("/v1/operations/{id}")).await.expect(200);
        Some(now).filter(|now| now["state"] != "running")
    })
    .await;
    assert_eq!(operation["plan_id"], plan["plan_id"]);
    let now = api.get(&path(plan)).await.expect(200);
    assert_eq!((&now["state"], &now["version"]), (&json!("applied"), &json!(2)));
    assert_eq!((&now["operation_id"], &now["targets"]), (&operation["operation_id"], &plan["targets"]));
    operation
}

#[tokio::test]
async fn instances_are_terminated_by_a_plan() {
    let api = Api::operator();
    let (connection, _, estate) = connected(&api, &["ec2-terminate"]).await;
    let (instance, kept) = (estate.launch().await, estate.launch().await);
    estate.tag(&instance, "Name", "web-1").await;
    let volumes = estate.volumes_of(&instance).await;
    assert!(!volumes.is_empty());
    let input = json!({"InstanceIds": [instance]});
    let before = estate.state().await;
    let operations = format!("{}/operations", path_of(&connection));
    let refused = api.post(&operations, order("ec2:TerminateInstances", input.clone())).await;
    assert_eq!(refused.problem(), (422, "plan_required"));
    assert_eq!(refused.pointers(), ["/action"]);

    let plan = planned(&api, &connection, "ec2:TerminateInstances", input).await;
    let facts = &plan["targets"][0]["facts"];
    assert_eq!((&facts["name"], &facts["state"]), (&json!("web-1"), &json!("running")), "{plan:#}");
    let radius = &plan["blast_radius"];
    assert_eq!(
        (&radius["instances"], &radius["volumes_deleted"]),
        (&json!(1), &json!(volumes.len())),
        "{plan:#}"
    );
    assert_eq!(radius["deleted_volumes"][0]["volume"], json!(volumes[0]));
    assert!(radius["volumes_deleted_gib"].as_i64().unwrap() > 0, "{plan:#}");
    assert_eq!(estate.state().await, before, "a plan changes nothing");

    let done = applied(&api, &plan).await;
    assert_eq!((&done["state"], &done["reason"]), (&json!("succeeded"), &json!("a test")), "{done:#}");
    let state = estate.state_of(&instance).await;
    assert!(matches!(state.as_deref(), None | Some("shutting-down" | "terminated")), "{state:?}");
    assert_eq!(estate.state_of(&kept).await.as_deref(), Some("running"));
    assert_eq!(api.send(Method::POST, &apply(&plan), None).await.problem(), (409, "plan_already_applied"));
    let types = api.event_types(&connection).await;
    for kind in ["plan.created", "plan.applied", "operation.finished"] {
        assert_eq!(types.iter().filter(|told| *told == kind).count(), 1, "{types:?}");
    }
}
