//! A backup of an instance, restored, told as a story:
//!
//! 1. From an image the instance is launched again, as a plan that is applied: with the type, the subnet, the
//!    security groups and the key that it had, unless others are wished for. What is not as it was, the plan says.
//! 2. Of a set of snapshots nothing is planned: the answer is what the owner does himself, command by command.

use std::time::Instant;

use axum::Json;
use axum::http::StatusCode;
use domain::backup::Backup;
use domain::operation::{Operation, Order};
use domain::plan::{Sealed, Seen, Warning};
use domain::relaunch::{Launch, LaunchWishes, Step, steps};
use domain::{Actor, Connection, Error, OperationId, PlanId, Region};
use estate::instances::backups::launch_of;
use estate::operations::{Place, Request};
use estate::plans::{look_at_image, look_policy};
use runtime::random;
use serde::Serialize;
use serde_json::json;
use utoipa::ToSchema;
use web::idempotency::Idempotent;
use web::problem::Refused;

use crate::app::App;
use crate::apply_plan::stale_by;
use crate::carry_out::{Admitted, Inputs, carry_out};
use crate::create_plan::{sealed, write};
use crate::look::{in_time, session};
use crate::restore_backup::{Planned, is_available};
use crate::view::{OperationView, PlanView};

/// The action that launches.
pub(crate) const LAUNCH: &str = "ec2:RunInstances";

/// What the owner of a set of snapshots does to have his instance again: Drawbridge does none of it.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct StepsView {
    /// Of which backup.
    backup_id: String,
    /// The instance that it is of.
    resource: String,
    #[schema(value_type = String, example = "eu-central-1")]
    region: Region,
    /// The commands in order, to be run with the customer's own credentials.
    steps: Vec<Step>,
    /// What is not as it was.
    warnings: Vec<Warning>,
}

/// What somebody asks for.
pub(crate) struct Asked {
    pub backup: Backup,
    /// Where, if he says.
    pub region: Option<Region>,
    pub wishes: LaunchWishes,
    pub reason: Option<String>,
}

/// The steps of a set of snapshots; none for an image.
///
/// # Errors
/// 409 `backup_not_available`, 422 `instance_type_required`, `other_region`.
pub(crate) fn told(asked: &Asked) -> Result<Option<StepsView>, Error> {
    let Asked { backup, region, wishes, .. } = asked;
    if region.as_ref().is_some_and(|region| *region != backup.region) {
        let detail =
            format!("the backup is in {}; its owner copies it, if it is to be elsewhere", backup.region);
        return Err(Error::refused("other_region", detail).at("/region"));
    }
    is_available(backup)?;
    if backup.is_image() {
        return Ok(None);
    }
    let launch = Launch::of(backup, wishes)?;
    Ok(Some(StepsView {
        backup_id: backup.id.to_string(),
        resource: backup.resource.clone(),
        region: backup.region.clone(),
        steps: steps(backup, &launch),
        warnings: launch.warnings(backup),
    }))
}

/// Plans the launch of an image, and launches nothing.
///
/// # Errors
/// What the connection does not admit, and what a launch is refused for.
pub(crate) async fn plan(
    app: &App,
    asked: Asked,
    actor: Actor,
    request: &Idempotent,
) -> Result<(StatusCode, Json<PlanView>), Refused> {
    let Asked { backup, wishes, reason, .. } = asked;
    let connection = app.store.connection(backup.connection_id).await?;
    let asked_at = App::occasion(actor.clone());
    let id = PlanId::new(asked_at.now, random());
    let order = Order { action: LAUNCH.parse()?, region: backup.region.clone(), dry_run: false, reason };
    let would = Operation::begin(OperationId::new(asked_at.now, random()), order, &connection, &asked_at)?
        .of_backup(Some(backup.id));
    let (_, seen) = look(app, &connection, id, &backup, &wishes).await?;
    let sealed = sealed(serde_json::to_value(&wishes).map_err(Error::internal)?);
    write(app, id, &would, seen, &sealed, actor, request).await
}

/// The launch, checked, and what it is of.
async fn look(
    app: &App,
    connection: &Connection,
    plan: PlanId,
    backup: &Backup,
    wishes: &LaunchWishes,
) -> Result<(Request, Seen), Error> {
    let (place, capabilities) = (Place::of(connection, &backup.region)?, &connection.capabilities);
    let launch = Launch::of(backup, wishes)?;
    let request = launch_of(backup, &launch, &place, &Inputs)?;
    let session = session(app, connection, plan, &look_policy(capabilities)).await?;
    let (target, print) = in_time(look_at_image(&session, &place, capabilities, backup)).await?;
    let sizes = backup.snapshots.iter().filter_map(|one| one.size_gib);
    let blast_radius = json!({
        "destroyed": [],
        "launches": 1,
        "instance": backup.resource,
        "instance_type": launch.instance_type,
        "subnet_id": launch.subnet_id,
        "security_group_ids": launch.security_group_ids,
        "key_name": launch.manifest.key_name,
        "volumes": backup.snapshots.len(),
        "size_gib": sizes.map(i64::from).sum::<i64>(),
    });
    let cost = Warning {
        code: "cost".to_owned(),
        detail: "the new instance and its volumes are billed to the customer until they are terminated"
            .to_owned(),
    };
    let warnings = launch.profile_warning().into_iter().chain(launch.warnings(backup)).chain([cost]);
    let seen = Seen {
        prints: [(target.id.clone(), print)].into(),
        targets: vec![target],
        blast_radius: blast_radius.as_object().cloned().unwrap_or_default(),
        warnings: warnings.collect(),
    };
    Ok((request, seen))
}

/// Applies a plan: launches the instance, if the image is still that one.
///
/// # Errors
/// 409 `plan_stale`; when it could not be recorded, and AWS was not asked.
pub(crate) async fn apply(
    app: &App,
    planned: &Planned<'_>,
    operation: Operation,
    sealed: &Sealed,
    request: &Idempotent,
) -> Result<(StatusCode, Json<OperationView>), Refused> {
    let since = Instant::now();
    let Planned { plan, connection, backup } = planned;
    let wishes: LaunchWishes = serde_json::from_value(sealed.input.clone()).map_err(Error::internal)?;
    let looked = look(app, connection, plan.id, backup, &wishes).await;
    let (launch, seen) = looked.map_err(|error| match error.code {
        "backup_not_available" => stale_by(&error),
        _ => error,
    })?;
    plan.still_fits(&seen)?;
    let admitted = Admitted::of(launch, Place::of(connection, &plan.region)?, since);
    let applied = plan.apply(&operation, &App::occasion(operation.actor.clone()))?;
    carry_out(app, connection, operation, &admitted, Some(&applied), request).await
}

#[cfg(test)]
mod tests;
