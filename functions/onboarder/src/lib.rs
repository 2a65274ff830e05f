//! The onboarding queue: grants a role, waits for it, proves that its trust holds, and decides.
//!
//! A message says which step of which verification is next, and nothing else; the table says what
//! is. So a message that comes twice, late or out of order does no harm, and after a crash the
//! next delivery goes on from what was written.

mod app;
mod give_back;
mod grant;
mod receive;
mod verify;

pub use app::App;
pub use receive::receive;
