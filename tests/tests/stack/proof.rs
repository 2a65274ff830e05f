//! Trust is proven again and again, by schedule, on a stack whose day has ten seconds.

use blackbox::{Api, CustomerAccount, Provider, Stack, eventually_within};
use serde_json::{Value, json};
use std::time::Duration;

/// The schedule comes once a minute there, as often as EventBridge Scheduler can.
const BY_SCHEDULE: Duration = Duration::from_mins(3);

fn brisk() -> (Api, CustomerAccount, Provider) {
    let stack = Stack::named("brisk");
    (Api::operator_of(stack), CustomerAccount::on(stack), Provider::of(stack))
}

/// How often a verification of an accepted connection has begun.
fn started(events: &[Value]) -> usize {
    events.iter().filter(|event| event["type"] == "connection.verification_started").count()
}

async fn in_state(api: &Api, connection: &Value, state: &str) -> Value {
    eventually_within(BY_SCHEDULE, &format!("it is {state}"), async || {
        Some(api.look(connection).await).filter(|now| now["state"] == state)
    })
    .await
}

#[tokio::test]
async fn what_stops_being_safe_is_suspended_and_comes_back_by_itself() {
    let (api, account, _) = brisk();
    let (active, _) = api.active_connection(&account).await;
    let name = active["role_name"].as_str().unwrap();
    let trust = account.trust(name).await;
    // Nobody asks: the schedule finds that the role lets anybody in.
    let mut open = trust.clone();
    open["Statement"][0]["Condition"].as_object_mut().unwrap().remove("StringEquals");
    account.change_trust(name, &open).await;
    let suspended = in_state(&api, &active, "suspended").await;
    let codes: Vec<_> = suspended["reasons"].as_array().unwrap().iter().map(|r| r["code"].clone()).collect();
    assert_eq!(codes, ["trust_missing_external_id", "trust_accepts_any_external_id"]);
    assert_eq!(suspended["trust"]["proven"], json!(false));

    account.change_trust(name, &trust).await;
    let back = in_state(&api, &active, "active").await;
    assert_eq!((&back["reasons"], &back["trust"]["proven"]), (&json!([]), &json!(true)));
    for event in api.events(&active).await {
        assert_ne!(event["actor"], "customer");
    }
}

#[tokio::test]
async fn every_connection_is_looked_after_once_each_time() {
    let (api, account, provider) = brisk();
    let mut all = Vec::new();
    for _ in 0..4 {
        all.push(api.active_connection(&account).await.0);
    }
    // Two sweeps at once, as often as the schedule would come in an hour, begin no more than one
    // verification at a time.
    eventually_within(BY_SCHEDULE, "all are verified twice more", async || {
        provider.send_message(r#"{"kind":"sweep"}"#).await;
        provider.send_message(r#"{"kind":"sweep"}"#).await;
        tokio::time::sleep(Duration::from_secs(1)).await;
        for connection in &all {
            if started(&api.events(connection).await) < 2 {
                return None;
            }
        }
        Some(())
    })
    .await;
    for connection in &all {
        let events = api.events(connection).await;
        let mut running = 0;
        let mut depths = Vec::new();
        for event in &events[3..] {
            match event["type"].as_str().unwrap() {
                "connection.verification_started" => {
                    running += 1;
                    depths.push(event["data"]["depth"].clone());
                }
                "connection.verified" => running -= 1,
                other => panic!("{other}"),
            }
            assert!((0..=1).contains(&running), "{events:#?}");
        }
        assert!(depths.contains(&json!("reads")), "{depths:?}");
        assert_eq!(api.look(connection).await["state"], "active");
    }
}
