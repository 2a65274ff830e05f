//! `GET /onboard/{invite}/status`

use axum::Json;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::http::header::ACCEPT;
use axum::response::{IntoResponse as _, Response};
use domain::check::Check;
use domain::reason::Reason;
use domain::setup::Setup;
use domain::{Capability, Connection, ConnectionState, Region};
use serde::Serialize;
use utoipa::ToSchema;

use crate::app::App;
use crate::invited::{Invited, Link};
use crate::show_page::page_of;
use crate::show_setup::SetupView;
use crate::view::{LookingView, VerificationView, checks_of};
use web::problem::Refused;

/// How far the customer's connection has come.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ProgressView {
    state: ConnectionState,
    verification: VerificationView,
    /// Why the connection is not active, each with what mends it.
    reasons: Vec<Reason>,
    /// The look for the ready-made role, while one goes on.
    looking: Option<LookingView>,
    /// What to know though nothing is wrong.
    warnings: Vec<Reason>,
    role_arn: Option<String>,
    /// The name of the submitted role, or else of the one that is to be made.
    role_name: String,
    /// The customer's account, as announced or as proven.
    account_id: Option<String>,
    /// What the provider will be able to do.
    #[schema(value_type = Vec<String>)]
    capabilities: Vec<Capability>,
    /// Where.
    #[schema(value_type = Vec<String>)]
    regions: Vec<Region>,
    /// Whether the link only reads: the role has been proven, and is the provider's to replace.
    read_only: bool,
    #[schema(value_type = Option<String>, format = DateTime)]
    last_verified_at: Option<jiff::Timestamp>,
    /// When the link ends.
    #[schema(value_type = Option<String>, format = DateTime)]
    expires_at: Option<jiff::Timestamp>,
    /// What the role may do, as soon as it is known. Only the status has it.
    #[serde(skip_serializing_if = "Option::is_none")]
    checks: Option<Vec<Check>>,
    /// What the customer needs to make the role. Only the status has it.
    #[serde(skip_serializing_if = "Option::is_none")]
    setup: Option<SetupView>,
}

impl From<&Connection> for ProgressView {
    fn from(connection: &Connection) -> Self {
        Self {
            state: connection.state,
            verification: VerificationView::of(connection),
            reasons: connection.reasons.clone(),
            looking: LookingView::of(connection),
            warnings: connection.warnings(),
            role_arn: connection.role_arn.as_ref().map(ToString::to_string),
            role_name: connection.role_name().to_string(),
            account_id: connection.account_id.as_ref().map(ToString::to_string),
            capabilities: connection.capabilities.requested().collect(),
            regions: connection.regions.iter().cloned().collect(),
            read_only: connection.first_proven_at.is_some(),
            last_verified_at: connection.last_verified_at,
            expires_at: connection.invite.as_ref().map(|invite| invite.expires_at),
            checks: None,
            setup: None,
        }
    }
}

/// Shows a customer how far their connection has come, and what they need to make the role.
#[utoipa::path(
    get,
    path = "/onboard/{invite}/status",
    tag = "onboarding",
    security(()),
    params(("invite" = String, Path, description = "The secret of the customer's link")),
    responses((status = 200, description = "How far it has come", body = ProgressView))
)]
pub(crate) async fn show_onboarding(
    State(app): State<App>,
    link: Link,
    Invited(connection): Invited,
    headers: HeaderMap,
) -> Result<Response, Refused> {
    // The page's script, which brings in the part of the page that changes, asks for this and nothing else. Programs
    // whose default names HTML first get JSON all the same.
    if headers.get(ACCEPT).is_some_and(|accept| accept == "text/html") {
        return Ok(page_of(&app, &link, &connection, None).await?.progress());
    }
    let setup = Setup::of(&connection, &app.deployment);
    let checks = checks_of(&connection, &app.store.checks(connection.id).await?);
    Ok(Json(ProgressView {
        setup: Some(setup.into()),
        checks: Some(checks),
        ..ProgressView::from(&connection)
    })
    .into_response())
}

#[cfg(test)]
mod tests;
