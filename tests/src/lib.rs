//! What the black-box tests see of Drawbridge: a deployed stack, its API as an operator calls it,
//! and customers' accounts.
//!
//! Every test brings customers and accounts of its own, so that tests run side by side on one
//! stack and in any order.
#![expect(
    clippy::missing_panics_doc,
    clippy::expect_used,
    reason = "a test that cannot go on is to fail there"
)]

mod answer;
mod api;
mod customer;
mod estate;
mod folder;
mod openapi;
mod provider;
mod schedules;
mod stack;

pub use answer::Answer;
pub use api::{Api, Keys, path_of};
pub use customer::CustomerAccount;
pub use estate::Estate;
pub use folder::Folder;
pub use provider::Provider;
pub use schedules::HeldSchedule;
pub use stack::{Stack, eventually, eventually_within};
