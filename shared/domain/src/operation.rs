//! One IAM action, carried out once in a customer's account.

mod lasting;
mod restoring;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::audit::{About, Actor, AuditEvent, EventType};
use crate::capability::{Action, Capability};
use crate::connection::{Connection, Occasion};
use crate::error::{Error, ErrorKind};
use crate::id::{BackupId, ConnectionId, OperationId, PlanId};
use crate::place::Region;
use crate::steps::Steps;

pub use lasting::{LONGEST_ASKING, LONGEST_WAIT, Lasting};
pub use restoring::{
    ASKING, Aspect, Comparison, Counted, LONGEST_FINISHING, LONGEST_QUEUEING, LONGEST_RESTORE, LookedUp,
    News, RestoreOrder, RestorePhase, Restoring, Setting, SettingOutcome, SettingReport, Trouble, Verdict,
    compare, count, foresee_restore, settings_of, uncompared,
};

/// How long an operation may run before its outcome counts as lost: longer than the function that
/// carries it out may run.
pub const LONGEST: SignedDuration = SignedDuration::from_secs(45);

/// Longest reason that a caller gives, in characters.
pub const LONGEST_REASON: usize = 500;

/// Where an operation stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum OperationState {
    /// It is being carried out.
    Running,
    /// AWS carried it out.
    Succeeded,
    /// AWS refused it, or it is not known what became of it.
    Failed,
    /// AWS carried it out on some targets and not on others.
    Partial,
}

/// What became of one target.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum TargetOutcome {
    /// AWS has not been asked yet.
    Queued,
    /// AWS is about to do it.
    Running,
    /// It is done.
    Succeeded,
    /// It is not done, and will not be.
    Failed,
    /// A part of it is done: the detail tells how much is not, and the output what.
    Partial,
}

impl TargetOutcome {
    /// Whether nothing more becomes of it.
    #[must_use]
    pub const fn is_final(self) -> bool {
        matches!(self, Self::Succeeded | Self::Failed | Self::Partial)
    }
}

/// One thing that the operation is about, and what became of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Target {
    /// As AWS names it: an instance's id, a table's name. Where an action is about nothing in
    /// particular, the action itself.
    pub id: String,
    /// What became of it.
    pub outcome: TargetOutcome,
    /// Why it failed, or waits, in one word that programs may decide by.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// Why it failed, or waits, and what mends it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
}

/// An operation, as it is kept: who asked for what, when and why, and what became of it. Its output is
/// not kept, and neither is its input unless it lasts, for both may hold what is the customer's alone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Operation {
    /// Its id.
    pub id: OperationId,
    /// In whose account.
    pub connection_id: ConnectionId,
    /// What.
    pub action: Action,
    /// Where.
    pub region: Region,
    /// Whether AWS was only asked if it would.
    pub dry_run: bool,
    /// Who asked for it.
    pub actor: Actor,
    /// Why, as the caller says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The plan that it carries out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub plan_id: Option<PlanId>,
    /// Where it stands.
    pub state: OperationState,
    /// What it is about.
    pub targets: Vec<Target>,
    /// When it was begun.
    pub started_at: Timestamp,
    /// When it ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub finished_at: Option<Timestamp>,
    /// The name of the session that carries it out, by which the customer's CloudTrail finds it.
    pub session_name: String,
    /// AWS's ids of the requests.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub request_ids: Vec<String>,
    /// Whether AWS answered with something, which the first answer alone carried.
    #[serde(default)]
    pub had_output: bool,
    /// The backup of the ledger that it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub backup_id: Option<BackupId>,
    /// What is kept of it besides, if it lasts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lasting: Option<Lasting>,
    /// What is kept of it besides, if it restores a backup, which lasts too.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub restoring: Option<Restoring>,
}

/// What a caller asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Order {
    /// What.
    pub action: Action,
    /// Where.
    pub region: Region,
    /// Whether AWS is only to be asked if it would.
    pub dry_run: bool,
    /// Why.
    pub reason: Option<String>,
}

/// What AWS made of an operation.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Ending {
    /// What became of each target.
    pub targets: Vec<Target>,
    /// AWS's ids of the requests.
    pub request_ids: Vec<String>,
    /// Whether AWS answered with something.
    pub had_output: bool,
}

impl Connection {
    /// Refuses work in an account that is not to be worked in at present; `what` needs it to be.
    ///
    /// # Errors
    /// 409 `connection_not_active`.
    pub fn admit_work(&self, what: &str) -> Result<(), Error> {
        if self.state.admits_operations() {
            return Ok(());
        }
        let state = self.state.as_str();
        let detail = format!("the connection is {state}; {what} need one that is active or degraded");
        Err(Error::conflict("connection_not_active", detail))
    }

    /// Refuses an operation that takes more than its own action, where no capability holds that.
    ///
    /// # Errors
    /// 403 `capability_missing`, which names one that would.
    pub fn admit_companions(&self, companions: &[Action]) -> Result<(), Error> {
        let Some(missing) = companions.iter().copied().find(|action| !self.capabilities.holds(*action))
        else {
            return Ok(());
        };
        let holders = Capability::ALL.into_iter().filter(|capability| {
            !matches!(capability, Capability::DynamodbDrill | Capability::Classic)
                && capability.actions().any(|action| action == missing)
        });
        let holders: Vec<_> = holders.map(Capability::as_str).collect();
        Err(missing_capability(missing, &holders.join(" or ")))
    }

