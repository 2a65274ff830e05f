//! What is sent, and what comes back.

use rstest::rstest;

use super::*;

/// What `DynamoDB` answers to each action, and what is told of it.
fn answer(action: &str) -> (Reply, Value) {
    let same = |answer: Value| (Reply::Done(answer.clone()), answer);
    let items = json!({"Artist": {"S": "No One You Know"}, "CreationDateTime": {"N": "1489602797.149"}});
    match action {
        "ListTables" => same(json!({"TableNames": ["Music", "Reply"], "LastEvaluatedTableName": "Reply"})),
        "TagResource" => (Reply::Empty, Value::Null),
        "ListTagsOfResource" => same(json!({"Tags": [{"Key": "Owner", "Value": "blue"}], "NextToken": "on"})),
        "DescribeTimeToLive" => {
            same(json!({"TimeToLiveDescription": {"TimeToLiveStatus": "ENABLED", "AttributeName": "ttl"}}))
        }
        "UpdateTimeToLive" => {
            same(json!({"TimeToLiveSpecification": {"Enabled": true, "AttributeName": "expires"}}))
        }
        "PutItem" | "UpdateItem" | "DeleteItem" => same(json!({
            "Attributes": items, "ConsumedCapacity": {"TableName": "Music", "CapacityUnits": 1.0},
        })),
        "GetItem" => same(json!({"Item": items})),
        "Query" | "Scan" => same(json!({
            "Items": [items], "Count": 1, "ScannedCount": 3, "LastEvaluatedKey": {"Artist": {"S": "Acme Band"}},
        })),
        "BatchGetItem" => same(json!({"Responses": {"Music": [items]}, "UnprocessedKeys": {}})),
        "BatchWriteItem" => same(json!({"UnprocessedItems": {}})),
        "ListBackups" => dated(
            |time| json!({"BackupSummaries": [{"BackupArn": BACKUP, "BackupCreationDateTime": time, "BackupSizeBytes": 7}]}),
        ),
        "CreateBackup" => dated(|time| {
            json!({"BackupDetails": {
                "BackupArn": BACKUP, "BackupName": "nightly", "BackupStatus": "CREATING", "BackupType": "USER",
                "BackupCreationDateTime": time,
            }})
        }),
        "DescribeBackup" | "DeleteBackup" => dated(|time| {
            json!({"BackupDescription": {
                "BackupDetails": {
                    "BackupArn": BACKUP, "BackupName": "nightly", "BackupStatus": "AVAILABLE", "BackupType": "USER",
                    "BackupCreationDateTime": time,
                },
                "SourceTableDetails": {
                    "TableName": "Music", "TableId": "12345678-0123-4567-0123-123456789012", "KeySchema": [],
                    "TableCreationDateTime": time, "ProvisionedThroughput": {"ReadCapacityUnits": 5},
                },
            }})
        }),
        "DescribeContinuousBackups" | "UpdateContinuousBackups" => dated(|time| {
            json!({"ContinuousBackupsDescription": {
                "ContinuousBackupsStatus": "ENABLED",
                "PointInTimeRecoveryDescription": {
                    "PointInTimeRecoveryStatus": "ENABLED", "RecoveryPeriodInDays": 14, "EarliestRestorableDateTime": time,
                },
            }})
        }),
        "DescribeTable" => dated(|time| json!({"Table": description(time)})),
        "CreateTable" | "UpdateTable" | "DeleteTable" | "RestoreTableFromBackup" => {
            dated(|time| json!({"TableDescription": description(time)}))
        }
        other => panic!("{other}"),
    }
}

/// A table, with what no SDK knows yet.
fn description(time: &Value) -> Value {
    json!({
        "TableName": "Music", "TableStatus": "ACTIVE", "ItemCount": 8, "TableArn": TABLE, "CreationDateTime": time,
        "GlobalSecondaryIndexes": [{"IndexName": "ByYear"}], "LocalSecondaryIndexes": [{"IndexName": "ByLabel"}],
        "SomethingNew": {"Depth": 1},
    })
}

/// A time as it is on the wire, and as it is told.
fn dated(answer: impl Fn(&Value) -> Value) -> (Reply, Value) {
    (Reply::Done(answer(&json!(1_489_602_797.149))), answer(&json!("2017-03-15T18:33:17.149Z")))
}

