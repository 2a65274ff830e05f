//! `POST /v1/backups/{backup_id}/restore`

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use domain::backup::{Backup, BackupState};
use domain::kind::Kind;
use domain::operation::{Operation, Order, RestoreOrder, foresee_restore, settings_of};
use domain::plan::{Plan, Sealed, Seen};
use domain::relaunch::LaunchWishes;
use domain::{BackupId, Connection, Error, OperationId, PlanId, Region};
use estate::restores::Restore;
use runtime::{now, random};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use web::body::{JsonBody, noted, required};
use web::caller::Operator;
use web::id::Id;
use web::idempotency::Idempotent;
use web::problem::Refused;

use crate::app::App;
use crate::apply_plan::stale_by;
use crate::carry_out::leave_to_worker;
use crate::create_plan::{sealed, write};
use crate::look::{in_time, session};
use crate::order::check_reason;
use crate::restore_instance::{self, Asked, StepsView};
use crate::view::{OperationView, PlanView};

/// The action that restores.
pub(crate) const RESTORE: &str = "dynamodb:RestoreTableFromBackup";

/// What is to be restored to what.
#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct RestoreBackupRequest {
    /// The new table's name, which no table has yet. Backups of instances take none.
    #[schema(value_type = Option<String>, example = "orders-restored")]
    target_name: Option<String>,
    /// Where the new table will be: the backup's Region, if nothing is said. An instance is launched there alone.
    #[schema(value_type = Option<String>, example = "us-east-1")]
    region: Option<String>,
    /// Whether the new table's items are counted when it is there. Reading them is billed.
    count_items: Option<bool>,
    /// Of which type the new instance is, if not of the old one's.
    #[schema(value_type = Option<String>, example = "m7g.large")]
    instance_type: Option<String>,
    /// In which subnet the new instance is, if not in the old one's.
    subnet_id: Option<String>,
    /// In which security groups the new instance is: the old one's, if it is in the same subnet.
    security_group_ids: Option<Vec<String>>,
    /// Why, for the record.
    #[schema(max_length = 500)]
    reason: Option<String>,
}

/// What is answered: a plan, or what there is to do where Drawbridge plans nothing.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub(crate) enum Restoring {
    /// It can be applied.
    Plan(Box<PlanView>),
    /// It is the owner's to do.
    Steps(StepsView),
}

/// Plans to restore a backup to a new table or to launch an image, and does nothing. Of a set of snapshots of an
/// instance it tells what its owner does.
#[utoipa::path(
    post,
    path = "/v1/backups/{backup_id}/restore",
    tag = "backups",
    params(("backup_id" = String, Path)),
    request_body = RestoreBackupRequest,
    responses(
        (
            status = 201,
            description = "What would be restored, and what would not. It can be applied until `expires_at`.",
            body = PlanView
        ),
        (
            status = 200,
            description = "Of a set of snapshots: the commands that make an instance of it. Nothing is planned.",
            body = StepsView
        )
    )
)]
pub(crate) async fn restore_backup(
    State(app): State<App>,
    Operator(actor): Operator,
    Id(backup): Id<BackupId>,
    request: Idempotent,
    JsonBody(body): JsonBody<RestoreBackupRequest>,
) -> Result<(StatusCode, Json<Restoring>), Refused> {
    let RestoreBackupRequest { target_name, region, count_items, reason, .. } = &body;
    let found = app.store.backup(backup).await;
    let of_instance = found.as_ref().is_ok_and(|backup| backup.kind == Kind::Ec2Backup);
    let mut errors = Vec::new();
    let target_name = match target_name {
        None if of_instance => Some(String::new()),
        name => required(name.clone(), "target_name", &mut errors),
    };
    let (region, count_items, reason) = (region.clone(), *count_items, reason.clone());
    let region = region.and_then(|text| noted(text.parse::<Region>(), "/region", &mut errors));
    noted(check_reason(reason.as_deref()), "", &mut errors);
    let Some(target_name) = target_name.filter(|_| errors.is_empty()) else {
        return Err(Error::invalid_fields(errors).into());
    };
    let backup = found?;
    body.fits(of_instance)?;
    if of_instance {
        let asked = Asked { backup, region, wishes: body.wishes(), reason };
        if let Some(steps) = restore_instance::told(&asked)? {
            return Ok((StatusCode::OK, Json(Restoring::Steps(steps))));
        }
        return restore_instance::plan(&app, asked, actor, &request).await.map(as_plan);
    }
    let region = region.unwrap_or_else(|| backup.region.clone());
    let connection = app.store.connection(backup.connection_id).await?;
    let asked_at = App::occasion(actor.clone());
    let id = PlanId::new(asked_at.now, random());
    let order = Order { action: RESTORE.parse()?, region, dry_run: false, reason };
    // What the connection does not admit as an operation, it does not as a plan.
    let would = Operation::begin(OperationId::new(asked_at.now, random()), order, &connection, &asked_at)?
        .of_backup(Some(backup.id));
    let order = RestoreOrder { backup_id: backup.id, target_name, count_items: count_items.unwrap_or(false) };
    let restore = admit(&connection, &backup, &order, &would.region)?;
    let seen = look(&app, &connection, id, &backup, &order, &restore, &would.region).await?;
    let sealed = sealed(serde_json::to_value(&order).map_err(Error::internal)?);
    write(&app, id, &would, seen, &sealed, actor, &request).await.map(as_plan)
}