    /// Refuses a drill that takes more than is held for drills.
    ///
    /// # Errors
    /// 403 `capability_missing`, which names one that would.
    pub fn admit_drill(&self, actions: &[Action]) -> Result<(), Error> {
        let missing = actions.iter().copied().find(|action| !self.capabilities.holds_for_drills(*action));
        let Some(missing) = missing else { return Ok(()) };
        let drill = Capability::DynamodbDrill;
        let holder =
            if drill.actions().any(|action| action == missing) { drill } else { Capability::DynamodbBackup };
        Err(missing_capability(missing, holder.as_str()))
    }
}

fn missing_capability(missing: Action, holder: &str) -> Error {
    let detail =
        format!("this takes {missing} as well, and no capability of this connection holds it; {holder} does");
    Error::new(ErrorKind::Forbidden, "capability_missing", detail)
}

impl Operation {
    /// Begins an operation that `connection` admits.
    ///
    /// # Errors
    /// 409 `connection_not_active`, 403 `capability_missing`, 422 `region_not_connected`.
    pub fn begin(
        id: OperationId,
        order: Order,
        connection: &Connection,
        occasion: &Occasion,
    ) -> Result<Self, Error> {
        connection.admit_work("operations")?;
        if !connection.capabilities.holds(order.action) {
            return Err(Error::new(
                ErrorKind::Forbidden,
                "capability_missing",
                format!(
                    "no capability of this connection holds {}; add one with PATCH, and have the customer's role \
                     allow it",
                    order.action
                ),
            )
            .at("/action"));
        }
        if !connection.regions.contains(&order.region) {
            let known: Vec<_> = connection.regions.iter().map(Region::as_str).collect();
            return Err(Error::refused(
                "region_not_connected",
                format!("the connection is for {}; add the Region with PATCH", known.join(", ")),
            )
            .at("/region"));
        }
        Ok(Self {
            id,
            connection_id: connection.id,
            action: order.action,
            region: order.region,
            dry_run: order.dry_run,
            actor: occasion.actor.clone(),
            reason: order.reason,
            plan_id: None,
            state: OperationState::Running,
            targets: Vec::new(),
            started_at: occasion.now,
            finished_at: None,
            session_name: format!("drawbridge-{id}"),
            request_ids: Vec::new(),
            had_output: false,
            backup_id: None,
            lasting: None,
            restoring: None,
        })
    }

    /// The same, to carry out this plan.
    #[must_use]
    pub fn of_plan(self, plan: PlanId) -> Self {
        Self { plan_id: Some(plan), ..self }
    }

    /// The same, about this backup of the ledger.
    #[must_use]
    pub fn of_backup(self, backup: Option<BackupId>) -> Self {
        Self { backup_id: backup, ..self }
    }

    /// Its steps, if it lasts.
    #[must_use]
    pub fn steps(&self) -> Option<&Steps> {
        let lasting = self.lasting.as_ref().map(|lasting| &lasting.steps);
        lasting.or(self.restoring.as_ref().map(|restoring| &restoring.steps))
    }

    /// The same, ended like this.
    #[must_use]
    pub fn ended(&self, ending: Ending, now: Timestamp) -> Self {
        let Ending { targets, request_ids, had_output } = ending;
        let all = |outcome| targets.iter().all(|target| target.outcome == outcome);
        let state = if all(TargetOutcome::Succeeded) {
            OperationState::Succeeded
        } else if all(TargetOutcome::Failed) {
            OperationState::Failed
        } else {
            OperationState::Partial
        };
        Self { state, targets, request_ids, had_output, finished_at: Some(now), ..self.clone() }
    }

    /// The same as it is to be told at `now`: one that should long have ended was lost with the
    /// function that carried it out, and nobody knows what AWS made of it.
    #[must_use]
    pub fn told(&self, now: Timestamp) -> Self {
        if self.state != OperationState::Running {
            return self.clone();
        }
        let (lost_at, id) = match self.steps() {
            Some(steps) if steps.is_stuck(now) => (steps.deadline, None),
            None if now >= self.started_at + LONGEST => (self.started_at + LONGEST, Some(self.action)),
            _ => return self.clone(),
        };
        let detail = format!(
            "Drawbridge was interrupted before AWS had answered. Look in the customer's account, and in CloudTrail for \
             the session {} (which does not list what is done to items), before asking for it again.",
            self.session_name
        );
        let lost = id.map(|action| Target {
            id: action.to_string(),
            outcome: TargetOutcome::Failed,
            code: Some("outcome_unknown".to_owned()),
            detail: Some(detail.clone()),
        });
        let targets = self.targets.iter().cloned().chain(lost).collect();
        Self { targets, ..self.clone() }.given_up("outcome_unknown", &detail).settled(lost_at)
    }

    /// The entry of the audit list that tells of its end.
    #[must_use]
    pub fn event(&self, occasion: &Occasion) -> AuditEvent {
        let targets: Vec<_> = self
            .targets
            .iter()
            .map(|target| json!({"id": target.id, "outcome": target.outcome, "code": target.code}))
            .collect();
        let data = json!({
            "operation_id": self.id,
            "action": self.action,
            "region": self.region,
            "dry_run": self.dry_run,
            "state": self.state,
            "targets": targets,
            "reason": self.reason,
            "session_name": self.session_name,
        });
        let mut data = match data {
            Value::Object(map) => map,
            _ => Map::new(),
        };
        if let Some(plan) = self.plan_id {
            data.insert("plan_id".to_owned(), json!(plan));
        }
        AuditEvent {
            id: occasion.event_id,
            kind: EventType::OperationFinished,
            at: occasion.now,
            actor: self.actor.clone(),
            about: About::Connection(self.connection_id),
            data,
        }
    }
}

#[cfg(test)]
mod tests;
