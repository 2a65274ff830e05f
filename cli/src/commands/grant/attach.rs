//! `drawbridge grant attach`.

use std::time::Duration;

use clap::Args;
use domain::RoleArn;
use domain::people::{Assumer, Held, MAX_ATTACHMENTS, Quota, Step, attach};
use domain::policy::grant_policy;
use serde_json::{Value, json};

use super::assumer::Who;
use super::held::{Done, Policies, Read};
use crate::arguments::Options;
use crate::caller::Caller;
use crate::commands::confirmation::Confirmation;
use crate::commands::role::parsed;
use crate::difference;
use crate::exit::Exit;
use crate::failure::{Failure, Result};
use crate::iam::Iam;
use crate::screen::Screen;

/// How often everything is looked at again where it is not as it should be by then.
pub(super) const ROUNDS: u32 = 8;

/// Lets a user, group or role of your account assume a role, of another account mostly.
#[derive(Debug, Args)]
#[command(after_help = "\
The role has to trust it as well: `drawbridge role create --for-people` makes one that does. The role's ARN
joins a policy that holds such ARNs alone; when it is full (6,144 characters), the next is begun.

Exit codes:
  0  it may assume the role, as far as its own account is concerned
  1  it was not confirmed, or AWS refused, or there is no room
  2  something is to change, and there is neither a terminal to ask at nor a --yes
  3  AWS cannot be reached, or there are no credentials

Examples:
  drawbridge grant attach --user alice --role-arn arn:aws:iam::123456789012:role/Support
  drawbridge grant attach --group support --role-arn arn:aws:iam::123456789012:role/Support --yes")]
pub struct AttachGrant {
    #[command(flatten)]
    who: Who,
    /// The role that it is to assume
    #[arg(long, value_name = "ARN", value_parser = parsed::<RoleArn>)]
    role_arn: RoleArn,
    /// Managed policies that AWS attaches in your account, if it raised the quota
    #[arg(long, value_name = "N", default_value_t = MAX_ATTACHMENTS)]
    attachments: usize,
    #[command(flatten)]
    confirmation: Confirmation,
}

impl AttachGrant {
    pub(super) async fn run(self, options: &Options, screen: &Screen) -> Result<Exit> {
        let assumer = self.who.assumer()?;
        let iam = Iam::of(&Caller::of_account(options).await?).await?;
        let policies = Policies { iam: &iam, assumer: &assumer };
        let plan = |read: &Read| {
            let quota = Quota { attachments: self.attachments, attached: read.attached };
            attach(&read.policies, &self.role_arn, quota).map_err(|error| {
                let mut failure = Failure::unexpected(format!("the {assumer} has no room for another policy"))
                    .because(error.detail)
                    .next(
                        "detach what is not needed; or have the quota \"Managed policies attached\" raised and pass \
                         --attachments; or use a group",
                    );
                failure.code = Some(error.code.to_owned());
                failure
            })
        };
        let change = Change { policies: &policies, role: &self.role_arn, confirmation: &self.confirmation };
        change.carry_out(screen, plan, "may assume", "Allow this?").await?;
        screen.note(&format!(
            "\nnext: the role has to trust it as well; then: drawbridge exec --role-arn {} -- aws sts get-caller-identity",
            self.role_arn
        ));
        Ok(Exit::Done)
    }
}

/// A change to one's policies: planned by what is there, shown, done, and looked at again.
pub(super) struct Change<'a> {
    pub policies: &'a Policies<'a>,
    pub role: &'a RoleArn,
    pub confirmation: &'a Confirmation,
}

impl Change<'_> {
    pub async fn carry_out(
        &self,
        screen: &Screen,
        plan: impl Fn(&Read) -> Result<Vec<Step>>,
        outcome: &str,
        question: &str,
    ) -> Result<()> {
        let assumer = self.policies.assumer;
        let read = self.policies.read().await?;
        let steps = plan(&read)?;
        let is_changed = !steps.is_empty();
        let difference = lines(assumer, &steps, &read.policies);
        let answer = json!({
            "principal": assumer.to_string(), "role_arn": self.role, "changed": is_changed, "difference": difference,
        });
        if is_changed {
            let told = format!("In the account {}:\n{difference}\n", self.policies.iam.account);
            self.confirmation.agree(screen, &answer, &told, question)?;
            self.policies.take_lease(screen).await?;
            let done = self.take_steps(plan).await;
            let given_back = self.policies.give_lease_back().await;
            done.and(given_back)?;
        }
        screen.show(&answer, |_| format!("the {assumer} {outcome} {}", self.role))
    }
}

impl Change<'_> {
    /// Plans anew, does it, and looks until there is nothing left to do. What was agreed to is the role, not
    /// what else is there.
    async fn take_steps(&self, plan: impl Fn(&Read) -> Result<Vec<Step>>) -> Result<()> {
        for round in 1..=ROUNDS {
            let read = self.policies.read().await?;
            let steps = plan(&read)?;
            if steps.is_empty() {
                return Ok(());
            }
            if round > 1 {
                tokio::time::sleep(pause(round)).await;
            }
            for step in &steps {
                if self.policies.take(step, &read).await? == Done::Overtaken {
                    break;
                }
            }
        }
        Err(Failure::unexpected(format!("the policies of the {} keep changing", self.policies.assumer))
            .next("repeat this: what is done already is not done twice"))
    }
}

/// A while that differs from process to process, so that those who met do not meet again in step.
pub(super) fn pause(round: u32) -> Duration {
    let mut byte = [0];
    let random = getrandom::fill(&mut byte).map_or(128, |()| u64::from(byte[0]));
    // A second and a quarter at most.
    Duration::from_millis(random * u64::from(round.min(5)))
}

fn lines(assumer: &Assumer, steps: &[Step], held: &[Held]) -> String {
    let document = |roles| grant_policy(roles).map(|document| json!(document));
    let before = |number: u8| held.iter().find(|policy| policy.number == number);
    let told = steps.iter().map(|step| match step {
        Step::Create(number, roles) => {
            let lines = difference::of_documents(None, document(roles).as_ref());
            format!("+ the policy {}\n{lines}", assumer.policy_name(*number))
        }
        Step::Rewrite(number, roles) => {
            let old: Option<Value> = before(*number).and_then(|policy| document(&policy.roles));
            let lines = difference::of_documents(old.as_ref(), document(roles).as_ref());
            format!("  the policy {}:\n{lines}", assumer.policy_name(*number))
        }
        Step::Attach(number) => format!("+ attached to the {assumer}: {}", assumer.policy_name(*number)),
        Step::Remove(number) => {
            let name = assumer.policy_name(*number);
            format!("- attached to the {assumer}: {name}\n- the policy {name}")
        }
    });
    told.collect::<Vec<_>>().join("\n")
}
