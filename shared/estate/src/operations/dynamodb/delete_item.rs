//! `dynamodb:DeleteItem`. Source: `DynamoDB` API Reference, `DeleteItem`.

use std::collections::HashMap;

use access::CustomerSession;
use domain::policy::Statement;
use domain::{Error, FieldError};
use serde::Deserialize;

use super::shapes::{ReturnConsumedCapacity, ReturnItemCollectionMetrics, ReturnValue};
use super::{Expressions, check_key, check_table, client, look_up, look_ups, told};
use crate::operations::attribute_value::{Attributes, taken};
use crate::operations::{Carry, Outcome, Place};

/// Deletes one item.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct DeleteItem {
    /// Of which table.
    pub(crate) table_name: String,
    /// Its primary key, in `DynamoDB` JSON.
    pub(crate) key: Attributes,
    /// What must be so for it to be deleted.
    #[serde(default)]
    condition_expression: Option<String>,
    /// What names stand for in the expressions.
    #[serde(default)]
    expression_attribute_names: Option<HashMap<String, String>>,
    /// What values stand for in the expressions, in `DynamoDB` JSON.
    #[serde(default)]
    expression_attribute_values: Option<Attributes>,
    /// Whether to tell the item as it was: `NONE` or `ALL_OLD`.
    #[serde(default)]
    return_values: Option<ReturnValue>,
    /// Whether to tell what capacity it took.
    #[serde(default)]
    return_consumed_capacity: Option<ReturnConsumedCapacity>,
    /// Whether to tell how large the item's collection has become.
    #[serde(default)]
    return_item_collection_metrics: Option<ReturnItemCollectionMetrics>,
}

impl Carry for DeleteItem {
    const ACTION: &'static str = "dynamodb:DeleteItem";

    fn check(&self) -> Result<(), Error> {
        check_table(&self.table_name, "/TableName")?;
        check_key(&self.key, "/Key")?;
        if !matches!(self.return_values, None | Some(ReturnValue::None | ReturnValue::AllOld)) {
            let detail = "ReturnValues is NONE or ALL_OLD";
            return Err(Error::invalid(FieldError::new("/ReturnValues", "invalid_return_values", detail)));
        }
        Expressions {
            texts: &[("ConditionExpression", self.condition_expression.as_deref())],
            names: self.expression_attribute_names.as_ref(),
            values: self.expression_attribute_values.as_ref(),
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
            .delete_item()
            .table_name(&self.table_name)
            .set_key(Some(taken(&self.key)))
            .set_condition_expression(self.condition_expression.clone())
            .set_expression_attribute_names(self.expression_attribute_names.clone())
            .set_expression_attribute_values(self.expression_attribute_values.as_ref().map(taken))
            .set_return_values(self.return_values.map(Into::into))
            .set_return_item_collection_metrics(self.return_item_collection_metrics.map(Into::into))
            .set_return_consumed_capacity(self.return_consumed_capacity.map(Into::into));
        told!(request, [self.table_name.clone()]).confidential()
    }
}
