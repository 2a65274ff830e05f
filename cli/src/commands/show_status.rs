//! `drawbridge status`.

use std::collections::BTreeMap;

use clap::Args;
use comfy_table::Cell;
use serde_json::{Value, json};

use crate::client::Client;
use crate::exit::Exit;
use crate::failure::Result;
use crate::list::Pages;
use crate::progress::Progress;
use crate::screen::Screen;
use crate::table::{card, state};
use crate::text::{NOTHING, field, items, time};

/// Shows at a glance how everything does, and what needs somebody.
#[derive(Debug, Args)]
#[command(after_help = "\
Every connection is looked at, a page at a time. Somebody is needed by those that are suspended,
failed or degraded, by those whose offboarding has stalled, and by what has no backup as new as
its schedule promises.

With --output json:
  {api_url, version, health,
   connections: {total, by_state: {<state>: number}},
   attention: [{connection_id, customer_id, label, account_id, state,
                reason: {code, detail} or null, next}],
   attention_omitted,
   stale: [{connection_id, region, resource, newest_good_backup_at, promised_by, schedule_id, …}],
   stale_omitted,
   grants: {brokers, grants_per_broker, grants, roles, used_percent, unpublished}}
by_state has every state, those of later versions too; next is the command that shows or mends it.

Exit code 0 whenever it could be told, however things stand: look at attention.

Examples:
  drawbridge status
  drawbridge status --output json | jq -e '.attention == []' || echo 'somebody is needed'")]
pub struct ShowStatus {
    /// How many connections that need somebody are listed for each state; the rest is counted
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=1000))]
    limit: u32,
}

/// Every state, in the order of a connection's life.
const STATES: [&str; 8] =
    ["pending_role", "verifying", "active", "degraded", "failed", "suspended", "offboarding", "offboarded"];

/// The states that need somebody, the most urgent first: customers whose access has ended, access
/// that does not end, customers who wait.
const URGENT: [&str; 4] = ["suspended", "offboarding", "failed", "degraded"];

/// A grant that is as full as this should be thought of. The template's alarm has the same bound.
const FILLING: f64 = 80.0;

impl ShowStatus {
    /// Does it.
    pub async fn run(self, client: &Client, screen: &Screen) -> Result<Exit> {
        let progress = Progress::start();
        progress.waiting_for("asking the API");
        let health = client.get(&["health"], &[]).await?;
        let grants = client.get(&["v1", "grants"], &[]).await?;
        let mut census = Census::new(self.limit);
        let mut pages = Pages::of(client, &["v1", "connections"]);
        while let Some(connections) = pages.next().await? {
            for connection in &connections {
                census.count(connection);
            }
            progress.waiting_for(&format!("{} connections so far", census.total));
        }
        let stale = client.get(&["v1", "freshness"], &[("limit", "100".to_owned())]).await?;
        drop(progress);
        let status = census.status(client, &health, &grants, &stale);
        screen.show(&status, |status| view(status, screen.is_coloured()))?;
        Ok(Exit::Done)
    }
}

/// What is kept of the connections: numbers, and some of those that need somebody.
struct Census {
    limit: usize,
    total: u64,
    by_state: BTreeMap<String, u64>,
    attention: BTreeMap<&'static str, Vec<Value>>,
    omitted: u64,
}

impl Census {
    fn new(limit: u32) -> Self {
        Self {
            limit: usize::try_from(limit).unwrap_or(usize::MAX),
            total: 0,
            by_state: BTreeMap::new(),
            attention: BTreeMap::new(),
            omitted: 0,
        }
    }

    fn count(&mut self, connection: &Value) {
        self.total += 1;
        let state = field(connection, "state");
        let needs_somebody = URGENT.into_iter().find(|urgent| *urgent == state);
        *self.by_state.entry(state).or_default() += 1;
        let Some(state) = needs_somebody else { return };
        // An offboarding without a reason goes on by itself.
        if state == "offboarding" && items(connection, "reasons").is_empty() {
            return;
        }
        let listed = self.attention.entry(state).or_default();
        if listed.len() < self.limit {
            listed.push(attention(connection, state));
        } else {
            self.omitted += 1;
        }
    }

    fn status(mut self, client: &Client, health: &Value, grants: &Value, stale: &Value) -> Value {
        let listed: Vec<_> = items(stale, "items").iter().take(self.limit).collect();
        let more_stale = items(stale, "items").len() > listed.len() || stale["next_cursor"].is_string();
        let mut by_state = serde_json::Map::new();
        for state in STATES {
            by_state.insert(state.to_owned(), self.by_state.remove(state).unwrap_or(0).into());
        }
        by_state.extend(self.by_state.into_iter().map(|(state, number)| (state, number.into())));
        let attention: Vec<_> =
            URGENT.into_iter().filter_map(|state| self.attention.remove(state)).flatten().collect();
        let shards = items(grants, "items");
        let roles: u64 = shards.iter().filter_map(|grant| grant.get("roles")?.as_u64()).sum();
        let is_unpublished = |grant: &&Value| grant.get("published") == Some(&Value::Bool(false));
        json!({
            "api_url": client.api_url().to_string(),
            "version": health.get("version"),
            "health": health.get("status"),
            "connections": {"total": self.total, "by_state": by_state},
            "attention": attention,
            "attention_omitted": self.omitted,
            "stale": listed,
            "stale_omitted": more_stale,
            "grants": {
                "brokers": grants.get("brokers"),
                "grants_per_broker": grants.get("grants_per_broker"),
                "grants": shards.len(),
                "roles": roles,
                "used_percent": grants.get("used_percent"),
                "unpublished": shards.iter().filter(is_unpublished).count(),
            },
        })
    }
}

