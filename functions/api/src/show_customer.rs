//! `GET /v1/customers/{customer_id}`

use axum::Json;
use axum::extract::State;
use domain::CustomerId;

use crate::app::App;
use crate::view::CustomerView;
use web::caller::Operator;
use web::id::Id;
use web::problem::Refused;

/// Shows a customer.
#[utoipa::path(
    get,
    path = "/v1/customers/{customer_id}",
    tag = "customers",
    params(("customer_id" = String, Path)),
    responses((status = 200, description = "The customer", body = CustomerView))
)]
pub(crate) async fn show_customer(
    State(app): State<App>,
    _: Operator,
    Id(customer): Id<CustomerId>,
) -> Result<Json<CustomerView>, Refused> {
    Ok(Json(app.store.customer(customer).await?.into()))
}
