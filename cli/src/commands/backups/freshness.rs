//! `drawbridge backups freshness`.

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

/// Shows how old the newest good backup is of everything that a connection's schedules select.
#[derive(Debug, Args)]
#[command(after_help = "\
Stale is what has no backup as new as a schedule promises: because its runs fail, or because it never fired.
Without a connection, what is stale anywhere is listed.

Examples:
  drawbridge backups freshness
  drawbridge backups freshness con_… --all
  drawbridge backups freshness con_… --all --output json | jq '.items[] | select(.stale) | .resource'")]
pub struct ShowFreshness {
    /// The connection's id
    #[arg(value_name = "CONNECTION", value_parser = id)]
    connection_id: Option<String>,
    #[command(flatten)]
    extent: Extent,
}

impl ShowFreshness {
    pub(super) async fn run(self, client: &Client, screen: &Screen) -> Result<Exit> {
        let page = match &self.connection_id {
            Some(id) => {
                list::fetch(client, &["v1", "connections", id, "freshness"], &[], &self.extent).await?
            }
            None => list::fetch(client, &["v1", "freshness"], &[], &self.extent).await?,
        };
        screen.show(&page, |page| view(page, self.connection_id.is_none()))?;
        list::note_more(&page, screen);
        Ok(Exit::Done)
    }
}

fn view(page: &Value, of_all: bool) -> String {
    if of_all && items(page, "items").is_empty() {
        return "nothing is stale".to_owned();
    }
    let rows = items(page, "items").iter().map(|fresh| {
        let stale = fresh.get("stale") == Some(&Value::Bool(true));
        let of = of_all.then(|| Cell::new(field(fresh, "connection_id")));
        let cells = [
            Cell::new(field(fresh, "resource")),
            Cell::new(field(fresh, "region")),
            Cell::new(if stale { "stale" } else { "fresh" }),
            Cell::new(time(fresh, "newest_good_backup_at")),
            Cell::new(time(fresh, "promised_by")),
            Cell::new(field(fresh, "schedule_id")),
        ];
        of.into_iter().chain(cells).collect()
    });
    let headings = ["resource", "region", "is", "newest backup", "next promised by", "schedule"];
    if of_all {
        return listing(&[&["connection"][..], &headings].concat(), 4, rows.collect());
    }
    listing(&headings, 3, rows.collect())
}
