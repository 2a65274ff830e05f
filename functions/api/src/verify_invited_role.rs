//! `POST /onboard/{invite}/verify`

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use domain::Actor;
use runtime::now;

use crate::app::App;
use crate::carry_out::carry_out;
use crate::invited::Invited;
use crate::show_onboarding::ProgressView;
use web::idempotency::{Idempotent, kept};
use web::problem::Refused;

/// Has the role looked at again, for a customer who has mended something.
#[utoipa::path(
    post,
    path = "/onboard/{invite}/verify",
    tag = "onboarding",
    security(()),
    params(("invite" = String, Path, description = "The secret of the customer's link")),
    responses((status = 202, description = "The role will be verified", body = ProgressView))
)]
pub(crate) async fn verify_invited_role(
    State(app): State<App>,
    Invited(connection): Invited,
    request_key: Idempotent,
) -> Result<(StatusCode, Json<ProgressView>), Refused> {
    app.store.count_submission(connection.id, now()).await?;
    let answer =
        |connection: &domain::Connection| kept(StatusCode::ACCEPTED, &ProgressView::from(connection));
    let connection =
        carry_out(&app, connection.id, &Actor::Customer, &request_key, answer, |connection, moment| {
            connection.request_verification(moment.start, moment.occasion)
        })
        .await?;
    Ok((StatusCode::ACCEPTED, Json(ProgressView::from(&connection))))
}