/// What is asked is sent as it stands, once, and what `DynamoDB` answers is told as it stands.
#[tokio::test]
async fn every_action_sends_what_was_asked_and_tells_what_was_answered() {
    for (action, input) in every_input() {
        let wire = Wire::new(move |_, _| answer(action).0);
        let outcome = carried(&wire, action, &input, false).await;
        assert_eq!(asked(&wire), [(action.to_owned(), input)], "{action}");
        assert_eq!(outcome.output, answer(action).1, "{action}");
        let target = match action {
            "ListTables" => "dynamodb:ListTables",
            "DescribeBackup" | "DeleteBackup" => BACKUP,
            "RestoreTableFromBackup" => "Restored",
            _ => "Music",
        };
        assert_eq!(told(&outcome.targets), [(target, None)], "{action}");
        assert_eq!(outcome.request_ids, ["request-0"], "{action}");
        let holds_items = action.ends_with("Item") || ["Query", "Scan"].contains(&action);
        assert_eq!(outcome.confidential, holds_items, "{action}");
    }
}

/// Of what has a default at `DynamoDB`, nothing is sent but what bounds a page.
#[tokio::test]
async fn the_least_input_sends_the_least() {
    let key = json!({"Artist": {"S": "a"}});
    let small_table = json!({
        "TableName": "Music", "BillingMode": "PAY_PER_REQUEST",
        "AttributeDefinitions": [{"AttributeName": "Artist", "AttributeType": "S"}],
        "KeySchema": [{"AttributeName": "Artist", "KeyType": "HASH"}],
    });
    let inputs = [
        ("ListTables", json!({}), json!({})),
        ("ListBackups", json!({}), json!({})),
        ("Scan", json!({"TableName": "Music"}), json!({"TableName": "Music", "Limit": 100})),
        (
            "Query",
            json!({"TableName": "Music", "KeyConditionExpression": "Artist = a"}),
            json!({"TableName": "Music", "KeyConditionExpression": "Artist = a", "Limit": 100}),
        ),
        ("PutItem", json!({"TableName": "Music", "Item": key}), json!({"TableName": "Music", "Item": key})),
        ("UpdateItem", json!({"TableName": "Music", "Key": key}), json!({"TableName": "Music", "Key": key})),
        ("CreateTable", small_table.clone(), small_table),
        (
            "UpdateTable",
            json!({"TableName": "Music", "DeletionProtectionEnabled": false}),
            json!({"TableName": "Music", "DeletionProtectionEnabled": false}),
        ),
    ];
    for (action, input, sent) in inputs {
        let wire = Wire::new(move |_, _| answer(action).0);
        carried(&wire, action, &input, false).await;
        assert_eq!(asked(&wire), [(action.to_owned(), sent)], "{action}");
    }
}

/// What is not in the table is no error, and no item.
#[tokio::test]
async fn an_item_that_is_not_there_is_not_told() {
    let wire = Wire::new(|_, _| Reply::Done(json!({})));
    let outcome =
        carried(&wire, "GetItem", &json!({"TableName": "Music", "Key": {"a": {"S": "b"}}}), false).await;
    assert_eq!((outcome.output, told(&outcome.targets)), (json!({}), vec![("Music", None)]));
}

/// A dry run carries nothing out: it looks up the table, or asks what only reads and has no table.
#[tokio::test]
async fn a_dry_run_only_looks_up() {
    const SAID: &str = "validated and looked up; DynamoDB has no dry run";
    for (action, input) in every_input().into_iter().filter(|(action, _)| !action.starts_with("Restore")) {
        let wire = Wire::new(|_, call| match call.operation.as_str() {
            "CreateBackup" | "CreateTable" => panic!("a dry run makes nothing"),
            "DeleteTable" | "DeleteBackup" | "DeleteItem" => panic!("a dry run deletes nothing"),
            operation => answer(operation).0,
        });
        let outcome = carried(&wire, action, &input, true).await;
        let calls = asked(&wire);
        let operations: Vec<_> = calls.iter().map(|(operation, _)| operation.as_str()).collect();
        assert!(!outcome.confidential, "{action}");
        match action {
            "ListTables" | "ListBackups" | "DescribeBackup" => {
                assert_eq!(calls, [(action.to_owned(), input)]);
                assert_eq!(outcome.output, answer(action).1);
            }
            "CreateBackup" => {
                assert_eq!(operations, ["DescribeTable", "DescribeContinuousBackups"]);
                assert!(calls.iter().all(|(_, body)| *body == json!({"TableName": "Music"})), "{calls:?}");
                assert_eq!(told(&outcome.targets), [("Music", None)]);
                assert!(outcome.output["DryRun"].as_str().unwrap().contains("no backup was made"));
                assert_eq!(outcome.output["TableStatus"], "ACTIVE");
                let backups = &outcome.output["ContinuousBackupsDescription"];
                assert_eq!(backups["ContinuousBackupsStatus"], "ENABLED");
                assert_eq!(outcome.request_ids, ["request-0", "request-1"]);
            }
            "DeleteBackup" => {
                assert_eq!(calls, [("DescribeBackup".to_owned(), input)]);
                assert_eq!(outcome.output, json!({"DryRun": SAID}));
                assert_eq!(told(&outcome.targets), [(BACKUP, None)]);
            }
            _ => {
                assert_eq!(calls, [("DescribeTable".to_owned(), json!({"TableName": "Music"}))], "{action}");
                let (code, output) = match action {
                    "CreateTable" => (Some("already_exists"), Value::Null),
                    _ => (None, json!({"DryRun": SAID})),
                };
                assert_eq!(
                    (told(&outcome.targets), outcome.output),
                    (vec![("Music", code)], output),
                    "{action}"
                );
                assert_eq!(outcome.request_ids, ["request-0"], "{action}");
            }
        }
    }
}

