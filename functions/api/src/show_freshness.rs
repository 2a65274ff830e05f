//! `GET /v1/connections/{connection_id}/freshness`, `GET /v1/freshness`

use axum::Json;
use axum::extract::State;
use domain::ConnectionId;
use web::caller::Operator;
use web::id::Id;
use web::list_query::QueryString;
use web::problem::Refused;

use crate::app::App;
use crate::freshness_view::{FreshnessList, StaleList};

/// Shows how old the newest good backup is of each resource that the connection's schedules select, and whether
/// that is older than they promise. It is looked at every hour, when a schedule changes, and when a run of this
/// connection alone ends.
#[utoipa::path(
    get,
    path = "/v1/connections/{connection_id}/freshness",
    tag = "backups",
    params(
        ("connection_id" = String, Path),
        ("limit" = Option<u8>, Query, minimum = 1, maximum = 100, description = "Items of a page, 25 unless given"),
        ("cursor" = Option<String>, Query, description = "`next_cursor` of the page before"),
    ),
    responses((status = 200, description = "One page", body = FreshnessList))
)]
pub(crate) async fn show_freshness(
    State(app): State<App>,
    _: Operator,
    Id(connection): Id<ConnectionId>,
    query: QueryString,
) -> Result<Json<FreshnessList>, Refused> {
    let page = query.only(&["limit", "cursor"])?.page()?;
    let (_, (page, looked_at)) =
        futures::try_join!(app.store.connection(connection), app.store.freshness(connection, &page))?;
    Ok(Json(FreshnessList {
        items: page.items.into_iter().map(Into::into).collect(),
        next_cursor: page.next_cursor,
        looked_at,
    }))
}

/// Lists what is stale, of all connections: each resource whose newest good backup is older than a schedule
/// promises.
#[utoipa::path(
    get,
    path = "/v1/freshness",
    tag = "backups",
    params(
        ("limit" = Option<u8>, Query, minimum = 1, maximum = 100, description = "Items of a page, 25 unless given"),
        ("cursor" = Option<String>, Query, description = "`next_cursor` of the page before"),
    ),
    responses((status = 200, description = "One page", body = StaleList))
)]
pub(crate) async fn list_stale(
    State(app): State<App>,
    _: Operator,
    query: QueryString,
) -> Result<Json<StaleList>, Refused> {
    let page = app.store.stale(&query.only(&["limit", "cursor"])?.page()?).await?;
    Ok(Json(StaleList {
        items: page.items.into_iter().map(Into::into).collect(),
        next_cursor: page.next_cursor,
    }))
}

#[cfg(test)]
mod tests;
