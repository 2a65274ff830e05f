//! `dynamodb:UpdateTimeToLive`. Source: `DynamoDB` API Reference, `UpdateTimeToLive`.

use access::CustomerSession;
use aws_sdk_dynamodb::types;
use domain::Error;
use domain::policy::Statement;
use serde::Deserialize;

use super::{check_range, check_table, client, look_up, look_ups, not_built, told};
use crate::operations::{Carry, Outcome, Place};

/// Says by which attribute a table's items expire, or that they do not.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct UpdateTimeToLive {
    /// Which table.
    table_name: String,
    /// By which attribute.
    time_to_live_specification: TimeToLiveSpecification,
}

/// `TimeToLiveSpecification`.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct TimeToLiveSpecification {
    /// Whether items expire.
    enabled: bool,
    /// The attribute that holds when.
    attribute_name: String,
}

impl Carry for UpdateTimeToLive {
    const ACTION: &'static str = "dynamodb:UpdateTimeToLive";

    fn check(&self) -> Result<(), Error> {
        check_table(&self.table_name, "/TableName")?;
        let length = Some(self.time_to_live_specification.attribute_name.len());
        check_range(length, &(1..=255), "/TimeToLiveSpecification/AttributeName")
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
        let asked = &self.time_to_live_specification;
        let specification = types::TimeToLiveSpecification::builder()
            .enabled(asked.enabled)
            .attribute_name(&asked.attribute_name)
            .build();
        let specification = match specification {
            Ok(specification) => specification,
            Err(error) => return not_built([self.table_name.clone()], &error),
        };
        let request = client(session, place)
            .update_time_to_live()
            .table_name(&self.table_name)
            .time_to_live_specification(specification);
        told!(request, [self.table_name.clone()])
    }
}
