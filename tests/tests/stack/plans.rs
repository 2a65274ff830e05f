//! What cannot be undone: planned, shown, and carried out once.

use blackbox::{Api, CustomerAccount, Estate, Stack, path_of};
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

#[tokio::test]
async fn an_image_and_its_snapshot_go_one_after_the_other() {
    let api = Api::operator();
    let (connection, _, estate) = connected(&api, &["ec2-backup"]).await;
    let instance = estate.launch().await;
    estate.make_image(&instance).await;
    let (image, snapshot) = (estate.images().await[0].clone(), estate.snapshots().await[0].clone());

    // The snapshot is the image's as long as that is there.
    let used = planned(&api, &connection, "ec2:DeleteSnapshot", json!({"SnapshotId": snapshot})).await;
    assert!(warned(&used).contains(&"snapshot_in_use"), "{used:#}");
    assert_eq!(used["blast_radius"]["images"][0]["image"], json!(image));

    let plan = planned(&api, &connection, "ec2:DeregisterImage", json!({"ImageId": image})).await;
    assert_eq!(plan["blast_radius"]["kept_snapshots"][0]["snapshot"], json!(snapshot), "{plan:#}");
    let done = applied(&api, &plan).await;
    assert_eq!((&done["state"], &done["targets"][0]["id"]), (&json!("succeeded"), &json!(image)), "{done:#}");
    assert!(estate.images().await.is_empty());
    assert_eq!(estate.snapshots().await, std::slice::from_ref(&snapshot), "its snapshot stays");

    let plan = planned(&api, &connection, "ec2:DeleteSnapshot", json!({"SnapshotId": snapshot})).await;
    assert_eq!(warned(&plan), ["last_snapshot"]);
    let done = applied(&api, &plan).await;
    assert_eq!(done["state"], "succeeded", "{done:#}");
    assert!(estate.snapshots().await.is_empty());
}

#[tokio::test]
async fn items_a_backup_and_a_table_go_by_plans() {
    let api = Api::operator();
    let (connection, _, estate) =
        connected(&api, &["dynamodb-data", "dynamodb-tables", "dynamodb-backup"]).await;
    estate.make_table("orders").await;
    for key in ["one", "two", "three"] {
        estate.put_item("orders", key, "a secret").await;
    }
    let key = |key: &str| json!({"pk": {"S": key}});
    let plan =
        planned(&api, &connection, "dynamodb:DeleteItem", json!({"TableName": "orders", "Key": key("one")}))
            .await;
    let told = plan.to_string();
    assert!(!told.contains("a secret") && !told.contains("\"one\""), "{plan:#}");
    assert_eq!(plan["blast_radius"]["items"], json!(1));
    assert_eq!(applied(&api, &plan).await["state"], "succeeded");
    assert_eq!(estate.keys("orders").await, ["kept", "three", "two"]);

    let batch = json!({"RequestItems": {"orders": [
        {"DeleteRequest": {"Key": key("two")}}, {"DeleteRequest": {"Key": key("three")}},
        {"PutRequest": {"Item": {"pk": {"S": "four"}}}},
    ]}});
    let operations = format!("{}/operations", path_of(&connection));
    let refused = api.post(&operations, order("dynamodb:BatchWriteItem", batch.clone())).await;
    assert_eq!(refused.problem(), (422, "plan_required"));
    assert_eq!(refused.pointers(), ["/input/RequestItems/orders/0/DeleteRequest"]);
    let plan = planned(&api, &connection, "dynamodb:BatchWriteItem", batch).await;
    assert_eq!((&plan["blast_radius"]["items"], &plan["blast_radius"]["puts"]), (&json!(2), &json!(1)));
    assert_eq!(applied(&api, &plan).await["state"], "succeeded");
    assert_eq!(estate.keys("orders").await, ["four", "kept"]);

    let backup = estate.backups_of("orders").await[0].clone();
    let plan = planned(&api, &connection, "dynamodb:DeleteBackup", json!({"BackupArn": backup})).await;
    assert_eq!(warned(&plan), ["last_backup"], "{plan:#}");
    assert_eq!(plan["blast_radius"]["table_exists"], json!(true));
    assert_eq!(applied(&api, &plan).await["state"], "succeeded");
    assert!(estate.backups_of("orders").await.is_empty());

    let plan = planned(&api, &connection, "dynamodb:DeleteTable", json!({"TableName": "orders"})).await;
    assert_eq!(warned(&plan), ["no_backup"], "{plan:#}");
    assert_eq!(plan["blast_radius"]["backups_kept"], json!(0));
    assert_eq!(plan["targets"][0]["facts"]["key"], json!(["pk"]));
    assert_eq!(applied(&api, &plan).await["state"], "succeeded");
    assert!(estate.tables().await.is_empty());
}

