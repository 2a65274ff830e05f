//! `drawbridge plans`.

use clap::Subcommand;

use super::{apply_plan, create_plan, show_plan};
use crate::client::Client;
use crate::exit::Exit;
use crate::failure::Result;
use crate::screen::Screen;

/// What cannot be undone.
#[derive(Debug, Subcommand)]
#[command(after_help = "\
Examples:
  drawbridge plans create con_… ec2:TerminateInstances --region eu-central-1 \\
    --input '{\"InstanceIds\": [\"i-0123456789abcdef0\"]}'
  drawbridge plans apply pln_…")]
pub enum PlansCommand {
    /// Look up what an action would destroy; nothing is changed
    Create(create_plan::CreatePlan),
    /// Show a plan, and where it stands
    Show(show_plan::ShowPlan),
    /// Carry out a plan, once
    Apply(apply_plan::ApplyPlan),
}

impl PlansCommand {
    /// Does it.
    pub async fn run(self, client: &Client, screen: &Screen) -> Result<Exit> {
        match self {
            Self::Create(command) => command.run(client, screen).await,
            Self::Show(command) => command.run(client, screen).await,
            Self::Apply(command) => command.run(client, screen).await,
        }
    }
}
