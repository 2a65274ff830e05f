//! `drawbridge grant detach`.

use clap::Args;
use domain::RoleArn;
use domain::people::detach;

use super::assumer::Who;
use super::attach::Change;
use super::held::Policies;
use crate::arguments::Options;
use crate::caller::Caller;
use crate::commands::confirmation::Confirmation;
use crate::commands::role::parsed;
use crate::exit::Exit;
use crate::failure::Result;
use crate::iam::Iam;
use crate::screen::Screen;

/// Lets a user, group or role of your account no longer assume a role.
#[derive(Debug, Args)]
#[command(after_help = "\
The role's ARN is taken out of the policies that `drawbridge grant attach` keeps; one that names no role any
more is detached and deleted. Policies of other makers are not looked at. Sessions that were given out last
until they end.

Exit codes:
  0  it may not assume the role by these policies
  1  it was not confirmed, or AWS refused
  2  something is to change, and there is neither a terminal to ask at nor a --yes
  3  AWS cannot be reached, or there are no credentials

Examples:
  drawbridge grant detach --user alice --role-arn arn:aws:iam::123456789012:role/Support
  drawbridge grant detach --role builder --role-arn arn:aws:iam::123456789012:role/Deploy --yes")]
pub struct DetachGrant {
    #[command(flatten)]
    who: Who,
    /// The role that it is no longer to assume
    #[arg(long, value_name = "ARN", value_parser = parsed::<RoleArn>)]
    role_arn: RoleArn,
    #[command(flatten)]
    confirmation: Confirmation,
}

impl DetachGrant {
    pub(super) async fn run(self, options: &Options, screen: &Screen) -> Result<Exit> {
        let assumer = self.who.assumer()?;
        let iam = Iam::of(&Caller::of_account(options).await?).await?;
        let policies = Policies { iam: &iam, assumer: &assumer };
        let change = Change { policies: &policies, role: &self.role_arn, confirmation: &self.confirmation };
        let plan = |read: &super::held::Read| Ok(detach(&read.policies, &self.role_arn));
        change.carry_out(screen, plan, "may by these policies not assume", "Take this away?").await?;
        Ok(Exit::Done)
    }
}
