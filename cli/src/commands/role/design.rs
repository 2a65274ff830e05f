//! A role as it should be, whoever it is for.

use std::collections::BTreeMap;

use domain::policy::PolicyDocument;
use domain::setup::{DESCRIPTION, MAX_SESSION_SECONDS, PROVIDER_TAG};
use domain::{AccountId, Partition, RoleName};
use serde_json::{Value, json};

/// The tag by which a role for people is known; its value is the account that it trusts.
pub(super) const PEOPLE_TAG: &str = "drawbridge:people";

/// A role as it should be.
#[derive(Debug, Clone)]
pub(super) struct Design {
    pub name: RoleName,
    /// The account that it is for, where it is known.
    pub account: Option<AccountId>,
    pub trust: PolicyDocument,
    /// The inline policy, if it has one.
    pub permissions: Option<PolicyDocument>,
    /// The ARNs of managed policies.
    pub managed: Vec<String>,
    /// What it says of itself; left as it is if it is not said.
    pub description: Option<String>,
    /// In seconds; left as it is if it is not said.
    pub max_session_seconds: Option<u32>,
    pub tags: BTreeMap<String, String>,
    pub purpose: Purpose,
}

/// What a role is for.
#[derive(Debug, Clone)]
pub(super) enum Purpose {
    /// A connection of Drawbridge's.
    Connection { provider: AccountId },
    /// People of an account, who may have to say an external ID.
    People { with_external_id: bool },
}

impl Design {
    /// The role of a connection.
    pub fn of_connection(
        name: RoleName,
        account: Option<AccountId>,
        provider: AccountId,
        trust: PolicyDocument,
        permissions: PolicyDocument,
    ) -> Self {
        Self {
            name,
            account,
            trust,
            permissions: Some(permissions),
            managed: vec![],
            description: Some(DESCRIPTION.to_owned()),
            max_session_seconds: Some(MAX_SESSION_SECONDS),
            tags: [(PROVIDER_TAG.to_owned(), provider.to_string())].into(),
            purpose: Purpose::Connection { provider },
        }
    }

    /// The trust policy as JSON.
    pub fn trust_document(&self) -> Value {
        json!(self.trust)
    }
}

/// The link by which people come from their own account's console into this role.
///
/// Source: IAM User Guide, "Provide users with a URL to switch roles in the console"; Amazon Web Services
/// in China, "Getting Started", and AWS GovCloud (US) User Guide, "Signing in".
pub(super) fn switch_role_url(partition: Partition, account: &AccountId, name: &RoleName) -> String {
    let host = match partition {
        Partition::Aws => "signin.aws.amazon.com",
        Partition::AwsCn => "signin.amazonaws.cn",
        Partition::AwsUsGov => "signin.amazonaws-us-gov.com",
    };
    let name = percent_encoding::utf8_percent_encode(name.as_str(), percent_encoding::NON_ALPHANUMERIC);
    // A hyphen and an underscore need no code.
    let name = name.to_string().replace("%2D", "-").replace("%5F", "_");
    format!("https://{host}/switchrole?roleName={name}&account={account}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_switch_role_link_is_its_partitions() {
        let account = "123456789012".parse().unwrap();
        let name = "Support_Read-Only+1".parse().unwrap();
        let link = |partition| switch_role_url(partition, &account, &name);
        assert_eq!(
            link(Partition::Aws),
            "https://signin.aws.amazon.com/switchrole?roleName=Support_Read-Only%2B1&account=123456789012"
        );
        assert!(link(Partition::AwsCn).starts_with("https://signin.amazonaws.cn/switchrole?"));
        assert!(link(Partition::AwsUsGov).starts_with("https://signin.amazonaws-us-gov.com/switchrole?"));
    }
}
