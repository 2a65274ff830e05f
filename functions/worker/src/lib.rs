//! The jobs queue: what is done in customers' accounts and takes longer than an answer may wait.
//!
//! It goes on in steps. A message says which step of which work is next, and nothing else; the table
//! says what is.

mod app;
mod continue_operation;
mod receive;
mod restore_backup;
mod run_chunk;

pub use app::App;
pub use receive::receive;

#[cfg(test)]
mod test_app;
