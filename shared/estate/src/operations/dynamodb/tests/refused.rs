//! What is refused before anything is asked.

use domain::ErrorKind;
use rstest::rstest;

use super::*;

/// The input of an action here, with this at that pointer.
fn with(action: &str, pointer: &str, value: Value) -> Value {
    let (_, mut input) = every_input().into_iter().find(|(known, _)| *known == action).unwrap();
    let (above, name) = pointer.rsplit_once('/').unwrap();
    let above = input.pointer_mut(above).unwrap();
    match above {
        Value::Array(items) => items[name.parse::<usize>().unwrap()] = value,
        above => above[name] = value,
    }
    input
}

/// An item of this many bytes, its attribute's name counted.
fn item_of(bytes: usize) -> Value {
    json!({"a": {"S": "x".repeat(bytes - 1)}})
}

fn text_of(length: usize) -> Value {
    json!("x".repeat(length))
}

#[rstest]
#[case("ListTables", "/Limit", json!(0), "out_of_range", "/Limit")]
#[case("ListTables", "/Limit", json!(101), "out_of_range", "/Limit")]
#[case("ListTables", "/ExclusiveStartTableName", json!("*"), "invalid_table_name", "/ExclusiveStartTableName")]
#[case("ListBackups", "/Limit", json!(101), "out_of_range", "/Limit")]
#[case("ListBackups", "/TimeRangeUpperBound", json!(1), "out_of_range", "/TimeRangeUpperBound")]
#[case("ListBackups", "/ExclusiveStartBackupArn", json!(TABLE), "invalid_arn", "/ExclusiveStartBackupArn")]
#[case("DescribeBackup", "/BackupArn", json!(TABLE), "invalid_arn", "/BackupArn")]
#[case("CreateBackup", "/BackupName", json!("no"), "invalid_backup_name", "/BackupName")]
#[case("CreateBackup", "/BackupName", json!("a b c"), "invalid_backup_name", "/BackupName")]
#[case("CreateBackup", "/BackupName", text_of(256), "invalid_backup_name", "/BackupName")]
#[case("ListTagsOfResource", "/ResourceArn", json!(BACKUP), "invalid_arn", "/ResourceArn")]
#[case("TagResource", "/ResourceArn", json!("Music"), "invalid_arn", "/ResourceArn")]
#[case("TagResource", "/Tags", json!([]), "invalid_tag", "/Tags")]
#[case("TagResource", "/Tags/0/Key", json!(""), "invalid_tag", "/Tags/0/Key")]
#[case("TagResource", "/Tags/0/Key", text_of(129), "invalid_tag", "/Tags/0/Key")]
#[case("TagResource", "/Tags/0/Key", json!("AWS:x"), "invalid_tag", "/Tags/0/Key")]
#[case("TagResource", "/Tags/0/Value", text_of(257), "invalid_tag", "/Tags/0/Value")]
#[case("TagResource", "/Tags", json!([{"Key": "a", "Value": ""}, {"Key": "a", "Value": ""}]), "invalid_tag", "/Tags/1/Key")]
#[case("TagResource", "/Tags", json!(vec![json!({"Key": "a", "Value": ""}); 51]), "too_many_tags", "/Tags")]
#[case("GetItem", "/Key", json!({}), "invalid_key", "/Key")]
#[case("GetItem", "/Key", json!({"a": {"S": ""}, "b": {"S": ""}, "c": {"S": ""}}), "invalid_key", "/Key")]
#[case("GetItem", "/ProjectionExpression", json!(""), "invalid_expression", "/ProjectionExpression")]
#[case("GetItem", "/ProjectionExpression", text_of(4097), "expression_too_long", "/ProjectionExpression")]
#[case("GetItem", "/ExpressionAttributeNames", json!({"a": "b"}), "invalid_placeholder", "/ExpressionAttributeNames")]
#[case("GetItem", "/ExpressionAttributeNames", json!({"#": "b"}), "invalid_placeholder", "/ExpressionAttributeNames")]
#[case("GetItem", "/ProjectionExpression", json!(null), "invalid_expression", "/ExpressionAttributeNames")]
#[case("PutItem", "/Item", json!({}), "invalid_item", "/Item")]
#[case("PutItem", "/Item", item_of(400 * 1024 + 1), "item_too_large", "/Item")]
#[case("DeleteItem", "/Key", json!({}), "invalid_key", "/Key")]
#[case("DeleteItem", "/ReturnValues", json!("ALL_NEW"), "invalid_return_values", "/ReturnValues")]
#[case("DeleteItem", "/ConditionExpression", json!(""), "invalid_expression", "/ConditionExpression")]
#[case("DeleteTable", "/TableName", json!("a*"), "invalid_table_name", "/TableName")]
#[case("DeleteBackup", "/BackupArn", json!(TABLE), "invalid_arn", "/BackupArn")]
#[case("PutItem", "/ReturnValues", json!("UPDATED_NEW"), "invalid_return_values", "/ReturnValues")]
#[case("PutItem", "/ConditionExpression", text_of(4097), "expression_too_long", "/ConditionExpression")]
#[case("PutItem", "/ExpressionAttributeValues", json!({"v": {"S": ""}}), "invalid_placeholder", "/ExpressionAttributeValues")]
#[case("PutItem", "/ExpressionAttributeValues", json!({":v": {"S": "x".repeat(2 * 1024 * 1024)}}), "expression_too_long", "/ExpressionAttributeValues")]
#[case("UpdateItem", "/Key", json!({}), "invalid_key", "/Key")]
#[case("UpdateItem", "/UpdateExpression", text_of(4097), "expression_too_long", "/UpdateExpression")]
#[case("UpdateItem", "/ConditionExpression", json!(""), "invalid_expression", "/ConditionExpression")]
#[case("Query", "/Limit", json!(1001), "out_of_range", "/Limit")]
#[case("Query", "/Limit", json!(0), "out_of_range", "/Limit")]
#[case("Query", "/IndexName", json!("*"), "invalid_index_name", "/IndexName")]
#[case("Query", "/KeyConditionExpression", json!(""), "invalid_expression", "/KeyConditionExpression")]
#[case("Query", "/FilterExpression", text_of(4097), "expression_too_long", "/FilterExpression")]
#[case("Query", "/ExclusiveStartKey", json!({}), "invalid_item", "/ExclusiveStartKey")]
#[case("Scan", "/Limit", json!(-1), "out_of_range", "/Limit")]
#[case("Scan", "/Segment", json!(4), "out_of_range", "/Segment")]
#[case("Scan", "/Segment", json!(null), "out_of_range", "/Segment")]
#[case("Scan", "/TotalSegments", json!(1_000_001), "out_of_range", "/TotalSegments")]
#[case("Scan", "/TotalSegments", json!(i32::MIN), "out_of_range", "/TotalSegments")]
#[case("BatchGetItem", "/RequestItems", json!({}), "invalid_batch", "/RequestItems")]
#[case("BatchGetItem", "/RequestItems/Music/Keys", json!([]), "invalid_batch", "/RequestItems/Music/Keys")]
#[case("BatchGetItem", "/RequestItems/Music/Keys", json!(vec![json!({"a": {"S": "b"}}); 101]), "invalid_batch", "/RequestItems")]
#[case("BatchGetItem", "/RequestItems/Music/Keys", json!([{"a": {"S": "b"}}, {}]), "invalid_key", "/RequestItems/Music/Keys/1")]
#[case("BatchGetItem", "/RequestItems/Music/ProjectionExpression", json!(""), "invalid_expression", "/RequestItems/Music/ProjectionExpression")]
#[case("BatchGetItem", "/RequestItems", json!({"a~/b": {"Keys": []}}), "invalid_table_name", "/RequestItems/a~0~1b")]
#[case("BatchWriteItem", "/RequestItems", json!({}), "invalid_batch", "/RequestItems")]
#[case("BatchWriteItem", "/RequestItems/Music", json!([]), "invalid_batch", "/RequestItems/Music")]
#[case("BatchWriteItem", "/RequestItems/Music", json!([{}]), "invalid_batch", "/RequestItems/Music/0")]
#[case("BatchWriteItem", "/RequestItems/Music", json!(vec![json!({"PutRequest": {"Item": {"a": {"S": "b"}}}}); 26]), "invalid_batch", "/RequestItems")]
#[case("BatchWriteItem", "/RequestItems/Music/0/PutRequest/Item", item_of(400 * 1024 + 1), "item_too_large", "/RequestItems/Music/0/PutRequest/Item")]
#[case("UpdateTimeToLive", "/TimeToLiveSpecification/AttributeName", json!(""), "out_of_range", "/TimeToLiveSpecification/AttributeName")]
#[case(
    "UpdateTimeToLive",
    "/TimeToLiveSpecification/AttributeName",
    text_of(256),
    "out_of_range",
    "/TimeToLiveSpecification/AttributeName"
)]
#[case("UpdateContinuousBackups", "/PointInTimeRecoverySpecification/RecoveryPeriodInDays", json!(36), "out_of_range", "/PointInTimeRecoverySpecification/RecoveryPeriodInDays")]
#[case("UpdateTable", "/BillingMode", json!("PAY_PER_REQUEST"), "invalid_throughput", "/ProvisionedThroughput")]
#[case("UpdateTable", "/ProvisionedThroughput", json!(null), "invalid_throughput", "/ProvisionedThroughput")]
#[case("UpdateTable", "/ProvisionedThroughput/ReadCapacityUnits", json!(0), "out_of_range", "/ProvisionedThroughput/ReadCapacityUnits")]
#[case("UpdateTable", "/ProvisionedThroughput/WriteCapacityUnits", json!(-1), "out_of_range", "/ProvisionedThroughput/WriteCapacityUnits")]
#[case("UpdateTable", "/StreamSpecification/StreamEnabled", json!(false), "invalid_stream", "/StreamSpecification/StreamViewType")]
#[case("UpdateTable", "/StreamSpecification/StreamViewType", json!(null), "invalid_stream", "/StreamSpecification/StreamViewType")]
#[case("RestoreTableFromBackup", "/BackupArn", json!(TABLE), "invalid_arn", "/BackupArn")]
#[case("RestoreTableFromBackup", "/TargetTableName", json!("*"), "invalid_table_name", "/TargetTableName")]
#[case("RestoreTableFromBackup", "/BillingModeOverride", json!("PAY_PER_REQUEST"), "invalid_throughput", "/ProvisionedThroughputOverride")]
#[case("RestoreTableFromBackup", "/ProvisionedThroughputOverride/ReadCapacityUnits", json!(0), "out_of_range", "/ProvisionedThroughputOverride/ReadCapacityUnits")]
#[case("RestoreTableFromBackup", "/GlobalSecondaryIndexOverride/0/IndexName", json!("a*"), "invalid_index_name", "/GlobalSecondaryIndexOverride/0/IndexName")]
#[case("RestoreTableFromBackup", "/GlobalSecondaryIndexOverride/0/KeySchema", json!([]), "invalid_key_schema", "/GlobalSecondaryIndexOverride/0/KeySchema")]
#[case("RestoreTableFromBackup", "/SSESpecificationOverride/KMSMasterKeyId", json!("*"), "invalid_kms_key", "/SSESpecificationOverride/KMSMasterKeyId")]
#[case("RestoreTableFromBackup", "/SSESpecificationOverride/Enabled", json!(false), "invalid_kms_key", "/SSESpecificationOverride/KMSMasterKeyId")]
#[case("CreateTable", "/KeySchema", json!([]), "invalid_key_schema", "/KeySchema")]
#[case("CreateTable", "/KeySchema/0/KeyType", json!("RANGE"), "invalid_key_schema", "/KeySchema")]
#[case("CreateTable", "/KeySchema/1/KeyType", json!("HASH"), "invalid_key_schema", "/KeySchema")]
#[case("CreateTable", "/KeySchema/1/AttributeName", json!("Artist"), "invalid_key_schema", "/KeySchema")]
#[case("CreateTable", "/GlobalSecondaryIndexes/0/KeySchema", json!([]), "invalid_key_schema", "/GlobalSecondaryIndexes/0/KeySchema")]
#[case("CreateTable", "/GlobalSecondaryIndexes/0/IndexName", json!("a*"), "invalid_index_name", "/GlobalSecondaryIndexes/0/IndexName")]
#[case("CreateTable", "/LocalSecondaryIndexes/0/IndexName", json!("ByYear"), "invalid_index_name", "/LocalSecondaryIndexes/0/IndexName")]
#[case("CreateTable", "/LocalSecondaryIndexes/0/KeySchema/0/AttributeName", json!("Year"), "invalid_key_schema", "/LocalSecondaryIndexes/0/KeySchema")]
#[case("CreateTable", "/LocalSecondaryIndexes/0/Projection/NonKeyAttributes", json!(["x"]), "invalid_projection", "/LocalSecondaryIndexes/0/Projection/NonKeyAttributes")]
#[case("CreateTable", "/GlobalSecondaryIndexes/0/Projection/NonKeyAttributes", json!([]), "invalid_projection", "/GlobalSecondaryIndexes/0/Projection/NonKeyAttributes")]
#[case("CreateTable", "/GlobalSecondaryIndexes/0/Projection/NonKeyAttributes", json!(vec!["x"; 101]), "invalid_projection", "")]
#[case("CreateTable", "/AttributeDefinitions/3/AttributeName", json!("Unused"), "invalid_attribute_definitions", "/AttributeDefinitions")]
#[case("CreateTable", "/AttributeDefinitions/3/AttributeName", json!("Year"), "invalid_attribute_definitions", "/AttributeDefinitions/3")]
#[case("CreateTable", "/AttributeDefinitions/0/AttributeName", json!(""), "out_of_range", "/AttributeDefinitions/0/AttributeName")]
#[case("CreateTable", "/BillingMode", json!("PAY_PER_REQUEST"), "invalid_throughput", "/ProvisionedThroughput")]
#[case("CreateTable", "/ProvisionedThroughput", json!(null), "invalid_throughput", "/ProvisionedThroughput")]
#[case("CreateTable", "/GlobalSecondaryIndexes/0/ProvisionedThroughput", json!(null), "invalid_throughput", "/GlobalSecondaryIndexes/0/ProvisionedThroughput")]
#[case("CreateTable", "/StreamSpecification/StreamEnabled", json!(false), "invalid_stream", "/StreamSpecification/StreamViewType")]
#[case("CreateTable", "/Tags/0/Key", json!("aws:x"), "invalid_tag", "/Tags/0/Key")]
fn what_dynamodb_would_refuse_is_refused_before(
    #[case] action: &str,
    #[case] pointer: &str,
    #[case] value: Value,
    #[case] code: &str,
    #[case] at: &str,
) {
    let error = read(action, &with(action, pointer, value)).unwrap_err();
    assert_eq!((error.kind, error.code), (ErrorKind::Malformed, code), "{error}");
    assert_eq!(error.fields[0].pointer, format!("/input{at}"), "{error}");
}

