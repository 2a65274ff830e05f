//! `ec2:RebootInstances`. Source: EC2 API Reference, `RebootInstances`.

use access::CustomerSession;
use domain::Error;
use domain::policy::Statement;
use serde::Deserialize;

use super::bisect::bisect;
use super::{check_instances, client};
use crate::operations::{Carry, Outcome, Place};

/// Reboots instances. EC2 says that it will, not when it has.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct RebootInstances {
    /// Which, 1 to 20.
    instance_ids: Vec<String>,
}

impl Carry for RebootInstances {
    const ACTION: &'static str = "ec2:RebootInstances";

    fn check(&self) -> Result<(), Error> {
        check_instances(&self.instance_ids)
    }

    fn needs(&self, place: &Place) -> Vec<Statement> {
        let instances = self.instance_ids.iter().map(|id| place.ec2(&format!("instance/{id}")));
        vec![Statement::allow([Self::ACTION], instances)]
    }

    async fn carry(&self, session: &CustomerSession, place: &Place, dry_run: bool) -> Outcome {
        let ec2 = client(session, place);
        let reboot = |ids| ec2.reboot_instances().set_instance_ids(Some(ids)).dry_run(dry_run).send();
        let (_, outcome) = bisect(session, &self.instance_ids, dry_run, reboot).await;
        outcome
    }
}
