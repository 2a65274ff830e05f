//! `drawbridge runs show`.

use clap::Args;
use comfy_table::Cell;
use serde_json::Value;

use crate::client::Client;
use crate::commands::id;
use crate::commands::show_operation::exit;
use crate::exit::Exit;
use crate::failure::Result;
use crate::screen::Screen;
use crate::table::card;
use crate::text::{field, time};

/// Shows one run.
#[derive(Debug, Args)]
#[command(after_help = "\
Exit codes:
  0  it goes on, or all was done that was to be done
  4  something of it failed

Example:
  drawbridge runs show run_…")]
pub struct ShowRun {
    /// The run's id
    #[arg(value_name = "ID", value_parser = id)]
    run_id: String,
}

impl ShowRun {
    pub(super) async fn run(self, client: &Client, screen: &Screen) -> Result<Exit> {
        let run = client.get(&["v1", "runs", &self.run_id], &[]).await?;
        screen.show(&run, view)?;
        Ok(exit(&run))
    }
}

/// A run as people read it.
pub(super) fn view(run: &Value) -> String {
    let text = |name| Cell::new(field(run, name));
    let at = |name| Cell::new(time(run, name));
    card(vec![
        ("run", text("run_id")),
        ("kind", text("kind")),
        ("state", Cell::new(state(run))),
        ("jobs", Cell::new(counts(run))),
        ("connections", text("connection_ids")),
        ("regions", text("regions")),
        ("select", text("select")),
        ("keeps", text("retention")),
        ("schedule", text("schedule_id")),
        ("by", text("actor")),
        ("meant for", at("scheduled_for")),
        ("started", at("started_at")),
        ("finished", at("finished_at")),
    ])
}

/// Where a run stands, and whether it is meant.
pub(super) fn state(run: &Value) -> String {
    let dry_run = run.get("dry_run").and_then(Value::as_bool) == Some(true);
    format!("{}{}", field(run, "state"), if dry_run { " (dry run)" } else { "" })
}

/// How many jobs of a run became what.
pub(super) fn count(run: &Value, name: &str) -> u64 {
    run.get("jobs").and_then(|jobs| jobs.get(name)?.as_u64()).unwrap_or(0)
}

/// The same in words.
pub(super) fn counts(run: &Value) -> String {
    let [total, succeeded, failed, skipped] =
        ["total", "succeeded", "failed", "skipped"].map(|name| count(run, name));
    format!(
        "{} of {total} ended: {succeeded} succeeded, {failed} failed, {skipped} skipped",
        succeeded + failed + skipped
    )
}
