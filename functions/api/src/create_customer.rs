//! `POST /v1/customers`

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use domain::customer::field_errors;
use domain::{Customer, CustomerId, Error};
use runtime::{now, random};
use serde::Deserialize;
use utoipa::ToSchema;

use crate::app::App;
use crate::view::CustomerView;
use web::body::{JsonBody, required};
use web::caller::Operator;
use web::idempotency::Idempotent;
use web::problem::Refused;

/// A new customer.
#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct CreateCustomerRequest {
    /// What people call it: 1 to 200 characters on one line.
    #[schema(required, value_type = String)]
    name: Option<String>,
    /// Where its people are reached.
    email: Option<String>,
    /// The provider's own notes, at most 50.
    labels: Option<BTreeMap<String, String>>,
}

/// Makes a customer.
#[utoipa::path(
    post,
    path = "/v1/customers",
    tag = "customers",
    request_body = CreateCustomerRequest,
    responses((status = 201, description = "The customer", body = CustomerView))
)]
pub(crate) async fn create_customer(
    State(app): State<App>,
    _: Operator,
    request_key: Idempotent,
    JsonBody(request): JsonBody<CreateCustomerRequest>,
) -> Result<(StatusCode, Json<CustomerView>), Refused> {
    let labels = request.labels.unwrap_or_default();
    let mut errors = Vec::new();
    let name = required(request.name, "name", &mut errors);
    // A name that is missing is not wrong as well.
    let missing = name.is_none();
    let name = name.unwrap_or_default();
    let found = field_errors(&name, request.email.as_deref(), &labels);
    errors.extend(found.into_iter().filter(|error| !missing || error.pointer != "/name"));
    if !errors.is_empty() {
        return Err(Error::invalid_fields(errors).into());
    }
    let now = now();
    let customer = Customer {
        id: CustomerId::new(now, random()),
        name,
        email: request.email,
        labels,
        created_at: now,
        version: 1,
    };
    let view = CustomerView::from(customer.clone());
    let completion = request_key.completing(StatusCode::CREATED, &view);
    app.store.create_customer(&customer, completion.as_ref()).await?;
    Ok((StatusCode::CREATED, Json(view)))
}

#[cfg(test)]
mod tests;
