//! The denial doctor: which side refuses, as far as AWS says, and the smallest change that mends it.
//!
//! Decisions go by error codes. Only AWS's message tells an organization policy from a permissions
//! boundary, so this module reads it, for explanations alone: what it does not know is
//! [`Side::Unknown`], and nothing else follows from it. A message is input like any other: as long
//! and as strange as the service likes, with names in it that somebody else has chosen.
//!
//! Source: IAM User Guide, "Troubleshoot access denied error messages" (the wording of each policy
//! type) and "Troubleshoot access denied error messages with authorization ID" (what follows it); AWS
//! Security Blog, "Enhanced access denied error messages with policy ARNs"; Amazon EC2 API Reference,
//! "Error codes"; AWS STS API Reference, `AssumeRole`. `denial/messages.json` has the messages that
//! this was tried on, each with its source.

mod read;

use crate::capability::Action;
use crate::policy;
use read::{Deny, Message, Policy};

/// Who asked and was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Caller {
    /// A broker of ours, for a customer's role.
    Broker,
    /// A session of a customer's role, for anything.
    Role,
}

/// The side that refuses.
///
/// Service control policies bind the principal's account, resource control policies the resource's
/// (AWS Organizations User Guide): the same words mean the provider's organization when a broker asks
/// for a role, and the customer's when a session of the role asks for something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Side {
    /// No policy of our broker's allows it to assume the role.
    OurGrant,
    /// A policy on our broker denies it.
    OurDeny,
    /// Our broker's permissions boundary.
    OurBoundary,
    /// The session policy that we gave the session.
    OurSessionPolicy,
    /// A service control policy of the provider's organization.
    OurOrganization,
    /// The policy of a VPC endpoint that our calls go through.
    OurEndpoint,
    /// The role's trust policy.
    RoleTrust,
    /// The role's trust policy, or there is no such role: AWS does not tell other accounts which.
    RoleTrustOrAbsent,
    /// No policy of the role's allows the action.
    RolePermissions,
    /// A policy of the role's denies the action.
    RoleDeny,
    /// The role's permissions boundary does not allow the action.
    RoleBoundary,
    /// The role's permissions boundary denies the action.
    RoleBoundaryDeny,
    /// No organization policy that applies to the customer's account allows the action.
    Organization,
    /// An organization policy that applies to the customer's account denies the action.
    OrganizationDeny,
    /// The policy of the resource itself.
    ResourcePolicy,
    /// The policy of the KMS key, or what it leaves to the role's permissions, or there is no such key.
    KeyPolicy,
    /// The Region takes no credentials of the account: it is not enabled there, most likely.
    Region,
    /// AWS did not say, or in words that are not known.
    #[serde(other)]
    Unknown,
}

/// What replaces a trust policy that is wrong.
pub(crate) const MEND_TRUST: &str = "Replace the role's trust policy by `trust_policy` of this connection's \
     setup (in the CloudFormation stack: update it with the connection's ExternalId), then verify again. IAM \
     may take a minute to apply a change.";

impl Side {
    /// Every side.
    pub const ALL: [Self; 18] = [
        Self::OurGrant,
        Self::OurDeny,
        Self::OurBoundary,
        Self::OurSessionPolicy,
        Self::OurOrganization,
        Self::OurEndpoint,
        Self::RoleTrust,
        Self::RoleTrustOrAbsent,
        Self::RolePermissions,
        Self::RoleDeny,
        Self::RoleBoundary,
        Self::RoleBoundaryDeny,
        Self::Organization,
        Self::OrganizationDeny,
        Self::ResourcePolicy,
        Self::KeyPolicy,
        Self::Region,
        Self::Unknown,
    ];

    /// Whether the provider has to change something, and the customer nothing.
    #[must_use]
    pub const fn is_ours(self) -> bool {
        matches!(
            self,
            Self::OurGrant
                | Self::OurDeny
                | Self::OurBoundary
                | Self::OurSessionPolicy
                | Self::OurOrganization
                | Self::OurEndpoint
        )
    }

    /// Whether a statement that allows the action, added to the role's permissions, mends it.
    #[must_use]
    pub const fn patch_helps(self) -> bool {
        matches!(self, Self::RolePermissions)
    }

