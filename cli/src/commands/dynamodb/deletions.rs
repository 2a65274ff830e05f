//! `drawbridge dynamodb delete-table`, `delete-backup` and `delete-item`.

use clap::Args;
use serde_json::{Value, json};

use crate::client::Client;
use crate::commands::act::{Destruction, Place, json_of};
use crate::exit::Exit;
use crate::failure::Result;
use crate::screen::Screen;

/// Deletes a table with all its items, once what will be gone is confirmed.
#[derive(Debug, Args)]
#[command(after_help = "\
The table's items, indexes, replicas, stream and backups are looked up and shown first. DynamoDB has no
dry run: --dry-run looks whether the table is there, and says so.

Exit codes:
  0  DynamoDB deletes it
  1  it was not confirmed, or the API refused or failed
  2  there is no terminal to ask at, and no --yes
  4  AWS refused it

Example:
  drawbridge dynamodb delete-table con_… orders --region eu-central-1 --reason 'ticket 1234'")]
pub struct DeleteTable {
    #[command(flatten)]
    place: Place,
    /// The table's name
    #[arg(value_name = "TABLE")]
    table_name: String,
    #[command(flatten)]
    how: Destruction,
}

impl DeleteTable {
    pub(super) async fn run(self, client: &Client, screen: &Screen) -> Result<Exit> {
        let input = json!({ "TableName": self.table_name });
        self.place.destroy(client, screen, "dynamodb:DeleteTable", input, &self.how).await
    }
}

/// Deletes a backup of a table, once what will be gone is confirmed.
#[derive(Debug, Args)]
#[command(after_help = "\
Other backups of the table are looked up and shown first. DynamoDB has no dry run: --dry-run looks
whether the backup is there, and says so.

Exit codes:
  0  it is deleted
  1  it was not confirmed, or the API refused or failed
  2  there is no terminal to ask at, and no --yes
  4  AWS refused it

Example:
  drawbridge dynamodb delete-backup con_… arn:aws:dynamodb:… --region eu-central-1 --reason 'ticket 1234'")]
pub struct DeleteBackup {
    #[command(flatten)]
    place: Place,
    /// The backup's ARN
    #[arg(value_name = "BACKUP_ARN")]
    backup_arn: String,
    #[command(flatten)]
    how: Destruction,
}

impl DeleteBackup {
    pub(super) async fn run(self, client: &Client, screen: &Screen) -> Result<Exit> {
        let input = json!({ "BackupArn": self.backup_arn });
        self.place.destroy(client, screen, "dynamodb:DeleteBackup", input, &self.how).await
    }
}

/// Deletes an item, once that is confirmed.
#[derive(Debug, Args)]
#[command(after_help = "\
What is shown first tells the table and its backups, never the item. DynamoDB has no dry run: --dry-run
looks whether the table is there, and says so.

Exit codes:
  0  it is deleted, or was not there
  1  it was not confirmed, or the API refused or failed
  2  there is no terminal to ask at, and no --yes
  4  AWS refused it

Example:
  drawbridge dynamodb delete-item con_… orders --region eu-central-1 --key '{\"pk\": {\"S\": \"1\"}}'")]
pub struct DeleteItem {
    #[command(flatten)]
    place: Place,
    /// The table's name
    #[arg(value_name = "TABLE")]
    table_name: String,
    /// The item's key in DynamoDB JSON, @FILE or @-
    #[arg(long, value_name = "JSON", value_parser = json_of("--key"))]
    key: Value,
    #[command(flatten)]
    how: Destruction,
}

impl DeleteItem {
    pub(super) async fn run(self, client: &Client, screen: &Screen) -> Result<Exit> {
        let input = json!({"TableName": self.table_name, "Key": self.key});
        self.place.destroy(client, screen, "dynamodb:DeleteItem", input, &self.how).await
    }
}
