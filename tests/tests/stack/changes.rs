//! Changing what a connection is for.

use blackbox::{Api, CustomerAccount, path_of};
use reqwest::Method;
use serde_json::json;

#[tokio::test]
async fn other_capabilities_verify_the_role_again() {
    let (api, account) = (Api::operator(), CustomerAccount::new());
    let (active, _) = api.active_connection(&account).await;
    let path = path_of(&active);
    let change = json!({"capabilities": ["ec2-power", "dynamodb-backup"], "regions": ["eu-central-1"]});
    let changed = api.patch(&path, change.clone()).await.expect(202);
    assert_eq!((&changed["state"], &changed["verification"]), (&json!("active"), &json!("running")));
    assert_eq!(changed["regions"], json!(["eu-central-1"]));
    let settled = api.settled(&active).await;
    assert_eq!(settled["state"], "active");
    assert_eq!(settled["capabilities"], changed["capabilities"]);
    let events = api.events(&active).await;
    assert_eq!(events[3]["type"], "connection.changed");
    assert_eq!(events[3]["data"]["regions"], json!(["eu-central-1"]));

    // The same again changes nothing, a label verifies nothing.
    assert_eq!(api.patch(&path, change).await.expect(202), settled);
    assert_eq!(api.patch(&path, json!({})).await.expect(202), settled);
    let labelled = api.patch(&path, json!({"label": "production"})).await.expect(202);
    assert_eq!((&labelled["label"], &labelled["verification"]), (&json!("production"), &json!("idle")));
    let bare = api.patch(&path, json!({"label": null})).await.expect(202);
    assert_eq!(bare["label"], json!(null));
    assert_eq!(api.events(&active).await.len(), events.len() + 2);
}

#[tokio::test]
async fn before_there_is_a_role_a_change_is_only_noted() {
    let api = Api::operator();
    let connection = api.new_connection().await;
    let change = json!({"capabilities": ["dynamodb-backup"]});
    let changed = api.patch(&path_of(&connection), change).await.expect(202);
    assert_eq!((&changed["state"], &changed["verification"]), (&json!("pending_role"), &json!("idle")));
    assert_eq!(changed["capabilities"], json!(["dynamodb-backup"]));
    let setup = api.setup(&connection).await;
    assert!(setup["permissions_policy"].to_string().contains("dynamodb:CreateBackup"));
}

#[tokio::test]
async fn a_change_while_it_is_verified_begins_anew() {
    let (api, account) = (Api::operator(), CustomerAccount::new());
    let connection = api.new_connection().await;
    let trust = api.setup(&connection).await["trust_policy"].clone();
    let role = account.make_role("r", &trust).await;
    api.submit(&connection, &role).await.expect(202);
    let changed = api.patch(&path_of(&connection), json!({"regions": ["us-west-2"]})).await.expect(202);
    assert_eq!((&changed["state"], &changed["verification"]), (&json!("verifying"), &json!("running")));
    let settled = api.settled(&connection).await;
    assert_eq!((&settled["state"], &settled["regions"]), (&json!("active"), &json!(["us-west-2"])));
    let ended: Vec<_> =
        api.events(&connection).await.into_iter().filter(|event| event["data"]["to"] == "active").collect();
    assert_eq!(ended.len(), 1, "the verification before it has no outcome of its own");
}

#[tokio::test]
async fn mistakes_are_named_and_change_nothing() {
    let api = Api::operator();
    let connection = api.new_connection().await;
    let path = path_of(&connection);
    for (body, code, pointer) in [
        (json!({"capabilities": []}), (400, "capabilities_empty"), "/capabilities"),
        (json!({"capabilities": ["ec2-fly"]}), (400, "unknown_capability"), "/capabilities/0"),
        (json!({"capabilities": ["classic", "ec2-power"]}), (422, "classic_stands_alone"), "/capabilities"),
        (json!({"regions": []}), (400, "regions_empty"), "/regions"),
        (json!({"regions": ["cn-north-1"]}), (400, "region_partition_unsupported"), "/regions/0"),
        (json!({"label": ""}), (400, "invalid_label"), "/label"),
        (json!({"external_id": "mine"}), (400, "unknown_field"), "/external_id"),
        (json!({"account_id": "123456789012"}), (400, "unknown_field"), "/account_id"),
    ] {
        let refused = api.patch(&path, body.clone()).await;
        assert_eq!(refused.problem(), code, "{body}");
        assert_eq!(refused.pointers(), [pointer], "{body}");
    }
    assert_eq!(api.look(&connection).await, connection);
}

#[tokio::test]
async fn what_is_stale_is_refused_everywhere() {
    let api = Api::operator();
    let connection = api.new_connection().await;
    let (path, invite) = (path_of(&connection), format!("{}/invite", path_of(&connection)));
    let stale = [("if-match", "\"7\"")];
    let change = Some(json!({"label": "x"}).to_string());
    for (method, path, body) in [
        (Method::PATCH, &path, change.clone()),
        (Method::DELETE, &path, None),
        (Method::DELETE, &invite, None),
    ] {
        let refused = api.send_with(method.clone(), path, body, &stale).await;
        assert_eq!(refused.problem(), (412, "version_mismatch"), "{method} {path}");
    }
    assert_eq!(api.look(&connection).await, connection);
    let current = [("if-match", "\"1\"")];
    api.send_with(Method::PATCH, &path, change, &current).await.expect(202);
    let gone = api.send_with(Method::DELETE, &path, None, &[("if-match", "\"2\"")]).await.expect(202);
    assert_eq!(gone["state"], "offboarding");
}
