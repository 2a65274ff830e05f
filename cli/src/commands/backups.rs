//! `drawbridge backups`.

mod delete;
mod freshness;
mod list;
mod show;

use clap::Subcommand;

use crate::client::Client;
use crate::exit::Exit;
use crate::failure::Result;
use crate::screen::Screen;

/// What can be done with backups.
#[derive(Debug, Subcommand)]
#[command(after_help = "\
These are the backups that runs have made. `drawbridge dynamodb backups` asks the customer's account, and
shows others as well.

Examples:
  drawbridge backups list con_… --table orders
  drawbridge backups show bkp_…")]
pub enum BackupsCommand {
    /// List the backups that runs have made in a customer's account
    List(list::ListBackups),
    /// Show one backup, with what its table was like
    Show(show::ShowBackup),
    /// Show how old the newest backup is of everything that schedules select, and what is stale
    Freshness(freshness::ShowFreshness),
    /// Delete a backup; shows what will be gone, and asks
    Delete(delete::DeleteBackup),
}

impl BackupsCommand {
    /// Does it.
    pub async fn run(self, client: &Client, screen: &Screen) -> Result<Exit> {
        match self {
            Self::List(command) => command.run(client, screen).await,
            Self::Show(command) => command.run(client, screen).await,
            Self::Freshness(command) => command.run(client, screen).await,
            Self::Delete(command) => command.run(client, screen).await,
        }
    }
}

#[cfg(test)]
mod tests;
