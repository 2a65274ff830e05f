//! `GET /v1/connections/{connection_id}/schedules`

use axum::Json;
use axum::extract::State;
use domain::ConnectionId;
use runtime::now;
use web::caller::Operator;
use web::id::Id;
use web::list_query::QueryString;
use web::problem::Refused;

use crate::app::App;
use crate::schedule_view::{ScheduleList, ScheduleView};

/// Lists a connection's schedules, the oldest first.
#[utoipa::path(
    get,
    path = "/v1/connections/{connection_id}/schedules",
    tag = "schedules",
    params(
        ("connection_id" = String, Path),
        ("limit" = Option<u8>, Query, minimum = 1, maximum = 100, description = "Items of a page, 25 unless given"),
        ("cursor" = Option<String>, Query, description = "`next_cursor` of the page before"),
    ),
    responses((status = 200, description = "One page; it may be short though more follow", body = ScheduleList))
)]
pub(crate) async fn list_schedules(
    State(app): State<App>,
    _: Operator,
    Id(connection): Id<ConnectionId>,
    query: QueryString,
) -> Result<Json<ScheduleList>, Refused> {
    let page = query.only(&["limit", "cursor"])?.page()?;
    let (_, page) =
        futures::try_join!(app.store.connection(connection), app.store.schedules(connection, &page))?;
    let now = now();
    Ok(Json(ScheduleList {
        items: page.items.into_iter().map(|schedule| ScheduleView::of(schedule, now)).collect(),
        next_cursor: page.next_cursor,
    }))
}
