//! `drawbridge grants`.

use clap::Subcommand;

use super::{reconcile_grants, show_grants};
use crate::client::Client;
use crate::exit::Exit;
use crate::failure::Result;
use crate::screen::Screen;

/// What can be done with grants.
#[derive(Debug, Subcommand)]
#[command(after_help = "\
Examples:
  drawbridge grants show
  drawbridge grants reconcile")]
pub enum GrantsCommand {
    /// Show the grants and how full they are
    Show(show_grants::ShowGrants),
    /// Hold the grants against what IAM has, and mend what is wrong
    Reconcile(reconcile_grants::ReconcileGrants),
}

impl GrantsCommand {
    /// Does it.
    pub async fn run(self, client: &Client, screen: &Screen) -> Result<Exit> {
        match self {
            Self::Show(command) => command.run(client, screen).await,
            Self::Reconcile(command) => command.run(client, screen).await,
        }
    }
}
