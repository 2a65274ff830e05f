//! `drawbridge schedules delete`.

use clap::Args;

use super::show::view;
use crate::client::{Client, Conditional};
use crate::commands::confirmation::Confirmation;
use crate::commands::{id, seen_version};
use crate::exit::Exit;
use crate::failure::Result;
use crate::screen::Screen;

/// Deletes a schedule, once that is confirmed.
#[derive(Debug, Args)]
#[command(after_help = "\
The backups that it has made stay, and nothing removes them by retention any more. Runs that have begun
go on.

Example:
  drawbridge schedules delete sch_…")]
pub struct DeleteSchedule {
    /// The schedule's id
    #[arg(value_name = "ID", value_parser = id)]
    schedule_id: String,
    #[command(flatten)]
    confirmation: Confirmation,
}

impl DeleteSchedule {
    pub(super) async fn run(self, client: &Client, screen: &Screen) -> Result<Exit> {
        self.confirmation.is_possible(screen)?;
        let path = ["v1", "schedules", &self.schedule_id];
        let before = client.get(&path, &[]).await?;
        let ending = format!(
            "This ends:\n{}\n\nThe backups that it has made stay, and nothing removes them by retention any more.\n",
            view(&before)
        );
        if self.confirmation.yes {
            screen.note(&ending);
        } else {
            screen.tell(&ending);
        }
        self.confirmation.require(screen, "Delete this schedule?")?;
        match client.delete_version(&path, seen_version(&before)?).await? {
            Conditional::Made(_) => {}
            // A schedule that was there a moment ago is gone by this very request.
            Conditional::Unknown(failure) if failure.code.as_deref() == Some("not_found") => {}
            Conditional::Unknown(failure) => return Err(failure),
        }
        screen.note(&format!("{} is deleted", self.schedule_id));
        Ok(Exit::Done)
    }
}
