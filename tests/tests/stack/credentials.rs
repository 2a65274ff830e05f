//! Credentials that are handed out, and what they are good for.

use aws_config::SdkConfig;
use aws_credential_types::Credentials;
use aws_sdk_dynamodb::error::ProvideErrorMetadata as _;
use aws_types::region::Region;
use blackbox::{Api, CustomerAccount, Estate, Provider, Stack, path_of};
use serde_json::{Value, json};

const HOME: &str = "us-east-1";
const ELSEWHERE: &str = "eu-west-1";

/// An active connection for these capabilities in two Regions, and its account. The role may do more than
/// the connection is for: what is refused later is refused by the session.
async fn connected(api: &Api, capabilities: &[&str]) -> (Value, CustomerAccount) {
    let account = CustomerAccount::new();
    let wanted = json!({"capabilities": capabilities, "regions": [HOME, ELSEWHERE]});
    let connection = api.new_connection_for(wanted).await;
    let setup = api.setup(&connection).await;
    let role = account.make_role("r", &setup["trust_policy"]).await;
    let everything = json!({"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Action": "*", "Resource": "*"},
    ]});
    account.permit("r", "everything", &everything).await;
    let active = api.onboard(&connection, &role).await;
    assert_eq!(active["state"], "active", "{active:#}");
    (active, account)
}

fn path(connection: &Value) -> String {
    format!("{}/credentials", path_of(connection))
}

fn order(capabilities: &[&str]) -> Value {
    json!({"capabilities": capabilities, "reason": "a test"})
}

/// AWS as whoever has these credentials sees it, in one Region.
fn aws(given: &Value, region: &str) -> SdkConfig {
    let text = |name: &str| given[name].as_str().unwrap().to_owned();
    let keys =
        Credentials::from_keys(text("access_key_id"), text("secret_access_key"), Some(text("session_token")));
    Stack::get().aws(keys).into_builder().region(Region::new(region.to_owned())).build()
}

/// The tables that these credentials list, or the code of the refusal.
async fn tables(given: &Value, region: &str) -> Result<Vec<String>, String> {
    let listed = aws_sdk_dynamodb::Client::new(&aws(given, region)).list_tables().send().await;
    let code = |error: &aws_sdk_dynamodb::error::SdkError<_, _>| -> String {
        let error: &aws_sdk_dynamodb::operation::list_tables::ListTablesError =
            error.as_service_error().unwrap();
        error.code().unwrap().to_owned()
    };
    listed.map(|listed| listed.table_names.unwrap_or_default()).map_err(|error| code(&error))
}

#[tokio::test]
async fn credentials_do_what_they_are_for_and_nothing_else() {
    let api = Api::operator();
    let (connection, account) = connected(&api, &["ec2-power", "dynamodb-backup"]).await;
    let estate = Estate::of(&account, HOME);
    let instance = estate.launch().await;
    estate.make_table("orders").await;
    let before = estate.state().await;

    let answer = api.post(&path(&connection), order(&["dynamodb-backup"])).await;
    assert_eq!(answer.headers.get("cache-control").map(String::as_str), Some("no-store"));
    let given = answer.expect(201);
    assert_eq!(given["account_id"], json!(account.id));
    assert_eq!(given["regions"], json!([ELSEWHERE, HOME]));
    assert_eq!(tables(&given, HOME).await, Ok(vec!["orders".to_owned()]));
    assert_eq!(tables(&given, ELSEWHERE).await, Ok(vec![]));
    // The session is called as the answer says.
    let who = aws_sdk_sts::Client::new(&aws(&given, HOME)).get_caller_identity().send().await.unwrap();
    let session = given["session_name"].as_str().unwrap();
    assert_eq!(who.arn().unwrap(), format!("arn:aws:sts::{}:assumed-role/r/{session}", account.id));

    // The role may do all of this; the session may not.
    let dynamodb = aws_sdk_dynamodb::Client::new(&aws(&given, HOME));
    let scanned = dynamodb.scan().table_name("orders").send().await.unwrap_err();
    assert_eq!(scanned.as_service_error().unwrap().code(), Some("AccessDeniedException"));
    let ec2 = aws_sdk_ec2::Client::new(&aws(&given, HOME));
    let stopped = ec2.stop_instances().instance_ids(&instance).send().await.unwrap_err();
    assert_eq!(aws_sdk_ec2::error::ProvideErrorMetadata::code(&stopped), Some("UnauthorizedOperation"));
    let seen = ec2.describe_instances().send().await.unwrap_err();
    assert_eq!(aws_sdk_ec2::error::ProvideErrorMetadata::code(&seen), Some("UnauthorizedOperation"));
    let iam = aws_sdk_iam::Client::new(&aws(&given, HOME));
    let listed = iam.list_roles().send().await.unwrap_err();
    assert_eq!(aws_sdk_iam::error::ProvideErrorMetadata::code(&listed), Some("AccessDenied"));
    assert_eq!(tables(&given, "us-west-2").await, Err("AccessDeniedException".to_owned()));
    assert_eq!(estate.state().await, before);

    // And those for the other capability do the other thing.
    let power = api.post(&path(&connection), order(&["ec2-power"])).await.expect(201);
    let ec2 = aws_sdk_ec2::Client::new(&aws(&power, HOME));
    let stopping = ec2.stop_instances().instance_ids(&instance).send().await.unwrap();
    assert_eq!(stopping.stopping_instances()[0].instance_id(), Some(instance.as_str()));
    assert_eq!(tables(&power, HOME).await, Err("AccessDeniedException".to_owned()));
}

