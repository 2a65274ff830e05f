//! `drawbridge customers list`.

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

/// Lists customers.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  drawbridge customers list
  drawbridge customers list --all --output json | jq -r '.items[].customer_id'")]
pub struct ListCustomers {
    #[command(flatten)]
    extent: Extent,
}

impl ListCustomers {
    pub(super) async fn run(self, client: &Client, screen: &Screen) -> Result<Exit> {
        let page = list::fetch(client, &["v1", "customers"], &[], &self.extent).await?;
        screen.show(&page, view)?;
        list::note_more(&page, screen);
        Ok(Exit::Done)
    }
}

fn view(page: &Value) -> String {
    let rows = items(page, "items").iter().map(|customer| {
        vec![
            Cell::new(field(customer, "customer_id")),
            Cell::new(field(customer, "name")),
            Cell::new(field(customer, "email")),
            Cell::new(field(customer, "labels")),
            Cell::new(time(customer, "created_at")),
        ]
    });
    listing(&["customer", "name", "email", "labels", "created"], 2, rows.collect())
}
