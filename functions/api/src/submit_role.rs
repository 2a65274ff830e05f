//! `PUT /v1/connections/{connection_id}/role`

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use domain::{ConnectionId, Error, FieldError, RoleArn};
use serde::Deserialize;
use serde_json::Value;
use utoipa::ToSchema;

use crate::app::App;
use crate::carry_out::carry_out;
use crate::view::ConnectionView;
use web::body::JsonBody;
use web::caller::Operator;
use web::id::Id;
use web::idempotency::Idempotent;
use web::if_match::IfMatch;
use web::problem::Refused;

/// The customer's role.
#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct SubmitRoleRequest {
    /// Its ARN, such as `arn:aws:iam::123456789012:role/NAME`.
    #[schema(required, value_type = String)]
    pub role_arn: Option<Value>,
}

/// Submits the customer's role, a first one or another; the same one again is verified again.
#[utoipa::path(
    put,
    path = "/v1/connections/{connection_id}/role",
    tag = "connections",
    params(
        ("connection_id" = String, Path),
        ("If-Match" = Option<String>, Header, description = "The version in quotes that the caller has seen"),
    ),
    request_body = SubmitRoleRequest,
    responses((status = 202, description = "The connection, whose role will be verified", body = ConnectionView))
)]
pub(crate) async fn submit_role(
    State(app): State<App>,
    Operator(actor): Operator,
    Id(id): Id<ConnectionId>,
    if_match: IfMatch,
    JsonBody(request): JsonBody<SubmitRoleRequest>,
) -> Result<(StatusCode, Json<ConnectionView>), Refused> {
    let role = read_role(request.role_arn.as_ref())?;
    let none = Idempotent::default();
    let connection = carry_out(
        &app,
        id,
        &actor,
        &none,
        |_| None,
        |connection, moment| {
            if_match.check(connection.version)?;
            connection.submit_role(role.clone(), &app.deployment, moment.start, moment.occasion)
        },
    )
    .await?;
    Ok((StatusCode::ACCEPTED, Json(connection.into())))
}

/// Reads the role of a request.
pub(crate) fn read_role(value: Option<&Value>) -> Result<RoleArn, Error> {
    match value {
        Some(Value::String(text)) => text.parse().map_err(|error: Error| error.at("/role_arn")),
        _ => Err(Error::invalid(FieldError::new(
            "/role_arn",
            "invalid_role_arn",
            "role_arn is required, and is a string such as arn:aws:iam::123456789012:role/NAME",
        ))),
    }
}

#[cfg(test)]
mod tests;
