//! How the command ends, for scripts.

use std::process::ExitCode;

/// What the exit code says. `drawbridge --help` documents it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// It is done.
    Done,
    /// The API refused or failed, or there was nothing to watch, or it did not come to an end in
    /// time, or the person said no.
    Refused,
    /// The command line or the configuration is wrong, or nobody is there to confirm. Clap uses the
    /// same code.
    Usage,
    /// The API cannot be reached, or there are no credentials to sign with.
    Unreachable,
    /// Nothing failed, but what was looked at is not as it should be: a verification ended in
    /// `failed` or `suspended`, a role that was offboarded can still be assumed, grants have drifted,
    /// a check of `doctor` has failed.
    NotAccepted,
    /// `exec`, `ssh`: the command cannot be run.
    NotExecutable,
    /// `exec`, `ssh`: there is no such command.
    NotFound,
    /// `ssh`: as the command ended that was run.
    Of(u8),
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(match exit {
            Exit::Done => 0,
            Exit::Refused => 1,
            Exit::Usage => 2,
            Exit::Unreachable => 3,
            Exit::NotAccepted => 4,
            Exit::NotExecutable => 126,
            Exit::NotFound => 127,
            Exit::Of(code) => code,
        })
    }
}
