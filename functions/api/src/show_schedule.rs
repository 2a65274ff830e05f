//! `GET /v1/schedules/{schedule_id}`

use axum::Json;
use axum::extract::State;
use domain::ScheduleId;
use runtime::now;
use web::caller::Operator;
use web::id::Id;
use web::problem::Refused;

use crate::app::App;
use crate::schedule_view::ScheduleView;

/// Shows a schedule.
#[utoipa::path(
    get,
    path = "/v1/schedules/{schedule_id}",
    tag = "schedules",
    params(("schedule_id" = String, Path)),
    responses((status = 200, description = "The schedule", body = ScheduleView))
)]
pub(crate) async fn show_schedule(
    State(app): State<App>,
    _: Operator,
    Id(id): Id<ScheduleId>,
) -> Result<Json<ScheduleView>, Refused> {
    Ok(Json(ScheduleView::of(app.store.schedule(id).await?, now())))
}
