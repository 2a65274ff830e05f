//! `drawbridge backups delete`.

use clap::Args;

use crate::client::Client;
use crate::commands::confirmation::Confirmation;
use crate::commands::id;
use crate::commands::plan::apply;
use crate::exit::Exit;
use crate::failure::Result;
use crate::screen::Screen;

/// Deletes a backup, once what will be gone is confirmed.
#[derive(Debug, Args)]
#[command(after_help = "\
It is looked up first, with the other backups of its table. It stays listed, as deleted.

Exit codes:
  0  it is deleted
  1  it was not confirmed, or the API refused or failed
  2  there is no terminal to ask at, and no --yes
  4  AWS refused it

Example:
  drawbridge backups delete bkp_…")]
pub struct DeleteBackup {
    /// The backup's id
    #[arg(value_name = "ID", value_parser = id)]
    backup_id: String,
    #[command(flatten)]
    confirmation: Confirmation,
}

impl DeleteBackup {
    pub(super) async fn run(self, client: &Client, screen: &Screen) -> Result<Exit> {
        // Where nobody can be asked, nothing is planned either.
        self.confirmation.is_possible(screen)?;
        let plan = client.delete(&["v1", "backups", &self.backup_id]).await?;
        apply(client, screen, &plan, &self.confirmation).await
    }
}
