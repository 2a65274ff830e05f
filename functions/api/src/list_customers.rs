//! `GET /v1/customers`

use axum::Json;
use axum::extract::State;

use crate::app::App;
use crate::view::CustomerList;
use web::caller::Operator;
use web::list_query::QueryString;
use web::problem::Refused;

/// Lists customers, the oldest first.
#[utoipa::path(
    get,
    path = "/v1/customers",
    tag = "customers",
    params(
        ("limit" = Option<u8>, Query, minimum = 1, maximum = 100, description = "Items of a page, 25 unless given"),
        ("cursor" = Option<String>, Query, description = "`next_cursor` of the page before"),
    ),
    responses((status = 200, description = "One page", body = CustomerList))
)]
pub(crate) async fn list_customers(
    State(app): State<App>,
    _: Operator,
    query: QueryString,
) -> Result<Json<CustomerList>, Refused> {
    let page = app.store.customers(&query.only(&["limit", "cursor"])?.page()?).await?;
    Ok(Json(CustomerList {
        items: page.items.into_iter().map(Into::into).collect(),
        next_cursor: page.next_cursor,
    }))
}
