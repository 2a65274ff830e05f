//! `POST /v1/connections/{connection_id}/invite`

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use domain::ConnectionId;
use serde::Serialize;
use utoipa::ToSchema;

use crate::app::App;
use crate::carry_out::carry_out;
use web::caller::Operator;
use web::id::Id;
use web::idempotency::{Idempotent, kept};
use web::problem::Refused;

/// A customer's link to a connection.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct InviteView {
    /// The link. It is shown only now: a replay leaves it out.
    #[serde(skip_serializing_if = "Option::is_none")]
    invite_url: Option<String>,
    /// When it ends.
    #[schema(value_type = String, format = DateTime)]
    expires_at: jiff::Timestamp,
}

/// Makes a new link for the customer. The one before it ends at once.
#[utoipa::path(
    post,
    path = "/v1/connections/{connection_id}/invite",
    tag = "connections",
    params(("connection_id" = String, Path)),
    responses((status = 201, description = "The link", body = InviteView))
)]
pub(crate) async fn create_invite(
    State(app): State<App>,
    Operator(actor): Operator,
    Id(id): Id<ConnectionId>,
    request_key: Idempotent,
) -> Result<(StatusCode, Json<InviteView>), Refused> {
    let (link, hold) = app.invite(runtime::now());
    let view = InviteView { invite_url: Some(link), expires_at: hold.expires_at };
    let answer = |_: &domain::Connection| kept(StatusCode::CREATED, &view);
    carry_out(&app, id, &actor, &request_key, answer, |connection, moment| {
        connection.renew_invite(hold.clone(), moment.occasion).map(Some)
    })
    .await?;
    Ok((StatusCode::CREATED, Json(view)))
}

#[cfg(test)]
mod tests;
