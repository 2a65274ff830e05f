//! The routes of the HTTP API that act in customers' accounts.
//!
//! They are apart from the others so that nothing else of the API can. One file a use case, named by
//! what the caller wants. Each operation has a session of its own that may do that operation on those
//! resources, and nothing else.

mod app;
mod issue_credentials;
mod list_operations;
mod run_operation;
mod show_operation;
mod view;

use axum::{Router, middleware};
use utoipa::openapi::OpenApi;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use web::{idempotency, problem};

pub use app::App;

/// Every route, with the document that describes them.
fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::with_openapi(web::openapi::frame())
        .routes(routes!(run_operation::run_operation, list_operations::list_operations))
        .routes(routes!(show_operation::show_operation))
        .routes(routes!(issue_credentials::issue_credentials))
}

/// The description of these routes, which the API's own takes in.
#[must_use]
pub fn description() -> OpenApi {
    routes().into_openapi()
}

/// All of these routes.
pub fn router(app: App) -> Router {
    let (router, _) = routes().split_for_parts();
    router
        .fallback(problem::unknown_route)
        .method_not_allowed_fallback(problem::unknown_method)
        .layer(middleware::from_fn(problem::answer_refusals))
        .layer(middleware::from_fn_with_state(app.clone(), idempotency::replay::<App>))
        .layer(middleware::from_fn(problem::log_requests))
        .with_state(app)
}

#[cfg(test)]
mod test_app;
#[cfg(test)]
mod tests;
