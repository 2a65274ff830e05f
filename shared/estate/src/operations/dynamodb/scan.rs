//! `dynamodb:Scan`. Source: `DynamoDB` API Reference, `Scan`.

use std::collections::HashMap;

use access::CustomerSession;
use domain::policy::Statement;
use domain::{Error, FieldError};
use serde::Deserialize;

use super::shapes::{ReturnConsumedCapacity, Select};
use super::{
    Expressions, MOST_OF_A_PAGE, PAGE, check_index, check_range, check_start, check_table, client,
    look_up_index, look_ups, told,
};
use crate::operations::attribute_value::{Attributes, taken};
use crate::operations::{Carry, Outcome, Place};

/// Reads all items, a page at a time.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Scan {
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
    /// Which part of the table, from 0, of several that are read side by side.
    #[serde(default)]
    segment: Option<i32>,
    /// How many parts there are: 1 to 1,000,000.
    #[serde(default)]
    total_segments: Option<i32>,
    /// Which items to tell.
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

impl Scan {
    /// What is read: the table, or the index alone. Source: `DynamoDB` Developer Guide, "Using IAM policy
    /// conditions for fine-grained access control": an index is a resource of its own.
    fn resource(&self, place: &Place) -> String {
        let index = self.index_name.as_ref().map(|name| format!("/index/{name}"));
        place.table(&self.table_name, &index.unwrap_or_default())
    }
}

impl Carry for Scan {
    const ACTION: &'static str = "dynamodb:Scan";

    fn check(&self) -> Result<(), Error> {
        check_table(&self.table_name, "/TableName")?;
        if let Some(index) = &self.index_name {
            check_index(index, "/IndexName")?;
        }
        check_range(self.limit, &(1..=MOST_OF_A_PAGE), "/Limit")?;
        check_start(self.exclusive_start_key.as_ref(), "/ExclusiveStartKey")?;
        check_range(self.total_segments, &(1..=1_000_000), "/TotalSegments")?;
        check_range(self.segment, &(0..=self.total_segments.unwrap_or(1) - 1), "/Segment")?;
        if self.segment.is_some() != self.total_segments.is_some() {
            let detail = "Segment and TotalSegments stand together";
            return Err(Error::invalid(FieldError::new("/Segment", "out_of_range", detail)));
        }
        Expressions {
            texts: &[
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
            .scan()
            .table_name(&self.table_name)
            .set_index_name(self.index_name.clone())
            .set_select(self.select.map(Into::into))
            .limit(self.limit.unwrap_or(PAGE))
            .set_consistent_read(self.consistent_read)
            .set_exclusive_start_key(self.exclusive_start_key.as_ref().map(taken))
            .set_segment(self.segment)
            .set_total_segments(self.total_segments)
            .set_filter_expression(self.filter_expression.clone())
            .set_projection_expression(self.projection_expression.clone())
            .set_expression_attribute_names(self.expression_attribute_names.clone())
            .set_expression_attribute_values(self.expression_attribute_values.as_ref().map(taken))
            .set_return_consumed_capacity(self.return_consumed_capacity.map(Into::into));
        told!(request, [self.table_name.clone()]).confidential()
    }
}
