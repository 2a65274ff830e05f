//! `drawbridge schedules`.

mod create;
mod delete;
mod list;
mod preview;
mod show;
mod update;

use clap::Subcommand;

use crate::client::Client;
use crate::exit::Exit;
use crate::failure::Result;
use crate::screen::Screen;

/// What can be done with schedules.
#[derive(Debug, Subcommand)]
#[command(after_help = "\
Examples:
  drawbridge schedules create con_… --kind dynamodb-backup --expression 'cron(0 5 * * ? *)' \\
    --timezone Europe/Berlin --name '*' --keep-last 3 --keep-daily 14
  drawbridge schedules list con_…")]
pub enum SchedulesCommand {
    /// Make a schedule, such as one that backs up tables every night
    Create(create::CreateSchedule),
    /// List a connection's schedules, oldest first
    List(list::ListSchedules),
    /// Show one schedule
    Show(show::ShowSchedule),
    /// Change when a schedule runs, for which tables, and what it keeps
    Update(update::UpdateSchedule),
    /// Delete a schedule; the backups that it has made stay
    Delete(delete::DeleteSchedule),
    /// Tell when a schedule is due next, or would be
    Preview(preview::PreviewSchedule),
}

impl SchedulesCommand {
    /// Does it.
    pub async fn run(self, client: &Client, screen: &Screen) -> Result<Exit> {
        match self {
            Self::Create(command) => command.run(client, screen).await,
            Self::List(command) => command.run(client, screen).await,
            Self::Show(command) => command.run(client, screen).await,
            Self::Update(command) => command.run(client, screen).await,
            Self::Delete(command) => command.run(client, screen).await,
            Self::Preview(command) => command.run(client, screen).await,
        }
    }
}

#[cfg(test)]
mod tests;
