//! `drawbridge role create`.

use clap::Args;
use serde_json::{Value, json};

use super::changes::{Plan, is_ours};
use super::design::{Design, Purpose, switch_role_url};
use super::invited::Invite;
use super::source::RoleSource;
use crate::arguments::Options;
use crate::caller::Caller;
use crate::commands::confirmation::Confirmation;
use crate::exit::Exit;
use crate::failure::{Failure, Result};
use crate::iam::{FoundRole, Iam};
use crate::screen::Screen;
use crate::text::field;

/// Makes the role in the account that your AWS credentials are of, or brings it up to date.
#[derive(Debug, Args)]
#[command(after_help = "\
The provider's link says everything: the name, whom to trust, the external ID, what to allow. Only these
values are taken from it; the policies are made here. What is to change is shown first. A role that is as
it should be is left so, and whatever else it has stays.

A role for people is assumed by people themselves, from their own account: `drawbridge grant attach` is
that account's side. The console cannot send an external ID, so that a role that asks for one is reached
by `drawbridge console` or `exec` alone.

Exit codes:
  0  the role is as it should be
  1  it was not confirmed, or AWS or the link refused
  2  something is to change, and there is neither a terminal to ask at nor a --yes
  3  AWS cannot be reached, or there are no credentials

Examples:
  drawbridge role create --invite https://…/onboard/… --submit
  drawbridge role create --provider-account 111111111111 --external-id-file id.txt \\
    --name drawbridge-a1b2c3d4 --capability ec2-power --capability dynamodb-backup --yes
  drawbridge role create --for-people --name Support --trust-account 111111111111 --mfa \\
    --managed-policy arn:aws:iam::aws:policy/ReadOnlyAccess --tag team=support
  drawbridge role create --for-people --name Ops --trust-user arn:aws:iam::111111111111:user/ops \\
    --capability classic")]
pub struct CreateRole {
    #[command(flatten)]
    source: RoleSource,
    /// With --invite: tell the provider the role's ARN as well, which has them verify it
    #[arg(long)]
    submit: bool,
    /// Change a role of this name though neither this command nor Drawbridge made it
    #[arg(long)]
    adopt: bool,
    #[command(flatten)]
    confirmation: Confirmation,
}

impl CreateRole {
    pub(super) async fn run(self, options: Options, screen: &Screen) -> Result<Exit> {
        let invite = self.source.invite()?;
        if self.submit && invite.is_none() {
            return Err(Failure::usage("--submit needs the provider's link")
                .next("operators submit a role with `drawbridge connections submit-role`"));
        }
        let iam = Iam::of(&Caller::of_account(&options).await?).await?;
        let design = self.source.design(&iam, &options, invite.as_ref(), false).await?;
        self.make(&iam, &design, invite.as_ref(), screen).await
    }

    async fn make(
        &self,
        iam: &Iam,
        design: &Design,
        invite: Option<&Invite>,
        screen: &Screen,
    ) -> Result<Exit> {
        let found = iam.role(&design.name).await?;
        if let Some(found) = found.as_ref().filter(|found| !is_ours(found) && !self.adopt) {
            return Err(foreign(found));
        }
        let plan = Plan::new(found.as_ref(), design);
        // A role that is there may have a path.
        let arn = found.map_or_else(|| iam.role_arn(&design.name).to_string(), |found| found.arn);
        let submits = invite.filter(|_| self.submit);
        if !plan.changes.is_empty() {
            plan.carry_out(iam, design, screen, &self.confirmation).await?;
        }
        let submitted = match submits {
            Some(invite) => Some(invite.submit(&arn).await?),
            None => None,
        };
        let mut answer = plan.to_json(&arn);
        if let Value::Object(fields) = &mut answer {
            fields.insert("account_id".to_owned(), json!(iam.account));
            fields.insert("submitted".to_owned(), json!(submitted.is_some()));
            if matches!(design.purpose, Purpose::People { .. }) {
                fields.insert("switch_role_url".to_owned(), json!(link(iam, design)));
            }
        }
        screen.show(&answer, |_| {
            let done = if plan.changes.is_empty() { "is as it should be" } else { "is made as shown" };
            format!("{arn} {done}")
        })?;
        screen.note(&format!("\n{}", next(iam, design, &arn, invite.is_some(), submitted.as_ref())));
        Ok(Exit::Done)
    }
}

fn foreign(found: &FoundRole) -> Box<Failure> {
    Failure::usage(format!(
        "there is a role {} already, which neither this command nor Drawbridge made",
        found.arn
    ))
    .because("it has none of their tags, drawbridge:provider and drawbridge:people")
    .next("choose another name, or pass --adopt to have it changed: what changes is shown first")
}

/// The link for people, where the console can use it.
fn link(iam: &Iam, design: &Design) -> Option<String> {
    let usable = matches!(design.purpose, Purpose::People { with_external_id: false });
    usable.then(|| switch_role_url(iam.partition, &iam.account, &design.name))
}

fn next(iam: &Iam, design: &Design, arn: &str, is_invited: bool, submitted: Option<&Value>) -> String {
    match &design.purpose {
        Purpose::People { with_external_id } => {
            let console = match link(iam, design) {
                Some(link) => format!(
                    "people switch to it in the console by this link:\n  {link}\n(the console cannot send an external ID; \
                     this role asks for none)"
                ),
                None => "the console cannot send an external ID, which this role asks for, so that nobody can switch to \
                         it there; `drawbridge console` and `exec` with --role-arn and --external-id can"
                    .to_owned(),
            };
            let external_id = if *with_external_id { " --external-id …" } else { "" };
            format!(
                "{console}\n\
                 next: in their own account, let them: drawbridge grant attach --user NAME --role-arn {arn}\n\
                 then: drawbridge exec --role-arn {arn}{external_id} -- aws sts get-caller-identity"
            )
        }
        Purpose::Connection { .. } => match submitted {
            Some(progress) => {
                format!("the provider has its ARN, and verifies it ({})", field(progress, "state"))
            }
            None if is_invited => {
                "next: give the provider the ARN, on the page behind the link, or by repeating this \
                                   with --submit"
                    .to_owned()
            }
            None => format!(
                "next: give the provider the ARN; operators: drawbridge connections submit-role CONNECTION {arn}"
            ),
        },
    }
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
