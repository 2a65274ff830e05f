//! `GET /v1/operations/{operation_id}`

use axum::Json;
use axum::extract::State;
use domain::OperationId;
use runtime::now;
use web::caller::Operator;
use web::id::Id;
use web::problem::Refused;

use crate::app::App;
use crate::view::OperationView;

/// Shows an operation.
#[utoipa::path(
    get,
    path = "/v1/operations/{operation_id}",
    tag = "operations",
    params(("operation_id" = String, Path)),
    responses((status = 200, description = "The operation, without its output", body = OperationView))
)]
pub(crate) async fn show_operation(
    State(app): State<App>,
    _: Operator,
    Id(operation): Id<OperationId>,
) -> Result<Json<OperationView>, Refused> {
    let operation = app.store.operation(operation).await?;
    Ok(Json(OperationView::of(operation.told(now()))))
}
