//! `GET /health`

use axum::Json;
use serde::Serialize;
use utoipa::ToSchema;

/// That the API answers.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Health {
    /// `ok`.
    status: &'static str,
    /// The version of the API's function.
    version: &'static str,
}

/// Says that the API answers. It asks nothing that it depends on, so that a check costs nothing.
#[utoipa::path(
    get,
    path = "/health",
    tag = "service",
    security(()),
    responses((status = 200, description = "It answers", body = Health))
)]
pub(crate) async fn show_health() -> Json<Health> {
    Json(Health { status: "ok", version: env!("CARGO_PKG_VERSION") })
}
