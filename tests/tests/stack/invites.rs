//! What a customer can do with a link, and until when.

use blackbox::{Api, CustomerAccount, Stack, eventually, path_of};
use reqwest::Method;
use serde_json::{Value, json};

fn wanted() -> Value {
    json!({"capabilities": ["ec2-power"], "regions": ["us-east-1"]})
}

#[tokio::test]
async fn a_customer_gets_from_the_link_to_active_alone() {
    let (operator, customer, account) = (Api::operator(), Api::unsigned(), CustomerAccount::new());
    let (connection, link) = operator.invite_to(wanted()).await;
    let seen = customer.get(&format!("{link}/status")).await;
    assert_eq!(seen.headers["cache-control"], "no-store");
    assert_eq!(seen.headers["referrer-policy"], "no-referrer");
    let seen = seen.expect(200);
    assert_eq!((&seen["state"], &seen["read_only"]), (&json!("pending_role"), &json!(false)));
    assert_eq!(seen["setup"], operator.setup(&connection).await);
    assert!(seen.get("customer_id").is_none() && seen.get("label").is_none());

    let name = seen["role_name"].as_str().unwrap();
    let role = account.make_role(name, &seen["setup"]["trust_policy"]).await;
    let told = customer.put(&format!("{link}/role"), json!({"role_arn": role})).await.expect(202);
    assert_eq!((&told["state"], &told["role_arn"]), (&json!("verifying"), &json!(role)));
    let done = eventually("it is active", async || {
        let now = customer.get(&format!("{link}/status")).await.expect(200);
        Some(now).filter(|now| now["state"] == "active")
    })
    .await;
    assert_eq!((&done["verification"], &done["read_only"]), (&json!("idle"), &json!(true)));
    let events = operator.events(&connection).await;
    assert_eq!((&events[1]["actor"], &events[2]["actor"]), (&json!("customer"), &json!("drawbridge")));

    // From now on the link only reads, and asks for another look.
    let other = json!({"role_arn": account.role_arn("another")});
    let refused = customer.put(&format!("{link}/role"), other).await;
    assert_eq!(refused.problem(), (409, "invite_read_only"));
    customer.send(Method::POST, &format!("{link}/verify"), None).await.expect(202);
    operator.settled(&connection).await;
    assert_eq!(operator.look(&connection).await["role_arn"], json!(role));
}

#[tokio::test]
async fn a_customer_who_has_mended_a_suspended_role_brings_it_back() {
    let (operator, customer, account) = (Api::operator(), Api::unsigned(), CustomerAccount::new());
    let (connection, link) = operator.invite_to(wanted()).await;
    let trust = operator.setup(&connection).await["trust_policy"].clone();
    let role = account.make_role("r", &trust).await;
    assert_eq!(operator.onboard(&connection, &role).await["state"], "active");
    let mut open = trust.clone();
    open["Statement"][0]["Condition"].as_object_mut().unwrap().remove("StringEquals");
    account.change_trust("r", &open).await;
    operator.verify(&connection).await.expect(202);
    assert_eq!(operator.settled(&connection).await["state"], "suspended");
    account.change_trust("r", &trust).await;
    customer.send(Method::POST, &format!("{link}/verify"), None).await.expect(202);
    assert_eq!(operator.settled(&connection).await["state"], "active");
}

