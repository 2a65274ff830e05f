//! What stands on the queues.
//!
//! Messages name things and never describe them: the table is the truth, and a message that comes
//! late, twice or out of order finds there that its work is done.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::grant::Shard;
use crate::id::{
    ConnectionId, LookId, OffboardingId, OperationId, ReconciliationId, RunId, ScheduleId, VerificationId,
};
use crate::kind::Kind;
use crate::place::Region;

/// What a queue carries.
pub trait Message: Serialize {
    /// Whose it is, where one of many must not delay the others. Source: SQS Developer Guide, "Amazon SQS
    /// fair queues".
    fn group(&self) -> Option<String> {
        None
    }
}

/// One message of the queue of what is done in customers' accounts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum JobsMessage {
    /// Take the next step of an operation that lasts.
    Operation(OperationStep),
    /// Take the next step of a chunk of a run's jobs.
    Chunk(ChunkStep),
}

/// One step of a chunk of a run's jobs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ChunkStep {
    /// Of which run.
    pub run_id: RunId,
    /// In whose account.
    pub connection_id: ConnectionId,
    /// Which of that connection's chunks.
    pub chunk: u32,
    /// Which step, from 0. Only the step that the table expects is taken.
    pub step: u32,
    /// When waiting ends, so that no message can go round for ever.
    pub deadline: Timestamp,
    /// Whether an earlier message of this step waits in this one. Work of it may be half done.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub waited: bool,
}

/// One message of the queue of what runs are planned by.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum RunsMessage {
    /// The time of a schedule has come. EventBridge sends it.
    Scheduled(Firing),
    /// Take the next step of a run.
    Run(RunStep),
    /// Take the next step of one connection's part of a run.
    Part(PartStep),
    /// See to it that a schedule in EventBridge is what the table says.
    Publish(PublishSchedule),
    /// Compare the schedules in the table with those in EventBridge. A schedule sends it, and each
    /// sends the next one while there are more.
    Reconcile(ReconcileSchedules),
    /// Have the backups of every connection looked at. A schedule sends it, and each sends the next one while
    /// there are more.
    SweepFreshness(SweepFreshness),
    /// Look at one page of a connection's resources: how old is the newest backup of each?
    LookAtBackups(LookAtBackups),
}

/// A schedule whose time has come.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Firing {
    /// Which schedule.
    pub schedule_id: ScheduleId,
    /// For which of its times, however late the message comes.
    pub scheduled_time: Timestamp,
}

/// One step of a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RunStep {
    /// Which run.
    pub run_id: RunId,
    /// Which step, from 0. Only the step that the table expects is taken.
    pub step: u32,
    /// When waiting ends, so that no message can go round for ever.
    pub deadline: Timestamp,
}

/// One step of one connection's part of a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PartStep {
    /// Of which run.
    pub run_id: RunId,
    /// Whose part.
    pub connection_id: ConnectionId,
    /// Which step, from 0. Only the step that the table expects is taken.
    pub step: u32,
    /// When waiting ends, so that no message can go round for ever.
    pub deadline: Timestamp,
    /// Whether an earlier message of this step waits in this one. Work of it may be half done.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub waited: bool,
}

/// A schedule that has changed in the table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PublishSchedule {
    /// Which one.
    pub schedule_id: ScheduleId,
    /// The version that is about to be written, or was.
    pub version: u64,
    /// When: one that is not there long after was never written.
    pub asked_at: Timestamp,
}

/// One page of a comparison of the schedules in the table with those in EventBridge.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReconcileSchedules {
    /// Whether EventBridge's are gone through by now, after the table's.
    #[serde(default)]
    pub published: bool,
    /// Where the page begins, as the page before it said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cursor: Option<String>,
}

/// One page of all connections, whose backups are to be looked at.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SweepFreshness {
    /// Where the page begins, as the page before it said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cursor: Option<String>,
}

