//! `POST /onboard/{invite}/look`

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use domain::{AccountId, Actor, Error};
use runtime::now;
use serde::Deserialize;
use utoipa::ToSchema;

use crate::app::App;
use crate::carry_out::carry_out;
use crate::invited::Invited;
use crate::show_onboarding::ProgressView;
use web::body::JsonBody;
use web::idempotency::{Idempotent, kept};
use web::problem::Refused;

/// Where the ready-made role is, or is about to be.
#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct LookRequest {
    /// The customer's AWS account; needed unless the provider has announced it.
    account_id: Option<String>,
}

/// Looks for the ready-made role for a while, so that its ARN need not be pasted: once it is there it is
/// submitted and verified. Asked again, it looks again at once.
#[utoipa::path(
    post,
    path = "/onboard/{invite}/look",
    tag = "onboarding",
    security(()),
    params(("invite" = String, Path, description = "The secret of the customer's link")),
    request_body = LookRequest,
    responses((status = 202, description = "The role is looked for", body = ProgressView))
)]
pub(crate) async fn look_for_invited_role(
    State(app): State<App>,
    Invited(connection): Invited,
    request_key: Idempotent,
    JsonBody(request): JsonBody<LookRequest>,
) -> Result<(StatusCode, Json<ProgressView>), Refused> {
    app.store.count_submission(connection.id, now()).await?;
    let account: Option<AccountId> = request
        .account_id
        .map(|id| id.parse().map_err(|error: Error| error.at("/account_id")))
        .transpose()?;
    let answer =
        |connection: &domain::Connection| kept(StatusCode::ACCEPTED, &ProgressView::from(connection));
    let connection =
        carry_out(&app, connection.id, &Actor::Customer, &request_key, answer, |connection, moment| {
            connection.look_for_role(account.clone(), &app.deployment, moment.look, moment.occasion)
        })
        .await?;
    Ok((StatusCode::ACCEPTED, Json(ProgressView::from(&connection))))
}

#[cfg(test)]
mod tests;
