//! Looking for the customer's role, so that nobody need paste its ARN.
//!
//! While it goes on the connection waits for its role as before, and holds the grant of the role that is
//! looked for. Whatever else happens to the connection ends it, and marks that grant to be given back.

use jiff::SignedDuration;
use serde_json::json;

use super::{Change, Connection, LookStart, Occasion, Start, object};
use crate::arn::RoleArn;
use crate::audit::{Actor, EventType};
use crate::cadence::watched_at;
use crate::deployment::Deployment;
use crate::error::Error;
use crate::look::Look;
use crate::place::AccountId;
use crate::state::{ConnectionEvent, ConnectionState};

/// A look that is asked for again so soon, and has not begun, is the same one: somebody pressed twice, or an
/// answer was lost.
const ASKED_TWICE: SignedDuration = SignedDuration::from_secs(10);

impl Connection {
    /// The look that goes on, if one does.
    #[must_use]
    pub fn looking(&self) -> Option<&Look> {
        self.look.as_ref().filter(|look| look.steps.running && self.state == ConnectionState::PendingRole)
    }

    /// The customer's role is to be looked for, in the account that is known or else in `account`, under
    /// the name that the setup gives it. One that goes on begins anew, and keeps its grant if it is for
    /// the same role. A customer's ends with the invite at the latest.
    ///
    /// Whether another connection owns the role is for the caller to look up. `None` means that nothing is
    /// to be changed, since just that look is about to begin.
    ///
    /// # Errors
    /// `invite_read_only`, `state_conflict` unless the connection waits for its role,
    /// `account_id_needed`, `account_id_mismatch` and `role_in_provider_account`.
    pub fn look_for_role(
        &self,
        account: Option<AccountId>,
        deployment: &Deployment,
        start: LookStart,
        occasion: Occasion,
    ) -> Result<Option<Change>, Error> {
        let by_customer = occasion.actor == Actor::Customer;
        if by_customer && self.first_proven_at.is_some() {
            return Err(Self::read_only());
        }
        let state = self.state.after(ConnectionEvent::LookRequested)?;
        let account = match (&self.account_id, account) {
            (Some(known), Some(given)) if *known != given => {
                return Err(Error::refused(
                    "account_id_mismatch",
                    "the connection is for another account than this one",
                )
                .at("/account_id"));
            }
            (Some(known), _) => known.clone(),
            (None, Some(given)) => given,
            (None, None) => {
                return Err(Error::refused(
                    "account_id_needed",
                    "say in which AWS account the role will be: nobody has announced it",
                )
                .at("/account_id"));
            }
        };
        let role = RoleArn::new(deployment.partition, account, self.role_name().clone());
        deployment.admits(&role).map_err(|error| error.at("/account_id"))?;

        let about_to_begin = self.looking().is_some_and(|look| {
            let recent = occasion.now < look.steps.started_at + ASKED_TWICE;
            look.role_arn == role && look.actor == occasion.actor && look.steps.step == 0 && recent
        });
        if about_to_begin {
            return Ok(None);
        }
        let mut next = self.clone();
        if self.looking().is_none_or(|look| look.role_arn != role) {
            next = next.without_grant();
        }
        let invited_until = self.invite.as_ref().filter(|_| by_customer).map(|invite| invite.expires_at);
        let until = invited_until.map_or(start.until, |end| end.min(start.until));
        next.state = state;
        next.look = Some(Look::start(start.id, role.clone(), occasion.actor.clone(), occasion.now, until));
        next.due_at = Some(watched_at(until));
        let data = object(json!({"look_id": start.id, "role_arn": role, "until": until}));
        Ok(Some(next.touched(EventType::LookStarted, data, occasion)))
    }

    /// The role that is looked for lets us in: it is submitted as if whoever asked for the look had done
    /// so. Its grant stays.
    ///
    /// # Errors
    /// `state_conflict` when no look is going on.
    pub fn submit_found_role(&self, start: Start, mut occasion: Occasion) -> Result<Change, Error> {
        occasion.actor = self.looking().ok_or_else(no_look)?.actor.clone();
        self.submit_looked_for(start, occasion)
    }

    /// The role that is looked for is submitted, and its grant stays.
    pub(super) fn submit_looked_for(&self, start: Start, occasion: Occasion) -> Result<Change, Error> {
        let look = self.looking().ok_or_else(no_look)?;
        let state = self.state.after(ConnectionEvent::RoleSubmitted)?;
        let mut next = self.clone();
        next.role_arn = Some(look.role_arn.clone());
        next.end_look();
        let mut change = next.verify_from(self.state, state, start, occasion);
        change.event.data.insert("look_id".to_owned(), json!(look.id));
        Ok(change)
    }

    /// The look has found nothing in its time. Nobody has failed: the connection waits on.
    ///
    /// # Errors
    /// `state_conflict` when no look is going on.
    pub fn give_up_looking(&self, occasion: Occasion) -> Result<Change, Error> {
        let look = self.looking().ok_or_else(no_look)?;
        let data = object(json!({
            "look_id": look.id,
            "role_arn": look.role_arn,
            "attempts": look.attempts,
        }));
        Ok(self.clone().without_look().touched(EventType::LookEnded, data, occasion))
    }

    /// The same connection with no look going on, and the grant of one that was marked to be given back.
    pub(super) fn without_look(mut self) -> Self {
        if self.looking().is_some() {
            self = self.without_grant();
            self.end_look();
            self.due_at = None;
        }
        self
    }

    fn end_look(&mut self) {
        self.look = self.look.take().map(|look| look.ended());
    }
}

fn no_look() -> Error {
    Error::conflict("state_conflict", "nobody is looking for a role")
}

#[cfg(test)]
mod tests;