/// One page of a connection's resources. Looking twice finds nothing new, so that nothing is kept of how far it
/// is but this.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LookAtBackups {
    /// Whose.
    pub connection_id: ConnectionId,
    /// Of what kind; the first unless it says.
    #[serde(default, rename = "backups", skip_serializing_if = "Option::is_none")]
    pub of: Option<Kind>,
    /// Where; in the first of its Regions unless it says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub region: Option<Region>,
    /// Behind which resource, or where else the page before it ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<String>,
    /// When it was asked for: it is given up an hour later.
    pub asked_at: Timestamp,
    /// Whether something could not be looked at, so that not all of them are.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub blind: bool,
}

impl LookAtBackups {
    /// The first page.
    #[must_use]
    pub const fn all(connection_id: ConnectionId, now: Timestamp) -> Self {
        Self { connection_id, of: None, region: None, after: None, asked_at: now, blind: false }
    }
}

impl Message for RunsMessage {
    fn group(&self) -> Option<String> {
        match self {
            Self::Part(step) => Some(step.connection_id.to_string()),
            Self::Scheduled(Firing { schedule_id, .. })
            | Self::Publish(PublishSchedule { schedule_id, .. }) => Some(schedule_id.to_string()),
            Self::Run(step) => Some(step.run_id.to_string()),
            Self::LookAtBackups(page) => Some(page.connection_id.to_string()),
            Self::Reconcile(_) | Self::SweepFreshness(_) => None,
        }
    }
}

/// One step of an operation that lasts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OperationStep {
    /// In whose account.
    pub connection_id: ConnectionId,
    /// Which operation.
    pub operation_id: OperationId,
    /// Which step, from 0. Only the step that the table expects is taken.
    pub step: u32,
    /// When waiting ends, so that no message can go round for ever.
    pub deadline: Timestamp,
    /// Whether an earlier message of this step waits in this one. Work of it may be half done.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub waited: bool,
}

impl JobsMessage {
    /// The same, sent instead of an earlier message of the same step that came too soon.
    #[must_use]
    pub fn waited(mut self) -> Self {
        let waited = match &mut self {
            Self::Operation(step) => &mut step.waited,
            Self::Chunk(step) => &mut step.waited,
        };
        *waited = true;
        self
    }
}

impl Message for JobsMessage {
    fn group(&self) -> Option<String> {
        let connection = match self {
            Self::Operation(step) => step.connection_id,
            Self::Chunk(step) => step.connection_id,
        };
        Some(connection.to_string())
    }
}

impl Message for OnboardingMessage {}

/// One message of the onboarding queue.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum OnboardingMessage {
    /// Take the next step of a verification.
    Verify(VerifyStep),
    /// Take the next step of a look for a role.
    Look(LookStep),
    /// Take the next step of an offboarding.
    Offboard(OffboardStep),
    /// See to it that a grant in IAM is what the table says.
    Publish(PublishGrant),
    /// Verify the connections whose time has come. A schedule sends it, and each sends the next
    /// one while there are more.
    Sweep(Sweep),
    /// Compare the grants in the table with those in IAM. A schedule sends it, or the API.
    Reconcile(Reconcile),
}

/// One step of a verification.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VerifyStep {
    /// Whose verification.
    pub connection_id: ConnectionId,
    /// Which of its verifications.
    pub verification_id: VerificationId,
    /// Which step, from 0. Only the step that the table expects is taken.
    pub step: u32,
    /// When waiting ends, so that no message can go round for ever.
    pub deadline: Timestamp,
}

/// One step of a look for a role.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LookStep {
    /// For whose role.
    pub connection_id: ConnectionId,
    /// Which of that connection's looks.
    pub look_id: LookId,
    /// Which step, from 0. Only the step that the table expects is taken.
    pub step: u32,
    /// When it ends, so that no message can go round for ever.
    pub deadline: Timestamp,
}

/// One step of an offboarding.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OffboardStep {
    /// Whose offboarding.
    pub connection_id: ConnectionId,
    /// Which attempt at it.
    pub offboarding_id: OffboardingId,
    /// Which step, from 0. Only the step that the table expects is taken.
    pub step: u32,
    /// When waiting ends, so that no message can go round for ever.
    pub deadline: Timestamp,
}

