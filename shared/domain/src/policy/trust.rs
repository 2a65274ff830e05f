//! Whom a role trusts.

use std::collections::BTreeMap;

use super::{PATH, PolicyDocument, Statement, broker_arn};
use crate::arn::UserArn;
use crate::external_id::ExternalId;
use crate::place::{AccountId, Partition};

/// Whom a customer's role trusts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TrustedPrincipal {
    /// The provider's account, but of it only the brokers. A new broker needs no change at the
    /// customer's.
    Account {
        /// The provider's account.
        provider: AccountId,
    },
    /// One broker by name. AWS stores it as the role's unique id, so the trust dies with the role.
    Role {
        /// The provider's account.
        provider: AccountId,
        /// The broker's number, from 1.
        broker: u16,
    },
    /// A user, for people's roles. AWS stores it as the user's unique id. Connections never trust a
    /// user.
    User(UserArn),
    /// Everybody of an account whom that account lets, for people's roles. Connections never trust so
    /// many.
    People {
        /// The source account.
        account: AccountId,
    },
}

/// The trust policy of a role for `principal`. A connection's always asks for its external ID;
/// only a role for people may go without.
#[must_use]
pub fn trust_policy(
    partition: Partition,
    principal: &TrustedPrincipal,
    external_id: Option<&ExternalId>,
) -> PolicyDocument {
    let trusted = match principal {
        TrustedPrincipal::Account { provider: account } | TrustedPrincipal::People { account } => {
            format!("arn:{partition}:iam::{account}:root")
        }
        TrustedPrincipal::Role { provider, broker } => broker_arn(partition, provider, *broker),
        TrustedPrincipal::User(arn) => arn.to_string(),
    };
    let mut statement = Statement {
        principal: Some(BTreeMap::from([("AWS", trusted)])),
        resource: None,
        ..Statement::allow(["sts:AssumeRole"], [""; 0])
    };
    if let TrustedPrincipal::Account { provider } = principal {
        let brokers = format!("arn:{partition}:iam::{provider}:role{PATH}broker-*");
        statement = statement.on_condition("ArnLike", "aws:PrincipalArn", brokers.as_str());
    }
    if let Some(external_id) = external_id {
        statement = statement.on_condition("StringEquals", "sts:ExternalId", external_id.expose());
    }
    PolicyDocument::new(vec![statement])
}
