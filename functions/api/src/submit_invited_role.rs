//! `PUT /onboard/{invite}/role`

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use domain::Actor;
use runtime::now;

use crate::app::App;
use crate::carry_out::carry_out;
use crate::invited::Invited;
use crate::show_onboarding::ProgressView;
use crate::submit_role::{SubmitRoleRequest, read_role};
use web::body::JsonBody;
use web::idempotency::Idempotent;
use web::problem::Refused;

/// Submits the customer's role. Once one has been proven, only the same one can be submitted, which
/// verifies it again.
#[utoipa::path(
    put,
    path = "/onboard/{invite}/role",
    tag = "onboarding",
    security(()),
    params(("invite" = String, Path, description = "The secret of the customer's link")),
    request_body = SubmitRoleRequest,
    responses((status = 202, description = "The role will be verified", body = ProgressView))
)]
pub(crate) async fn submit_invited_role(
    State(app): State<App>,
    Invited(connection): Invited,
    JsonBody(request): JsonBody<SubmitRoleRequest>,
) -> Result<(StatusCode, Json<ProgressView>), Refused> {
    app.store.count_submission(connection.id, now()).await?;
    let role = read_role(request.role_arn.as_ref())?;
    let none = Idempotent::default();
    let connection = carry_out(
        &app,
        connection.id,
        &Actor::Customer,
        &none,
        |_| None,
        |connection, moment| {
            connection.submit_role(role.clone(), &app.deployment, moment.start, moment.occasion)
        },
    )
    .await?;
    Ok((StatusCode::ACCEPTED, Json(ProgressView::from(&connection))))
}

#[cfg(test)]
mod tests;
