//! `drawbridge plans show`.

use clap::Args;

use super::plan::view;
use crate::client::Client;
use crate::exit::Exit;
use crate::failure::Result;
use crate::screen::Screen;

/// Shows a plan: what will be gone, and where the plan stands.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  drawbridge plans show pln_…
  drawbridge plans show pln_… --output json | jq .blast_radius")]
pub struct ShowPlan {
    /// The plan's id
    #[arg(value_name = "ID", value_parser = super::id)]
    plan_id: String,
}

impl ShowPlan {
    pub(super) async fn run(self, client: &Client, screen: &Screen) -> Result<Exit> {
        let plan = client.get(&["v1", "plans", &self.plan_id], &[]).await?;
        screen.show(&plan, view)?;
        Ok(Exit::Done)
    }
}