/// A connection that needs somebody, with its first reason and what to type next.
fn attention(connection: &Value, state: &str) -> Value {
    let reason = items(connection, "reasons").first();
    let code = reason.map(|reason| field(reason, "code")).unwrap_or_default();
    let id = field(connection, "connection_id");
    let next = match (state, code.as_str()) {
        (_, "grant_capacity_exhausted") => "drawbridge grants show".to_owned(),
        // Nothing is known to be wrong: asking again may be all.
        ("failed" | "suspended" | "degraded", "probe_inconclusive") => {
            format!("drawbridge connections verify {id} --watch")
        }
        ("offboarding", _) => format!("drawbridge connections offboard {id} --watch"),
        // The remedy is the customer's, and stands there whole.
        _ => format!("drawbridge connections show {id}"),
    };
    json!({
        "connection_id": connection.get("connection_id"),
        "customer_id": connection.get("customer_id"),
        "label": connection.get("label"),
        "account_id": connection.get("account_id"),
        "state": state,
        "reason": reason.map(|reason| json!({"code": reason.get("code"), "detail": reason.get("detail")})),
        "next": next,
    })
}

fn view(status: &Value, coloured: bool) -> String {
    let part = |name: &str| status.get(name).cloned().unwrap_or_default();
    let (connections, grants) = (part("connections"), part("grants"));
    let mut parts = vec![card(vec![
        ("API", Cell::new(field(status, "api_url"))),
        ("version", Cell::new(field(status, "version"))),
        ("health", Cell::new(field(status, "health"))),
        ("grants", Cell::new(fullness(&grants))),
    ])];
    let by_state = connections.get("by_state").and_then(Value::as_object).cloned().unwrap_or_default();
    let counts = by_state
        .iter()
        .filter(|(_, number)| number.as_u64() != Some(0))
        .map(|(name, number)| (number.to_string(), state(&json!({"state": name}), coloured)));
    let counts: Vec<_> = counts.collect();
    parts.push(if counts.is_empty() {
        "there are no connections yet: `drawbridge connections create --help`".to_owned()
    } else {
        let rows = counts.iter().map(|(number, state)| (number.as_str(), state.clone())).collect();
        format!("Connections: {}\n{}", field(&connections, "total"), card(rows))
    });
    parts.extend(needs(status, &grants));
    parts.join("\n\n")
}

fn fullness(grants: &Value) -> String {
    format!(
        "{} % full (roles: {}, brokers: {})",
        field(grants, "used_percent"),
        field(grants, "roles"),
        field(grants, "brokers"),
    )
}

/// What needs somebody, each with the next command.
fn needs(status: &Value, grants: &Value) -> Vec<String> {
    let mut blocks: Vec<_> = items(status, "attention").iter().map(block).collect();
    match status.get("attention_omitted").and_then(Value::as_u64) {
        None | Some(0) => {}
        Some(more) => blocks.push(format!(
            "{more} more are not listed\n  next: drawbridge connections list --state STATE --all, or --limit here"
        )),
    }
    blocks.extend(stale(status));
    if grants.get("used_percent").and_then(Value::as_f64).is_some_and(|used| used >= FILLING) {
        blocks.push(
            "the grants are filling up\n  next: drawbridge grants show; the stack's parameter BrokerCount makes room"
                .to_owned(),
        );
    }
    match grants.get("unpublished").and_then(Value::as_u64) {
        None | Some(0) => {}
        Some(number) => blocks.push(format!(
            "grants that IAM does not have yet: {number}\n  next: drawbridge grants reconcile, if it stays so for minutes"
        )),
    }
    if blocks.is_empty() {
        return vec!["nothing needs anybody".to_owned()];
    }
    blocks.insert(0, "Needs somebody".to_owned());
    blocks
}

/// What has no backup as new as it was promised, with the command that shows all of it.
fn stale(status: &Value) -> Option<String> {
    let lines: Vec<_> = items(status, "stale")
        .iter()
        .map(|fresh| {
            let known = ["connection_id", "region", "resource"].map(|name| field(fresh, name)).join("  ");
            let newest = time(fresh, "newest_good_backup_at");
            format!(
                "{known}\n  newest backup: {newest}; another was promised by {}",
                time(fresh, "promised_by")
            )
        })
        .collect();
    if lines.is_empty() {
        return None;
    }
    let more = status.get("stale_omitted") == Some(&Value::Bool(true));
    let more = if more { "\nand more" } else { "" };
    Some(format!("Backups are stale\n{}{more}\n  next: drawbridge backups freshness --all", lines.join("\n")))
}

fn block(attention: &Value) -> String {
    let known = ["connection_id", "state", "account_id", "label"].map(|name| field(attention, name));
    let heading = known.into_iter().filter(|text| text != NOTHING).collect::<Vec<_>>().join("  ");
    let reason = attention.get("reason").filter(|reason| reason.is_object());
    let reason = reason.map(|reason| format!("\n  {}: {}", field(reason, "code"), field(reason, "detail")));
    format!("{heading}{}\n  next: {}", reason.unwrap_or_default(), field(attention, "next"))
}

#[cfg(test)]
mod tests;
