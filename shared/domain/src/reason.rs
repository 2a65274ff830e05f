//! Why a connection is not active, and the smallest change that mends it.

use serde_json::{Value, json};

use crate::arn::RoleArn;
use crate::denial::{MEND_TRUST, Side};

/// A stable code for a reason or a warning.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum ReasonCode {
    /// The role refused us, with the right external ID, until the deadline.
    RoleNotAssumable,
    /// The role can be assumed with no external ID.
    TrustMissingExternalId,
    /// The role can be assumed with a random external ID.
    TrustAcceptsAnyExternalId,
    /// The assumed identity's account is not the ARN's.
    AccountMismatch,
    /// A requested action is denied.
    PermissionMissing,
    /// A Region accepts no session of the role, or denies everything that others allow.
    RegionUnavailable,
    /// Throttling or faults outlasted the deadline.
    ProbeInconclusive,
    /// Another connection proved this ARN first.
    RoleAlreadyConnected,
    /// Offboarding: the role still answers after the grant was removed.
    RoleStillAssumable,
    /// Every grant was full until the deadline, so that the role was never tried.
    GrantCapacityExhausted,
    /// Warning: `classic` lacks an action that AWS asks for to restore a table.
    RestoreNeedsUpdateItem,
}

impl ReasonCode {
    /// As the API writes it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::RoleNotAssumable => "role_not_assumable",
            Self::TrustMissingExternalId => "trust_missing_external_id",
            Self::TrustAcceptsAnyExternalId => "trust_accepts_any_external_id",
            Self::AccountMismatch => "account_mismatch",
            Self::PermissionMissing => "permission_missing",
            Self::RegionUnavailable => "region_unavailable",
            Self::ProbeInconclusive => "probe_inconclusive",
            Self::RoleAlreadyConnected => "role_already_connected",
            Self::RoleStillAssumable => "role_still_assumable",
            Self::GrantCapacityExhausted => "grant_capacity_exhausted",
            Self::RestoreNeedsUpdateItem => "restore_needs_update_item",
        }
    }
}

/// One reason or warning, for people and programs.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Reason {
    /// The stable code.
    pub code: ReasonCode,
    /// What is wrong, and on which side.
    pub detail: String,
    /// The smallest change that mends it.
    pub remedy: String,
    /// One IAM statement that mends it when added as it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Object))]
    pub patch: Option<Value>,
}

/// The same text whoever owns the role: it must not tell one customer about another.
pub const ROLE_ALREADY_CONNECTED: &str = "another connection has proven that it holds this role";

impl Reason {
    /// The reason with this code, about `role`.
    #[must_use]
    pub fn new(code: ReasonCode, role: &RoleArn) -> Self {
        let (detail, remedy) = match code {
            ReasonCode::RoleNotAssumable => return Self::role_not_assumable(role, Side::Unknown),
            ReasonCode::TrustMissingExternalId => (
                format!(
                    "{role} could be assumed with no external ID at all. Whoever tricks the provider into using \
                     this role's ARN would act in the customer's account (the confused deputy)."
                ),
                format!(
                    "The trust policy lacks the condition StringEquals sts:ExternalId, or another statement in \
                     it allows sts:AssumeRole without the condition. {MEND_TRUST}"
                ),
            ),
            ReasonCode::TrustAcceptsAnyExternalId => (
                format!("{role} could be assumed with a random external ID, so the ID protects nothing."),
                format!(
                    "The trust policy must compare sts:ExternalId with StringEquals to this connection's ID, \
                     with no wildcard, no StringLike, no IfExists and no further value. {MEND_TRUST}"
                ),
            ),
            ReasonCode::AccountMismatch => (
                format!(
                    "the session of {role} belongs to another account than {}, which its ARN names",
                    role.account()
                ),
                "Submit the ARN of the role as IAM shows it in the customer's own account.".to_owned(),
            ),
            ReasonCode::PermissionMissing => (
                format!("AWS refuses {role} an action that was asked for"),
                "Compare the role's permissions with `permissions_policy` of this connection's setup, then verify \
                 again."
                    .to_owned(),
            ),
            ReasonCode::RegionUnavailable => (
                format!("a Region refuses whatever {role} asks for"),
                "Enable the Region in the customer's account, or take it off the connection; then verify again."
                    .to_owned(),
            ),
            ReasonCode::ProbeInconclusive => (
                format!(
                    "AWS neither allowed nor refused the use of {role} until the deadline: it throttled or failed"
                ),
                "Nothing is known to be wrong with the role. Verify again later.".to_owned(),
            ),
            ReasonCode::RoleAlreadyConnected => (
                ROLE_ALREADY_CONNECTED.to_owned(),
                "Create a role of its own for this connection, and submit that role's ARN.".to_owned(),
            ),
            ReasonCode::RoleStillAssumable => (
                format!(
                    "Drawbridge no longer needs {role} for this connection and has given up its grant, but the \
                     broker can still assume it. Either IAM is slow to apply the removal, or another connection \
                     is verifying the same role and the grant stays for that, or somebody attached a policy to \
                     the broker."
                ),
                "Nothing: Drawbridge goes on trying. To end it at once, the customer deletes the role or \
                 removes the provider from its trust policy; the provider looks for drift with \
                 `drawbridge grants reconcile`."
                    .to_owned(),
            ),
            ReasonCode::GrantCapacityExhausted => (
                format!(
                    "Drawbridge had no room left to grant itself the use of {role}; nothing is known to be wrong \
                     with the role"
                ),
                "The provider raises BrokerCount, or offboards connections that are no longer needed; then \
                 verify again."
                    .to_owned(),
            ),
            ReasonCode::RestoreNeedsUpdateItem => return Self::restore_needs_update_item(),
        };
        Self { code, detail, remedy, patch: None }
    }

