//! ARNs that callers name: of tables, and of their backups.
//!
//! Source: Service Authorization Reference, "Resource types defined by Amazon `DynamoDB`".

use domain::{Error, FieldError};

use super::checks::is_table;
use crate::operations::Place;

/// A table or a backup, by its ARN. What stands in policies is written anew from its parts, each of
/// which has been checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Named<'a> {
    partition: &'a str,
    region: &'a str,
    account: &'a str,
    /// The table's name.
    pub table: &'a str,
    /// The backup's id.
    pub backup: Option<&'a str>,
}

impl<'a> Named<'a> {
    fn parse(arn: &'a str) -> Option<Self> {
        let mut parts = arn.splitn(6, ':');
        let mut next = || parts.next();
        let (Some("arn"), Some(partition), Some("dynamodb")) = (next(), next(), next()) else { return None };
        let (region, account, resource) = (next()?, next()?, next()?);
        let (table, backup) = match resource.strip_prefix("table/")?.split_once("/backup/") {
            Some((table, backup)) => (table, Some(backup)),
            None => (resource.strip_prefix("table/")?, None),
        };
        let is_id = |id: &str| {
            (1..=64).contains(&id.len())
                && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
        };
        (is_table(table) && backup.is_none_or(is_id)).then_some(Self {
            partition,
            region,
            account,
            table,
            backup,
        })
    }

    /// Reads the ARN of a table.
    pub(crate) fn table(arn: &'a str, at: &str) -> Result<Self, Error> {
        Self::parse(arn).filter(|named| named.backup.is_none()).ok_or_else(|| {
            let detail =
                "this is the ARN of a table: arn:<partition>:dynamodb:<region>:<account>:table/<name>";
            Error::invalid(FieldError::new(at, "invalid_arn", detail))
        })
    }

    /// Reads the ARN of a backup.
    pub(crate) fn backup(arn: &'a str, at: &str) -> Result<Self, Error> {
        Self::parse(arn).filter(|named| named.backup.is_some()).ok_or_else(|| {
            let detail =
                "this is the ARN of a backup: arn:<partition>:dynamodb:<region>:<account>:table/<name>/backup/<id>";
            Error::invalid(FieldError::new(at, "invalid_arn", detail))
        })
    }

    /// Refuses what is not in `place`.
    pub(crate) fn is_in(&self, place: &Place, at: &str) -> Result<(), Error> {
        let Place { partition, account, region } = place;
        if (self.partition, self.account, self.region)
            == (partition.as_str(), account.as_str(), region.as_str())
        {
            return Ok(());
        }
        Err(Error::refused(
            "foreign_resource",
            format!("the ARN is of another account, Region or partition than the operation: {account}, {region}, {partition}"),
        )
        .at(at))
    }

    /// Its ARN in `place`.
    pub(crate) fn arn(&self, place: &Place) -> String {
        place.table(self.table, &self.backup.map(|id| format!("/backup/{id}")).unwrap_or_default())
    }
}
