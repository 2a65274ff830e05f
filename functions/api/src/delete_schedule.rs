//! `DELETE /v1/schedules/{schedule_id}`

use axum::extract::State;
use axum::http::StatusCode;
use domain::ScheduleId;
use web::caller::Operator;
use web::id::Id;
use web::if_match::IfMatch;
use web::problem::Refused;

use crate::app::App;
use crate::change_schedule::carry_out;

/// Deletes a schedule. The backups that it has made stay, and what it kept of them is kept for good; runs
/// that have begun go on.
#[utoipa::path(
    delete,
    path = "/v1/schedules/{schedule_id}",
    tag = "schedules",
    params(
        ("schedule_id" = String, Path),
        ("If-Match" = Option<String>, Header, description = "The version in quotes that the caller has seen"),
    ),
    responses((status = 204, description = "It is deleted"))
)]
pub(crate) async fn delete_schedule(
    State(app): State<App>,
    Operator(actor): Operator,
    Id(id): Id<ScheduleId>,
    if_match: IfMatch,
) -> Result<StatusCode, Refused> {
    carry_out(&app, id, &actor, |schedule, _, occasion| {
        if_match.check(schedule.version)?;
        Ok(Some(schedule.delete(occasion)))
    })
    .await?;
    Ok(StatusCode::NO_CONTENT)
}

#[cfg(test)]
mod tests;
