//! `drawbridge dynamodb`.

mod deletions;
mod items;
mod tables;

use clap::Subcommand;

use crate::client::Client;
use crate::exit::Exit;
use crate::failure::Result;
use crate::screen::Screen;

/// What can be done with a customer's tables.
#[derive(Debug, Subcommand)]
#[command(after_help = "\
Items are DynamoDB JSON. Deleting cannot be undone: what will be gone is shown first.

Examples:
  drawbridge dynamodb tables con_… --region eu-central-1
  drawbridge dynamodb get con_… orders --region eu-central-1 --key '{\"pk\": {\"S\": \"1\"}}'")]
pub enum DynamodbCommand {
    /// List tables
    Tables(tables::ListTables),
    /// Describe a table
    Describe(tables::DescribeTable),
    /// List backups
    Backups(tables::ListBackups),
    /// Make a backup of a table
    Backup(tables::MakeBackup),
    /// Make a new table of a backup
    Restore(tables::Restore),
    /// Read an item
    Get(items::Get),
    /// Find items by their key
    Query(items::Query),
    /// Read through a table
    Scan(items::Scan),
    /// Write an item
    Put(items::Put),
    /// Delete a table; shows what will be gone, and asks
    DeleteTable(deletions::DeleteTable),
    /// Delete a backup; shows what will be gone, and asks
    DeleteBackup(deletions::DeleteBackup),
    /// Delete an item; shows what is known of its table, and asks
    DeleteItem(deletions::DeleteItem),
}

impl DynamodbCommand {
    /// Does it.
    pub async fn run(self, client: &Client, screen: &Screen) -> Result<Exit> {
        match self {
            Self::Tables(command) => command.run(client, screen).await,
            Self::Describe(command) => command.run(client, screen).await,
            Self::Backups(command) => command.run(client, screen).await,
            Self::Backup(command) => command.run(client, screen).await,
            Self::Restore(command) => command.run(client, screen).await,
            Self::Get(command) => command.run(client, screen).await,
            Self::Query(command) => command.run(client, screen).await,
            Self::Scan(command) => command.run(client, screen).await,
            Self::Put(command) => command.run(client, screen).await,
            Self::DeleteTable(command) => command.run(client, screen).await,
            Self::DeleteBackup(command) => command.run(client, screen).await,
            Self::DeleteItem(command) => command.run(client, screen).await,
        }
    }
}
