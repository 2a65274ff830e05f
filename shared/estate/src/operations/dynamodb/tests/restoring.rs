//! Restoring a table from a backup.

use super::policies::{allowed, policy};
use super::*;

const RESTORE: &str = "RestoreTableFromBackup";
const RESTORED: &str = "arn:aws:dynamodb:eu-west-3:222222222222:table/Restored";

fn least() -> Value {
    json!({"BackupArn": BACKUP, "TargetTableName": "Restored"})
}

/// Source: `DynamoDB` Developer Guide, "Using IAM with `DynamoDB` backup and restore".
#[test]
fn a_session_may_restore_this_backup_to_this_table_and_fill_that() {
    let request = read(RESTORE, &least()).unwrap();
    let strings = |all: &[&str]| all.iter().map(ToString::to_string).collect::<Vec<_>>();
    let filling = [
        "dynamodb:BatchWriteItem",
        "dynamodb:DeleteItem",
        "dynamodb:GetItem",
        "dynamodb:PutItem",
        "dynamodb:Query",
        "dynamodb:Scan",
        "dynamodb:UpdateItem",
    ];
    assert_eq!(
        allowed(&policy(&request, false)),
        [
            (strings(&["dynamodb:RestoreTableFromBackup"]), strings(&[BACKUP, RESTORED])),
            (strings(&filling), strings(&[RESTORED])),
        ]
    );
    assert_eq!(
        allowed(&policy(&request, true)),
        [
            (strings(&["dynamodb:DescribeBackup"]), strings(&[BACKUP])),
            (strings(&["dynamodb:DescribeTable"]), strings(&[RESTORED])),
        ]
    );
    // A key of the account's is used by DynamoDB alone.
    let policy = policy(&read(RESTORE, &whole_restore()).unwrap(), false);
    let statements = policy["Statement"].as_array().unwrap();
    let through = json!({"StringLike": {"kms:ViaService": "dynamodb.eu-west-3.amazonaws.com*"}});
    assert_eq!((statements.len(), &statements[2]["Condition"]), (3, &through));
    let actions = statements[2]["Action"].as_array().unwrap();
    assert!(actions.iter().all(|action| action.as_str().unwrap().starts_with("kms:")), "{actions:?}");
}

#[tokio::test]
async fn what_is_not_said_is_as_it_was_in_the_backup() {
    let making = json!({"TableDescription": {
        "TableName": "Restored", "TableStatus": "CREATING", "RestoreSummary": {"RestoreInProgress": true},
    }});
    let answer = making.clone();
    let wire = Wire::new(move |_, _| Reply::Done(answer.clone()));
    let outcome = carried(&wire, RESTORE, &least(), false).await;
    assert_eq!(asked(&wire), [(RESTORE.to_owned(), least())]);
    // The table is still being made, which the output says.
    assert_eq!(outcome.output, making);
    assert_eq!(told(&outcome.targets), [("Restored", None)]);
    assert!(!outcome.confidential);
}

/// Source: `DynamoDB` API Reference, `RestoreTableFromBackup`, "Errors".
#[tokio::test]
async fn what_dynamodb_refuses_is_told_of_the_new_table() {
    for (code, expected) in [
        ("BackupNotFoundException", "not_found"),
        ("TableAlreadyExistsException", "already_exists"),
        ("TableInUseException", "in_use"),
        ("BackupInUseException", "in_use"),
        ("LimitExceededException", "limit_exceeded"),
        ("AccessDeniedException", "access_denied"),
    ] {
        let wire = Wire::new(move |_, _| Reply::Error(400, code, "no"));
        let outcome = carried(&wire, RESTORE, &least(), false).await;
        assert_eq!(told(&outcome.targets), [("Restored", Some(expected))], "{code}");
        assert_eq!(outcome.output, Value::Null);
    }
}

/// A dry run finds the backup, and the name free.
#[tokio::test]
async fn a_dry_run_looks_for_the_backup_and_for_the_name() {
    let backup = json!({"BackupDescription": {"BackupDetails": {
        "BackupArn": BACKUP, "BackupName": "b", "BackupStatus": "AVAILABLE", "BackupType": "USER",
        "BackupCreationDateTime": 1,
    }}});
    let absent = || Reply::Error(400, "ResourceNotFoundException", "Requested resource not found");
    for (found, free, code) in
        [(true, true, None), (false, true, Some("not_found")), (true, false, Some("already_exists"))]
    {
        let backup = backup.clone();
        let wire = Wire::new(move |_, call| match (call.operation.as_str(), found, free) {
            ("DescribeBackup", true, _) => Reply::Done(backup.clone()),
            ("DescribeBackup", false, _) => Reply::Error(400, "BackupNotFoundException", "no"),
            ("DescribeTable", _, true) => absent(),
            ("DescribeTable", _, false) => Reply::Done(json!({"Table": {"TableName": "Restored"}})),
            (other, ..) => panic!("a dry run does not {other}"),
        });
        let outcome = carried(&wire, RESTORE, &least(), true).await;
        assert_eq!(told(&outcome.targets), [("Restored", code)]);
        assert_eq!(outcome.output["DryRun"].is_string(), code.is_none());
        assert_eq!(outcome.request_ids.len(), if found { 2 } else { 1 });
    }
}

#[test]
fn a_backup_of_another_place_is_refused() {
    for other in [
        BACKUP.replace("eu-west-3", "eu-west-1"),
        BACKUP.replace("222222222222", "333333333333"),
        BACKUP.replace("arn:aws:", "arn:aws-cn:"),
    ] {
        let error = read(RESTORE, &json!({"BackupArn": other, "TargetTableName": "Restored"})).unwrap_err();
        assert_eq!((error.code, error.fields[0].pointer.as_str()), ("foreign_resource", "/input/BackupArn"));
    }
}