    /// What refuses, and on which side.
    #[must_use]
    pub const fn detail(self) -> &'static str {
        match self {
            Self::OurGrant => {
                "The refusal is the provider's own: no policy of Drawbridge's broker allows it to assume the role, \
                 though Drawbridge has granted it."
            }
            Self::OurDeny => {
                "The refusal is the provider's own: a policy that somebody attached to Drawbridge's broker denies it."
            }
            Self::OurBoundary => {
                "The refusal is the provider's own: the permissions boundary of Drawbridge's broker does not allow it."
            }
            Self::OurSessionPolicy => {
                "The refusal is the provider's own: Drawbridge limited this session to less than the call takes."
            }
            Self::OurOrganization => {
                "The refusal is the provider's own: a service control policy of the provider's AWS organization \
                 does not let Drawbridge's broker assume the role."
            }
            Self::OurEndpoint => {
                "The refusal is the provider's own: the policy of a VPC endpoint, through which Drawbridge calls AWS, \
                 does not allow it."
            }
            Self::RoleTrust => {
                "The role's trust policy refuses: it does not name this provider, asks for another external ID, or \
                 denies it."
            }
            Self::RoleTrustOrAbsent => {
                "AWS names no policy, and tells other accounts only this much: either there is no such role, or its \
                 trust policy does not name this provider or asks for another external ID."
            }
            Self::RolePermissions => "No policy of the role's allows the action.",
            Self::RoleDeny => "A policy of the role's denies the action explicitly.",
            Self::RoleBoundary => "The role's permissions boundary does not allow the action.",
            Self::RoleBoundaryDeny => "The role's permissions boundary denies the action explicitly.",
            Self::Organization => {
                "No organization policy (SCP) that applies to the customer's account allows the action."
            }
            Self::OrganizationDeny => {
                "An organization policy (SCP or RCP) that applies to the customer's account denies the action \
                 explicitly."
            }
            Self::ResourcePolicy => "The resource's own policy does not let the role use it so.",
            Self::KeyPolicy => {
                "The role may not use the KMS key: the key's policy does not let it, or leaves it to the role's \
                 permissions and they do not, or there is no such key in the Region."
            }
            Self::Region => {
                "The Region does not accept the account's credentials; most likely it is not enabled in the account."
            }
            Self::Unknown => "AWS did not say which policy refuses.",
        }
    }

    /// Who must change what: the smallest change that mends it.
    #[must_use]
    pub const fn remedy(self) -> &'static str {
        match self {
            Self::OurGrant => {
                "The customer has nothing to change. The provider runs `drawbridge grants reconcile`, then verifies \
                 again."
            }
            Self::OurDeny => {
                "The customer has nothing to change. The provider takes the Deny statement off the broker (Drawbridge \
                 attaches none), then verifies again."
            }
            Self::OurBoundary => {
                "The customer has nothing to change. The provider gives the brokers the permissions boundary of \
                 Drawbridge's template again, then verifies again."
            }
            Self::OurSessionPolicy => {
                "The customer has nothing to change. The provider reports it as a fault of Drawbridge's, with the \
                 action that was refused."
            }
            Self::OurOrganization => {
                "The customer has nothing to change. An administrator of the provider's AWS organization excepts the \
                 roles drawbridge/broker-* from the service control policy that denies sts:AssumeRole (or allows it \
                 where none does), then the provider verifies again."
            }
            Self::OurEndpoint => {
                "The customer has nothing to change. The provider allows the action in the policy of the VPC endpoint, \
                 then tries again."
            }
            Self::RoleTrust => MEND_TRUST,
            Self::RoleTrustOrAbsent => {
                "Check that the role exists under exactly this name and path. If it does, replace its trust policy \
                 by `trust_policy` of this connection's setup, then verify again. IAM may take a minute to apply a \
                 change."
            }
            Self::RolePermissions => {
                "The customer adds a statement that allows the action to the role's permissions."
            }
            Self::RoleDeny => {
                "The customer removes the Deny statement from the role's policies, or excepts this role or resource \
                 from it. Allowing the action once more does not help: a Deny always wins."
            }
            Self::RoleBoundary => {
                "The customer allows the action in the policy that is the role's permissions boundary, or takes the \
                 boundary off the role. Adding to the role's permissions does not help."
            }
            Self::RoleBoundaryDeny => {
                "The customer removes the Deny statement from the policy that is the role's permissions boundary, or \
                 takes the boundary off the role. Adding to the role's permissions does not help."
            }
            Self::Organization => {
                "An administrator of the customer's AWS organization allows the action in the service control \
                 policies of this account. Nothing that is changed at the role helps."
            }
            Self::OrganizationDeny => {
                "An administrator of the customer's AWS organization excepts this role from the Deny statement \
                 (often one that allows only some Regions), or removes it. Nothing that is changed at the role \
                 helps."
            }
            Self::ResourcePolicy => {
                "Whoever owns the resource allows the role in the resource's policy, or removes the Deny statement \
                 that names it."
            }
            Self::KeyPolicy => {
                "Whoever owns the KMS key allows the role to use it in the key's policy; where that policy leaves it \
                 to IAM, the customer allows the action in the role's permissions. Check that the key exists in this \
                 Region and is enabled."
            }
            Self::Region => {
                "The customer enables the Region in the account (Account settings, AWS Regions), or the provider \
                 takes it out of the connection."
            }
            Self::Unknown => {
                "The customer looks for the refused call in CloudTrail, or, if the message came with an encoded part, \
                 decodes it with `aws sts decode-authorization-message`; then compares the role with this \
                 connection's setup, and looks for a permissions boundary and for organization policies."
            }
        }
    }
}

