//! The routes of the HTTP API that act in customers' accounts.
//!
//! They are apart from the others so that nothing else of the API can. One file a use case, named by
//! what the caller wants. Each operation has a session of its own that may do that operation on those
//! resources, and nothing else. What cannot be undone is carried out by an applied plan alone.

mod app;
mod apply_plan;
mod carry_out;
mod create_plan;
mod delete_backup;
mod delete_instance_backup;
mod issue_credentials;
mod list_operations;
mod look;
mod order;
mod restore_backup;
mod restore_instance;
mod run_operation;
mod show_operation;
mod show_plan;
mod view;

use axum::{Extension, Router, middleware};
use utoipa::openapi::OpenApi;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use web::body::LongestBody;
use web::{idempotency, problem};

pub use app::App;

/// An operation's input may be items of a customer's, each of 400 KB. Source: Lambda Developer Guide,
/// "Lambda quotas": a function is asked with 6 MB, in which a body is a string, so that its quotation marks
/// count twice; the rest is for headers.
const LONGEST_BODY: LongestBody = LongestBody(5 * 1024 * 1024 / 2);

/// Every route, with the document that describes them.
fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::with_openapi(web::openapi::frame())
        .routes(routes!(run_operation::run_operation, list_operations::list_operations))
        .routes(routes!(show_operation::show_operation))
        .routes(routes!(create_plan::create_plan))
        .routes(routes!(show_plan::show_plan))
        .routes(routes!(apply_plan::apply_plan))
        .routes(routes!(restore_backup::restore_backup))
        .routes(routes!(delete_backup::delete_backup))
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
        .layer(Extension(LONGEST_BODY))
        .layer(middleware::from_fn(problem::log_requests))
        .with_state(app)
}

#[cfg(test)]
mod test_app;
#[cfg(test)]
mod tests;
