//! `drawbridge ssh`.

mod address;
mod key;
pub mod programs;

use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::process::ExitStatus;

use clap::Args;
use serde_json::json;

use self::address::Address;
use self::key::Key;
use self::programs::Programs;
use super::act::{Manner, Place};
use crate::client::Client;
use crate::exit::Exit;
use crate::failure::{Failure, Result};
use crate::screen::Screen;
use crate::shell::quoted;
use crate::text::{NOTHING, field, items};

/// Logs in to an instance with a key that is good for 60 seconds and kept nowhere.
#[derive(Debug, Args)]
#[command(after_help = "\
The connection needs the capability ec2-connect, and the instance EC2 Instance Connect, which Amazon
Linux and Ubuntu have. A new key is made for each login, and removed when ssh ends, however it ends;
with --key it is yours: PATH.pub is sent, and PATH is never read by this command.

The network in between is yours: the instance's own sshd is contacted, at its public address if it has
one, and its security group has to let you in. Host keys are checked as your ssh is configured to.

Exit codes:
  ssh's own: that of the remote command, or 255 if ssh failed
  4    AWS refused the key, or would not tell of the instance
  126  ssh cannot be run
  127  there is no ssh, or no ssh-keygen

Examples:
  drawbridge ssh con_… i-0123456789abcdef0 --region eu-central-1 --reason 'ticket 1234'
  drawbridge ssh con_… i-0123456789abcdef0 --region eu-central-1 --user ubuntu -- uptime
  drawbridge ssh con_… i-0123456789abcdef0 --region eu-central-1 --key ~/.ssh/id_ed25519 --print")]
pub struct Ssh {
    #[command(flatten)]
    place: Place,
    /// The instance's id
    #[arg(value_name = "INSTANCE")]
    instance_id: String,
    /// As which of its users
    #[arg(long, value_name = "NAME", default_value = "ec2-user", value_parser = word)]
    user: String,
    /// The private key to log in with; PATH.pub is sent. By default a new one
    #[arg(long, value_name = "PATH")]
    key: Option<PathBuf>,
    /// Where the instance is reached, if not at the address that AWS tells
    #[arg(long, value_name = "HOST", value_parser = word)]
    address: Option<String>,
    /// Send the key, and print the command instead of running it; needs --key
    #[arg(long)]
    print: bool,
    /// Why, for the record
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
    /// What else ssh is given: options, and a command to run there
    #[arg(last = true, value_name = "ARGUMENT")]
    arguments: Vec<String>,
}

impl Ssh {
    /// Does it.
    pub async fn run(self, client: &Client, screen: &Screen, programs: &Programs) -> Result<Exit> {
        if self.print && self.key.is_none() {
            return Err(Failure::usage("--print needs --key")
                .because("a key made for this login alone would be gone before the command is run")
                .next("give --key PATH, with the public key in PATH.pub"));
        }
        if !self.print {
            programs.find("ssh")?;
        }
        // What can fail here fails before the instance is told of a key.
        let key = match &self.key {
            Some(path) => Key::given(path)?,
            None => Key::made(programs)?,
        };
        let manner = Manner { dry_run: false, reason: self.reason.clone() };
        let address = match &self.address {
            Some(address) => address.clone(),
            None => self.look_up(client, screen, &manner).await?,
        };
        self.send(client, &key, &manner).await?;
        screen.tell(&format!("{} takes the key of {} for 60 seconds from now", self.instance_id, self.user));
        let arguments = self.ssh_arguments(key.path(), &address)?;
        if self.print {
            let words = ["ssh".to_owned()].into_iter().chain(arguments.iter().map(|word| shown(word)));
            screen.write(&words.collect::<Vec<_>>().join(" "))?;
            return Ok(Exit::Done);
        }
        let ended = programs.command("ssh").args(&arguments).status();
        // Before anything else is said or done.
        drop(key);
        match ended {
            Ok(status) => Ok(code(status)),
            Err(error) => {
                let is_gone = error.kind() == ErrorKind::NotFound;
                let exit = if is_gone { Exit::NotFound } else { Exit::NotExecutable };
                Err(Failure::new(exit, "ssh cannot be run").because(error.to_string()))
            }
        }
    }

