//! What a change of a connection is made of: who brings it about, and what it consists of.

use std::collections::BTreeSet;

use jiff::Timestamp;

use super::Connection;
use crate::arn::{RoleArn, RoleName};
use crate::audit::{Actor, AuditEvent};
use crate::capability::CapabilitySet;
use crate::external_id::ExternalId;
use crate::grant::Shard;
use crate::id::{ConnectionId, CustomerId, EventId, LookId, OffboardingId, VerificationId};
use crate::invite::InviteHash;
use crate::message::OnboardingMessage;
use crate::place::{AccountId, Region};
use crate::state::ConnectionState;
use crate::verification::{Depth, Evidence};

/// A role that a connection no longer needs, and the grant that names it.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Release {
    /// The role.
    pub role_arn: RoleArn,
    /// The grant.
    pub shard: Shard,
}

/// When and by whom something happens, and the id of the event that tells of it.
#[derive(Debug, Clone)]
pub struct Occasion {
    /// Now.
    pub now: Timestamp,
    /// Who caused it.
    pub actor: Actor,
    /// The id of its event.
    pub event_id: EventId,
}

/// A verification about to begin.
#[derive(Debug, Clone, Copy)]
pub struct Start {
    /// Its id.
    pub id: VerificationId,
    /// When waiting for an answer is to end.
    pub deadline: Timestamp,
    /// How much it is to look at.
    pub depth: Depth,
}

/// A look for a role about to begin.
#[derive(Debug, Clone, Copy)]
pub struct LookStart {
    /// Its id.
    pub id: LookId,
    /// When it is to end.
    pub until: Timestamp,
}

/// An offboarding about to begin, or to be tried again.
#[derive(Debug, Clone, Copy)]
pub struct End {
    /// Its id.
    pub id: OffboardingId,
    /// When waiting for AWS to refuse the role is to end.
    pub deadline: Timestamp,
}

/// The invite by which the customer reaches a connection. The link itself is not kept.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct InviteHold {
    /// The hash of its secret.
    pub hash: InviteHash,
    /// When it ends.
    pub expires_at: Timestamp,
}

/// What is to be another than it is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Scope {
    /// What people call it; `Some(None)` takes the label away.
    pub label: Option<Option<String>>,
    /// What is asked for.
    pub capabilities: Option<CapabilitySet>,
    /// Where.
    pub regions: Option<BTreeSet<Region>>,
}

/// What is to be made of a request for a new connection, once its fields are sound.
#[derive(Debug, Clone)]
pub struct NewConnection {
    /// Its id.
    pub id: ConnectionId,
    /// Whose it is.
    pub customer_id: CustomerId,
    /// What people call it.
    pub label: Option<String>,
    /// The customer's account, if it is known.
    pub account_id: Option<AccountId>,
    /// The name that the customer's role must have, if the provider wants one.
    pub announced_role_name: Option<RoleName>,
    /// The name of the ready-made role.
    pub ready_made_role_name: RoleName,
    /// What the customer's trust policy is to ask for.
    pub external_id: ExternalId,
    /// What is asked for.
    pub capabilities: CapabilitySet,
    /// Where.
    pub regions: BTreeSet<Region>,
    /// The customer's invite.
    pub invite: InviteHold,
}

/// A change of a connection, to be written whole or not at all.
#[derive(Debug, Clone)]
pub struct Change {
    /// The connection afterwards.
    pub connection: Connection,
    /// The event that tells of it.
    pub event: AuditEvent,
    /// The role that it begins to own.
    pub claims: Option<RoleArn>,
    /// The role that it ceases to own.
    pub disowns: Option<RoleArn>,
    /// What a verification leaves behind.
    pub evidence: Option<Evidence>,
    /// An invite that begins to lead to it. Those before it end, since the connection no longer
    /// names them.
    pub invites: Option<InviteHold>,
}

impl Change {
    /// The message that takes the first step of the work that the change begins, if it begins any.
    #[must_use]
    pub fn next_message(&self) -> Option<OnboardingMessage> {
        let connection = &self.connection;
        if connection.state == ConnectionState::Offboarding {
            let offboarding =
                connection.offboarding.as_ref().filter(|offboarding| offboarding.steps.running)?;
            return Some(OnboardingMessage::Offboard(offboarding.next_message(connection.id)));
        }
        if let Some(look) = connection.looking() {
            return Some(OnboardingMessage::Look(look.next_message(connection.id)));
        }
        let verification =
            connection.verification.as_ref().filter(|verification| verification.steps.running)?;
        Some(OnboardingMessage::Verify(verification.next_message(connection.id)))
    }
}
