//! `drawbridge schedules preview`.

use clap::{ArgGroup, Args};
use comfy_table::Cell;
use serde_json::{Map, Value};

use crate::client::Client;
use crate::commands::act::put;
use crate::commands::id;
use crate::exit::Exit;
use crate::failure::Result;
use crate::screen::Screen;
use crate::table::listing;
use crate::text::{field, items, time};

/// Tells when a schedule is due next, or when one with this expression would be.
#[derive(Debug, Args)]
#[command(group(ArgGroup::new("what").args(["schedule_id", "expression"]).required(true)))]
#[command(after_help = "\
What is shown is what EventBridge does: a time that clocks skip when they are set forward is left out,
and one that they show twice when they are set back comes once.

Examples:
  drawbridge schedules preview sch_… --count 30
  drawbridge schedules preview --expression 'cron(30 2 L * ? *)' --timezone Europe/Berlin")]
pub struct PreviewSchedule {
    /// The schedule's id
    #[arg(value_name = "ID", value_parser = id)]
    schedule_id: Option<String>,
    /// An expression to try, without a schedule
    #[arg(long, value_name = "EXPRESSION")]
    expression: Option<String>,
    /// Whose clocks are meant; UTC unless given
    #[arg(long, value_name = "ZONE", conflicts_with = "schedule_id")]
    timezone: Option<String>,
    /// How many times; 10 unless given
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u8).range(1..=100))]
    count: Option<u8>,
}

impl PreviewSchedule {
    pub(super) async fn run(self, client: &Client, screen: &Screen) -> Result<Exit> {
        let preview = if let Some(id) = &self.schedule_id {
            let count: Vec<_> = self.count.map(|count| ("count", count.to_string())).into_iter().collect();
            client.get(&["v1", "schedules", id, "preview"], &count).await?
        } else {
            let mut body = Map::new();
            put(&mut body, "expression", self.expression);
            put(&mut body, "timezone", self.timezone);
            put(&mut body, "count", self.count);
            client.post(&["v1", "schedules", "preview"], Some(&body.into())).await?
        };
        screen.show(&preview, view)?;
        if items(&preview, "items").is_empty() {
            screen.note("it is not due any more");
        }
        Ok(Exit::Done)
    }
}

fn view(preview: &Value) -> String {
    let rows = items(preview, "items").iter();
    let rows = rows.map(|item| vec![Cell::new(field(item, "local")), Cell::new(time(item, "utc"))]);
    listing(&["local", "utc"], 2, rows.collect())
}
