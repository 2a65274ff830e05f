//! What is wrong with a role, each with what mends it.

use domain::reason::{Reason, ReasonCode};
use maud::{Markup, html};

use super::{Icon, Page, code, icon, patches, prose};

pub(super) fn reasons(page: &Page<'_>) -> Markup {
    let (reasons, warnings) = (&page.connection.reasons, page.connection.warnings());
    html! {
        @for reason in reasons { (one(reason, "no", Icon::No)) }
        @if let Some(command) = patches::mend_trust(page, reasons) {
            (code("Mend the trust policy with the AWS CLI", &command))
            details #trust_policy {
                summary { "The trust policy as it has to be (" code { "trust_policy" } ")" }
                (code("trust-policy.json", &page.setup.trust_policy.to_pretty_json()))
            }
        }
        @if let Some(command) = patches::add_statements(page, reasons) {
            (code("Add what is missing with the AWS CLI", &command))
        }
        @for warning in &warnings { (one(warning, "note", Icon::Note)) }
    }
}

fn one(reason: &Reason, class: &str, drawing: Icon) -> Markup {
    html! {
        div.reason.(class) {
            span.sign.(class) { (icon(drawing)) }
            div {
                h3 { (title(reason.code)) }
                p { (prose(&reason.detail)) }
                p.remedy { b { "What to do: " } (prose(&reason.remedy)) }
                @if let Some(patch) = &reason.patch {
                    (code("patch", &serde_json::to_string_pretty(patch).unwrap_or_default()))
                }
            }
        }
    }
}

const fn title(code: ReasonCode) -> &'static str {
    match code {
        ReasonCode::RoleNotAssumable => "AWS does not let the provider use the role",
        ReasonCode::TrustMissingExternalId => "The role can be used without the external ID",
        ReasonCode::TrustAcceptsAnyExternalId => "The role accepts any external ID",
        ReasonCode::AccountMismatch => "The role belongs to another account",
        ReasonCode::PermissionMissing => "A permission is missing",
        ReasonCode::RegionUnavailable => "A Region is closed",
        ReasonCode::ProbeInconclusive => "AWS did not answer",
        ReasonCode::RoleAlreadyConnected => "The role is connected already",
        ReasonCode::RoleStillAssumable => "The role can still be used",
        ReasonCode::GrantCapacityExhausted => "The provider has no room left",
        ReasonCode::RestoreNeedsUpdateItem => "Restoring tables needs one more permission",
    }
}
