//! `drawbridge runs`.

mod jobs;
mod list;
mod show;
mod start;
mod watch;

use clap::Subcommand;

use crate::client::Client;
use crate::exit::Exit;
use crate::failure::Result;
use crate::screen::Screen;

/// What can be done with runs.
#[derive(Debug, Subcommand)]
#[command(after_help = "\
Examples:
  drawbridge runs start --all --kind dynamodb-backup --name '*' --watch
  drawbridge runs list --connection con_…")]
pub enum RunsCommand {
    /// Do something once, in one customer's account or in many
    Start(Box<start::StartRun>),
    /// List runs, oldest first
    List(list::ListRuns),
    /// Show one run, and how many of its jobs became what
    Show(show::ShowRun),
    /// List what a run does or did, table by table
    Jobs(jobs::ListJobs),
    /// Follow a run to its end
    Watch(watch::WatchRun),
}

impl RunsCommand {
    /// Does it.
    pub async fn run(self, client: &Client, screen: &Screen) -> Result<Exit> {
        match self {
            Self::Start(command) => command.run(client, screen).await,
            Self::List(command) => command.run(client, screen).await,
            Self::Show(command) => command.run(client, screen).await,
            Self::Jobs(command) => command.run(client, screen).await,
            Self::Watch(command) => command.run(client, screen).await,
        }
    }
}

#[cfg(test)]
mod tests;
