use domain::backup::{Backup, BackupState, Gone};
use domain::sample;
use domain::{Capability, CapabilitySet, Connection, ConnectionState};
use rstest::rstest;
use serde_json::{Value, json};

use crate::test_app::{Answer, Call, Sts, TestApp, active, refusal};

const RESTORED: &str = "arn:aws:dynamodb:eu-central-1:222222222222:table/Restored";

fn connection(capability: Capability) -> Connection {
    let regions = ["eu-central-1", "eu-west-1"].map(|region| region.parse().unwrap());
    Connection {
        capabilities: CapabilitySet::new([capability]).unwrap(),
        regions: regions.into(),
        ..active()
    }
}

async fn with(connection: Connection) -> (TestApp, Backup) {
    let app = TestApp::new(connection, Sts::Gives).await;
    let backup = sample::backup(&app.connection);
    app.hold(&backup);
    app.answer(account(true, false));
    (app, backup)
}

async fn app() -> (TestApp, Backup) {
    with(connection(Capability::DynamodbRestore)).await
}

/// An account in which the backup is there, or not, and the table's name is taken, or not.
fn account(backup: bool, taken: bool) -> impl FnMut(&Call) -> (u16, Value) + Send + use<> {
    move |call| match call.operation.as_str() {
        "DescribeBackup" if backup => (
            200,
            json!({"BackupDescription": {
                "BackupDetails": {
                    "BackupArn": call.body["BackupArn"], "BackupName": "b", "BackupStatus": "AVAILABLE",
                    "BackupType": "USER", "BackupCreationDateTime": 1_800_000_000, "BackupSizeBytes": 43,
                },
                "SourceTableDetails": {
                    "TableName": "Music", "TableId": "0b1c", "KeySchema": [], "TableCreationDateTime": 1,
                    "ProvisionedThroughput": {"ReadCapacityUnits": 1, "WriteCapacityUnits": 1}, "ItemCount": 9,
                },
            }}),
        ),
        "DescribeBackup" => refusal("BackupNotFoundException"),
        "DescribeTable" if taken => {
            (200, json!({"Table": {"TableName": "Restored", "TableStatus": "ACTIVE"}}))
        }
        "DescribeTable" => refusal("ResourceNotFoundException"),
        other => panic!("nobody asks to {other}"),
    }
}

async fn plan(app: &TestApp, backup: &Backup, body: &Value) -> Answer {
    app.call("POST", &format!("/v1/backups/{}/restore", backup.id), body).await
}

async fn apply(app: &TestApp, planned: &Answer) -> Answer {
    let path = format!("/v1/plans/{}/apply", planned.body["plan_id"].as_str().unwrap());
    app.call("POST", &path, &Value::Null).await
}

#[tokio::test]
async fn a_restore_is_planned_from_what_is_there() {
    let (app, backup) = app().await;
    let body = json!({"target_name": "Restored", "count_items": true, "reason": "a look at last week"});
    let planned = plan(&app, &backup, &body).await;
    assert_eq!(planned.status.as_u16(), 201, "{:?}", planned.body);
    assert_eq!(planned.body["action"], "dynamodb:RestoreTableFromBackup");
    assert_eq!(planned.body["backup_id"], json!(backup.id));
    assert_eq!(planned.body["reason"], "a look at last week");
    let target = &planned.body["targets"][0];
    assert_eq!((&target["id"], &target["kind"]), (&json!("Restored"), &json!("table")));
    assert_eq!((&target["facts"]["items"], &target["facts"]["size_bytes"]), (&json!(9), &json!(43)));
    assert_eq!(planned.body["blast_radius"]["destroyed"], json!([]));
    assert_eq!(planned.body["warnings"][0]["code"], "cost");
    // It only looks.
    let looks = json!([
        {"Effect": "Allow", "Action": "dynamodb:DescribeBackup", "Resource": backup.aws_id},
        {"Effect": "Allow", "Action": "dynamodb:DescribeTable", "Resource": RESTORED},
    ]);
    assert_eq!(app.policy(), looks);
    assert_eq!(app.sent().len(), 0);
    assert!(app.asked().contains(&"plan.created".to_owned()));
}

#[tokio::test]
async fn an_applied_restore_is_left_to_the_worker() {
    let (app, backup) = app().await;
    let planned = plan(&app, &backup, &json!({"target_name": "Restored"})).await;
    let applied = apply(&app, &planned).await;
    assert_eq!((applied.status.as_u16(), &applied.body["state"]), (202, &json!("running")));
    assert_eq!(applied.body["targets"], json!([{"id": "Restored", "outcome": "queued"}]));
    assert_eq!(applied.body["backup_id"], json!(backup.id));
    let (message, delay) = app.sent()[0].clone();
    let expected = (json!("operation"), applied.body["operation_id"].clone(), json!(0));
    assert_eq!((message["kind"].clone(), message["operation_id"].clone(), message["step"].clone()), expected);
    assert_eq!(delay, 0);
    let operation =
        app.store.operation(message["operation_id"].as_str().unwrap().parse().unwrap()).await.unwrap();
    let restoring = operation.restoring.unwrap();
    assert_eq!(
        (restoring.backup_id, restoring.pending().count(), restoring.count_items),
        (backup.id, 4, false)
    );
    // Once.
    assert_eq!(apply(&app, &planned).await.problem(), (409, "plan_already_applied"));
}

