//! What cannot be undone, from a plan to its end: shown, confirmed, applied, and waited for. The
//! commands that destroy something all go this way.

use comfy_table::Cell;
use serde_json::{Value, json};

use super::confirmation::Confirmation;
use super::follow::to_its_end;
use super::show_operation;
use crate::client::Client;
use crate::exit::Exit;
use crate::failure::{Failure, Result};
use crate::screen::Screen;
use crate::table::{card, listing};
use crate::text::{NOTHING, field, items, time};

/// The one action of plans that destroys nothing.
const RESTORES: &str = "dynamodb:RestoreTableFromBackup";

/// The action that launches an instance, from an image that is a backup.
const LAUNCHES: &str = "ec2:RunInstances";

/// What is to be planned.
#[derive(Debug)]
pub(super) struct Wanted<'a> {
    /// In whose account.
    pub connection_id: &'a str,
    /// The IAM action.
    pub action: &'a str,
    /// Where.
    pub region: &'a str,
    /// The action's parameters, under AWS's own names.
    pub input: Value,
    /// Why, for the record.
    pub reason: Option<&'a str>,
}

/// Makes a plan; nothing is carried out.
pub(super) async fn create(client: &Client, wanted: &Wanted<'_>) -> Result<Value> {
    let mut body = json!({"action": wanted.action, "region": wanted.region, "input": wanted.input});
    if let Some(reason) = wanted.reason {
        body["reason"] = json!(reason);
    }
    client.post(&["v1", "connections", wanted.connection_id, "plans"], Some(&body)).await
}

/// Plans, shows what will be gone, asks, and carries it out to its end.
pub(super) async fn plan_and_apply(
    client: &Client,
    screen: &Screen,
    wanted: &Wanted<'_>,
    confirmation: &Confirmation,
) -> Result<Exit> {
    // Where nobody can be asked, nothing is planned either.
    confirmation.is_possible(screen)?;
    let plan = create(client, wanted).await?;
    apply(client, screen, &plan, confirmation).await
}

/// Shows what a plan destroys, asks, and carries it out to its end.
pub(super) async fn apply(
    client: &Client,
    screen: &Screen,
    plan: &Value,
    confirmation: &Confirmation,
) -> Result<Exit> {
    let begun = begin(client, screen, plan, confirmation).await?;
    let ended = to_its_end(client, begun).await?;
    screen.show(&ended, show_operation::view)?;
    Ok(show_operation::exit(&ended))
}

/// Shows what a plan does, asks, and begins to carry it out.
pub(super) async fn begin(
    client: &Client,
    screen: &Screen,
    plan: &Value,
    confirmation: &Confirmation,
) -> Result<Value> {
    confirmation.is_possible(screen)?;
    let state = field(plan, "state");
    if state != "pending" {
        return Err(Failure::new(Exit::Refused, format!("the plan is {state}: nothing was changed"))
            .next("plan anew with `drawbridge plans create`"));
    }
    let makes = [RESTORES, LAUNCHES].contains(&field(plan, "action").as_str());
    let what = if makes { "This will be made" } else { "This will be gone, for good" };
    let shown = format!("{what}:\n{}\n", view(plan));
    if confirmation.yes {
        screen.note(&shown);
    } else {
        screen.tell(&shown);
    }
    confirmation.require(screen, "Carry out this plan?")?;
    client.post(&["v1", "plans", &field(plan, "plan_id"), "apply"], None).await
}

/// A plan for people: the targets, what goes with them, what stays, and what should be known.
pub(super) fn view(plan: &Value) -> String {
    let text = |name| Cell::new(field(plan, name));
    let mut parts = vec![card(vec![
        ("plan", text("plan_id")),
        ("connection", text("connection_id")),
        ("action", text("action")),
        ("region", text("region")),
        ("state", text("state")),
        ("by", text("actor")),
        ("reason", text("reason")),
        ("until", Cell::new(time(plan, "expires_at"))),
        ("operation", text("operation_id")),
    ])];
    let rows = items(plan, "targets").iter().map(|target| {
        let facts = target.get("facts").map_or_else(String::new, |_| field(target, "facts"));
        vec![Cell::new(field(target, "id")), Cell::new(field(target, "kind")), Cell::new(facts)]
    });
    parts.push(listing(&["target", "kind", "facts"], 3, rows.collect()));
    parts.extend(plan.get("blast_radius").map(report).filter(|report| !report.is_empty()));
    let warnings = items(plan, "warnings")
        .iter()
        .map(|warning| vec![Cell::new(field(warning, "code")), Cell::new(field(warning, "detail"))]);
    let warnings: Vec<_> = warnings.collect();
    if !warnings.is_empty() {
        parts.push(listing(&["warning", "detail"], 2, warnings));
    }
    parts.join("\n\n")
}

/// A report in whatever shape it comes, such as what goes and what stays: numbers in one table, and each list
/// in its own.
pub(super) fn report(of: &Value) -> String {
    let Some(fields) = of.as_object() else { return String::new() };
    let is_table = |value: &Value| value.as_array().is_some_and(|list| list.iter().any(Value::is_object));
    let plain = fields.iter().filter(|(_, value)| !is_table(value));
    let plain: Vec<_> = plain
        .filter(|(name, _)| field(of, name) != NOTHING)
        .map(|(name, _)| (name.as_str(), Cell::new(field(of, name))))
        .collect();
    let mut parts = if plain.is_empty() { Vec::new() } else { vec![card(plain)] };
    for (name, value) in fields.iter().filter(|(_, value)| is_table(value)) {
        let list = value.as_array().map_or(&[][..], Vec::as_slice);
        let mut columns: Vec<&str> = Vec::new();
        for column in list.iter().filter_map(Value::as_object).flat_map(|one| one.keys()) {
            if !columns.contains(&column.as_str()) {
                columns.push(column);
            }
        }
        let rows =
            list.iter().map(|one| columns.iter().map(|column| Cell::new(field(one, column))).collect());
        parts.push(format!("{name}:\n{}", listing(&columns, columns.len(), rows.collect())));
    }
    parts.join("\n\n")
}

#[cfg(test)]
mod tests;
