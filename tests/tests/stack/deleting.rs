//! What the command destroys: shown first, and done with a yes alone.

use blackbox::{Api, CustomerAccount, Estate, Stack};
use serde_json::{Value, json};

use crate::command_line::{assert_told, drawbridge, printed};

/// A connection that may do this in `us-east-1`, by its id.
async fn connected(account: &CustomerAccount, capabilities: &[&str]) -> String {
    let api = Api::operator();
    let wanted = json!({"capabilities": capabilities, "regions": ["us-east-1"]});
    let connection = api.new_connection_for(wanted).await;
    let role = account.make_role("r", &api.setup(&connection).await["trust_policy"]).await;
    assert_eq!(api.onboard(&connection, &role).await["state"], "active");
    connection["connection_id"].as_str().unwrap().to_owned()
}

/// What the command says to these words in that Region.
fn run(words: &[&str], code: i32) -> (String, String) {
    let words: Vec<&str> = words.iter().copied().chain(["--region", "us-east-1"]).collect();
    printed(&drawbridge(&Stack::get().operator, &words), code)
}

#[tokio::test(flavor = "multi_thread")]
async fn instances_images_and_snapshots_are_deleted_by_commands_of_their_own() {
    let account = CustomerAccount::new();
    let estate = Estate::of(&account, "us-east-1");
    let instance = estate.launch().await;
    estate.make_image(&instance).await;
    let id = connected(&account, &["ec2-power", "ec2-terminate", "ec2-backup"]).await;

    // Stopping takes longer than an answer may wait.
    let stop = ["operations", "run", &id, "ec2:StopInstances", "--input"];
    let input = json!({"InstanceIds": [instance]}).to_string();
    let stop = [&stop[..], &[&input]].concat();
    let (running, _) = run(&[&stop[..], &["--no-wait", "--output", "json"]].concat(), 0);
    let running: Value = serde_json::from_str(&running).unwrap();
    assert_eq!(running["state"], "running");
    let (stopped, said) = run(&stop, 0);
    assert_told(&stopped, &["ec2:StopInstances", "succeeded", &instance]);
    assert!(said.contains(&format!("{instance}: succeeded")), "{said}");
    assert_eq!(estate.state_of(&instance).await.as_deref(), Some("stopped"));

    let terminate = ["ec2", "terminate", &id, &instance, "--reason", "ticket"];
    let (dry, _) = run(&[&terminate[..], &["--dry-run"]].concat(), 0);
    assert!(dry.contains("succeeded (dry run)"), "{dry}");
    let (_, said) = run(&terminate, 2);
    assert!(said.contains("--yes"), "{said}");
    assert_eq!(estate.state_of(&instance).await.as_deref(), Some("stopped"));
    let (done, said) = run(&[&terminate[..], &["--yes"]].concat(), 0);
    assert_told(&said, &["This will be gone, for good", &instance, "deleted_volumes:"]);
    assert_told(&done, &["ec2:TerminateInstances", "succeeded", "ticket", &instance]);
    assert_ne!(estate.state_of(&instance).await.as_deref(), Some("stopped"));
    run(&["ec2", "terminate", &id, "i-0123456789abcdef0", "--yes"], 1);

    let image = estate.images().await.remove(0);
    let snapshots = estate.snapshots().await;
    run(&["ec2", "deregister-image", &id, &image, "--yes"], 0);
    assert!(estate.images().await.is_empty());
    assert_eq!(estate.snapshots().await, snapshots, "an image's snapshots stay");
    let (done, _) = run(&["ec2", "delete-snapshot", &id, &snapshots[0], "--yes", "--output", "json"], 0);
    let done: Value = serde_json::from_str(&done).unwrap();
    assert_eq!((&done["state"], &done["targets"][0]["id"]), (&json!("succeeded"), &json!(snapshots[0])));
    assert!(!estate.snapshots().await.contains(&snapshots[0]));
}

#[tokio::test(flavor = "multi_thread")]
async fn items_backups_and_tables_are_deleted_by_commands_of_their_own() {
    let account = CustomerAccount::new();
    Estate::of(&account, "us-east-1").make_table("orders").await;
    let capabilities = ["dynamodb-data", "dynamodb-backup", "dynamodb-tables"];
    let id = connected(&account, &capabilities).await;
    let of_the_table = |words: &[&'static str]| {
        let words: Vec<&str> =
            ["dynamodb", words[0], &id, "orders"].iter().chain(&words[1..]).copied().collect();
        run(&words, 0).0
    };
    let key = r#"{"pk": {"S": "kept"}}"#;
    assert!(of_the_table(&["get", "--key", key]).contains("kept"));
    assert!(of_the_table(&["delete-item", "--key", key, "--dry-run"]).contains("dry run"));
    assert!(of_the_table(&["get", "--key", key]).contains("kept"));
    assert!(of_the_table(&["delete-item", "--key", key, "--yes"]).contains("succeeded"));
    assert!(!of_the_table(&["get", "--key", key]).contains("kept"));

    let backups = run(&["dynamodb", "backups", &id, "--output", "json"], 0).0;
    let backups: Value = serde_json::from_str(&backups).unwrap();
    let backup = backups["BackupSummaries"][0]["BackupArn"].as_str().unwrap();
    let (done, said) = run(&["dynamodb", "delete-backup", &id, backup, "--yes"], 0);
    assert_told(&said, &["This will be gone, for good", backup]);
    assert!(done.contains("succeeded"), "{done}");

    run(&["dynamodb", "delete-table", &id, "orders"], 2);
    assert!(of_the_table(&["describe"]).contains("orders"));
    let (_, said) = run(&["dynamodb", "delete-table", &id, "orders", "--yes"], 0);
    assert!(said.contains("orders"), "{said}");
    assert!(!run(&["dynamodb", "tables", &id], 0).0.contains("orders"));
}
