//! `drawbridge plans apply`.

use clap::Args;

use super::confirmation::Confirmation;
use super::plan::apply;
use crate::client::Client;
use crate::exit::Exit;
use crate::failure::Result;
use crate::screen::Screen;

/// Carries out a plan, once, and waits for its end. What will be gone is shown first and has to be
/// confirmed; Drawbridge looks again whether the targets are still what the plan saw.
#[derive(Debug, Args)]
#[command(after_help = "\
Exit codes:
  0  it was carried out
  1  it was not confirmed, or the plan is applied, expired or stale, or the API refused or failed
  2  there is no terminal to ask at, and no --yes
  4  AWS refused it, wholly or in part

Examples:
  drawbridge plans apply pln_…
  drawbridge plans apply pln_… --yes --output json | jq .targets")]
pub struct ApplyPlan {
    /// The plan's id
    #[arg(value_name = "ID", value_parser = super::id)]
    plan_id: String,
    #[command(flatten)]
    confirmation: Confirmation,
}

impl ApplyPlan {
    pub(super) async fn run(self, client: &Client, screen: &Screen) -> Result<Exit> {
        self.confirmation.is_possible(screen)?;
        let plan = client.get(&["v1", "plans", &self.plan_id], &[]).await?;
        apply(client, screen, &plan, &self.confirmation).await
    }
}
