//! Submissions that are refused at once, and change nothing.

use blackbox::{Api, CustomerAccount, Stack};
use reqwest::Method;
use serde_json::{Value, json};

#[tokio::test]
async fn hostile_and_mistaken_arns_never_get_in() {
    let api = Api::operator();
    let connection = api.new_connection().await;
    let path = format!("/v1/connections/{}/role", connection["connection_id"].as_str().unwrap());
    for role in [
        json!("arn:aws:iam::123456789012:role/*"),
        json!("arn:aws:iam::*:role/admin"),
        json!("arn:aws:iam::123456789012:role/a?"),
        json!("arn:aws:iam::123456789012:role/${aws:username}"),
        json!("arn:aws:iam::123456789012:role/a\",\"*"),
        json!("arn:aws:iam::123456789012:user/a"),
        json!("arn:aws:iam::123456789012:root"),
        json!("arn:aws:sts::123456789012:assumed-role/a/b"),
        json!("arn:aws:iam::123456789012:role/aws-service-role/ec2.amazonaws.com/AWSServiceRoleForEC2"),
        json!("arn:aws:iam::123456789012:role/a\n"),
        json!(" arn:aws:iam::123456789012:role/a"),
        json!("*"),
        json!(""),
        json!(null),
        json!(5),
        json!(["arn:aws:iam::123456789012:role/a"]),
        json!({"arn": "arn:aws:iam::123456789012:role/a"}),
    ] {
        let answer = api.put(&path, json!({"role_arn": role})).await;
        assert_eq!(answer.problem(), (400, "invalid_role_arn"), "{role}");
        assert_eq!(answer.pointers(), ["/role_arn"]);
    }
    assert_eq!(api.put(&path, json!({})).await.problem(), (400, "invalid_role_arn"));
    assert_eq!(api.look(&connection).await, connection);
    assert_eq!(api.events(&connection).await.len(), 1);
}

#[tokio::test]
async fn roles_of_the_wrong_place_are_refused() {
    let api = Api::operator();
    let connection = api.new_connection().await;
    let unchanged = async |answer: blackbox::Answer, expected: (u16, &str)| {
        assert_eq!(answer.problem(), expected);
        assert_eq!(answer.pointers(), ["/role_arn"]);
        assert_eq!(api.look(&connection).await, connection);
    };
    let ours = format!("arn:aws:iam::{}:role/drawbridge/broker-1", Stack::get().provider_account_id);
    unchanged(api.submit(&connection, &ours).await, (422, "role_in_provider_account")).await;
    let china = "arn:aws-cn:iam::123456789012:role/a";
    unchanged(api.submit(&connection, china).await, (400, "role_partition_unsupported")).await;
}

#[tokio::test]
async fn a_version_that_is_no_longer_true_is_refused() {
    let api = Api::operator();
    let connection = api.new_connection().await;
    let path = format!("/v1/connections/{}/role", connection["connection_id"].as_str().unwrap());
    let submit = async |version: &str| {
        let body = json!({"role_arn": "arn:aws:iam::123456789012:role/a"}).to_string();
        api.send_with(Method::PUT, &path, Some(body), &[("if-match", version)]).await
    };
    assert_eq!(submit("\"2\"").await.problem(), (412, "version_mismatch"));
    assert_eq!(submit("2").await.problem(), (400, "invalid_if_match"));
    assert_eq!(api.look(&connection).await, connection);
    let accepted = submit("\"1\"").await.expect(202);
    assert_eq!(accepted["version"], 2);
}

#[tokio::test]
async fn an_announced_account_binds() {
    let (api, account) = (Api::operator(), CustomerAccount::new());
    let request = json!({"capabilities": ["ec2-power"], "regions": ["us-east-1"], "account_id": account.id});
    let connection = api.new_connection_for(request).await;
    assert_eq!(connection["account_id"], account.id);
    let elsewhere = api.submit(&connection, "arn:aws:iam::123456789012:role/a").await;
    assert_eq!(elsewhere.problem(), (422, "account_id_mismatch"));
    assert_eq!(api.look(&connection).await, connection);
    // What will be granted can be shown before there is a role.
    let grant = &api.setup(&connection).await["grant_policy"]["Statement"][0]["Resource"];
    assert_eq!(grant, &json!(account.role_arn(connection["role_name"].as_str().unwrap())));

    let ours = json!({
        "capabilities": ["ec2-power"], "regions": ["us-east-1"], "account_id": Stack::get().provider_account_id,
    });
    let path = format!("/v1/customers/{}/connections", api.new_customer().await);
    assert_eq!(api.post(&path, ours).await.problem(), (422, "role_in_provider_account"));
}

#[tokio::test]
async fn the_account_is_fixed_once_proven() {
    let (api, account, other) = (Api::operator(), CustomerAccount::new(), CustomerAccount::new());
    let connection = api.new_connection().await;
    let trust = api.setup(&connection).await["trust_policy"].clone();
    let arn = account.make_role("r", &trust).await;
    let active = api.onboard(&connection, &arn).await;
    let moved = other.make_role("r", &trust).await;
    assert_eq!(api.submit(&connection, &moved).await.problem(), (422, "account_id_mismatch"));
    assert_eq!(api.look(&connection).await, active);
}

#[tokio::test]
async fn there_must_be_a_role_to_verify() {
    let api = Api::operator();
    let connection = api.new_connection().await;
    assert_eq!(api.verify(&connection).await.problem(), (409, "state_conflict"));
    let now: Value = api.look(&connection).await;
    assert_eq!(now, connection);
}
