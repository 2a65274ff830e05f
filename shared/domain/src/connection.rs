//! A connection: one customer's AWS account, reached through one role.
//!
//! Every change is computed here, from what is and what happens, and carried out by the store as
//! one conditional write. Nothing here knows how.

mod change;
mod conclude;
mod invite;
mod look;
mod offboard;
mod scope;

use std::collections::BTreeSet;

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use crate::arn::{RoleArn, RoleName};
use crate::audit::{About, Actor, AuditEvent, EventType};
use crate::cadence::watched_at;
use crate::capability::{Capability, CapabilitySet};
use crate::deployment::Deployment;
use crate::error::Error;
use crate::external_id::ExternalId;
use crate::grant::Shard;
use crate::id::{ConnectionId, CustomerId};
use crate::look::Look;
use crate::offboarding::{Offboarding, Receipt};
use crate::place::{AccountId, Region};
use crate::proof::Trust;
use crate::reason::{ROLE_ALREADY_CONNECTED, Reason};
use crate::state::{ConnectionEvent, ConnectionState};
use crate::steps::Steps;
use crate::verification::Verification;

pub use change::{Change, End, InviteHold, LookStart, NewConnection, Occasion, Release, Scope, Start};

/// A connection.
///
/// It cannot be serialized: whoever stores or shows it decides about the external ID.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Connection {
    /// Its id.
    pub id: ConnectionId,
    /// Whose it is.
    pub customer_id: CustomerId,
    /// What people call it.
    pub label: Option<String>,
    /// Where it stands.
    pub state: ConnectionState,
    /// The latest verification, if there was one.
    pub verification: Option<Verification>,
    /// Why it is not active, if it is not.
    pub reasons: Vec<Reason>,
    /// The customer's account: as announced, or as proven.
    pub account_id: Option<AccountId>,
    /// The role that was submitted.
    pub role_arn: Option<RoleArn>,
    /// The name that the customer's role must have, if the provider announced one.
    pub announced_role_name: Option<RoleName>,
    /// The name of the ready-made role.
    pub ready_made_role_name: RoleName,
    /// What the customer's trust policy asks for.
    pub external_id: ExternalId,
    /// What was asked for.
    pub capabilities: CapabilitySet,
    /// Where.
    pub regions: BTreeSet<Region>,
    /// What the latest verification found out about the trust policy.
    pub trust: Trust,
    /// The latest look for the role, if there was one.
    pub look: Option<Look>,
    /// The grant that names the role, or the one that is looked for, while one does.
    pub shard: Option<Shard>,
    /// Grants that are no longer needed, until they have been given back.
    pub releases: Vec<Release>,
    /// The invite that leads to it, while one does.
    pub invite: Option<InviteHold>,
    /// Its offboarding, once it is asked for.
    pub offboarding: Option<Offboarding>,
    /// The proof that access has ended.
    pub receipt: Option<Receipt>,
    /// When a verification last had an outcome.
    pub last_verified_at: Option<Timestamp>,
    /// When a verification that looks at everything last had an outcome, and left nothing open.
    pub last_full_at: Option<Timestamp>,
    /// When its trust was first proven, for whichever role: from then on its account is fixed, and
    /// its role is the operator's to replace.
    pub first_proven_at: Option<Timestamp>,
    /// When Drawbridge looks at it by itself.
    pub due_at: Option<Timestamp>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
    /// Counts its changes that callers see, from 1.
    pub version: u64,
    /// Counts all writes of it, the steps of a verification too: every write is conditional on it.
    pub revision: u64,
}

impl Connection {
    /// Makes a connection that waits for its customer's role.
    ///
    /// # Errors
    /// 422 `role_in_provider_account` when the announced account is the provider's own.
    pub fn create(new: NewConnection, deployment: &Deployment, occasion: Occasion) -> Result<Change, Error> {
        if new.account_id.as_ref() == Some(&deployment.provider) {
            return Err(Error::refused(
                "role_in_provider_account",
                "the account is the provider's own; a connection reaches a customer's",
            )
            .at("/account_id"));
        }
        let connection = Self {
            id: new.id,
            customer_id: new.customer_id,
            label: new.label,
            state: ConnectionState::PendingRole,
            verification: None,
            reasons: Vec::new(),
            account_id: new.account_id,
            role_arn: None,
            announced_role_name: new.announced_role_name,
            ready_made_role_name: new.ready_made_role_name,
            external_id: new.external_id,
            capabilities: new.capabilities,
            regions: new.regions,
            trust: Trust::default(),
            look: None,
            shard: None,
            releases: Vec::new(),
            invite: Some(new.invite.clone()),
            offboarding: None,
            receipt: None,
            last_verified_at: None,
            last_full_at: None,
            first_proven_at: None,
            due_at: None,
            created_at: occasion.now,
            updated_at: occasion.now,
            version: 1,
            revision: 1,
        };
        let data = object(json!({"to": connection.state, "customer_id": connection.customer_id}));
        Ok(Change { invites: Some(new.invite), ..connection.told(EventType::Created, data, occasion) })
    }

    /// The role that our grant is, or is to be, held for: the connection's own, or the one that is looked
    /// for.
    #[must_use]
    pub fn role_to_grant(&self) -> Option<&RoleArn> {
        match self.looking() {
            Some(look) => Some(&look.role_arn),
            None => self.role_arn.as_ref().filter(|_| self.state.needs_grant()),
        }
    }

    /// Whether this connection needs `role` granted.
    #[must_use]
    pub fn needs_grant_of(&self, role: &RoleArn) -> bool {
        self.role_to_grant() == Some(role)
    }

    /// The name that the customer's role has, or is to have.
    #[must_use]
    pub fn role_name(&self) -> &RoleName {
        match (&self.role_arn, &self.announced_role_name) {
            (Some(arn), _) => arn.name(),
            (None, Some(name)) => name,
            (None, None) => &self.ready_made_role_name,
        }
    }