/// As much as `DynamoDB` takes is taken.
#[rstest]
#[case("PutItem", "/Item", item_of(400 * 1024))]
#[case("GetItem", "/ProjectionExpression", text_of(4096))]
#[case("BatchGetItem", "/RequestItems/Music/Keys", json!(vec![json!({"a": {"S": "b"}}); 100]))]
#[case("BatchWriteItem", "/RequestItems/Music", json!(vec![json!({"PutRequest": {"Item": {"a": {"S": "b"}}}}); 25]))]
#[case("UpdateContinuousBackups", "/PointInTimeRecoverySpecification/RecoveryPeriodInDays", json!(35))]
#[case("CreateBackup", "/BackupName", text_of(255))]
#[case("Query", "/Limit", json!(1000))]
#[case("Scan", "/Segment", json!(0))]
#[case("TagResource", "/Tags/0/Key", text_of(128))]
#[case("TagResource", "/Tags/0/Key", json!("drawbridge"))]
fn what_dynamodb_takes_is_taken(#[case] action: &str, #[case] pointer: &str, #[case] value: Value) {
    read(action, &with(action, pointer, value)).unwrap();
}

#[rstest]
#[case("drawbridge:protected")]
#[case("drawbridge:")]
#[case("Drawbridge:Protected")]
fn drawbridges_own_tags_are_its_own(#[case] key: &str) {
    for action in ["TagResource", "CreateTable"] {
        let error = read(action, &with(action, "/Tags/0/Key", json!(key))).unwrap_err();
        assert_eq!((error.kind, error.code), (ErrorKind::Refused, "reserved_tag_key"), "{action}");
        assert_eq!(error.fields[0].pointer, "/input/Tags/0/Key");
    }
}

