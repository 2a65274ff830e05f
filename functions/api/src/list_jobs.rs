//! `GET /v1/runs/{run_id}/jobs`

use axum::Json;
use axum::extract::State;
use domain::RunId;
use web::caller::Operator;
use web::id::Id;
use web::list_query::QueryString;
use web::problem::Refused;

use crate::app::App;
use crate::run_view::JobList;

/// Lists the jobs of a run that are known by now, by connection and Region.
#[utoipa::path(
    get,
    path = "/v1/runs/{run_id}/jobs",
    tag = "runs",
    params(
        ("run_id" = String, Path),
        ("limit" = Option<u8>, Query, minimum = 1, maximum = 100, description = "Items of a page, 25 unless given"),
        ("cursor" = Option<String>, Query, description = "`next_cursor` of the page before"),
    ),
    responses((status = 200, description = "One page; it may be short though more follow", body = JobList))
)]
pub(crate) async fn list_jobs(
    State(app): State<App>,
    _: Operator,
    Id(run): Id<RunId>,
    query: QueryString,
) -> Result<Json<JobList>, Refused> {
    let page = query.only(&["limit", "cursor"])?.page()?;
    let (_, page) = futures::try_join!(app.store.run(run), app.store.jobs(run, &page))?;
    Ok(Json(JobList {
        items: page.items.into_iter().map(Into::into).collect(),
        next_cursor: page.next_cursor,
    }))
}
