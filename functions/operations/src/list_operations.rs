//! `GET /v1/connections/{connection_id}/operations`

use axum::Json;
use axum::extract::State;
use domain::ConnectionId;
use runtime::now;
use web::caller::Operator;
use web::id::Id;
use web::list_query::QueryString;
use web::problem::Refused;

use crate::app::App;
use crate::view::{OperationList, OperationView};

/// Lists a connection's operations, the oldest first.
#[utoipa::path(
    get,
    path = "/v1/connections/{connection_id}/operations",
    tag = "operations",
    params(
        ("connection_id" = String, Path),
        ("limit" = Option<u8>, Query, minimum = 1, maximum = 100, description = "Items of a page, 25 unless given"),
        ("cursor" = Option<String>, Query, description = "`next_cursor` of the page before"),
    ),
    responses((status = 200, description = "One page", body = OperationList))
)]
pub(crate) async fn list_operations(
    State(app): State<App>,
    _: Operator,
    Id(connection): Id<ConnectionId>,
    query: QueryString,
) -> Result<Json<OperationList>, Refused> {
    let page = query.only(&["limit", "cursor"])?.page()?;
    let (known, page) =
        futures::join!(app.store.connection(connection), app.store.operations(connection, &page));
    known?;
    let page = page?;
    let now = now();
    Ok(Json(OperationList {
        items: page.items.into_iter().map(|operation| OperationView::of(operation.told(now))).collect(),
        next_cursor: page.next_cursor,
    }))
}
