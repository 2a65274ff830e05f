//! `drawbridge dynamodb get`, `query`, `scan` and `put`.

use clap::Args;
use serde_json::{Map, Value, json};

use super::tables::as_it_is;
use crate::client::Client;
use crate::commands::act::{List, Manner, Place, json_of, put};
use crate::exit::Exit;
use crate::failure::Result;
use crate::screen::Screen;

/// What stands for names and values in expressions.
#[derive(Debug, Args)]
struct Placeholders {
    /// What names stand for: {"#n": "name"}
    #[arg(long, value_name = "JSON", value_parser = json_of("--expression-attribute-names"))]
    expression_attribute_names: Option<Value>,
    /// What values stand for: {":v": {"S": "x"}}
    #[arg(long, value_name = "JSON", value_parser = json_of("--expression-attribute-values"))]
    expression_attribute_values: Option<Value>,
}

impl Placeholders {
    fn put_into(self, input: &mut Map<String, Value>) {
        put(input, "ExpressionAttributeNames", self.expression_attribute_names);
        put(input, "ExpressionAttributeValues", self.expression_attribute_values);
    }
}

/// Reads an item.
#[derive(Debug, Args)]
#[command(after_help = "\
Example:
  drawbridge dynamodb get con_… orders --region eu-central-1 --key '{\"pk\": {\"S\": \"1\"}}'")]
pub struct Get {
    #[command(flatten)]
    place: Place,
    /// The table's name
    #[arg(value_name = "TABLE")]
    table_name: String,
    /// The item's key in DynamoDB JSON, @FILE or @-
    #[arg(long, value_name = "JSON", value_parser = json_of("--key"))]
    key: Value,
    /// See what was just written
    #[arg(long)]
    consistent_read: bool,
}

impl Get {
    pub(super) async fn run(self, client: &Client, screen: &Screen) -> Result<Exit> {
        let mut input = json!({"TableName": self.table_name, "Key": self.key});
        if self.consistent_read {
            input["ConsistentRead"] = json!(true);
        }
        self.place.read(client, screen, "dynamodb:GetItem", input, as_it_is).await
    }
}

/// Finds items by their key.
#[derive(Debug, Args)]
#[command(after_help = "\
Example:
  drawbridge dynamodb query con_… orders --region eu-central-1 \\
    --key-condition-expression 'pk = :pk' --expression-attribute-values '{\":pk\": {\"S\": \"1\"}}'")]
pub struct Query {
    #[command(flatten)]
    place: Place,
    /// The table's name
    #[arg(value_name = "TABLE")]
    table_name: String,
    /// Which keys
    #[arg(long, value_name = "EXPRESSION")]
    key_condition_expression: String,
    /// Of these, which items
    #[arg(long, value_name = "EXPRESSION")]
    filter_expression: Option<String>,
    #[command(flatten)]
    placeholders: Placeholders,
    /// By which index
    #[arg(long, value_name = "INDEX")]
    index_name: Option<String>,
    /// The last first
    #[arg(long)]
    no_scan_index_forward: bool,
    /// At most so many items
    #[arg(long, value_name = "N", default_value_t = 100)]
    max_items: usize,
}

const QUERIED: List =
    List { action: "dynamodb:Query", items: "Items", next: "LastEvaluatedKey", start: "ExclusiveStartKey" };

impl Query {
    pub(super) async fn run(self, client: &Client, screen: &Screen) -> Result<Exit> {
        let mut input = Map::new();
        put(&mut input, "TableName", Some(self.table_name));
        put(&mut input, "KeyConditionExpression", Some(self.key_condition_expression));
        put(&mut input, "FilterExpression", self.filter_expression);
        put(&mut input, "IndexName", self.index_name);
        put(&mut input, "ScanIndexForward", self.no_scan_index_forward.then_some(false));
        self.placeholders.put_into(&mut input);
        self.place.list(client, screen, &QUERIED, input, Some(self.max_items), as_it_is).await
    }
}

/// Reads through a table.
#[derive(Debug, Args)]
#[command(after_help = "\
Reading through a table takes its capacity: it ends after --max-items items.

Example:
  drawbridge dynamodb scan con_… orders --region eu-central-1 --max-items 10")]
pub struct Scan {
    #[command(flatten)]
    place: Place,
    /// The table's name
    #[arg(value_name = "TABLE")]
    table_name: String,
    /// Which items
    #[arg(long, value_name = "EXPRESSION")]
    filter_expression: Option<String>,
    #[command(flatten)]
    placeholders: Placeholders,
    /// By which index
    #[arg(long, value_name = "INDEX")]
    index_name: Option<String>,
    /// At most so many items
    #[arg(long, value_name = "N", default_value_t = 100)]
    max_items: usize,
}

const SCANNED: List = List { action: "dynamodb:Scan", ..QUERIED };

impl Scan {
    pub(super) async fn run(self, client: &Client, screen: &Screen) -> Result<Exit> {
        let mut input = Map::new();
        put(&mut input, "TableName", Some(self.table_name));
        put(&mut input, "FilterExpression", self.filter_expression);
        put(&mut input, "IndexName", self.index_name);
        self.placeholders.put_into(&mut input);
        self.place.list(client, screen, &SCANNED, input, Some(self.max_items), as_it_is).await
    }
}

/// Writes an item.
#[derive(Debug, Args)]
#[command(after_help = "\
An item under the same key is replaced, unless a condition keeps it.

Example:
  drawbridge dynamodb put con_… orders --region eu-central-1 --item @order.json \\
    --condition-expression 'attribute_not_exists(pk)' --reason 'ticket 1234'")]
pub struct Put {
    #[command(flatten)]
    place: Place,
    /// The table's name
    #[arg(value_name = "TABLE")]
    table_name: String,
    /// The item in DynamoDB JSON, @FILE or @-
    #[arg(long, value_name = "JSON", value_parser = json_of("--item"))]
    item: Value,
    /// What must hold
    #[arg(long, value_name = "EXPRESSION")]
    condition_expression: Option<String>,
    #[command(flatten)]
    placeholders: Placeholders,
    #[command(flatten)]
    manner: Manner,
}

impl Put {
    pub(super) async fn run(self, client: &Client, screen: &Screen) -> Result<Exit> {
        let mut input = Map::new();
        put(&mut input, "TableName", Some(self.table_name));
        put(&mut input, "Item", Some(self.item));
        put(&mut input, "ConditionExpression", self.condition_expression);
        self.placeholders.put_into(&mut input);
        self.place.change(client, screen, "dynamodb:PutItem", Value::Object(input), &self.manner).await
    }
}
