//! What is in a customer's account.
//!
//! [`backups`] is what runs ask for, to make backups of tables and to look after those. [`operations`] carries
//! out one action at a time; [`plans`] looks up what those would destroy that cannot be undone. [`restores`]
//! makes new tables of backups, and gives those back what a restore loses. [`Permissions`] finds out what the customer's role may do there, without changing anything.

pub mod backups;
pub mod instances;
pub mod operations;
mod permissions;
pub mod plans;
pub mod restores;

pub use permissions::{Permissions, Way, way};
