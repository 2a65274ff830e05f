//! `drawbridge schedules list`.

use clap::Args;
use comfy_table::Cell;
use serde_json::Value;

use super::show::stands;
use crate::arguments::Extent;
use crate::client::Client;
use crate::commands::id;
use crate::exit::Exit;
use crate::failure::Result;
use crate::list;
use crate::screen::Screen;
use crate::table::listing;
use crate::text::{field, items, time};

/// Lists a connection's schedules, the oldest first.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  drawbridge schedules list con_…
  drawbridge schedules list con_… --all --output json | jq '.items[] | select(.published | not)'")]
pub struct ListSchedules {
    /// The connection's id
    #[arg(value_name = "CONNECTION", value_parser = id)]
    connection_id: String,
    #[command(flatten)]
    extent: Extent,
}

impl ListSchedules {
    pub(super) async fn run(self, client: &Client, screen: &Screen) -> Result<Exit> {
        let path = ["v1", "connections", &self.connection_id, "schedules"];
        let page = list::fetch(client, &path, &[], &self.extent).await?;
        screen.show(&page, view)?;
        list::note_more(&page, screen);
        Ok(Exit::Done)
    }
}

fn view(page: &Value) -> String {
    let rows = items(page, "items").iter().map(|schedule| {
        vec![
            Cell::new(field(schedule, "schedule_id")),
            Cell::new(field(schedule, "kind")),
            Cell::new(field(schedule, "expression")),
            Cell::new(field(schedule, "timezone")),
            Cell::new(stands(schedule)),
            Cell::new(time(schedule, "next_at")),
            Cell::new(field(schedule, "select")),
            Cell::new(field(schedule, "retention")),
        ]
    });
    let headings = ["schedule", "kind", "expression", "timezone", "state", "next", "select", "keeps"];
    listing(&headings, 3, rows.collect())
}
