//! What a customer needs to make the role, and a provider to see what it will be granted.
//!
//! Every form is made from the same [`Wanted`], so that it yields the same role.

mod cloudformation;
mod commands;
mod console;
mod quick_create;
mod terraform;

use serde::Serialize;

use crate::arn::{RoleArn, RoleName};
use crate::connection::Connection;
use crate::deployment::Deployment;
use crate::external_id::ExternalId;
use crate::place::{AccountId, Partition};
use crate::policy::{self, PolicyDocument};

pub use cloudformation::cloudformation;
pub use quick_create::stack_name;

/// The name of the role's inline policy.
pub const POLICY_NAME: &str = "drawbridge";
/// What the role says of itself.
pub const DESCRIPTION: &str = "Lets Drawbridge operate in this account.";
/// The tag that names the provider's account, by which such a role is known.
pub const PROVIDER_TAG: &str = "drawbridge:provider";
/// How long its sessions last at most, in seconds. A broker's own session makes them, and such last no
/// longer. Source: IAM User Guide, "Roles terms and concepts", role chaining.
pub const MAX_SESSION_SECONDS: u32 = 3600;

/// The documents of one connection, with its values filled in.
///
/// They hold its external ID, which its customer needs: they are for that customer and the
/// provider's operators.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Setup {
    /// The trust policy of the customer's role.
    pub trust_policy: PolicyDocument,
    /// What the role allows.
    pub permissions_policy: PolicyDocument,
    /// What Drawbridge grants its broker; null until the account or the role is known.
    pub grant_policy: Option<PolicyDocument>,
    /// A link that opens CloudFormation with every parameter filled in; null where the
    /// installation has not published its template.
    pub quick_create_url: Option<String>,
    /// AWS CLI commands for a POSIX shell.
    pub cli: String,
    /// A Terraform configuration.
    pub terraform: String,
    /// What to do in the AWS console, step by step.
    pub console: String,
}

/// The role that every form makes.
struct Wanted<'a> {
    name: &'a RoleName,
    /// Its ARN, once its account is known.
    arn: Option<RoleArn>,
    provider: &'a AccountId,
    partition: Partition,
    external_id: &'a ExternalId,
    trust: PolicyDocument,
    permissions: PolicyDocument,
}

impl<'a> Wanted<'a> {
    fn of(connection: &'a Connection, deployment: &'a Deployment) -> Self {
        let partition = deployment.partition;
        let external_id = &connection.external_id;
        let account = connection.role_arn.as_ref().map(RoleArn::account).or(connection.account_id.as_ref());
        let arn = connection.role_arn.clone().or_else(|| {
            account.map(|account| RoleArn::new(partition, account.clone(), connection.role_name().clone()))
        });
        Self {
            name: connection.role_name(),
            arn,
            provider: &deployment.provider,
            partition,
            external_id,
            trust: policy::trust_policy(partition, &deployment.trusted_principal(), Some(external_id)),
            permissions: policy::permissions_policy(partition, account, &connection.capabilities),
        }
    }

    /// Its ARN, with a place to fill in where the account is not known.
    fn arn(&self) -> String {
        self.arn.as_ref().map_or_else(
            || format!("arn:{}:iam::ACCOUNT:role/{}", self.partition, self.name),
            ToString::to_string,
        )
    }

    /// The account that everything is to be done in, for people.
    fn account(&self) -> String {
        let account = self.arn.as_ref().map(|arn| format!("the AWS account {}", arn.account()));
        account.unwrap_or_else(|| "the AWS account that the provider is to work in".to_owned())
    }
}

impl Setup {
    /// The documents of `connection`.
    #[must_use]
    pub fn of(connection: &Connection, deployment: &Deployment) -> Self {
        let wanted = Wanted::of(connection, deployment);
        Self {
            grant_policy: wanted.arn.clone().and_then(|role| policy::grant_policy(&[role].into())),
            quick_create_url: quick_create::url(connection, deployment),
            cli: commands::commands(&wanted),
            terraform: terraform::configuration(&wanted),
            console: console::steps(&wanted),
            trust_policy: wanted.trust,
            permissions_policy: wanted.permissions,
        }
    }
}

#[cfg(test)]
mod tests;
