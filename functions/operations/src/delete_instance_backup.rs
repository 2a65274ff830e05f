//! The deletion of a backup of an instance, which is a plan about several things, told as a story:
//!
//! 1. The image and the snapshots are looked up, and shown.
//! 2. Applying looks again. Then the image is deregistered, and each snapshot deleted: an image keeps its
//!    snapshots from being deleted. What is gone already is no fault.
//! 3. Once all of it is gone, the ledger says so. What AWS refuses leaves the backup in it, to be tried again.

use std::time::Instant;

use access::CustomerSession;
use axum::Json;
use axum::http::StatusCode;
use domain::backup::Backup;
use domain::operation::{Operation, TargetOutcome};
use domain::plan::Seen;
use domain::{Connection, Error, PlanId};
use estate::backups::Answer;
use estate::instances::backups::{deleting_policy, fitting, remove};
use estate::operations::{Outcome, Place, failed, succeeded};
use estate::plans::{look_at_backup, look_policy};
use serde_json::Value;
use web::idempotency::Idempotent;
use web::problem::Refused;

use crate::app::App;
use crate::apply_plan::gone;
use crate::carry_out::carry_with;
use crate::look::{in_time, session};
use crate::restore_backup::Planned;
use crate::view::OperationView;

/// The action that deletes a snapshot.
pub(crate) const DELETE: &str = "ec2:DeleteSnapshot";

/// Looks up what would be gone.
///
/// # Errors
/// What the look refuses.
pub(crate) async fn look(
    app: &App,
    connection: &Connection,
    plan: PlanId,
    backup: &Backup,
) -> Result<Seen, Error> {
    // What an image holds goes with it.
    connection.admit_companions(&[DELETE.parse()?])?;
    let (place, capabilities) = (Place::of(connection, &backup.region)?, &connection.capabilities);
    let session = session(app, connection, plan, &look_policy(capabilities)).await?;
    in_time(look_at_backup(&session, &place, capabilities, backup)).await
}

/// Applies a plan, after checking that what would be gone is still that.
///
/// # Errors
/// 409 `plan_stale`; when it could not be recorded, and AWS was not asked.
pub(crate) async fn apply(
    app: &App,
    planned: &Planned<'_>,
    operation: Operation,
    request: &Idempotent,
) -> Result<(StatusCode, Json<OperationView>), Refused> {
    let since = Instant::now();
    let Planned { plan, connection, backup } = planned;
    let seen = look(app, connection, plan.id, backup).await.map_err(gone)?;
    plan.still_fits(&seen)?;
    let place = Place::of(connection, &backup.region)?;
    let parts: Vec<&str> = seen.targets.iter().map(|target| target.id.as_str()).collect();
    // More than one session can name is a second operation's.
    let now = fitting(&place, &parts).into_iter().next().unwrap_or_default();
    let left = parts.len() - now.len();
    let policy = deleting_policy(&place, &now);
    let applied = plan.apply(&operation, &App::occasion(operation.actor.clone()))?;
    let carry = async |session: CustomerSession| {
        let mut outcome = delete(&session, &place, &now).await;
        if left > 0 {
            let detail = format!("{left} more of its snapshots are left: delete the backup once more.");
            outcome.targets.push(failed(backup.aws_id.clone(), "not_attempted", detail));
        }
        outcome
    };
    carry_with(app, connection, operation, (&policy, since), Some(&applied), request, carry).await
}

/// Deletes these in order. If the first cannot go, the rest stays as well.
async fn delete(session: &CustomerSession, place: &Place, ids: &[&str]) -> Outcome {
    let mut targets = Vec::new();
    for (number, id) in ids.iter().enumerate() {
        let target = match remove(session, place, id).await {
            Answer::Done(true) => succeeded((*id).to_owned()),
            Answer::Done(false) => {
                failed((*id).to_owned(), "not_found", "It was gone already: somebody else has deleted it.")
            }
            Answer::Later { code } => {
                let detail = "AWS throttled or did not answer; delete the backup once more.";
                failed((*id).to_owned(), &code, detail)
            }
            Answer::Refused { code, detail } => failed((*id).to_owned(), &code, detail),
        };
        let stays = target.outcome == TargetOutcome::Failed && target.code.as_deref() != Some("not_found");
        targets.push(target);
        if stays && number == 0 {
            break;
        }
    }
    Outcome { output: Value::Null, confidential: false, targets, request_ids: Vec::new() }
}

#[cfg(test)]
mod tests;
