//! `drawbridge role update-trust`.

use clap::Args;

use super::changes::{Plan, is_ours};
use super::source::RoleSource;
use crate::arguments::Options;
use crate::caller::Caller;
use crate::commands::confirmation::Confirmation;
use crate::exit::Exit;
use crate::failure::{Failure, Result};
use crate::iam::Iam;
use crate::screen::Screen;

/// Changes whom a role of your account trusts, and nothing else about it.
#[derive(Debug, Args)]
#[command(after_help = "\
What the role trusts is shown beside what it is to trust, and changed once that is confirmed.

Exit codes:
  0  the role trusts whom it should
  1  it was not confirmed, or AWS or the link refused, or there is no such role
  2  something is to change, and there is neither a terminal to ask at nor a --yes
  3  AWS cannot be reached, or there are no credentials

Examples:
  drawbridge role update-trust --invite https://…/onboard/…
  drawbridge role update-trust --provider-account 111111111111 --external-id-file id.txt --name acme
  drawbridge role update-trust --for-people --name Support --trust-account 111111111111 --mfa --yes")]
pub struct UpdateTrust {
    #[command(flatten)]
    source: RoleSource,
    /// Change a role though neither this command nor Drawbridge made it
    #[arg(long)]
    adopt: bool,
    #[command(flatten)]
    confirmation: Confirmation,
}

impl UpdateTrust {
    pub(super) async fn run(self, options: Options, screen: &Screen) -> Result<Exit> {
        let invite = self.source.invite()?;
        let iam = Iam::of(&Caller::of_account(&options).await?).await?;
        let design = self.source.design(&iam, &options, invite.as_ref(), true).await?;
        let Some(found) = iam.role(&design.name).await? else {
            return Err(Failure::unexpected(format!("there is no role {} in {}", design.name, iam.account))
                .next("`drawbridge role create` makes it"));
        };
        if !is_ours(&found) && !self.adopt {
            return Err(Failure::usage(format!("neither this command nor Drawbridge made {}", found.arn))
                .next("pass --adopt if it is to be changed: what changes is shown first"));
        }
        let plan = Plan::of_trust(&found, &design);
        if !plan.changes.is_empty() {
            plan.carry_out(&iam, &design, screen, &self.confirmation).await?;
        }
        let done = if plan.changes.is_empty() { "trusts whom it should" } else { "trusts as shown" };
        screen.show(&plan.to_json(&found.arn), |_| format!("{} {done}", found.arn))?;
        Ok(Exit::Done)
    }
}
