//! `drawbridge operations list`.

use clap::Args;
use comfy_table::Cell;
use serde_json::Value;

use crate::arguments::Extent;
use crate::client::Client;
use crate::exit::Exit;
use crate::failure::Result;
use crate::list;
use crate::screen::Screen;
use crate::table::listing;
use crate::text::{field, items, time};

/// Lists what was carried out in a customer's account, the oldest first.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  drawbridge operations list con_…
  drawbridge operations list con_… --all --output json | jq '.items[] | select(.state == \"failed\")'")]
pub struct ListOperations {
    /// The connection's id
    #[arg(value_name = "ID", value_parser = super::id)]
    connection_id: String,
    #[command(flatten)]
    extent: Extent,
}

impl ListOperations {
    pub(super) async fn run(self, client: &Client, screen: &Screen) -> Result<Exit> {
        let path = ["v1", "connections", &self.connection_id, "operations"];
        let page = list::fetch(client, &path, &[], &self.extent).await?;
        screen.show(&page, view)?;
        list::note_more(&page, screen);
        Ok(Exit::Done)
    }
}

fn view(page: &Value) -> String {
    let rows = items(page, "items").iter().map(|operation| {
        vec![
            Cell::new(time(operation, "started_at")),
            Cell::new(field(operation, "operation_id")),
            Cell::new(field(operation, "action")),
            Cell::new(field(operation, "region")),
            Cell::new(field(operation, "state")),
            Cell::new(field(operation, "actor")),
        ]
    });
    listing(&["at", "id", "action", "region", "state", "by"], 5, rows.collect())
}
