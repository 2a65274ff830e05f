//! `dynamodb:UpdateContinuousBackups`. Source: `DynamoDB` API Reference, `UpdateContinuousBackups`.

use access::CustomerSession;
use aws_sdk_dynamodb::types;
use domain::Error;
use domain::policy::Statement;
use serde::Deserialize;

use super::{check_range, check_table, client, look_up, look_ups, not_built, told};
use crate::operations::{Carry, Outcome, Place};

/// Says whether a table can be restored to a point in time.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct UpdateContinuousBackups {
    /// Which table.
    table_name: String,
    /// Whether, and how far back.
    point_in_time_recovery_specification: PointInTimeRecoverySpecification,
}

/// `PointInTimeRecoverySpecification`.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct PointInTimeRecoverySpecification {
    /// Whether it can.
    point_in_time_recovery_enabled: bool,
    /// How many days back: 1 to 35, 35 if nothing is said.
    #[serde(default)]
    recovery_period_in_days: Option<i32>,
}

impl Carry for UpdateContinuousBackups {
    const ACTION: &'static str = "dynamodb:UpdateContinuousBackups";

    fn check(&self) -> Result<(), Error> {
        check_table(&self.table_name, "/TableName")?;
        let days = self.point_in_time_recovery_specification.recovery_period_in_days;
        check_range(days, &(1..=35), "/PointInTimeRecoverySpecification/RecoveryPeriodInDays")
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
        let asked = &self.point_in_time_recovery_specification;
        let specification = types::PointInTimeRecoverySpecification::builder()
            .point_in_time_recovery_enabled(asked.point_in_time_recovery_enabled)
            .set_recovery_period_in_days(asked.recovery_period_in_days)
            .build();
        let specification = match specification {
            Ok(specification) => specification,
            Err(error) => return not_built([self.table_name.clone()], &error),
        };
        let request = client(session, place)
            .update_continuous_backups()
            .table_name(&self.table_name)
            .point_in_time_recovery_specification(specification);
        told!(request, [self.table_name.clone()])
    }
}
