//! `GET /v1/runs/{run_id}`

use axum::Json;
use axum::extract::State;
use domain::RunId;
use web::caller::Operator;
use web::id::Id;
use web::problem::Refused;

use crate::app::App;
use crate::run_view::RunView;

/// Shows a run, with its jobs counted by now.
#[utoipa::path(
    get,
    path = "/v1/runs/{run_id}",
    tag = "runs",
    params(("run_id" = String, Path)),
    responses((status = 200, description = "The run", body = RunView))
)]
pub(crate) async fn show_run(
    State(app): State<App>,
    _: Operator,
    Id(id): Id<RunId>,
) -> Result<Json<RunView>, Refused> {
    let run = app.store.run(id).await?;
    let tally = app.store.tally(&run).await?;
    Ok(Json(RunView::from(run).with_tally(tally)))
}

#[cfg(test)]
mod tests;
