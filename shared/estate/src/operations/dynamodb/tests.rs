//! Answers are those of AWS's documents: `DynamoDB` API Reference, the examples of each action.

mod answered;
mod policies;
mod refused;
mod restoring;
mod unprocessed;
mod wire;

use access::{Brokers, CustomerSession, Opened, Sessions};
use domain::grant::Shard;
use domain::operation::{Target, TargetOutcome};
use domain::sample::{created, deployment, submitted};
use domain::{Connection, Error};
use serde_json::{Value, json};

use super::super::{Outcome, Place, Read, Request};
use wire::{Reply, Wire};

const ROLE: &str = "arn:aws:iam::222222222222:role/customer";
const TABLE: &str = "arn:aws:dynamodb:eu-west-3:222222222222:table/Music";
const BACKUP: &str = "arn:aws:dynamodb:eu-west-3:222222222222:table/Music/backup/01489602797149-73d8d5bc";

fn place() -> Place {
    Place {
        partition: "aws".parse().unwrap(),
        account: "222222222222".parse().unwrap(),
        region: "eu-west-3".parse().unwrap(),
    }
}

/// Reads as the function does that carries operations out: what an input does not know is refused.
struct Strict;

impl Read for Strict {
    fn read<T: serde::de::DeserializeOwned>(&self, input: &Value) -> Result<T, Error> {
        let mut unknown = Vec::new();
        let read = serde_ignored::deserialize(input, |path| unknown.push(path.to_string()));
        let field = |code, detail: String| Error::invalid(domain::FieldError::new("/input", code, detail));
        if !unknown.is_empty() {
            return Err(field("unknown_field", unknown.join(" ")));
        }
        read.map_err(|error| field("invalid_type", error.to_string()))
    }
}

fn read(action: &str, input: &Value) -> Result<Request, Error> {
    Request::read(format!("dynamodb:{action}").parse().unwrap(), input, &place(), &Strict)
        .expect("the action is offered")
}

async fn session(wire: &Wire, request: &Request, dry_run: bool) -> CustomerSession {
    let connection = Connection { shard: Shard::new(1), ..submitted(&created().connection, ROLE).connection };
    let sessions = Sessions::new(Brokers::new(wire.config(), deployment()));
    let policy = request.session_policy(&place(), dry_run);
    match sessions.open(&connection, "drawbridge-test", &policy).await.unwrap() {
        Opened::Open(session) => session,
        other => panic!("there is a session: {other:?}"),
    }
}

/// Carries an operation out, or asks for a dry run.
async fn carried(wire: &Wire, action: &str, input: &Value, dry_run: bool) -> Outcome {
    let request = read(action, input).unwrap();
    let session = session(wire, &request, dry_run).await;
    request.carry(&session, &place(), dry_run).await
}

/// What was asked for, in order.
fn asked(wire: &Wire) -> Vec<(String, Value)> {
    for call in wire.calls() {
        assert_eq!(call.signer, "CUSTOMERKEY");
        // ARNs lead to the account's own endpoint.
        let hosts = ["dynamodb.eu-west-3.amazonaws.com", "222222222222.ddb.eu-west-3.amazonaws.com"];
        assert!(hosts.contains(&call.host.as_str()), "{}", call.host);
    }
    wire.calls().into_iter().map(|call| (call.operation, call.body)).collect()
}

/// Each target with its code, where it failed.
fn told(targets: &[Target]) -> Vec<(&str, Option<&str>)> {
    for target in targets {
        assert_eq!(target.outcome != TargetOutcome::Succeeded, target.code.is_some(), "{target:?}");
        assert_eq!(target.code.is_some(), target.detail.is_some(), "{target:?}");
    }
    targets.iter().map(|target| (target.id.as_str(), target.code.as_deref())).collect()
}

/// Every action with an input that names all there is to name.
fn every_input() -> Vec<(&'static str, Value)> {
    [harmless(), destroying()].concat()
}

