//! What AWS takes at once and does in minutes: it has succeeded when the state is reached.

use blackbox::{Api, Estate, Provider, Stack, eventually};
use serde_json::{Value, json};

use crate::operations::{connected, operations, order};

/// The operation as it is in the end.
async fn ended(api: &Api, begun: &Value) -> Value {
    let path = format!("/v1/operations/{}", begun["operation_id"].as_str().unwrap());
    eventually("the operation ends", async || {
        let now = api.get(&path).await.expect(200);
        Some(now).filter(|now| now["state"] != "running")
    })
    .await
}

#[tokio::test]
async fn stopping_and_starting_mean_it() {
    let api = Api::operator();
    let (connection, account) = connected(&api, &["ec2-power"]).await;
    let estate = Estate::of(&account, "us-east-1");
    let instance = estate.launch().await;
    for (action, state) in [("ec2:StopInstances", "stopped"), ("ec2:StartInstances", "running")] {
        let asked = order(action, json!({"InstanceIds": [instance]}));
        let begun = api.post(&operations(&connection), asked).await.expect(202);
        assert_eq!((&begun["state"], &begun["output"]), (&json!("running"), &Value::Null), "{begun:#}");
        assert_eq!(begun["targets"], json!([{"id": instance, "outcome": "queued"}]));
        let ended = ended(&api, &begun).await;
        assert_eq!(ended["state"], "succeeded", "{ended:#}");
        assert_eq!(ended["targets"], json!([{"id": instance, "outcome": "succeeded"}]));
        assert!(ended["finished_at"].is_string() && !ended["request_ids"].as_array().unwrap().is_empty());
        assert_eq!(estate.state_of(&instance).await.as_deref(), Some(state));
        // Asked for once more, nothing is left to do.
        let again =
            api.post(&operations(&connection), order(action, json!({"InstanceIds": [instance]}))).await;
        assert_eq!(ended_state(&api, &again.expect(202)).await, "succeeded");
    }
    let types = api.event_types(&connection).await;
    assert_eq!(types.iter().filter(|kind| *kind == "operation.finished").count(), 4, "one each");
}

async fn ended_state(api: &Api, begun: &Value) -> Value {
    ended(api, begun).await["state"].clone()
}

#[tokio::test]
async fn one_bad_instance_does_not_keep_the_others() {
    let api = Api::operator();
    let (connection, account) = connected(&api, &["ec2-power"]).await;
    let estate = Estate::of(&account, "us-east-1");
    let (good, other, absent) = (estate.launch().await, estate.launch().await, "i-0123456789abcdef0");
    let asked = order("ec2:StopInstances", json!({"InstanceIds": [good, absent, other], "Force": true}));
    let begun = api.post(&operations(&connection), asked).await.expect(202);
    let ended = ended(&api, &begun).await;
    assert_eq!(ended["state"], "partial", "{ended:#}");
    let told: Vec<_> = ended["targets"]
        .as_array()
        .unwrap()
        .iter()
        .map(|target| {
            (target["id"].as_str().unwrap(), target["outcome"].as_str().unwrap(), target["code"].as_str())
        })
        .collect();
    let expected = [
        (good.as_str(), "succeeded", None),
        (absent, "failed", Some("not_found")),
        (other.as_str(), "succeeded", None),
    ];
    assert_eq!(told, expected);
    assert_eq!(estate.state_of(&good).await.as_deref(), Some("stopped"));
    assert_eq!(estate.state_of(&other).await.as_deref(), Some("stopped"));
}

