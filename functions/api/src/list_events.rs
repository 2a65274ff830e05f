//! `GET /v1/connections/{connection_id}/events`

use axum::Json;
use axum::extract::State;
use domain::ConnectionId;

use crate::app::App;
use crate::view::EventList;
use web::caller::Operator;
use web::id::Id;
use web::list_query::QueryString;
use web::problem::Refused;

/// Lists what has happened to a connection, the oldest first.
#[utoipa::path(
    get,
    path = "/v1/connections/{connection_id}/events",
    tag = "connections",
    params(
        ("connection_id" = String, Path),
        ("limit" = Option<u8>, Query, minimum = 1, maximum = 100, description = "Items of a page, 25 unless given"),
        ("cursor" = Option<String>, Query, description = "`next_cursor` of the page before"),
    ),
    responses((status = 200, description = "One page", body = EventList))
)]
pub(crate) async fn list_events(
    State(app): State<App>,
    _: Operator,
    Id(connection): Id<ConnectionId>,
    query: QueryString,
) -> Result<Json<EventList>, Refused> {
    let page = query.only(&["limit", "cursor"])?.page()?;
    // A connection that does not exist is told from one without events on this page.
    let (_, page) =
        futures::try_join!(app.store.connection(connection), app.store.events(connection, &page))?;
    Ok(Json(EventList {
        items: page.items.into_iter().map(Into::into).collect(),
        next_cursor: page.next_cursor,
    }))
}
