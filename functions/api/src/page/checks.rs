//! What the role may do, action by action.

use std::collections::BTreeMap;

use domain::check::{Check, CheckOutcome};
use domain::{Action, Capability, Region};
use maud::{Markup, html};

use super::review::capitalized;
use super::{Icon, Page, icon};

/// How many of a capability's answers are of which kind.
fn told(rows: &[&Check]) -> String {
    let of = |outcome| rows.iter().filter(|check| check.outcome == outcome).count();
    let mut parts = vec![format!("{} of {} allowed", of(CheckOutcome::Allowed), rows.len())];
    for (outcome, word) in [
        (CheckOutcome::Denied, "refused"),
        (CheckOutcome::Inconclusive, "not answered"),
        (CheckOutcome::Unverifiable, "cannot be tried safely"),
    ] {
        if of(outcome) > 0 {
            parts.push(format!("{} {word}", of(outcome)));
        }
    }
    parts.join(", ")
}

/// What stands for all of them: what is worst, and nothing good where nothing could be tried.
pub(super) fn worst(rows: &[&Check]) -> CheckOutcome {
    let any = |outcome: &CheckOutcome| rows.iter().any(|check| check.outcome == *outcome);
    let order = [CheckOutcome::Denied, CheckOutcome::Inconclusive, CheckOutcome::Allowed];
    order.into_iter().find(any).unwrap_or(CheckOutcome::Unverifiable)
}

/// The checks of one capability.
pub(super) fn of<'a>(page: &'a Page<'_>, capability: Capability) -> Vec<&'a Check> {
    page.checks.iter().filter(|check| check.capability == capability).collect()
}

pub(super) fn checks(page: &Page<'_>) -> Markup {
    let effective = page.connection.capabilities.effective();
    html! {
        @if !page.checks.is_empty() {
            h3 { "What was checked" }
            div.checks {
                @for capability in effective {
                    @let rows = of(page, capability);
                    @if !rows.is_empty() { (of_capability(capability, &rows)) }
                }
            }
        }
    }
}

fn of_capability(capability: Capability, rows: &[&Check]) -> Markup {
    let mut regions: Vec<&Region> = rows.iter().map(|check| &check.region).collect();
    regions.sort_unstable();
    regions.dedup();
    let found: BTreeMap<(Action, &Region), &Check> =
        rows.iter().map(|check| ((check.action, &check.region), *check)).collect();
    let actions = capability.actions().filter(|action| rows.iter().any(|check| check.action == *action));
    let title = capitalized(capability.meaning());
    html! {
        details #{ "checks-" (capability) } {
            summary { (sign(worst(rows))) span { b { (title) } small { (told(rows)) } } }
            div.scroll tabindex="0" role="region" aria-label={ "Checks: " (title) } {
                table {
                    thead { tr { th scope="col" { "Action" } @for region in &regions { th scope="col" { (region) } } } }
                    tbody {
                        @for action in actions {
                            tr {
                                th scope="row" { code { (action) } }
                                @for region in &regions {
                                    @match found.get(&(action, *region)) {
                                        Some(check) => td title=[check.detail.as_deref()] {
                                            (sign(check.outcome)) (word(check.outcome))
                                        },
                                        None => td { "…" },
                                    }
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}

const fn word(outcome: CheckOutcome) -> &'static str {
    match outcome {
        CheckOutcome::Allowed => "allowed",
        CheckOutcome::Denied => "refused",
        CheckOutcome::Unverifiable => "not tried",
        CheckOutcome::Inconclusive => "no answer",
    }
}

fn sign(outcome: CheckOutcome) -> Markup {
    let (class, drawing) = match outcome {
        CheckOutcome::Allowed => ("yes", Icon::Yes),
        CheckOutcome::Denied => ("no", Icon::No),
        CheckOutcome::Unverifiable => ("open", Icon::Ask),
        CheckOutcome::Inconclusive => ("note", Icon::Note),
    };
    html! { span.sign.(class) { (icon(drawing)) } }
}
