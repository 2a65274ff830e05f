//! `GET /v1/connections/{connection_id}`

use axum::Json;
use axum::extract::State;
use domain::ConnectionId;

use crate::app::App;
use crate::view::{ConnectionView, checks_of};
use web::caller::Operator;
use web::id::Id;
use web::problem::Refused;

/// Shows a connection.
#[utoipa::path(
    get,
    path = "/v1/connections/{connection_id}",
    tag = "connections",
    params(("connection_id" = String, Path)),
    responses((status = 200, description = "The connection", body = ConnectionView))
)]
pub(crate) async fn show_connection(
    State(app): State<App>,
    _: Operator,
    Id(connection): Id<ConnectionId>,
) -> Result<Json<ConnectionView>, Refused> {
    let (connection, known) = futures::join!(app.store.connection(connection), app.store.checks(connection));
    let connection = connection?;
    let checks = checks_of(&connection, &known?);
    Ok(Json(ConnectionView::from(connection).with_checks(checks)))
}
