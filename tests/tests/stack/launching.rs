//! What makes something in a customer's account, as an operator asks for it: instances, snapshots,
//! images, and tables from backups.

use blackbox::{Api, CustomerAccount, Estate, eventually, path_of};
use serde_json::{Value, json};

const HOME: &str = "us-east-1";
/// The image of Amazon's that local AWS has.
const IMAGE: &str = "ami-0abcdef1234567890";

/// An active connection for these capabilities, and its account.
async fn connected(api: &Api, capabilities: &[&str]) -> (Value, CustomerAccount) {
    let account = CustomerAccount::new();
    let wanted = json!({"capabilities": capabilities, "regions": [HOME]});
    let connection = api.new_connection_for(wanted).await;
    let setup = api.setup(&connection).await;
    let role = account.make_bare_role("r", &setup["trust_policy"]).await;
    account.permit("r", "drawbridge", &setup["permissions_policy"]).await;
    let active = api.onboard(&connection, &role).await;
    assert_eq!(active["state"], "active", "{active:#}");
    (active, account)
}

async fn run(api: &Api, connection: &Value, action: &str, input: Value) -> blackbox::Answer {
    let order = json!({"action": action, "region": HOME, "input": input, "reason": "a test"});
    api.post(&format!("{}/operations", path_of(connection)), order).await
}

fn tagged(kinds: &[&str], name: &str) -> Value {
    let tags = json!([{"Key": "Name", "Value": name}]);
    kinds.iter().map(|kind| json!({"ResourceType": kind, "Tags": tags})).collect()
}

#[tokio::test]
async fn instances_are_launched_backed_up_and_told_of() {
    let api = Api::operator();
    let (connection, account) = connected(&api, &["ec2-launch", "ec2-backup"]).await;
    let input = json!({
        "ImageId": IMAGE, "InstanceType": "t3.micro", "MinCount": 1, "MaxCount": 2,
        "TagSpecifications": tagged(&["instance", "volume"], "web"),
        "BlockDeviceMappings": [{"DeviceName": "/dev/sdb", "Ebs": {"VolumeSize": 7, "VolumeType": "gp3"}}],
    });
    let launched = run(&api, &connection, "ec2:RunInstances", input).await.expect(200);
    assert_eq!(launched["state"], "succeeded", "{launched:#}");
    let targets = launched["targets"].as_array().unwrap();
    assert_eq!(targets.len(), 2, "{launched:#}");
    let instance = targets[0]["id"].as_str().unwrap();
    assert_eq!(launched["output"]["Instances"][0]["InstanceId"], instance);
    // What there is, the customer sees: with tags, and with tokens for the metadata service.
    let state = Estate::of(&account, HOME).state().await;
    assert!(state["instances"].contains(instance) && state["instances"].contains("web"), "{state:#?}");
    assert!(state["instances"].contains("http_tokens: Some(Required)"), "{}", state["instances"]);
    let token = format!("client_token: Some(\"{}\")", launched["session_name"].as_str().unwrap());
    assert!(state["instances"].contains(&token), "{token}: {}", state["instances"]);
    assert!(state["volumes"].contains("size: Some(7)"), "{}", state["volumes"]);

    let snapshots = json!({
        "InstanceSpecification": {"InstanceId": instance}, "Description": "before",
        "TagSpecifications": tagged(&["snapshot"], "backup"),
    });
    let made = run(&api, &connection, "ec2:CreateSnapshots", snapshots).await.expect(200);
    assert_eq!(made["state"], "succeeded", "{made:#}");
    let ids = made["targets"].as_array().unwrap();
    assert!(ids.len() == 2 && ids[0]["id"].as_str().unwrap().starts_with("snap-"), "{made:#}");
    let image = json!({
        "InstanceId": instance, "Name": "web-1", "TagSpecifications": tagged(&["image", "snapshot"], "backup"),
    });
    let made = run(&api, &connection, "ec2:CreateImage", image.clone()).await.expect(200);
    assert_eq!(
        (&made["state"], &made["targets"][0]["id"]),
        (&json!("succeeded"), &made["output"]["ImageId"])
    );
    let again = run(&api, &connection, "ec2:CreateImage", image).await.expect(200);
    assert_eq!((&again["state"], &again["targets"][0]["code"]), (&json!("failed"), &json!("already_exists")));
    let state = Estate::of(&account, HOME).state().await;
    assert!(state["images"].contains("web-1") && state["images"].contains("backup"), "{}", state["images"]);
    assert!(state["snapshots"].contains("before"), "{}", state["snapshots"]);
}

