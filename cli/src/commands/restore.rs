//! `drawbridge restore`.

use clap::Args;
use serde_json::Map;

use super::act::put;
use super::confirmation::Confirmation;
use super::follow::{is_running, to_its_end_within};
use super::plan::begin;
use super::show_operation::{exit, view};
use super::watch_connection::Following;
use crate::client::Client;
use crate::exit::Exit;
use crate::failure::Result;
use crate::screen::Screen;
use crate::text::field;

/// Makes a new table of a backup, with what `DynamoDB` does not restore, and compares it.
#[derive(Debug, Args)]
#[command(after_help = "\
What will be made is looked up and shown first. Restoring takes minutes, or hours for large tables: with
--watch it is followed to its end, and the report says what was restored, what was set again (time to
live, tags, stream, point-in-time recovery) and what was compared. Without, it goes on by itself, and
`drawbridge operations show` has the report.

Exit codes:
  0  it is restored; without --watch also: it has begun
  1  it was not confirmed, or the API refused or failed, or with --watch it has not ended within --timeout
  2  there is no terminal to ask at, and no --yes
  4  it was not restored, or not all of it

Examples:
  drawbridge restore bkp_… orders-restored --watch --timeout 7200
  drawbridge restore bkp_… orders-restored --region eu-west-1 --count-items --reason 'ticket 1234' --yes")]
pub struct Restore {
    /// The backup's id
    #[arg(value_name = "BACKUP_ID", value_parser = super::id)]
    backup_id: String,
    /// The new table's name, which no table has yet
    #[arg(value_name = "TARGET_NAME")]
    target_name: String,
    /// Where, if not where the backup is
    #[arg(long = "region", id = "in_region", value_name = "REGION")]
    region: Option<String>,
    /// Count the items of the new table, which reads all of it
    #[arg(long)]
    count_items: bool,
    /// Why, for the record
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
    #[command(flatten)]
    confirmation: Confirmation,
    #[command(flatten)]
    following: Following,
}

impl Restore {
    /// Does it.
    pub async fn run(self, client: &Client, screen: &Screen) -> Result<Exit> {
        // Where nobody can be asked, nothing is planned either.
        self.confirmation.is_possible(screen)?;
        let mut body = Map::new();
        put(&mut body, "target_name", Some(self.target_name));
        put(&mut body, "region", self.region);
        put(&mut body, "count_items", self.count_items.then_some(true));
        put(&mut body, "reason", self.reason);
        let path = ["v1", "backups", &self.backup_id, "restore"];
        let plan = client.post(&path, Some(&body.into())).await?;
        let begun = begin(client, screen, &plan, &self.confirmation).await?;
        let done = if self.following.watch {
            to_its_end_within(client, begun, self.following.patience.timeout()).await?
        } else {
            begun
        };
        screen.show(&done, view)?;
        if is_running(&done) {
            let id = field(&done, "operation_id");
            screen.note(&format!("\nnext: `drawbridge operations show {id}` tells what became of it"));
        }
        Ok(exit(&done))
    }
}

#[cfg(test)]
mod tests;
