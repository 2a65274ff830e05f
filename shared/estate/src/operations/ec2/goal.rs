//! States that instances are to reach. EC2 takes a request to start, stop or terminate them at once;
//! whether they get there shows later. Source: EC2 User Guide, "Amazon EC2 instance state changes".

use std::collections::BTreeSet;

use access::CustomerSession;
use aws_sdk_ec2::types::{Filter, Instance, InstanceStateChange};
use domain::operation::{Target, TargetOutcome};
use domain::policy::Statement;
use jiff::SignedDuration;

use super::{client, everywhere};
use crate::operations::outcome::failed_by;
use crate::operations::{Outcome, Place, failed, passing, succeeded};

/// How long an instance may look as if it had not been asked: EC2 tells what was a moment ago. Source:
/// EC2 API Reference, "Eventual consistency in the Amazon EC2 API".
const UNTOUCHED_FOR: SignedDuration = SignedDuration::from_secs(30);

/// A state that instances are to reach.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Goal {
    /// They run.
    Running,
    /// They are stopped, or hibernate.
    Stopped,
    /// They are gone.
    Terminated,
}

impl Goal {
    /// As EC2 calls it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Stopped => "stopped",
            Self::Terminated => "terminated",
        }
    }

    /// What a session needs to look whether instances have got there.
    #[must_use]
    pub fn watching(self) -> Vec<Statement> {
        everywhere("ec2:DescribeInstances")
    }

    /// What EC2 made of a request that it took: each is there already, or on its way.
    pub(super) fn taken<'a>(
        self,
        outcome: Outcome,
        changes: impl Iterator<Item = &'a InstanceStateChange>,
    ) -> Outcome {
        let is_there = |change: &&InstanceStateChange| {
            let state = change.current_state().and_then(|state| state.name());
            state.is_some_and(|name| name.as_str() == self.as_str())
        };
        let there: BTreeSet<_> = changes.filter(is_there).filter_map(|change| change.instance_id()).collect();
        let told = |target: Target| match target.outcome {
            TargetOutcome::Succeeded if !there.contains(target.id.as_str()) => on_its_way(target.id),
            _ => target,
        };
        Outcome { targets: outcome.targets.into_iter().map(told).collect(), ..outcome }
    }

    /// Looks how far these instances are, `since` they were asked to get there.
    pub async fn look(
        self,
        session: &CustomerSession,
        place: &Place,
        ids: &[String],
        since: SignedDuration,
    ) -> Vec<Target> {
        // By a filter, because one id that is gone would fail the request by its name.
        let named = Filter::builder().name("instance-id").set_values(Some(ids.to_vec())).build();
        match client(session, place).describe_instances().filters(named).send().await {
            Ok(page) => {
                let instances = || page.reservations().iter().flat_map(|one| one.instances());
                let found = |id: &String| instances().find(|one| one.instance_id() == Some(id));
                ids.iter().map(|id| self.became(id.clone(), found(id), since)).collect()
            }
            Err(error) => {
                // What passes is looked at again; that nobody may look ends it.
                let trouble = |id: &String| failed_by(id.clone(), &error);
                let target =
                    |target: Target| if passing(&target) { on_its_way(target.id) } else { unseen(target) };
                ids.iter().map(trouble).map(target).collect()
            }
        }
    }

    /// What became of one instance, as EC2 describes it.
    pub(crate) fn became(self, id: String, instance: Option<&Instance>, since: SignedDuration) -> Target {
        let untouched = since < UNTOUCHED_FOR;
        let Some(instance) = instance else {
            // A terminated instance is told of for about an hour, and then no longer.
            return match self {
                _ if untouched => on_its_way(id),
                Self::Terminated => succeeded(id),
                _ => failed(id, "not_found", "The instance is gone: it was terminated meanwhile."),
            };
        };
        let state = instance.state().and_then(|state| state.name()).map_or("", |name| name.as_str());
        let reason = instance.state_reason().and_then(|reason| reason.code()).unwrap_or_default();
        match (self, state) {
            (_, state) if state == self.as_str() => succeeded(id),
            (Self::Running, "pending") | (Self::Stopped, "stopping") | (Self::Terminated, _) => {
                on_its_way(id)
            }
            (_, "terminated" | "shutting-down") => {
                let detail = "The instance is being terminated, or is terminated already.";
                if self == Self::Running { not_started(id, reason) } else { failed(id, "terminated", detail) }
            }
            _ if untouched => on_its_way(id),
            (Self::Running, _) => not_started(id, reason),
            (Self::Stopped, _) => failed(
                id,
                "not_reached",
                "EC2 took the request, and the instance runs all the same: somebody may have started it again, or \
                 its operating system does not shut down. Ask once more, with Force where nothing else helps.",
            ),
        }
    }
}

/// EC2 has taken the request for it.
fn on_its_way(id: String) -> Target {
    Target { id, outcome: TargetOutcome::Running, code: None, detail: None }
}

/// EC2 took the request, and nobody may see what comes of it.
fn unseen(target: Target) -> Target {
    let said = target.detail.unwrap_or_default();
    let detail = format!("EC2 took the request, but what became of it cannot be looked at. {said}");
    Target { detail: Some(detail), ..target }
}

