//! How far it has come: the part of the page that is brought in anew while Drawbridge works.

use domain::ConnectionState;
use domain::check::CheckOutcome;
use maud::{Markup, html};

use super::{Icon, Page, checks, icon, moment, reasons, review, revoke};

/// Everything that the state decides about. The script compares `data-state` with the one before,
/// and brings in the whole page when it has changed.
pub(super) fn progress(page: &Page<'_>) -> Markup {
    html! {
        div #progress data-state=(page.connection.state.as_str()) data-busy[page.is_busy()] data-say=(said(page)) {
            @if let Some(fault) = page.fault.as_ref().filter(|fault| !fault.of_role) {
                div.notice.no role="alert" { (icon(Icon::No)) p { (fault.detail) } }
            }
            (card(page))
        }
    }
}

fn card(page: &Page<'_>) -> Markup {
    use ConnectionState as S;
    match page.connection.state {
        S::PendingRole => html! {},
        S::Verifying => html! {
            section.card.live aria-labelledby="live" {
                h2 #live { span.spin aria-hidden="true" {} "Verifying " code.long { (role(page)) } }
                (milestones(page))
                (checks::checks(page))
                noscript { p.quiet { "This page looks again every five seconds." } }
            }
        },
        S::Failed => html! {
            section.card aria-labelledby="live" {
                h2 #live { "What is wrong" }
                p.quiet { "Role " code.long { (role(page)) } }
                (reasons::reasons(page))
                (again(page, "I have mended it: verify again"))
            }
        },
        S::Active | S::Degraded | S::Suspended => html! { (connected(page)) (revoke::revoke(page)) },
        S::Offboarding => html! {
            section.card.live aria-labelledby="live" {
                h2 #live { span.spin aria-hidden="true" {} "Access is being taken away" }
                (reasons::reasons(page))
            }
        },
        S::Offboarded => html! { section.card aria-labelledby="live" {
            h2 #live { "Access is gone" }
            @if let Some(receipt) = &page.connection.receipt {
                ul.facts {
                    @if let Some(at) = receipt.assume_role_refused_at { li { "AWS refused the role on " (moment(at)) } }
                    @if let Some(at) = receipt.last_session_expires_at { li { "The last session ends by " (moment(at)) } }
                }
            }
            p { "You can delete the role " code { (page.connection.role_name()) } "." }
        } },
    }
}

fn connected(page: &Page<'_>) -> Markup {
    let (connection, provider) = (page.connection, page.provider());
    let busy = page.is_busy();
    let (class, drawing, title) = match connection.state {
        ConnectionState::Active => ("yes", Icon::Yes, "Verified"),
        ConnectionState::Degraded => ("note", Icon::Note, "Some permissions are missing"),
        _ => ("no", Icon::No, "Not in use"),
    };
    html! {
        section.card aria-labelledby="live" {
            div.verdict.(class) {
                span.sign.(class) { (icon(drawing)) }
                div {
                    h2 #live { (title) }
                    p { "Role " code.long { (role(page)) } }
                }
            }
            @if busy {
                div.notice { span.spin aria-hidden="true" {} p { "It is being verified again. Nothing changes until there is an outcome." } }
            }
            (reasons::reasons(page))
            dl.facts {
                @if let Some(account) = &connection.account_id { div { dt { "AWS account" } dd { code { (account.as_str()) } } } }
                @if let Some(at) = connection.trust.proven_at.filter(|_| connection.trust.proven) {
                    div { dt { "External ID proven" } dd { (moment(at)) } }
                }
                @if let Some(at) = connection.last_verified_at { div { dt { "Last verified" } dd { (moment(at)) } } }
            }
            @if connection.state.admits_operations() {
                h3 { "What " (provider) " can now do" }
                (review::abilities(page))
                (review::regions(page))
            }
            (checks::checks(page))
            @if !busy {
                (again(page, if connection.state == ConnectionState::Active { "Verify again" } else { "I have mended it: verify again" }))
            }
            noscript { @if busy { p.quiet { "This page looks again every five seconds." } } }
        }
    }
}

/// Asks for another look.
fn again(page: &Page<'_>, label: &str) -> Markup {
    let plain = page.connection.state == ConnectionState::Active;
    html! {
        form method="post" {
            input type="hidden" name="verify" value="again";
            button.button.second[plain] type="submit" { (label) }
        }
    }
}

fn role(page: &Page<'_>) -> String {
    page.connection.role_arn.as_ref().map(ToString::to_string).unwrap_or_default()
}

/// The steps of a verification, and which are done.
fn milestones(page: &Page<'_>) -> Markup {
    let rounds =
        page.connection.verification.as_ref().map_or(0, domain::verification::Verification::rounds_agreed);
    let proven = page.connection.verification.as_ref().is_some_and(|verification| verification.proven);
    let (known, total) = counted(page);
    let refused = page.checks.iter().filter(|check| check.outcome == CheckOutcome::Denied).count();
    let step = |done: bool, current: bool, title: &str, detail: String| {
        let (class, word) = match (done, current) {
            (true, _) => ("done", "done"),
            (false, true) => ("now", "going on"),
            (false, false) => ("later", "to come"),
        };
        html! {
            li.(class) {
                span.dot aria-hidden="true" { @if done { (icon(Icon::Yes)) } }
                span { b { (title) span.unseen { " (" (word) ")" } } small { (detail) } }
            }
        }
    };
    html! {
        ol.milestones {
            (step(rounds > 0 || proven, true, "The role can be used with your external ID",
                if rounds > 0 || proven { "AWS allows it".to_owned() } else { "Waiting for AWS to know the role".to_owned() }))
            (step(proven, rounds > 0, "Nobody gets in without it",
                match (proven, rounds) {
                    (true, _) => "No external ID, and a wrong one: AWS refuses both".to_owned(),
                    (false, 0) => "No external ID, and a wrong one: AWS must refuse both".to_owned(),
                    (false, rounds) => format!("Round {rounds} passed; once more, to be sure"),
                }))
            (step(proven && known >= total, proven, "Permissions",
                if refused > 0 { format!("{known} of {total} checked, {refused} refused") }
                else { format!("{known} of {total} checked") }))
        }
    }
}

/// How many checks are known, and how many there will be.
fn counted(page: &Page<'_>) -> (usize, usize) {
    let actions =
        page.connection.capabilities.effective().into_iter().map(|one| one.actions().count()).sum::<usize>();
    (page.checks.len(), actions * page.connection.regions.len())
}

/// The same in a sentence, for who cannot see it.
fn said(page: &Page<'_>) -> String {
    use ConnectionState as S;
    let (known, total) = counted(page);
    match page.connection.state {
        S::PendingRole => "Waiting for the role.".to_owned(),
        S::Verifying => format!("Verifying the role. {known} of {total} permissions checked."),
        S::Active if page.is_busy() => "Connected. Verifying again.".to_owned(),
        S::Active => "Connected. The role was verified.".to_owned(),
        S::Degraded => "Connected, but some permissions are missing.".to_owned(),
        S::Failed => "The role cannot be accepted yet. The page says what is wrong.".to_owned(),
        S::Suspended => "The connection is suspended. The page says why.".to_owned(),
        S::Offboarding => "The connection is being ended.".to_owned(),
        S::Offboarded => "The connection has ended.".to_owned(),
    }
}