/// One that deletes among those that put is enough.
#[test]
fn a_batch_that_deletes_needs_a_plan() {
    let put = json!({"PutRequest": {"Item": {"a": {"S": "b"}}}});
    let delete = json!({"DeleteRequest": {"Key": {"a": {"S": "b"}}}});
    let input = json!({"RequestItems": {"Music": [put], "Reply": [put, delete]}});
    let error = read("BatchWriteItem", &input).unwrap().needs_plan().unwrap();
    assert_eq!((error.kind, error.code), (ErrorKind::Refused, "plan_required"));
    assert_eq!(error.fields[0].pointer, "/input/RequestItems/Reply/1/DeleteRequest");
    let puts = read("BatchWriteItem", &json!({"RequestItems": {"Music": [put]}})).unwrap();
    assert!(puts.needs_plan().is_none());
    let both = json!({"PutRequest": put["PutRequest"], "DeleteRequest": delete["DeleteRequest"]});
    let error = read("BatchWriteItem", &json!({"RequestItems": {"Music": [both]}})).unwrap_err();
    assert_eq!(error.code, "invalid_batch");
}

/// Another account's, Region's or partition's table or backup is nobody's business here.
#[rstest]
#[case("222222222222", "333333333333")]
#[case("eu-west-3", "eu-central-1")]
#[case("arn:aws:", "arn:aws-cn:")]
fn what_is_elsewhere_is_refused(#[case] here: &str, #[case] there: &str) {
    let parameters = [
        ("DescribeBackup", "/BackupArn", BACKUP),
        ("DeleteBackup", "/BackupArn", BACKUP),
        ("ListBackups", "/ExclusiveStartBackupArn", BACKUP),
        ("ListTagsOfResource", "/ResourceArn", TABLE),
        ("TagResource", "/ResourceArn", TABLE),
    ];
    for (action, pointer, arn) in parameters {
        let error = read(action, &with(action, pointer, json!(arn.replace(here, there)))).unwrap_err();
        assert_eq!((error.kind, error.code), (ErrorKind::Refused, "foreign_resource"), "{action}");
        assert_eq!(error.fields[0].pointer, format!("/input{pointer}"));
    }
}

