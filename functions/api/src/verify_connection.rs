//! `POST /v1/connections/{connection_id}/verify`

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use domain::ConnectionId;

use crate::app::App;
use crate::carry_out::carry_out;
use crate::view::ConnectionView;
use web::caller::Operator;
use web::id::Id;
use web::idempotency::{Idempotent, kept};
use web::problem::Refused;

/// Verifies the connection's role again. While a verification is running this changes nothing.
#[utoipa::path(
    post,
    path = "/v1/connections/{connection_id}/verify",
    tag = "connections",
    params(("connection_id" = String, Path)),
    responses((status = 202, description = "The connection, whose role will be verified", body = ConnectionView))
)]
pub(crate) async fn verify_connection(
    State(app): State<App>,
    Operator(actor): Operator,
    Id(id): Id<ConnectionId>,
    request_key: Idempotent,
) -> Result<(StatusCode, Json<ConnectionView>), Refused> {
    let answer = |connection: &domain::Connection| {
        kept(StatusCode::ACCEPTED, &ConnectionView::from(connection.clone()))
    };
    let connection = carry_out(&app, id, &actor, &request_key, answer, |connection, moment| {
        connection.request_verification(moment.start, moment.occasion)
    })
    .await?;
    Ok((StatusCode::ACCEPTED, Json(connection.into())))
}
