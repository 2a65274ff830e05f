//! Drawbridge's way into a customer's account.
//!
//! [`Grants`] publishes which roles a broker may assume. [`TrustProbes`] asks AWS, through a
//! broker, whether a role's external ID is enforced. [`Sessions`] opens sessions of roles that are
//! trusted, each for one purpose, and gives out the keys of those that somebody is to have in hand
//! ([`HandedOut`]). One module, `session`, assumes customer roles, and it takes a connection, so that no
//! other external ID can be sent for that customer.

mod broker;
mod credentials;
mod failure;
mod grants;
mod prove;
mod session;
mod sessions;
#[cfg(test)]
mod wire;

pub use broker::Brokers;
pub use credentials::{HandedOut, Issued};
pub use grants::{Compared, Grants};
pub use prove::{RoundReport, TrustProbes};
pub use sessions::{CustomerSession, Opened, Sessions};
