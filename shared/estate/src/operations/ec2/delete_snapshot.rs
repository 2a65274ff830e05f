//! `ec2:DeleteSnapshot`. Source: EC2 API Reference, `DeleteSnapshot`.

use access::CustomerSession;
use domain::Error;
use domain::policy::Statement;
use serde::Deserialize;
use serde_json::Value;

use super::{check_id, client};
use crate::operations::{Carry, Outcome, Place, not_done};

/// Deletes a snapshot. Others of the same volume keep all that they need.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct DeleteSnapshot {
    /// Which.
    pub(crate) snapshot_id: String,
}

impl Carry for DeleteSnapshot {
    const ACTION: &'static str = "ec2:DeleteSnapshot";

    fn check(&self) -> Result<(), Error> {
        check_id("/SnapshotId", "snap-", &self.snapshot_id)
    }

    /// The ARNs of snapshots name no account.
    fn needs(&self, place: &Place) -> Vec<Statement> {
        let snapshot = place.shared_ec2(&format!("snapshot/{}", self.snapshot_id));
        vec![Statement::allow([Self::ACTION], [snapshot])]
    }

    async fn carry(&self, session: &CustomerSession, place: &Place, dry_run: bool) -> Outcome {
        let request = client(session, place).delete_snapshot().snapshot_id(&self.snapshot_id);
        let snapshot = [self.snapshot_id.clone()];
        match request.dry_run(dry_run).send().await {
            Ok(answer) => Outcome::done(snapshot, Value::Null, &answer),
            Err(error) => not_done(dry_run, snapshot, &error),
        }
    }
}