/// The side that refuses, as far as an error's code and message say.
///
/// A code that is no refusal gives [`Side::Unknown`], whatever its message quotes.
#[must_use]
pub fn diagnose(caller: Caller, code: &str, message: &str) -> Side {
    match Kind::of(code, message) {
        Some(Kind::Region(code)) => match (caller, code) {
            // STS asks whether the role's account has it activated; the others would be about us.
            (Caller::Broker, "RegionDisabledException") | (Caller::Role, _) => Side::Region,
            (Caller::Broker, _) => Side::Unknown,
        },
        Some(Kind::Denial(_)) => side_of(caller, &Message::read(message)),
        None => Side::Unknown,
    }
}

fn side_of(caller: Caller, message: &Message) -> Side {
    use Deny::{Explicit, Implicit};
    let kms = message.service().is_some_and(|service| service.eq_ignore_ascii_case("kms"));
    match (caller, message.deny) {
        (Caller::Broker, _) if !message.is_assume_role() => Side::Unknown,
        (Caller::Broker, None) if message.gives_a_reason => Side::Unknown,
        (Caller::Broker, None) => Side::RoleTrustOrAbsent,
        (Caller::Broker, Some((deny, policy))) => match (policy, deny) {
            (Policy::Identity, Implicit) => Side::OurGrant,
            (Policy::Identity, Explicit) => Side::OurDeny,
            (Policy::Boundary, _) => Side::OurBoundary,
            (Policy::Session, _) => Side::OurSessionPolicy,
            (Policy::ServiceControl, _) => Side::OurOrganization,
            (Policy::Endpoint, _) => Side::OurEndpoint,
            (Policy::Trust | Policy::Resource, _) => Side::RoleTrust,
            (Policy::ResourceControl, Implicit) => Side::Organization,
            (Policy::ResourceControl, Explicit) => Side::OrganizationDeny,
        },
        (Caller::Role, None) if message.names_no_key => Side::KeyPolicy,
        (Caller::Role, None) => Side::Unknown,
        (Caller::Role, Some((deny, policy))) => match (policy, deny) {
            (Policy::Identity, Implicit) => Side::RolePermissions,
            (Policy::Identity, Explicit) => Side::RoleDeny,
            (Policy::Boundary, Implicit) => Side::RoleBoundary,
            (Policy::Boundary, Explicit) => Side::RoleBoundaryDeny,
            (Policy::Session, _) => Side::OurSessionPolicy,
            (Policy::ServiceControl | Policy::ResourceControl, Implicit) => Side::Organization,
            (Policy::ServiceControl | Policy::ResourceControl, Explicit) => Side::OrganizationDeny,
            (Policy::Endpoint, _) => Side::OurEndpoint,
            (Policy::Resource, _) if kms => Side::KeyPolicy,
            (Policy::Resource, _) => Side::ResourcePolicy,
            // A session of a customer's role asks for no other role.
            (Policy::Trust, _) => Side::Unknown,
        },
    }
}