/// A caller's own token is one launch, under whichever operation it comes.
#[tokio::test]
async fn one_token_is_one_launch() {
    let api = Api::operator();
    let (connection, account) = connected(&api, &["ec2-launch"]).await;
    let input = |kind: &str| json!({"ImageId": IMAGE, "InstanceType": kind, "ClientToken": "one"});
    let first = run(&api, &connection, "ec2:RunInstances", input("t3.micro")).await.expect(200);
    let second = run(&api, &connection, "ec2:RunInstances", input("t3.micro")).await.expect(200);
    assert_eq!(first["state"], "succeeded", "{first:#}");
    assert_ne!(first["operation_id"], second["operation_id"]);
    assert_eq!(first["targets"], second["targets"]);
    let other = run(&api, &connection, "ec2:RunInstances", input("t3.large")).await.expect(200);
    assert_eq!(other["targets"][0]["code"], "idempotency_mismatch", "{other:#}");
    let instances =
        Estate::of(&account, HOME).state().await["instances"].matches("instance_id: Some").count();
    assert_eq!(instances, 1);
}

#[tokio::test]
async fn what_brings_rights_or_marks_is_refused_and_nothing_is_launched() {
    let api = Api::operator();
    let (connection, account) = connected(&api, &["ec2-launch"]).await;
    let before = Estate::of(&account, HOME).state().await;
    let with = |name: &str, value: Value| {
        let mut input = json!({"ImageId": IMAGE, "InstanceType": "t3.micro"});
        input[name] = value;
        input
    };
    let mark =
        json!([{"ResourceType": "instance", "Tags": [{"Key": "drawbridge:protected", "Value": "true"}]}]);
    for (input, problem, pointer) in [
        (
            with("IamInstanceProfile", json!({"Name": "admin"})),
            (422, "instance_profile_refused"),
            "/input/IamInstanceProfile",
        ),
        (with("ImageId", json!("resolve:ssm:/a/b")), (422, "image_reference_refused"), "/input/ImageId"),
        (with("TagSpecifications", mark), (422, "reserved_tag_key"), "/input/TagSpecifications/0/Tags/0/Key"),
        (
            with("LaunchTemplate", json!({"LaunchTemplateId": "lt-01234567"})),
            (400, "unknown_field"),
            "/input/LaunchTemplate",
        ),
        (with("MaxCount", json!(1000)), (400, "out_of_range"), "/input/MaxCount"),
        (with("SubnetId", json!("*")), (400, "invalid_subnet_id"), "/input/SubnetId"),
    ] {
        let refused = run(&api, &connection, "ec2:RunInstances", input.clone()).await;
        assert_eq!((refused.problem(), refused.pointers()), (problem, vec![pointer]), "{input}");
    }
    // AWS refuses as well, and is told of.
    let absent = with("ImageId", json!("ami-0fffffffffffffff0"));
    let told = run(&api, &connection, "ec2:RunInstances", absent).await.expect(200);
    assert_eq!(
        (&told["state"], &told["targets"][0]["code"]),
        (&json!("failed"), &json!("not_found")),
        "{told:#}"
    );
    let order = json!({"action": "ec2:RunInstances", "region": HOME, "dry_run": true, "input": with("MaxCount", json!(2))});
    let dry = api.post(&format!("{}/operations", path_of(&connection)), order).await.expect(200);
    assert_eq!(dry["state"], "succeeded", "{dry:#}");
    assert_eq!(Estate::of(&account, HOME).state().await, before);
}

/// A role that lost the right to tag is refused by AWS as it tags, and nothing is left behind.
#[tokio::test]
async fn a_launch_that_may_not_tag_launches_nothing() {
    let api = Api::operator();
    let (connection, account) = connected(&api, &["ec2-launch"]).await;
    let before = Estate::of(&account, HOME).state().await;
    let only = json!({"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Action": ["ec2:Describe*", "ec2:RunInstances"], "Resource": "*"},
    ]});
    account.permit("r", "drawbridge", &only).await;
    let launch =
        |tags: Value| json!({"ImageId": IMAGE, "InstanceType": "t3.micro", "TagSpecifications": tags});
    let told =
        run(&api, &connection, "ec2:RunInstances", launch(tagged(&["instance"], "web"))).await.expect(200);
    assert_eq!(told["targets"][0]["code"], "access_denied", "{told:#}");
    let detail = told["targets"][0]["detail"].as_str().unwrap();
    assert!(detail.contains("ec2:CreateTags"), "{detail}");
    assert_eq!(Estate::of(&account, HOME).state().await, before);
    let told = run(&api, &connection, "ec2:RunInstances", launch(json!([]))).await.expect(200);
    assert_eq!(told["state"], "succeeded", "{told:#}");
}