/// A grant that has changed in the table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PublishGrant {
    /// Which one.
    pub shard: Shard,
    /// The connection that changed it, for the log.
    pub connection_id: ConnectionId,
}

/// One page of the connections whose time has come.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sweep {
    /// Where the page before it ended: what failed there is not tried again until the next sweep.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<DuePlace>,
}

/// A place in the order in which connections are due.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DuePlace {
    /// When that connection was due.
    pub due_at: Timestamp,
    /// That connection.
    pub connection_id: ConnectionId,
}

/// One step of a reconciliation.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Reconcile {
    /// Which one; the daily one gets its id at its first step.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reconciliation_id: Option<ReconciliationId>,
    /// Which step, from 0. Only the step that the table expects is taken.
    #[serde(default)]
    pub step: u32,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_read_back_and_nothing_else_is_read() {
        let message = OnboardingMessage::Verify(VerifyStep {
            connection_id: ConnectionId::new(Timestamp::UNIX_EPOCH, [1; 10]),
            verification_id: VerificationId::new(Timestamp::UNIX_EPOCH, [2; 10]),
            step: 3,
            deadline: Timestamp::UNIX_EPOCH,
        });
        let text = serde_json::to_string(&message).unwrap();
        assert_eq!(serde_json::from_str::<OnboardingMessage>(&text).unwrap(), message);
        for broken in [
            "",
            "{}",
            r#"{"kind":"verify"}"#,
            &text.replace("verify\"", "other\""),
            &text.replace("\"step\":3", "\"step\":-1"),
            &text.replace("\"step\":3", "\"step\":3,\"external_id\":\"x\""),
        ] {
            assert!(serde_json::from_str::<OnboardingMessage>(broken).is_err(), "{broken}");
        }
    }

    #[test]
    fn a_look_is_named_and_not_described() {
        let step = LookStep {
            connection_id: ConnectionId::new(Timestamp::UNIX_EPOCH, [1; 10]),
            look_id: LookId::new(Timestamp::UNIX_EPOCH, [2; 10]),
            step: 3,
            deadline: Timestamp::UNIX_EPOCH,
        };
        let text = serde_json::to_string(&OnboardingMessage::Look(step.clone())).unwrap();
        assert!(text.starts_with(r#"{"kind":"look","#) && !text.contains("arn:"), "{text}");
        assert_eq!(serde_json::from_str::<OnboardingMessage>(&text).unwrap(), OnboardingMessage::Look(step));
    }

    /// EventBridge replaces the time by the one that it was scheduled for. Source: EventBridge Scheduler
    /// User Guide, "Adding context attributes".
    #[test]
    fn what_a_schedule_of_a_connection_sends_is_read() {
        let id = ScheduleId::new(Timestamp::UNIX_EPOCH, [3; 10]);
        let text =
            format!(r#"{{"kind":"scheduled","schedule_id":"{id}","scheduled_time":"2026-11-28T02:00:00Z"}}"#);
        let read: RunsMessage = serde_json::from_str(&text).unwrap();
        let scheduled_time = "2026-11-28T02:00:00Z".parse().unwrap();
        assert_eq!(read, RunsMessage::Scheduled(Firing { schedule_id: id, scheduled_time }));
        assert_eq!(read.group(), Some(id.to_string()));
        let reconcile: RunsMessage = serde_json::from_str(r#"{"kind":"reconcile"}"#).unwrap();
        assert_eq!(reconcile, RunsMessage::Reconcile(ReconcileSchedules::default()));
    }

    /// The template's schedules send exactly these.
    #[test]
    fn what_schedules_send_is_read() {
        let read = |text| serde_json::from_str::<OnboardingMessage>(text).unwrap();
        assert_eq!(read(r#"{"kind":"sweep"}"#), OnboardingMessage::Sweep(Sweep::default()));
        assert_eq!(read(r#"{"kind":"reconcile"}"#), OnboardingMessage::Reconcile(Reconcile::default()));
    }
}
