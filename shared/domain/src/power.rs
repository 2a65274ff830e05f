//! Office hours: what is done with one instance that is to be stopped or started, and what is remembered of it.
//!
//! An instance that somebody has stopped on purpose stays so. Nothing in AWS says who has stopped one, so that
//! each stop remembers how it found it. What is remembered counts until somebody starts the instance, which
//! its launch time tells: EC2 sets it anew at each start. Source: EC2 API Reference, `Instance`, `LaunchTime`.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::id::RunId;
use crate::kind::Kind;

/// How long after a chunk was planned AWS is asked for anything: later, office hours may have begun or ended.
pub const LONGEST_ASKING: SignedDuration = SignedDuration::from_hours(1);

/// How long an instance that was listed a moment ago may not be shown: EC2 tells what was before. Source: EC2 API
/// Reference, "Eventual consistency in the Amazon EC2 API".
const UNSEEN_FOR: SignedDuration = SignedDuration::from_mins(2);

/// The state that instances are to be in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wanted {
    /// They run.
    Running,
    /// They are stopped.
    Stopped,
}

impl Wanted {
    /// What runs of this kind want, if they are about that.
    #[must_use]
    pub const fn of(kind: Kind) -> Option<Self> {
        match kind {
            Kind::Ec2Start => Some(Self::Running),
            Kind::Ec2Stop => Some(Self::Stopped),
            Kind::DynamodbBackup | Kind::Ec2Backup | Kind::RestoreDrill => None,
        }
    }

    /// What is done to get there.
    #[must_use]
    pub const fn verb(self) -> &'static str {
        match self {
            Self::Running => "start",
            Self::Stopped => "stop",
        }
    }

    /// What a dry run says of an instance that would be asked for.
    #[must_use]
    pub const fn would(self) -> (&'static str, &'static str) {
        match self {
            Self::Running => ("would_start", "It would be started."),
            Self::Stopped => ("would_stop", "It would be stopped."),
        }
    }

    /// What is said of an instance that is there already.
    #[must_use]
    pub const fn already(self) -> (&'static str, &'static str) {
        match self {
            Self::Running => ("already_running", "It was running already."),
            Self::Stopped => (
                "already_stopped",
                "It was stopped already. If somebody has meant that, it is not started either.",
            ),
        }
    }
}

/// The state that an instance is in. Source: EC2 API Reference, `InstanceState`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PowerState {
    /// It is being started.
    Pending,
    /// It runs.
    Running,
    /// It is being stopped.
    Stopping,
    /// It is stopped, or hibernates.
    Stopped,
    /// It is terminated, or being so.
    Gone,
    /// EC2 says something else.
    Unknown,
}

impl From<&str> for PowerState {
    fn from(name: &str) -> Self {
        match name {
            "pending" => Self::Pending,
            "running" => Self::Running,
            "stopping" => Self::Stopping,
            "stopped" => Self::Stopped,
            "shutting-down" | "terminated" => Self::Gone,
            _ => Self::Unknown,
        }
    }
}

/// An instance, as far as what is done with it depends on that.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Powered {
    /// How it is.
    pub state: PowerState,
    /// When it was last started.
    pub launched_at: Option<Timestamp>,
    /// The Auto Scaling group that it belongs to.
    pub group: Option<String>,
    /// Whether its root device is an instance store, with which it cannot be stopped.
    pub on_instance_store: bool,
    /// Why it is in its state, as EC2 says in one word.
    pub reason: Option<String>,
}

impl Powered {
    /// Whether AWS itself has taken it down, or could not start it: nobody has stopped it on purpose. Source:
    /// EC2 API Reference, `StateReason`.
    fn is_down_by_itself(&self) -> bool {
        let by_itself = |reason: &str| {
            reason.starts_with("Server.")
                || matches!(reason, "Client.InternalError" | "Client.VolumeLimitExceeded")
        };
        self.reason.as_deref().is_some_and(by_itself)
    }
}

/// How the latest stop or start of Drawbridge's left or found an instance.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Found {
    /// It was running, and Drawbridge has stopped it.
    StoppedByDrawbridge,
    /// It was stopped already: somebody has meant that.
    FoundStopped,
    /// It was to be stopped, and was not.
    NotStopped,
    /// It was to be started, and AWS could not, or AWS has taken it down.
    NotStarted,
}

/// What is remembered of an instance.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Memory {
    /// How it was.
    pub found: Found,
    /// When.
    pub at: Timestamp,
    /// Which run has seen that.
    pub run_id: RunId,
}

impl Memory {
    /// Whether nobody has started the instance since.
    fn counts(&self, instance: &Powered) -> bool {
        instance.launched_at.is_none_or(|launched_at| launched_at <= self.at)
    }

    /// Whether it stays stopped: somebody has stopped it on purpose.
    fn is_on_purpose(&self, instance: &Powered) -> bool {
        self.found == Found::FoundStopped && self.counts(instance)
    }

    /// What is to be remembered of an instance that a stop finds stopped, unless that is known. It may have been
    /// Drawbridge itself: by another schedule, or by an earlier delivery of the same message.
    #[must_use]
    pub fn of_stopped(
        instance: &Powered,
        known: Option<&Self>,
        now: Timestamp,
        run_id: RunId,
    ) -> Option<Self> {
        let ours = known.is_some_and(|known| {
            matches!(known.found, Found::StoppedByDrawbridge | Found::NotStarted) && known.counts(instance)
        });
        let found = if instance.is_down_by_itself() { Found::NotStarted } else { Found::FoundStopped };
        (!ours).then_some(Self { found, at: now, run_id })
    }

