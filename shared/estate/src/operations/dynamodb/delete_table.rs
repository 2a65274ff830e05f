//! `dynamodb:DeleteTable`. Source: `DynamoDB` API Reference, `DeleteTable`.

use access::CustomerSession;
use domain::Error;
use domain::policy::Statement;
use serde::Deserialize;

use super::{check_table, client, look_up, look_ups, told};
use crate::operations::{Carry, Outcome, Place};

/// Deletes a table with all that is in it. `DynamoDB` says that it will, not when it has.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct DeleteTable {
    /// Which table.
    pub(crate) table_name: String,
}

impl Carry for DeleteTable {
    const ACTION: &'static str = "dynamodb:DeleteTable";

    fn check(&self) -> Result<(), Error> {
        check_table(&self.table_name, "/TableName")
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
        let request = client(session, place).delete_table().table_name(&self.table_name);
        told!(request, [self.table_name.clone()])
    }
}
