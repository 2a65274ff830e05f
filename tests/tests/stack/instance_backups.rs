//! Instances are backed up by snapshots or as images, kept by retention, deleted whole, and launched again.

use std::collections::BTreeSet;

use blackbox::{Api, Estate, Provider, eventually, path_of};
use serde_json::{Value, json};

use crate::operations::connected;
use crate::runs::{ended, jobs, ledger};

const HOME: &str = "us-east-1";
const CAPABILITIES: [&str; 2] = ["ec2-backup", "ec2-launch"];

/// A connection, and an instance of its customer's with two volumes.
async fn with_an_instance(api: &Api) -> (Value, Estate, String) {
    let (connection, account) = connected(api, &CAPABILITIES).await;
    let estate = Estate::of(&account, HOME);
    let instance = estate.launch().await;
    let volume = estate.attach_volume(&instance, "/dev/sdf").await;
    estate.tag(&volume, "disk", "data").await;
    (connection, estate, instance)
}

/// A run that backs this instance up, in the end.
async fn backed_up(api: &Api, connection: &Value, instance: &str, further: Value) -> Value {
    let mut order = json!({
        "connection_ids": [connection["connection_id"]], "kind": "ec2-backup", "select": {"ids": [instance]},
    });
    order.as_object_mut().unwrap().extend(further.as_object().unwrap().clone());
    let begun = api.post("/v1/runs", order).await.expect(202);
    let run = ended(api, &begun).await;
    assert_eq!(run["state"], "succeeded", "{run:#} {:#?}", jobs(api, &run).await);
    run
}

fn path(backup: &Value) -> String {
    format!("/v1/backups/{}", backup["backup_id"].as_str().unwrap())
}

async fn applied(api: &Api, plan: &Value) -> Value {
    let apply = format!("/v1/plans/{}/apply", plan["plan_id"].as_str().unwrap());
    let begun = api.post(&apply, json!({})).await;
    assert!(matches!(begun.status, 200 | 202), "{:#}", begun.body);
    let operation = format!("/v1/operations/{}", begun.body["operation_id"].as_str().unwrap());
    eventually("the operation ends", async || {
        Some(api.get(&operation).await.expect(200)).filter(|now| now["state"] != "running")
    })
    .await
}

fn snapshots_of(backup: &Value) -> BTreeSet<String> {
    let snapshots = backup["snapshots"].as_array().unwrap().iter();
    snapshots.map(|one| one["snapshot_id"].as_str().unwrap().to_owned()).collect()
}

async fn in_the_account(estate: &Estate) -> BTreeSet<String> {
    estate.snapshots().await.into_iter().collect()
}

#[tokio::test]
async fn snapshots_of_all_volumes_are_made_and_retention_keeps_one_set() {
    let api = Api::operator();
    let (connection, estate, instance) = with_an_instance(&api).await;
    let keep = json!({"retention": {"keep_last": 1}});
    let first = backed_up(&api, &connection, &instance, keep.clone()).await;
    let told = ledger(&api, &connection).await;
    assert_eq!(told.len(), 1, "{told:#?}");
    let backup = &told[0];
    assert_eq!((&backup["resource"], &backup["state"]), (&json!(instance), &json!("available")));
    assert_eq!((&backup["kind"], &backup["run_id"]), (&json!("ec2-backup"), &first["run_id"]));
    let set = snapshots_of(backup);
    assert_eq!(set.len(), 2, "{backup:#}");
    assert_eq!(in_the_account(&estate).await, set);
    // Each has its volume's tags, and the one by which it is found.
    let tags = estate.tags_of_snapshots().await;
    assert!(
        tags.values().all(|tags| tags["drawbridge:backup"] == backup["name"].as_str().unwrap()),
        "{tags:?}"
    );
    assert_eq!(tags.values().filter(|tags| tags.get("disk").is_some_and(|disk| disk == "data")).count(), 1);
    // What is needed to launch it again stands beside it.
    let whole = api.get(&path(backup)).await.expect(200);
    assert_eq!(whole["instance"]["instance_type"], "t3.micro", "{whole:#}");
    assert_eq!(whole["instance"]["tags"]["kept"], "as it is");
    assert_eq!(whole["instance"]["volumes"].as_array().unwrap().len(), 2);
    assert!(backup.get("instance").is_none(), "lists leave it out");

    backed_up(&api, &connection, &instance, keep).await;
    let told = ledger(&api, &connection).await;
    let states: Vec<_> = told.iter().map(|backup| &backup["state"]).collect();
    assert_eq!(states, ["deleted", "available"], "{told:#?}");
    let left = in_the_account(&estate).await;
    assert!(left.is_disjoint(&set) && left.len() == 2, "one set is left: {left:?}");
    assert_eq!(left, snapshots_of(&told[1]));
    assert!(Provider::new().dead_letters().await.is_empty());
}