#[tokio::test]
async fn a_dry_run_of_a_new_table_finds_its_name_free() {
    let wire =
        Wire::new(|_, _| Reply::Error(400, "ResourceNotFoundException", "Requested resource not found"));
    let outcome = carried(&wire, "CreateTable", &whole_table(), true).await;
    assert_eq!(told(&outcome.targets), [("Music", None)]);
    assert!(outcome.output["DryRun"].is_string());
    let wire = Wire::new(|_, _| Reply::Error(400, "AccessDeniedException", "User is not authorized"));
    let outcome = carried(&wire, "CreateTable", &whole_table(), true).await;
    assert_eq!(
        (told(&outcome.targets), outcome.output),
        (vec![("Music", Some("access_denied"))], Value::Null)
    );
}

/// A dry run fails where what it looks up is not there, or cannot be backed up now.
#[tokio::test]
async fn a_dry_run_tells_what_would_fail() {
    let absent = |_: usize, _: &wire::Call| Reply::Error(400, "ResourceNotFoundException", "not found");
    for (action, input) in every_input().into_iter().filter(|(action, _)| !action.starts_with("Restore")) {
        if ["ListTables", "ListBackups", "DescribeBackup", "CreateTable"].contains(&action) {
            continue;
        }
        let outcome = carried(&Wire::new(absent), action, &input, true).await;
        let target = if action == "DeleteBackup" { BACKUP } else { "Music" };
        assert_eq!(told(&outcome.targets), [(target, Some("not_found"))], "{action}");
        assert_eq!(
            (outcome.output, outcome.request_ids),
            (Value::Null, vec!["request-0".to_owned()]),
            "{action}"
        );
    }
    let other = |_: usize, _: &wire::Call| {
        Reply::Done(
            json!({"Table": {"TableName": "Music", "GlobalSecondaryIndexes": [{"IndexName": "Other"}]}}),
        )
    };
    for action in ["Query", "Scan"] {
        let (_, input) = every_input().into_iter().find(|(known, _)| *known == action).unwrap();
        let outcome = carried(&Wire::new(other), action, &input, true).await;
        assert_eq!(
            (told(&outcome.targets), outcome.output),
            (vec![("Music", Some("not_found"))], Value::Null)
        );
    }
    let input = json!({"TableName": "Music", "BackupName": "nightly"});
    for status in ["CREATING", "DELETING"] {
        let wire = Wire::new(move |_, call| match call.operation.as_str() {
            "DescribeTable" => Reply::Done(json!({"Table": {"TableStatus": status}})),
            _ => Reply::Done(json!({})),
        });
        let outcome = carried(&wire, "CreateBackup", &input, true).await;
        assert_eq!(told(&outcome.targets), [("Music", Some("in_use"))], "{status}");
    }
    let wire = Wire::new(|_, call| match call.operation.as_str() {
        "DescribeTable" => answer("DescribeTable").0,
        _ => Reply::Error(400, "AccessDeniedException", "User is not authorized"),
    });
    // The backup itself takes no right to look at continuous backups: what is refused there decides nothing.
    let outcome = carried(&wire, "CreateBackup", &input, true).await;
    assert_eq!(told(&outcome.targets), [("Music", None)]);
    assert_eq!(outcome.output["ContinuousBackupsDescription"], Value::Null);
}

/// A local index is an index, too.
#[tokio::test]
async fn a_dry_run_finds_local_indexes() {
    let wire = Wire::new(|_, _| answer("DescribeTable").0);
    let outcome = carried(&wire, "Scan", &json!({"TableName": "Music", "IndexName": "ByLabel"}), true).await;
    assert_eq!(told(&outcome.targets), [("Music", None)]);
}

/// Source: IAM User Guide, "Troubleshoot access denied error messages".
const DENIED: &str = "User: arn:aws:sts::222222222222:assumed-role/customer/drawbridge-test is not authorized to \
                      perform: dynamodb:PutItem on resource: arn:aws:dynamodb:eu-west-3:222222222222:table/Music \
                      because no identity-based policy allows the dynamodb:PutItem action";