/// Those that destroy what they name.
fn destroying() -> Vec<(&'static str, Value)> {
    let names = json!({"#a": "Artist"});
    let values = json!({":v": {"S": "x"}});
    let key = json!({"Artist": {"S": "No One You Know"}, "SongTitle": {"S": "Call Me Today"}});
    vec![
        ("DeleteTable", json!({"TableName": "Music"})),
        ("DeleteBackup", json!({"BackupArn": BACKUP})),
        (
            "DeleteItem",
            json!({
                "TableName": "Music", "Key": key, "ConditionExpression": "#a = :v", "ExpressionAttributeNames": names,
                "ExpressionAttributeValues": values, "ReturnValues": "ALL_OLD", "ReturnConsumedCapacity": "TOTAL",
                "ReturnItemCollectionMetrics": "SIZE",
            }),
        ),
    ]
}

/// The others.
fn harmless() -> Vec<(&'static str, Value)> {
    let names = json!({"#a": "Artist"});
    let values = json!({":v": {"S": "x"}});
    let item = json!({"Artist": {"S": "No One You Know"}, "Blob": {"B": "AAEC"}, "Nested": {"L": [{"M": {"n": {"N": "1.50"}}}]}});
    let key = json!({"Artist": {"S": "No One You Know"}, "SongTitle": {"S": "Call Me Today"}});
    vec![
        ("ListTables", json!({"ExclusiveStartTableName": "Forum", "Limit": 3})),
        ("DescribeTable", json!({"TableName": "Music"})),
        (
            "ListBackups",
            json!({
                "TableName": "Music", "Limit": 5, "TimeRangeLowerBound": 1_489_602_000, "TimeRangeUpperBound": 1_489_603_000,
                "ExclusiveStartBackupArn": BACKUP, "BackupType": "USER",
            }),
        ),
        ("DescribeBackup", json!({"BackupArn": BACKUP})),
        ("CreateBackup", json!({"TableName": "Music", "BackupName": "nightly.2026-11-25"})),
        ("DescribeContinuousBackups", json!({"TableName": "Music"})),
        ("DescribeTimeToLive", json!({"TableName": "Music"})),
        ("ListTagsOfResource", json!({"ResourceArn": TABLE, "NextToken": "more"})),
        (
            "BatchGetItem",
            json!({
                "RequestItems": {"Music": {
                    "Keys": [key], "ConsistentRead": true, "ProjectionExpression": "#a", "ExpressionAttributeNames": names,
                }},
                "ReturnConsumedCapacity": "TOTAL",
            }),
        ),
        (
            "BatchWriteItem",
            json!({
                "RequestItems": {"Music": [{"PutRequest": {"Item": item}}, {"DeleteRequest": {"Key": key}}]},
                "ReturnConsumedCapacity": "TOTAL", "ReturnItemCollectionMetrics": "SIZE",
            }),
        ),
        (
            "PutItem",
            json!({
                "TableName": "Music", "Item": item, "ConditionExpression": "#a <> :v",
                "ExpressionAttributeNames": names, "ExpressionAttributeValues": values, "ReturnValues": "ALL_OLD",
                "ReturnConsumedCapacity": "INDEXES", "ReturnItemCollectionMetrics": "SIZE",
            }),
        ),
        (
            "UpdateItem",
            json!({
                "TableName": "Music", "Key": key, "UpdateExpression": "SET #a = :v", "ConditionExpression": "#a <> :v",
                "ExpressionAttributeNames": names, "ExpressionAttributeValues": values, "ReturnValues": "UPDATED_NEW",
                "ReturnConsumedCapacity": "NONE", "ReturnItemCollectionMetrics": "NONE",
            }),
        ),
        (
            "GetItem",
            json!({
                "TableName": "Music", "Key": key, "ConsistentRead": true, "ProjectionExpression": "#a",
                "ExpressionAttributeNames": names, "ReturnConsumedCapacity": "TOTAL",
            }),
        ),
        (
            "Query",
            json!({
                "TableName": "Music", "IndexName": "ByYear", "Select": "SPECIFIC_ATTRIBUTES", "Limit": 7,
                "ConsistentRead": false, "ExclusiveStartKey": key, "ScanIndexForward": false,
                "KeyConditionExpression": "#a = :v", "FilterExpression": "#a = :v", "ProjectionExpression": "#a",
                "ExpressionAttributeNames": names, "ExpressionAttributeValues": values, "ReturnConsumedCapacity": "TOTAL",
            }),
        ),
        (
            "Scan",
            json!({
                "TableName": "Music", "IndexName": "ByYear", "Select": "COUNT", "Limit": 1000, "ConsistentRead": false,
                "ExclusiveStartKey": key, "Segment": 3, "TotalSegments": 4, "FilterExpression": "#a = :v",
                "ProjectionExpression": "#a", "ExpressionAttributeNames": names, "ExpressionAttributeValues": values,
                "ReturnConsumedCapacity": "TOTAL",
            }),
        ),
        (
            "UpdateTimeToLive",
            json!({"TableName": "Music", "TimeToLiveSpecification": {"Enabled": true, "AttributeName": "expires"}}),
        ),
        ("TagResource", json!({"ResourceArn": TABLE, "Tags": [{"Key": "Owner", "Value": "blue"}]})),
        (
            "UpdateTable",
            json!({
                "TableName": "Music", "BillingMode": "PROVISIONED",
                "ProvisionedThroughput": {"ReadCapacityUnits": 5, "WriteCapacityUnits": 6},
                "StreamSpecification": {"StreamEnabled": true, "StreamViewType": "NEW_AND_OLD_IMAGES"},
                "TableClass": "STANDARD_INFREQUENT_ACCESS", "DeletionProtectionEnabled": true,
            }),
        ),
        (
            "UpdateContinuousBackups",
            json!({
                "TableName": "Music",
                "PointInTimeRecoverySpecification": {"PointInTimeRecoveryEnabled": true, "RecoveryPeriodInDays": 14},
            }),
        ),
        ("CreateTable", whole_table()),
        ("RestoreTableFromBackup", whole_restore()),
    ]
}

