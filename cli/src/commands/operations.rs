//! `drawbridge operations`.

use clap::Subcommand;

use super::{list_operations, run_operation, show_operation};
use crate::client::Client;
use crate::exit::Exit;
use crate::failure::Result;
use crate::screen::Screen;

/// What can be done in customers' accounts.
#[derive(Debug, Subcommand)]
#[command(after_help = "\
Examples:
  drawbridge operations run con_… ec2:DescribeInstances --region eu-central-1
  drawbridge operations list con_…")]
pub enum OperationsCommand {
    /// Carry out one IAM action in a customer's account
    Run(run_operation::RunOperation),
    /// List what was carried out in a customer's account
    List(list_operations::ListOperations),
    /// Show what became of an operation
    Show(show_operation::ShowOperation),
}

impl OperationsCommand {
    /// Does it.
    pub async fn run(self, client: &Client, screen: &Screen) -> Result<Exit> {
        match self {
            Self::Run(command) => command.run(client, screen).await,
            Self::List(command) => command.run(client, screen).await,
            Self::Show(command) => command.run(client, screen).await,
        }
    }
}
