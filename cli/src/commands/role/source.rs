//! Which role is meant, as it is typed: by a link, by a connection, by values of one's own, or for people.

use std::io::Read as _;

use clap::{ArgGroup, Args};
use domain::arn::UserArn;
use domain::policy::{TrustedPrincipal, permissions_policy, trust_policy};
use domain::{AccountId, Capability, CapabilitySet, RoleName};

use super::design::{Design, PEOPLE_TAG, Purpose};
use super::invited::{self, Invite};
use crate::arguments::Options;
use crate::client::Client;
use crate::commands::act::tag;
use crate::external_id::ExternalIdSource;
use crate::failure::{Failure, Result};
use crate::iam::Iam;
use crate::settings::Settings;

/// The link's variable, for those who do not want it in a shell's history.
const INVITE: &str = "DRAWBRIDGE_INVITE";

/// Which role is meant.
#[derive(Debug, Clone, Args)]
#[command(group = ArgGroup::new("whose").args(["invite", "connection", "provider_account", "for_people"]))]
pub(super) struct RoleSource {
    /// The link that the provider gave you
    #[arg(
        long,
        value_name = "URL",
        help = "The link that the provider gave you, or `-` to read it from standard input [env: DRAWBRIDGE_INVITE]"
    )]
    invite: Option<String>,
    /// A connection of the provider's API, for operators who act in the customer's account as well
    #[arg(long, value_name = "ID", value_parser = crate::commands::id)]
    connection: Option<String>,
    /// With --connection: the AWS profile that the API's requests are signed with; --profile is the account's
    #[arg(long, value_name = "NAME", requires = "connection")]
    sign_with: Option<String>,
    /// The provider's account, for a connection whose values are given one by one
    #[arg(long, value_name = "ACCOUNT", value_parser = parsed::<AccountId>, requires = "name")]
    provider_account: Option<AccountId>,
    /// A role for people, who assume it themselves, and not for Drawbridge
    #[arg(long, requires = "name", requires = "trusted")]
    for_people: bool,
    /// The role's name; a link and a connection tell it
    #[arg(long, value_name = "NAME", value_parser = parsed::<RoleName>, conflicts_with_all = ["invite", "connection"])]
    name: Option<RoleName>,
    /// What the role is to allow; may be given several times
    #[arg(
        long = "capability",
        value_name = "NAME",
        value_parser = parsed::<Capability>,
        conflicts_with_all = ["invite", "connection"]
    )]
    capabilities: Vec<Capability>,
    #[command(flatten)]
    external_id: ExternalIdSource,
    #[command(flatten)]
    people: People,
}

/// What only roles for people have.
#[derive(Debug, Clone, Args)]
#[command(group = ArgGroup::new("trusted").args(["trust_account", "trust_user"]))]
struct People {
    /// With --for-people: the account whose people may assume the role, as far as that account lets them
    #[arg(long, value_name = "ACCOUNT", value_parser = parsed::<AccountId>, requires = "for_people")]
    trust_account: Option<AccountId>,
    /// With --for-people: the one user who may assume the role
    #[arg(long, value_name = "ARN", value_parser = parsed::<UserArn>, requires = "for_people")]
    trust_user: Option<UserArn>,
    /// With --for-people: only those who have signed in with MFA
    #[arg(long, requires = "for_people")]
    mfa: bool,
    /// With --for-people: a managed policy that says what the role may do; may be given several times
    #[arg(long = "managed-policy", value_name = "ARN", value_parser = policy_arn, requires = "for_people")]
    managed: Vec<String>,
    /// With --for-people: a tag of the role; may be given several times
    #[arg(long = "tag", value_name = "KEY=VALUE", value_parser = tag, requires = "for_people")]
    tags: Vec<(String, String)>,
    /// With --for-people: what the role says of itself
    #[arg(long, value_name = "TEXT", requires = "for_people")]
    description: Option<String>,
    /// With --for-people: how long its sessions may last: 3600 (by default) to 43200
    #[arg(
        long,
        value_name = "SECONDS",
        value_parser = clap::value_parser!(u32).range(3600..=43200),
        requires = "for_people"
    )]
    max_session_duration: Option<u32>,
}

impl RoleSource {
    /// The link, if it is by one.
    pub fn invite(&self) -> Result<Option<Invite>> {
        let text = match self.invite.as_deref() {
            Some("-") => {
                let mut text = String::new();
                std::io::stdin().lock().take(4096).read_to_string(&mut text).map_err(|error| {
                    Failure::usage("standard input cannot be read").because(error.to_string())
                })?;
                text
            }
            Some(link) => link.to_owned(),
            None if self.connection.is_some() || self.provider_account.is_some() || self.for_people => {
                return Ok(None);
            }
            None => match std::env::var(INVITE).ok().filter(|link| !link.trim().is_empty()) {
                Some(link) => link,
                None => return Ok(None),
            },
        };
        text.parse().map(Some).map_err(Failure::usage)
    }