/// AWS is asked about the backup where it is, and about the table where it will be.
#[tokio::test]
async fn a_backup_may_become_a_table_in_another_region() {
    let (app, backup) = app().await;
    let planned = plan(&app, &backup, &json!({"target_name": "Restored", "region": "eu-west-1"})).await;
    assert_eq!((planned.status.as_u16(), &planned.body["region"]), (201, &json!("eu-west-1")));
    let mut asked: Vec<_> = app.calls().into_iter().map(|call| (call.operation, call.region)).collect();
    asked.sort();
    let expected = [("DescribeBackup", "eu-central-1"), ("DescribeTable", "eu-west-1")];
    assert_eq!(asked, expected.map(|(operation, region)| (operation.to_owned(), region.to_owned())));
    let policy = app.policy();
    assert_eq!(policy[0]["Resource"], json!(backup.aws_id));
    assert_eq!(policy[1]["Resource"], json!(RESTORED.replace("eu-central-1", "eu-west-1")));
    let codes: Vec<_> = planned.body["warnings"].as_array().unwrap().iter().map(|one| &one["code"]).collect();
    assert!(codes.contains(&&json!("cross_region")), "{codes:?}");
}

#[tokio::test]
async fn classic_is_told_what_it_lacks() {
    let (app, backup) = with(connection(Capability::Classic)).await;
    let planned = plan(&app, &backup, &json!({"target_name": "Restored"})).await;
    let codes: Vec<_> = planned.body["warnings"].as_array().unwrap().iter().map(|one| &one["code"]).collect();
    assert!(codes.contains(&&json!("restore_needs_update_item")), "{codes:?}");
    assert_eq!(planned.body["blast_radius"]["reapplied"], json!(["stream"]));
}

#[rstest]
#[case::gone(false, false, "backup_not_available")]
#[case::taken(true, true, "target_exists")]
#[tokio::test]
async fn what_cannot_be_restored_is_not_planned_and_makes_a_plan_stale(
    #[case] there: bool,
    #[case] taken: bool,
    #[case] code: &str,
) {
    let (app, backup) = app().await;
    let body = json!({"target_name": "Restored"});
    let planned = plan(&app, &backup, &body).await;
    app.answer(account(there, taken));
    assert_eq!(plan(&app, &backup, &body).await.problem(), (409, code));
    assert_eq!(apply(&app, &planned).await.problem(), (409, "plan_stale"));
    assert_eq!(app.sent().len(), 0, "nothing is begun");
}

#[rstest]
#[case::no_name(json!({}), 400, "missing_field")]
#[case::no_table(json!({"target_name": "a*b"}), 400, "invalid_table_name")]
#[case::no_region(json!({"target_name": "Restored", "region": "x"}), 400, "invalid_region")]
#[case::unknown(json!({"target_name": "Restored", "table": "x"}), 400, "unknown_field")]
#[case::elsewhere(json!({"target_name": "Restored", "region": "us-east-1"}), 422, "region_not_connected")]
#[case::too_long(json!({"target_name": "Restored", "reason": "x".repeat(501)}), 400, "invalid_reason")]
#[tokio::test]
async fn what_cannot_be_read_is_refused(#[case] body: Value, #[case] status: u16, #[case] code: &str) {
    let (app, backup) = app().await;
    assert_eq!(plan(&app, &backup, &body).await.problem(), (status, code));
    assert_eq!((app.asked().len(), app.calls().len()), (0, 0));
}

#[rstest]
#[case::creating(BackupState::Creating)]
#[case::deleted(BackupState::Deleted)]
#[tokio::test]
async fn a_backup_that_is_not_there_is_not_restored(#[case] state: BackupState) {
    let (app, backup) = app().await;
    let planned = plan(&app, &backup, &json!({"target_name": "Restored"})).await;
    let gone = (state == BackupState::Deleted).then_some(Gone::Plan);
    app.hold(&Backup { state, gone, ..backup.clone() });
    let again = plan(&app, &backup, &json!({"target_name": "Restored"})).await;
    assert_eq!(again.problem(), (409, "backup_not_available"));
    assert_eq!(apply(&app, &planned).await.problem(), (409, "plan_stale"));
}

#[rstest]
#[case::capability(Capability::DynamodbBackup, ConnectionState::Active, (403, "capability_missing"))]
#[case::state(Capability::DynamodbRestore, ConnectionState::Suspended, (409, "connection_not_active"))]
#[tokio::test]
async fn the_rules_of_operations_hold(
    #[case] capability: Capability,
    #[case] state: ConnectionState,
    #[case] problem: (u16, &str),
) {
    let (app, backup) = with(Connection { state, ..connection(capability) }).await;
    assert_eq!(plan(&app, &backup, &json!({"target_name": "Restored"})).await.problem(), problem);
    assert_eq!((app.asked().len(), app.calls().len()), (0, 0));
}
