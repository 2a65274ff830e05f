//! What stands in the table, in IAM and in the API's answers about one connection, without ids and
//! times, so that two runs can be compared.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use aws_sdk_dynamodb::types::AttributeValue;
use serde_json::{Value, json};

use crate::workflow::Scene;

/// The items of one partition of the table.
pub(crate) type Items = BTreeMap<String, BTreeMap<String, AttributeValue>>;

/// How long IAM may be behind the table while other rows change the same grant.
const PUBLISHED_WITHIN: Duration = Duration::from_secs(15);

/// Everything about a connection that is, or was, to have `role_arn`.
pub(crate) async fn connection(scene: &Scene, id: &str, role_arn: &str) -> Value {
    let shown = scene.user.api.get(&format!("/v1/connections/{id}")).await.expect(200);
    let events = scene.user.api.get(&format!("/v1/connections/{id}/events?limit=100")).await.expect(200);
    let items = scene.provider.items(&format!("CONNECTION#{id}")).await;
    let role = scene.provider.items(&format!("ROLE#{role_arn}")).await;
    let evidence = items.iter().filter(|(sk, _)| sk.starts_with("EVIDENCE#"));
    let releases = items["META"].get("releases").and_then(|list| list.as_l().ok()).map_or(0, Vec::len);
    let owner = role.get("OWNER").map(|item| this_or_another(item["connection_id"].as_s().unwrap(), id));
    let holders = role.get("GRANT").and_then(|item| item.get("holders")?.as_ss().ok()).cloned();
    let holders: BTreeSet<_> =
        holders.unwrap_or_default().iter().map(|holder| this_or_another(holder, id)).collect();
    json!({
        "state": shown["state"],
        "verification": shown["verification"],
        "version": shown["version"],
        "reasons": codes(&shown["reasons"]),
        "trust": {"proven": shown["trust"]["proven"], "probes": probes(&shown["trust"]["probes"])},
        "events": list(&events["items"]).iter().map(event).collect::<Vec<_>>(),
        "evidence": evidence
            .map(|(_, item)| item.get("state").and_then(|state| state.as_s().ok()).cloned())
            .collect::<Vec<_>>(),
        "releases": releases,
        "receipt": receipt(&shown["receipt"]),
        "owner": owner,
        "holders": holders,
        "grant": match role.get("GRANT") {
            Some(item) => grant(scene, item["shard"].as_n().unwrap(), role_arn).await,
            None => Value::Null,
        },
    })
}

/// Whether this work of a connection is running, if there is any.
pub(crate) fn steps(items: &Items, work: &str) -> Option<bool> {
    let steps = items["META"].get(work)?.as_m().ok()?.get("steps")?;
    steps.as_m().ok()?.get("running")?.as_bool().ok().copied()
}

/// How many items of the table have this attribute with this value.
pub(crate) async fn count(scene: &Scene, attribute: &str, value: &str) -> usize {
    scene.provider.count_items(attribute, value).await
}

/// What IAM has of a grant.
async fn grant(scene: &Scene, shard: &str, role_arn: &str) -> Value {
    let begun = Instant::now();
    loop {
        let items = scene.provider.items(&format!("GRANT#{shard}")).await;
        let wanted: BTreeSet<String> = items["META"]
            .get("arns")
            .and_then(|set| set.as_ss().ok())
            .into_iter()
            .flatten()
            .cloned()
            .collect();
        let granted: BTreeSet<String> = scene.provider.granted_by(shard).await.into_iter().collect();
        let attached = scene.provider.attachments(shard).await;
        if wanted == granted || begun.elapsed() > PUBLISHED_WITHIN {
            return json!({
                "in_the_table": wanted.contains(role_arn),
                "in_iam": granted.contains(role_arn),
                "iam_is_as_the_table": wanted == granted,
                "attachments": attached.len(),
            });
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

fn this_or_another(id: &str, this: &str) -> &'static str {
    if id == this { "this connection" } else { "another" }
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map(Vec::as_slice).unwrap_or_default()
}

/// Which times a receipt tells, and what stays.
fn receipt(receipt: &Value) -> Value {
    let told = |name: &str| !receipt[name].is_null();
    let leftovers: Vec<_> = list(&receipt["leftovers"]).iter().map(|left| left["kind"].clone()).collect();
    json!({
        "grant_removed": told("grant_removed_at"),
        "refused": told("assume_role_refused_at"),
        "last_session": told("last_session_expires_at"),
        "leftovers": leftovers,
    })
}

fn codes(reasons: &Value) -> Vec<Value> {
    list(reasons).iter().map(|reason| reason["code"].clone()).collect()
}

fn event(event: &Value) -> Value {
    let data = &event["data"];
    json!({"type": event["type"], "from": data["from"], "to": data["to"], "reasons": data["reasons"]})
}

/// By round and external ID: two of a round are asked at once, so that their order tells nothing.
fn probes(probes: &Value) -> Vec<String> {
    let mut told: Vec<_> = list(probes)
        .iter()
        .map(|probe| format!("{} {} {}", probe["round"], probe["external_id"], probe["outcome"]))
        .collect();
    told.sort_unstable();
    told
}
