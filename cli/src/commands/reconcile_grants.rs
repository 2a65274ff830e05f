//! `drawbridge grants reconcile`.

use clap::Args;
use comfy_table::Cell;
use serde_json::{Value, json};

use super::confirmation::Confirmation;
use super::watch_connection::{INTERVAL, Patience};
use crate::client::Client;
use crate::exit::Exit;
use crate::failure::{Failure, Result};
use crate::progress::Progress;
use crate::screen::Screen;
use crate::table::listing;
use crate::text::{NOTHING, field, items};

/// Holds the grants against what IAM has, and mends what is wrong.
#[derive(Debug, Args)]
#[command(after_help = "\
Looks first, without changing anything, and shows what it has found and what it would do. Only then,
and once that is confirmed, it mends. What it mends is what is wrong by then. What somebody else has
attached to a broker is never touched: it is told, for you to look at.

Exit codes:
  0  nothing was wrong, or all of it is mended
  1  it was not confirmed, or the API refused or failed, or it took longer than --timeout
  2  something is to be mended, and there is neither a terminal to ask at nor a --yes
  4  something is wrong: with --dry-run, or because it could not be mended

Examples:
  drawbridge grants reconcile
  drawbridge grants reconcile --yes --output json
  drawbridge grants reconcile --dry-run || echo 'grants have drifted'")]
pub struct ReconcileGrants {
    /// Stop after showing what is wrong
    #[arg(long, conflicts_with = "yes")]
    dry_run: bool,
    #[command(flatten)]
    confirmation: Confirmation,
    #[command(flatten)]
    patience: Patience,
}

impl ReconcileGrants {
    pub(super) async fn run(self, client: &Client, screen: &Screen) -> Result<Exit> {
        let found = self.reconcile(client, true).await?;
        let number = number_of_findings(&found);
        if number == 0 {
            screen.show(&found, view)?;
            screen.note("\nnothing is wrong, so there is nothing to mend");
            return Ok(Exit::Done);
        }
        if self.dry_run {
            screen.show(&found, view)?;
            screen.note("\nnext: `drawbridge grants reconcile` mends this");
            return Ok(Exit::NotAccepted);
        }
        if self.confirmation.is_possible(screen).is_err() {
            screen.show(&found, view)?;
        } else {
            // The answer is that of the second run.
            screen.tell(&format!("{}\n", view(&found)));
        }
        self.confirmation.require(screen, &format!("Mend {}?", findings(number)))?;
        let mended = self.reconcile(client, false).await?;
        screen.show(&mended, view)?;
        let mut open = number_of_open(&mended);
        if open == 0 && omitted(&mended) > 0 {
            // What the list leaves out may be mended or not.
            open = number_of_findings(&self.reconcile(client, true).await?);
        }
        if open == 0 {
            return Ok(Exit::Done);
        }
        screen.note(&format!(
            "\n{} could not be mended\nnext: do by hand what is to be done so, and repeat it in a minute; if others stay, the \
             onboarder's logs tell why",
            findings(open)
        ));
        Ok(Exit::NotAccepted)
    }

    /// Begins a reconciliation and follows it to its end.
    async fn reconcile(&self, client: &Client, dry_run: bool) -> Result<Value> {
        let progress = Progress::start();
        progress.waiting_for(if dry_run { "looking at the grants" } else { "mending the grants" });
        let body = json!({"dry_run": dry_run});
        let mut run = client.post(&["v1", "grants", "reconcile"], Some(&body)).await?;
        let id = field(&run, "reconciliation_id");
        while field(&run, "state") == "running" {
            if progress.elapsed() >= self.patience.timeout() {
                let seconds = self.patience.timeout().as_secs();
                return Err(Failure::unexpected(format!(
                    "the reconciliation has not ended within {seconds} seconds"
                ))
                .because("it goes on; only watching has ended")
                .next("`drawbridge grants reconcile` begins another; --timeout lets it take longer"));
            }
            tokio::time::sleep(INTERVAL).await;
            run = client.get(&["v1", "grants", "reconciliations", &id], &[]).await?;
        }
        match field(&run, "state").as_str() {
            "finished" => Ok(run),
            state => Err(Failure::unexpected(format!("the reconciliation has ended in {state}"))
                .next("repeat it; if it ends so again, the onboarder's logs tell why")),
        }
    }
}

/// How much is wrong, what the list leaves out among it.
fn number_of_findings(run: &Value) -> u64 {
    items(run, "findings").len() as u64 + omitted(run)
}

/// How much of what is listed could not be mended.
fn number_of_open(run: &Value) -> u64 {
    items(run, "findings").iter().filter(|finding| !is_mended(finding)).count() as u64
}

fn omitted(run: &Value) -> u64 {
    run.get("findings_omitted").and_then(Value::as_u64).unwrap_or(0)
}

fn is_mended(finding: &Value) -> bool {
    finding.get("mended").and_then(Value::as_bool) == Some(true)
}

fn findings(number: u64) -> String {
    counted(&number.to_string(), "finding")
}

fn counted(number: &str, what: &str) -> String {
    format!("{number} {what}{}", if number == "1" { "" } else { "s" })
}

/// What was looked at, and what is wrong with it.
fn view(run: &Value) -> String {
    let is_dry = run.get("dry_run").and_then(Value::as_bool) == Some(true);
    let number = number_of_findings(run);
    let mut text = format!(
        "{} and {} were looked at: {}",
        counted(&field(run, "connections_checked"), "connection"),
        counted(&field(run, "grants_checked"), "grant"),
        if number == 0 { "nothing is wrong".to_owned() } else { findings(number) },
    );
    let rows: Vec<_> = items(run, "findings").iter().map(|finding| row(finding, is_dry)).collect();
    if !rows.is_empty() {
        let last = if is_dry { "would do" } else { "mended by" };
        let table = listing(&["finding", "subject", "what is wrong", last], 4, rows);
        text = format!("{text}\n\n{table}");
    }
    if omitted(run) > 0 {
        text = format!("{text}\n\n{} more are not listed", omitted(run));
    }
    text
}

fn row(finding: &Value, is_dry: bool) -> Vec<Cell> {
    let mend = field(finding, "mend");
    let done = match (is_dry || is_mended(finding), mend.as_str()) {
        (true, _) => mend,
        (false, NOTHING) => "not mended".to_owned(),
        (false, mend) => format!("not mended: {mend}"),
    };
    let text = |name| Cell::new(field(finding, name));
    vec![text("code"), text("subject"), text("detail"), Cell::new(done)]
}

#[cfg(test)]
mod tests;
