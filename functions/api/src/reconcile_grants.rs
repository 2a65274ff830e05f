//! `POST /v1/grants/reconcile` and `GET /v1/grants/reconciliations/{reconciliation_id}`

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use domain::ReconciliationId;
use domain::message::OnboardingMessage;
use domain::reconciliation::{Finding, Reconciliation};
use jiff::SignedDuration;
use runtime::{now, random};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::app::App;
use web::body::JsonBody;
use web::caller::Operator;
use web::id::Id;
use web::idempotency::Idempotent;
use web::problem::Refused;

/// How a reconciliation is to be made.
#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct ReconcileRequest {
    /// Whether it only tells what it would do, which it does unless told otherwise.
    dry_run: Option<bool>,
}

/// Whether it is still going on.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum ReconciliationState {
    Running,
    Finished,
}

/// One comparison of what connections need, what the table grants, and what IAM has.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ReconciliationView {
    reconciliation_id: String,
    dry_run: bool,
    state: ReconciliationState,
    #[schema(value_type = String, format = DateTime)]
    started_at: jiff::Timestamp,
    #[schema(value_type = Option<String>, format = DateTime)]
    finished_at: Option<jiff::Timestamp>,
    connections_checked: u64,
    grants_checked: u64,
    /// What does not agree, and what was done about it.
    findings: Vec<Finding>,
    /// How many more findings there were.
    findings_omitted: u64,
}

impl From<Reconciliation> for ReconciliationView {
    fn from(reconciliation: Reconciliation) -> Self {
        Self {
            reconciliation_id: reconciliation.id.to_string(),
            dry_run: reconciliation.dry_run,
            state: match reconciliation.finished_at {
                Some(_) => ReconciliationState::Finished,
                None => ReconciliationState::Running,
            },
            started_at: reconciliation.started_at,
            finished_at: reconciliation.finished_at,
            connections_checked: reconciliation.connections_checked,
            grants_checked: reconciliation.grants_checked,
            findings: reconciliation.findings,
            findings_omitted: reconciliation.findings_omitted,
        }
    }
}

/// Compares what connections need, what the table grants, and what IAM has; without `dry_run` it
/// mends what does not agree.
#[utoipa::path(
    post,
    path = "/v1/grants/reconcile",
    tag = "grants",
    request_body = ReconcileRequest,
    responses((status = 202, description = "It has begun", body = ReconciliationView))
)]
pub(crate) async fn reconcile_grants(
    State(app): State<App>,
    Operator(actor): Operator,
    request_key: Idempotent,
    JsonBody(request): JsonBody<ReconcileRequest>,
) -> Result<(StatusCode, Json<ReconciliationView>), Refused> {
    let now = now();
    let id = ReconciliationId::new(now, random());
    let begun = Reconciliation::start(id, request.dry_run.unwrap_or(true), actor, now);
    let view = ReconciliationView::from(begun.clone());
    let completion = request_key.completing(StatusCode::ACCEPTED, &view);
    // Sent first: what is never written is dropped, and what is written is never waited for in vain.
    let message = OnboardingMessage::Reconcile(begun.next_message());
    app.queue.send(&message, SignedDuration::from_secs(1)).await?;
    app.store.create_reconciliation(&begun, completion.as_ref()).await?;
    Ok((StatusCode::ACCEPTED, Json(view)))
}

/// Shows how far a reconciliation has come, and what it has found.
#[utoipa::path(
    get,
    path = "/v1/grants/reconciliations/{reconciliation_id}",
    tag = "grants",
    params(("reconciliation_id" = String, Path)),
    responses((status = 200, description = "The reconciliation", body = ReconciliationView))
)]
pub(crate) async fn show_reconciliation(
    State(app): State<App>,
    _: Operator,
    Id(id): Id<ReconciliationId>,
) -> Result<Json<ReconciliationView>, Refused> {
    Ok(Json(app.store.reconciliation(id).await?.into()))
}

#[cfg(test)]
mod tests;
