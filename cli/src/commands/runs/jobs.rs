//! `drawbridge runs jobs`.

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
use crate::text::{NOTHING, field, items, time};

/// Lists what a run does or did, one table or instance after another.
#[derive(Debug, Args)]
#[command(after_help = "\
Of a dry run it is told too which backups would stay, and why, and which would go; of instances, whether
they would be stopped or started.

Examples:
  drawbridge runs jobs run_… --all --state failed
  drawbridge runs jobs run_… --all --output json | jq -r '.items[].backup_id'")]
pub struct ListJobs {
    /// The run's id
    #[arg(value_name = "ID", value_parser = id)]
    run_id: String,
    /// Only those in this state of what is fetched: queued, running, succeeded, failed or skipped
    #[arg(long, value_parser = ["queued", "running", "succeeded", "failed", "skipped"])]
    state: Option<String>,
    #[command(flatten)]
    extent: Extent,
}

impl ListJobs {
    pub(super) async fn run(self, client: &Client, screen: &Screen) -> Result<Exit> {
        let path = ["v1", "runs", &self.run_id, "jobs"];
        let mut page = list::fetch(client, &path, &[], &self.extent).await?;
        if let (Some(state), Some(jobs)) = (&self.state, page.get_mut("items").and_then(Value::as_array_mut))
        {
            jobs.retain(|job| field(job, "state") == *state);
        }
        screen.show(&page, view)?;
        list::note_more(&page, screen);
        Ok(Exit::Done)
    }
}

fn view(page: &Value) -> String {
    let jobs = items(page, "items");
    let rows = jobs.iter().map(|job| {
        let names = ["resource", "region", "state", "code", "connection_id", "backup_id", "detail"];
        names.map(|name| Cell::new(field(job, name))).to_vec()
    });
    let headings = ["resource", "region", "state", "code", "connection", "backup", "detail"];
    let mut parts = vec![listing(&headings, 4, rows.collect())];
    let verdicts: Vec<_> = jobs.iter().flat_map(verdicts).collect();
    if !verdicts.is_empty() {
        parts.push(listing(&["resource", "backup", "of", "would", "because of"], 4, verdicts));
    }
    parts.join("\n\n")
}

/// What retention would make of the backups of one table.
fn verdicts(job: &Value) -> Vec<Vec<Cell>> {
    let rows = items(job, "retention").iter().map(|verdict| {
        let keep = verdict.get("keep").and_then(Value::as_bool) == Some(true);
        let backup = field(verdict, "backup_id");
        vec![
            Cell::new(field(job, "resource")),
            Cell::new(if backup == NOTHING { "(the new one)".to_owned() } else { backup }),
            Cell::new(time(verdict, "created_at")),
            Cell::new(if keep { "stay" } else { "go" }),
            Cell::new(field(verdict, "reasons")),
        ]
    });
    rows.collect()
}
