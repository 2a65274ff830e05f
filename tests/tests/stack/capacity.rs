//! Many roles: a hundred at once, and more than there is room for.

use std::collections::BTreeSet;

use blackbox::{Api, CustomerAccount, Provider, Stack, eventually, eventually_within, path_of};
use futures::future::join_all;
use futures::{StreamExt as _, stream};
use serde_json::{Value, json};
use std::time::Duration;

/// A connection with a role of this name that its customer has made as they should.
async fn with_role(api: &Api, account: &CustomerAccount, name: &str) -> (Value, String) {
    let connection = api.new_connection().await;
    let trust = api.setup(&connection).await["trust_policy"].clone();
    let role = account.make_role(name, &trust).await;
    (connection, role)
}

#[tokio::test]
async fn a_hundred_activations_at_once_lose_no_grant() {
    let (api, account, provider) = (Api::operator(), CustomerAccount::new(), Provider::new());
    let names: Vec<String> = (0..100).map(|n| format!("role-{n:03}")).collect();
    let all: Vec<_> = stream::iter(&names)
        .map(async |name| with_role(&api, &account, name).await)
        .buffer_unordered(10)
        .collect()
        .await;
    // A busy machine may answer 503, which its callers repeat.
    join_all(all.iter().map(async |(connection, role)| {
        eventually_within(Duration::from_mins(3), "it is submitted", async || {
            Some(api.submit(connection, role).await).filter(|answer| answer.status != 503)
        })
        .await
        .expect(202)
    }))
    .await;
    for (connection, _) in &all {
        let settled = eventually_within(Duration::from_mins(3), "it is active", async || {
            Some(api.look(connection).await).filter(|now| now["verification"] == "idle")
        })
        .await;
        assert_eq!(settled["state"], "active", "{settled:#}");
    }
    let granted: BTreeSet<String> = provider.granted_roles().await.into_iter().collect();
    for (_, role) in &all {
        assert!(granted.contains(role), "{role} is not granted");
    }
    // Whoever changed a grant published what the others changed too.
    let grants = api.get("/v1/grants").await.expect(200);
    let roles: u64 =
        grants["items"].as_array().unwrap().iter().map(|item| item["roles"].as_u64().unwrap()).sum();
    assert!(roles >= 100, "{grants:#}");
}

/// A stack of two brokers with one grant each, which has room for three roles.
#[tokio::test]
async fn grants_are_filled_to_the_last_character_then_the_next_brokers_then_no_more() {
    let stack = Stack::named("tiny");
    let (api, account, provider) = (Api::operator_of(stack), CustomerAccount::on(stack), Provider::of(stack));
    let mut accepted = Vec::new();
    for n in 0..6 {
        let (connection, role) = with_role(&api, &account, &format!("drawbridge-role-{n:04}")).await;
        let active = api.onboard(&connection, &role).await;
        assert_eq!(active["state"], "active", "{active:#}");
        accepted.push((connection, role));
    }
    let grants = api.get("/v1/grants").await.expect(200);
    let items = grants["items"].as_array().unwrap();
    let seen: Vec<_> =
        items.iter().map(|item| (&item["broker"], &item["roles"], &item["published"])).collect();
    let (one, two, three, yes) = (json!(1), json!(2), json!(3), json!(true));
    assert_eq!(seen, [(&one, &three, &yes), (&two, &three, &yes)], "{grants:#}");
    assert_eq!(grants["used_percent"], 100);
    assert_eq!(provider.attachments("1").await, ["broker-1"]);
    assert_eq!(provider.attachments("26").await, ["broker-2"]);
    // An alarm reads it from the log.
    let used: Vec<_> = stack
        .logged("OnboarderFunction")
        .into_iter()
        .filter_map(|record| record["fields"]["grants_used_percent"].as_u64())
        .collect();
    assert!(used.contains(&100), "{used:?}");

    // The seventh is refused at once, in plain words, and nothing of it stays.
    let (late, role) = with_role(&api, &account, "drawbridge-role-0006").await;
    let refused = api.submit(&late, &role).await;
    assert_eq!(refused.problem(), (503, "grant_capacity_exhausted"));
    assert!(refused.headers.contains_key("retry-after"));
    assert!(refused.body["detail"].as_str().unwrap().contains("BrokerCount"));
    assert_eq!(api.look(&late).await, late);
    // Those that are in are verified as ever, and a role that is granted already needs no room.
    api.verify(&accepted[5].0).await.expect(202);
    assert_eq!(api.settled(&accepted[5].0).await["state"], "active");

    // Room that is given back is used again; an emptied grant leaves IAM.
    for (connection, _) in &accepted[..3] {
        api.offboarded(connection).await;
    }
    eventually("the empty grant leaves IAM", async || {
        provider.attachments("1").await.is_empty().then_some(())
    })
    .await;
    assert!(!provider.policies().await.contains_key("grant-1"));
    assert_eq!(api.onboard(&late, &role).await["state"], "active");
    assert_eq!(provider.granted_by("1").await, [role]);
    assert_eq!(provider.granted_by("26").await.len(), 3);
    let shown = api.get(&path_of(&late)).await.expect(200);
    assert_eq!(shown["state"], "active");
    for (connection, _) in &accepted[3..] {
        api.offboarded(connection).await;
    }
    eventually("the other broker's grant leaves IAM too", async || {
        provider.attachments("26").await.is_empty().then_some(())
    })
    .await;
}