    /// Whether a verification is queued or going on.
    #[must_use]
    pub fn is_being_verified(&self) -> bool {
        self.verification.as_ref().is_some_and(|verification| verification.steps.running)
    }

    /// What the operator should know, though nothing is wrong.
    #[must_use]
    pub fn warnings(&self) -> Vec<Reason> {
        let classic = self.capabilities.requested().any(|capability| capability == Capability::Classic);
        classic.then(Reason::restore_needs_update_item).into_iter().collect()
    }

    /// The customer's role is submitted: a first one, another one, or the same again.
    ///
    /// Whether another connection owns the role is for the caller to look up. `None` means that
    /// nothing is to be changed, since the verification it asks for is going on.
    ///
    /// # Errors
    /// `role_partition_unsupported`, `role_in_provider_account`, `account_id_mismatch`,
    /// `role_name_mismatch` and `state_conflict`.
    pub fn submit_role(
        &self,
        role: RoleArn,
        deployment: &Deployment,
        start: Start,
        occasion: Occasion,
    ) -> Result<Option<Change>, Error> {
        deployment.admits(&role).map_err(|error| error.at("/role_arn"))?;
        if self.account_id.as_ref().is_some_and(|account| account != role.account()) {
            return Err(Error::refused(
                "account_id_mismatch",
                "the role is in another account than this connection is for",
            )
            .at("/role_arn"));
        }
        if let (Actor::Customer, Some(name)) = (&occasion.actor, &self.announced_role_name)
            && name != role.name()
        {
            return Err(Error::refused(
                "role_name_mismatch",
                format!("the provider expects a role named {name}"),
            )
            .at("/role_arn"));
        }
        if self.role_arn.as_ref() == Some(&role) {
            return self.request_verification(start, occasion);
        }
        if occasion.actor == Actor::Customer && self.first_proven_at.is_some() {
            return Err(Self::read_only());
        }
        let state = self.state.after(ConnectionEvent::RoleSubmitted)?;
        if self.looking().is_some_and(|look| look.role_arn == role) {
            return Ok(Some(self.submit_looked_for(start, occasion)?));
        }
        let mut next = self.clone().without_look().without_grant();
        next.role_arn = Some(role);
        next.trust = Trust::default();
        next.last_verified_at = None;
        let mut change = next.verify_from(self.state, state, start, occasion);
        change.disowns = self.role_arn.clone().filter(|_| self.state.owns_its_role());
        Ok(Some(change))
    }

    /// Somebody asks for another look at the present role.
    ///
    /// `None` means that nothing is to be changed, since one is going on.
    ///
    /// # Errors
    /// `state_conflict` where there is no role, or no longer one.
    pub fn request_verification(&self, start: Start, occasion: Occasion) -> Result<Option<Change>, Error> {
        let state = self.state.after(ConnectionEvent::VerificationRequested)?;
        let stuck = self.verification.as_ref().is_some_and(|v| v.steps.is_stuck(occasion.now));
        if self.is_being_verified() && !stuck {
            return Ok(None);
        }
        Ok(Some(self.clone().verify_from(self.state, state, start, occasion)))
    }

    fn read_only() -> Error {
        Error::conflict(
            "invite_read_only",
            "the role has been proven, and from then on only the provider can replace it; if you have changed \
             the role itself, ask for a check",
        )
    }

    fn verify_from(
        mut self,
        from: ConnectionState,
        to: ConnectionState,
        start: Start,
        occasion: Occasion,
    ) -> Change {
        self.state = to;
        self.verification = Some(Verification {
            id: start.id,
            steps: Steps::start(occasion.now, start.deadline),
            depth: start.depth,
            // A role that was accepted before has been granted.
            granted_at: to.owns_its_role().then_some(0),
            probes: Vec::new(),
            proven: false,
        });
        self.due_at = Some(watched_at(start.deadline));
        if to == ConnectionState::Verifying {
            self.reasons.clear();
        }
        let kind = if from == to { EventType::VerificationStarted } else { EventType::StateChanged };
        let data = object(json!({
            "from": from,
            "to": to,
            "verification_id": start.id,
            "depth": start.depth,
            "role_arn": self.role_arn,
        }));
        self.touched(kind, data, occasion)
    }

    /// The same connection, with its grant marked to be given back.
    fn without_grant(mut self) -> Self {
        let looked_for = self.looking().map(|look| &look.role_arn);
        let granted = looked_for.or(self.role_arn.as_ref()).cloned();
        if let (Some(shard), Some(role_arn)) = (self.shard.take(), granted) {
            let release = Release { role_arn, shard };
            if !self.releases.contains(&release) {
                self.releases.push(release);
            }
        }
        self
    }

    fn touched(mut self, kind: EventType, data: Map<String, Value>, occasion: Occasion) -> Change {
        self.updated_at = occasion.now;
        self.version += 1;
        self.revision += 1;
        self.told(kind, data, occasion)
    }

    fn told(self, kind: EventType, data: Map<String, Value>, occasion: Occasion) -> Change {
        let event = AuditEvent {
            id: occasion.event_id,
            kind,
            at: occasion.now,
            actor: occasion.actor,
            about: About::Connection(self.id),
            data,
        };
        Change { connection: self, event, claims: None, disowns: None, evidence: None, invites: None }
    }
}

/// The refusal of a role that another connection owns; the same text whoever that is.
#[must_use]
pub fn role_already_connected() -> Error {
    Error::conflict("role_already_connected", ROLE_ALREADY_CONNECTED).at("/role_arn")
}

fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(map) => map,
        _ => Map::new(),
    }
}

#[cfg(test)]
mod tests;
