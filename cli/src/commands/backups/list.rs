//! `drawbridge backups list`.

use clap::Args;
use comfy_table::Cell;
use serde_json::Value;

use crate::arguments::Extent;
use crate::client::Client;
use crate::commands::id;
use crate::exit::Exit;
use crate::failure::Result;
use crate::list;
use crate::screen::Screen;
use crate::table::listing;
use crate::text::{field, items, time};

/// Lists the backups that runs have made in a customer's account, by Region, table and time.
#[derive(Debug, Args)]
#[command(after_help = "\
Those that are gone stay listed, with the state deleted and why.

Examples:
  drawbridge backups list con_… --table orders --region eu-central-1
  drawbridge backups list con_… --all --output json | jq '[.items[].size_bytes] | add'")]
pub struct ListBackups {
    /// The connection's id
    #[arg(value_name = "CONNECTION", value_parser = id)]
    connection_id: String,
    /// Only those of this table
    #[arg(long, value_name = "TABLE")]
    table: Option<String>,
    /// Only those in this Region
    #[arg(long = "region", id = "in_region", value_name = "REGION")]
    region: Option<String>,
    /// Only those of this kind, such as dynamodb-backup
    #[arg(long)]
    kind: Option<String>,
    #[command(flatten)]
    extent: Extent,
}

impl ListBackups {
    pub(super) async fn run(self, client: &Client, screen: &Screen) -> Result<Exit> {
        let given = [("kind", self.kind), ("resource", self.table), ("region", self.region)];
        let filter: Vec<_> = given.into_iter().filter_map(|(name, value)| Some((name, value?))).collect();
        let path = ["v1", "connections", &self.connection_id, "backups"];
        let page = list::fetch(client, &path, &filter, &self.extent).await?;
        screen.show(&page, view)?;
        list::note_more(&page, screen);
        Ok(Exit::Done)
    }
}

fn view(page: &Value) -> String {
    let rows = items(page, "items").iter().map(|backup| {
        vec![
            Cell::new(field(backup, "backup_id")),
            Cell::new(field(backup, "resource")),
            Cell::new(field(backup, "region")),
            Cell::new(field(backup, "state")),
            Cell::new(time(backup, "created_at")),
            Cell::new(field(backup, "size_bytes")),
            Cell::new(field(backup, "schedule_id")),
            Cell::new(field(backup, "gone")),
        ]
    });
    let headings = ["backup", "of", "region", "state", "made", "bytes", "schedule", "gone by"];
    listing(&headings, 5, rows.collect())
}