fn as_plan((status, Json(plan)): (StatusCode, Json<PlanView>)) -> (StatusCode, Json<Restoring>) {
    (status, Json(Restoring::Plan(Box::new(plan))))
}

impl RestoreBackupRequest {
    /// Refuses what says something of a table where there is an instance, or the other way round.
    fn fits(&self, of_instance: bool) -> Result<(), Error> {
        let of_tables =
            [("/target_name", self.target_name.is_some()), ("/count_items", self.count_items.is_some())];
        let of_instances = [
            ("/instance_type", self.instance_type.is_some()),
            ("/subnet_id", self.subnet_id.is_some()),
            ("/security_group_ids", self.security_group_ids.is_some()),
        ];
        let (others, what) =
            if of_instance { (&of_tables[..], "an instance") } else { (&of_instances[..], "a table") };
        let Some((at, _)) = others.iter().find(|(_, given)| *given) else { return Ok(()) };
        let detail = format!("the backup is of {what}, which takes no such field; leave it out");
        Err(Error::refused("field_not_taken", detail).at(at))
    }

    /// What is to be otherwise than it was.
    fn wishes(self) -> LaunchWishes {
        let Self { instance_type, subnet_id, security_group_ids, .. } = self;
        LaunchWishes { instance_type, subnet_id, security_group_ids }
    }
}

/// Refuses a backup that is not there.
///
/// # Errors
/// 409 `backup_not_available`.
pub(crate) fn is_available(backup: &Backup) -> Result<(), Error> {
    let detail = match backup.state {
        BackupState::Available => return Ok(()),
        BackupState::Creating => "AWS is still making the backup; ask again when it is available",
        BackupState::Deleted => "the backup was deleted",
    };
    Err(Error::conflict("backup_not_available", detail))
}

/// The restore, its parts checked.
fn admit(
    connection: &Connection,
    backup: &Backup,
    order: &RestoreOrder,
    region: &Region,
) -> Result<Restore, Error> {
    let restore = Restore::of(connection, backup, &order.target_name, region)?;
    if !connection.regions.contains(&backup.region) {
        let detail = format!("the backup is in {}, which the connection is no longer for", backup.region);
        return Err(Error::refused("region_not_connected", detail));
    }
    is_available(backup)?;
    Ok(restore)
}

/// Looks at the backup, and whether the new table's name is free.
async fn look(
    app: &App,
    connection: &Connection,
    plan: PlanId,
    backup: &Backup,
    order: &RestoreOrder,
    restore: &Restore,
    region: &Region,
) -> Result<Seen, Error> {
    let capabilities = &connection.capabilities;
    let session = session(app, connection, plan, &restore.look_policy(capabilities)).await?;
    let looked_up = in_time(restore.look(&session, capabilities)).await?;
    Ok(foresee_restore(backup, order, region, capabilities, looked_up, now()))
}

/// A plan with what it is about, read again.
pub(crate) struct Planned<'a> {
    pub plan: &'a Plan,
    pub connection: &'a Connection,
    pub backup: &'a Backup,
}

/// Applies a plan: the backup is still that one, and the name still free. The worker does the rest.
pub(crate) async fn apply(
    app: &App,
    planned: &Planned<'_>,
    operation: Operation,
    sealed: &Sealed,
    request: &Idempotent,
) -> Result<(StatusCode, Json<OperationView>), Refused> {
    let Planned { plan, connection, backup } = planned;
    let order: RestoreOrder = serde_json::from_value(sealed.input.clone()).map_err(Error::internal)?;
    let restore = admit(connection, backup, &order, &plan.region)?;
    let seen = look(app, connection, plan.id, backup, &order, &restore, &plan.region).await;
    let seen = seen.map_err(|error| match error.code {
        "backup_not_available" | "target_exists" => stale_by(&error),
        _ => error,
    })?;
    plan.still_fits(&seen)?;
    let settings = settings_of(backup.manifest.as_ref(), &connection.capabilities);
    let operation = operation.restoring(backup, &order, settings);
    let occasion = App::occasion(operation.actor.clone());
    // Looking took a while, and the plan may have become too old.
    let applied = plan.apply(&operation, &occasion)?;
    leave_to_worker(app, operation, Some(&applied), request).await
}

#[cfg(test)]
mod tests;
