//! What happens when two things happen at once.

use blackbox::{Api, CustomerAccount, Provider, eventually, path_of};
use futures::future::{join, join_all};
use serde_json::json;

#[tokio::test]
async fn of_two_customers_who_both_prove_a_role_one_gets_it() {
    let (api, account, provider) = (Api::operator(), CustomerAccount::new(), Provider::new());
    let (one, two) = (api.new_connection().await, api.new_connection().await);
    // A trust policy that names both external IDs proves either.
    let mut trust = api.setup(&one).await["trust_policy"].clone();
    trust["Statement"][0]["Condition"]["StringEquals"]["sts:ExternalId"] =
        json!([one["external_id"], two["external_id"]]);
    let role = account.make_role("shared", &trust).await;
    let (first, second) = join(api.submit(&one, &role), api.submit(&two, &role)).await;
    first.expect(202);
    second.expect(202);
    let (one, two) = join(api.settled(&one), api.settled(&two)).await;
    let (owner, other) = if one["state"] == "active" { (one, two) } else { (two, one) };
    assert_eq!(owner["state"], "active", "{owner:#}");
    assert_eq!(other["state"], "failed", "{other:#}");
    assert_eq!(other["reasons"][0]["code"], "role_already_connected");
    // The same text whoever owns it.
    assert!(!other["reasons"].to_string().contains(owner["connection_id"].as_str().unwrap()));
    let items = provider.items(&format!("ROLE#{role}")).await;
    assert_eq!(items["OWNER"]["connection_id"].as_s().unwrap(), owner["connection_id"].as_str().unwrap());
    assert_eq!(items["GRANT"]["holders"].as_ss().unwrap(), &[owner["connection_id"].as_str().unwrap()]);
    // And it stays so.
    assert_eq!(api.verify(&other).await.problem(), (409, "role_already_connected"));
    assert_eq!(api.submit(&other, &role).await.problem(), (409, "role_already_connected"));
    assert_eq!(api.look(&other).await["state"], "failed");
}

#[tokio::test]
async fn verifying_and_offboarding_at_once_ends_offboarded() {
    let (api, account, provider) = (Api::operator(), CustomerAccount::new(), Provider::new());
    let (active, role) = api.active_connection(&account).await;
    let path = path_of(&active);
    let (verified, deleted) =
        join(join_all((0..4).map(|_| api.verify(&active))), join_all((0..4).map(|_| api.delete(&path))))
            .await;
    for answer in verified {
        assert!(matches!(answer.status, 202 | 409), "{answer:?}");
    }
    assert!(deleted.iter().any(|answer| answer.status == 202));
    let gone = api.offboarded(&active).await;
    assert_eq!(gone["verification"], "idle");
    assert!(provider.items(&format!("ROLE#{role}")).await.is_empty());
    eventually("the grant is gone", async || (!provider.granted_roles().await.contains(&role)).then_some(()))
        .await;
    let events = api.event_types(&active).await;
    assert!(!events.contains(&"connection.offboarding_stalled".to_owned()), "{events:?}");
}

#[tokio::test]
async fn changing_and_verifying_at_once_loses_neither() {
    let (api, account) = (Api::operator(), CustomerAccount::new());
    let (active, _) = api.active_connection(&account).await;
    let path = path_of(&active);
    let regions = ["us-east-1", "us-east-2", "us-west-1", "us-west-2"];
    let (changed, verified) = join(
        join_all(regions.map(|region| api.patch(&path, json!({"regions": [region]})))),
        join_all((0..4).map(|_| api.verify(&active))),
    )
    .await;
    for answer in changed.iter().chain(&verified) {
        assert!(answer.status == 202 || answer.problem() == (409, "concurrent_change"), "{answer:?}");
    }
    let settled = api.settled(&active).await;
    assert_eq!(settled["state"], "active");
    // The last one that was accepted is what stands, and what was verified.
    let events = api.events(&active).await;
    let told: Vec<_> = events.iter().filter(|event| event["type"] == "connection.changed").collect();
    assert_eq!(told.last().unwrap()["data"]["regions"], settled["regions"]);
    let accepted = changed.iter().filter(|answer| answer.status == 202).count();
    assert!(told.len() <= accepted && !told.is_empty());
    let last = events.iter().rposition(|event| event["type"] == "connection.verified").unwrap();
    assert_eq!(last, events.len() - 1, "{events:#?}");
}

#[tokio::test]
async fn ten_submissions_of_one_role_at_once_are_one() {
    let (api, account) = (Api::operator(), CustomerAccount::new());
    let connection = api.new_connection().await;
    let trust = api.setup(&connection).await["trust_policy"].clone();
    let role = account.make_role("r", &trust).await;
    let answers = join_all((0..10).map(|_| api.submit(&connection, &role))).await;
    for answer in &answers {
        assert!(answer.status == 202 || answer.problem() == (409, "concurrent_change"), "{answer:?}");
    }
    assert_eq!(api.settled(&connection).await["state"], "active");
    let begun = api.event_types(&connection).await;
    assert_eq!(
        begun,
        ["connection.created", "connection.state_changed", "connection.state_changed"],
        "created, verifying, active"
    );
}

#[tokio::test]
async fn a_message_that_nobody_understands_ends_among_the_dead_letters_and_harms_no_other() {
    let (api, account, provider) = (Api::operator(), CustomerAccount::new(), Provider::new());
    let broken = format!(r#"{{"kind":"verify","nonsense":"{}"}}"#, uuid::Uuid::new_v4());
    provider.send_message(&broken).await;
    provider.send_message("not even JSON").await;
    let (active, _) = api.active_connection(&account).await;
    assert_eq!(active["state"], "active");
    eventually("it is a dead letter", async || provider.dead_letters().await.contains(&broken).then_some(()))
        .await;
}
