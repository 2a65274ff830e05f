//! How the command ends, for scripts.

use std::process::ExitCode;

/// What the exit code says. `drawbridge --help` documents it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// It is done.
    Done = 0,
    /// The API refused or failed, or there was nothing to watch, or it did not come to an end in
    /// time, or the person said no.
    Refused = 1,
    /// The command line or the configuration is wrong, or nobody is there to confirm. Clap uses the
    /// same code.
    Usage = 2,
    /// The API cannot be reached, or there are no credentials to sign with.
    Unreachable = 3,
    /// Nothing failed, but what was looked at is not as it should be: a verification ended in
    /// `failed` or `suspended`, a role that was offboarded can still be assumed, grants have drifted,
    /// a check of `doctor` has failed.
    NotAccepted = 4,
    /// `exec`: the command cannot be run.
    NotExecutable = 126,
    /// `exec`: there is no such command.
    NotFound = 127,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}
