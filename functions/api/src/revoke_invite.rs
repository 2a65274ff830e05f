//! `DELETE /v1/connections/{connection_id}/invite`

use axum::extract::State;
use axum::http::StatusCode;
use domain::ConnectionId;

use crate::app::App;
use crate::carry_out::carry_out;
use web::caller::Operator;
use web::id::Id;
use web::idempotency::Idempotent;
use web::if_match::IfMatch;
use web::problem::Refused;

/// Ends the customer's link. Where there is none, nothing changes.
#[utoipa::path(
    delete,
    path = "/v1/connections/{connection_id}/invite",
    tag = "connections",
    params(
        ("connection_id" = String, Path),
        ("If-Match" = Option<String>, Header, description = "The connection's version in quotes that the caller has seen"),
    ),
    responses((status = 204, description = "No link leads to the connection"))
)]
pub(crate) async fn revoke_invite(
    State(app): State<App>,
    Operator(actor): Operator,
    Id(id): Id<ConnectionId>,
    if_match: IfMatch,
) -> Result<StatusCode, Refused> {
    carry_out(
        &app,
        id,
        &actor,
        &Idempotent::default(),
        |_| None,
        |connection, moment| {
            if_match.check(connection.version)?;
            Ok(connection.revoke_invite(moment.occasion))
        },
    )
    .await?;
    Ok(StatusCode::NO_CONTENT)
}

#[cfg(test)]
mod tests;
