//! `ec2:StopInstances`. Source: EC2 API Reference, `StopInstances`.

use access::CustomerSession;
use domain::Error;
use domain::policy::Statement;
use serde::Deserialize;

use super::bisect::bisect;
use super::goal::Goal;
use super::{check_instances, client, invalid};
use crate::operations::{Carry, Outcome, Place};

/// Stops instances. It has succeeded when they are stopped.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct StopInstances {
    /// Which, 1 to 20.
    instance_ids: Vec<String>,
    /// Whether they are stopped although their operating system does not shut down: what it has not
    /// written yet may be lost.
    force: Option<bool>,
    /// Whether what they have in memory is kept on disk.
    hibernate: Option<bool>,
    /// Whether their operating system is not asked to shut down at all.
    skip_os_shutdown: Option<bool>,
}

impl StopInstances {
    /// Of these instances, as their operating systems shut down.
    pub(crate) const fn of(instance_ids: Vec<String>) -> Self {
        Self { instance_ids, force: None, hibernate: None, skip_os_shutdown: None }
    }
}

impl Carry for StopInstances {
    const ACTION: &'static str = "ec2:StopInstances";
    const GOAL: Option<Goal> = Some(Goal::Stopped);

    fn check(&self) -> Result<(), Error> {
        check_instances(&self.instance_ids)?;
        if self.hibernate == Some(true) && (self.force == Some(true) || self.skip_os_shutdown == Some(true)) {
            let detail = "what hibernates is asked to; leave Force and SkipOsShutdown out";
            return Err(invalid("/Hibernate", "invalid_hibernate", detail));
        }
        Ok(())
    }

    fn needs(&self, place: &Place) -> Vec<Statement> {
        let instances = self.instance_ids.iter().map(|id| place.ec2(&format!("instance/{id}")));
        vec![Statement::allow([Self::ACTION], instances)]
    }

    async fn carry(&self, session: &CustomerSession, place: &Place, dry_run: bool) -> Outcome {
        let ec2 = client(session, place);
        let stop = |ids| {
            ec2.stop_instances()
                .set_instance_ids(Some(ids))
                .set_force(self.force)
                .set_hibernate(self.hibernate)
                .set_skip_os_shutdown(self.skip_os_shutdown)
                .dry_run(dry_run)
                .send()
        };
        let (answers, outcome) = bisect(session, &self.instance_ids, dry_run, stop).await;
        if dry_run {
            return outcome;
        }
        Goal::Stopped.taken(outcome, answers.iter().flat_map(|answer| answer.stopping_instances()))
    }
}
