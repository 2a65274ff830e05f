//! `ec2:StartInstances`. Source: EC2 API Reference, `StartInstances`.

use access::CustomerSession;
use domain::Error;
use domain::policy::Statement;
use serde::Deserialize;

use super::bisect::bisect;
use super::goal::Goal;
use super::{check_instances, client};
use crate::operations::{Carry, Outcome, Place};

/// Starts instances. It has succeeded when they run.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct StartInstances {
    /// Which, 1 to 20.
    instance_ids: Vec<String>,
}

impl StartInstances {
    /// Of these instances.
    pub(crate) const fn of(instance_ids: Vec<String>) -> Self {
        Self { instance_ids }
    }
}

impl Carry for StartInstances {
    const ACTION: &'static str = "ec2:StartInstances";
    const GOAL: Option<Goal> = Some(Goal::Running);

    fn check(&self) -> Result<(), Error> {
        check_instances(&self.instance_ids)
    }

    /// With encrypted volumes EC2 takes a grant on their key in the caller's name. Nobody tells which keys
    /// those are, and they may be another account's, so that it is any key; but only through EC2, and as
    /// far as the role itself has it (capability `ec2-kms`). Source: KMS Developer Guide, "kms:ViaService".
    fn needs(&self, place: &Place) -> Vec<Statement> {
        let instances = self.instance_ids.iter().map(|id| place.ec2(&format!("instance/{id}")));
        let through_ec2 = format!("ec2.{}.amazonaws.com*", place.region);
        vec![
            Statement::allow([Self::ACTION], instances),
            Statement::allow(["kms:CreateGrant"], ["*"]).on_condition(
                "StringLike",
                "kms:ViaService",
                &through_ec2,
            ),
        ]
    }

    async fn carry(&self, session: &CustomerSession, place: &Place, dry_run: bool) -> Outcome {
        let ec2 = client(session, place);
        let start = |ids| ec2.start_instances().set_instance_ids(Some(ids)).dry_run(dry_run).send();
        let (answers, outcome) = bisect(session, &self.instance_ids, dry_run, start).await;
        if dry_run {
            return outcome;
        }
        Goal::Running.taken(outcome, answers.iter().flat_map(|answer| answer.starting_instances()))
    }
}
