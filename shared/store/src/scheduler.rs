//! EventBridge Scheduler, the engine for time: it holds a projection of each schedule, and sends the runs
//! queue a message when one's time has come.

use aws_sdk_scheduler::Client;
use aws_sdk_scheduler::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_scheduler::operation::create_schedule::CreateScheduleError;
use aws_sdk_scheduler::operation::delete_schedule::DeleteScheduleError;
use aws_sdk_scheduler::operation::get_schedule::{GetScheduleError, GetScheduleOutput};
use aws_sdk_scheduler::operation::update_schedule::UpdateScheduleError;
use aws_sdk_scheduler::types::{
    DeadLetterConfig, FlexibleTimeWindow, FlexibleTimeWindowMode, RetryPolicy, ScheduleState, Target,
};
use aws_types::SdkConfig;
use domain::schedule::{Schedule, ScheduleProblem};
use domain::{Error, ScheduleId};
use serde_json::json;

use crate::failure::unexpected;

/// What EventBridge puts into a message in the place of this. Source: EventBridge Scheduler User Guide,
/// "Adding context attributes".
const SCHEDULED_TIME: &str = "<aws.scheduler.scheduled-time>";

/// How long EventBridge tries to deliver: what comes later than this is among the dead letters.
const LONGEST_DELIVERY_SECONDS: i32 = 3600;

/// How many schedules one page holds. Source: EventBridge Scheduler API Reference, `ListSchedules`.
const PAGE: i32 = 100;

/// EventBridge Scheduler, as one schedule group.
#[derive(Debug, Clone)]
pub struct Scheduler {
    client: Client,
    projection: Projection,
}

/// What all schedules of the group have in common.
#[derive(Debug, Clone)]
pub struct Projection {
    /// The group's name.
    pub group: String,
    /// The ARN of the runs queue.
    pub queue_arn: String,
    /// The ARN of the queue for what cannot be delivered.
    pub dead_letters_arn: String,
    /// The ARN of the role that EventBridge sends messages with.
    pub role_arn: String,
}

/// What became of a schedule that was to be made true in EventBridge.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Published {
    /// It stood there already.
    AsItWas,
    /// It stands there now.
    Changed,
    /// EventBridge does not take it.
    Refused(ScheduleProblem),
}

impl Scheduler {
    /// The schedule group of this deployment.
    #[must_use]
    pub fn new(aws: &SdkConfig, projection: Projection) -> Self {
        Self::with_client(Client::new(aws), projection)
    }

    /// The same, for those who bring their own client.
    #[must_use]
    pub const fn with_client(client: Client, projection: Projection) -> Self {
        Self { client, projection }
    }

    /// Sees to it that EventBridge holds the schedule as it is. What stands there already is left alone, for
    /// writing it again would have a rate begin anew.
    ///
    /// # Errors
    /// When EventBridge does not answer.
    pub async fn publish(&self, schedule: &Schedule) -> Result<Published, Error> {
        match self.found(schedule.id).await? {
            Some(found) if self.stands(schedule, &found)? => Ok(Published::AsItWas),
            Some(_) => self.update(schedule).await,
            None => self.create(schedule).await,
        }
    }

    /// Sees to it that EventBridge holds no such schedule. Returns whether it did.
    ///
    /// # Errors
    /// When EventBridge does not answer.
    pub async fn remove(&self, id: ScheduleId) -> Result<bool, Error> {
        let deleted = self
            .client
            .delete_schedule()
            .group_name(&self.projection.group)
            .name(id.to_string())
            .send()
            .await;
        match deleted {
            Ok(_) => Ok(true),
            Err(error) => match error.as_service_error() {
                Some(DeleteScheduleError::ResourceNotFoundException(_)) => Ok(false),
                _ => Err(unexpected(error)),
            },
        }
    }

    /// The names of some of the group's schedules, and where the next ones begin.
    ///
    /// # Errors
    /// When EventBridge does not answer.
    pub async fn names(&self, after: Option<String>) -> Result<(Vec<String>, Option<String>), Error> {
        let output = self
            .client
            .list_schedules()
            .group_name(&self.projection.group)
            .max_results(PAGE)
            .set_next_token(after)
            .send()
            .await
            .map_err(unexpected)?;
        let names = output.schedules.into_iter().filter_map(|schedule| schedule.name).collect();
        Ok((names, output.next_token))
    }

    async fn found(&self, id: ScheduleId) -> Result<Option<GetScheduleOutput>, Error> {
        let found =
            self.client.get_schedule().group_name(&self.projection.group).name(id.to_string()).send().await;
        match found {
            Ok(found) => Ok(Some(found)),
            Err(error) => match error.as_service_error() {
                Some(GetScheduleError::ResourceNotFoundException(_)) => Ok(None),
                _ => Err(unexpected(error)),
            },
        }
    }