    /// The refusal of a role with the right external ID, until the deadline, by `side`.
    #[must_use]
    pub fn role_not_assumable(role: &RoleArn, side: Side) -> Self {
        let why = match side {
            Side::Unknown => {
                "Drawbridge's own grant for the role is in place, so the refusal comes from the customer's side: \
                 there is no such role, its trust policy does not name this provider or asks for another external \
                 ID, or an organization policy of the customer's forbids it."
            }
            side => side.detail(),
        };
        let remedy = match side {
            Side::Unknown | Side::RoleTrustOrAbsent => format!(
                "Check that the role exists in account {} under exactly this name and path. {MEND_TRUST}",
                role.account()
            ),
            side => side.remedy().to_owned(),
        };
        let detail = format!(
            "AWS refused (AccessDenied) to let Drawbridge's broker assume {role} with this connection's external \
             ID, until the deadline. {why}"
        );
        Self { code: ReasonCode::RoleNotAssumable, detail, remedy, patch: None }
    }

    /// The warning that `classic` carries.
    ///
    /// Source: `DynamoDB` Developer Guide, "Restoring a table from a backup", which lists
    /// `dynamodb:UpdateItem` among the permissions on the target table.
    #[must_use]
    pub fn restore_needs_update_item() -> Self {
        Self {
            code: ReasonCode::RestoreNeedsUpdateItem,
            detail: "the classic actions hold dynamodb:RestoreTableFromBackup but not dynamodb:UpdateItem, \
                     which AWS asks for to restore a table"
                .to_owned(),
            remedy: "Add `patch` to the role's permissions if tables are to be restored.".to_owned(),
            patch: Some(json!({
                "Effect": "Allow",
                "Action": "dynamodb:UpdateItem",
                "Resource": "*",
            })),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_is_written_as_it_is_named_and_tells_what_to_do() {
        let role: RoleArn = "arn:aws:iam::123456789012:role/a".parse().unwrap();
        for code in [
            ReasonCode::RoleNotAssumable,
            ReasonCode::TrustMissingExternalId,
            ReasonCode::TrustAcceptsAnyExternalId,
            ReasonCode::AccountMismatch,
            ReasonCode::PermissionMissing,
            ReasonCode::RegionUnavailable,
            ReasonCode::ProbeInconclusive,
            ReasonCode::RoleAlreadyConnected,
            ReasonCode::RoleStillAssumable,
            ReasonCode::GrantCapacityExhausted,
            ReasonCode::RestoreNeedsUpdateItem,
        ] {
            let reason = Reason::new(code, &role);
            assert_eq!(serde_json::to_value(reason.code).unwrap(), code.as_str());
            assert!(reason.remedy.ends_with('.'), "{}", reason.remedy);
        }
    }

    #[test]
    fn a_refusal_names_the_side_that_refuses_and_what_that_side_changes() {
        let role: RoleArn = "arn:aws:iam::123456789012:role/a".parse().unwrap();
        for side in Side::ALL {
            let reason = Reason::role_not_assumable(&role, side);
            assert_eq!(reason.code, ReasonCode::RoleNotAssumable);
            assert!(reason.detail.contains(&role.to_string()));
            assert_eq!(
                reason.detail.contains("The refusal is the provider's own"),
                side.is_ours(),
                "{side:?}"
            );
            assert_eq!(
                reason.remedy.starts_with("The customer has nothing to change"),
                side.is_ours(),
                "{side:?}"
            );
            assert_eq!(reason.detail.ends_with(side.detail()), side != Side::Unknown, "{side:?}");
        }
        // What AWS does not tell apart is not told apart.
        let either = Reason::role_not_assumable(&role, Side::RoleTrustOrAbsent);
        assert!(either.detail.contains("either there is no such role, or its trust policy"));
        assert!(
            either.remedy.contains("exists in account 123456789012") && either.remedy.contains(MEND_TRUST)
        );
        assert_eq!(Reason::new(ReasonCode::RoleNotAssumable, &role), {
            Reason::role_not_assumable(&role, Side::Unknown)
        });
    }
}
