//! `drawbridge schedules show`.

use clap::Args;
use comfy_table::Cell;
use serde_json::Value;

use crate::client::Client;
use crate::commands::id;
use crate::exit::Exit;
use crate::failure::Result;
use crate::screen::Screen;
use crate::table::card;
use crate::text::{NOTHING, field, time};

/// Shows one schedule.
#[derive(Debug, Args)]
#[command(after_help = "\
Example:
  drawbridge schedules show sch_…")]
pub struct ShowSchedule {
    /// The schedule's id
    #[arg(value_name = "ID", value_parser = id)]
    schedule_id: String,
}

impl ShowSchedule {
    pub(super) async fn run(self, client: &Client, screen: &Screen) -> Result<Exit> {
        let schedule = client.get(&["v1", "schedules", &self.schedule_id], &[]).await?;
        screen.show(&schedule, view)?;
        Ok(Exit::Done)
    }
}

/// A schedule as people read it.
pub(super) fn view(schedule: &Value) -> String {
    let text = |name| Cell::new(field(schedule, name));
    let or = |name, otherwise: &str| {
        let told = field(schedule, name);
        Cell::new(if told == NOTHING { otherwise.to_owned() } else { told })
    };
    let mut rows = vec![
        ("schedule", text("schedule_id")),
        ("connection", text("connection_id")),
        ("kind", text("kind")),
        ("expression", text("expression")),
        ("timezone", text("timezone")),
        ("window", or("flexible_window_minutes", "none")),
        ("regions", or("regions", "all of the connection's")),
        ("select", text("select")),
        ("keeps", or("retention", "every backup")),
        ("state", Cell::new(stands(schedule))),
        ("next", Cell::new(time(schedule, "next_at"))),
        ("updated", Cell::new(time(schedule, "updated_at"))),
        ("version", text("version")),
    ];
    if field(schedule, "ec2_backup") != NOTHING {
        rows.push(("backs up by", text("ec2_backup")));
    }
    if let Some(problem) = schedule.get("problem").filter(|problem| !problem.is_null()) {
        let told = format!("{}: {}", field(problem, "code"), field(problem, "detail"));
        rows.push(("problem", Cell::new(told)));
    }
    card(rows)
}

/// Whether it runs, and whether EventBridge has it as it is.
pub(super) fn stands(schedule: &Value) -> String {
    let is = |name: &str| schedule.get(name).and_then(Value::as_bool) == Some(true);
    let state = if is("enabled") { "enabled" } else { "disabled" };
    let has_problem = schedule.get("problem").is_some_and(|problem| !problem.is_null());
    match (is("published"), has_problem) {
        (true, _) => state.to_owned(),
        (false, true) => format!("{state} (not published: {})", field(&schedule["problem"], "code")),
        (false, false) => format!("{state} (being published)"),
    }
}
