//! `drawbridge connections list`.

use clap::Args;
use comfy_table::Cell;
use serde_json::Value;

use crate::arguments::Extent;
use crate::client::Client;
use crate::connection_view::without_external_id;
use crate::exit::Exit;
use crate::failure::Result;
use crate::list;
use crate::screen::Screen;
use crate::table::{listing, state};
use crate::text::{field, items, time};

/// Lists connections.
#[derive(Debug, Args)]
#[command(after_help = "\
A narrow terminal shows fewer columns; a pipe and --output json have all.

States:
  pending_role  verifying  active  degraded  failed  suspended  offboarding  offboarded

Examples:
  drawbridge connections list --state failed
  drawbridge connections list --customer cus_… --all --output json | jq '.items | length'")]
pub struct ListConnections {
    /// Only those in this state
    #[arg(long)]
    state: Option<String>,
    /// Only those of this customer
    #[arg(long = "customer", value_name = "ID", value_parser = super::id)]
    customer_id: Option<String>,
    #[command(flatten)]
    extent: Extent,
}

impl ListConnections {
    pub(super) async fn run(self, client: &Client, screen: &Screen) -> Result<Exit> {
        let mut filter = Vec::new();
        filter.extend(self.state.map(|state| ("state", state)));
        filter.extend(self.customer_id.map(|id| ("customer_id", id)));
        let mut page = list::fetch(client, &["v1", "connections"], &filter, &self.extent).await?;
        if let Some(items) = page.get_mut("items").and_then(Value::as_array_mut) {
            for item in items {
                *item = without_external_id(item.take());
            }
        }
        screen.show(&page, |page| view(page, screen.is_coloured()))?;
        list::note_more(&page, screen);
        Ok(Exit::Done)
    }
}

fn view(page: &Value, coloured: bool) -> String {
    let rows = items(page, "items").iter().map(|connection| {
        vec![
            Cell::new(field(connection, "connection_id")),
            state(connection, coloured),
            Cell::new(field(connection, "account_id")),
            Cell::new(field(connection, "label")),
            Cell::new(field(connection, "customer_id")),
            Cell::new(field(connection, "capabilities")),
            Cell::new(field(connection, "regions")),
            Cell::new(time(connection, "updated_at")),
        ]
    });
    let headings =
        ["connection", "state", "account", "label", "customer", "capabilities", "regions", "updated"];
    listing(&headings, 3, rows.collect())
}
