//! The HTTP API: customers, connections, grants, schedules, runs, backups, and what a customer reaches by an
//! invite.
//!
//! One file a use case, named by what the caller wants. API Gateway has checked who calls before
//! a request arrives here; this function checks again that it has. It may read and write the
//! state table and put work on the queues of the onboarder and the planner, and has no way into
//! anybody's account.

mod app;
mod backup_view;
mod brand;
mod carry_out;
mod change_connection;
mod change_schedule;
mod create_connection;
mod create_customer;
mod create_invite;
mod create_run;
mod create_schedule;
mod delete_schedule;
mod freshness_view;
mod invited;
mod list_backups;
mod list_connections;
mod list_customers;
mod list_events;
mod list_jobs;
mod list_runs;
mod list_schedules;
mod look_for_invited_role;
mod offboard_connection;
mod openapi;
mod page;
mod preview_schedule;
mod reconcile_grants;
#[cfg(test)]
mod requests;
mod revoke_invite;
mod run_view;
mod schedule_view;
mod scope;
mod show_backup;
mod show_connection;
mod show_customer;
mod show_freshness;
mod show_grants;
mod show_health;
mod show_onboarding;
mod show_page;
mod show_run;
mod show_schedule;
mod show_setup;
mod submit_form;
mod submit_invited_role;
mod submit_role;
mod terms;
#[cfg(test)]
mod test_app;
mod verify_connection;
mod verify_invited_role;
mod view;

use axum::{Router, middleware};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use web::{idempotency, problem};

pub use app::App;
pub use page::Site;

/// Every route, with the document that describes them.
fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::with_openapi(web::openapi::frame())
        .routes(routes!(create_customer::create_customer, list_customers::list_customers))
        .routes(routes!(show_customer::show_customer))
        .routes(routes!(create_connection::create_connection))
        .routes(routes!(list_connections::list_connections))
        .routes(routes!(
            show_connection::show_connection,
            change_connection::change_connection,
            offboard_connection::offboard_connection
        ))
        .routes(routes!(submit_role::submit_role))
        .routes(routes!(verify_connection::verify_connection))
        .routes(routes!(create_invite::create_invite, revoke_invite::revoke_invite))
        .routes(routes!(list_events::list_events))
        .routes(routes!(show_setup::show_setup))
        .routes(routes!(show_grants::show_grants))
        .routes(routes!(reconcile_grants::reconcile_grants))
        .routes(routes!(reconcile_grants::show_reconciliation))
        .routes(routes!(create_schedule::create_schedule, list_schedules::list_schedules))
        .routes(routes!(
            show_schedule::show_schedule,
            change_schedule::change_schedule,
            delete_schedule::delete_schedule
        ))
        .routes(routes!(preview_schedule::preview_schedule))
        .routes(routes!(preview_schedule::preview_expression))
        .routes(routes!(create_run::create_run, list_runs::list_runs))
        .routes(routes!(show_run::show_run))
        .routes(routes!(list_jobs::list_jobs))
        .routes(routes!(list_backups::list_backups))
        .routes(routes!(show_backup::show_backup))
        .routes(routes!(show_freshness::show_freshness))
        .routes(routes!(show_freshness::list_stale))
        .routes(routes!(show_page::show_page, submit_form::submit_form))
        .routes(routes!(show_page::show_template))
        .routes(routes!(show_page::show_asset))
        .routes(routes!(show_onboarding::show_onboarding))
        .routes(routes!(submit_invited_role::submit_invited_role))
        .routes(routes!(verify_invited_role::verify_invited_role))
        .routes(routes!(look_for_invited_role::look_for_invited_role))
        .routes(routes!(show_health::show_health))
        .routes(routes!(openapi::show_openapi))
}

/// The whole API.
pub fn router(app: App) -> Router {
    let (router, _) = routes().split_for_parts();
    router
        .fallback(problem::unknown_route)
        .method_not_allowed_fallback(problem::unknown_method)
        .layer(middleware::from_fn_with_state(app.clone(), page::answer_browsers))
        .layer(middleware::from_fn(problem::answer_refusals))
        .layer(middleware::from_fn_with_state(app.clone(), idempotency::replay::<App>))
        .layer(middleware::from_fn(problem::log_requests))
        .with_state(app)
}