#[tokio::test]
async fn what_is_protected_or_absent_is_not_planned() {
    let api = Api::operator();
    let (connection, _, estate) =
        connected(&api, &["ec2-terminate", "dynamodb-tables", "dynamodb-backup", "dynamodb-data"]).await;
    let (protected, of_volume) = (estate.launch().await, estate.launch().await);
    estate.tag(&protected, "drawbridge:protected", "true").await;
    estate.tag(&estate.volumes_of(&of_volume).await[0], "drawbridge:protected", "True").await;
    estate.make_table("orders").await;
    estate.tag_table("orders", "drawbridge:protected", "true").await;
    estate.make_table("others").await;
    let before = estate.state().await;
    let absent = "i-0123456789abcdef0";
    let key = json!({"pk": {"S": "nobody"}});
    for (action, input, code, pointers) in [
        (
            "ec2:TerminateInstances",
            json!({"InstanceIds": [protected]}),
            "target_protected",
            "/input/InstanceIds/0",
        ),
        (
            "ec2:TerminateInstances",
            json!({"InstanceIds": [of_volume]}),
            "target_protected",
            "/input/InstanceIds/0",
        ),
        (
            "ec2:TerminateInstances",
            json!({"InstanceIds": [of_volume, absent]}),
            "target_not_found",
            "/input/InstanceIds/1",
        ),
        ("dynamodb:DeleteTable", json!({"TableName": "orders"}), "target_protected", "/input/TableName"),
        ("dynamodb:DeleteTable", json!({"TableName": "nothing"}), "target_not_found", "/input/TableName"),
        ("dynamodb:DeleteItem", json!({"TableName": "others", "Key": key}), "target_not_found", "/input/Key"),
        ("dynamodb:PutItem", json!({"TableName": "others", "Item": key}), "no_plan_needed", "/action"),
    ] {
        let refused = api.post(&plans(&connection), order(action, input.clone())).await;
        assert_eq!((refused.problem(), refused.pointers()), ((422, code), vec![pointers]), "{input}");
    }
    for (body, problem) in [
        (order("ec2:DeleteSnapshot", json!({"SnapshotId": "snap-01234567"})), (403, "capability_missing")),
        (order("ec2:TerminateInstances", json!({"InstanceIds": ["*"]})), (400, "invalid_instance_id")),
        (order("ec2:TerminateInstances", json!({"InstanceIds": [absent], "X": 1})), (400, "unknown_field")),
        (
            order(
                "dynamodb:PutItem",
                json!({"TableName": "others", "Item": {"pk": {"S": "x".repeat(300_000)}}}),
            ),
            (422, "input_too_large"),
        ),
    ] {
        assert_eq!(api.post(&plans(&connection), body.clone()).await.problem(), problem);
    }
    assert_eq!(estate.state().await, before);
    let unknown = "/v1/plans/pln_0193b2c0000070008000000000000001";
    assert_eq!(api.get(unknown).await.problem(), (404, "not_found"));
    assert_eq!(api.send(Method::POST, &format!("{unknown}/apply"), None).await.problem(), (404, "not_found"));
}

#[tokio::test]
async fn what_has_changed_since_is_not_destroyed() {
    let api = Api::operator();
    let (connection, account, estate) = connected(&api, &["ec2-terminate", "dynamodb-data"]).await;
    let instance = estate.launch().await;
    let plan = planned(&api, &connection, "ec2:TerminateInstances", json!({"InstanceIds": [instance]})).await;
    estate.stop(&instance).await;
    let stale = api.send(Method::POST, &apply(&plan), None).await;
    assert_eq!(stale.problem(), (409, "plan_stale"));
    assert_eq!(stale.pointers(), ["/targets/0"]);
    let detail = stale.body["errors"][0]["detail"].as_str().unwrap();
    assert_eq!(detail, "state was running and is stopped");
    assert_eq!(estate.state_of(&instance).await.as_deref(), Some("stopped"));
    // It was protected after it was planned.
    let plan = planned(&api, &connection, "ec2:TerminateInstances", json!({"InstanceIds": [instance]})).await;
    estate.tag(&instance, "drawbridge:protected", "true").await;
    let refused = api.send(Method::POST, &apply(&plan), None).await;
    assert_eq!(refused.problem(), (422, "target_protected"));

    estate.make_table("orders").await;
    estate.put_item("orders", "one", "as it was").await;
    let item = json!({"TableName": "orders", "Key": {"pk": {"S": "one"}}});
    let plan = planned(&api, &connection, "dynamodb:DeleteItem", item).await;
    assert!(warned(&plan).contains(&"tags_not_read"), "dynamodb-data may not read a table's tags: {plan:#}");
    estate.put_item("orders", "one", "as it is").await;
    let stale = api.send(Method::POST, &apply(&plan), None).await;
    assert_eq!(stale.problem(), (409, "plan_stale"));
    assert!(!stale.body.to_string().contains("as it"), "{:#}", stale.body);
    assert_eq!(estate.keys("orders").await, ["kept", "one"]);
    // As it was planned, it can go.
    estate.put_item("orders", "one", "as it was").await;
    // A role that can no longer be looked at with destroys nothing either.
    account
        .permit(
            "r",
            "drawbridge",
            &json!({"Version": "2012-10-17", "Statement": [
                {"Effect": "Allow", "Action": ["dynamodb:DeleteItem"], "Resource": "*"},
            ]}),
        )
        .await;
    let refused = api.send(Method::POST, &apply(&plan), None).await;
    assert_eq!(refused.problem(), (422, "targets_unreadable"));
    assert_eq!(estate.keys("orders").await, ["kept", "one"]);
    assert_eq!(api.get(&path(&plan)).await.expect(200)["state"], "pending");
}

