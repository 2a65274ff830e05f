//! `drawbridge backups show`.

use clap::Args;
use comfy_table::Cell;
use serde_json::{Value, json};

use crate::client::Client;
use crate::commands::id;
use crate::commands::plan::report;
use crate::exit::Exit;
use crate::failure::Result;
use crate::screen::Screen;
use crate::table::card;
use crate::text::{NOTHING, field, time};

/// Shows one backup, with what its table or instance was like when it was made.
#[derive(Debug, Args)]
#[command(after_help = "\
Example:
  drawbridge backups show bkp_…")]
pub struct ShowBackup {
    /// The backup's id
    #[arg(value_name = "ID", value_parser = id)]
    backup_id: String,
}

impl ShowBackup {
    pub(super) async fn run(self, client: &Client, screen: &Screen) -> Result<Exit> {
        let backup = client.get(&["v1", "backups", &self.backup_id], &[]).await?;
        screen.show(&backup, view)?;
        if field(&backup, "state") == "available" {
            let id = &self.backup_id;
            screen.note(&if backup.get("instance").is_some() {
                format!("\nnext: `drawbridge restore {id}` launches the instance again, or says how")
            } else {
                format!("\nnext: `drawbridge restore {id} NEW_TABLE` makes a new table of it")
            });
        }
        Ok(Exit::Done)
    }
}

/// What its latest drill has shown.
fn drilled(backup: &Value) -> String {
    let Some(drilled) = backup.get("drilled") else { return NOTHING.to_owned() };
    let outcome = if drilled.get("passed") == Some(&Value::Bool(true)) { "passed" } else { "failed" };
    let took = drilled.get("restored_within_seconds").and_then(Value::as_i64);
    let took = took.map(|seconds| format!(", restored in {seconds} s")).unwrap_or_default();
    format!("{outcome} {}{took} ({})", time(drilled, "at"), field(drilled, "run_id"))
}

fn view(backup: &Value) -> String {
    let text = |name| Cell::new(field(backup, name));
    let at = |name| Cell::new(time(backup, name));
    let rows = vec![
        ("backup", text("backup_id")),
        ("connection", text("connection_id")),
        ("of", text("resource")),
        ("region", text("region")),
        ("state", text("state")),
        ("bytes", text("size_bytes")),
        ("made", at("created_at")),
        ("by run", text("run_id")),
        ("of schedule", text("schedule_id")),
        ("keeps until", at("delete_after")),
        ("deleted", at("deleted_at")),
        ("gone by", text("gone")),
        ("drilled", Cell::new(drilled(backup))),
        ("name at AWS", text("name")),
        ("id at AWS", text("aws_id")),
    ];
    let told = rows.into_iter().filter(|(_, value)| value.content() != NOTHING);
    let manifest = backup.get("manifest").map(report).filter(|manifest| !manifest.is_empty());
    let manifest = manifest.map(|manifest| format!("The table then\n{manifest}"));
    let instance = backup.get("instance").map(report).filter(|instance| !instance.is_empty());
    let instance = instance.map(|instance| format!("The instance then\n{instance}"));
    let snapshots = backup.get("snapshots").map(|snapshots| report(&json!({"snapshots": snapshots})));
    [Some(card(told.collect())), manifest, snapshots, instance]
        .into_iter()
        .flatten()
        .collect::<Vec<_>>()
        .join("\n\n")
}
