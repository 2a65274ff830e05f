//! `GET /onboard/{invite}`: the page behind a customer's link, and what it loads.

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::http::header::{
    CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_SECURITY_POLICY, CONTENT_TYPE, X_CONTENT_TYPE_OPTIONS,
};
use axum::response::{IntoResponse as _, Response};
use domain::setup::{Setup, cloudformation};
use domain::{Connection, Error};

use crate::app::App;
use crate::invited::{Invited, Link};
use crate::page::{Fault, Page};
use crate::view::checks_of;
use web::problem::Refused;

/// Shows a customer who asks for what, how to make the role, and how far it has come.
#[utoipa::path(
    get,
    path = "/onboard/{invite}",
    tag = "onboarding",
    security(()),
    params(("invite" = String, Path, description = "The secret of the customer's link")),
    responses((status = 200, description = "The page", content_type = "text/html"))
)]
pub(crate) async fn show_page(
    State(app): State<App>,
    link: Link,
    Invited(connection): Invited,
) -> Result<Response, Refused> {
    let page = page_of(&app, &link, &connection, None).await?;
    Ok(page.answer(StatusCode::OK))
}

/// The page of a connection as it is now.
pub(crate) async fn page_of<'a>(
    app: &'a App,
    link: &'a Link,
    connection: &'a Connection,
    fault: Option<Fault>,
) -> Result<Page<'a>, Error> {
    Ok(Page {
        site: &app.site,
        deployment: &app.deployment,
        invite: &link.0,
        checks: checks_of(connection, &app.store.checks(connection.id).await?),
        setup: Setup::of(connection, &app.deployment),
        connection,
        fault,
    })
}

/// Gives a customer the `CloudFormation` template of the role, with their values in it.
#[utoipa::path(
    get,
    path = "/onboard/{invite}/role.yaml",
    tag = "onboarding",
    security(()),
    params(("invite" = String, Path, description = "The secret of the customer's link")),
    responses((status = 200, description = "The template", content_type = "application/yaml"))
)]
pub(crate) async fn show_template(State(app): State<App>, Invited(connection): Invited) -> Response {
    let headers = [
        (CONTENT_TYPE, "application/yaml"),
        (CONTENT_DISPOSITION, "attachment; filename=\"drawbridge-role.yaml\""),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ];
    (headers, cloudformation(&connection, &app.deployment)).into_response()
}

/// Gives what the page loads. Its name is the hash of what is in it, so that it never changes.
#[utoipa::path(
    get,
    path = "/onboard/assets/{file}",
    tag = "onboarding",
    security(()),
    params(("file" = String, Path, description = "As the page names it")),
    responses((status = 200, description = "The file", content_type = "*/*"))
)]
pub(crate) async fn show_asset(
    State(app): State<App>,
    Path(file): Path<String>,
) -> Result<Response, Refused> {
    let asset = app.site.assets.find(&file).ok_or_else(|| Error::not_found("file"))?;
    let headers = [
        (CONTENT_TYPE, asset.media_type),
        (CACHE_CONTROL, "public, max-age=31536000, immutable"),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        // A drawing that is opened by itself is a document.
        (CONTENT_SECURITY_POLICY, "default-src 'none'; frame-ancestors 'none'"),
    ];
    Ok((headers, asset.bytes.clone()).into_response())
}
