//! `drawbridge grant show`.

use clap::Args;
use comfy_table::Cell;
use domain::RoleArn;
use serde_json::json;

use super::assumer::Who;
use super::held::Policies;
use crate::arguments::Options;
use crate::caller::Caller;
use crate::commands::role::parsed;
use crate::exit::Exit;
use crate::failure::Result;
use crate::iam::Iam;
use crate::screen::Screen;
use crate::table::listing;

/// Shows which roles a user, group or role of your account may assume by the policies that are kept here.
#[derive(Debug, Args)]
#[command(after_help = "\
Policies of other makers may allow more; whether a role trusts it, its own account says.

Exit codes:
  0  shown; with --role-arn, it may assume that role
  4  with --role-arn: it may not, by these policies

Examples:
  drawbridge grant show --user alice
  drawbridge grant show --group support --role-arn arn:aws:iam::123456789012:role/Support")]
pub struct ShowGrant {
    #[command(flatten)]
    who: Who,
    /// Ask for this role alone
    #[arg(long, value_name = "ARN", value_parser = parsed::<RoleArn>)]
    role_arn: Option<RoleArn>,
}

impl ShowGrant {
    pub(super) async fn run(self, options: &Options, screen: &Screen) -> Result<Exit> {
        let assumer = self.who.assumer()?;
        let iam = Iam::of(&Caller::of_account(options).await?).await?;
        let read = Policies { iam: &iam, assumer: &assumer }.read().await?;
        let mut rows = Vec::new();
        for held in &read.policies {
            let name = assumer.policy_name(held.number);
            let roles =
                held.roles.iter().filter(|role| self.role_arn.as_ref().is_none_or(|asked| asked == *role));
            rows.extend(roles.map(|role| (role.to_string(), name.clone(), held.attached)));
        }
        let items: Vec<_> = rows
            .iter()
            .map(|(role, policy, attached)| json!({"role_arn": role, "policy_name": policy, "attached": attached}))
            .collect();
        let answer = json!({
            "principal": assumer.to_string(), "account_id": iam.account, "attached_policies": read.attached, "items": items,
        });
        screen.show(&answer, |_| {
            if rows.is_empty() {
                return format!("the {assumer} may by these policies assume no such role");
            }
            let cells = rows.iter().map(|(role, policy, attached)| {
                let attached = if *attached { "yes" } else { "no" };
                vec![Cell::new(role), Cell::new(policy), Cell::new(attached)]
            });
            listing(&["role", "policy", "attached"], 3, cells.collect())
        })?;
        let allows = rows.iter().any(|(_, _, attached)| *attached);
        Ok(if self.role_arn.is_some() && !allows { Exit::NotAccepted } else { Exit::Done })
    }
}
