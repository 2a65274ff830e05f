//! `drawbridge policy`.

mod forms;

use clap::{ArgGroup, Args, Subcommand};
use domain::arn::UserArn;
use domain::policy::{TrustedPrincipal, grant_policy, permissions_policy, trust_policy};
use domain::{AccountId, Capability, CapabilitySet, Partition, RoleArn};

use super::role::parsed;
use crate::exit::Exit;
use crate::external_id::ExternalIdSource;
use crate::failure::{Failure, Result};
use crate::screen::{Screen, raw};
use forms::{Form, Kind};

/// Which policy is printed.
#[derive(Debug, Subcommand)]
#[command(after_help = "\
Nothing is asked and nothing is sent: the policies are made of what you say, the same that the API, the page
and `drawbridge role` make.

Examples:
  drawbridge policy permissions --capability ec2-power --capability dynamodb-backup
  drawbridge policy trust --provider-account 111111111111 --external-id-file id.txt
  drawbridge policy grant --role-arn arn:aws:iam::123456789012:role/Support --format terraform")]
pub enum PolicyCommand {
    /// Whom a role trusts
    Trust(Trust),
    /// What a role allows
    Permissions(Permissions),
    /// What lets somebody assume roles
    Grant(Grant),
}

/// Prints whom a role trusts.
#[derive(Debug, Args)]
#[command(
    group = ArgGroup::new("whom").args(["provider_account", "people_of", "user"]).required(true),
    after_help = "\
With --provider-account it is a connection's role, which only the Drawbridge of that account can assume,
with the external ID; otherwise one for people, who may do without.

Examples:
  drawbridge policy trust --provider-account 111111111111 --external-id-stdin < id.txt
  drawbridge policy trust --trust-account 111111111111 --mfa --format cloudformation
  drawbridge policy trust --trust-user arn:aws:iam::111111111111:user/ops"
)]
pub struct Trust {
    /// The provider's account
    #[arg(long, value_name = "ACCOUNT", value_parser = parsed::<AccountId>)]
    provider_account: Option<AccountId>,
    /// The account whose people may assume the role
    #[arg(long = "trust-account", value_name = "ACCOUNT", value_parser = parsed::<AccountId>)]
    people_of: Option<AccountId>,
    /// The one user who may assume the role
    #[arg(long = "trust-user", value_name = "ARN", value_parser = parsed::<UserArn>)]
    user: Option<UserArn>,
    /// Only those who have signed in with MFA; brokers never have
    #[arg(long, conflicts_with = "provider_account")]
    mfa: bool,
    #[command(flatten)]
    external_id: ExternalIdSource,
    #[command(flatten)]
    how: How,
}

/// Prints what a role allows.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  drawbridge policy permissions --capability classic
  drawbridge policy permissions --capability dynamodb-drill --account 123456789012 --format terraform")]
pub struct Permissions {
    /// A capability that the role is to have; may be given several times
    #[arg(long = "capability", value_name = "NAME", value_parser = parsed::<Capability>, required = true)]
    capabilities: Vec<Capability>,
    /// The role's account, which narrows what names a resource
    #[arg(long, value_name = "ACCOUNT", value_parser = parsed::<AccountId>)]
    account: Option<AccountId>,
    #[command(flatten)]
    how: How,
}

/// Prints what lets somebody assume roles.
#[derive(Debug, Args)]
#[command(after_help = "\
It belongs to a user, group or role of the source account. For a connection there is nothing to do:
Drawbridge grants its own brokers.

Examples:
  drawbridge policy grant --role-arn arn:aws:iam::123456789012:role/Support
  drawbridge policy grant --role-arn arn:aws:iam::123456789012:role/Support --format cloudformation")]
pub struct Grant {
    /// A role that is to be assumed; may be given several times
    #[arg(long = "role-arn", value_name = "ARN", value_parser = parsed::<RoleArn>, required = true)]
    roles: Vec<RoleArn>,
    /// How it is printed
    #[arg(long, value_enum, value_name = "FORMAT", default_value_t)]
    format: Form,
}

/// Where it is for, and how it is printed.
#[derive(Debug, Args)]
struct How {
    /// The partition of the role's account: aws, aws-cn or aws-us-gov
    #[arg(long, value_name = "PARTITION", value_parser = parsed::<Partition>, default_value = "aws")]
    partition: Partition,
    /// How it is printed
    #[arg(long, value_enum, value_name = "FORMAT", default_value_t)]
    format: Form,
}