/// Legacy parameters, and what would show items in errors, can be named by nobody.
#[test]
fn what_is_not_named_is_refused() {
    let unnamed = [
        ("GetItem", "AttributesToGet", json!(["a"])),
        ("Query", "KeyConditions", json!({})),
        ("Query", "QueryFilter", json!({})),
        ("Query", "ConditionalOperator", json!("AND")),
        ("Scan", "ScanFilter", json!({})),
        ("PutItem", "Expected", json!({})),
        ("PutItem", "ReturnValuesOnConditionCheckFailure", json!("ALL_OLD")),
        ("UpdateItem", "AttributeUpdates", json!({})),
        ("UpdateItem", "ReturnValuesOnConditionCheckFailure", json!("ALL_OLD")),
        ("UpdateTable", "ReplicaUpdates", json!([])),
        ("UpdateTable", "SSESpecification", json!({})),
        ("CreateTable", "ResourcePolicy", json!("{}")),
        ("CreateTable", "SSESpecification", json!({"Enabled": true})),
    ];
    for (action, name, value) in unnamed {
        let input = with(action, &format!("/{name}"), value);
        assert_eq!(read(action, &input).unwrap_err().code, "unknown_field", "{action} {name}");
    }
    for (action, mut input) in every_input() {
        input["tableName"] = json!("Music");
        assert_eq!(read(action, &input).unwrap_err().code, "unknown_field", "{action}");
    }
}

