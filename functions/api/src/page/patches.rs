//! What mends a role, as commands that the customer can paste.

use domain::reason::{Reason, ReasonCode};
use serde_json::{Value, json};

use super::Page;

/// The command that adds every statement that the reasons ask for. Of no statement there is none.
pub(super) fn add_statements(page: &Page<'_>, reasons: &[Reason]) -> Option<String> {
    let statements: Vec<&Value> = reasons.iter().filter_map(|reason| reason.patch.as_ref()).collect();
    if statements.is_empty() {
        return None;
    }
    let policy = json!({"Version": "2012-10-17", "Statement": statements});
    // A version has its own name, so that mending once more takes nothing back.
    Some(format!(
        "aws iam put-role-policy --role-name='{}' \\\n  --policy-name drawbridge-mend-{} \\\n  --policy-document '{policy}'",
        page.connection.role_name(),
        page.connection.version,
    ))
}

/// The command that makes the role trust as it should, where a reason is about its trust.
pub(super) fn mend_trust(page: &Page<'_>, reasons: &[Reason]) -> Option<String> {
    let of_trust = |reason: &Reason| {
        matches!(
            reason.code,
            ReasonCode::TrustMissingExternalId
                | ReasonCode::TrustAcceptsAnyExternalId
                | ReasonCode::RoleNotAssumable
        )
    };
    reasons.iter().any(of_trust).then(|| {
        format!(
            "aws iam update-assume-role-policy --role-name='{}' \\\n  --policy-document '{}'",
            page.connection.role_name(),
            serde_json::to_string(&page.setup.trust_policy).unwrap_or_default(),
        )
    })
}
