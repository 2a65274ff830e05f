//! `PATCH /v1/connections/{connection_id}`

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use domain::connection::Scope;
use domain::{ConnectionId, Deployment, Error};
use serde::Deserialize;
use utoipa::ToSchema;

use crate::app::App;
use crate::carry_out::carry_out;
use crate::scope::{capability_set, check_label, read_capabilities, read_regions};
use crate::view::ConnectionView;
use web::body::{JsonBody, given};
use web::caller::Operator;
use web::id::Id;
use web::idempotency::Idempotent;
use web::if_match::IfMatch;
use web::problem::Refused;

/// What is to be another than it is; what is left out stays.
#[expect(clippy::option_option, reason = "a null that is given is not a field that is left out")]
#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct ChangeConnectionRequest {
    /// What people call it; null takes the label away.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<String>)]
    label: Option<Option<String>>,
    /// What is asked for, all of it.
    capabilities: Option<Vec<String>>,
    /// Where, all of them.
    regions: Option<Vec<String>>,
}

/// Changes what a connection is called and what it is for. Other capabilities or Regions verify
/// the role again, if there is one.
#[utoipa::path(
    patch,
    path = "/v1/connections/{connection_id}",
    tag = "connections",
    params(
        ("connection_id" = String, Path),
        ("If-Match" = Option<String>, Header, description = "The version in quotes that the caller has seen"),
    ),
    request_body = ChangeConnectionRequest,
    responses((status = 202, description = "The connection, whose role may be verified", body = ConnectionView))
)]
pub(crate) async fn change_connection(
    State(app): State<App>,
    Operator(actor): Operator,
    Id(id): Id<ConnectionId>,
    if_match: IfMatch,
    JsonBody(request): JsonBody<ChangeConnectionRequest>,
) -> Result<(StatusCode, Json<ConnectionView>), Refused> {
    let scope = check(request, &app.deployment)?;
    let connection = carry_out(
        &app,
        id,
        &actor,
        &Idempotent::default(),
        |_| None,
        |connection, moment| {
            if_match.check(connection.version)?;
            connection.change_scope(scope.clone(), moment.start, moment.occasion)
        },
    )
    .await?;
    Ok((StatusCode::ACCEPTED, Json(connection.into())))
}

fn check(request: ChangeConnectionRequest, deployment: &Deployment) -> Result<Scope, Error> {
    let mut errors = Vec::new();
    check_label(request.label.as_ref().and_then(Option::as_deref), &mut errors);
    let capabilities = request.capabilities.and_then(|names| read_capabilities(&names, &mut errors));
    let regions = request.regions.and_then(|names| read_regions(&names, deployment, &mut errors));
    if !errors.is_empty() {
        return Err(Error::invalid_fields(errors));
    }
    Ok(Scope { label: request.label, capabilities: capabilities.map(capability_set).transpose()?, regions })
}

#[cfg(test)]
mod tests;
