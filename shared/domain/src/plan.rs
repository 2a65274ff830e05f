//! Plans: what cannot be undone is shown first, and carried out once, by an applied plan alone. So is what
//! takes hours and costs: a restored table.
//!
//! A plan is pending until it is applied or its time is over. What it saw of its targets is kept as a
//! fingerprint, so that applying it can tell whether they are still what somebody agreed to lose.

use std::collections::BTreeMap;
use std::fmt;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::audit::{About, Actor, AuditEvent, EventType};
use crate::capability::Action;
use crate::connection::Occasion;
use crate::error::{Error, ErrorKind, FieldError};
use crate::id::{BackupId, ConnectionId, OperationId, PlanId};
use crate::operation::{Operation, Order};
use crate::place::Region;

/// Largest input of a plan, in bytes of JSON.
pub const LARGEST_INPUT: usize = 256 * 1024;

/// Where a plan stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum PlanState {
    /// It can be applied.
    Pending,
    /// It has been applied, which it can be once.
    Applied,
    /// It was not applied in time.
    Expired,
}

/// One thing that will be gone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct PlanTarget {
    /// As AWS names it: an instance's id, a table's name, a backup's ARN. Of items, their table.
    pub id: String,
    /// What it is: `instance`, `image`, `snapshot`, `table`, `backup` or `items`.
    pub kind: String,
    /// What tells it from others: its name, state, size and the like, by kind.
    #[cfg_attr(feature = "openapi", schema(value_type = Object))]
    pub facts: Map<String, Value>,
}

/// What should be known before a plan is applied.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Warning {
    /// In one word that programs may decide by.
    pub code: String,
    /// What it is, for people.
    pub detail: String,
}

/// What makes a target what it is, by name of the part. A part that would tell what is in a table is
/// a hash.
pub type Print = BTreeMap<String, String>;

/// What was seen in the customer's account of what an action would destroy.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Seen {
    /// What will be gone.
    pub targets: Vec<PlanTarget>,
    /// What goes with it, and what stays.
    pub blast_radius: Map<String, Value>,
    /// What should be known.
    pub warnings: Vec<Warning>,
    /// What makes each target what it is, by the target.
    pub prints: BTreeMap<String, Print>,
}

/// A plan, as it is kept. Its input is kept apart, and only as long as it can be applied.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Plan {
    /// Its id.
    pub id: PlanId,
    /// In whose account.
    pub connection_id: ConnectionId,
    /// What.
    pub action: Action,
    /// Where.
    pub region: Region,
    /// Pending or applied; that it has expired, the time tells.
    pub state: PlanState,
    /// What will be gone.
    pub targets: Vec<PlanTarget>,
    /// What goes with it, and what stays.
    pub blast_radius: Map<String, Value>,
    /// What should be known.
    pub warnings: Vec<Warning>,
    /// What makes each target what it is.
    pub prints: BTreeMap<String, Print>,
    /// The backup of the ledger that it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub backup_id: Option<BackupId>,
    /// Why, as the caller says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Who planned it.
    pub actor: Actor,
    /// When.
    pub created_at: Timestamp,
    /// Until when it can be applied.
    pub lapses_at: Timestamp,
    /// Who applied it, who may be somebody else.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub applied_by: Option<Actor>,
    /// When.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub applied_at: Option<Timestamp>,
    /// What carries it out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub operation_id: Option<OperationId>,
    /// Counts its changes.
    pub version: u64,
}

/// A plan that is applied, to be written in one transaction with the operation that carries it out.
#[derive(Debug, Clone, PartialEq)]
pub struct Applied {
    /// The plan as it was read.
    pub before: Plan,
    /// The plan as it is from then on.
    pub plan: Plan,
    /// The entry of the audit list that tells of it.
    pub event: AuditEvent,
}

/// What a plan would carry out, and what its prints of items are hashed with. It is kept apart from the
/// plan, and only as long as that can be applied: the one may hold what is the customer's alone, and with
/// the other somebody could try out which item a hash is of.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sealed {
    /// The action's parameters.
    pub input: Value,
    /// Random.
    pub salt: String,
}

impl fmt::Debug for Sealed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Sealed([redacted])")
    }
}

impl Plan {
    /// Plans an operation that its connection admits, from what was seen of its targets.
    #[must_use]
    pub fn create(
        id: PlanId,
        operation: &Operation,
        seen: Seen,
        lifetime: SignedDuration,
        occasion: &Occasion,
    ) -> (Self, AuditEvent) {
        let Seen { targets, blast_radius, warnings, prints } = seen;
        let plan = Self {
            id,
            connection_id: operation.connection_id,
            action: operation.action,
            region: operation.region.clone(),
            state: PlanState::Pending,
            targets,
            blast_radius,
            warnings,
            prints,
            backup_id: operation.backup_id,
            reason: operation.reason.clone(),
            actor: occasion.actor.clone(),
            created_at: occasion.now,
            lapses_at: occasion.now + lifetime,
            applied_by: None,
            applied_at: None,
            operation_id: None,
            version: 1,
        };
        let event = plan.event(EventType::PlanCreated, occasion);
        (plan, event)
    }

