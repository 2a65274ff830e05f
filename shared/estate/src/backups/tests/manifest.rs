//! What is kept of a table beside its backup.

use std::collections::BTreeMap;

use domain::manifest::{IndexManifest, KeyPart, Known, TableManifest};

use super::*;

const KEY: &str = "arn:aws:kms:eu-west-3:222222222222:key/1234abcd";

/// Source: `DynamoDB` API Reference, `DescribeTable`, "Examples".
fn table() -> Value {
    let key = |hash: &str, range: Option<&str>| {
        let mut key = vec![json!({"AttributeName": hash, "KeyType": "HASH"})];
        key.extend(range.map(|range| json!({"AttributeName": range, "KeyType": "RANGE"})));
        key
    };
    json!({"Table": {
        "TableName": "Music", "TableStatus": "ACTIVE", "TableId": "0b1c", "ItemCount": 3, "TableSizeBytes": 99,
        "CreationDateTime": 1, "DeletionProtectionEnabled": true,
        "KeySchema": key("Artist", Some("Song")),
        "AttributeDefinitions": [
            {"AttributeName": "Artist", "AttributeType": "S"}, {"AttributeName": "Song", "AttributeType": "B"},
            {"AttributeName": "Year", "AttributeType": "N"},
        ],
        "ProvisionedThroughput": {"ReadCapacityUnits": 5, "WriteCapacityUnits": 6},
        "StreamSpecification": {"StreamEnabled": true, "StreamViewType": "NEW_IMAGE"},
        "SSEDescription": {"Status": "ENABLED", "SSEType": "KMS", "KMSMasterKeyArn": KEY},
        "TableClassSummary": {"TableClass": "STANDARD_INFREQUENT_ACCESS"},
        "LocalSecondaryIndexes": [{
            "IndexName": "ByYear", "KeySchema": key("Artist", Some("Year")),
            "Projection": {"ProjectionType": "KEYS_ONLY"},
        }],
        "GlobalSecondaryIndexes": [{
            "IndexName": "ByAge", "KeySchema": key("Year", None), "IndexStatus": "ACTIVE",
            "Projection": {"ProjectionType": "INCLUDE", "NonKeyAttributes": ["Label", "Genre"]},
        }],
    }})
}

/// Answers for everything that is read of a table.
fn answers(call: &Call) -> Reply {
    Reply::Done(match call.operation.as_str() {
        "DescribeTable" => table(),
        "DescribeContinuousBackups" => json!({"ContinuousBackupsDescription": {
            "ContinuousBackupsStatus": "ENABLED",
            "PointInTimeRecoveryDescription": {"PointInTimeRecoveryStatus": "ENABLED"},
        }}),
        "DescribeTimeToLive" => {
            json!({"TimeToLiveDescription": {"TimeToLiveStatus": "ENABLED", "AttributeName": "expires"}})
        }
        "ListTagsOfResource" => json!({"Tags": [{"Key": "team", "Value": "blue"}]}),
        other => panic!("a look does not {other}"),
    })
}

async fn looked(wire: &Wire, capabilities: &[Capability]) -> Answer<Looked> {
    look(&session(wire).await, &place(), "Music", &of(capabilities), None).await
}

fn ready(answer: Answer<Looked>) -> TableManifest {
    match answer {
        Answer::Done(Looked::Ready(manifest)) => *manifest,
        other => panic!("it can be backed up: {other:?}"),
    }
}

fn key(parts: &[(&str, &str, &str)]) -> Vec<KeyPart> {
    let part = |(name, role, kind): &(&str, &str, &str)| KeyPart {
        name: (*name).to_owned(),
        role: (*role).to_owned(),
        kind: (*kind).to_owned(),
    };
    parts.iter().map(part).collect()
}

#[tokio::test]
async fn what_a_restore_loses_is_kept() {
    let wire = Wire::new(|_, call| answers(call));
    let manifest = ready(looked(&wire, &[Capability::DynamodbBackup]).await);
    let index = |name: &str, global, keys, projection: &str, includes: &[&str]| IndexManifest {
        name: name.to_owned(),
        global,
        keys,
        projection: projection.to_owned(),
        includes: includes.iter().map(ToString::to_string).collect(),
    };
    let expected = TableManifest {
        seen_at: manifest.seen_at,
        table_id: Some("0b1c".to_owned()),
        keys: key(&[("Artist", "HASH", "S"), ("Song", "RANGE", "B")]),
        indexes: vec![
            index("ByAge", true, key(&[("Year", "HASH", "N")]), "INCLUDE", &["Genre", "Label"]),
            index("ByYear", false, key(&[("Artist", "HASH", "S"), ("Year", "RANGE", "N")]), "KEYS_ONLY", &[]),
        ],
        billing_mode: "PROVISIONED".to_owned(),
        read_units: Some(5),
        write_units: Some(6),
        item_count: 3,
        size_bytes: 99,
        table_class: Some("STANDARD_INFREQUENT_ACCESS".to_owned()),
        kms_key: Some(KEY.to_owned()),
        deletion_protection: true,
        stream: Some("NEW_IMAGE".to_owned()),
        time_to_live: Known::Known(Some("expires".to_owned())),
        point_in_time_recovery: Known::Known(true),
        tags: Known::Known(BTreeMap::from([("team".to_owned(), "blue".to_owned())])),
    };
    assert_eq!(manifest, expected);
    let mut calls: Vec<_> = asked(&wire);
    calls.sort_by(|one, other| one.0.cmp(&other.0));
    let named = |operation: &str| (operation.to_owned(), json!({"TableName": "Music"}));
    let tags = ("ListTagsOfResource".to_owned(), json!({"ResourceArn": TABLE}));
    let expected =
        [named("DescribeContinuousBackups"), named("DescribeTable"), named("DescribeTimeToLive"), tags];
    assert_eq!(calls, expected);
}

