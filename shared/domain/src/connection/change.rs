//! What a change of a connection is made of: who brings it about, and what it consists of.

use std::collections::BTreeSet;

use jiff::Timestamp;

use super::Connection;
use crate::arn::{RoleArn, RoleName};
use crate::audit::{Actor, AuditEvent};
use crate::capability::CapabilitySet;
use crate::external_id::ExternalId;
use crate::grant::Shard;
use crate::id::{ConnectionId, CustomerId, EventId, VerificationId};
use crate::place::{AccountId, Region};
use crate::verification::Evidence;

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
}
