//! `drawbridge dynamodb tables`, `describe`, `backups`, `backup` and `restore`.

use clap::Args;
use comfy_table::Cell;
use serde_json::{Map, Value, json};

use crate::client::Client;
use crate::commands::act::{List, Manner, Place, put};
use crate::exit::Exit;
use crate::failure::Result;
use crate::screen::{Screen, pretty};
use crate::table::{card, listing};
use crate::text::{field, items, time};

/// Lists tables.
#[derive(Debug, Args)]
#[command(after_help = "\
Example:
  drawbridge dynamodb tables con_… --region eu-central-1 --output json | jq -r '.TableNames[]'")]
pub struct ListTables {
    #[command(flatten)]
    place: Place,
}

const TABLES: List = List {
    action: "dynamodb:ListTables",
    items: "TableNames",
    next: "LastEvaluatedTableName",
    start: "ExclusiveStartTableName",
};

impl ListTables {
    pub(super) async fn run(self, client: &Client, screen: &Screen) -> Result<Exit> {
        self.place.list(client, screen, &TABLES, Map::new(), None, names).await
    }
}

fn names(output: &Value) -> String {
    let rows =
        items(output, "TableNames").iter().map(|name| vec![Cell::new(field(&json!({ "n": name }), "n"))]);
    listing(&["table"], 1, rows.collect())
}

/// Describes a table.
#[derive(Debug, Args)]
#[command(after_help = "\
Example:
  drawbridge dynamodb describe con_… orders --region eu-central-1")]
pub struct DescribeTable {
    #[command(flatten)]
    place: Place,
    /// The table's name
    #[arg(value_name = "TABLE")]
    table_name: String,
}

impl DescribeTable {
    pub(super) async fn run(self, client: &Client, screen: &Screen) -> Result<Exit> {
        let input = json!({ "TableName": self.table_name });
        self.place.read(client, screen, "dynamodb:DescribeTable", input, table).await
    }
}

fn table(output: &Value) -> String {
    let of = output.get("Table").unwrap_or(output);
    let text = |name| Cell::new(field(of, name));
    let schema = items(of, "KeySchema").iter();
    let key: Vec<_> =
        schema.map(|part| format!("{} ({})", field(part, "AttributeName"), field(part, "KeyType"))).collect();
    let indexes = items(of, "GlobalSecondaryIndexes").iter().chain(items(of, "LocalSecondaryIndexes"));
    let indexes: Vec<_> = indexes.map(|index| field(index, "IndexName")).collect();
    card(vec![
        ("table", text("TableName")),
        ("state", text("TableStatus")),
        ("key", Cell::new(key.join(", "))),
        ("indexes", Cell::new(if indexes.is_empty() { "-".to_owned() } else { indexes.join(", ") })),
        ("items, about", text("ItemCount")),
        ("bytes, about", text("TableSizeBytes")),
        ("deletion protection", text("DeletionProtectionEnabled")),
        ("created", Cell::new(time(of, "CreationDateTime"))),
        ("ARN", text("TableArn")),
    ])
}

/// Lists backups.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  drawbridge dynamodb backups con_… --region eu-central-1
  drawbridge dynamodb backups con_… --region eu-central-1 --table-name orders")]
pub struct ListBackups {
    #[command(flatten)]
    place: Place,
    /// Of this table alone
    #[arg(long, value_name = "TABLE")]
    table_name: Option<String>,
}

const BACKUPS: List = List {
    action: "dynamodb:ListBackups",
    items: "BackupSummaries",
    next: "LastEvaluatedBackupArn",
    start: "ExclusiveStartBackupArn",
};

impl ListBackups {
    pub(super) async fn run(self, client: &Client, screen: &Screen) -> Result<Exit> {
        let mut input = Map::new();
        put(&mut input, "TableName", self.table_name);
        self.place.list(client, screen, &BACKUPS, input, None, backups).await
    }
}

fn backups(output: &Value) -> String {
    let rows = items(output, "BackupSummaries").iter().map(|backup| {
        vec![
            Cell::new(field(backup, "BackupName")),
            Cell::new(field(backup, "TableName")),
            Cell::new(field(backup, "BackupStatus")),
            Cell::new(time(backup, "BackupCreationDateTime")),
            Cell::new(field(backup, "BackupSizeBytes")),
            Cell::new(field(backup, "BackupArn")),
        ]
    });
    listing(&["backup", "table", "state", "created", "bytes", "ARN"], 6, rows.collect())
}

/// Makes a backup of a table.
#[derive(Debug, Args)]
#[command(after_help = "\
Example:
  drawbridge dynamodb backup con_… orders --region eu-central-1 --backup-name before-the-change")]
pub struct MakeBackup {
    #[command(flatten)]
    place: Place,
    /// The table's name
    #[arg(value_name = "TABLE")]
    table_name: String,
    /// The backup's name
    #[arg(long, value_name = "NAME")]
    backup_name: String,
    #[command(flatten)]
    manner: Manner,
}

impl MakeBackup {
    pub(super) async fn run(self, client: &Client, screen: &Screen) -> Result<Exit> {
        let input = json!({"TableName": self.table_name, "BackupName": self.backup_name});
        self.place.change(client, screen, "dynamodb:CreateBackup", input, &self.manner).await
    }
}

/// Makes a new table of a backup.
#[derive(Debug, Args)]
#[command(after_help = "\
The table is still being made when this ends: `drawbridge dynamodb describe` shows when it is ACTIVE.
Tags, time to live, streams and point-in-time recovery are not restored with it.

Example:
  drawbridge dynamodb restore con_… arn:aws:dynamodb:… --region eu-central-1 --target-table-name orders-2")]
pub struct Restore {
    #[command(flatten)]
    place: Place,
    /// The backup's ARN
    #[arg(value_name = "BACKUP_ARN")]
    backup_arn: String,
    /// The new table's name
    #[arg(long, value_name = "TABLE")]
    target_table_name: String,
    /// How it is billed, if not as it was: `PROVISIONED` or `PAY_PER_REQUEST`
    #[arg(long, value_name = "MODE")]
    billing_mode_override: Option<String>,
    #[command(flatten)]
    manner: Manner,
}

impl Restore {
    pub(super) async fn run(self, client: &Client, screen: &Screen) -> Result<Exit> {
        let mut input = Map::new();
        put(&mut input, "BackupArn", Some(self.backup_arn));
        put(&mut input, "TargetTableName", Some(self.target_table_name));
        put(&mut input, "BillingModeOverride", self.billing_mode_override);
        let action = "dynamodb:RestoreTableFromBackup";
        self.place.change(client, screen, action, Value::Object(input), &self.manner).await
    }
}

/// What has no better form.
pub(super) fn as_it_is(output: &Value) -> String {
    pretty(output)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_and_backups_are_shown_as_people_look_for_them() {
        assert_eq!(names(&json!({"TableNames": ["orders", "users"]})), "TABLE\norders\nusers");
        let shown = table(&json!({"Table": {
            "TableName": "orders", "TableStatus": "ACTIVE", "ItemCount": 8,
            "KeySchema": [{"AttributeName": "pk", "KeyType": "HASH"}],
            "GlobalSecondaryIndexes": [{"IndexName": "by-year"}],
        }}));
        for part in ["orders", "ACTIVE", "pk (HASH)", "by-year", "8"] {
            assert!(shown.contains(part), "{part}: {shown}");
        }
        let shown =
            backups(&json!({"BackupSummaries": [{"BackupName": "nightly", "BackupStatus": "AVAILABLE"}]}));
        assert!(shown.contains("nightly") && shown.contains("AVAILABLE"), "{shown}");
    }
}
