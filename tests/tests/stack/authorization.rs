//! Who may call what: refusals, with callers that are really refused.

use blackbox::{Answer, Api, Keys, Provider, Stack, path_of};
use reqwest::Method;
use serde_json::json;

/// API Gateway's own refusal, which has its own form.
fn refused_by_gateway(answer: &Answer) -> bool {
    answer.status == 403 && answer.body.get("message").is_some()
}

async fn names_of_customers(api: &Api) -> Vec<String> {
    let mut names = Vec::new();
    let mut path = "/v1/customers?limit=100".to_owned();
    loop {
        let page = api.get(&path).await.expect(200);
        let items = page["items"].as_array().unwrap();
        names.extend(items.iter().map(|item| item["name"].as_str().unwrap().to_owned()));
        let Some(cursor) = page["next_cursor"].as_str() else { return names };
        path = format!("/v1/customers?limit=100&cursor={cursor}");
    }
}

#[tokio::test]
async fn what_is_not_signed_or_not_allowed_is_refused() {
    let stack = Stack::get();
    let stranger = Api::with_keys(Provider::new().make_user(&[]).await);
    let wrong_secret = Api::with_keys(Keys {
        secret_access_key: "not-the-operators-secret".to_owned(),
        ..stack.operator.clone()
    });
    let nobody = Api::with_keys(Keys {
        access_key_id: "AKIANOBODYHASTHISKEY".to_owned(),
        secret_access_key: "secret".to_owned(),
    });
    for api in [Api::unsigned(), stranger, wrong_secret, nobody] {
        for answer in [
            api.get("/v1/customers").await,
            api.post("/v1/customers", json!({"name": "Made by a stranger"})).await,
            api.get("/v1/connections").await,
        ] {
            assert!(refused_by_gateway(&answer), "{answer:?}");
        }
    }
}

#[tokio::test]
async fn a_bearer_token_is_no_identity() {
    // Local AWS lets a bearer token pass where AWS would refuse it. The function must refuse it in
    // any case, for it sees no IAM identity.
    let token = [("authorization", "Bearer a-token")];
    let answer = Api::unsigned().send_with(Method::GET, "/v1/customers", None, &token).await;
    assert!(answer.problem() == (403, "not_authorized") || refused_by_gateway(&answer), "{answer:?}");
}

#[tokio::test]
async fn a_viewer_reads_an_operator_writes() {
    let (stack, provider) = (Stack::get(), Provider::new());
    let viewer = Api::with_keys(provider.make_user(&[&stack.policies.viewer]).await);
    let operator = Api::with_keys(provider.make_user(&[&stack.policies.operator]).await);

    let customer = operator.new_customer().await;
    viewer.get(&format!("/v1/customers/{customer}")).await.expect(200);
    let connections = format!("/v1/customers/{customer}/connections");
    let request = json!({"capabilities": ["ec2-power"], "regions": ["us-east-1"]});
    assert!(refused_by_gateway(&viewer.post(&connections, request.clone()).await));
    let listed = viewer.get(&format!("/v1/connections?customer_id={customer}")).await.expect(200);
    assert_eq!(listed["items"], json!([]), "a refusal makes nothing");
    let connection = operator.post(&connections, request).await.expect(201);

    // What cannot be undone, and keys by which it could be done, are the admin's.
    let apply = "/v1/plans/pln_0193b2c0000070008000000000000001/apply";
    assert!(refused_by_gateway(&operator.send(Method::POST, apply, None).await));
    assert_eq!(Api::operator().send(Method::POST, apply, None).await.problem(), (404, "not_found"));
    let credentials = format!("{}/credentials", path_of(&connection));
    let wanted = json!({"capabilities": ["ec2-power"], "reason": "a test"});
    assert!(refused_by_gateway(&operator.post(&credentials, wanted.clone()).await));
    assert_eq!(Api::operator().post(&credentials, wanted).await.problem(), (409, "connection_not_active"));
}

#[tokio::test]
async fn health_and_description_are_open_and_nothing_else_is() {
    let unsigned = Api::unsigned();
    assert_eq!(unsigned.get("/health").await.expect(200)["status"], "ok");
    assert_eq!(unsigned.get("/openapi.json").await.expect(200)["openapi"], "3.1.0");
    assert_eq!(unsigned.get("/v2/customers").await.problem(), (404, "route_not_found"));
    assert_eq!(
        unsigned.send(Method::DELETE, "/v1/customers", None).await.problem(),
        (405, "method_not_allowed")
    );
    let name = "Nobody's customer";
    assert!(refused_by_gateway(&unsigned.post("/v1/customers", json!({"name": name})).await));
    // Other tests make customers meanwhile, under other names.
    assert!(!names_of_customers(&Api::operator()).await.contains(&name.to_owned()));
}
