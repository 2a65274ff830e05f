//! What is in a customer's account.
//!
//! [`Permissions`] finds out what the customer's role may do there, without changing anything.

mod permissions;

pub use permissions::{Permissions, Way, way};
