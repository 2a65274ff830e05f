//! Offboarding a connection: from the request to the receipt.

use serde_json::json;

use super::{Change, Connection, End, Occasion, object};
use crate::audit::EventType;
use crate::cadence::{Cadence, watched_at};
use crate::error::Error;
use crate::offboarding::{LONGEST_SESSION, Leftover, LeftoverKind, Offboarding, Receipt};
use crate::reason::{Reason, ReasonCode};
use crate::state::{ConnectionEvent, ConnectionState};
use crate::steps::Steps;

impl Connection {
    /// The connection is to end. Asked again while it is going on, nothing changes; asked again
    /// after it stalled, it is tried once more.
    ///
    /// `None` means that nothing is to be changed.
    ///
    /// # Errors
    /// None today: whatever state it is in, a connection can be ended.
    pub fn offboard(&self, end: End, occasion: Occasion) -> Result<Option<Change>, Error> {
        let state = self.state.after(ConnectionEvent::OffboardingRequested)?;
        let before = self.offboarding.as_ref();
        let going_on = before.is_some_and(|o| o.steps.running && !o.steps.is_stuck(occasion.now));
        if state == ConnectionState::Offboarded || going_on {
            return Ok(None);
        }
        let offboarding = Offboarding {
            id: end.id,
            steps: Steps::start(occasion.now, end.deadline),
            // The grant of a role that was only looked for goes without proof: nothing was ever done by it.
            shard: self
                .shard
                .filter(|_| self.role_arn.is_some())
                .or(before.and_then(|offboarding| offboarding.shard)),
            owns_role: self.state.owns_its_role() || before.is_some_and(|offboarding| offboarding.owns_role),
            grant_removed_at: before.and_then(|offboarding| offboarding.grant_removed_at),
            refusals: Vec::new(),
        };
        let mut next = self.clone().without_look().without_grant();
        next.state = state;
        next.offboarding = Some(offboarding);
        next.invite = None;
        next.due_at = Some(watched_at(end.deadline));
        if let Some(verification) = &mut next.verification {
            verification.steps = verification.steps.ended();
            verification.probes.clear();
        }
        // While it runs, nothing is known to be wrong: what stalled it before may be gone.
        next.reasons.clear();
        let kind = if self.state == state { EventType::OffboardingRetried } else { EventType::StateChanged };
        let data = object(json!({
            "from": self.state,
            "to": state,
            "offboarding_id": end.id,
            "role_arn": self.role_arn,
        }));
        Ok(Some(next.touched(kind, data, occasion)))
    }

    /// Access is shown to be gone, or there was none: the connection has ended. The role is nobody's
    /// now, and can be connected again.
    ///
    /// # Errors
    /// `state_conflict` when it is not being taken down.
    pub fn conclude_offboarding(&self, occasion: Occasion) -> Result<Change, Error> {
        let state = self.state.after(ConnectionEvent::AccessGone)?;
        let Some(offboarding) = &self.offboarding else {
            return Err(Error::conflict("state_conflict", "no offboarding is going on"));
        };
        let refused_at = offboarding.shard.is_some().then_some(occasion.now);
        let receipt = Receipt {
            grant_removed_at: offboarding.grant_removed_at,
            assume_role_refused_at: refused_at,
            last_session_expires_at: refused_at.map(|at| at + LONGEST_SESSION),
            leftovers: self.leftovers(),
        };
        let mut next = self.clone();
        next.state = state;
        next.reasons.clear();
        next.due_at = None;
        next.offboarding = Some(Offboarding { steps: offboarding.steps.ended(), ..offboarding.clone() });
        next.receipt = Some(receipt.clone());
        let data = object(json!({
            "from": self.state,
            "to": state,
            "offboarding_id": offboarding.id,
            "role_arn": self.role_arn,
            "receipt": receipt,
        }));
        let change = next.touched(EventType::StateChanged, data, occasion);
        let disowns = self.role_arn.clone().filter(|_| offboarding.owns_role);
        Ok(Change { disowns, ..change })
    }

    /// The role could not be shown to be out of reach in time. It stays `offboarding`, and is tried
    /// again by `cadence`.
    ///
    /// # Errors
    /// `state_conflict` when it is not being taken down.
    pub fn stall_offboarding(
        &self,
        code: ReasonCode,
        cadence: Cadence,
        occasion: Occasion,
    ) -> Result<Change, Error> {
        let (ConnectionState::Offboarding, Some(offboarding), Some(role)) =
            (self.state, &self.offboarding, &self.role_arn)
        else {
            return Err(Error::conflict("state_conflict", "no offboarding is going on"));
        };
        let mut next = self.clone();
        next.reasons = vec![Reason::new(code, role)];
        next.due_at = Some(cadence.again(occasion.now));
        next.offboarding = Some(Offboarding { steps: offboarding.steps.ended(), ..offboarding.clone() });
        let data = object(json!({
            "offboarding_id": offboarding.id,
            "role_arn": role,
            "reasons": [code],
        }));
        Ok(next.touched(EventType::OffboardingStalled, data, occasion))
    }

    fn leftovers(&self) -> Vec<Leftover> {
        let role = self.role_arn.iter().map(|role| Leftover {
            kind: LeftoverKind::IamRole,
            id: role.to_string(),
            advice:
                "Delete the role, or the CloudFormation stack or Terraform configuration that made it. It no \
                     longer lets this provider in, but nobody needs it any more."
                    .to_owned(),
        });
        role.collect()
    }
}

#[cfg(test)]
mod tests;