#[tokio::test]
async fn a_plan_is_applied_once_whoever_asks_and_however_often() {
    let api = Api::operator();
    let (connection, _, estate) = connected(&api, &["dynamodb-data"]).await;
    estate.make_table("orders").await;
    estate.put_item("orders", "one", "x").await;
    let item = json!({"TableName": "orders", "Key": {"pk": {"S": "one"}}});
    let key = uuid::Uuid::new_v4().to_string();
    let wanted = order("dynamodb:DeleteItem", item);
    let plan = api.post_once(&plans(&connection), &wanted, &key).await.expect(201);
    let replayed = api.post_once(&plans(&connection), &wanted, &key).await;
    assert_eq!(replayed.headers.get("idempotency-replayed").map(String::as_str), Some("true"));
    assert_eq!(replayed.expect(201)["plan_id"], plan["plan_id"]);

    let path = apply(&plan);
    let at_once =
        futures::future::join_all((0..5).map(|_| api.send_with(Method::POST, &path, None, &[]))).await;
    let done: Vec<_> = at_once.iter().filter(|answer| matches!(answer.status, 200 | 202)).collect();
    assert_eq!(done.len(), 1, "{at_once:?}");
    for refused in at_once.iter().filter(|answer| answer.status >= 400) {
        let (status, code) = refused.problem();
        // One may look when the item is gone already, or meet the other's transaction.
        assert!(
            matches!(code, "plan_already_applied" | "plan_stale" | "plan_expired" | "dependency_unavailable"),
            "{status} {code}"
        );
    }
    let listed = api.get(&format!("{}/operations", path_of(&connection))).await.expect(200);
    assert_eq!(listed["items"].as_array().unwrap().len(), 1);
    assert_eq!(estate.keys("orders").await, ["kept"]);

    estate.put_item("orders", "two", "x").await;
    let item = json!({"TableName": "orders", "Key": {"pk": {"S": "two"}}});
    let plan = planned(&api, &connection, "dynamodb:DeleteItem", item).await;
    let key = uuid::Uuid::new_v4().to_string();
    let first = api.post_once(&apply(&plan), &json!({}), &key).await;
    assert!(matches!(first.status, 200 | 202), "{:#}", first.body);
    let again = api.post_once(&apply(&plan), &json!({}), &key).await;
    assert_eq!(again.headers.get("idempotency-replayed").map(String::as_str), Some("true"));
    assert_eq!(again.body["operation_id"], first.body["operation_id"]);
}

#[tokio::test]
async fn a_plan_takes_a_connection_that_still_admits_it() {
    let api = Api::operator();
    let (connection, _, estate) = connected(&api, &["ec2-terminate"]).await;
    let instance = estate.launch().await;
    let plan = planned(&api, &connection, "ec2:TerminateInstances", json!({"InstanceIds": [instance]})).await;
    // Another connection of the same provider has nothing to do with it.
    let (other, _, elsewhere) = connected(&api, &["ec2-terminate"]).await;
    let theirs =
        api.post(&plans(&other), order("ec2:TerminateInstances", json!({"InstanceIds": [instance]}))).await;
    assert_eq!(theirs.problem(), (422, "target_not_found"));
    drop(elsewhere);
    api.patch(&path_of(&connection), json!({"capabilities": ["ec2-power"]})).await.expect(202);
    let refused = api.send(Method::POST, &apply(&plan), None).await;
    assert_eq!(refused.problem(), (403, "capability_missing"));
    assert_eq!(estate.state_of(&instance).await.as_deref(), Some("running"));
}

#[tokio::test]
async fn a_plan_that_is_not_applied_in_time_is_not_applied() {
    let stack = Stack::named("brisk");
    let (api, account) = (Api::operator_of(stack), CustomerAccount::on(stack));
    let wanted = json!({"capabilities": ["ec2-terminate"], "regions": [HOME]});
    let connection = api.new_connection_for(wanted).await;
    let role = account.make_role("r", &api.setup(&connection).await["trust_policy"]).await;
    api.onboard(&connection, &role).await;
    let estate = Estate::on(stack, &account, HOME);
    let instance = estate.launch().await;
    let plan = api
        .post(&plans(&connection), order("ec2:TerminateInstances", json!({"InstanceIds": [instance]})))
        .await
        .expect(201);
    blackbox::eventually("the plan expires", async || {
        let now = api.get(&path(&plan)).await.expect(200);
        Some(()).filter(|()| now["state"] == "expired")
    })
    .await;
    assert_eq!(api.send(Method::POST, &apply(&plan), None).await.problem(), (410, "plan_expired"));
    assert_eq!(estate.state_of(&instance).await.as_deref(), Some("running"));
}
