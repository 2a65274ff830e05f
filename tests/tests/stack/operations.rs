//! Operations in a customer's account, as an operator asks for them.

use blackbox::{Api, CustomerAccount, Estate, path_of};
use serde_json::{Value, json};

const HOME: &str = "us-east-1";

/// An active connection for these capabilities, and its account.
pub(crate) async fn connected(api: &Api, capabilities: &[&str]) -> (Value, CustomerAccount) {
    let account = CustomerAccount::new();
    let wanted = json!({"capabilities": capabilities, "regions": [HOME]});
    let connection = api.new_connection_for(wanted).await;
    let setup = api.setup(&connection).await;
    let role = account.make_bare_role("r", &setup["trust_policy"]).await;
    account.permit("r", "drawbridge", &setup["permissions_policy"]).await;
    let active = api.onboard(&connection, &role).await;
    assert_eq!(active["state"], "active", "{active:#}");
    (active, account)
}

pub(crate) fn operations(connection: &Value) -> String {
    format!("{}/operations", path_of(connection))
}

pub(crate) fn order(action: &str, input: Value) -> Value {
    let mut order = json!({"action": action, "region": HOME, "reason": "a test"});
    order["input"] = input;
    order
}

#[tokio::test]
async fn what_is_in_an_account_is_listed_and_recorded() {
    let api = Api::operator();
    let (connection, account) = connected(&api, &["ec2-power", "dynamodb-data"]).await;
    let estate = Estate::of(&account, HOME);
    let instance = estate.launch().await;
    estate.make_table("orders").await;

    let done = api.post(&operations(&connection), order("dynamodb:ListTables", json!({}))).await.expect(200);
    assert_eq!((&done["state"], &done["output"]["TableNames"]), (&json!("succeeded"), &json!(["orders"])));
    assert_eq!(done["targets"], json!([{"id": "dynamodb:ListTables", "outcome": "succeeded"}]));
    let session = done["session_name"].as_str().unwrap();
    assert_eq!(session, format!("drawbridge-{}", done["operation_id"].as_str().unwrap()));
    assert!(done["cloudtrail"].as_str().unwrap().contains(session));

    let described =
        api.post(&operations(&connection), order("ec2:DescribeInstances", json!({}))).await.expect(200);
    assert_eq!(described["output"]["Reservations"][0]["Instances"][0]["InstanceId"], json!(instance));
    let key = json!({"pk": {"S": "kept"}});
    let read = order("dynamodb:GetItem", json!({"TableName": "orders", "Key": key}));
    let found = api.post(&operations(&connection), read).await.expect(200);
    assert_eq!(found["output"]["Item"], json!({"pk": {"S": "kept"}}));

    // Read again, it is told without what it brought.
    let again =
        api.get(&format!("/v1/operations/{}", found["operation_id"].as_str().unwrap())).await.expect(200);
    assert_eq!((&again["output"], &again["output_omitted"]), (&Value::Null, &json!(true)));
    assert_eq!((&again["state"], &again["reason"]), (&json!("succeeded"), &json!("a test")));
    let list = api.get(&operations(&connection)).await.expect(200);
    let listed: Vec<_> =
        list["items"].as_array().unwrap().iter().map(|one| one["operation_id"].clone()).collect();
    assert_eq!(listed, [&done, &described, &found].map(|one| one["operation_id"].clone()));
    assert!(list["items"].as_array().unwrap().iter().all(|one| one["output"] == Value::Null));
    let types = api.event_types(&connection).await;
    assert_eq!(types.iter().filter(|kind| *kind == "operation.finished").count(), 3);
}

#[tokio::test]
async fn what_aws_refuses_is_an_answer() {
    let api = Api::operator();
    let (connection, account) = connected(&api, &["ec2-power", "dynamodb-data"]).await;
    let instance = Estate::of(&account, HOME).launch().await;
    let absent = "i-0123456789abcdef0";
    for (action, input, code) in [
        ("dynamodb:GetItem", json!({"TableName": "absent", "Key": {"pk": {"S": "x"}}}), "not_found"),
        ("ec2:RebootInstances", json!({"InstanceIds": [absent]}), "not_found"),
    ] {
        let told = api.post(&operations(&connection), order(action, input)).await.expect(200);
        assert_eq!(
            (&told["state"], &told["targets"][0]["code"]),
            (&json!("failed"), &json!(code)),
            "{told:#}"
        );
        assert_eq!(told["output"], Value::Null);
    }
    // A role that lost a right since it was checked.
    account
        .permit(
            "r",
            "drawbridge",
            &json!({"Version": "2012-10-17", "Statement": [
                {"Effect": "Allow", "Action": "ec2:Describe*", "Resource": "*"},
            ]}),
        )
        .await;
    let told = api
        .post(&operations(&connection), order("ec2:RebootInstances", json!({"InstanceIds": [instance]})))
        .await
        .expect(200);
    assert_eq!((&told["state"], &told["targets"][0]["code"]), (&json!("failed"), &json!("access_denied")));
    let detail = told["targets"][0]["detail"].as_str().unwrap();
    assert!(detail.contains("ec2:RebootInstances") && !detail.contains("assumed-role"), "{detail}");
}

