//! The onboarding page: what a customer sees behind their link.
//!
//! All of it is made here, on the server; the script only brings in what was made again. The page
//! asks nobody else for anything: style, script and logo are this function's own, under names that
//! are the hash of what is in them, and the policy of its answers lets nothing else in.

mod assets;
mod checks;
mod frame;
mod patches;
mod progress;
mod reasons;
mod refusals;
mod review;
mod revoke;
mod role;
mod ways;

use axum::http::header::{
    CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderName, REFERRER_POLICY, VARY, X_CONTENT_TYPE_OPTIONS,
};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse as _, Response};
use domain::check::Check;
use domain::invite::Invite;
use domain::setup::Setup;
use domain::{Connection, ConnectionState, Deployment};
use maud::{Markup, html};

use crate::brand::Brand;
pub(crate) use assets::Assets;
pub(crate) use refusals::answer_browsers;

/// What is the same on every page.
#[derive(Debug)]
pub struct Site {
    pub(crate) brand: Brand,
    pub(crate) assets: Assets,
}

impl Site {
    pub(crate) fn new(brand: Brand) -> Self {
        Self { assets: Assets::of(&brand), brand }
    }
}

/// What was wrong with what the customer sent by the form.
#[derive(Debug)]
pub(crate) struct Fault {
    /// What they typed.
    pub typed: String,
    /// What is wrong with it.
    pub detail: String,
    /// Whether it is about the role; otherwise it is about what they asked for.
    pub of_role: bool,
}

/// Everything that one customer's page shows.
#[derive(Debug)]
pub(crate) struct Page<'a> {
    pub site: &'a Site,
    pub deployment: &'a Deployment,
    pub invite: &'a Invite,
    pub connection: &'a Connection,
    pub checks: Vec<Check>,
    pub setup: Setup,
    pub fault: Option<Fault>,
}

impl Page<'_> {
    /// The page as an answer.
    pub fn answer(&self, status: StatusCode) -> Response {
        document(status, frame::page(self))
    }

    /// The part of it that changes while Drawbridge works.
    pub fn progress(&self) -> Response {
        document(StatusCode::OK, progress::progress(self))
    }

    /// Whether Drawbridge is at work, so that there will be something new to see.
    fn is_busy(&self) -> bool {
        let working = [ConnectionState::Verifying, ConnectionState::Offboarding];
        self.connection.is_being_verified() || working.contains(&self.connection.state)
    }

    /// The provider's name.
    fn provider(&self) -> &crate::brand::ProviderName {
        &self.site.brand.name
    }

    /// A way to another page of this customer's.
    fn link(&self, action: &str) -> String {
        format!("{}/{action}", self.invite.expose())
    }
}

/// What a page may load, and who may embed it or be sent its forms.
const POLICY: &str = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; \
                      form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

/// HTML as an answer, with the headers that keep what it shows where it is.
pub(crate) fn document(status: StatusCode, markup: Markup) -> Response {
    let mut response = (status, markup.into_string()).into_response();
    let headers = response.headers_mut();
    for (name, value) in [
        (CONTENT_TYPE, "text/html; charset=utf-8"),
        (CONTENT_SECURITY_POLICY, POLICY),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (REFERRER_POLICY, "no-referrer"),
        (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
        (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
        (HeaderName::from_static("x-robots-tag"), "noindex, nofollow"),
        (VARY, "accept"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    response
}

/// Whether who asks would rather have a page than JSON: a browser names HTML first.
pub(crate) fn prefers_html(headers: &HeaderMap) -> bool {
    let accept = headers.get_all("accept").iter().filter_map(|value| value.to_str().ok());
    let (mut html, mut json) = (0.0_f32, 0.0_f32);
    for range in accept.flat_map(|value| value.split(',')) {
        let mut parts = range.split(';').map(str::trim);
        let kind = parts.next().unwrap_or_default();
        let weight = parts.find_map(|part| part.strip_prefix("q=")?.parse().ok()).unwrap_or(1.0);
        match kind {
            "text/html" => html = html.max(weight),
            "application/json" | "application/problem+json" => json = json.max(weight),
            _ => {}
        }
    }
    html > json
}

/// A moment, for people.
fn moment(at: jiff::Timestamp) -> Markup {
    html! { time datetime=(at) { (at.strftime("%-d %b %Y, %H:%M UTC")) } }
}

/// Text that marks names of things `like this`.
fn prose(text: &str) -> Markup {
    html! {
        @for (place, part) in text.split('`').enumerate() {
            @if place % 2 == 1 { code { (part) } } @else { (part) }
        }
    }
}

/// A block to copy. The script gives it its button.
fn code(label: &str, text: &str) -> Markup {
    html! {
        figure.code data-copy {
            figcaption { (label) }
            pre tabindex="0" role="region" aria-label=(label) { code { (text.trim_end()) } }
        }
    }
}

/// A drawing that says nothing which the words beside it do not.
fn icon(name: Icon) -> Markup {
    let path = match name {
        Icon::Yes => "M4 10.5l4 4 8-9",
        Icon::No => "M5 5l10 10M15 5L5 15",
        Icon::Note => "M10 5v6M10 14.5v.5",
        Icon::Ask => "M10 14.5v.5M7 7a3 3 0 1 1 4.2 2.7c-.8.4-1.2.9-1.2 1.8",
        Icon::Lock => "M6 9V7a4 4 0 0 1 8 0v2M4.5 9h11v7h-11z",
        Icon::Out => "M8 5H5v10h10v-3M11 4h5v5M16 4l-7 7",
    };
    html! {
        svg.icon viewBox="0 0 20 20" aria-hidden="true" { path d=(path) {} }
    }
}

#[derive(Debug, Clone, Copy)]
enum Icon {
    Yes,
    No,
    Note,
    Ask,
    Lock,
    Out,
}

#[cfg(test)]
mod tests;
