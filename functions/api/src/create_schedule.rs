//! `POST /v1/connections/{connection_id}/schedules`

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use domain::ec2_backup::Ec2Backup;
use domain::retention::RetentionParts;
use domain::schedule::{Schedule, ScheduleOrder, admit_window};
use domain::selection::SelectionParts;
use domain::{ConnectionId, Deployment, Error, ScheduleId};
use runtime::random;
use serde::Deserialize;
use utoipa::ToSchema;
use web::body::JsonBody;
use web::caller::Operator;
use web::id::Id;
use web::idempotency::Idempotent;
use web::problem::Refused;

use crate::app::App;
use crate::carry_out::HEAD_START;
use crate::schedule_view::ScheduleView;
use crate::terms::Faults;

/// A new schedule.
#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct CreateScheduleRequest {
    /// What is done.
    #[schema(required, value_type = String, example = "dynamodb-backup")]
    kind: Option<String>,
    /// When: `rate(…)`, `cron(…)` or `at(…)`, as `EventBridge` Scheduler writes them.
    #[schema(required, value_type = String, example = "cron(0 5 * * ? *)")]
    expression: Option<String>,
    /// The time zone whose clocks are meant, and whose days retention counts; UTC unless given.
    #[schema(example = "Europe/Berlin")]
    timezone: Option<String>,
    /// How many minutes later it may begin, so that not all begin at once; none unless given.
    #[schema(minimum = 1, maximum = 1440)]
    flexible_window_minutes: Option<u16>,
    /// Where; in all of the connection's Regions unless given.
    regions: Option<Vec<String>>,
    /// Which resources.
    #[schema(required, value_type = SelectionParts)]
    select: Option<SelectionParts>,
    /// What is kept of the backups that it makes; all unless given.
    retention: Option<RetentionParts>,
    /// Whether it runs at present; it does unless this says otherwise.
    enabled: Option<bool>,
    /// How instances are backed up, by schedules of the kind `ec2-backup`.
    ec2_backup: Option<Ec2Backup>,
}

/// Makes a schedule, which is given to `EventBridge` in a moment: `published` says when it has been.
#[utoipa::path(
    post,
    path = "/v1/connections/{connection_id}/schedules",
    tag = "schedules",
    params(("connection_id" = String, Path)),
    request_body = CreateScheduleRequest,
    responses((status = 201, description = "The schedule", body = ScheduleView))
)]
pub(crate) async fn create_schedule(
    State(app): State<App>,
    Operator(actor): Operator,
    Id(connection): Id<ConnectionId>,
    request_key: Idempotent,
    JsonBody(request): JsonBody<CreateScheduleRequest>,
) -> Result<(StatusCode, Json<ScheduleView>), Refused> {
    let order = check(request, &app.deployment)?;
    let connection = app.store.connection(connection).await?;
    let occasion = app.occasion(actor);
    let id = ScheduleId::new(occasion.now, random());
    let change = Schedule::create(id, order, &connection, &occasion)?;
    app.runs.send(&change.message(), HEAD_START).await?;
    let view = ScheduleView::of(change.schedule.clone(), occasion.now);
    let completion = request_key.completing(StatusCode::CREATED, &view);
    app.store.create_schedule(&change, completion.as_ref()).await?;
    Ok((StatusCode::CREATED, Json(view)))
}

fn check(request: CreateScheduleRequest, deployment: &Deployment) -> Result<ScheduleOrder, Error> {
    let mut faults = Faults::default();
    let kind = faults.kind(request.kind);
    let expression = faults.required(request.expression, "expression");
    let expression = expression.and_then(|text| faults.read(text.parse(), "/expression"));
    let timezone = faults.timezone(request.timezone);
    faults.read(admit_window(request.flexible_window_minutes), "/flexible_window_minutes");
    let regions = faults.regions(request.regions, deployment);
    let select = faults.required(request.select, "select").and_then(|parts| faults.selection(parts));
    let retention = faults.retention(request.retention);
    let ec2_backup = faults.ec2_backup(request.ec2_backup);
    faults.into_result()?;
    let (Some(kind), Some(expression), Some(timezone), Some(select)) = (kind, expression, timezone, select)
    else {
        return Err(Error::internal("a schedule lacks what it was not found to lack"));
    };
    Ok(ScheduleOrder {
        kind,
        expression,
        timezone,
        flexible_window_minutes: request.flexible_window_minutes,
        regions,
        select,
        retention,
        enabled: request.enabled.unwrap_or(true),
        ec2_backup,
    })
}

#[cfg(test)]
mod tests;
