//! The onboarding queue: looks for a role, grants it, waits for it, proves that its trust holds, and decides;
//! proves it again every day; takes access away again; and keeps IAM and the table in step.
//!
//! A message says which step of which work is next, and nothing else; the table says what is. So a
//! message that comes twice, late or out of order does no harm, and after a crash the next
//! delivery goes on from what was written.

mod app;
mod check_permissions;
mod give_back;
mod grant;
mod look_for_role;
mod offboard;
mod publish;
mod receive;
mod reconcile;
mod remove_schedules;
mod sweep;
#[cfg(test)]
mod test_app;
mod verify;

pub use app::App;
pub use receive::receive;
