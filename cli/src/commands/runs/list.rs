//! `drawbridge runs list`.

use clap::Args;
use comfy_table::Cell;
use serde_json::Value;

use super::show::{counts, state};
use crate::arguments::Extent;
use crate::client::Client;
use crate::commands::id;
use crate::exit::Exit;
use crate::failure::Result;
use crate::list;
use crate::screen::Screen;
use crate::table::listing;
use crate::text::{field, items, time};

/// Lists runs, the oldest first.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  drawbridge runs list --connection con_…
  drawbridge runs list --all --output json | jq '.items[] | select(.state == \"failed\")'")]
pub struct ListRuns {
    /// Only those that this connection is part of
    #[arg(long = "connection", value_name = "ID", value_parser = id)]
    connection_id: Option<String>,
    #[command(flatten)]
    extent: Extent,
}

impl ListRuns {
    pub(super) async fn run(self, client: &Client, screen: &Screen) -> Result<Exit> {
        let filter: Vec<_> = self.connection_id.map(|id| ("connection_id", id)).into_iter().collect();
        let page = list::fetch(client, &["v1", "runs"], &filter, &self.extent).await?;
        screen.show(&page, view)?;
        list::note_more(&page, screen);
        Ok(Exit::Done)
    }
}

fn view(page: &Value) -> String {
    let rows = items(page, "items").iter().map(|run| {
        vec![
            Cell::new(field(run, "run_id")),
            Cell::new(field(run, "kind")),
            Cell::new(state(run)),
            Cell::new(counts(run)),
            Cell::new(time(run, "started_at")),
            Cell::new(time(run, "finished_at")),
            Cell::new(field(run, "schedule_id")),
            Cell::new(field(run, "actor")),
        ]
    });
    let headings = ["run", "kind", "state", "jobs", "started", "finished", "schedule", "by"];
    listing(&headings, 4, rows.collect())
}
