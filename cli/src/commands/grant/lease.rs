//! Who may change somebody's policies: whoever made a policy of a certain name, until it is deleted.
//!
//! Names of policies are IAM's only condition on a write: of all who make one, one succeeds. The policy is
//! attached to nobody and allows nothing. What a command that was interrupted has left is taken away once
//! it is old.

use std::time::{Duration, SystemTime};

use domain::people::PATH;

use super::attach::pause;
use super::held::Policies;
use crate::failure::{Failure, Result};
use crate::iam::{Call, is_absent, is_present};
use crate::screen::Screen;

/// A change takes seconds; a lease that is so old belongs to nobody any more.
const LONGEST: Duration = Duration::from_mins(2);
/// How long somebody else's is waited for.
const PATIENCE: Duration = Duration::from_mins(3);

impl Policies<'_> {
    /// Takes the lease, waiting for whoever has it.
    pub async fn take_lease(&self, screen: &Screen) -> Result<()> {
        let arn = self.lease_arn();
        let begun = SystemTime::now();
        let mut round = 1;
        loop {
            let make = self.iam.client.create_policy().path(PATH).policy_name(self.assumer.lease_name());
            let make =
                make.description("Somebody is changing the policies beside this one by `drawbridge grant`");
            match make.policy_document(domain::policy::nothing().to_json()).send().await {
                Ok(_) => return Ok(()),
                Err(error) if is_present(&error) => {}
                Err(error) => return Err(self.iam.failed(&Call::new("CreatePolicy", &arn), &error)),
            }
            if self.is_left_behind(&arn).await? {
                self.give_lease_back().await?;
                continue;
            }
            if begun.elapsed().is_ok_and(|waited| waited > PATIENCE) {
                return Err(Failure::unexpected(format!(
                    "somebody else keeps changing the policies of the {}",
                    self.assumer
                ))
                .because(format!("the policy {arn} says so"))
                .next("repeat this in a few minutes; if nobody is at work, delete that policy"));
            }
            if round == 5 {
                screen.note("somebody else is changing the same policies: waiting");
            }
            tokio::time::sleep(pause(round)).await;
            round += 1;
        }
    }

    /// Gives it back.
    pub async fn give_lease_back(&self) -> Result<()> {
        let arn = self.lease_arn();
        match self.iam.client.delete_policy().policy_arn(&arn).send().await {
            Err(error) if !is_absent(&error) => {
                Err(self.iam.failed(&Call::new("DeletePolicy", &arn), &error))
            }
            _ => Ok(()),
        }
    }

    async fn is_left_behind(&self, arn: &str) -> Result<bool> {
        let made = match self.iam.client.get_policy().policy_arn(arn).send().await {
            Ok(answer) => answer.policy.and_then(|policy| policy.create_date),
            Err(error) if is_absent(&error) => return Ok(false),
            Err(error) => return Err(self.iam.failed(&Call::new("GetPolicy", arn), &error)),
        };
        let made = made.and_then(|made| SystemTime::try_from(made).ok());
        Ok(made.and_then(|made| made.elapsed().ok()).is_some_and(|age| age > LONGEST))
    }

    fn lease_arn(&self) -> String {
        self.assumer.lease_arn(self.iam.partition, &self.iam.account)
    }
}
