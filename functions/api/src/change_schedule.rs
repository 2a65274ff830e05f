//! `PATCH /v1/schedules/{schedule_id}`

use std::collections::BTreeSet;

use axum::Json;
use axum::extract::State;
use domain::connection::Occasion;
use domain::ec2_backup::Ec2Backup;
use domain::expression::{Expression, Timezone};
use domain::retention::{Retention, RetentionParts};
use domain::schedule::{Schedule, ScheduleChange, ScheduleOrder, admit_window};
use domain::selection::{Selection, SelectionParts};
use domain::{Actor, Connection, Deployment, Error, FieldError, Region, ScheduleId};
use runtime::now;
use serde::Deserialize;
use serde_json::Value;
use utoipa::ToSchema;
use web::body::{JsonBody, given};
use web::caller::Operator;
use web::id::Id;
use web::if_match::IfMatch;
use web::problem::Refused;

use crate::app::App;
use crate::carry_out::{ATTEMPTS, HEAD_START};
use crate::schedule_view::ScheduleView;
use crate::terms::Faults;

/// What is to be another than it is; what is left out stays.
#[expect(clippy::option_option, reason = "a null that is given is not a field that is left out")]
#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct ChangeScheduleRequest {
    /// When.
    #[schema(example = "rate(6 hours)")]
    expression: Option<String>,
    /// In which zone's time.
    timezone: Option<String>,
    /// How many minutes later it may begin; null for none.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<u16>, minimum = 1, maximum = 1440)]
    flexible_window_minutes: Option<Option<u16>>,
    /// Where; null for all of the connection's Regions.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<Vec<String>>)]
    regions: Option<Option<Vec<String>>>,
    /// Which resources, all of it.
    select: Option<SelectionParts>,
    /// What is kept, all of it; null for all backups.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<RetentionParts>)]
    retention: Option<Option<RetentionParts>>,
    /// Whether it runs at present.
    enabled: Option<bool>,
    /// How instances are backed up, all of it; null for what is usual.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<Ec2Backup>)]
    ec2_backup: Option<Option<Ec2Backup>>,
    /// Known only to be refused in its own words.
    #[schema(ignore)]
    kind: Option<Value>,
}

/// The fields of a request, once they are sound.
#[expect(clippy::option_option, reason = "what is to be nothing is not what stays")]
struct Sound {
    expression: Option<Expression>,
    timezone: Option<Timezone>,
    flexible_window_minutes: Option<Option<u16>>,
    regions: Option<Option<BTreeSet<Region>>>,
    select: Option<Selection>,
    retention: Option<Option<Retention>>,
    enabled: Option<bool>,
    ec2_backup: Option<Option<Ec2Backup>>,
}

impl Sound {
    fn on(&self, order: &ScheduleOrder) -> ScheduleOrder {
        let or = |wanted: &Option<_>, is: &Option<_>| wanted.clone().unwrap_or_else(|| is.clone());
        ScheduleOrder {
            kind: order.kind,
            expression: self.expression.as_ref().unwrap_or(&order.expression).clone(),
            timezone: self.timezone.as_ref().unwrap_or(&order.timezone).clone(),
            flexible_window_minutes: self.flexible_window_minutes.unwrap_or(order.flexible_window_minutes),
            regions: or(&self.regions, &order.regions),
            select: self.select.as_ref().unwrap_or(&order.select).clone(),
            retention: self.retention.unwrap_or(order.retention),
            enabled: self.enabled.unwrap_or(order.enabled),
            ec2_backup: self.ec2_backup.unwrap_or(order.ec2_backup),
        }
    }
}

/// Changes a schedule, which is given to `EventBridge` in a moment: `published` says when it has been. Runs
/// that have begun go on as they were asked for.
#[utoipa::path(
    patch,
    path = "/v1/schedules/{schedule_id}",
    tag = "schedules",
    params(
        ("schedule_id" = String, Path),
        ("If-Match" = Option<String>, Header, description = "The version in quotes that the caller has seen"),
    ),
    request_body = ChangeScheduleRequest,
    responses((status = 200, description = "The schedule", body = ScheduleView))
)]
pub(crate) async fn change_schedule(
    State(app): State<App>,
    Operator(actor): Operator,
    Id(id): Id<ScheduleId>,
    if_match: IfMatch,
    JsonBody(request): JsonBody<ChangeScheduleRequest>,
) -> Result<Json<ScheduleView>, Refused> {
    let sound = check(request, &app.deployment)?;
    let schedule = carry_out(&app, id, &actor, |schedule, connection, occasion| {
        if_match.check(schedule.version)?;
        let order = sound.on(&schedule.order);
        if order == schedule.order {
            return Ok(None);
        }
        schedule.change(order, connection, occasion).map(Some)
    })
    .await?;
    Ok(Json(ScheduleView::of(schedule, now())))
}

fn check(request: ChangeScheduleRequest, deployment: &Deployment) -> Result<Sound, Error> {
    let mut faults = Faults::default();
    if request.kind.is_some() {
        let detail = "what a schedule does cannot be changed; make another one, and delete this";
        faults.note(FieldError::new("/kind", "kind_cannot_change", detail));
    }
    let expression = request.expression.and_then(|text| faults.read(text.parse(), "/expression"));
    let timezone = request.timezone.and_then(|name| faults.timezone(Some(name)));
    let window = request.flexible_window_minutes;
    faults.read(admit_window(window.flatten()), "/flexible_window_minutes");
    let regions = request.regions.map(|names| faults.regions(names, deployment));
    let select = request.select.and_then(|parts| faults.selection(parts));
    let retention = request.retention.map(|parts| faults.retention(parts));
    let ec2_backup = request.ec2_backup.map(|given| faults.ec2_backup(given));
    faults.into_result()?;
    let enabled = request.enabled;
    Ok(Sound {
        expression,
        timezone,
        flexible_window_minutes: window,
        regions,
        select,
        retention,
        enabled,
        ec2_backup,
    })
}

/// Reads a schedule, carries out the change that `decide` asks for, and returns the schedule as it is then.
/// The planner is told before the table is written, as of everything that is to be published.
pub(crate) async fn carry_out(
    app: &App,
    id: ScheduleId,
    actor: &Actor,
    decide: impl Fn(&Schedule, &Connection, &Occasion) -> Result<Option<ScheduleChange>, Error>,
) -> Result<Schedule, Error> {
    let mut attempt = 1;
    loop {
        let before = app.store.schedule(id).await?;
        let connection = app.store.connection(before.connection_id).await?;
        let occasion = app.occasion(actor.clone());
        let Some(change) = decide(&before, &connection, &occasion)? else { return Ok(before) };
        app.runs.send(&change.message(), HEAD_START).await?;
        match app.store.change_schedule(&before, &change, None).await {
            Ok(()) => return Ok(change.schedule),
            Err(error) if error.code == "concurrent_change" && attempt < ATTEMPTS => attempt += 1,
            Err(error) => return Err(error),
        }
    }
}

#[cfg(test)]
pub(crate) mod tests;
