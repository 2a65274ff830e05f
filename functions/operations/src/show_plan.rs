//! `GET /v1/plans/{plan_id}`

use axum::Json;
use axum::extract::State;
use domain::PlanId;
use runtime::now;
use web::caller::Operator;
use web::id::Id;
use web::problem::Refused;

use crate::app::App;
use crate::view::PlanView;

/// Shows a plan.
#[utoipa::path(
    get,
    path = "/v1/plans/{plan_id}",
    tag = "plans",
    params(("plan_id" = String, Path)),
    responses((status = 200, description = "The plan, as it was made, and where it stands", body = PlanView))
)]
pub(crate) async fn show_plan(
    State(app): State<App>,
    _: Operator,
    Id(plan): Id<PlanId>,
) -> Result<Json<PlanView>, Refused> {
    Ok(Json(PlanView::of(app.store.plan(plan).await?, now())))
}
