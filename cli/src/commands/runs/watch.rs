//! `drawbridge runs watch`, and the `--watch` of `runs start`.

use std::collections::BTreeSet;
use std::time::Duration;

use clap::Args;
use serde_json::Value;

use super::show::{count, counts, state, view};
use crate::client::Client;
use crate::commands::id;
use crate::commands::show_operation::exit;
use crate::commands::watch_connection::{INTERVAL, Patience};
use crate::exit::Exit;
use crate::failure::{Failure, Result};
use crate::list::Pages;
use crate::progress::Progress;
use crate::screen::Screen;
use crate::text::{NOTHING, field};

/// How many jobs that failed are told while a run is watched: who wants them all lists them.
const MOST_TOLD: usize = 20;

/// How many pages of jobs are read through for those that failed since the last look.
const MOST_PAGES: usize = 10;

/// Follows a run to its end.
#[derive(Debug, Args)]
#[command(after_help = "\
How far it has come is shown live on a terminal, and as lines on standard error elsewhere, with each job
that fails; the run is printed at the end.

Exit codes:
  0  all was done that was to be done
  1  the API refused or failed, or it has not ended within --timeout
  4  something of it failed

Examples:
  drawbridge runs watch run_…
  drawbridge runs watch run_… --timeout 7200 || drawbridge runs jobs run_… --all --state failed")]
pub struct WatchRun {
    /// The run's id
    #[arg(value_name = "ID", value_parser = id)]
    run_id: String,
    #[command(flatten)]
    patience: Patience,
}

impl WatchRun {
    pub(super) async fn run(self, client: &Client, screen: &Screen) -> Result<Exit> {
        follow(client, screen, &self.run_id, &self.patience).await
    }
}

/// Follows a run to its end, and shows what it became.
pub(super) async fn follow(client: &Client, screen: &Screen, id: &str, patience: &Patience) -> Result<Exit> {
    let progress = Progress::start();
    let ended = until_over(client, id, patience.timeout(), &progress).await;
    drop(progress);
    let ended = ended?;
    screen.show(&ended, view)?;
    if exit(&ended) != Exit::Done {
        screen.note(&format!(
            "\nnext: `drawbridge runs jobs {id} --all --state failed` lists what failed, and why"
        ));
    } else if state(&ended).ends_with("(dry run)") {
        screen.note(&format!("\nnext: `drawbridge runs jobs {id} --all` tells what would be done"));
    }
    Ok(exit(&ended))
}

/// Looks until the run is over, and tells how far it has come.
pub(super) async fn until_over(
    client: &Client,
    id: &str,
    timeout: Duration,
    progress: &Progress,
) -> Result<Value> {
    let mut told = Told::default();
    loop {
        let run = client.get(&["v1", "runs", id], &[]).await?;
        told.tell(client, id, &run, progress).await?;
        if !matches!(field(&run, "state").as_str(), "planning" | "running") {
            return Ok(run);
        }
        if progress.elapsed() >= timeout {
            let seconds = timeout.as_secs();
            return Err(Failure::unexpected(format!("the run has not ended within {seconds} seconds"))
                .because("it goes on; only watching has ended")
                .next(format!("`drawbridge runs watch {id}` watches on")));
        }
        tokio::time::sleep(INTERVAL).await;
    }
}

/// What has been told of a run so far.
#[derive(Default)]
struct Told {
    state: Option<String>,
    counts: Option<String>,
    /// How many had failed or were left out when jobs were read last.
    open: u64,
    jobs: BTreeSet<String>,
}

impl Told {
    async fn tell(&mut self, client: &Client, id: &str, run: &Value, progress: &Progress) -> Result<()> {
        let state = state(run);
        if self.state.as_ref() != Some(&state) {
            progress.tell(&state);
            self.state = Some(state);
        }
        let counts = counts(run);
        if count(run, "total") > 0 && self.counts.as_ref() != Some(&counts) {
            progress.count(&counts);
            self.counts = Some(counts);
        }
        let open = count(run, "failed") + count(run, "skipped");
        if open > self.open && self.jobs.len() < MOST_TOLD {
            self.tell_failures(client, id, progress).await?;
        }
        self.open = open;
        Ok(())
    }

    /// Tells the jobs that failed, each once, and those that stand for an account that nobody could look at.
    async fn tell_failures(&mut self, client: &Client, id: &str, progress: &Progress) -> Result<()> {
        let path = ["v1", "runs", id, "jobs"];
        let mut pages = Pages::of(client, &path);
        for _ in 0..MOST_PAGES {
            let Some(jobs) = pages.next().await? else { return Ok(()) };
            for job in jobs.iter().filter(|job| is_failure(job)) {
                if !self.jobs.insert(field(job, "job_id")) {
                    continue;
                }
                progress.tell(&failure(job));
                if self.jobs.len() == MOST_TOLD {
                    progress.tell("there may be more, which are not told here");
                    return Ok(());
                }
            }
        }
        Ok(())
    }
}

fn is_failure(job: &Value) -> bool {
    match field(job, "state").as_str() {
        "failed" => true,
        "skipped" => field(job, "resource") == "*",
        _ => false,
    }
}

fn failure(job: &Value) -> String {
    let [resource, region, connection, state, code, detail] =
        ["resource", "region", "connection_id", "state", "code", "detail"].map(|name| field(job, name));
    let why = if detail == NOTHING { String::new() } else { format!(": {detail}") };
    let what = if resource == "*" { "everything".to_owned() } else { resource };
    format!("{what} in {region} of {connection}: {state} ({code}){why}")
}
