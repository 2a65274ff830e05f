//! What EventBridge Scheduler holds in the provider's account, and what stands on the queue that it feeds.

use aws_sdk_scheduler::types::ScheduleState;
use aws_types::SdkConfig;
use serde_json::{Value, json};

use crate::customer::CustomerAccount;
use crate::provider::Provider;
use crate::stack::Stack;

/// A schedule as EventBridge holds it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeldSchedule {
    /// When it fires.
    pub expression: String,
    /// In which zone's time.
    pub timezone: String,
    /// `ENABLED` or `DISABLED`.
    pub state: String,
    /// How many minutes late it may fire.
    pub window: Option<i32>,
}

/// EventBridge Scheduler, as the provider's root user sees it.
#[derive(Debug, Clone)]
pub(crate) struct Scheduler(aws_sdk_scheduler::Client);

impl Scheduler {
    pub fn new(aws: &SdkConfig) -> Self {
        Self(aws_sdk_scheduler::Client::new(aws))
    }
}

impl Provider {
    /// A customer's schedule, if EventBridge holds it.
    pub async fn schedule(&self, id: &str) -> Option<HeldSchedule> {
        let found =
            self.scheduler.0.get_schedule().group_name(self.schedule_group()).name(id).send().await.ok()?;
        Some(HeldSchedule {
            expression: found.schedule_expression?,
            timezone: found.schedule_expression_timezone.unwrap_or_else(|| "UTC".to_owned()),
            state: found.state?.as_str().to_owned(),
            window: found.flexible_time_window?.maximum_window_in_minutes,
        })
    }

    /// Removes a schedule from EventBridge, behind the product's back.
    pub async fn remove_schedule(&self, id: &str) {
        let remove = self.scheduler.0.delete_schedule().group_name(self.schedule_group()).name(id);
        remove.send().await.expect("the schedule is removed");
    }

    /// Disables a schedule in EventBridge, behind the product's back.
    pub async fn disable_schedule(&self, id: &str) {
        let found = self.scheduler.0.get_schedule().group_name(self.schedule_group()).name(id).send().await;
        let found = found.expect("the schedule is there");
        self.scheduler
            .0
            .update_schedule()
            .group_name(self.schedule_group())
            .name(id)
            .set_schedule_expression(found.schedule_expression)
            .set_flexible_time_window(found.flexible_time_window)
            .set_target(found.target)
            .state(ScheduleState::Disabled)
            .send()
            .await
            .expect("the schedule is disabled");
    }

    /// Makes a schedule like another one in EventBridge, of which the product knows nothing.
    pub async fn copy_schedule(&self, id: &str, copy: &str) {
        let found = self.scheduler.0.get_schedule().group_name(self.schedule_group()).name(id).send().await;
        let found = found.expect("the schedule is there");
        self.scheduler
            .0
            .create_schedule()
            .group_name(self.schedule_group())
            .name(copy)
            .set_schedule_expression(found.schedule_expression)
            .set_flexible_time_window(found.flexible_time_window)
            .set_target(found.target)
            .state(ScheduleState::Disabled)
            .send()
            .await
            .expect("the schedule is made");
    }

    fn schedule_group(&self) -> &str {
        &self.stack().schedule_group
    }

    /// Puts a message on the queue of what is to be run.
    pub async fn send_run(&self, message: &Value) {
        self.send_to(&self.stack().runs_queue_url, &message.to_string()).await;
    }

    /// Has a table be told as being in this state, as no API of AWS's can.
    pub async fn table_is(&self, account: &CustomerAccount, region: &str, table: &str, status: &str) {
        let Stack { endpoint_url, .. } = self.stack();
        let url = format!("{endpoint_url}/_drawbridge/tables/{}/{region}/{table}", account.id);
        let body = json!({"status": status}).to_string();
        let put = reqwest::Client::new().put(url).body(body).send().await.expect("local AWS answers");
        assert!(put.status().is_success(), "{}", put.status());
    }
}
