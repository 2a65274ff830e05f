//! `drawbridge plans create`.

use clap::Args;
use serde_json::json;

use super::confirmation::Confirmation;
use super::plan::{Wanted, create, plan_and_apply, view};
use super::run_operation::read;
use crate::client::Client;
use crate::exit::Exit;
use crate::failure::Result;
use crate::screen::Screen;
use crate::text::field;

/// Looks up what an action would destroy, and what goes with it. Nothing is changed until the plan is
/// applied, which it can be for a quarter of an hour unless the installation says otherwise.
#[derive(Debug, Args)]
#[command(after_help = "\
The actions are ec2:TerminateInstances, ec2:DeregisterImage, ec2:DeleteSnapshot, dynamodb:DeleteTable,
dynamodb:DeleteBackup, dynamodb:DeleteItem, and dynamodb:BatchWriteItem where it deletes. The input is
the action's own, under AWS's parameter names; @FILE reads it from a file, and @- from standard input.

Exit codes:
  0  the plan is made; with --apply: it was carried out
  1  it was not confirmed, or the API refused or failed
  4  with --apply: AWS refused it, wholly or in part

Examples:
  drawbridge plans create con_… dynamodb:DeleteTable --region eu-central-1 --input '{\"TableName\": \"old\"}'
  drawbridge plans create con_… ec2:TerminateInstances --region eu-central-1 \\
    --input '{\"InstanceIds\": [\"i-0123456789abcdef0\"]}' --reason 'ticket 1234' --apply")]
pub struct CreatePlan {
    /// The connection's id
    #[arg(value_name = "ID", value_parser = super::id)]
    connection_id: String,
    /// The IAM action, such as ec2:TerminateInstances
    #[arg(value_name = "ACTION")]
    action: String,
    /// Where: one of the connection's Regions
    #[arg(long = "region", id = "in_region", value_name = "REGION")]
    region: String,
    /// The action's parameters as JSON, @FILE or @-
    #[arg(long, value_name = "JSON")]
    input: Option<String>,
    /// Why, for the record
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
    /// Show what will be gone, ask, and carry it out
    #[arg(long)]
    apply: bool,
    #[command(flatten)]
    confirmation: Confirmation,
}

impl CreatePlan {
    pub(super) async fn run(self, client: &Client, screen: &Screen) -> Result<Exit> {
        let wanted = Wanted {
            connection_id: &self.connection_id,
            action: &self.action,
            region: &self.region,
            input: self.input.as_deref().map_or_else(|| Ok(json!({})), read)?,
            reason: self.reason.as_deref(),
        };
        if self.apply {
            return plan_and_apply(client, screen, &wanted, &self.confirmation).await;
        }
        let plan = create(client, &wanted).await?;
        screen.show(&plan, view)?;
        let id = field(&plan, "plan_id");
        screen.note(&format!("\nnothing was changed; next: `drawbridge plans apply {id}` carries it out"));
        Ok(Exit::Done)
    }
}
