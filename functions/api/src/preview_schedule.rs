//! `GET /v1/schedules/{schedule_id}/preview`, and `POST /v1/schedules/preview` for a schedule that is not
//! there yet.

use axum::Json;
use axum::extract::State;
use domain::expression::{Expression, MOST_TIMES, Timezone};
use domain::{Error, FieldError, ScheduleId};
use runtime::now;
use serde::Deserialize;
use utoipa::ToSchema;
use web::body::JsonBody;
use web::caller::Operator;
use web::id::Id;
use web::list_query::QueryString;
use web::problem::Refused;

use crate::app::App;
use crate::schedule_view::{Preview, times};
use crate::terms::Faults;

/// How many times are told when the caller does not say.
const DEFAULT_COUNT: usize = 10;

/// Tells the next times at which a schedule is due, as `EventBridge` will fire it: a time that clocks skip is
/// left out, and one that they show twice comes once.
#[utoipa::path(
    get,
    path = "/v1/schedules/{schedule_id}/preview",
    tag = "schedules",
    params(
        ("schedule_id" = String, Path),
        ("count" = Option<u8>, Query, minimum = 1, maximum = 100, description = "How many, 10 unless given"),
    ),
    responses((status = 200, description = "The next times, the next one first", body = Preview))
)]
pub(crate) async fn preview_schedule(
    State(app): State<App>,
    _: Operator,
    Id(id): Id<ScheduleId>,
    query: QueryString,
) -> Result<Json<Preview>, Refused> {
    let query = query.only(&["count"])?;
    // What is no number is none that could be.
    let count = query.value("count").map(|count| count.parse().unwrap_or(0));
    let count = admit_count(count).map_err(|error| error.at("/count"))?;
    let schedule = app.store.schedule(id).await?;
    Ok(Json(Preview::of(times(&schedule, count, now()), &schedule.order.timezone)))
}

/// An expression to be tried.
#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct PreviewExpressionRequest {
    /// When: `rate(…)`, `cron(…)` or `at(…)`, as `EventBridge` Scheduler writes them.
    #[schema(required, value_type = String, example = "cron(30 2 L * ? *)")]
    expression: Option<String>,
    /// The time zone whose clocks are meant; UTC unless given.
    timezone: Option<String>,
    /// How many times; 10 unless given.
    #[schema(minimum = 1, maximum = 100)]
    count: Option<usize>,
}

/// Tells when a schedule with this expression would be due if it were made now. Nothing is made.
#[utoipa::path(
    post,
    path = "/v1/schedules/preview",
    tag = "schedules",
    request_body = PreviewExpressionRequest,
    responses((status = 200, description = "The next times, the next one first", body = Preview))
)]
pub(crate) async fn preview_expression(
    _: Operator,
    JsonBody(request): JsonBody<PreviewExpressionRequest>,
) -> Result<Json<Preview>, Refused> {
    let (expression, timezone, count) = check(request)?;
    let now = now();
    Ok(Json(Preview::of(expression.next(&timezone, now, count, now), &timezone)))
}

fn check(request: PreviewExpressionRequest) -> Result<(Expression, Timezone, usize), Error> {
    let mut faults = Faults::default();
    let expression = faults.required(request.expression, "expression");
    let expression = expression.and_then(|text| faults.read(text.parse(), "/expression"));
    let timezone = faults.timezone(request.timezone);
    let count = faults.read(admit_count(request.count), "/count");
    faults.into_result()?;
    let sound = expression.zip(timezone).zip(count);
    let ((expression, timezone), count) =
        sound.ok_or_else(|| Error::internal("a preview lacks what it was not found to lack"))?;
    Ok((expression, timezone, count))
}

fn admit_count(count: Option<usize>) -> Result<usize, Error> {
    let count = count.unwrap_or(DEFAULT_COUNT);
    if (1..=MOST_TIMES).contains(&count) {
        return Ok(count);
    }
    let detail = format!("count is a number from 1 to {MOST_TIMES}");
    Err(Error::invalid(FieldError::new("", "invalid_count", detail)))
}

#[cfg(test)]
mod tests;
