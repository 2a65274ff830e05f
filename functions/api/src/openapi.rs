//! `GET /openapi.json`: the API's description, made from the code that answers it.

use std::sync::OnceLock;

use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use utoipa::openapi::OpenApi;

/// The description of the routes that another function answers. A test of theirs keeps it true.
const OPERATIONS: &str = include_str!("openapi/operations.json");

/// The description of the routes of this function.
pub(crate) fn own() -> OpenApi {
    crate::routes().into_openapi()
}

/// The whole description.
pub(crate) fn document() -> OpenApi {
    let mut document = own();
    match serde_json::from_str(OPERATIONS) {
        Ok(operations) => document.merge(operations),
        // A test reads it.
        Err(error) => tracing::error!(%error, "the description of operations cannot be read"),
    }
    web::openapi::complete(document)
}

/// Describes the API as `OpenAPI` 3.1.
#[utoipa::path(
    get,
    path = "/openapi.json",
    tag = "service",
    security(()),
    responses((status = 200, description = "The description", content_type = "application/json"))
)]
pub(crate) async fn show_openapi() -> Response {
    static TEXT: OnceLock<String> = OnceLock::new();
    let text = TEXT.get_or_init(|| document().to_json().unwrap_or_default());
    ([(CONTENT_TYPE, "application/json")], text.as_str()).into_response()
}

#[cfg(test)]
mod tests;