#[tokio::test]
async fn a_new_link_ends_the_one_before_and_the_end_of_the_connection_all() {
    let (operator, customer) = (Api::operator(), Api::unsigned());
    let (connection, first) = operator.invite_to(wanted()).await;
    let made = operator.post(&format!("{}/invite", path_of(&connection)), json!({})).await.expect(201);
    let second = operator.path_of_link(&made);
    assert_ne!(first, second);
    for (method, path) in [
        (Method::GET, format!("{first}/status")),
        (Method::PUT, format!("{first}/role")),
        (Method::POST, format!("{first}/verify")),
    ] {
        let body = (method == Method::PUT).then(|| r#"{"role_arn":"x"}"#.to_owned());
        assert_eq!(customer.send(method, &path, body).await.problem(), (410, "invite_revoked"));
    }
    customer.get(&format!("{second}/status")).await.expect(200);
    assert_eq!(operator.look(&connection).await["invite_expires_at"], made["expires_at"]);

    let path = format!("{}/invite", path_of(&connection));
    assert_eq!(operator.delete(&path).await.status, 204);
    assert_eq!(operator.delete(&path).await.status, 204);
    assert_eq!(customer.get(&format!("{second}/status")).await.problem(), (410, "invite_revoked"));
    assert_eq!(operator.look(&connection).await["invite_expires_at"], Value::Null);
    let made = operator.post(&path, json!({})).await.expect(201);
    let third = operator.path_of_link(&made);
    customer.get(&format!("{third}/status")).await.expect(200);
    operator.offboarded(&connection).await;
    assert_eq!(customer.get(&format!("{third}/status")).await.problem(), (410, "invite_revoked"));
    assert_eq!(
        operator.event_types(&connection).await[1..4],
        ["connection.invite_created", "connection.invite_revoked", "connection.invite_created"]
    );
}

#[tokio::test]
async fn a_link_that_nobody_made_leads_nowhere() {
    let customer = Api::unsigned();
    for link in ["x".to_owned(), "A".repeat(43), "a".repeat(500)] {
        let answer = customer.get(&format!("/onboard/{link}/status")).await;
        assert_eq!(answer.problem(), (404, "not_found"), "{link}");
    }
}

#[tokio::test]
async fn a_link_expires() {
    let stack = Stack::named("brisk");
    let operator = Api::operator_of(stack);
    let (connection, link) = operator.invite_to(wanted()).await;
    let expired = eventually("the link expires", async || {
        Some(operator.get(&format!("{link}/status")).await).filter(|answer| answer.status != 200)
    })
    .await;
    assert_eq!(expired.problem(), (410, "invite_expired"));
    // Another can be made.
    let made = operator.post(&format!("{}/invite", path_of(&connection)), json!({})).await.expect(201);
    let link = operator.path_of_link(&made);
    operator.get(&format!("{link}/status")).await.expect(200);
}

#[tokio::test]
async fn a_customer_asks_twenty_times_an_hour_at_most() {
    let (operator, customer) = (Api::operator(), Api::unsigned());
    let (connection, link) = operator.invite_to(wanted()).await;
    for _ in 0..20 {
        let answer = customer.send(Method::POST, &format!("{link}/verify"), None).await;
        assert_eq!(answer.problem(), (409, "state_conflict"));
    }
    let refused = customer.send(Method::POST, &format!("{link}/verify"), None).await;
    assert_eq!(refused.problem(), (429, "too_many_submissions"));
    let wait: u32 = refused.headers["retry-after"].parse().unwrap();
    assert!((1..=3601).contains(&wait), "{wait}");
    let role = json!({"role_arn": "arn:aws:iam::123456789012:role/a"});
    let refused = customer.put(&format!("{link}/role"), role).await;
    assert_eq!(refused.problem(), (429, "too_many_submissions"));
    // Looking is free, another customer is not concerned, nor is a new link a way around it.
    customer.get(&format!("{link}/status")).await.expect(200);
    let (_, other) = operator.invite_to(wanted()).await;
    let answer = customer.send(Method::POST, &format!("{other}/verify"), None).await;
    assert_eq!(answer.problem(), (409, "state_conflict"));
    let made = operator.post(&format!("{}/invite", path_of(&connection)), json!({})).await.expect(201);
    let renewed = operator.path_of_link(&made);
    let refused = customer.send(Method::POST, &format!("{renewed}/verify"), None).await;
    assert_eq!(refused.problem(), (429, "too_many_submissions"));
}

#[tokio::test]
async fn an_announced_name_binds_the_customer_alone() {
    let (operator, customer, account) = (Api::operator(), Api::unsigned(), CustomerAccount::new());
    let mut request = wanted();
    request["role_name"] = json!("expected");
    let (connection, link) = operator.invite_to(request).await;
    let other = account.role_arn("other");
    let refused = customer.put(&format!("{link}/role"), json!({"role_arn": other})).await;
    assert_eq!(refused.problem(), (422, "role_name_mismatch"));
    assert_eq!(operator.look(&connection).await, connection);
    operator.submit(&connection, &other).await.expect(202);
}
