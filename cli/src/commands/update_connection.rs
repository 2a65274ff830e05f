//! `drawbridge connections update`.

use clap::{ArgGroup, Args};
use serde_json::{Map, Value, json};

use super::change::{change, changes};
use super::watch_connection::{Errand, Following, follow, is_running};
use crate::client::Client;
use crate::connection_view::{ExternalId, view, without_external_id};
use crate::exit::Exit;
use crate::failure::Result;
use crate::screen::Screen;

/// Changes what a connection is called, what its role is to allow, and where.
#[derive(Debug, Args)]
#[command(group(
    ArgGroup::new("change").args(["label", "no_label", "capabilities", "regions"]).required(true).multiple(true)
))]
#[command(after_help = "\
What is given replaces what was there as a whole: name every capability and every Region that is
wanted. What is not given stays. Changed capabilities or Regions are verified again; the customer's
role must allow new ones first.
`drawbridge connections create --help` lists the capabilities.

Exit code with --watch: 0 when it ends in active or degraded, 4 in failed or suspended.

Examples:
  drawbridge connections update con_… --label production
  drawbridge connections update con_… --capability ec2-power --capability ec2-backup --watch
  drawbridge connections update con_… --region eu-central-1 --region eu-west-1")]
pub struct UpdateConnection {
    /// The connection's id
    #[arg(value_name = "ID", value_parser = super::id)]
    connection_id: String,
    /// What people are to call the connection
    #[arg(long, conflicts_with = "no_label")]
    label: Option<String>,
    /// Take the label away
    #[arg(long)]
    no_label: bool,
    /// What the role is to allow; may be given several times
    #[arg(long = "capability", value_name = "NAME")]
    capabilities: Vec<String>,
    /// A Region to work in; may be given several times
    #[arg(long = "region", id = "regions", value_name = "REGION")]
    regions: Vec<String>,
    #[command(flatten)]
    following: Following,
}

/// What can be changed.
const FIELDS: [&str; 3] = ["label", "capabilities", "regions"];

impl UpdateConnection {
    pub(super) async fn run(self, client: &Client, screen: &Screen) -> Result<Exit> {
        let id = &self.connection_id;
        let path = ["v1", "connections", id];
        let before = client.get(&path, &[]).await?;
        let Some(after) = change(client, screen, &path, &before, &self.body()).await? else {
            screen.note("nothing to change: the connection is like that already\n");
            shown(&without_external_id(before), None, screen)?;
            return Ok(Exit::Done);
        };
        let changes = changes(&FIELDS, &before, &after);
        let is_running = is_running(&after);
        if self.following.watch && is_running {
            screen.note(&format!("{changes}\n"));
            let errand = Some(Errand::Verification);
            return follow(client, screen, id, errand, Some(&after), &self.following.patience).await;
        }
        shown(&without_external_id(after), Some(changes), screen)?;
        if let Some(next) = self.next(is_running) {
            screen.note(&format!("\nnext: {next}"));
        }
        Ok(Exit::Done)
    }

    fn next(&self, is_running: bool) -> Option<String> {
        let id = &self.connection_id;
        let setup =
            format!("`drawbridge connections setup {id}` prints the documents that the role must follow now");
        let watch = format!("`drawbridge connections watch {id}` follows the verification");
        let steps = [(!self.capabilities.is_empty()).then_some(setup), is_running.then_some(watch)];
        let steps: Vec<_> = steps.into_iter().flatten().collect();
        (!steps.is_empty()).then(|| steps.join("\n      "))
    }

    fn body(&self) -> Map<String, Value> {
        let mut body = Map::new();
        if self.no_label {
            body.insert("label".to_owned(), Value::Null);
        }
        body.extend(self.label.as_ref().map(|label| ("label".to_owned(), json!(label))));
        for (name, given) in [("capabilities", &self.capabilities), ("regions", &self.regions)] {
            if !given.is_empty() {
                body.insert(name.to_owned(), json!(given));
            }
        }
        body
    }
}

/// The connection, after what has changed about it.
fn shown(connection: &Value, changes: Option<String>, screen: &Screen) -> Result<()> {
    screen.show(connection, |it| {
        let whole = view(it, ExternalId::Hidden, screen.is_coloured());
        changes.into_iter().chain([whole]).collect::<Vec<_>>().join("\n\n")
    })
}

#[cfg(test)]
mod tests;