#[tokio::test]
async fn a_table_is_restored_under_another_name() {
    let api = Api::operator();
    let (connection, account) = connected(&api, &["dynamodb-restore", "dynamodb-tables"]).await;
    let estate = Estate::of(&account, HOME);
    estate.make_table("orders").await;
    let listed =
        run(&api, &connection, "dynamodb:ListBackups", json!({"TableName": "orders"})).await.expect(200);
    let backup = listed["output"]["BackupSummaries"][0]["BackupArn"].clone();
    let input = json!({"BackupArn": backup, "TargetTableName": "orders-restored"});
    let order =
        json!({"action": "dynamodb:RestoreTableFromBackup", "region": HOME, "dry_run": true, "input": input});
    let dry = api.post(&format!("{}/operations", path_of(&connection)), order).await.expect(200);
    assert_eq!(dry["state"], "succeeded", "{dry:#}");
    let done = run(&api, &connection, "dynamodb:RestoreTableFromBackup", input.clone()).await.expect(200);
    assert_eq!((&done["state"], &done["targets"][0]["id"]), (&json!("succeeded"), &json!("orders-restored")));
    assert!(done["output"]["TableDescription"]["TableStatus"].is_string(), "{done:#}");
    let key = json!({"TableName": "orders-restored", "Key": {"pk": {"S": "kept"}}});
    // Until it is active, there is no item to get.
    let found = eventually("the restored table answers", async || {
        let found = run(&api, &connection, "dynamodb:GetItem", key.clone()).await.expect(200);
        (found["state"] == "succeeded").then_some(found)
    });
    assert_eq!(found.await["output"]["Item"]["pk"], json!({"S": "kept"}));
    let again = run(&api, &connection, "dynamodb:RestoreTableFromBackup", input).await.expect(200);
    assert_eq!(again["targets"][0]["code"], "already_exists", "{again:#}");
    // A table with tags takes the right to tag it, which this connection has, and the next one has not.
    let table = |tags: bool| {
        let mut table = json!({
            "TableName": "tagged", "BillingMode": "PAY_PER_REQUEST",
            "AttributeDefinitions": [{"AttributeName": "pk", "AttributeType": "S"}],
            "KeySchema": [{"AttributeName": "pk", "KeyType": "HASH"}],
        });
        if tags {
            table["Tags"] = json!([{"Key": "team", "Value": "blue"}]);
        }
        table
    };
    let made = run(&api, &connection, "dynamodb:CreateTable", table(true)).await.expect(200);
    assert_eq!(made["state"], "succeeded", "{made:#}");
    let (tables, _) = connected(&api, &["dynamodb-tables"]).await;
    let refused = run(&api, &tables, "dynamodb:CreateTable", table(true)).await;
    assert_eq!((refused.problem(), refused.pointers()), ((403, "capability_missing"), vec!["/input/Tags"]));
    let made = run(&api, &tables, "dynamodb:CreateTable", table(false)).await.expect(200);
    assert_eq!(made["state"], "succeeded", "{made:#}");
}

/// An item as large as DynamoDB takes one is written in one request; what is longer than Lambda could
/// carry is refused by Drawbridge, and by its own name.
#[tokio::test]
async fn the_largest_item_is_written() {
    let api = Api::operator();
    let (connection, account) = connected(&api, &["dynamodb-data"]).await;
    Estate::of(&account, HOME).make_table("orders").await;
    let put = |length: usize| json!({"TableName": "orders", "Item": {"pk": {"S": "large"}, "text": {"S": "x".repeat(length)}}});
    let done = run(&api, &connection, "dynamodb:PutItem", put(399 * 1024)).await.expect(200);
    assert_eq!(done["state"], "succeeded", "{done:#}");
    let refused = run(&api, &connection, "dynamodb:PutItem", put(2_700_000)).await;
    assert_eq!(refused.problem(), (413, "body_too_large"));
}