#[tokio::test]
async fn volumes_can_be_left_out_and_nothing_is_no_backup() {
    let api = Api::operator();
    let (connection, estate, instance) = with_an_instance(&api).await;
    for left_out in ["exclude_boot_volume", "exclude_data_volumes"] {
        let before = estate.snapshots().await.len();
        let mut how = json!({"ec2_backup": {}});
        how["ec2_backup"][left_out] = json!(true);
        backed_up(&api, &connection, &instance, how).await;
        assert_eq!(estate.snapshots().await.len(), before + 1, "{left_out}");
    }
    let order = |kind: &str, how: Value| {
        json!({
            "connection_ids": [connection["connection_id"]], "kind": kind, "select": {"ids": [instance]},
            "ec2_backup": how,
        })
    };
    let nothing = json!({"exclude_boot_volume": true, "exclude_data_volumes": true});
    api.post("/v1/runs", order("ec2-backup", nothing)).await.refused(422, "ec2_backup_empty");
    let rootless = json!({"method": "image", "exclude_boot_volume": true});
    api.post("/v1/runs", order("ec2-backup", rootless)).await.refused(422, "image_boots");
    api.post("/v1/runs", order("ec2-stop", json!({}))).await.refused(422, "ec2_backup_not_taken");
}

#[tokio::test]
async fn an_image_launches_the_instance_again_and_goes_with_its_snapshots() {
    let api = Api::operator();
    let (connection, estate, instance) = with_an_instance(&api).await;
    backed_up(&api, &connection, &instance, json!({"ec2_backup": {"method": "image"}})).await;
    let backup = ledger(&api, &connection).await[0].clone();
    assert_eq!(estate.images().await, [backup["aws_id"].as_str().unwrap()]);
    assert_eq!(in_the_account(&estate).await, snapshots_of(&backup));
    assert_eq!(estate.state_of(&instance).await.as_deref(), Some("running"), "it was not rebooted");

    let restore = format!("{}/restore", path(&backup));
    api.post(&restore, json!({"target_name": "t"})).await.refused(422, "field_not_taken");
    let plan = api.post(&restore, json!({})).await.expect(201);
    assert_eq!(plan["action"], "ec2:RunInstances");
    let image = backup["aws_id"].as_str().unwrap();
    assert!(estate.launched_from(image).await.is_empty(), "a plan launches nothing");
    let done = applied(&api, &plan).await;
    assert_eq!(done["state"], "succeeded", "{done:#}");
    let launched = estate.launched_from(image).await;
    let [(kind, tags)] = launched.as_slice() else { panic!("one is launched: {launched:?}") };
    assert_eq!((kind.as_str(), tags["kept"].as_str()), ("t3.micro", "as it is"));
    assert_eq!(tags["drawbridge:restored-from"], backup["backup_id"].as_str().unwrap());
    let types = api.event_types(&connection).await;
    assert_eq!(types.iter().filter(|kind| *kind == "backup.restored").count(), 1, "{types:?}");

    let plan = api.delete(&path(&backup)).await.expect(201);
    assert_eq!(plan["action"], "ec2:DeregisterImage");
    assert_eq!(plan["targets"].as_array().unwrap().len(), 3, "{plan:#}");
    assert_eq!(estate.images().await.len(), 1, "a plan deletes nothing");
    let done = applied(&api, &plan).await;
    assert_eq!(done["state"], "succeeded", "{done:#}");
    assert!(estate.images().await.is_empty() && estate.snapshots().await.is_empty());
    let told = api.get(&path(&backup)).await.expect(200);
    assert_eq!((&told["state"], &told["gone"]), (&json!("deleted"), &json!("plan")));
    api.post(&restore, json!({})).await.refused(409, "backup_not_available");
}

#[tokio::test]
async fn of_snapshots_the_steps_are_told_and_a_set_is_deleted_whole() {
    let api = Api::operator();
    let (connection, estate, instance) = with_an_instance(&api).await;
    backed_up(&api, &connection, &instance, json!({})).await;
    let backup = ledger(&api, &connection).await[0].clone();
    let told = api.post(&format!("{}/restore", path(&backup)), json!({})).await.expect(200);
    let steps: Vec<_> =
        told["steps"].as_array().unwrap().iter().map(|one| one["command"].as_str().unwrap()).collect();
    assert!(steps[0].contains("register-image"), "{told:#}");
    for snapshot in snapshots_of(&backup) {
        assert!(steps[0].contains(&snapshot), "{told:#}");
    }
    assert!(steps[2].contains("run-instances") && steps[2].contains("t3.micro"), "{told:#}");

    let plan = api.delete(&path(&backup)).await.expect(201);
    assert_eq!(plan["action"], "ec2:DeleteSnapshot");
    let done = applied(&api, &plan).await;
    assert_eq!(done["state"], "succeeded", "{done:#}");
    assert!(estate.snapshots().await.is_empty());
    assert_eq!(api.get(&path(&backup)).await.expect(200)["state"], "deleted");
}

/// A schedule keeps how it backs up, and says so.
#[tokio::test]
async fn a_schedule_says_how_instances_are_backed_up() {
    let api = Api::operator();
    let (connection, _, _) = with_an_instance(&api).await;
    let order = json!({
        "kind": "ec2-backup", "expression": "cron(0 5 * * ? *)", "select": {"names": ["*"]},
        "ec2_backup": {"method": "image", "exclude_data_volumes": true},
    });
    let made = api.post(&format!("{}/schedules", path_of(&connection)), order.clone()).await.expect(201);
    assert_eq!(made["ec2_backup"]["method"], "image", "{made:#}");
    assert_eq!(made["ec2_backup"]["exclude_data_volumes"], true);
    let path = format!("/v1/schedules/{}", made["schedule_id"].as_str().unwrap());
    let changed = api.patch(&path, json!({"ec2_backup": null})).await.expect(200);
    assert!(changed.get("ec2_backup").is_none(), "{changed:#}");
}
