//! `drawbridge exec`.

use std::ffi::OsString;
use std::io::ErrorKind;
use std::process::Command;

use clap::Args;

use crate::arguments::Options;
use crate::exit::Exit;
use crate::failure::{Failure, Result};
use crate::session::{FORGOTTEN, Session, SessionSource, Settings, variables};

/// Runs a command with temporary credentials of a role in its environment, and nowhere else.
#[derive(Debug, Args)]
#[command(after_help = "\
The command takes this process's place: signals reach it, and the exit code is its own. It is 127 if
there is no such command, and 126 if it cannot be run. What runs for longer than the credentials last
does better with `drawbridge profile write`.

Examples:
  drawbridge exec con_… --capability ec2-observe --region eu-central-1 --reason 'ticket 1234' -- \\
    aws ec2 describe-instances
  drawbridge exec --role-arn arn:aws:iam::123456789012:role/support -- aws s3 ls")]
pub struct Exec {
    #[command(flatten)]
    source: SessionSource,
    /// The command, with its arguments
    #[arg(last = true, required = true, value_name = "COMMAND")]
    command: Vec<OsString>,
}

impl Exec {
    /// Does it.
    pub async fn run(self, options: &Options) -> Result<Exit> {
        let session = self.source.session(&Settings::of(options)).await?;
        let Some((program, arguments)) = self.command.split_first() else {
            return Err(Failure::usage("no command is given"));
        };
        let mut command = Command::new(program);
        command.args(arguments);
        give(&mut command, &session);
        let error = replace(&mut command);
        let exit = if error.kind() == ErrorKind::NotFound { Exit::NotFound } else { Exit::NotExecutable };
        let what = format!("{} cannot be run", program.to_string_lossy());
        Err(Failure::new(exit, what).because(error.to_string()))
    }
}

/// Gives a command the session, and takes away what would have it use another.
fn give(command: &mut Command, session: &Session) {
    for name in FORGOTTEN {
        command.env_remove(name);
    }
    command.envs(variables(session));
}

/// Runs the command in this process's place; returns only if that fails.
#[cfg(unix)]
fn replace(command: &mut Command) -> std::io::Error {
    std::os::unix::process::CommandExt::exec(command)
}

#[cfg(not(unix))]
fn replace(command: &mut Command) -> std::io::Error {
    match command.status() {
        Ok(status) => std::process::exit(status.code().unwrap_or(1)),
        Err(error) => error,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_has_these_credentials_and_no_others() {
        let mut command = Command::new("true");
        give(&mut command, &Session::sample());
        let value = |name: &str| command.get_envs().find(|(known, _)| *known == name).map(|(_, value)| value);
        assert_eq!(value("AWS_SESSION_TOKEN"), Some(Some("the-token".as_ref())));
        assert_eq!(value("AWS_PROFILE"), Some(None));
    }
}
