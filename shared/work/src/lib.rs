//! Work that goes on behind a queue: a batch is taken message by message, and a message says which
//! step of which work is next.
//!
//! A message says nothing else; the table says what is. So one that comes twice, late or out of order
//! does no harm, and after a crash the next delivery goes on from what was written.

mod place;
mod receive;

pub use place::{Asked, Standing, TakenBy, UNWRITTEN_DELAY, UNWRITTEN_FOR};
pub use receive::{may_pass, take_each};
