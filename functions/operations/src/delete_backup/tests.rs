use domain::backup::{Backup, BackupState, Gone};
use domain::sample;
use domain::{Capability, CapabilitySet, Connection};
use rstest::rstest;
use serde_json::{Value, json};

use crate::test_app::{Call, Sts, TestApp, active, refusal};

fn connection() -> Connection {
    Connection { capabilities: CapabilitySet::new([Capability::DynamodbBackup]).unwrap(), ..active() }
}

async fn app() -> (TestApp, Backup) {
    let app = TestApp::new(connection(), Sts::Gives).await;
    let backup = sample::backup(&app.connection);
    app.hold(&backup);
    (app, backup)
}

fn described(arn: &str) -> Value {
    json!({"BackupDescription": {
        "BackupDetails": {
            "BackupArn": arn, "BackupName": "b", "BackupStatus": "AVAILABLE", "BackupType": "USER",
            "BackupCreationDateTime": 1_800_000_000, "BackupSizeBytes": 42,
        },
        "SourceTableDetails": {
            "TableName": "Music", "TableId": "0b1c", "KeySchema": [], "TableCreationDateTime": 1,
            "ProvisionedThroughput": {"ReadCapacityUnits": 1, "WriteCapacityUnits": 1},
        },
    }})
}

/// An account in which the backup is, and its deletion is answered so.
fn account(arn: &str, deletion: Option<&'static str>) -> impl FnMut(&Call) -> (u16, Value) + Send + use<> {
    let described = described(arn);
    move |call| match (call.operation.as_str(), deletion) {
        ("DescribeBackup", _) | ("DeleteBackup", None) => (200, described.clone()),
        ("DescribeTable", _) => refusal("ResourceNotFoundException"),
        ("ListBackups", _) => (200, json!({"BackupSummaries": []})),
        ("DeleteBackup", Some(code)) => refusal(code),
        (other, _) => panic!("nobody asks to {other}"),
    }
}

#[tokio::test]
async fn a_backup_is_deleted_by_its_plan_and_the_ledger_knows() {
    let (app, backup) = app().await;
    app.answer(account(&backup.aws_id, None));
    let planned = app.call("DELETE", &format!("/v1/backups/{}", backup.id), &Value::Null).await;
    assert_eq!(planned.status.as_u16(), 201, "{:?}", planned.body);
    assert_eq!(planned.body["action"], "dynamodb:DeleteBackup");
    assert_eq!(planned.body["backup_id"], json!(backup.id));
    assert_eq!(planned.body["targets"][0]["id"], json!(backup.aws_id));
    assert_eq!(planned.body["warnings"][0]["code"], "last_backup");
    assert!(app.calls().iter().all(|call| call.operation != "DeleteBackup"), "nothing is deleted yet");
    assert_eq!(app.store.backup(backup.id).await.unwrap(), backup);

    let path = format!("/v1/plans/{}/apply", planned.body["plan_id"].as_str().unwrap());
    let applied = app.call("POST", &path, &Value::Null).await;
    assert_eq!((applied.status.as_u16(), &applied.body["state"]), (200, &json!("succeeded")));
    assert_eq!(applied.body["backup_id"], json!(backup.id));
    let deletion = json!([{"Effect": "Allow", "Action": "dynamodb:DeleteBackup", "Resource": backup.aws_id}]);
    assert_eq!(app.policy(), deletion);
    let gone = app.store.backup(backup.id).await.unwrap();
    let seen = (gone.state, gone.gone, gone.version, gone.manifest.is_some());
    assert_eq!(seen, (BackupState::Deleted, Some(Gone::Plan), backup.version + 1, true));
    let events = app.asked();
    assert_eq!(events.iter().filter(|kind| *kind == "backup.deleted").count(), 1);
    // It is listed as deleted, and not deleted again.
    let again = app.call("DELETE", &format!("/v1/backups/{}", backup.id), &Value::Null).await;
    assert_eq!(again.problem(), (409, "backup_not_available"));
}

/// Whoever was faster than the plan leaves the same ledger; what AWS refuses leaves it as it is.
#[rstest]
#[case("BackupNotFoundException", Some(Gone::Elsewhere))]
#[case("BackupInUseException", None)]
#[case("AccessDeniedException", None)]
#[tokio::test]
async fn what_aws_does_not_delete_is_told(#[case] code: &'static str, #[case] gone: Option<Gone>) {
    let (app, backup) = app().await;
    app.answer(account(&backup.aws_id, Some(code)));
    let planned = app.call("DELETE", &format!("/v1/backups/{}", backup.id), &Value::Null).await;
    let path = format!("/v1/plans/{}/apply", planned.body["plan_id"].as_str().unwrap());
    let applied = app.call("POST", &path, &Value::Null).await;
    assert_eq!((applied.status.as_u16(), &applied.body["state"]), (200, &json!("failed")));
    assert_eq!(app.store.backup(backup.id).await.unwrap().gone, gone);
    let told = app.asked().iter().filter(|kind| *kind == "backup.deleted").count();
    assert_eq!(told, usize::from(gone.is_some()));
}

#[tokio::test]
async fn a_plan_is_stale_once_the_ledger_or_aws_knows_better() {
    let (app, backup) = app().await;
    app.answer(account(&backup.aws_id, None));
    let plan = async || {
        let planned = app.call("DELETE", &format!("/v1/backups/{}", backup.id), &Value::Null).await;
        format!("/v1/plans/{}/apply", planned.body["plan_id"].as_str().unwrap())
    };
    let (first, second) = (plan().await, plan().await);
    app.answer(|call| match call.operation.as_str() {
        "DescribeBackup" => refusal("BackupNotFoundException"),
        "DescribeTable" => refusal("ResourceNotFoundException"),
        _ => (200, json!({"BackupSummaries": []})),
    });
    assert_eq!(app.call("POST", &first, &Value::Null).await.problem(), (409, "plan_stale"));
    let gone = app.call("DELETE", &format!("/v1/backups/{}", backup.id), &Value::Null).await;
    assert_eq!(gone.problem(), (409, "backup_not_available"));
    app.hold(&backup.deleted(Gone::Retention, sample::NOW));
    let calls = app.calls().len();
    assert_eq!(app.call("POST", &second, &Value::Null).await.problem(), (409, "plan_stale"));
    assert_eq!(app.calls().len(), calls, "AWS is not asked");
}

#[tokio::test]
async fn what_may_not_be_deleted_is_refused_before_aws_is_asked() {
    let app = TestApp::new(active(), Sts::Gives).await;
    let backup = sample::backup(&app.connection);
    let path = format!("/v1/backups/{}", backup.id);
    assert_eq!(app.call("DELETE", &path, &Value::Null).await.problem(), (404, "not_found"));
    app.hold(&backup);
    assert_eq!(app.call("DELETE", &path, &Value::Null).await.problem(), (403, "capability_missing"));
    assert_eq!(app.call("DELETE", "/v1/backups/none", &Value::Null).await.problem(), (404, "not_found"));
    assert_eq!((app.asked().len(), app.calls().len()), (0, 0));
}
