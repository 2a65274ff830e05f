//! What is in a customer's account.
//!
//! [`operations`] carries out one action at a time. [`Permissions`] finds out what the customer's role may do there, without changing anything.

pub mod operations;
mod permissions;

pub use permissions::{Permissions, Way, way};
