//! `drawbridge role`.

mod changes;
mod create;
mod delete;
mod design;
mod invited;
mod show;
mod source;
mod update_trust;

use clap::Subcommand;

use crate::arguments::Options;
use crate::exit::Exit;
use crate::failure::Result;
use crate::screen::Screen;

pub(crate) use source::parsed;

/// What can be done with the role in one's own account.
#[derive(Debug, Subcommand)]
#[command(after_help = "\
This is the side of the account that lets others in: IAM is asked with your own AWS credentials (the
environment, --profile, SSO), and what is to change is shown before it does.

Examples:
  drawbridge role create --invite https://…/onboard/…
  drawbridge role create --for-people --name Support --trust-account 111111111111 --mfa \\
    --managed-policy arn:aws:iam::aws:policy/ReadOnlyAccess
  drawbridge role update-trust --invite https://…/onboard/…
  drawbridge role show drawbridge-a1b2c3d4
  drawbridge role delete drawbridge-a1b2c3d4")]
pub enum RoleCommand {
    /// Make the role, or bring it up to date
    Create(create::CreateRole),
    /// Change whom a role trusts, and nothing else
    UpdateTrust(update_trust::UpdateTrust),
    /// Show a role with all that belongs to it
    Show(show::ShowRole),
    /// Delete the role, which ends the access
    Delete(delete::DeleteRole),
}

impl RoleCommand {
    /// Does it.
    pub async fn run(self, options: Options, screen: &Screen) -> Result<Exit> {
        match self {
            Self::Create(command) => command.run(options, screen).await,
            Self::UpdateTrust(command) => command.run(options, screen).await,
            Self::Show(command) => command.run(&options, screen).await,
            Self::Delete(command) => command.run(&options, screen).await,
        }
    }
}
