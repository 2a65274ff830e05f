//! Drawbridge's state: one DynamoDB table, and the queues that carry its work.
//!
//! Every write is conditional on what was read, and every change of state is one transaction with
//! the event that tells of it. Every list is a Query with a cursor; nothing scans.

mod backups;
mod checks;
mod connections;
mod credentials;
mod cursor;
mod customers;
mod drills;
mod events;
mod failure;
mod freshness;
mod grants;
mod idempotency;
mod invites;
mod item;
mod operations;
mod pace;
mod plans;
mod power;
mod queue;
mod reconciliations;
mod record;
mod runs;
#[cfg(test)]
mod sample;
#[cfg(feature = "scheduler")]
mod scheduler;
mod schedules;
#[cfg(test)]
mod scripted;

use aws_sdk_dynamodb::Client;
use aws_types::SdkConfig;

pub use backups::{BackupFilter, BackupWrite};
pub use connections::{ConnectionFilter, Due};
pub use cursor::{Page, PageRequest};
pub use grants::{GrantShard, GrantUse, Marked};
pub use idempotency::{Answer, Claim, Claimed, Completion, RequestKey};
pub use item::Listing;
pub use operations::Aftermath;
pub use pace::{Paced, Turn};
pub use queue::{JobsQueue, OnboardingQueue, Queue, RunsQueue};
pub use runs::{Entry, RunJob};
#[cfg(feature = "scheduler")]
pub use scheduler::{Projection, Published, Scheduler};

/// The state table.
#[derive(Debug, Clone)]
pub struct Store {
    client: Client,
    table: String,
}

impl Store {
    /// The table with this name.
    #[must_use]
    pub fn new(aws: &SdkConfig, table: impl Into<String>) -> Self {
        Self::with_client(Client::new(aws), table)
    }

    /// The table with this name, for those who bring their own client.
    #[must_use]
    pub fn with_client(client: Client, table: impl Into<String>) -> Self {
        Self { client, table: table.into() }
    }
}
