//! The page around everything: its head, who asks, and where each part stands.

use domain::ConnectionState;
use maud::{DOCTYPE, Markup, html};

use super::{Page, Site, moment, progress, review, role, ways};

/// One whole page.
pub(super) fn frame(
    site: &Site,
    up: &str,
    title: &str,
    head: &Markup,
    aside: &Markup,
    main: &Markup,
) -> Markup {
    let assets = &site.assets;
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                title { (title) " · " (site.brand.name) }
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                meta name="robots" content="noindex, nofollow";
                link rel="icon" href={ (up) (assets.mark.link()) };
                link rel="stylesheet" href={ (up) (assets.style.link()) };
                script src={ (up) (assets.script.link()) } defer {}
                (head)
            }
            body {
                a.skip href="#main" { "Skip to the content" }
                header.top {
                    div.inside {
                        img.mark src={ (up) (assets.mark.link()) } alt="" width="36" height="36";
                        span.name { (site.brand.name) }
                        span.aside { (aside) }
                    }
                }
                main #main tabindex="-1" { (main) }
                footer.bottom {
                    div.inside {
                        p { "This page belongs to you and " (site.brand.name) " alone: do not pass its address on." }
                        p { "Served by Drawbridge. It loads nothing from anybody else, and sets no cookies." }
                    }
                }
                p #say.unseen role="status" aria-live="polite" {}
            }
        }
    }
}

/// The page of one customer.
pub(super) fn page(page: &Page<'_>) -> Markup {
    let head = html! {
        @if page.is_busy() {
            // With a script the page brings in by itself what is new.
            noscript { meta http-equiv="refresh" content="5"; }
        }
    };
    let aside = html! {
        @if let Some(invite) = &page.connection.invite { "Link valid until " (moment(invite.expires_at)) }
    };
    frame(page.site, "", "Connect your AWS account", &head, &aside, &main(page))
}

fn main(page: &Page<'_>) -> Markup {
    use ConnectionState as S;
    let instructions = "What was asked for, and how the role is made";
    html! {
        (hero(page))
        (progress::progress(page))
        @match page.connection.state {
            S::PendingRole => {
                (review::review(page, Some(1)))
                (ways::ways(page, Some(2)))
                (role::form(page, Some(3)))
            }
            S::Failed => {
                (role::form(page, None))
                (fold(instructions, &html! { (review::review(page, None)) (ways::ways(page, None)) }))
            }
            S::Verifying => (fold(instructions, &html! {
                (review::review(page, None)) (ways::ways(page, None))
            })),
            S::Active | S::Degraded | S::Suspended => (fold("The role's policies, as they were asked for", &html! {
                (review::policies(page))
            })),
            S::Offboarding | S::Offboarded => {}
        }
    }
}

fn fold(title: &str, inside: &Markup) -> Markup {
    html! { details.fold { summary { (title) } div.folded { (inside) } } }
}

fn hero(page: &Page<'_>) -> Markup {
    use ConnectionState as S;
    let provider = page.provider();
    let (title, lede) = match page.connection.state {
        S::PendingRole => (
            format!("{provider} asks to connect to your AWS account"),
            format!(
                "You make one IAM role. {provider} can use it for what is listed below and nothing else, and you \
                 can end that at any time. No keys change hands, and nothing is installed."
            ),
        ),
        S::Verifying => (
            "Your role is being verified".to_owned(),
            "This mostly takes less than a minute. AWS may need a moment until it knows a new role.".to_owned(),
        ),
        S::Active => (
            "Your account is connected".to_owned(),
            format!("{provider} can do what you agreed to, and that has been proven."),
        ),
        S::Degraded => (
            "Connected, but something is missing".to_owned(),
            "The role is safe and most of it works. What AWS refuses is listed here, each with what mends it."
                .to_owned(),
        ),
        S::Failed => (
            "This role cannot be accepted yet".to_owned(),
            format!("{provider} does not use it. See what is wrong, mend it, and have it verified again."),
        ),
        S::Suspended => (
            "The connection is suspended".to_owned(),
            format!(
                "The role no longer keeps strangers out as it did. {provider} does nothing in your account until \
                 it does so again."
            ),
        ),
        S::Offboarding => (
            "The connection is being ended".to_owned(),
            format!("{provider} gives up its access, and it is shown that AWS refuses it."),
        ),
        S::Offboarded => (
            "The connection has ended".to_owned(),
            format!("{provider} can no longer assume your role."),
        ),
    };
    html! { div.hero { h1 { (title) } p.lede { (lede) } } }
}

/// The heading of a part, with its number where the parts are steps.
pub(super) fn heading(id: &str, step: Option<u8>, title: &str) -> Markup {
    html! {
        h2 id=(id) {
            @if let Some(step) = step { span.step aria-hidden="true" { (step) } }
            (title)
        }
    }
}