    /// What is asked for by applying it.
    #[must_use]
    pub fn order(&self) -> Order {
        Order {
            action: self.action,
            region: self.region.clone(),
            dry_run: false,
            reason: self.reason.clone(),
        }
    }

    /// Where it stands at `now`.
    #[must_use]
    pub fn state_at(&self, now: Timestamp) -> PlanState {
        match self.state {
            PlanState::Pending if now >= self.lapses_at => PlanState::Expired,
            state => state,
        }
    }

    /// Refuses to apply what has been applied, or is too old.
    ///
    /// # Errors
    /// 409 `plan_already_applied`, 410 `plan_expired`.
    pub fn can_be_applied(&self, now: Timestamp) -> Result<(), Error> {
        match self.state_at(now) {
            PlanState::Pending => Ok(()),
            PlanState::Applied => Err(already_applied(self.operation_id)),
            PlanState::Expired => Err(expired()),
        }
    }

    /// Refuses to apply what was planned for targets that have changed since: the refusal says how.
    ///
    /// # Errors
    /// 409 `plan_stale`.
    pub fn still_fits(&self, now: &Seen) -> Result<(), Error> {
        let mut changes = Vec::new();
        for (place, target) in self.targets.iter().enumerate() {
            let (before, now) = (self.prints.get(&target.id), now.prints.get(&target.id));
            for change in differences(before, now) {
                changes.push(FieldError::new(format!("/targets/{place}"), "plan_stale", change));
            }
        }
        for id in now.prints.keys().filter(|id| !self.prints.contains_key(*id)) {
            changes.push(FieldError::new("/targets", "plan_stale", format!("{id} was no target")));
        }
        if changes.is_empty() { Ok(()) } else { Err(stale(changes)) }
    }

    /// The plan applied by `operation`, which carries it out.
    ///
    /// # Errors
    /// 409 `plan_already_applied`, 410 `plan_expired`.
    pub fn apply(&self, operation: &Operation, occasion: &Occasion) -> Result<Applied, Error> {
        self.can_be_applied(occasion.now)?;
        let plan = Self {
            state: PlanState::Applied,
            applied_by: Some(occasion.actor.clone()),
            applied_at: Some(occasion.now),
            operation_id: Some(operation.id),
            version: self.version + 1,
            ..self.clone()
        };
        let event = plan.event(EventType::PlanApplied, occasion);
        Ok(Applied { before: self.clone(), plan, event })
    }

    fn event(&self, kind: EventType, occasion: &Occasion) -> AuditEvent {
        let targets: Vec<_> = self.targets.iter().map(|target| &target.id).collect();
        let data = json!({
            "plan_id": self.id,
            "action": self.action,
            "region": self.region,
            "targets": targets,
            "reason": self.reason,
            "planned_by": self.actor,
            "operation_id": self.operation_id,
        });
        let data = match data {
            Value::Object(map) => map.into_iter().filter(|(_, value)| !value.is_null()).collect(),
            _ => Map::new(),
        };
        AuditEvent {
            id: occasion.event_id,
            kind,
            at: occasion.now,
            actor: occasion.actor.clone(),
            about: About::Connection(self.connection_id),
            data,
        }
    }
}

/// The refusal of a plan that has been applied.
#[must_use]
pub fn already_applied(operation: Option<OperationId>) -> Error {
    let detail = match operation {
        Some(id) => format!("the plan has been applied, by the operation {id}; plan anew for what is left"),
        None => "the plan has been applied; plan anew for what is left".to_owned(),
    };
    Error::conflict("plan_already_applied", detail)
}

/// The refusal of a plan that was not applied in time.
#[must_use]
pub fn expired() -> Error {
    let detail = "the plan was not applied in time; plan anew, and look at what it shows";
    Error::new(ErrorKind::Gone, "plan_expired", detail)
}

/// The refusal of a plan whose targets are no longer what it saw.
#[must_use]
pub fn stale(changes: Vec<FieldError>) -> Error {
    let detail =
        "the targets are not what the plan saw, `errors` says how; plan anew, and look at what it shows";
    Error { fields: changes, ..Error::conflict("plan_stale", detail) }
}

/// What has changed of one target, a sentence a part.
fn differences(before: Option<&Print>, now: Option<&Print>) -> Vec<String> {
    let (before, now) = match (before, now) {
        (Some(before), Some(now)) => (before, now),
        (None, None) => return Vec::new(),
        (Some(_), None) => return vec!["it is gone".to_owned()],
        (None, Some(_)) => return vec!["it was not there".to_owned()],
    };
    let mut parts: Vec<&String> = before.keys().chain(now.keys()).collect();
    parts.sort();
    parts.dedup();
    let told = |print: &Print, part: &str| print.get(part).cloned().unwrap_or_else(|| "none".to_owned());
    parts
        .into_iter()
        .filter(|part| before.get(*part) != now.get(*part))
        .map(|part| {
            // A hash tells people nothing.
            if part.ends_with(HASHED) {
                return format!("{} has changed", part.trim_end_matches(HASHED));
            }
            format!("{part} was {} and is {}", told(before, part), told(now, part))
        })
        .collect()
}

/// What the name of a part ends with that is a hash.
pub const HASHED: &str = " (hashed)";

#[cfg(test)]
mod tests;
