//! The runs queue: schedules whose time has come, runs, and the jobs that they consist of.
//!
//! A run is planned step by step, and each step writes what it found together with how far it came. A
//! message says which step of which work is next, and nothing else; the table says what is.

mod app;
mod fire;
mod look_at_backups;
mod pack;
mod plan_part;
mod plan_run;
mod publish_schedule;
mod receive;
mod reconcile_schedules;
mod tables;
#[cfg(test)]
mod test_app;

pub use app::App;
pub use receive::receive;
