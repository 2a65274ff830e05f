//! `dynamodb:ListBackups`. Source: `DynamoDB` API Reference, `ListBackups`.

use access::CustomerSession;
use aws_sdk_dynamodb::primitives::DateTime;
use domain::policy::Statement;
use domain::{Error, FieldError};
use serde::Deserialize;

use super::shapes::BackupTypeFilter;
use super::{Named, check_range, check_table, client, told};
use crate::operations::{Carry, Outcome, Place};

/// Lists backups, a page at a time.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct ListBackups {
    /// Of this table alone.
    table_name: Option<String>,
    /// Most of a page: 1 to 100.
    limit: Option<i32>,
    /// Made at this time or later, in seconds since 1970.
    time_range_lower_bound: Option<i64>,
    /// Made before this time, in seconds since 1970.
    time_range_upper_bound: Option<i64>,
    /// Where the page before ended.
    exclusive_start_backup_arn: Option<String>,
    /// Of this type alone.
    backup_type: Option<BackupTypeFilter>,
}

impl Carry for ListBackups {
    const ACTION: &'static str = "dynamodb:ListBackups";

    fn check(&self) -> Result<(), Error> {
        if let Some(name) = &self.table_name {
            check_table(name, "/TableName")?;
        }
        check_range(self.limit, &(1..=100), "/Limit")?;
        if let (Some(from), Some(to)) = (self.time_range_lower_bound, self.time_range_upper_bound)
            && from >= to
        {
            let detail = "TimeRangeUpperBound is later than TimeRangeLowerBound";
            return Err(Error::invalid(FieldError::new("/TimeRangeUpperBound", "out_of_range", detail)));
        }
        self.start().map(|_| ())
    }

    fn belongs(&self, place: &Place) -> Result<(), Error> {
        match self.start()? {
            Some(start) => start.is_in(place, START),
            None => Ok(()),
        }
    }

    /// `ListBackups` can be limited to no resource.
    fn needs(&self, _place: &Place) -> Vec<Statement> {
        vec![Statement::allow([Self::ACTION], ["*"])]
    }

    /// A dry run asks all the same: it only reads.
    async fn carry(&self, session: &CustomerSession, place: &Place, _dry_run: bool) -> Outcome {
        let request = client(session, place)
            .list_backups()
            .set_table_name(self.table_name.clone())
            .set_limit(self.limit)
            .set_time_range_lower_bound(self.time_range_lower_bound.map(DateTime::from_secs))
            .set_time_range_upper_bound(self.time_range_upper_bound.map(DateTime::from_secs))
            .set_exclusive_start_backup_arn(self.exclusive_start_backup_arn.clone())
            .set_backup_type(self.backup_type.map(Into::into));
        told!(request, [self.table_name.clone().unwrap_or_else(|| Self::ACTION.to_owned())])
    }
}

/// Where the page before ended.
const START: &str = "/ExclusiveStartBackupArn";

impl ListBackups {
    fn start(&self) -> Result<Option<Named<'_>>, Error> {
        self.exclusive_start_backup_arn.as_deref().map(|arn| Named::backup(arn, START)).transpose()
    }
}
