//! What is in a customer's account.
//!
//! [`backups`] are what runs make and look after. [`operations`] carries out one action at a time; [`plans`] looks up what those would destroy that cannot be undone. [`Permissions`] finds out what the customer's role may do there, without changing anything.

pub mod backups;
pub mod operations;
mod permissions;
pub mod plans;

pub use permissions::{Permissions, Way, way};
