//! `GET /v1/backups/{backup_id}`

use axum::Json;
use axum::extract::State;
use domain::BackupId;
use web::caller::Operator;
use web::id::Id;
use web::problem::Refused;

use crate::app::App;
use crate::backup_view::BackupView;

/// Shows a backup, with what the table was like when it was made.
#[utoipa::path(
    get,
    path = "/v1/backups/{backup_id}",
    tag = "backups",
    params(("backup_id" = String, Path)),
    responses((status = 200, description = "The backup", body = BackupView))
)]
pub(crate) async fn show_backup(
    State(app): State<App>,
    _: Operator,
    Id(id): Id<BackupId>,
) -> Result<Json<BackupView>, Refused> {
    Ok(Json(app.store.backup(id).await?.into()))
}