/// The action that AWS says it refused, if it is one of the table's. It may be another one than was
/// asked for: some calls take rights to further actions. For explanations alone.
#[must_use]
pub fn refused_action(code: &str, message: &str) -> Option<Action> {
    match Kind::of(code, message)? {
        Kind::Denial(_) => Message::read(message).action?.parse().ok(),
        Kind::Region(_) => None,
    }
}

/// Longest explanation, in characters.
pub const LONGEST_EXPLANATION: usize = 300;

/// What AWS refused, and by what, in one line that anybody may see; `None` if the code is no refusal.
///
/// Nothing is quoted but what was parsed: the action, the resource, the kind of policy and, where it
/// is the customer's own, the policy's ARN. Who asked is left out, and so are encoded messages and
/// links that only lead the account's own people somewhere.
#[must_use]
pub fn explain(code: &str, message: &str) -> Option<String> {
    let code = match Kind::of(code, message)? {
        Kind::Region(code) => return Some(format!("the Region did not accept the credentials ({code})")),
        Kind::Denial(code) => code,
    };
    let message = Message::read(message);
    let action = message.action.as_deref().unwrap_or("the call");
    let by = match message.deny {
        Some((Deny::Implicit, policy)) => format!(": no {} allows it", policy.name()),
        Some((Deny::Explicit, policy)) => format!(": an explicit deny in {}", policy.with_article()),
        None if message.names_no_key => ": the key does not exist there, or may not be used".to_owned(),
        None => " without naming a policy".to_owned(),
    };
    // What a broker is refused by may be a policy of ours.
    let ours = message.service().is_some_and(|service| service.eq_ignore_ascii_case("sts"));
    let fits = |part: &String, rest: usize| part.len() + rest <= LONGEST_EXPLANATION;
    let told = format!("AWS refused {action} ({code}){by}");
    let policy = message.policy_arn.filter(|_| !ours).map(|arn| format!(" {arn}"));
    let policy = policy.filter(|arn| fits(arn, told.len())).unwrap_or_default();
    let broker = format!("role{}broker-", policy::PATH);
    let resource = message.resource.filter(|arn| !arn.contains(":assumed-role/") && !arn.contains(&broker));
    let resource = resource.map(|arn| format!(" on {arn}"));
    let resource = resource.filter(|arn| fits(arn, told.len() + policy.len())).unwrap_or_default();
    Some(format!("AWS refused {action}{resource} ({code}){by}{policy}"))
}

/// What kind of refusal a code stands for, with the code as it is known.
enum Kind {
    /// A policy refuses.
    Denial(&'static str),
    /// The Region does not take the credentials.
    Region(&'static str),
}

impl Kind {
    fn of(code: &str, message: &str) -> Option<Self> {
        /// Query and JSON services, EC2, EC2 Instance Connect, and KMS behind DynamoDB.
        const DENIALS: [&str; 5] = [
            "AccessDenied",
            "AccessDeniedException",
            "UnauthorizedOperation",
            "AuthException",
            "KMSAccessDeniedException",
        ];
        const REGION: [&str; 5] = [
            "AuthFailure",
            "OptInRequired",
            "UnrecognizedClientException",
            "InvalidClientTokenId",
            "RegionDisabledException",
        ];
        // CloudTrail and EC2's own documents write Client.UnauthorizedOperation.
        let code = code.strip_prefix("Client.").unwrap_or(code);
        if let Some(code) = DENIALS.into_iter().find(|known| *known == code) {
            return Some(Self::Denial(code));
        }
        // EC2 says AuthFailure of an image that is not shared, too.
        let shared = code == "AuthFailure" && message.starts_with("Not authorized for ");
        REGION.into_iter().find(|known| *known == code && !shared).map(Self::Region)
    }
}

#[cfg(test)]
mod tests;
