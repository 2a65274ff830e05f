//! How the command ends, for scripts.

use std::process::ExitCode;

/// What the exit code says. `drawbridge --help` documents it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// It is done.
    Done = 0,
    /// The API refused or failed, or did not come to an end in time.
    Refused = 1,
    /// The command line or the configuration is wrong. Clap uses the same code.
    Usage = 2,
    /// The API cannot be reached, or there are no credentials to sign with.
    Unreachable = 3,
    /// A watched verification ended in `failed` or `suspended`.
    NotAccepted = 4,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}
