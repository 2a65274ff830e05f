//! `GET /v1/connections`

use axum::Json;
use axum::extract::State;
use domain::{ConnectionState, Error, FieldError};
use store::ConnectionFilter;

use crate::app::App;
use crate::view::ConnectionList;
use web::caller::Operator;
use web::list_query::QueryString;
use web::problem::Refused;

/// Lists connections, the oldest first.
#[utoipa::path(
    get,
    path = "/v1/connections",
    tag = "connections",
    params(
        ("state" = Option<ConnectionState>, Query, description = "Those in this state alone"),
        ("customer_id" = Option<String>, Query, description = "Those of this customer alone"),
        ("limit" = Option<u8>, Query, minimum = 1, maximum = 100, description = "Items of a page, 25 unless given"),
        ("cursor" = Option<String>, Query, description = "`next_cursor` of the page before"),
    ),
    responses((status = 200, description = "One page; it may be short though more follow", body = ConnectionList))
)]
pub(crate) async fn list_connections(
    State(app): State<App>,
    _: Operator,
    query: QueryString,
) -> Result<Json<ConnectionList>, Refused> {
    let query = query.only(&["state", "customer_id", "limit", "cursor"])?;
    let filter = ConnectionFilter {
        state: query.value("state").map(state).transpose()?,
        customer_id: query
            .value("customer_id")
            .map(|id| id.parse().map_err(|error: Error| error.at("/customer_id")))
            .transpose()?,
    };
    let page = app.store.connections(filter, &query.page()?).await?;
    Ok(Json(ConnectionList {
        items: page.items.into_iter().map(Into::into).collect(),
        next_cursor: page.next_cursor,
    }))
}

fn state(name: &str) -> Result<ConnectionState, Error> {
    ConnectionState::ALL.into_iter().find(|state| state.as_str() == name).ok_or_else(|| {
        let known = ConnectionState::ALL.map(ConnectionState::as_str).join(", ");
        Error::invalid(FieldError::new("/state", "invalid_state", format!("a state is one of {known}")))
    })
}
