//! `dynamodb:DescribeContinuousBackups`. Source: `DynamoDB` API Reference, `DescribeContinuousBackups`.

use access::CustomerSession;
use domain::Error;
use domain::policy::Statement;
use serde::Deserialize;

use super::{check_table, client, look_up, look_ups, told};
use crate::operations::{Carry, Outcome, Place};

/// Tells whether a table can be restored to a point in time, and to which.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct DescribeContinuousBackups {
    /// Which table.
    table_name: String,
}

impl Carry for DescribeContinuousBackups {
    const ACTION: &'static str = "dynamodb:DescribeContinuousBackups";

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
        let request = client(session, place).describe_continuous_backups().table_name(&self.table_name);
        told!(request, [self.table_name.clone()])
    }
}
