//! Refusals as pages, for customers who asked by a browser.

use axum::extract::{Request, State};
use axum::http::HeaderMap;
use axum::http::header::ACCEPT;
use axum::middleware::Next;
use axum::response::Response;
use domain::ErrorKind;
use maud::{Markup, html};
use web::problem::{Refused, answered_as, request_id};

use super::assets::{invite_in, way_up};
use super::{Site, document, frame, prefers_html};
use crate::app::App;

/// Answers what a browser was refused below `/onboard` by a page.
pub(crate) async fn answer_browsers(State(app): State<App>, request: Request, next: Next) -> Response {
    let path = request.uri().path().to_owned();
    let by_browser = path.starts_with("/onboard/") && is_browsers(request.headers());
    let request_id = request_id(&request);
    let response = next.run(request).await;
    if !by_browser {
        return response;
    }
    answered_as(response, &request_id, |refused| {
        document(refused.status(), page(&app.site, &path, refused, &request_id))
    })
}

/// Whether a browser goes to an address. Some programs name HTML first as well, but not XHTML, and no browser sends a
/// key.
fn is_browsers(headers: &HeaderMap) -> bool {
    let accept = headers.get(ACCEPT).and_then(|accept| accept.to_str().ok()).unwrap_or_default();
    prefers_html(headers)
        && accept.contains("application/xhtml+xml")
        && !headers.contains_key("idempotency-key")
}

fn page(site: &Site, path: &str, refused: &Refused, request_id: &str) -> Markup {
    let (error, provider) = (refused.error(), &site.brand.name);
    let (title, text) = match error.kind {
        ErrorKind::NotFound => (
            "This link is not known",
            format!("See that you have copied all of it. If you have, ask {provider} for a new one."),
        ),
        ErrorKind::Gone if error.code == "invite_expired" => (
            "This link has expired",
            format!(
                "Links are good for a limited time. Ask {provider} for a new one: what you have done is kept."
            ),
        ),
        ErrorKind::Gone => (
            "This link is no longer in use",
            format!(
                "{provider} has replaced it by a new one, or ended the connection. If the connection has ended, you \
                 can delete the role that you made for it."
            ),
        ),
        ErrorKind::Throttled => {
            ("That was asked too often", format!("{}.", super::review::capitalized(&error.detail)))
        }
        ErrorKind::Unavailable | ErrorKind::Internal => (
            "Something is wrong on our side",
            format!(
                "It is not about your role. Try again in a moment; if that does not help, tell {provider}."
            ),
        ),
        _ => ("That could not be done", format!("{}.", super::review::capitalized(&error.detail))),
    };
    // Of a link that leads nowhere nothing is shown.
    let back = invite_in(path).filter(|_| !matches!(error.kind, ErrorKind::NotFound | ErrorKind::Gone));
    let up = way_up(path);
    let main = html! {
        div.hero.alone {
            p.status { (refused.status().as_u16()) }
            h1 { (title) }
            p.lede { (text) }
            @if let Some(seconds) = error.retry_after {
                p { "Come back in " (super::review::count(seconds.div_ceil(60) as usize, "minute")) "." }
            }
            @if let Some(invite) = back {
                p { a.button href={ (up) (invite.expose()) } { "Back to the page" } }
            }
            @if refused.status().is_server_error() && !request_id.is_empty() {
                p.quiet { "Request " code { (request_id) } }
            }
        }
    };
    frame::frame(site, up, title, &html! {}, &html! {}, &main)
}