/// All that a table can be restored with.
fn whole_restore() -> Value {
    let table = whole_table();
    json!({
        "BackupArn": BACKUP,
        "TargetTableName": "Restored",
        "BillingModeOverride": "PROVISIONED",
        "ProvisionedThroughputOverride": table["ProvisionedThroughput"],
        "GlobalSecondaryIndexOverride": table["GlobalSecondaryIndexes"],
        "LocalSecondaryIndexOverride": [],
        "SSESpecificationOverride": {"Enabled": true, "SSEType": "KMS", "KMSMasterKeyId": "alias/tables"},
    })
}

/// All that a table can be made with.
fn whole_table() -> Value {
    let units = json!({"ReadCapacityUnits": 1, "WriteCapacityUnits": 2});
    json!({
        "TableName": "Music",
        "AttributeDefinitions": [
            {"AttributeName": "Artist", "AttributeType": "S"},
            {"AttributeName": "SongTitle", "AttributeType": "S"},
            {"AttributeName": "Year", "AttributeType": "N"},
            {"AttributeName": "Label", "AttributeType": "B"},
        ],
        "KeySchema": [
            {"AttributeName": "Artist", "KeyType": "HASH"}, {"AttributeName": "SongTitle", "KeyType": "RANGE"},
        ],
        "BillingMode": "PROVISIONED",
        "ProvisionedThroughput": units,
        "GlobalSecondaryIndexes": [{
            "IndexName": "ByYear",
            "KeySchema": [
                {"AttributeName": "Year", "KeyType": "HASH"}, {"AttributeName": "Label", "KeyType": "HASH"},
                {"AttributeName": "Artist", "KeyType": "RANGE"},
            ],
            "Projection": {"ProjectionType": "INCLUDE", "NonKeyAttributes": ["Genre"]},
            "ProvisionedThroughput": units,
        }],
        "LocalSecondaryIndexes": [{
            "IndexName": "ByLabel",
            "KeySchema": [
                {"AttributeName": "Artist", "KeyType": "HASH"}, {"AttributeName": "Label", "KeyType": "RANGE"},
            ],
            "Projection": {"ProjectionType": "KEYS_ONLY"},
        }],
        "StreamSpecification": {"StreamEnabled": true, "StreamViewType": "KEYS_ONLY"},
        "Tags": [{"Key": "Owner", "Value": "blue"}],
        "TableClass": "STANDARD",
        "DeletionProtectionEnabled": true,
    })
}
