//! `DELETE /v1/backups/{backup_id}`

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use domain::backup::Backup;
use domain::kind::Kind;
use domain::operation::{Operation, Order};
use domain::{BackupId, Error, OperationId, PlanId};
use runtime::random;
use serde_json::{Value, json};
use web::caller::Operator;
use web::id::Id;
use web::idempotency::Idempotent;
use web::if_match::IfMatch;
use web::problem::Refused;

use crate::app::App;
use crate::carry_out::admit;
use crate::create_plan::{sealed, write};
use crate::delete_instance_backup;
use crate::look::look;
use crate::restore_backup::is_available;
use crate::view::PlanView;

/// Plans the deletion of a backup of Drawbridge's, and deletes nothing.
#[utoipa::path(
    delete,
    path = "/v1/backups/{backup_id}",
    tag = "backups",
    params(("backup_id" = String, Path)),
    responses((
        status = 201,
        description = "What would be gone. The plan can be applied until `expires_at`.",
        body = PlanView
    ))
)]
pub(crate) async fn delete_backup(
    State(app): State<App>,
    Operator(actor): Operator,
    Id(backup): Id<BackupId>,
    seen_version: IfMatch,
    request: Idempotent,
) -> Result<(StatusCode, Json<PlanView>), Refused> {
    let backup = app.store.backup(backup).await?;
    seen_version.check(backup.version)?;
    let connection = app.store.connection(backup.connection_id).await?;
    let asked_at = App::occasion(actor.clone());
    let id = PlanId::new(asked_at.now, random());
    let order = Order {
        action: action(&backup).parse()?,
        region: backup.region.clone(),
        dry_run: false,
        reason: None,
    };
    let would = Operation::begin(OperationId::new(asked_at.now, random()), order, &connection, &asked_at)?
        .of_backup(Some(backup.id));
    if !backup.is_left_behind(asked_at.now) {
        is_available(&backup)?;
    }
    if backup.kind == Kind::Ec2Backup {
        let seen = delete_instance_backup::look(&app, &connection, id, &backup).await.map_err(gone)?;
        return write(&app, id, &would, seen, &sealed(Value::Null), actor, &request).await;
    }
    let input = json!({"BackupArn": backup.aws_id});
    let admitted = admit(&would, &connection, &input)?;
    let sealed = sealed(input);
    let seen = look(&app, &connection, id, &admitted, &sealed.salt).await.map_err(gone)?;
    write(&app, id, &would, seen, &sealed, actor, &request).await
}

/// What deletes it: of an instance's, whatever its first part takes.
fn action(backup: &Backup) -> &'static str {
    match backup.kind {
        Kind::Ec2Backup if backup.is_image() => "ec2:DeregisterImage",
        Kind::Ec2Backup => delete_instance_backup::DELETE,
        _ => "dynamodb:DeleteBackup",
    }
}

/// The ledger does not know yet that somebody else has deleted it.
fn gone(error: Error) -> Error {
    if error.code != "target_not_found" {
        return error;
    }
    Error::conflict("backup_not_available", "AWS knows no such backup any more: somebody else has deleted it")
}

#[cfg(test)]
mod tests;