#[tokio::test]
async fn a_dry_run_asks_and_changes_nothing() {
    let api = Api::operator();
    let (connection, account) = connected(&api, &["ec2-power"]).await;
    let estate = Estate::of(&account, HOME);
    let instance = estate.launch().await;
    let before = estate.state().await;
    let mut asked = order("ec2:RebootInstances", json!({"InstanceIds": [instance]}));
    asked["dry_run"] = json!(true);
    let told = api.post(&operations(&connection), asked).await.expect(200);
    assert_eq!((&told["state"], &told["dry_run"]), (&json!("succeeded"), &json!(true)), "{told:#}");
    assert_eq!(estate.state().await, before);
}

#[tokio::test]
async fn what_may_not_be_asked_for_is_refused_before_anything_is() {
    let api = Api::operator();
    let (connection, _) = connected(&api, &["ec2-power"]).await;
    let path = operations(&connection);
    let instances = |ids: Value| json!({"InstanceIds": ids});
    for (body, problem, pointer) in [
        (order("ec2:Reboot", json!({})), (400, "unknown_action"), "/action"),
        (order("dynamodb:ListTables", json!({})), (403, "capability_missing"), "/action"),
        (
            order("ec2:RebootInstances", json!({"InstanceIds": ["i-0123456789abcdef0"], "Force": true})),
            (400, "unknown_field"),
            "/input/Force",
        ),
        (
            order("ec2:RebootInstances", instances(json!([]))),
            (400, "invalid_instance_ids"),
            "/input/InstanceIds",
        ),
        (
            order("ec2:RebootInstances", instances(json!(["*"]))),
            (400, "invalid_instance_id"),
            "/input/InstanceIds/0",
        ),
        (
            order("ec2:RebootInstances", instances(json!(["i-0123456789abcdef0/../*"]))),
            (400, "invalid_instance_id"),
            "/input/InstanceIds/0",
        ),
        (order("ec2:RebootInstances", json!([])), (400, "invalid_type"), "/input"),
        (
            json!({"action": "ec2:RebootInstances", "region": "eu-west-1", "input": {}}),
            (422, "region_not_connected"),
            "/region",
        ),
        (json!({"action": "ec2:RebootInstances", "region": "nowhere"}), (400, "invalid_region"), "/region"),
        (json!({"region": HOME}), (400, "missing_field"), "/action"),
    ] {
        let refused = api.post(&path, body.clone()).await;
        assert_eq!(refused.problem(), problem, "{body}");
        assert_eq!(refused.pointers(), [pointer], "{body}");
    }
    let list = api.get(&path).await.expect(200);
    assert_eq!(list["items"], json!([]), "a refusal is no operation");
}

#[tokio::test]
async fn only_what_is_accepted_is_acted_in() {
    let api = Api::operator();
    let pending = api.new_connection().await;
    let refused = api.post(&operations(&pending), order("ec2:DescribeInstances", json!({}))).await;
    assert_eq!(refused.problem(), (409, "connection_not_active"));
    let (connection, _) = connected(&api, &["ec2-terminate"]).await;
    let plan = order("ec2:TerminateInstances", json!({"InstanceIds": ["i-0123456789abcdef0"]}));
    assert_eq!(api.post(&operations(&connection), plan).await.problem(), (422, "plan_required"));
    assert_eq!(
        api.get("/v1/operations/op_0193b2c0000070008000000000000001").await.problem(),
        (404, "not_found")
    );
    let nobody = Api::unsigned().post(&operations(&connection), order("ec2:DescribeVpcs", json!({}))).await;
    assert_eq!(nobody.status, 403);
}

#[tokio::test]
async fn an_operation_that_is_sent_twice_is_carried_out_once() {
    let api = Api::operator();
    let (connection, account) = connected(&api, &["dynamodb-data"]).await;
    Estate::of(&account, HOME).make_table("orders").await;
    let read = order("dynamodb:GetItem", json!({"TableName": "orders", "Key": {"pk": {"S": "kept"}}}));
    let key = uuid::Uuid::new_v4().to_string();
    let first = api.post_once(&operations(&connection), &read, &key).await.expect(200);
    assert_eq!(first["output"]["Item"]["pk"], json!({"S": "kept"}));
    let replayed = api.post_once(&operations(&connection), &read, &key).await;
    assert_eq!(replayed.headers.get("idempotency-replayed").map(String::as_str), Some("true"));
    let again = replayed.expect(200);
    assert_eq!(again["operation_id"], first["operation_id"]);
    assert_eq!((&again["output"], &again["output_omitted"]), (&Value::Null, &json!(true)));
    assert_eq!(api.get(&operations(&connection)).await.expect(200)["items"].as_array().unwrap().len(), 1);
}
