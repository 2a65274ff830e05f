//! `drawbridge runs start`.

use clap::{ArgGroup, Args};
use serde_json::{Map, Value, json};

use super::show::view;
use super::watch::follow;
use crate::client::Client;
use crate::commands::act::put;
use crate::commands::id;
use crate::commands::terms::Terms;
use crate::commands::watch_connection::Following;
use crate::exit::Exit;
use crate::failure::Result;
use crate::screen::Screen;
use crate::text::field;

/// Does something once, in one customer's account or in many.
#[derive(Debug, Args)]
#[command(group(ArgGroup::new("whose").args(["all", "connections"]).required(true)))]
#[command(after_help = "\
Something has to say which tables or instances: --name '*' means all of them. What is given of --name,
--tag and --table (or --instance) must all hold.

A rule that says what is kept is about the backups that runs without a schedule have made; without one,
all are kept. --dry-run changes nothing: `drawbridge runs jobs` then tells which tables would be backed up,
which backups would go, and which instances would be stopped or started.

Exit codes:
  0  it has begun; with --watch: all was done that was to be done
  1  the API refused or failed, or with --watch it has not ended within --timeout
  4  with --watch: something of it failed

Examples:
  drawbridge runs start --connection con_… --kind dynamodb-backup --name '*' --watch
  drawbridge runs start --all --kind dynamodb-backup --tag tier=gold --region eu-central-1
  drawbridge runs start --connection con_… --kind ec2-stop --tag hours=office --dry-run --watch
  drawbridge runs start --connection con_… --kind dynamodb-backup --name 'orders*' --keep-last 3 --dry-run --watch")]
pub struct StartRun {
    /// In every connection that is active or degraded
    #[arg(long)]
    all: bool,
    /// In this connection; may be given several times
    #[arg(long = "connection", id = "connections", value_name = "ID", value_parser = id)]
    connections: Vec<String>,
    /// What is done: dynamodb-backup, ec2-backup, ec2-start, ec2-stop or restore-drill
    #[arg(long)]
    kind: String,
    #[command(flatten)]
    terms: Terms,
    /// Only tell what would be done
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    following: Following,
}

impl StartRun {
    pub(super) async fn run(self, client: &Client, screen: &Screen) -> Result<Exit> {
        let begun = client.post(&["v1", "runs"], Some(&self.body())).await?;
        let id = field(&begun, "run_id");
        if self.following.watch {
            return follow(client, screen, &id, &self.following.patience).await;
        }
        screen.show(&begun, view)?;
        screen.note(&format!("\nnext: `drawbridge runs watch {id}` follows it to its end"));
        Ok(Exit::Done)
    }

    fn body(&self) -> Value {
        let mut body = Map::new();
        let whose = if self.all { json!("all") } else { json!(self.connections) };
        put(&mut body, "connection_ids", Some(whose));
        put(&mut body, "kind", Some(self.kind.as_str()));
        self.terms.put(&mut body);
        put(&mut body, "dry_run", self.dry_run.then_some(true));
        body.into()
    }
}
