//! The customer's invite: what it leads to, and for how long.

use jiff::Timestamp;
use serde_json::{Map, json};

use super::{Change, Connection, InviteHold, Occasion, object};
use crate::audit::{Actor, EventType};
use crate::error::{Error, ErrorKind};
use crate::invite::InviteHash;
use crate::state::ConnectionState;

impl Connection {
    /// The connection by its invite with this hash.
    ///
    /// # Errors
    /// 410 `invite_revoked` when it is not the present one, 410 `invite_expired` when its time is
    /// over.
    pub fn invited(self, hash: &InviteHash, now: Timestamp) -> Result<Self, Error> {
        let ask = "ask the provider for a new link";
        match &self.invite {
            Some(hold) if hold.hash == *hash && now < hold.expires_at => Ok(self),
            Some(hold) if hold.hash == *hash => {
                Err(Error::new(ErrorKind::Gone, "invite_expired", format!("this link has expired; {ask}")))
            }
            _ => Err(Error::new(
                ErrorKind::Gone,
                "invite_revoked",
                format!("this link has been withdrawn; {ask}"),
            )),
        }
    }

    /// A new invite leads to it from now on, and the one before no longer does. What was looked for by
    /// that one is looked for no more.
    ///
    /// # Errors
    /// `state_conflict` once it is being taken down.
    pub fn renew_invite(&self, hold: InviteHold, occasion: Occasion) -> Result<Change, Error> {
        if matches!(self.state, ConnectionState::Offboarding | ConnectionState::Offboarded) {
            return Err(Error::conflict(
                "state_conflict",
                format!("the connection is {}, and takes no customer any more", self.state.as_str()),
            ));
        }
        let mut next = self.clone().without_customers_look();
        next.invite = Some(hold.clone());
        let data = object(json!({"expires_at": hold.expires_at}));
        Ok(Change { invites: Some(hold), ..next.touched(EventType::InviteCreated, data, occasion) })
    }

    /// No invite leads to it any more, and nothing is looked for by one. `None` means that none did.
    #[must_use]
    pub fn revoke_invite(&self, occasion: Occasion) -> Option<Change> {
        let mut next = self.clone().without_customers_look();
        next.invite.take()?;
        Some(next.touched(EventType::InviteRevoked, Map::new(), occasion))
    }

    fn without_customers_look(self) -> Self {
        let by_customer = self.looking().is_some_and(|look| look.actor == Actor::Customer);
        if by_customer { self.without_look() } else { self }
    }
}

#[cfg(test)]
mod tests;