#[tokio::test]
async fn credentials_for_one_region_are_refused_in_another() {
    let api = Api::operator();
    let (connection, account) = connected(&api, &["dynamodb-observe"]).await;
    Estate::of(&account, ELSEWHERE).make_table("abroad").await;
    let mut wanted = order(&["dynamodb-observe"]);
    wanted["region"] = json!(ELSEWHERE);
    wanted["duration_seconds"] = json!(3600);
    let given = api.post(&path(&connection), wanted).await.expect(201);
    assert_eq!(given["regions"], json!([ELSEWHERE]));
    assert_eq!(tables(&given, ELSEWHERE).await, Ok(vec!["abroad".to_owned()]));
    assert_eq!(tables(&given, HOME).await, Err("AccessDeniedException".to_owned()));
}

/// `dynamodb-drill` is for tables of its own names, and `ec2-kms` for AWS's services alone.
#[tokio::test]
async fn what_a_capability_is_limited_to_the_credentials_are_too() {
    let api = Api::operator();
    let (connection, account) = connected(&api, &["dynamodb-drill"]).await;
    let estate = Estate::of(&account, HOME);
    estate.make_table("orders").await;
    estate.make_table("drawbridge-drill-orders").await;
    let given = api.post(&path(&connection), order(&["dynamodb-drill"])).await.expect(201);
    let dynamodb = aws_sdk_dynamodb::Client::new(&aws(&given, HOME));
    let drill = dynamodb.scan().table_name("drawbridge-drill-orders").send().await.unwrap();
    assert_eq!(drill.count(), 1);
    let other = dynamodb.scan().table_name("orders").send().await.unwrap_err();
    assert_eq!(other.as_service_error().unwrap().code(), Some("AccessDeniedException"));
    let deleted = dynamodb.delete_table().table_name("orders").send().await.unwrap_err();
    assert_eq!(deleted.as_service_error().unwrap().code(), Some("AccessDeniedException"));
}

#[tokio::test]
async fn credentials_are_recorded_handed_out_once_and_kept_nowhere() {
    let api = Api::operator();
    let (connection, _) = connected(&api, &["ec2-power"]).await;
    let mut wanted = order(&["ec2-observe"]);
    wanted["reason"] = json!("ticket 1234");
    let key = uuid::Uuid::new_v4().to_string();
    let given = api.post_once(&path(&connection), &wanted, &key).await.expect(201);
    let again = api.post_once(&path(&connection), &wanted, &key).await;
    assert_eq!(again.problem(), (409, "not_replayable"));
    assert_eq!(again.headers.get("idempotency-replayed").map(String::as_str), Some("true"));
    let mut other = wanted.clone();
    other["reason"] = json!("another");
    assert_eq!(
        api.post_once(&path(&connection), &other, &key).await.problem(),
        (409, "idempotency_key_reused")
    );

    let events = api.events(&connection).await;
    let told: Vec<_> =
        events.iter().filter(|one| one["data"]["credentials_id"] == given["credentials_id"]).collect();
    let types: Vec<_> = told.iter().map(|one| one["type"].as_str().unwrap()).collect();
    assert_eq!(types, ["credentials.requested", "credentials.issued"]);
    for event in told {
        assert!(event["actor"].as_str().unwrap().starts_with("arn:aws:iam::"));
        let data = &event["data"];
        assert_eq!(
            (&data["reason"], &data["capabilities"]),
            (&json!("ticket 1234"), &json!(["ec2-observe"]))
        );
        assert_eq!((&data["session_name"], &data["duration_seconds"]), (&given["session_name"], &json!(900)));
    }
    assert_eq!(events.last().unwrap()["data"]["expires_at"], given["expires_at"]);
    assert!(events.iter().filter(|event| event["type"] == "credentials.issued").count() == 1);

    // Neither the audit list nor the table nor what is kept of the request has them.
    let provider = Provider::new();
    let of_connection =
        provider.items(&format!("CONNECTION#{}", connection["connection_id"].as_str().unwrap())).await;
    for name in ["access_key_id", "secret_access_key", "session_token"] {
        let secret = given[name].as_str().unwrap();
        assert!(!format!("{events:?}").contains(secret), "{name}");
        assert!(!format!("{of_connection:?}").contains(secret), "{name}");
    }
    let kept = provider.partitions_with("IDEMPOTENCY#", "answer_body").await;
    assert!(kept.iter().any(|body| body.contains("not_replayable")));
    assert!(kept.iter().all(|body| !body.contains("secret_access_key") && !body.contains("session_token")));
}

