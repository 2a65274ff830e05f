//! Drawbridge's rules, and nothing else: ids, ARNs, states, capabilities, policy documents.
//!
//! This crate has no AWS SDK, no clock, no randomness and no I/O. Time comes in as `now`, random
//! bytes come in as arrays, so that every rule can be tested by calling it.

pub mod arn;
pub mod audit;
pub mod backup;
pub mod cadence;
pub mod capability;
pub mod check;
pub mod chunk;
pub mod connection;
pub mod credentials;
pub mod customer;
pub mod denial;
pub mod deployment;
pub mod drill;
pub mod ec2_backup;
pub mod error;
pub mod expression;
pub mod external_id;
pub mod freshness;
pub mod grant;
pub mod id;
pub mod instance_manifest;
pub mod invite;
pub mod job;
pub mod kind;
pub mod look;
pub mod manifest;
pub mod message;
pub mod offboarding;
pub mod operation;
pub mod part;
pub mod people;
pub mod place;
pub mod plan;
pub mod policy;
pub mod power;
pub mod proof;
pub mod reason;
pub mod reconciliation;
pub mod relaunch;
pub mod retention;
pub mod run;
#[cfg(any(test, feature = "sample"))]
pub mod sample;
pub mod schedule;
pub mod selection;
pub mod setup;
pub mod state;
pub mod steps;
pub mod text;
pub mod verification;

pub use arn::{RoleArn, RoleName};
pub use audit::{Actor, AuditEvent};
pub use capability::{Action, Capability, CapabilitySet};
pub use connection::Connection;
pub use customer::Customer;
pub use deployment::Deployment;
pub use error::{Error, ErrorKind, FieldError};
pub use external_id::ExternalId;
pub use id::{
    BackupId, ConnectionId, CredentialsId, CustomerId, EventId, JobId, LookId, OffboardingId, OperationId,
    PlanId, ReconciliationId, RunId, ScheduleId, VerificationId,
};
pub use place::{AccountId, Partition, Region};
pub use state::ConnectionState;
