//! Programs of the machine's own.

use std::env;
use std::ffi::OsString;
use std::process::Command;

use crate::exit::Exit;
use crate::failure::{Failure, Result};

/// Where programs are looked for.
#[derive(Debug)]
pub struct Programs {
    path: OsString,
}

impl Programs {
    /// Where the person's shell looks for them.
    pub fn of_the_path() -> Self {
        Self::at(env::var_os("PATH").unwrap_or_default())
    }

    /// In these folders, separated as those of `PATH`.
    pub fn at(path: impl Into<OsString>) -> Self {
        Self { path: path.into() }
    }

    /// Refuses what is not installed, before anything depends on it.
    pub fn find(&self, name: &str) -> Result<()> {
        let file = format!("{name}{}", env::consts::EXE_SUFFIX);
        if env::split_paths(&self.path).any(|folder| folder.join(&file).is_file()) {
            return Ok(());
        }
        Err(Failure::new(Exit::NotFound, format!("there is no {name} on this machine"))
            .because("it is looked for in the folders of PATH; nothing was sent")
            .next("install OpenSSH's client"))
    }

    /// One of them, to be run.
    pub fn command(&self, name: &str) -> Command {
        let mut command = Command::new(name);
        command.env("PATH", &self.path);
        command
    }
}