    async fn look_up(&self, client: &Client, screen: &Screen, manner: &Manner) -> Result<String> {
        let input = json!({ "InstanceIds": [self.instance_id] });
        let found = self.carry_out(client, "ec2:DescribeInstances", input, manner).await;
        let found = found.map_err(|failure| {
            if failure.next.is_some() {
                return failure;
            }
            failure.next("with --address HOST nothing is looked up")
        })?;
        let address = Address::of(&self.instance_id, &found)?;
        if address.is_private {
            screen.tell(&format!(
                "{} has no public address: {} has to be reachable from here, through a VPN for example; \
                 --address names another",
                self.instance_id, address.host
            ));
        }
        Ok(address.host)
    }

    /// Has the instance take the key. Source: EC2 Instance Connect API Reference, `SendSSHPublicKey`: it
    /// does so for 60 seconds.
    async fn send(&self, client: &Client, key: &Key, manner: &Manner) -> Result<()> {
        let input = json!({
            "InstanceId": self.instance_id,
            "InstanceOSUser": self.user,
            "SSHPublicKey": key.public(),
        });
        self.carry_out(client, "ec2-instance-connect:SendSSHPublicKey", input, manner).await.map(drop)
    }

    /// What AWS answered; its refusal is a failure here, for standard output is ssh's.
    async fn carry_out(
        &self,
        client: &Client,
        action: &str,
        input: serde_json::Value,
        manner: &Manner,
    ) -> Result<serde_json::Value> {
        let done = self.place.carry_out(client, action, input, manner).await?;
        if field(&done, "state") == "succeeded" {
            return Ok(done.get("output").cloned().unwrap_or_default());
        }
        let failure = Failure::new(Exit::NotAccepted, format!("{action} {}", field(&done, "state")));
        let told: Vec<_> = items(&done, "targets")
            .iter()
            .filter(|target| field(target, "code") != NOTHING)
            .map(|target| {
                let detail = field(target, "detail");
                let detail = if detail == NOTHING { String::new() } else { format!(": {detail}") };
                format!("{}: {}{detail}", field(target, "id"), field(target, "code"))
            })
            .collect();
        Err(if told.is_empty() { failure } else { failure.because(told.join("\n  ")) })
    }

    /// What ssh is given. No other key of the person's is offered to the instance.
    fn ssh_arguments(&self, key: &Path, address: &str) -> Result<Vec<String>> {
        let key = key.to_str().ok_or_else(|| Failure::usage("the key's path is not UTF-8"))?;
        let own = ["-o", "IdentitiesOnly=yes", "-i", key].map(str::to_owned);
        let host = format!("{}@{address}", self.user);
        Ok(own.into_iter().chain([host]).chain(self.arguments.iter().cloned()).collect())
    }
}

/// A user or a host, which ssh must not take for an option.
fn word(text: &str) -> std::result::Result<String, String> {
    if text.is_empty()
        || text.starts_with('-')
        || text.contains(|c: char| c.is_whitespace() || c.is_control())
    {
        return Err("one word is wanted, which does not begin with -".to_owned());
    }
    Ok(text.to_owned())
}

/// A word as it can be pasted into a shell, without quotes where it needs none.
fn shown(word: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"@%+=:,./_-".contains(&byte);
    if !word.is_empty() && word.bytes().all(plain) { word.to_owned() } else { quoted(word) }
}

/// How a program ended, as shells tell it: a signal is 128 and its number.
fn code(status: ExitStatus) -> Exit {
    #[cfg(unix)]
    if let Some(signal) = std::os::unix::process::ExitStatusExt::signal(&status) {
        return Exit::Of(u8::try_from(128 + signal).unwrap_or(u8::MAX));
    }
    Exit::Of(status.code().and_then(|code| u8::try_from(code).ok()).unwrap_or(1))
}

#[cfg(test)]
mod tests;
