//! What Drawbridge's HTTP functions share: who calls, what bodies and queries hold, how refusals are
//! told, how a request that is sent again is answered, and how all of it is described.

pub mod body;
pub mod caller;
pub mod id;
pub mod idempotency;
pub mod if_match;
pub mod list_query;
pub mod openapi;
pub mod problem;
