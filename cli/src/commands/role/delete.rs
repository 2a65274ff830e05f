//! `drawbridge role delete`.

use clap::Args;
use domain::RoleName;
use serde_json::{Value, json};

use super::changes::is_ours;
use super::source::parsed;
use crate::arguments::Options;
use crate::caller::Caller;
use crate::commands::confirmation::Confirmation;
use crate::exit::Exit;
use crate::failure::{Failure, Result};
use crate::iam::{Call, FoundRole, Iam, is_absent};
use crate::screen::Screen;

/// The tag of what a stack made. Source: AWS CloudFormation User Guide, "Resource tag".
const STACK_TAG: &str = "aws:cloudformation:stack-name";

/// Deletes a role of your account with its policies, which ends the access that it gives.
#[derive(Debug, Args)]
#[command(after_help = "\
What is removed is shown first: the role, its inline policies, and what is attached to it (managed policies
are detached and stay). Sessions that were given out last until they end, an hour at most for Drawbridge's.
A role that is gone is no error.

A role that neither this command nor Drawbridge made has to be named twice, in --not-ours as well. One that
a CloudFormation stack made goes with its stack.

Exit codes:
  0  the role is gone
  1  it was not confirmed, or AWS refused
  2  it is not to be deleted so, or there is neither a terminal to ask at nor a --yes
  3  AWS cannot be reached, or there are no credentials

Examples:
  drawbridge role delete drawbridge-a1b2c3d4
  drawbridge role delete Support --yes --output json")]
pub struct DeleteRole {
    /// The role's name
    #[arg(value_name = "NAME", value_parser = parsed::<RoleName>)]
    name: RoleName,
    /// The role's name once more, to delete one that neither this command nor Drawbridge made
    #[arg(long, value_name = "NAME")]
    not_ours: Option<String>,
    #[command(flatten)]
    confirmation: Confirmation,
}

impl DeleteRole {
    pub(super) async fn run(self, options: &Options, screen: &Screen) -> Result<Exit> {
        let iam = Iam::of(&Caller::of_account(options).await?).await?;
        self.delete(&iam, screen).await
    }

    async fn delete(&self, iam: &Iam, screen: &Screen) -> Result<Exit> {
        let arn = iam.role_arn(&self.name).to_string();
        let Some(found) = iam.role(&self.name).await? else {
            screen
                .show(&json!({"role_arn": arn, "deleted": false}), |_| format!("there is no role {arn}"))?;
            return Ok(Exit::Done);
        };
        self.may_go(&found)?;
        let told = format!("In the account {}:\n{}\n", iam.account, lines(&found, &self.name));
        let answer = answer(&found, false);
        self.confirmation.agree(screen, &answer, &told, "Delete the role and end this access?")?;
        remove(iam, &self.name, &found).await?;
        screen.show(&self::answer(&found, true), |_| format!("{} is deleted", found.arn))?;
        Ok(Exit::Done)
    }

    fn may_go(&self, found: &FoundRole) -> Result<()> {
        if let Some(stack) = found.tags.get(STACK_TAG) {
            return Err(Failure::usage(format!("{} belongs to the CloudFormation stack {stack}", found.arn))
                .next(format!("delete the stack: aws cloudformation delete-stack --stack-name {stack}")));
        }
        if !is_ours(found) && self.not_ours.as_deref() != Some(self.name.as_str()) {
            return Err(Failure::usage(format!("neither this command nor Drawbridge made {}", found.arn))
                .because("it has none of their tags, drawbridge:provider and drawbridge:people")
                .next(format!("if it is to be deleted, name it twice: --not-ours {}", self.name)));
        }
        Ok(())
    }
}

fn lines(found: &FoundRole, name: &RoleName) -> String {
    let mut lines: Vec<_> = found.inline.keys().map(|policy| format!("- inline policy {policy}")).collect();
    lines.extend(found.attached.iter().map(|arn| format!("- attachment of {arn}")));
    lines.push(format!("- the role {name}"));
    lines.join("\n")
}

fn answer(found: &FoundRole, deleted: bool) -> Value {
    json!({
        "role_arn": found.arn,
        "inline_policies": found.inline.keys().collect::<Vec<_>>(),
        "attached_policies": found.attached,
        "deleted": deleted,
    })
}

/// Takes the role's policies away, and then the role. What is gone meanwhile is gone.
async fn remove(iam: &Iam, name: &RoleName, found: &FoundRole) -> Result<()> {
    let (client, name) = (&iam.client, name.as_str());
    for policy in found.inline.keys() {
        match client.delete_role_policy().role_name(name).policy_name(policy).send().await {
            Err(error) if !is_absent(&error) => {
                return Err(iam.failed(&Call::new("DeleteRolePolicy", &found.arn), &error));
            }
            _ => {}
        }
    }
    for policy in &found.attached {
        match client.detach_role_policy().role_name(name).policy_arn(policy).send().await {
            Err(error) if !is_absent(&error) => {
                return Err(iam.failed(&Call::new("DetachRolePolicy", &found.arn), &error));
            }
            _ => {}
        }
    }
    match client.delete_role().role_name(name).send().await {
        Err(error) if !is_absent(&error) => Err(iam.failed(&Call::new("DeleteRole", &found.arn), &error)),
        _ => Ok(()),
    }
}