/// The same, of the table's key.
const NO_KEY: &str = "User: arn:aws:sts::222222222222:assumed-role/customer/drawbridge-test is not authorized to \
                      perform: kms:Decrypt on resource: arn:aws:kms:eu-west-3:222222222222:key/1 because no \
                      resource-based policy allows the kms:Decrypt action";

/// Sources: `DynamoDB` API Reference, the errors of each action; Developer Guide, "Error messages and
/// codes".
#[rstest]
#[case("ResourceNotFoundException", "Requested resource not found", "not_found", "Check the name")]
#[case("TableNotFoundException", "Table not found: Music", "not_found", "Check the name")]
#[case("BackupNotFoundException", "Backup not found", "not_found", "Check the name")]
#[case(
    "ConditionalCheckFailedException",
    "The conditional request failed",
    "condition_failed",
    "Read the item"
)]
#[case("ProvisionedThroughputExceededException", "too high", "throttled", "raise the table's throughput")]
#[case("ThrottlingException", "Rate of requests exceeds", "throttled", "Ask again in a moment")]
#[case("RequestLimitExceeded", "Throughput exceeds", "throttled", "Ask again in a moment")]
#[case("LimitExceededException", "Too many operations", "limit_exceeded", "quota")]
#[case("ResourceInUseException", "Attempt to change a resource which is still in use", "in_use", "Wait")]
#[case("ResourceInUseException", "Table already exists: Music", "already_exists", "another name")]
#[case("TableInUseException", "Table is being created", "in_use", "Wait")]
#[case("BackupInUseException", "Backup is being deleted", "in_use", "Wait")]
#[case("TableAlreadyExistsException", "Table already exists: Music", "already_exists", "another name")]
#[case("TransactionConflictException", "Transaction is ongoing", "in_use", "Ask again")]
#[case("ReplicatedWriteConflictException", "being modified", "in_use", "Ask again")]
#[case("ItemCollectionSizeLimitExceededException", "Collection size exceeded", "too_large", "10 GB")]
#[case("ContinuousBackupsUnavailableException", "Backups are being enabled", "unavailable", "few minutes")]
#[case("PointInTimeRecoveryUnavailableException", "not enabled", "unavailable", "UpdateContinuousBackups")]
#[case("ValidationException", "One or more parameter values were invalid", "invalid_input", "Mend")]
#[case("SerializationException", "unexpected", "invalid_input", "Mend")]
#[case("AccessDeniedException", DENIED, "access_denied", "dynamodb:PutItem")]
#[case("KMSAccessDeniedException", NO_KEY, "access_denied", "KMS key allows the role")]
#[case("UnrecognizedClientException", "The security token is invalid", "region_unavailable", "Region")]
#[case("InternalServerError", "went wrong", "aws_unavailable", "whether it was done")]
#[case("SomethingNewException", "what nobody knows", "refused", "what nobody knows")]
#[tokio::test]
async fn every_error_of_dynamodbs_has_a_code_and_a_remedy(
    #[case] code: &'static str,
    #[case] message: &'static str,
    #[case] told_as: &str,
    #[case] remedy: &str,
) {
    let wire = Wire::new(move |_, _| Reply::Error(400, code, message));
    let outcome =
        carried(&wire, "PutItem", &json!({"TableName": "Music", "Item": {"a": {"S": "b"}}}), false).await;
    assert_eq!(told(&outcome.targets), [("Music", Some(told_as))]);
    let detail = outcome.targets[0].detail.as_deref().unwrap();
    assert!(detail.contains(code) && detail.contains(remedy), "{detail}");
    assert_eq!((outcome.output, outcome.request_ids), (Value::Null, vec!["request-0".to_owned()]));
}

/// Every action tells a refusal of its target, and an answer that did not come.
#[tokio::test]
async fn no_action_swallows_a_refusal_or_silence() {
    for (action, input) in every_input() {
        let wire = Wire::new(|_, _| Reply::Error(400, "AccessDeniedException", "User is not authorized"));
        let outcome = carried(&wire, action, &input, false).await;
        let codes: Vec<_> = told(&outcome.targets).into_iter().map(|(_, code)| code).collect();
        assert_eq!((codes, outcome.output), (vec![Some("access_denied")], Value::Null), "{action}");
        assert_eq!(outcome.request_ids, ["request-0"], "{action}");
        let outcome = carried(&Wire::new(|_, _| Reply::Reset), action, &input, false).await;
        let codes: Vec<_> = told(&outcome.targets).into_iter().map(|(_, code)| code).collect();
        assert_eq!((codes, outcome.output), (vec![Some("no_answer")], Value::Null), "{action}");
    }
}