impl PolicyCommand {
    /// Does it.
    pub fn run(self, _: &Screen) -> Result<Exit> {
        raw(&self.text()?)?;
        Ok(Exit::Done)
    }

    fn text(&self) -> Result<String> {
        Ok(match self {
            Self::Trust(trust) => trust.text()?,
            Self::Permissions(permissions) => permissions.text()?,
            Self::Grant(grant) => grant.text()?,
        })
    }
}

impl Trust {
    fn text(&self) -> Result<String> {
        let (principal, external_id) = match (&self.provider_account, &self.people_of, &self.user) {
            (Some(provider), ..) => {
                let principal = TrustedPrincipal::Account { provider: provider.clone() };
                (principal, Some(self.external_id.required()?))
            }
            (None, Some(account), _) => {
                (TrustedPrincipal::People { account: account.clone() }, self.external_id.read()?)
            }
            (None, None, Some(user)) => (TrustedPrincipal::User(user.clone()), self.external_id.read()?),
            (None, None, None) => return Err(Failure::usage("whom the role is to trust is not said")),
        };
        let trust = trust_policy(self.how.partition, &principal, external_id.as_ref());
        let trust = if self.mfa { trust.for_mfa_alone() } else { trust };
        Ok(self.how.format.text(Kind::Trust, &trust))
    }
}

impl Permissions {
    fn text(&self) -> Result<String> {
        let set = CapabilitySet::new(self.capabilities.iter().copied())
            .map_err(|error| Failure::usage("these capabilities do not go together").because(error.detail))?;
        let document = permissions_policy(self.how.partition, self.account.as_ref(), &set);
        Ok(self.how.format.text(Kind::Permissions, &document))
    }
}

impl Grant {
    fn text(&self) -> Result<String> {
        let roles = self.roles.iter().cloned().collect();
        let document = grant_policy(&roles).ok_or_else(|| Failure::usage("no role is given"))?;
        let length = document.to_json().len();
        if length > domain::grant::MAX_POLICY_CHARACTERS {
            return Err(Failure::usage(format!("so many roles do not fit one policy: {length} characters"))
                .because(format!("IAM takes {}", domain::grant::MAX_POLICY_CHARACTERS))
                .next("print several, or have `drawbridge grant attach` keep them"));
        }
        Ok(self.format.text(Kind::Grant, &document))
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::*;
    use crate::arguments::{Arguments, Command};

    fn text(line: &str) -> Result<String> {
        let words = format!("drawbridge policy {line}");
        let arguments = Arguments::try_parse_from(words.split(' ')).unwrap();
        let Command::Policy(command) = arguments.command else { panic!() };
        command.text()
    }

    #[test]
    fn policies_are_printed_without_asking_anybody() {
        let trust: serde_json::Value =
            serde_json::from_str(&text("trust --provider-account 111111111111 --external-id an-id").unwrap())
                .unwrap();
        let statement = &trust["Statement"][0];
        assert_eq!(statement["Condition"]["StringEquals"]["sts:ExternalId"], "an-id");
        assert_eq!(statement["Principal"]["AWS"], "arn:aws:iam::111111111111:root");
        let people =
            text("trust --trust-user arn:aws-cn:iam::111111111111:user/ops --mfa --partition aws-cn")
                .unwrap();
        assert!(people.contains("MultiFactorAuthPresent") && people.contains("user/ops"), "{people}");
        let drill = text("permissions --capability dynamodb-drill --account 222222222222").unwrap();
        assert!(drill.contains("arn:aws:dynamodb:*:222222222222:table/drawbridge-drill-*"), "{drill}");
        let grant = text("grant --role-arn arn:aws:iam::123456789012:role/a").unwrap();
        assert!(grant.contains("\"Resource\": \"arn:aws:iam::123456789012:role/a\""), "{grant}");
    }

    #[test]
    fn what_makes_no_policy_says_why() {
        let told = text("permissions --capability classic --capability ec2-power").unwrap_err();
        assert_eq!(told.exit, Exit::Usage);
        assert!(told.to_string().contains("name it alone"), "{told}");
        let roles: Vec<_> =
            (0..120).map(|n| format!("--role-arn arn:aws:iam::123456789012:role/{n:0>20}")).collect();
        let told = text(&format!("grant {}", roles.join(" "))).unwrap_err();
        assert!(told.to_string().contains("6144"), "{told}");
    }
}
