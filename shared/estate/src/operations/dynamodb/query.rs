//! `dynamodb:Query`. Source: `DynamoDB` API Reference, `Query`.

use std::collections::HashMap;

use access::CustomerSession;
use domain::Error;
use domain::policy::Statement;
use serde::Deserialize;

use super::shapes::{ReturnConsumedCapacity, Select};
use super::{
    Expressions, MOST_OF_A_PAGE, PAGE, check_index, check_range, check_start, check_table, client,
    look_up_index, look_ups, told,
};
use crate::operations::attribute_value::{Attributes, taken};
use crate::operations::{Carry, Outcome, Place};

/// Reads the items under one partition key, a page at a time.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Query {
    /// Of which table.
    table_name: String,
    /// Through this index of it.
    #[serde(default)]
    index_name: Option<String>,
    /// What to tell of each item.
    #[serde(default)]
    select: Option<Select>,
    /// How many items to look at, at most: 1 to 1000, 100 if nothing is said.
    #[serde(default)]
    limit: Option<i32>,
    /// Whether what was just written must be seen.
    #[serde(default)]
    consistent_read: Option<bool>,
    /// Where the page before ended.
    #[serde(default)]
    exclusive_start_key: Option<Attributes>,
    /// Whether in ascending order, which it is if nothing is said.
    #[serde(default)]
    scan_index_forward: Option<bool>,
    /// Which items, by their keys.
    key_condition_expression: String,
    /// Which of these to tell.
    #[serde(default)]
    filter_expression: Option<String>,
    /// Which attributes, all of them otherwise.
    #[serde(default)]
    projection_expression: Option<String>,
    /// What names stand for in the expressions.
    #[serde(default)]
    expression_attribute_names: Option<HashMap<String, String>>,
    /// What values stand for in the expressions, in `DynamoDB` JSON.
    #[serde(default)]
    expression_attribute_values: Option<Attributes>,
    /// Whether to tell what capacity it took.
    #[serde(default)]
    return_consumed_capacity: Option<ReturnConsumedCapacity>,
}

impl Query {
    /// What is read: the table, or the index alone. Source: `DynamoDB` Developer Guide, "Using IAM policy
    /// conditions for fine-grained access control": an index is a resource of its own.
    fn resource(&self, place: &Place) -> String {
        let index = self.index_name.as_ref().map(|name| format!("/index/{name}"));
        place.table(&self.table_name, &index.unwrap_or_default())
    }
}

impl Carry for Query {
    const ACTION: &'static str = "dynamodb:Query";

    fn check(&self) -> Result<(), Error> {
        check_table(&self.table_name, "/TableName")?;
        if let Some(index) = &self.index_name {
            check_index(index, "/IndexName")?;
        }
        check_range(self.limit, &(1..=MOST_OF_A_PAGE), "/Limit")?;
        check_start(self.exclusive_start_key.as_ref(), "/ExclusiveStartKey")?;
        Expressions {
            texts: &[
                ("KeyConditionExpression", Some(&self.key_condition_expression)),
                ("FilterExpression", self.filter_expression.as_deref()),
                ("ProjectionExpression", self.projection_expression.as_deref()),
            ],
            names: self.expression_attribute_names.as_ref(),
            values: self.expression_attribute_values.as_ref(),
        }
        .check("")
    }

    fn needs(&self, place: &Place) -> Vec<Statement> {
        vec![Statement::allow([Self::ACTION], [self.resource(place)])]
    }

    fn needs_dry(&self, place: &Place) -> Vec<Statement> {
        look_ups(place, [self.table_name.as_str()])
    }

    async fn carry(&self, session: &CustomerSession, place: &Place, dry_run: bool) -> Outcome {
        if dry_run {
            return look_up_index(session, place, &self.table_name, self.index_name.as_deref()).await;
        }
        let request = client(session, place)
            .query()
            .table_name(&self.table_name)
            .set_index_name(self.index_name.clone())
            .set_select(self.select.map(Into::into))
            .limit(self.limit.unwrap_or(PAGE))
            .set_consistent_read(self.consistent_read)
            .set_exclusive_start_key(self.exclusive_start_key.as_ref().map(taken))
            .set_scan_index_forward(self.scan_index_forward)
            .key_condition_expression(&self.key_condition_expression)
            .set_filter_expression(self.filter_expression.clone())
            .set_projection_expression(self.projection_expression.clone())
            .set_expression_attribute_names(self.expression_attribute_names.clone())
            .set_expression_attribute_values(self.expression_attribute_values.as_ref().map(taken))
            .set_return_consumed_capacity(self.return_consumed_capacity.map(Into::into));
        told!(request, [self.table_name.clone()]).confidential()
    }
}