/// An instance that was to start and is not running. Source: EC2 API Reference, `StateReason`.
fn not_started(id: String, reason: &str) -> Target {
    let (code, detail) = match reason {
        "Server.InsufficientInstanceCapacity" => (
            "insufficient_capacity",
            "AWS has not enough of this instance type there now: ask again later, or have the customer change the \
             type while it is stopped.",
        ),
        "Client.InternalError" => (
            "key_unusable",
            "The instance ended while it started, as it does when a KMS key of an encrypted volume cannot be used: \
             it is disabled, or does not let the role or EC2 use it. The customer enables the key, or allows \
             kms:CreateGrant on it (capability ec2-kms).",
        ),
        "Client.VolumeLimitExceeded" => (
            "limit_exceeded",
            "The account's quota of volumes or of their size is used up: the customer asks for more under Service \
             Quotas, or frees some.",
        ),
        "Client.InvalidSnapshot.NotFound" => ("not_found", "A snapshot that the instance needs is gone."),
        "Server.InternalError" => ("aws_unavailable", "AWS failed while the instance started. Ask again."),
        "Client.InstanceInitiatedShutdown" => {
            ("shut_down", "The instance started, and its own operating system shut it down again.")
        }
        "Server.SpotInstanceShutdown" | "Server.SpotInstanceTermination" => {
            ("spot_interrupted", "AWS took the Spot Instance back.")
        }
        "Server.ScheduledStop" => {
            ("retired", "AWS stopped the instance for a scheduled retirement of its host. Start it again.")
        }
        _ => (
            "not_reached",
            "EC2 took the request, and the instance is not running: somebody may have stopped it again.",
        ),
    };
    let said = if reason.is_empty() { String::new() } else { format!(" EC2 gives the reason {reason}.") };
    failed(id, code, format!("{detail}{said}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use aws_sdk_ec2::types::{InstanceState, InstanceStateName, StateReason};
    use rstest::rstest;

    fn told(goal: Goal, state: &str, reason: &str, seconds: i64) -> (TargetOutcome, Option<String>) {
        let instance = Instance::builder()
            .state(InstanceState::builder().name(InstanceStateName::from(state)).build())
            .state_reason(StateReason::builder().code(reason).build())
            .build();
        let target = goal.became("i-1".to_owned(), Some(&instance), SignedDuration::from_secs(seconds));
        assert_eq!(target.detail.is_some(), target.outcome == TargetOutcome::Failed);
        (target.outcome, target.code)
    }

    #[rstest]
    #[case(Goal::Running, "running", "", 0, None)]
    #[case(Goal::Stopped, "stopped", "Client.UserInitiatedShutdown", 0, None)]
    #[case(Goal::Terminated, "terminated", "Client.UserInitiatedShutdown", 0, None)]
    #[case(Goal::Running, "terminated", "Client.InternalError", 1, Some("key_unusable"))]
    #[case(
        Goal::Running,
        "stopped",
        "Server.InsufficientInstanceCapacity",
        31,
        Some("insufficient_capacity")
    )]
    #[case(Goal::Running, "stopped", "Client.InternalError", 31, Some("key_unusable"))]
    #[case(Goal::Running, "stopping", "Client.InstanceInitiatedShutdown", 31, Some("shut_down"))]
    #[case(Goal::Running, "stopped", "Client.UserInitiatedShutdown", 31, Some("not_reached"))]
    #[case(Goal::Running, "stopped", "Server.InternalError", 31, Some("aws_unavailable"))]
    #[case(Goal::Running, "stopped", "Client.VolumeLimitExceeded", 31, Some("limit_exceeded"))]
    #[case(Goal::Stopped, "running", "", 31, Some("not_reached"))]
    #[case(Goal::Stopped, "shutting-down", "", 0, Some("terminated"))]
    fn an_instance_that_has_settled_is_told(
        #[case] goal: Goal,
        #[case] state: &str,
        #[case] reason: &str,
        #[case] seconds: i64,
        #[case] code: Option<&str>,
    ) {
        let outcome = if code.is_some() { TargetOutcome::Failed } else { TargetOutcome::Succeeded };
        assert_eq!(told(goal, state, reason, seconds), (outcome, code.map(str::to_owned)));
    }

    /// What EC2 says first may be what was before it was asked, the old reason included.
    #[rstest]
    #[case(Goal::Running, "stopped", "Server.InsufficientInstanceCapacity", 29)]
    #[case(Goal::Running, "stopping", "", 29)]
    #[case(Goal::Running, "pending", "", 999)]
    #[case(Goal::Stopped, "running", "", 29)]
    #[case(Goal::Stopped, "stopping", "", 999)]
    #[case(Goal::Terminated, "running", "", 999)]
    #[case(Goal::Terminated, "shutting-down", "", 999)]
    fn one_that_has_not_is_looked_at_again(
        #[case] goal: Goal,
        #[case] state: &str,
        #[case] reason: &str,
        #[case] seconds: i64,
    ) {
        assert_eq!(told(goal, state, reason, seconds), (TargetOutcome::Running, None));
    }

    #[test]
    fn one_that_is_gone_is_terminated() {
        let gone = |goal: Goal, seconds| {
            goal.became("i-1".to_owned(), None, SignedDuration::from_secs(seconds)).outcome
        };
        assert_eq!(gone(Goal::Terminated, 29), TargetOutcome::Running);
        assert_eq!(gone(Goal::Terminated, 31), TargetOutcome::Succeeded);
        assert_eq!(gone(Goal::Running, 29), TargetOutcome::Running);
        assert_eq!(gone(Goal::Running, 31), TargetOutcome::Failed);
        assert_eq!(gone(Goal::Stopped, 31), TargetOutcome::Failed);
    }
}
