//! `GET /v1/runs`

use axum::Json;
use axum::extract::State;
use domain::Error;
use web::caller::Operator;
use web::list_query::QueryString;
use web::problem::Refused;

use crate::app::App;
use crate::run_view::RunList;

/// Lists runs, the oldest first.
#[utoipa::path(
    get,
    path = "/v1/runs",
    tag = "runs",
    params(
        ("connection_id" = Option<String>, Query, description = "Those that this connection is part of alone"),
        ("limit" = Option<u8>, Query, minimum = 1, maximum = 100, description = "Items of a page, 25 unless given"),
        ("cursor" = Option<String>, Query, description = "`next_cursor` of the page before"),
    ),
    responses((status = 200, description = "One page; it may be short though more follow", body = RunList))
)]
pub(crate) async fn list_runs(
    State(app): State<App>,
    _: Operator,
    query: QueryString,
) -> Result<Json<RunList>, Refused> {
    let query = query.only(&["connection_id", "limit", "cursor"])?;
    let connection = query
        .value("connection_id")
        .map(|id| id.parse().map_err(|error: Error| error.at("/connection_id")))
        .transpose()?;
    let page = app.store.runs(connection, &query.page()?).await?;
    Ok(Json(RunList {
        items: page.items.into_iter().map(Into::into).collect(),
        next_cursor: page.next_cursor,
    }))
}