#[tokio::test]
async fn what_may_not_be_handed_out_is_refused_before_anything_is_asked() {
    let api = Api::operator();
    let (connection, _) = connected(&api, &["ec2-power"]).await;
    let with = |name: &str, value: Value| {
        let mut body = order(&["ec2-power"]);
        body[name] = value;
        body
    };
    for (body, problem, pointer) in [
        (with("capabilities", json!(["dynamodb-data"])), (403, "capability_missing"), "/capabilities"),
        (with("capabilities", json!(["classic"])), (403, "capability_missing"), "/capabilities"),
        (with("capabilities", json!([])), (400, "capabilities_empty"), "/capabilities"),
        (with("capabilities", json!(["iam"])), (400, "unknown_capability"), "/capabilities/0"),
        (with("region", json!("us-west-2")), (422, "region_not_connected"), "/region"),
        (with("duration_seconds", json!(7200)), (400, "invalid_duration"), "/duration_seconds"),
        (with("reason", json!("")), (400, "invalid_reason"), "/reason"),
        (with("policy", json!({})), (400, "unknown_field"), "/policy"),
        (json!({"capabilities": ["ec2-power"]}), (400, "missing_field"), "/reason"),
    ] {
        let refused = api.post(&path(&connection), body.clone()).await;
        assert_eq!(refused.problem(), problem, "{body}");
        assert_eq!(refused.pointers(), [pointer], "{body}");
    }
    let types = api.event_types(&connection).await;
    assert!(
        types.iter().all(|kind| !kind.starts_with("credentials.")),
        "a refusal asks for nothing: {types:?}"
    );
    let pending = api.new_connection().await;
    assert_eq!(
        api.post(&path(&pending), order(&["ec2-power"])).await.problem(),
        (409, "connection_not_active")
    );
    let nobody = "/v1/connections/con_0193b2c0000070008000000000000001/credentials";
    assert_eq!(api.post(nobody, order(&["ec2-power"])).await.problem(), (404, "not_found"));
    assert_eq!(Api::unsigned().post(&path(&connection), order(&["ec2-power"])).await.status, 403);
}

/// One customer's credentials open nothing of another's, whose connection is for the same.
#[tokio::test]
async fn one_connections_credentials_are_not_anothers() {
    let api = Api::operator();
    let ((one, first), (other, second)) =
        futures::join!(connected(&api, &["dynamodb-observe"]), connected(&api, &["dynamodb-observe"]),);
    Estate::of(&first, HOME).make_table("first").await;
    Estate::of(&second, HOME).make_table("second").await;
    let of_one = api.post(&path(&one), order(&["dynamodb-observe"])).await.expect(201);
    let of_other = api.post(&path(&other), order(&["dynamodb-observe"])).await.expect(201);
    assert_eq!(tables(&of_one, HOME).await, Ok(vec!["first".to_owned()]));
    assert_eq!(tables(&of_other, HOME).await, Ok(vec!["second".to_owned()]));
    // Nor do they open the other's role, whose account they are not in.
    let role = other["role_arn"].as_str().unwrap();
    let sts = aws_sdk_sts::Client::new(&aws(&of_one, HOME));
    let id = other["external_id"].as_str().unwrap();
    let assumed = sts.assume_role().role_arn(role).role_session_name("x").external_id(id).send().await;
    assert_eq!(aws_sdk_sts::error::ProvideErrorMetadata::code(&assumed.unwrap_err()), Some("AccessDenied"));
}

/// A role that no longer lets Drawbridge in is told as that, and recorded.
#[tokio::test]
async fn a_role_that_refuses_is_told_and_recorded() {
    let api = Api::operator();
    let (connection, account) = connected(&api, &["ec2-power"]).await;
    let mut trust = account.trust("r").await;
    trust["Statement"][0]["Condition"]["StringEquals"]["sts:ExternalId"] = json!("another");
    account.change_trust("r", &trust).await;
    let refused = api.post(&path(&connection), order(&["ec2-power"])).await;
    assert_eq!(refused.problem(), (409, "role_not_assumable"));
    let detail = refused.body["detail"].as_str().unwrap();
    assert!(detail.contains("trust policy") && !detail.contains("broker-1/"), "{detail}");
    let events = api.events(&connection).await;
    let types: Vec<_> = events.iter().map(|event| event["type"].as_str().unwrap()).collect();
    assert_eq!(types[types.len() - 2..], ["credentials.requested", "credentials.refused"]);
    assert_eq!(events.last().unwrap()["data"]["code"], "role_not_assumable");
}