#[tokio::test]
async fn what_is_off_is_known_to_be_off() {
    let wire = Wire::new(|_, call| {
        Reply::Done(match call.operation.as_str() {
            "DescribeTable" => json!({"Table": {
                "TableName": "Music", "TableStatus": "UPDATING",
                "BillingModeSummary": {"BillingMode": "PAY_PER_REQUEST"},
                "ProvisionedThroughput": {"ReadCapacityUnits": 0, "WriteCapacityUnits": 0},
            }}),
            "DescribeContinuousBackups" => json!({"ContinuousBackupsDescription": {
                "ContinuousBackupsStatus": "ENABLED",
                "PointInTimeRecoveryDescription": {"PointInTimeRecoveryStatus": "DISABLED"},
            }}),
            "DescribeTimeToLive" => json!({"TimeToLiveDescription": {"TimeToLiveStatus": "DISABLED"}}),
            _ => json!({"Tags": []}),
        })
    });
    let manifest = ready(looked(&wire, &[Capability::DynamodbBackup]).await);
    assert_eq!(manifest.time_to_live, Known::Known(None));
    assert_eq!(manifest.point_in_time_recovery, Known::Known(false));
    assert_eq!(manifest.tags, Known::Known(BTreeMap::new()));
    assert_eq!((manifest.billing_mode.as_str(), manifest.read_units), ("PAY_PER_REQUEST", None));
    assert_eq!((manifest.stream, manifest.kms_key, manifest.deletion_protection), (None, None, false));
}

/// Whoever selected the table by its tags has read them, and AWS allows few such look-ups.
#[tokio::test]
async fn tags_that_are_known_are_not_read_again() {
    let wire = Wire::new(|_, call| answers(call));
    let tags = BTreeMap::from([("env".to_owned(), "prod".to_owned())]);
    let capabilities = of(&[Capability::DynamodbBackup]);
    let answer = look(&session(&wire).await, &place(), "Music", &capabilities, Some(tags.clone())).await;
    assert_eq!(ready(answer).tags, Known::Known(tags));
    assert!(wire.calls().iter().all(|call| call.operation != "ListTagsOfResource"));
}

/// What the role may not read is no reason not to back the table up.
#[tokio::test]
async fn what_cannot_be_read_is_unknown() {
    let wire = Wire::new(|_, call| answers(call));
    let unread = ready(looked(&wire, &[Capability::DynamodbObserve]).await);
    let why = "capability_missing".to_owned();
    assert_eq!(unread.time_to_live, Known::Unknown(why.clone()));
    assert_eq!(unread.point_in_time_recovery, Known::Unknown(why.clone()));
    assert_eq!(unread.tags, Known::Unknown(why));
    assert_eq!(wire.calls().len(), 1);
    let wire = Wire::new(|_, call| match call.operation.as_str() {
        "DescribeTable" => answers(call),
        _ => Reply::Error(400, "AccessDeniedException", "User is not authorized"),
    });
    let denied = ready(looked(&wire, &[Capability::DynamodbBackup]).await);
    assert_eq!(denied.time_to_live, Known::Unknown("access_denied".to_owned()));
    assert_eq!(denied.tags, Known::Unknown("access_denied".to_owned()));
}

/// What is only throttled can be known, and is asked again.
#[rstest]
#[case("DescribeContinuousBackups")]
#[case("DescribeTimeToLive")]
#[case("ListTagsOfResource")]
#[tokio::test]
async fn what_is_throttled_is_not_unknown(#[case] operation: &'static str) {
    for (status, code, told) in PASSING {
        let wire = Wire::new(move |_, call| {
            if call.operation == operation { Reply::Error(status, code, "no") } else { answers(call) }
        });
        let answer = looked(&wire, &[Capability::DynamodbBackup]).await;
        assert_eq!(answer, Answer::Later { code: told.to_owned() });
    }
}

/// Source: `DynamoDB` API Reference, `TableDescription`, `TableStatus`.
#[rstest]
#[case("CREATING", Some("table_creating"))]
#[case("DELETING", Some("table_deleting"))]
#[case("ARCHIVING", Some("table_archived"))]
#[case("ARCHIVED", Some("table_archived"))]
#[case("INACCESSIBLE_ENCRYPTION_CREDENTIALS", Some("table_inaccessible"))]
#[case("UPDATING", None)]
#[case("ACTIVE", None)]
#[tokio::test]
async fn a_table_is_backed_up_when_it_can_be(#[case] status: &'static str, #[case] expected: Option<&str>) {
    let wire = Wire::new(move |_, call| match call.operation.as_str() {
        "DescribeTable" => Reply::Done(json!({"Table": {"TableName": "Music", "TableStatus": status}})),
        _ => answers(call),
    });
    let not_now = match looked(&wire, &[Capability::DynamodbBackup]).await {
        Answer::Done(Looked::NotNow { code, .. }) => Some(code),
        Answer::Done(Looked::Ready(_)) => None,
        other => panic!("{other:?}"),
    };
    assert_eq!(not_now, expected);
}

#[tokio::test]
async fn a_table_that_is_gone_is_told() {
    let wire = Wire::new(|_, _| Reply::Error(400, "ResourceNotFoundException", "not found"));
    let answer = looked(&wire, &[Capability::DynamodbBackup]).await;
    assert!(matches!(answer, Answer::Done(Looked::NotNow { code: "table_not_found", .. })), "{answer:?}");
    answers_as_every_request(async |session| {
        look(&session, &place(), "Music", &of(&[Capability::DynamodbBackup]), None).await
    })
    .await;
}
