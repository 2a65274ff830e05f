//! `POST /v1/plans/{plan_id}/apply`

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use domain::kind::Kind;
use domain::operation::Operation;
use domain::plan::stale;
use domain::{Error, FieldError, OperationId, PlanId};
use runtime::random;
use web::caller::Operator;
use web::id::Id;
use web::idempotency::Idempotent;
use web::problem::Refused;

use crate::app::App;
use crate::carry_out::{admit, carry_out};
use crate::delete_instance_backup;
use crate::look::look;
use crate::restore_backup::{self, Planned, RESTORE, is_available};
use crate::restore_instance::{self, LAUNCH};
use crate::view::OperationView;

/// Applies a plan, once: carries out what it shows, after checking that the targets are still that.
#[utoipa::path(
    post,
    path = "/v1/plans/{plan_id}/apply",
    tag = "plans",
    params(("plan_id" = String, Path)),
    responses(
        (
            status = 200,
            description = "What became of it. What AWS refused is told by `state` and by each target's `code`.",
            body = OperationView
        ),
        (
            status = 202,
            description = "It takes AWS longer than an answer may wait. Read it again until it is no longer `running`.",
            body = OperationView
        )
    )
)]
pub(crate) async fn apply_plan(
    State(app): State<App>,
    Operator(actor): Operator,
    Id(plan): Id<PlanId>,
    request: Idempotent,
) -> Result<(StatusCode, Json<OperationView>), Refused> {
    let plan = app.store.plan(plan).await?;
    let asked_at = App::occasion(actor.clone());
    plan.can_be_applied(asked_at.now)?;
    let (connection, sealed) =
        futures::join!(app.store.connection(plan.connection_id), app.store.plan_input(plan.id));
    let (connection, sealed) = match (connection?, sealed) {
        (connection, Ok(sealed)) => (connection, sealed),
        (_, Err(error)) => {
            // Who applied it meanwhile took the input away.
            app.store.plan(plan.id).await?.can_be_applied(asked_at.now)?;
            return Err(error.into());
        }
    };
    let operation =
        Operation::begin(OperationId::new(asked_at.now, random()), plan.order(), &connection, &asked_at)?
            .of_plan(plan.id)
            .of_backup(plan.backup_id);
    let backup = match plan.backup_id {
        Some(id) => Some(app.store.backup(id).await?),
        None => None,
    };
    if let Some(backup) = &backup {
        is_available(backup).map_err(|error| stale_by(&error))?;
        if plan.action.as_str() == RESTORE {
            let planned = Planned { plan: &plan, connection: &connection, backup };
            return restore_backup::apply(&app, &planned, operation, &sealed, &request).await;
        }
        if backup.kind == Kind::Ec2Backup {
            let planned = Planned { plan: &plan, connection: &connection, backup };
            if plan.action.as_str() == LAUNCH {
                return restore_instance::apply(&app, &planned, operation, &sealed, &request).await;
            }
            return delete_instance_backup::apply(&app, &planned, operation, &request).await;
        }
    }
    let admitted = admit(&operation, &connection, &sealed.input)?;
    let seen = look(&app, &connection, plan.id, &admitted, &sealed.salt).await;
    plan.still_fits(&seen.map_err(gone)?)?;
    // Looking took a while, and the plan may have become too old.
    let applied = plan.apply(&operation, &App::occasion(actor))?;
    carry_out(&app, &connection, operation, &admitted, Some(&applied), &request).await
}

/// What was there when it was planned, and is not any more, makes the plan stale: each is named where the
/// input names it.
pub(crate) fn gone(error: Error) -> Error {
    if error.code != "target_not_found" {
        return error;
    }
    let stale_field = |field| FieldError { code: "plan_stale".into(), ..field };
    stale(error.fields.into_iter().map(stale_field).collect())
}

/// What a ledger or an account refuses that it did not when the plan was made.
pub(crate) fn stale_by(error: &Error) -> Error {
    stale(vec![FieldError::new("/targets/0", "plan_stale", error.detail.clone())])
}
