//! `dynamodb:GetItem`. Source: `DynamoDB` API Reference, `GetItem`.

use std::collections::HashMap;

use access::CustomerSession;
use domain::Error;
use domain::policy::Statement;
use serde::Deserialize;

use super::shapes::ReturnConsumedCapacity;
use super::{Expressions, check_key, check_table, client, look_up, look_ups, told};
use crate::operations::attribute_value::{Attributes, taken};
use crate::operations::{Carry, Outcome, Place};

/// Reads one item.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct GetItem {
    /// Of which table.
    table_name: String,
    /// Its primary key, in `DynamoDB` JSON.
    key: Attributes,
    /// Whether what was just written must be seen.
    #[serde(default)]
    consistent_read: Option<bool>,
    /// Which attributes, all of them otherwise.
    #[serde(default)]
    projection_expression: Option<String>,
    /// What names stand for in the expressions.
    #[serde(default)]
    expression_attribute_names: Option<HashMap<String, String>>,
    /// Whether to tell what capacity it took.
    #[serde(default)]
    return_consumed_capacity: Option<ReturnConsumedCapacity>,
}

impl Carry for GetItem {
    const ACTION: &'static str = "dynamodb:GetItem";

    fn check(&self) -> Result<(), Error> {
        check_table(&self.table_name, "/TableName")?;
        check_key(&self.key, "/Key")?;
        Expressions {
            texts: &[("ProjectionExpression", self.projection_expression.as_deref())],
            names: self.expression_attribute_names.as_ref(),
            values: None,
        }
        .check("")
    }

    fn needs(&self, place: &Place) -> Vec<Statement> {
        vec![Statement::allow([Self::ACTION], [place.table(&self.table_name, "")])]
    }

    fn needs_dry(&self, place: &Place) -> Vec<Statement> {
        look_ups(place, [self.table_name.as_str()])
    }

    async fn carry(&self, session: &CustomerSession, place: &Place, dry_run: bool) -> Outcome {
        if dry_run {
            return look_up(session, place, [self.table_name.as_str()]).await;
        }
        let request = client(session, place)
            .get_item()
            .table_name(&self.table_name)
            .set_key(Some(taken(&self.key)))
            .set_consistent_read(self.consistent_read)
            .set_projection_expression(self.projection_expression.clone())
            .set_expression_attribute_names(self.expression_attribute_names.clone())
            .set_return_consumed_capacity(self.return_consumed_capacity.map(Into::into));
        told!(request, [self.table_name.clone()]).confidential()
    }
}