    fn stands(&self, schedule: &Schedule, found: &GetScheduleOutput) -> Result<bool, Error> {
        let wanted = self.target(schedule)?;
        // EventBridge may add what it takes for granted to a target: what is asked for must be there.
        let aims = found.target().is_some_and(|target| {
            target.arn == wanted.arn
                && target.role_arn == wanted.role_arn
                && target.input == wanted.input
                && target.dead_letter_config == wanted.dead_letter_config
        });
        Ok(aims
            && found.schedule_expression() == Some(schedule.order.expression.as_str())
            && found.schedule_expression_timezone().unwrap_or("UTC") == schedule.order.timezone.as_str()
            && found.state() == Some(&state(schedule))
            && found.flexible_time_window() == Some(&window(schedule)?))
    }

    async fn create(&self, schedule: &Schedule) -> Result<Published, Error> {
        let created = self
            .client
            .create_schedule()
            .group_name(&self.projection.group)
            .name(schedule.id.to_string())
            .schedule_expression(schedule.order.expression.as_str())
            .schedule_expression_timezone(schedule.order.timezone.as_str())
            .flexible_time_window(window(schedule)?)
            .state(state(schedule))
            .target(self.target(schedule)?)
            .send()
            .await;
        match created {
            Ok(_) => Ok(Published::Changed),
            Err(error) => match error.as_service_error() {
                // Somebody else has made it meanwhile: the next delivery compares anew.
                Some(CreateScheduleError::ConflictException(_)) => Err(Error::unavailable(error)),
                Some(CreateScheduleError::ValidationException(_)) => Ok(refused(&error)),
                Some(CreateScheduleError::ServiceQuotaExceededException(_)) => Ok(no_room()),
                _ => Err(unexpected(error)),
            },
        }
    }

    async fn update(&self, schedule: &Schedule) -> Result<Published, Error> {
        let updated = self
            .client
            .update_schedule()
            .group_name(&self.projection.group)
            .name(schedule.id.to_string())
            .schedule_expression(schedule.order.expression.as_str())
            .schedule_expression_timezone(schedule.order.timezone.as_str())
            .flexible_time_window(window(schedule)?)
            .state(state(schedule))
            .target(self.target(schedule)?)
            .send()
            .await;
        match updated {
            Ok(_) => Ok(Published::Changed),
            Err(error) => match error.as_service_error() {
                Some(
                    UpdateScheduleError::ConflictException(_)
                    | UpdateScheduleError::ResourceNotFoundException(_),
                ) => Err(Error::unavailable(error)),
                Some(UpdateScheduleError::ValidationException(_)) => Ok(refused(&error)),
                _ => Err(unexpected(error)),
            },
        }
    }

    /// What EventBridge sends, and where. Source: EventBridge Scheduler API Reference, `Target`.
    fn target(&self, schedule: &Schedule) -> Result<Target, Error> {
        let Projection { queue_arn, dead_letters_arn, role_arn, .. } = &self.projection;
        let input =
            json!({"kind": "scheduled", "schedule_id": schedule.id, "scheduled_time": SCHEDULED_TIME});
        Target::builder()
            .arn(queue_arn)
            .role_arn(role_arn)
            .input(input.to_string())
            .dead_letter_config(DeadLetterConfig::builder().arn(dead_letters_arn).build())
            .retry_policy(
                RetryPolicy::builder().maximum_event_age_in_seconds(LONGEST_DELIVERY_SECONDS).build(),
            )
            .build()
            .map_err(Error::internal)
    }
}

fn state(schedule: &Schedule) -> ScheduleState {
    if schedule.order.enabled { ScheduleState::Enabled } else { ScheduleState::Disabled }
}

fn window(schedule: &Schedule) -> Result<FlexibleTimeWindow, Error> {
    let minutes = schedule.order.flexible_window_minutes;
    let mode = if minutes.is_some() { FlexibleTimeWindowMode::Flexible } else { FlexibleTimeWindowMode::Off };
    FlexibleTimeWindow::builder()
        .mode(mode)
        .set_maximum_window_in_minutes(minutes.map(i32::from))
        .build()
        .map_err(Error::internal)
}

fn refused<E: ProvideErrorMetadata, R>(error: &SdkError<E, R>) -> Published {
    let said = error.message().unwrap_or("it gave no reason").chars().take(300).collect::<String>();
    Published::Refused(ScheduleProblem {
        code: "schedule_refused".to_owned(),
        detail: format!("EventBridge does not take the schedule: {said}"),
    })
}

fn no_room() -> Published {
    Published::Refused(ScheduleProblem {
        code: "schedule_quota_exceeded".to_owned(),
        detail: "The provider's account has as many schedules as EventBridge allows in this Region. Raise the quota; the \
                 schedule is tried again every day."
            .to_owned(),
    })
}

#[cfg(test)]
mod tests;
