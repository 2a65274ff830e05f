//! `drawbridge grant`.

mod assumer;
mod attach;
mod detach;
mod held;
mod lease;
mod show;

use clap::Subcommand;

use crate::arguments::Options;
use crate::exit::Exit;
use crate::failure::Result;
use crate::screen::Screen;

/// What can be done about roles that people of one's own account may assume.
#[derive(Debug, Subcommand)]
#[command(after_help = "\
This is the side of the account that people come from, the source account: a user, group or role of it is
allowed to assume a role of another account, which has to trust it as well (`drawbridge role create
--for-people`). What Drawbridge's brokers may assume is another matter: `drawbridge grants`.

The roles stand in managed policies of that user's, group's or role's own, under the path
/drawbridge/people/, each filled before the next is begun.

Examples:
  drawbridge grant attach --user alice --role-arn arn:aws:iam::123456789012:role/Support
  drawbridge grant show --user alice
  drawbridge grant detach --user alice --role-arn arn:aws:iam::123456789012:role/Support")]
pub enum GrantCommand {
    /// Let a user, group or role assume a role
    Attach(attach::AttachGrant),
    /// Let it no longer
    Detach(detach::DetachGrant),
    /// Show which roles it may assume by these policies
    Show(show::ShowGrant),
}

impl GrantCommand {
    /// Does it.
    pub async fn run(self, options: &Options, screen: &Screen) -> Result<Exit> {
        match self {
            Self::Attach(command) => command.run(options, screen).await,
            Self::Detach(command) => command.run(options, screen).await,
            Self::Show(command) => command.run(options, screen).await,
        }
    }
}
