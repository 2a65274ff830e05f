//! Whether a run can be asked for.

use super::RunOrder;
use crate::connection::Connection;
use crate::ec2_backup::admit_ec2_backup;
use crate::error::Error;
use crate::schedule::admit_regions;

impl RunOrder {
    /// Refuses what cannot be done in any account.
    ///
    /// # Errors
    /// 422 `ec2_backup_not_taken`, `retention_not_taken`.
    pub fn admit(&self) -> Result<(), Error> {
        admit_ec2_backup(self.terms.kind, self.terms.ec2_backup)?;
        self.terms.kind.admit_retention(self.terms.retention.as_ref())
    }

    /// Refuses what cannot be done in the account of this connection, which the order names.
    ///
    /// # Errors
    /// 409 `connection_not_active`, 422 `region_not_connected`, 403 `capability_missing`.
    pub fn admit_connection(&self, connection: &Connection) -> Result<(), Error> {
        connection.admit_work("runs")?;
        admit_regions(self.regions.as_ref(), connection)?;
        self.terms.kind.admit_connection(&self.select, self.terms.retention.as_ref(), connection)
    }
}