#[tokio::test]
async fn a_right_that_is_gone_is_told_with_what_mends_it() {
    let api = Api::operator();
    let (connection, account) = connected(&api, &["ec2-power"]).await;
    let estate = Estate::of(&account, "us-east-1");
    let instance = estate.launch().await;
    let may = |actions: Value| json!({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": actions, "Resource": "*"}]});
    account.permit("r", "drawbridge", &may(json!(["ec2:Describe*"]))).await;
    let asked = order("ec2:StopInstances", json!({"InstanceIds": [instance]}));
    let begun = api.post(&operations(&connection), asked.clone()).await.expect(202);
    let told = ended(&api, &begun).await;
    assert_eq!(
        (&told["state"], &told["targets"][0]["code"]),
        (&json!("failed"), &json!("access_denied")),
        "{told:#}"
    );
    assert!(told["targets"][0]["detail"].as_str().unwrap().contains("ec2:StopInstances"));
    assert_eq!(estate.state_of(&instance).await.as_deref(), Some("running"));

    // The role refuses its session altogether.
    let nobody = json!({"Version": "2012-10-17", "Statement": [{
        "Effect": "Deny", "Principal": {"AWS": "*"}, "Action": "sts:AssumeRole",
    }]});
    account.change_trust("r", &nobody).await;
    let begun = api.post(&operations(&connection), asked).await.expect(202);
    let told = ended(&api, &begun).await;
    assert_eq!(told["targets"][0]["code"], "role_not_assumable", "{told:#}");
}

#[tokio::test]
async fn what_lasts_is_begun_once() {
    let api = Api::operator();
    let (connection, account) = connected(&api, &["ec2-power"]).await;
    let instance = Estate::of(&account, "us-east-1").launch().await;
    let asked = order("ec2:StopInstances", json!({"InstanceIds": [instance]}));
    let key = uuid::Uuid::new_v4().to_string();
    let first = api.post_once(&operations(&connection), &asked, &key).await.expect(202);
    let again = api.post_once(&operations(&connection), &asked, &key).await.expect(202);
    assert_eq!(first["operation_id"], again["operation_id"]);
    assert_eq!(ended_state(&api, &first).await, "succeeded");
    assert_eq!(api.get(&operations(&connection)).await.expect(200)["items"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn a_dry_run_of_it_is_answered_at_once() {
    let api = Api::operator();
    let (connection, account) = connected(&api, &["ec2-power"]).await;
    let estate = Estate::of(&account, "us-east-1");
    let instance = estate.launch().await;
    let before = estate.state().await;
    let mut asked = order("ec2:StopInstances", json!({"InstanceIds": [instance]}));
    asked["dry_run"] = json!(true);
    let told = api.post(&operations(&connection), asked).await.expect(200);
    assert_eq!(told["state"], "succeeded", "{told:#}");
    assert_eq!(estate.state().await, before);
}

/// Messages that cannot be read, that come twice, late, or about nothing, harm nobody.
#[tokio::test]
async fn a_message_that_means_nothing_harms_no_operation() {
    let (api, provider) = (Api::operator(), Provider::of(Stack::get()));
    let (connection, account) = connected(&api, &["ec2-power"]).await;
    let instance = Estate::of(&account, "us-east-1").launch().await;
    let broken = format!("{{\"kind\":\"{}\"}}", uuid::Uuid::new_v4());
    provider.send_job(&broken).await;
    let asked = order("ec2:StopInstances", json!({"InstanceIds": [instance]}));
    let begun = api.post(&operations(&connection), asked).await.expect(202);
    let step = |operation: &str, step: u32| {
        json!({
            "kind": "operation", "connection_id": connection["connection_id"], "operation_id": operation,
            "step": step, "deadline": "2999-01-01T00:00:00Z",
        })
        .to_string()
    };
    let id = begun["operation_id"].as_str().unwrap();
    for number in [0, 0, 1, 7] {
        provider.send_job(&step(id, number)).await;
    }
    provider.send_job(&step("op_0193b2c0000070008000000000000001", 0)).await;
    assert_eq!(ended_state(&api, &begun).await, "succeeded");
    let types = api.event_types(&connection).await;
    assert_eq!(types.iter().filter(|kind| *kind == "operation.finished").count(), 1, "told once");
    eventually("it is a dead letter", async || provider.dead_letters().await.contains(&broken).then_some(()))
        .await;
}
