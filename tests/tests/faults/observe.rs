//! What stands in the table, in IAM and in the API's answers about one connection, without ids and
//! times, so that two runs can be compared.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use aws_sdk_dynamodb::types::AttributeValue;
use serde_json::{Value, json};

use crate::connected::Connected;
use crate::workflow::Scene;

/// How long IAM may be behind the table.
const PUBLISHED_WITHIN: Duration = Duration::from_secs(15);
/// What one role takes in a grant besides its ARN: two quotes and a comma.
const AROUND_AN_ARN: usize = 3;

/// Attributes of an item.
type Item = BTreeMap<String, AttributeValue>;

/// Everything about a connection, and of what grows what has come since the row began.
pub(crate) async fn connection(scene: &Scene, connected: &Connected) -> Value {
    let (id, role_arn) = (&connected.id, &connected.role_arn);
    let shown = scene.user.read(&format!("/v1/connections/{id}")).await;
    let events = scene.user.read(&format!("/v1/connections/{id}/events?limit=100")).await;
    let items = scene.provider.items(&format!("CONNECTION#{id}")).await;
    let role = scene.provider.items(&format!("ROLE#{role_arn}")).await;
    let before = connected.before;
    let evidence = items.iter().filter(|(sk, _)| sk.starts_with("EVIDENCE#")).skip(before.evidence);
    let releases = items["META"].get("releases").and_then(|list| list.as_l().ok()).map_or(0, Vec::len);
    let owner = role.get("OWNER").map(|item| this_or_another(item["connection_id"].as_s().unwrap(), id));
    let holders = role.get("GRANT").and_then(|item| item.get("holders")?.as_ss().ok()).cloned();
    let holders: BTreeSet<_> =
        holders.unwrap_or_default().iter().map(|holder| this_or_another(holder, id)).collect();
    json!({
        "state": shown["state"],
        "verification": shown["verification"],
        "version": shown["version"].as_u64().unwrap() - before.version,
        "reasons": codes(&shown["reasons"]),
        "warnings": codes(&shown["warnings"]),
        "receipt": receipt(&shown["receipt"]),
        "is_due": items["META"].contains_key("due_at"),
        "trust": {"proven": shown["trust"]["proven"], "probes": probes(&shown["trust"]["probes"])},
        "checks": list(&shown["checks"]).iter().map(check).collect::<Vec<_>>(),
        "events": list(&events["items"]).iter().skip(before.events).map(event).collect::<Vec<_>>(),
        "evidence": evidence.map(|(_, item)| (text(item, "state"), text(item, "depth"))).collect::<Vec<_>>(),
        "releases": releases,
        "owner": owner,
        "holders": holders,
        "grant": match shard_of(role.get("GRANT"), &items["META"]) {
            Some(shard) => grant(scene, &shard, role_arn).await,
            None => Value::Null,
        },
    })
}

/// The shard that names the connection's role, or did before the connection ended.
fn shard_of(grant: Option<&Item>, meta: &Item) -> Option<String> {
    let now = grant.and_then(|grant| grant.get("shard"));
    let shard = now.or_else(|| meta.get("offboarding")?.as_m().ok()?.get("shard"));
    shard?.as_n().ok().cloned()
}

/// What the table and IAM have of a grant. Nobody else uses it: each row's role has its own, and
/// none is used again while rows that run at a time are not over.
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
        let count = |name: &str| items["META"].get(name).and_then(|value| value.as_n().ok()).cloned();
        let published = count("published") == count("version");
        if (wanted == granted && published) || begun.elapsed() > PUBLISHED_WITHIN {
            let totals = scene.provider.items("GRANTS").await;
            let used = totals["USE"].get(&format!("shard_{shard}")).and_then(|value| value.as_n().ok());
            let characters: usize = wanted.iter().map(|arn| arn.len() + AROUND_AN_ARN).sum();
            return json!({
                "in_the_table": wanted.contains(role_arn),
                "in_iam": granted.contains(role_arn),
                "iam_is_as_the_table": wanted == granted,
                "known_to_be_published": published,
                "use_is_counted": used == Some(&characters.to_string()),
                "has_policy": scene.provider.has_grant(shard).await,
                "attachments": scene.provider.attachments(shard).await.len(),
            });
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

fn this_or_another(id: &str, this: &str) -> &'static str {
    if id == this { "this connection" } else { "another" }
}

fn text(item: &Item, name: &str) -> Option<String> {
    item.get(name)?.as_s().ok().cloned()
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map(Vec::as_slice).unwrap_or_default()
}

fn codes(reasons: &Value) -> Vec<Value> {
    list(reasons).iter().map(|reason| reason["code"].clone()).collect()
}

/// Which times stand in a receipt, and what it says is left behind.
fn receipt(receipt: &Value) -> Value {
    if receipt.is_null() {
        return Value::Null;
    }
    let time = |name: &str| receipt[name].as_str()?.parse::<jiff::Timestamp>().ok();
    json!({
        "grant_removed_at": receipt["grant_removed_at"].is_string(),
        "assume_role_refused_at": receipt["assume_role_refused_at"].is_string(),
        "last_session_expires_at": receipt["last_session_expires_at"].is_string(),
        "in_order": time("grant_removed_at") <= time("assume_role_refused_at"),
        "leftovers": list(&receipt["leftovers"]).iter().map(|left| left["kind"].clone()).collect::<Vec<_>>(),
    })
}

fn check(row: &Value) -> Value {
    json!([row["action"], row["region"], row["outcome"]])
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
