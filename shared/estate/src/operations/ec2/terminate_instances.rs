//! `ec2:TerminateInstances`. Source: EC2 API Reference, `TerminateInstances`.

use access::CustomerSession;
use domain::Error;
use domain::policy::Statement;
use serde::Deserialize;

use super::bisect::bisect;
use super::goal::Goal;
use super::{check_instances, client};
use crate::operations::{Carry, Outcome, Place};

/// Terminates instances, with those of their volumes that are set to go with them. It has succeeded when
/// they are gone.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct TerminateInstances {
    /// Which, 1 to 20.
    pub(crate) instance_ids: Vec<String>,
    /// Whether one that does not shut down in time is forced to.
    #[serde(default)]
    force: Option<bool>,
    /// Whether the operating system is not asked to shut down at all.
    #[serde(default)]
    skip_os_shutdown: Option<bool>,
}

impl Carry for TerminateInstances {
    const ACTION: &'static str = "ec2:TerminateInstances";
    const GOAL: Option<Goal> = Some(Goal::Terminated);

    fn check(&self) -> Result<(), Error> {
        check_instances(&self.instance_ids)
    }

    fn needs(&self, place: &Place) -> Vec<Statement> {
        let instances = self.instance_ids.iter().map(|id| place.ec2(&format!("instance/{id}")));
        vec![Statement::allow([Self::ACTION], instances)]
    }

    async fn carry(&self, session: &CustomerSession, place: &Place, dry_run: bool) -> Outcome {
        let ec2 = client(session, place);
        let terminate = |ids| {
            ec2.terminate_instances()
                .set_instance_ids(Some(ids))
                .set_force(self.force)
                .set_skip_os_shutdown(self.skip_os_shutdown)
                .dry_run(dry_run)
                .send()
        };
        let (answers, outcome) = bisect(session, &self.instance_ids, dry_run, terminate).await;
        if dry_run {
            return outcome;
        }
        Goal::Terminated.taken(outcome, answers.iter().flat_map(|answer| answer.terminating_instances()))
    }
}