    /// The role as it should be in the account of `iam`. With `trust_alone` its permissions need not be
    /// said.
    pub async fn design(
        &self,
        iam: &Iam,
        options: &Options,
        invite: Option<&Invite>,
        trust_alone: bool,
    ) -> Result<Design> {
        let design = if let Some(invite) = invite {
            invite.design().await?
        } else if let Some(id) = &self.connection {
            // The option of every command is the account's here.
            let mut options = Options { region: None, ..options.clone() };
            options.profile.clone_from(&self.sign_with);
            let client = Client::connect(&Settings::resolve(&options)?).await?;
            invited::of_connection(&client, id).await?
        } else if self.for_people {
            self.for_people(iam, trust_alone)?
        } else if let Some(provider) = &self.provider_account {
            self.by_hand(provider, iam, trust_alone)?
        } else {
            return Err(Failure::usage("whose role it is to be is not said").next(
                "pass the provider's link in --invite or DRAWBRIDGE_INVITE; or --provider-account with --name, \
                 --capability and an external ID; or --for-people",
            ));
        };
        suits(&design, iam)?;
        Ok(design)
    }

    fn permissions(&self, iam: &Iam) -> Result<Option<domain::policy::PolicyDocument>> {
        if self.capabilities.is_empty() {
            return Ok(None);
        }
        let set = CapabilitySet::new(self.capabilities.iter().copied())
            .map_err(|error| Failure::usage("these capabilities do not go together").because(error.detail))?;
        Ok(Some(permissions_policy(iam.partition, Some(&iam.account), &set)))
    }

    fn by_hand(&self, provider: &AccountId, iam: &Iam, trust_alone: bool) -> Result<Design> {
        let external_id = self.external_id.required()?;
        let permissions = match self.permissions(iam)? {
            Some(permissions) => permissions,
            None if trust_alone => domain::policy::nothing(),
            None => {
                return Err(Failure::usage("what the role is to allow is not said")
                    .next("pass --capability, once for each; README.md lists them"));
            }
        };
        let trusted = TrustedPrincipal::Account { provider: provider.clone() };
        let trust = trust_policy(iam.partition, &trusted, Some(&external_id));
        Ok(Design::of_connection(self.own_name()?, None, provider.clone(), trust, permissions))
    }

    fn for_people(&self, iam: &Iam, trust_alone: bool) -> Result<Design> {
        let people = &self.people;
        let (trusted, source) = match (&people.trust_account, &people.trust_user) {
            (Some(account), _) => (TrustedPrincipal::People { account: account.clone() }, account.clone()),
            (None, Some(user)) => (TrustedPrincipal::User(user.clone()), user.account().clone()),
            (None, None) => return Err(Failure::usage("pass --trust-account or --trust-user")),
        };
        if people.trust_user.as_ref().is_some_and(|user| user.partition() != iam.partition) {
            return Err(Failure::usage(format!("the user is in another partition than {}", iam.partition)));
        }
        let permissions = self.permissions(iam)?;
        if permissions.is_none() && people.managed.is_empty() && !trust_alone {
            return Err(Failure::usage("what the role is to allow is not said")
                .next("pass --managed-policy or --capability, once for each"));
        }
        let external_id = self.external_id.read()?;
        let trust = trust_policy(iam.partition, &trusted, external_id.as_ref());
        let mut tags: std::collections::BTreeMap<_, _> = people.tags.iter().cloned().collect();
        tags.insert(PEOPLE_TAG.to_owned(), source.to_string());
        Ok(Design {
            name: self.own_name()?,
            account: None,
            trust: if people.mfa { trust.for_mfa_alone() } else { trust },
            permissions,
            managed: people.managed.clone(),
            description: people.description.clone(),
            max_session_seconds: people.max_session_duration,
            tags,
            purpose: Purpose::People { with_external_id: external_id.is_some() },
        })
    }

    fn own_name(&self) -> Result<RoleName> {
        self.name.clone().ok_or_else(|| Failure::usage("the role's name is missing").next("pass --name"))
    }
}

/// Whether the credentials are of the account that the role is for.
fn suits(design: &Design, iam: &Iam) -> Result<()> {
    if let Some(account) = design.account.as_ref().filter(|account| **account != iam.account) {
        return Err(Failure::usage(format!(
            "the role belongs in the account {account}, and your credentials are of {}",
            iam.account
        ))
        .next("use credentials of that account (--profile, or the environment)"));
    }
    if let Purpose::Connection { provider } = &design.purpose
        && *provider == iam.account
    {
        return Err(Failure::usage("your credentials are of the provider's own account")
            .because("a connection reaches another account than the provider's")
            .next("use credentials of the customer's account (--profile, or the environment)"));
    }
    Ok(())
}

/// What is parsed as `domain` parses it everywhere.
pub(crate) fn parsed<T: std::str::FromStr<Err = domain::Error>>(
    text: &str,
) -> std::result::Result<T, String> {
    text.parse().map_err(|error: domain::Error| error.detail)
}

/// The ARN of a managed policy, AWS's or the account's own.
fn policy_arn(text: &str) -> std::result::Result<String, String> {
    let parts: Vec<&str> = text.splitn(6, ':').collect();
    let is_one = matches!(parts.as_slice(), ["arn", partition, "iam", "", _, resource]
        if partition.parse::<domain::Partition>().is_ok()
            && resource.strip_prefix("policy/").is_some_and(|name| !name.is_empty())
            && resource.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"/_+=,.@-".contains(&byte)));
    if is_one {
        Ok(text.to_owned())
    } else {
        Err("not the ARN of a managed policy, such as arn:aws:iam::aws:policy/ReadOnlyAccess".to_owned())
    }
}