    /// What is to be remembered of an instance that AWS was asked for, and that has not become what was wanted.
    #[must_use]
    pub const fn of_failed(wanted: Wanted, now: Timestamp, run_id: RunId) -> Self {
        let found = match wanted {
            Wanted::Running => Found::NotStarted,
            Wanted::Stopped => Found::NotStopped,
        };
        Self { found, at: now, run_id }
    }
}

/// What is to be done with an instance.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decision {
    /// AWS is asked.
    Ask,
    /// AWS has taken it, and it is on its way.
    Taken,
    /// It is as it is wanted.
    There,
    /// It is on its way to something else, and is looked at again.
    Later(&'static str, &'static str),
    /// It is left alone.
    Skip(&'static str, String),
}

/// What asks for an instance to be switched.
#[derive(Debug, Clone, Copy)]
pub struct Asking {
    /// Which run.
    pub run_id: RunId,
    /// Since when that is known to have been wanted.
    pub since: Timestamp,
    /// When AWS was asked before, if it may have been.
    pub asked_at: Option<Timestamp>,
    /// When it was looked at.
    pub now: Timestamp,
}

/// What is to be done with an instance. What is remembered of it counts for what is to be started.
#[must_use]
pub fn decide(
    wanted: Wanted,
    instance: Option<&Powered>,
    asking: Asking,
    known: Option<&Memory>,
) -> Decision {
    if instance.is_none() && asking.now < asking.since + UNSEEN_FOR {
        return Decision::Later("instance_unseen", "EC2 does not show it at present; it is looked at again.");
    }
    let Some(instance) = instance.filter(|instance| instance.state != PowerState::Gone) else {
        let detail = "There is no such instance any more: it was terminated.";
        return Decision::Skip("instance_not_found", detail.to_owned());
    };
    let asked = asking.asked_at.is_some();
    let left_alone =
        left_alone(wanted, instance, known).or_else(|| overtaken(wanted, instance, asking, known));
    if let Some((code, detail)) = left_alone.filter(|_| !asked) {
        return Decision::Skip(code, detail);
    }
    let started_since =
        asking.asked_at.is_some_and(|at| instance.launched_at.is_some_and(|launched| launched > at));
    match (wanted, instance.state) {
        // The request was carried out, and somebody has started it again: he means that.
        (Wanted::Stopped, PowerState::Running) if started_since => {
            let (code, detail) = started();
            Decision::Skip(code, detail)
        }
        // It was carried out, and what has stopped the instance since is told.
        (Wanted::Running, PowerState::Stopped) if started_since => Decision::Taken,
        (Wanted::Running, PowerState::Stopped) | (Wanted::Stopped, PowerState::Running) => Decision::Ask,
        (Wanted::Running, PowerState::Running) | (Wanted::Stopped, PowerState::Stopped) => Decision::There,
        (Wanted::Running, PowerState::Pending) | (Wanted::Stopped, PowerState::Stopping) if asked => {
            Decision::Taken
        }
        (_, PowerState::Pending) => {
            Decision::Later("instance_pending", "It is being started; it is looked at again.")
        }
        (_, PowerState::Stopping) => {
            Decision::Later("instance_stopping", "It is being stopped; it is looked at again.")
        }
        (_, _) => Decision::Later("instance_changing", "EC2 does not say how it is; it is looked at again."),
    }
}

fn started() -> (&'static str, String) {
    let detail = "Somebody has started it since it was to be stopped: it is left running.";
    ("started_since", detail.to_owned())
}

/// Why an instance that was waited for is not asked for any more: what was wanted of it since is something else.
fn overtaken(
    wanted: Wanted,
    instance: &Powered,
    asking: Asking,
    known: Option<&Memory>,
) -> Option<(&'static str, String)> {
    match (wanted, instance.state) {
        (Wanted::Stopped, PowerState::Running) => {
            instance.launched_at.is_some_and(|at| at > asking.since).then(started)
        }
        (Wanted::Running, PowerState::Stopped) => {
            let later = |known: &&Memory| known.run_id != asking.run_id && known.at > asking.since;
            known.filter(later).map(|known| {
                let detail =
                    format!("{} has come to it since it was to be started: it is left so.", known.run_id);
                ("stopped_since", detail)
            })
        }
        _ => None,
    }
}

/// Why an instance is not even asked for, if it is not.
fn left_alone(wanted: Wanted, instance: &Powered, known: Option<&Memory>) -> Option<(&'static str, String)> {
    if let Some(group) = &instance.group {
        let detail = format!(
            "It belongs to the Auto Scaling group {group}, which would put another in its place. Give the group \
             scheduled actions instead, or leave the instance out of the selection."
        );
        return Some(("in_auto_scaling_group", detail));
    }
    if wanted == Wanted::Stopped && instance.on_instance_store {
        let detail = "Its root device is an instance store: it can be rebooted or terminated, and not stopped. Leave it \
                      out of the selection.";
        return Some(("cannot_be_stopped", detail.to_owned()));
    }
    let stopped = instance.state == PowerState::Stopped;
    let on_purpose = known.filter(|known| stopped && known.is_on_purpose(instance));
    on_purpose.filter(|_| wanted == Wanted::Running).map(|known| {
        let detail = format!(
            "It was stopped already when Drawbridge was to stop it ({}), so that somebody means it to be. Start it by \
             hand once, and it keeps office hours again.",
            known.at
        );
        ("stopped_on_purpose", detail)
    })
}

/// What is said of an instance that AWS was asked for by a run of this kind, where nobody saw what became of it.
#[must_use]
pub fn unseen(kind: Kind, detail: &str) -> Option<String> {
    let verb = Wanted::of(kind)?.verb();
    Some(format!(
        "AWS was asked to {verb} the instance, and what became of it was not seen: look at it in the customer's \
         account. {detail}"
    ))
}

#[cfg(test)]
mod tests;
