//! `drawbridge operations show`.

use clap::Args;
use comfy_table::Cell;
use serde_json::Value;

use super::plan::report;
use crate::client::Client;
use crate::exit::Exit;
use crate::failure::Result;
use crate::screen::{Screen, pretty};
use crate::table::{card, listing};
use crate::text::{NOTHING, field, items, time};

/// Shows what became of an operation. What it brought is not kept.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  drawbridge operations show op_…
  drawbridge operations show op_… --output json | jq .targets")]
pub struct ShowOperation {
    /// The operation's id
    #[arg(value_name = "ID", value_parser = super::id)]
    operation_id: String,
}

impl ShowOperation {
    pub(super) async fn run(self, client: &Client, screen: &Screen) -> Result<Exit> {
        let operation = client.get(&["v1", "operations", &self.operation_id], &[]).await?;
        screen.show(&operation, view)?;
        Ok(exit(&operation))
    }
}

/// An operation or a run that failed, wholly or in part, is not as it should be.
pub(super) fn exit(of: &Value) -> Exit {
    match field(of, "state").as_str() {
        "failed" | "partial" => Exit::NotAccepted,
        _ => Exit::Done,
    }
}

/// An operation for people: what became of each target, and what AWS answered.
pub(super) fn view(operation: &Value) -> String {
    let text = |name| Cell::new(field(operation, name));
    let dry_run = operation.get("dry_run").and_then(Value::as_bool) == Some(true);
    let state =
        if dry_run { format!("{} (dry run)", field(operation, "state")) } else { field(operation, "state") };
    let mut parts = vec![card(vec![
        ("operation", text("operation_id")),
        ("action", text("action")),
        ("region", text("region")),
        ("state", Cell::new(state)),
        ("by", text("actor")),
        ("reason", text("reason")),
        ("at", Cell::new(time(operation, "started_at"))),
        ("session", text("session_name")),
    ])];
    let rows = items(operation, "targets").iter().map(|target| {
        let names = ["id", "outcome", "code", "detail"];
        names.map(|name| Cell::new(field(target, name))).to_vec()
    });
    parts.push(listing(&["target", "outcome", "code", "detail"], 3, rows.collect()));
    match operation.get("output") {
        // What was restored from a backup is a report; everything else is AWS's own answer.
        Some(output) if output.get("target_table").is_some() => parts.push(report(output)),
        Some(output) if !output.is_null() => parts.push(pretty(output)),
        _ => {}
    }
    if field(operation, "cloudtrail") != NOTHING {
        parts.push(format!("in the customer's CloudTrail: {}", field(operation, "cloudtrail")));
    }
    parts.join("\n\n")
}
