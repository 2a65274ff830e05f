//! What is asked for, in plain words, and the documents that say it to AWS.

use domain::check::CheckOutcome;
use maud::{Markup, html};

use super::frame::heading;
use super::{Icon, Page, checks, code, icon};

pub(super) fn review(page: &Page<'_>, step: Option<u8>) -> Markup {
    let (provider, connection) = (page.provider(), page.connection);
    html! {
        section.card aria-labelledby="review" {
            (heading("review", step, &format!("Review what {provider} will be able to do")))
            (abilities(page))
            h3 { "In these Regions" }
            (regions(page))
            h3 { "What keeps it safe" }
            ul.ticks {
                li { (icon(Icon::Lock)) span {
                    "Only " (provider) " (AWS account " code { (page.deployment.provider.as_str()) } ") can use the role, \
                     and only with an external ID that was made for you alone. That this is so is proven before \
                     the role is used, and again and again from then on."
                } }
                li { (icon(Icon::Lock)) span {
                    "Sessions last for an hour at most, and your CloudTrail records every one of them."
                } }
                li { (icon(Icon::Lock)) span {
                    "Access ends when you delete the role."
                    @if let Some(account) = &connection.account_id {
                        " It reaches AWS account " code { (account.as_str()) } " and no other."
                    }
                } }
            }
            h3 { "Read it in full" }
            (policies(page))
        }
    }
}

/// What the role lets the provider do, one line each, and what of it AWS was seen to refuse.
pub(super) fn abilities(page: &Page<'_>) -> Markup {
    let effective = page.connection.capabilities.effective();
    html! {
        ul.abilities {
            @for capability in effective {
                @let refused = checks::worst(&checks::of(page, capability)) == CheckOutcome::Denied;
                li.refused[refused] {
                    (icon(if refused { Icon::No } else { Icon::Yes }))
                    span { b { (capitalized(capability.meaning())) }
                        small { code { (capability) } " · "
                            @if refused { "AWS refuses some of it" }
                            @else { (count(capability.actions().count(), "AWS action")) } } }
                }
            }
        }
    }
}

pub(super) fn regions(page: &Page<'_>) -> Markup {
    html! { ul.chips { @for region in &page.connection.regions { li { code { (region) } } } } }
}

pub(super) fn policies(page: &Page<'_>) -> Markup {
    html! {
        details { summary { "Permissions policy: what the role may do" }
            (code("permissions-policy.json", &page.setup.permissions_policy.to_pretty_json())) }
        details { summary { "Trust policy: who may use the role" }
            (code("trust-policy.json", &page.setup.trust_policy.to_pretty_json())) }
    }
}

pub(super) fn count(number: usize, what: &str) -> String {
    format!("{number} {what}{}", if number == 1 { "" } else { "s" })
}

pub(super) fn capitalized(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}
