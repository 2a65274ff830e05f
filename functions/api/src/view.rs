//! What callers see of customers, connections and events.

use std::collections::BTreeMap;

use domain::audit::EventType;
use domain::check::{self, Check, RegionChecks};
use domain::offboarding::Receipt;
use domain::proof::Trust;
use domain::reason::Reason;
use domain::{AuditEvent, Capability, Connection, ConnectionState, Customer, Region};
use serde::Serialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;

/// A customer of the provider's.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct CustomerView {
    customer_id: String,
    name: String,
    email: Option<String>,
    labels: BTreeMap<String, String>,
    #[schema(value_type = String, format = DateTime)]
    created_at: jiff::Timestamp,
    version: u64,
}

impl From<Customer> for CustomerView {
    fn from(customer: Customer) -> Self {
        Self {
            customer_id: customer.id.to_string(),
            name: customer.name,
            email: customer.email,
            labels: customer.labels,
            created_at: customer.created_at,
            version: customer.version,
        }
    }
}

/// One page of customers.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct CustomerList {
    pub items: Vec<CustomerView>,
    /// Pass it as `cursor` for the next page; null on the last.
    pub next_cursor: Option<String>,
}

/// Whether a verification is queued or going on.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum VerificationView {
    Running,
    Idle,
}

impl VerificationView {
    pub fn of(connection: &Connection) -> Self {
        if connection.is_being_verified() { Self::Running } else { Self::Idle }
    }
}

/// How the ready-made role is looked for.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct LookingView {
    /// The role that is looked for.
    role_arn: String,
    /// When it is looked for no more.
    #[schema(value_type = String, format = DateTime)]
    until: jiff::Timestamp,
    /// When the next attempt is due.
    #[schema(value_type = String, format = DateTime)]
    next_at: jiff::Timestamp,
    /// How often it was tried so far.
    attempts: u32,
}

impl LookingView {
    pub fn of(connection: &Connection) -> Option<Self> {
        connection.looking().map(|look| Self {
            role_arn: look.role_arn.to_string(),
            until: look.until(),
            next_at: look.next_at,
            attempts: look.attempts,
        })
    }
}

/// One customer's AWS account, reached through one role.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ConnectionView {
    connection_id: String,
    customer_id: String,
    label: Option<String>,
    state: ConnectionState,
    verification: VerificationView,
    /// The look for the ready-made role, while one goes on.
    looking: Option<LookingView>,
    /// Why the connection is not active, each with what mends it.
    reasons: Vec<Reason>,
    /// What the operator should know though nothing is wrong.
    warnings: Vec<Reason>,
    /// The customer's account, as announced or as proven.
    account_id: Option<String>,
    role_arn: Option<String>,
    /// The name of the submitted role, or else of the one that is to be made.
    role_name: String,
    /// What the customer's trust policy asks for. For the operator and this customer alone.
    external_id: String,
    #[schema(value_type = Vec<String>)]
    capabilities: Vec<Capability>,
    #[schema(value_type = Vec<String>)]
    regions: Vec<Region>,
    /// When the customer's invite ends; null while none is in force.
    #[schema(value_type = Option<String>, format = DateTime)]
    invite_expires_at: Option<jiff::Timestamp>,
    /// The customer's link to the connection. Only the answer to its creation has it.
    #[serde(skip_serializing_if = "Option::is_none")]
    invite_url: Option<String>,
    /// The proof that access has ended, once it has.
    #[serde(skip_serializing_if = "Option::is_none")]
    receipt: Option<Receipt>,
    /// What the latest verification found out; while a first or replaced role is verified, what
    /// its rounds have found so far.
    trust: Trust,
    /// What the role may do: a row for each action of each capability in each Region, as soon as it
    /// is known. Only a single connection's own page has them.
    #[serde(skip_serializing_if = "Option::is_none")]
    checks: Option<Vec<Check>>,
    #[schema(value_type = Option<String>, format = DateTime)]
    last_verified_at: Option<jiff::Timestamp>,
    #[schema(value_type = String, format = DateTime)]
    created_at: jiff::Timestamp,
    #[schema(value_type = String, format = DateTime)]
    updated_at: jiff::Timestamp,
    version: u64,
}

impl ConnectionView {
    /// The same with the customer's link.
    pub fn with_invite(self, invite_url: String) -> Self {
        Self { invite_url: Some(invite_url), ..self }
    }

    /// The same with what its role may do.
    pub fn with_checks(self, checks: Vec<Check>) -> Self {
        Self { checks: Some(checks), ..self }
    }
}

impl From<Connection> for ConnectionView {
    fn from(connection: Connection) -> Self {
        let trust = match &connection.verification {
            Some(running) if running.steps.running && connection.state == ConnectionState::Verifying => {
                Trust { probes: running.probes.clone(), ..Trust::default() }
            }
            _ => connection.trust.clone(),
        };
        Self {
            connection_id: connection.id.to_string(),
            customer_id: connection.customer_id.to_string(),
            state: connection.state,
            verification: VerificationView::of(&connection),
            looking: LookingView::of(&connection),
            warnings: connection.warnings(),
            account_id: connection.account_id.as_ref().map(ToString::to_string),
            role_arn: connection.role_arn.as_ref().map(ToString::to_string),
            role_name: connection.role_name().to_string(),
            external_id: connection.external_id.expose().to_owned(),
            capabilities: connection.capabilities.requested().collect(),
            label: connection.label,
            reasons: connection.reasons,
            regions: connection.regions.into_iter().collect(),
            invite_expires_at: connection.invite.map(|invite| invite.expires_at),
            invite_url: None,
            receipt: connection.receipt,
            trust,
            checks: None,
            last_verified_at: connection.last_verified_at,
            created_at: connection.created_at,
            updated_at: connection.updated_at,
            version: connection.version,
        }
    }
}

/// What is known of what a connection's role may do, in rows.
pub(crate) fn checks_of(connection: &Connection, known: &[RegionChecks]) -> Vec<Check> {
    let Some(role) = &connection.role_arn else { return Vec::new() };
    check::rows(&connection.capabilities, &connection.regions, role, known)
}

/// One page of connections.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ConnectionList {
    pub items: Vec<ConnectionView>,
    /// Pass it as `cursor` for the next page; null on the last.
    pub next_cursor: Option<String>,
}

/// One entry of a connection's audit list.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct EventView {
    event_id: String,
    #[serde(rename = "type")]
    kind: EventType,
    #[schema(value_type = String, format = DateTime)]
    at: jiff::Timestamp,
    /// The ARN that signed the request, or `customer`, or `drawbridge`.
    actor: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    connection_id: Option<String>,
    #[schema(value_type = Object)]
    data: Map<String, Value>,
}

impl From<AuditEvent> for EventView {
    fn from(event: AuditEvent) -> Self {
        Self {
            event_id: event.id.to_string(),
            kind: event.kind,
            at: event.at,
            actor: event.actor.to_string(),
            connection_id: event.about.connection().map(|id| id.to_string()),
            data: event.data,
        }
    }
}

/// One page of events, the oldest first.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct EventList {
    pub items: Vec<EventView>,
    /// Pass it as `cursor` for the next page; null on the last.
    pub next_cursor: Option<String>,
}
