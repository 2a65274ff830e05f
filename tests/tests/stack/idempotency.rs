//! Requests that are sent again.

use blackbox::{Api, CustomerAccount, Provider, path_of};
use serde_json::{Value, json};

fn wanted() -> Value {
    json!({"capabilities": ["ec2-power"], "regions": ["us-east-1"]})
}

#[tokio::test]
async fn a_connection_is_made_once_however_often_it_is_asked_for() {
    let (api, provider) = (Api::operator(), Provider::new());
    let customer = api.new_customer().await;
    let path = format!("/v1/customers/{customer}/connections");
    let first = api.post_once(&path, &wanted(), "key-1").await;
    assert!(!first.headers.contains_key("idempotency-replayed"));
    let mut first = first.expect(201);
    let link = first.as_object_mut().unwrap().remove("invite_url").unwrap();
    for _ in 0..2 {
        let again = api.post_once(&path, &wanted(), "key-1").await;
        assert_eq!(again.headers["idempotency-replayed"], "true");
        assert_eq!(again.expect(201), first, "all but the link, which is kept nowhere");
    }
    let list = api.get(&format!("/v1/connections?customer_id={customer}")).await.expect(200);
    assert_eq!(list["items"].as_array().unwrap().len(), 1);

    let mut other = wanted();
    other["label"] = json!("another");
    assert_eq!(api.post_once(&path, &other, "key-1").await.problem(), (409, "idempotency_key_reused"));
    // The same key elsewhere is another request.
    let elsewhere = format!("/v1/customers/{}/connections", api.new_customer().await);
    let made = api.post_once(&elsewhere, &wanted(), "key-1").await.expect(201);
    assert_ne!(made["connection_id"], first["connection_id"]);

    // What is kept of the answer holds neither the link nor the external ID.
    let secret = link.as_str().unwrap().rsplit('/').next().unwrap().to_owned();
    let external_id = first["external_id"].as_str().unwrap();
    let kept = provider.partitions_with("IDEMPOTENCY#", "answer_body").await;
    let ours = kept.iter().find(|body| body.contains(first["connection_id"].as_str().unwrap())).unwrap();
    assert!(!ours.contains(&secret) && !ours.contains(external_id));
}

#[tokio::test]
async fn at_once_it_is_made_once() {
    let api = Api::operator();
    let customer = api.new_customer().await;
    let path = format!("/v1/customers/{customer}/connections");
    let body = wanted();
    let answers = futures::future::join_all((0..8).map(|_| api.post_once(&path, &body, "at-once"))).await;
    let made: Vec<_> = answers.iter().filter(|answer| answer.status == 201).collect();
    assert!(!made.is_empty());
    for answer in &answers {
        match answer.status {
            201 => assert_eq!(answer.body["connection_id"], made[0].body["connection_id"]),
            _ => assert_eq!(answer.problem(), (409, "request_in_progress")),
        }
    }
    let list = api.get(&format!("/v1/connections?customer_id={customer}")).await.expect(200);
    assert_eq!(list["items"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn a_refusal_is_repeated_too_and_a_key_has_a_form() {
    let api = Api::operator();
    let connection = api.new_connection().await;
    let path = format!("{}/verify", path_of(&connection));
    let first = api.post_once(&path, &json!({}), "verify").await;
    assert_eq!(first.problem(), (409, "state_conflict"));
    let again = api.post_once(&path, &json!({}), "verify").await;
    assert_eq!(again.headers["idempotency-replayed"], "true");
    assert_eq!(again.content_type, first.content_type);
    assert_eq!(again.body, first.body);
    for key in ["", " ", "with space", "ümlaut", &"k".repeat(256)] {
        let refused = api.post_once(&path, &json!({}), key).await;
        assert_eq!(refused.problem(), (400, "invalid_idempotency_key"), "{key:?}");
    }
}

#[tokio::test]
async fn a_verification_asked_for_twice_is_one() {
    let (api, account) = (Api::operator(), CustomerAccount::new());
    let (active, _) = api.active_connection(&account).await;
    let path = format!("{}/verify", path_of(&active));
    let first = api.post_once(&path, &json!({}), "look").await.expect(202);
    assert_eq!(first["verification"], "running");
    api.settled(&active).await;
    let again = api.post_once(&path, &json!({}), "look").await;
    assert_eq!(again.headers["idempotency-replayed"], "true");
    assert_eq!(again.expect(202), first);
    assert_eq!(api.look(&active).await["verification"], "idle");
    let started = api.event_types(&active).await;
    assert_eq!(started.iter().filter(|kind| *kind == "connection.verification_started").count(), 1);
}