/// A word that AWS does not know is no word here.
#[rstest]
#[case("Query", "/Select", json!("EVERYTHING"))]
#[case("PutItem", "/ReturnValues", json!("all_old"))]
#[case("CreateTable", "/TableClass", json!("GLACIER"))]
#[case("PutItem", "/Item", json!({"a": "bare"}))]
#[case("PutItem", "/Item", json!({"a": {"N": 1}}))]
#[case("UpdateTimeToLive", "/TimeToLiveSpecification", json!({"Enabled": true}))]
fn what_is_of_another_type_is_refused(#[case] action: &str, #[case] pointer: &str, #[case] value: Value) {
    assert_eq!(read(action, &with(action, pointer, value)).unwrap_err().code, "invalid_type");
}

#[test]
fn a_change_of_nothing_is_refused() {
    let error = read("UpdateTable", &json!({"TableName": "Music"})).unwrap_err();
    assert_eq!(error.code, "nothing_to_change");
}

/// An index too many is refused, and a local one where the table has no sort key.
#[test]
fn indexes_are_bounded() {
    let table = |parameter: &str, number: usize| {
        let mut table = whole_table();
        let index = table[parameter][0].clone();
        let named = (0..number).map(|place| {
            let mut index = index.clone();
            index["IndexName"] = json!(format!("Index{place}"));
            index
        });
        table[parameter] = named.collect();
        table
    };
    for (parameter, most) in [("GlobalSecondaryIndexes", 20), ("LocalSecondaryIndexes", 5)] {
        read("CreateTable", &table(parameter, most)).unwrap();
        let error = read("CreateTable", &table(parameter, most + 1)).unwrap_err();
        assert_eq!(
            (error.code, error.fields[0].pointer.clone()),
            ("too_many_indexes", format!("/input/{parameter}"))
        );
    }
    let mut simple = whole_table();
    simple["KeySchema"].as_array_mut().unwrap().pop();
    assert_eq!(read("CreateTable", &simple).unwrap_err().code, "invalid_key_schema");
}

/// Global indexes have up to four attributes in each part of their key; tables have one.
#[test]
fn keys_of_global_indexes_have_several_attributes() {
    let with_partition_keys = |number: usize| {
        let names = ["Artist", "SongTitle", "Year", "Label", "More"];
        let keys = names[..number].iter().map(|name| json!({"AttributeName": name, "KeyType": "HASH"}));
        let mut table = whole_table();
        table["GlobalSecondaryIndexes"][0]["KeySchema"] = keys.collect();
        let definitions =
            names[..number.max(4)].iter().map(|name| json!({"AttributeName": name, "AttributeType": "S"}));
        table["AttributeDefinitions"] = definitions.collect();
        table
    };
    read("CreateTable", &with_partition_keys(4)).unwrap();
    let error = read("CreateTable", &with_partition_keys(5)).unwrap_err();
    assert_eq!(error.fields[0].pointer, "/input/GlobalSecondaryIndexes/0/KeySchema");
}
