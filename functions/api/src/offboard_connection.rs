//! `DELETE /v1/connections/{connection_id}`

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use domain::ConnectionId;

use crate::app::App;
use crate::carry_out::carry_out;
use crate::view::ConnectionView;
use web::caller::Operator;
use web::id::Id;
use web::idempotency::Idempotent;
use web::if_match::IfMatch;
use web::problem::Refused;

/// Ends a connection: takes its grant away, shows that AWS refuses the role, and writes the
/// receipt. Asked again while that goes on, or after it, nothing changes; after it stalled, it is
/// tried once more.
#[utoipa::path(
    delete,
    path = "/v1/connections/{connection_id}",
    tag = "connections",
    params(
        ("connection_id" = String, Path),
        ("If-Match" = Option<String>, Header, description = "The version in quotes that the caller has seen"),
    ),
    responses((status = 202, description = "The connection, which is being taken down", body = ConnectionView))
)]
pub(crate) async fn offboard_connection(
    State(app): State<App>,
    Operator(actor): Operator,
    Id(id): Id<ConnectionId>,
    if_match: IfMatch,
) -> Result<(StatusCode, Json<ConnectionView>), Refused> {
    let connection = carry_out(
        &app,
        id,
        &actor,
        &Idempotent::default(),
        |_| None,
        |connection, moment| {
            if_match.check(connection.version)?;
            connection.offboard(moment.end, moment.occasion)
        },
    )
    .await?;
    Ok((StatusCode::ACCEPTED, Json(connection.into())))
}

#[cfg(test)]
mod tests;
