//! `POST /onboard/{invite}`: the page's forms, for a browser with or without a script.

use axum::body::Body;
use axum::extract::State;
use axum::http::header::{HOST, LOCATION, ORIGIN};
use axum::http::{HeaderMap, HeaderName, StatusCode};
use axum::response::{IntoResponse as _, Response};
use domain::{Actor, Connection, Error, ErrorKind, FieldError};
use runtime::now;
use serde::Deserialize;
use utoipa::ToSchema;

use crate::app::App;
use crate::carry_out::carry_out;
use crate::invited::{Invited, Link};
use crate::page::Fault;
use crate::show_page::page_of;
use web::body::{FORM, LongestBody, collect, media_type};
use web::idempotency::Idempotent;
use web::problem::Refused;

/// Where a request comes from, as browsers say it. Source: W3C, "Fetch Metadata Request Headers".
const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// Longest form, in bytes: the longest ARN, escaped, with something to spare.
const LONGEST: LongestBody = LongestBody(4096);

/// What the page's forms send: a role, or the wish for another look.
#[derive(Debug, Default, Deserialize, ToSchema)]
pub(crate) struct OnboardingFormRequest {
    /// The ARN of the customer's role.
    role_arn: Option<String>,
    /// Present if the role is to be looked at again.
    verify: Option<String>,
}

/// Submits the customer's role, or asks for another look at it, and leads back to the page.
#[utoipa::path(
    post,
    path = "/onboard/{invite}",
    tag = "onboarding",
    security(()),
    params(("invite" = String, Path, description = "The secret of the customer's link")),
    request_body(content = OnboardingFormRequest, content_type = "application/x-www-form-urlencoded"),
    responses((status = 303, description = "The role will be verified; leads back to the page"))
)]
pub(crate) async fn submit_form(
    State(app): State<App>,
    link: Link,
    Invited(connection): Invited,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Refused> {
    refuse_strangers(&app, &headers)?;
    if !media_type(&headers).is_some_and(|sent| sent.eq_ignore_ascii_case(FORM)) {
        let detail = "send what the page's form sends";
        return Err(Refused::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported_media_type", detail));
    }
    let form = read(&collect(body, LONGEST).await?)?;
    app.store.count_submission(connection.id, now()).await?;
    let typed = form.role_arn.clone();
    match carry(&app, &connection, form).await {
        // Relative, for the page may lie anywhere on the provider's domain.
        Ok(()) => Ok((StatusCode::SEE_OTHER, [(LOCATION, link.0.expose())]).into_response()),
        Err(error) if is_told_on_the_page(&error) => {
            let of_role =
                typed.is_some() && error.code != "state_conflict" && error.code != "invite_read_only";
            let fault = Fault { typed: typed.unwrap_or_default(), detail: said(&error), of_role };
            let status = Refused::from(error).status();
            Ok(page_of(&app, &link, &connection, Some(fault)).await?.answer(status))
        }
        Err(error) => Err(error.into()),
    }
}

async fn carry(app: &App, connection: &Connection, form: OnboardingFormRequest) -> Result<(), Error> {
    let role = match form.role_arn {
        Some(text) => Some(text.trim().parse().map_err(|error: Error| error.at("/role_arn"))?),
        None => None,
    };
    carry_out(
        app,
        connection.id,
        &Actor::Customer,
        &Idempotent::default(),
        |_| None,
        |connection, moment| match &role {
            Some(role) => connection.submit_role(
                domain::RoleArn::clone(role),
                &app.deployment,
                moment.start,
                moment.occasion,
            ),
            None => connection.request_verification(moment.start, moment.occasion),
        },
    )
    .await?;
    Ok(())
}

/// What the customer can mend stands beside the field; for the rest there are pages of their own.
fn is_told_on_the_page(error: &Error) -> bool {
    matches!(error.kind, ErrorKind::Malformed | ErrorKind::Conflict | ErrorKind::Refused)
}

/// The refusal as a sentence.
fn said(error: &Error) -> String {
    let mut letters = error.detail.chars();
    let first = letters.next().map(|first| first.to_uppercase().collect::<String>()).unwrap_or_default();
    format!("{first}{}.", letters.as_str().trim_end_matches('.'))
}

/// Reads one of the page's two forms.
fn read(body: &[u8]) -> Result<OnboardingFormRequest, Error> {
    let mut form = OnboardingFormRequest::default();
    for (name, value) in form_urlencoded::parse(body) {
        let field = match &*name {
            "role_arn" => &mut form.role_arn,
            "verify" => &mut form.verify,
            _ => {
                let detail = "there is no such field in the page's form";
                return Err(Error::invalid(FieldError::new("", "unknown_field", detail)));
            }
        };
        *field = Some(value.into_owned());
    }
    if form.role_arn.is_some() == form.verify.is_some() {
        let detail = "the form holds either a role or the wish for another look";
        return Err(Error::invalid(FieldError::new("", "invalid_form", detail)));
    }
    Ok(form)
}

/// Refuses a form that another site's page has sent. Who knows the link needs no such page, so that
/// this only guards a customer whose link has become known from being led on.
///
/// Browsers say where a request comes from in `Sec-Fetch-Site`; those that do not, in `Origin`, which
/// is `null` for a page that sends no referrer, as ours.
fn refuse_strangers(app: &App, headers: &HeaderMap) -> Result<(), Error> {
    let text = |name: HeaderName| headers.get(name).map(|value| value.to_str().unwrap_or_default());
    let ours = match (text(SEC_FETCH_SITE), text(ORIGIN)) {
        (Some(site), _) => matches!(site, "same-origin" | "none"),
        (None, None | Some("null")) => true,
        (None, Some(origin)) => {
            let host = origin.split_once("://").map(|(_, host)| host);
            host.is_some()
                && (host == text(HOST)
                    || app.public_url.starts_with(&format!("{origin}/"))
                    || *app.public_url == *origin)
        }
    };
    if ours {
        return Ok(());
    }
    Err(Error::new(ErrorKind::Forbidden, "cross_site_form", "this form was sent by the page of another site"))
}

#[cfg(test)]
mod tests;
