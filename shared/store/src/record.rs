//! How customers, connections and events stand in the table.
//!
//! The external ID is written here, on purpose and nowhere else.

use std::collections::{BTreeMap, BTreeSet};

use domain::audit::{About, EventType};
use domain::connection::{InviteHold, Release};
use domain::grant::Shard;
use domain::look::Look;
use domain::offboarding::{Offboarding, Receipt};
use domain::proof::Trust;
use domain::reason::Reason;
use domain::verification::Verification;
use domain::{
    AccountId, Actor, AuditEvent, CapabilitySet, Connection, ConnectionId, ConnectionState, Customer,
    CustomerId, Error, EventId, ExternalId, Region, RoleArn, RoleName, RunId,
};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::events::sort_time;

#[derive(Serialize, Deserialize)]
pub(crate) struct CustomerRecord {
    customer_id: CustomerId,
    name: String,
    email: Option<String>,
    labels: BTreeMap<String, String>,
    created_at: Timestamp,
    version: u64,
    list_key: String,
    list_id: String,
}

impl From<&Customer> for CustomerRecord {
    fn from(customer: &Customer) -> Self {
        Self {
            customer_id: customer.id,
            name: customer.name.clone(),
            email: customer.email.clone(),
            labels: customer.labels.clone(),
            created_at: customer.created_at,
            version: customer.version,
            list_key: "customers".to_owned(),
            list_id: customer.id.to_string(),
        }
    }
}

impl From<CustomerRecord> for Customer {
    fn from(record: CustomerRecord) -> Self {
        Self {
            id: record.customer_id,
            name: record.name,
            email: record.email,
            labels: record.labels,
            created_at: record.created_at,
            version: record.version,
        }
    }
}

#[derive(Serialize, Deserialize)]
pub(crate) struct ConnectionRecord {
    connection_id: ConnectionId,
    customer_id: CustomerId,
    label: Option<String>,
    state: ConnectionState,
    verification: Option<Verification>,
    reasons: Vec<Reason>,
    account_id: Option<AccountId>,
    role_arn: Option<RoleArn>,
    announced_role_name: Option<RoleName>,
    ready_made_role_name: RoleName,
    external_id: String,
    capabilities: CapabilitySet,
    regions: BTreeSet<Region>,
    trust: Trust,
    look: Option<Look>,
    shard: Option<Shard>,
    releases: Vec<Release>,
    invite: Option<InviteHold>,
    offboarding: Option<Offboarding>,
    receipt: Option<Receipt>,
    last_verified_at: Option<Timestamp>,
    last_full_at: Option<Timestamp>,
    first_proven_at: Option<Timestamp>,
    created_at: Timestamp,
    updated_at: Timestamp,
    version: u64,
    revision: u64,
    list_key: String,
    list_id: String,
    customer_key: String,
    state_key: String,
    // Keys of an index cannot be null: an item without them is not in it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    due_key: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    due_at: Option<String>,
}

/// The hash key of everything that is due at some time.
pub(crate) const DUE: &str = "due";

impl From<&Connection> for ConnectionRecord {
    fn from(connection: &Connection) -> Self {
        let Connection {
            id,
            customer_id,
            label,
            state,
            verification,
            reasons,
            account_id,
            role_arn,
            announced_role_name,
            ready_made_role_name,
            external_id,
            capabilities,
            regions,
            trust,
            look,
            shard,
            releases,
            invite,
            offboarding,
            receipt,
            last_verified_at,
            last_full_at,
            first_proven_at,
            due_at,
            created_at,
            updated_at,
            version,
            revision,
        } = connection.clone();
        Self {
            connection_id: id,
            customer_id,
            label,
            state,
            verification,
            reasons,
            account_id,
            role_arn,
            announced_role_name,
            ready_made_role_name,
            external_id: external_id.expose().to_owned(),
            capabilities,
            regions,
            trust,
            look,
            shard,
            releases,
            invite,
            offboarding,
            receipt,
            last_verified_at,
            last_full_at,
            first_proven_at,
            created_at,
            updated_at,
            version,
            revision,
            list_key: "connections".to_owned(),
            list_id: id.to_string(),
            customer_key: customer_id.to_string(),
            state_key: state.as_str().to_owned(),
            due_key: due_at.map(|_| DUE.to_owned()),
            due_at: due_at.map(sort_time),
        }
    }
}

impl TryFrom<ConnectionRecord> for Connection {
    type Error = Error;

    fn try_from(record: ConnectionRecord) -> Result<Self, Error> {
        // The parser's error names no value, so the ID cannot come out by it.
        let external_id: ExternalId = record.external_id.parse().map_err(Error::internal)?;
        Ok(Self {
            id: record.connection_id,
            customer_id: record.customer_id,
            label: record.label,
            state: record.state,
            verification: record.verification,
            reasons: record.reasons,
            account_id: record.account_id,
            role_arn: record.role_arn,
            announced_role_name: record.announced_role_name,
            ready_made_role_name: record.ready_made_role_name,
            external_id,
            capabilities: record.capabilities,
            regions: record.regions,
            trust: record.trust,
            look: record.look,
            shard: record.shard,
            releases: record.releases,
            invite: record.invite,
            offboarding: record.offboarding,
            receipt: record.receipt,
            last_verified_at: record.last_verified_at,
            last_full_at: record.last_full_at,
            first_proven_at: record.first_proven_at,
            due_at: record.due_at.map(|at| at.parse()).transpose().map_err(Error::internal)?,
            created_at: record.created_at,
            updated_at: record.updated_at,
            version: record.version,
            revision: record.revision,
        })
    }
}

#[derive(Serialize, Deserialize)]
pub(crate) struct EventRecord {
    event_id: EventId,
    #[serde(rename = "type")]
    kind: EventType,
    at: Timestamp,
    actor: Actor,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    connection_id: Option<ConnectionId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    run_id: Option<RunId>,
    data: Map<String, Value>,
}

impl From<&AuditEvent> for EventRecord {
    fn from(event: &AuditEvent) -> Self {
        let run_id = match event.about {
            About::Run(id) => Some(id),
            About::Connection(_) => None,
        };
        Self {
            event_id: event.id,
            kind: event.kind,
            at: event.at,
            actor: event.actor.clone(),
            connection_id: event.about.connection(),
            run_id,
            data: event.data.clone(),
        }
    }
}

impl TryFrom<EventRecord> for AuditEvent {
    type Error = Error;

    fn try_from(record: EventRecord) -> Result<Self, Error> {
        let about = record.connection_id.map(About::Connection).or(record.run_id.map(About::Run));
        Ok(Self {
            id: record.event_id,
            kind: record.kind,
            at: record.at,
            actor: record.actor,
            about: about.ok_or_else(|| Error::internal(format!("{} is about nothing", record.event_id)))?,
            data: record.data,
        })
    }
}

#[cfg(test)]
mod tests;
