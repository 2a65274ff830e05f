use std::fs;

use clap::Parser as _;
use serde_json::{Value, json};

use super::*;
use crate::arguments::{Arguments, Command, Format};
use crate::test_server::{Answer, TestServer};

/// A folder of a test's own, which goes with it.
struct Scratch(PathBuf);

impl Scratch {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("drawbridge-ssh-{name}-{}", std::process::id()));
        fs::create_dir(&path).unwrap();
        Self(path)
    }

    fn at(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    /// A program that does what this script says.
    fn program(&self, name: &str, script: &str) {
        let path = self.at(name);
        fs::write(&path, format!("#!/bin/sh\n{script}\n")).unwrap();
        let executable = <fs::Permissions as std::os::unix::fs::PermissionsExt>::from_mode(0o755);
        fs::set_permissions(path, executable).unwrap();
    }

    /// An ssh that writes down its arguments and the mode of its key, and ends with this.
    fn ssh(&self, end: &str) {
        let (arguments, mode) = (self.at("arguments"), self.at("mode"));
        let (arguments, mode) = (arguments.display(), mode.display());
        let script = format!("printf '%s\\n' \"$@\" > '{arguments}'\nls -l \"$4\" > '{mode}'\n{end}");
        self.program("ssh", &script);
    }

    fn arguments(&self) -> Vec<String> {
        fs::read_to_string(self.at("arguments")).unwrap().lines().map(str::to_owned).collect()
    }

    /// These programs first, and then the machine's.
    fn programs(&self) -> Programs {
        let path = std::env::var_os("PATH").unwrap();
        let all = [self.0.clone()].into_iter().chain(std::env::split_paths(&path));
        Programs::at(std::env::join_paths(all).unwrap())
    }

    fn key(&self) -> String {
        fs::write(self.at("mine.pub"), "ssh-ed25519 AAAA mine\n").unwrap();
        fs::write(self.at("mine"), "private").unwrap();
        self.at("mine").display().to_string()
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn typed(words: &[&str]) -> Ssh {
    let begin = ["drawbridge", "ssh", "con_1", "i-1", "--region", "eu-west-1"];
    let parsed = Arguments::try_parse_from(begin.iter().chain(words)).unwrap();
    let Command::Ssh(ssh) = parsed.command else { panic!() };
    ssh
}

fn succeeded(output: &Value) -> Answer {
    Answer::ok(json!({"operation_id": "op_1", "state": "succeeded", "output": output, "targets": []}))
}

fn instance(names: &Value) -> Answer {
    let mut instance = json!({"InstanceId": "i-1", "State": {"Name": "running"}});
    instance.as_object_mut().unwrap().extend(names.as_object().unwrap().clone());
    succeeded(&json!({"Reservations": [{"Instances": [instance]}]}))
}

fn sent() -> Answer {
    succeeded(&json!({"Success": true}))
}

fn refused(code: &str) -> Answer {
    let target = json!({"id": "i-1", "outcome": "failed", "code": code, "detail": "AWS says no"});
    Answer::ok(json!({"operation_id": "op_1", "state": "failed", "output": null, "targets": [target]}))
}

#[tokio::test]
async fn somebody_logs_in_with_a_key_that_is_gone_afterwards() {
    let scratch = Scratch::new("new");
    scratch.ssh("exit 7");
    let server = TestServer::start([instance(&json!({"PublicIpAddress": "192.0.2.1"})), sent()]).await;
    let screen = Screen::kept(Format::Table);
    let ssh = typed(&["--user", "ubuntu", "--reason", "why", "--", "-v", "echo", "a b"]);
    let exit = ssh.run(&server.client(), &screen, &scratch.programs()).await.unwrap();
    assert_eq!(exit, Exit::Of(7));
    let arguments = scratch.arguments();
    let key = Path::new(&arguments[3]);
    assert_eq!(arguments[..3], ["-o", "IdentitiesOnly=yes", "-i"]);
    assert_eq!(arguments[4..], ["ubuntu@192.0.2.1", "-v", "echo", "a b"]);
    assert!(fs::read_to_string(scratch.at("mode")).unwrap().starts_with("-rw-------"));
    assert!(!key.exists() && !key.parent().unwrap().exists());
    let bodies = server.bodies();
    assert_eq!(
        bodies[0],
        json!({"action": "ec2:DescribeInstances", "region": "eu-west-1", "input": {"InstanceIds": ["i-1"]}, "reason": "why"})
    );
    assert_eq!(bodies[1]["action"], "ec2-instance-connect:SendSSHPublicKey");
    assert_eq!(
        (&bodies[1]["reason"], &bodies[1]["input"]["InstanceOSUser"]),
        (&json!("why"), &json!("ubuntu"))
    );
    assert!(bodies[1]["input"]["SSHPublicKey"].as_str().unwrap().starts_with("ssh-ed25519 "));
    let kept = screen.into_kept();
    assert!(kept.output.is_empty() && kept.errors.contains("60 seconds"), "{}", kept.errors);
}

#[tokio::test]
async fn the_key_goes_however_ssh_ends() {
    let scratch = Scratch::new("killed");
    scratch.ssh("kill -TERM $$");
    let server = TestServer::start([sent()]).await;
    let ssh = typed(&["--address", "bastion.example.com"]);
    let exit = ssh.run(&server.client(), &Screen::kept(Format::Table), &scratch.programs()).await.unwrap();
    assert_eq!(exit, Exit::Of(128 + 15));
    let arguments = scratch.arguments();
    assert_eq!(arguments[4], "ec2-user@bastion.example.com");
    assert!(!Path::new(&arguments[3]).parent().unwrap().exists());
}

#[tokio::test]
async fn a_key_of_ones_own_is_sent_and_the_command_can_be_printed() {
    let scratch = Scratch::new("print");
    let key = scratch.key();
    let server = TestServer::start([instance(&json!({"PrivateIpAddress": "10.0.0.1"})), sent()]).await;
    let screen = Screen::kept(Format::Table);
    let ssh = typed(&["--key", &key, "--print", "--", "echo", "it's"]);
    // Nothing is run, so that no program has to be there.
    let nowhere = Programs::at("/nonexistent");
    assert_eq!(ssh.run(&server.client(), &screen, &nowhere).await.unwrap(), Exit::Done);
    assert_eq!(server.bodies()[1]["input"]["SSHPublicKey"], "ssh-ed25519 AAAA mine");
    let kept = screen.into_kept();
    assert_eq!(
        kept.output,
        format!("ssh -o IdentitiesOnly=yes -i {key} ec2-user@10.0.0.1 echo 'it'\\''s'\n")
    );
    assert!(kept.errors.contains("no public address"), "{}", kept.errors);
    assert!(Path::new(&key).exists(), "it is somebody's own");
}

#[tokio::test]
async fn what_cannot_work_is_told_before_a_key_is_sent() {
    let scratch = Scratch::new("refused");
    let key = scratch.key();
    let other = scratch.at("other").display().to_string();
    let nowhere = || Programs::at("/nonexistent");
    for (words, programs, exit, says) in [
        (vec!["--print"], scratch.programs(), Exit::Usage, "--key"),
        (vec!["--key", &key], nowhere(), Exit::NotFound, "no ssh on this machine"),
        (vec!["--key", &other, "--print"], scratch.programs(), Exit::Usage, "other.pub"),
        (vec![], Programs::at(&scratch.0), Exit::NotFound, "no ssh-keygen on this machine"),
    ] {
        if words.is_empty() {
            scratch.ssh("exit 0");
        }
        let server = TestServer::start([]).await;
        let failed = typed(&words).run(&server.client(), &Screen::kept(Format::Table), &programs).await;
        let failed = failed.unwrap_err();
        assert_eq!(failed.exit, exit, "{words:?}: {failed}");
        assert!(failed.to_string().contains(says), "{words:?}: {failed}");
        assert!(server.targets().is_empty());
    }
}

#[tokio::test]
async fn what_aws_refuses_ends_before_ssh() {
    let scratch = Scratch::new("denied");
    scratch.ssh("exit 0");
    let key = scratch.key();
    let address = json!({"PublicIpAddress": "192.0.2.1"});
    for (answers, says) in [
        (vec![refused("not_found")], "i-1: not_found: AWS says no"),
        (vec![instance(&address), refused("access_denied")], "i-1: access_denied: AWS says no"),
    ] {
        let (server, screen) = (TestServer::start(answers).await, Screen::kept(Format::Table));
        let failed = typed(&["--key", &key]).run(&server.client(), &screen, &scratch.programs()).await;
        let failed = failed.unwrap_err();
        assert_eq!(failed.exit, Exit::NotAccepted);
        assert!(failed.to_string().contains(says), "{failed}");
        assert!(screen.into_kept().output.is_empty(), "standard output is ssh's");
    }
    assert!(!scratch.at("arguments").exists());
}

#[test]
fn users_and_hosts_are_no_options() {
    for wrong in ["", "-oProxyCommand=x", "a b", "a\nb"] {
        assert!(word(wrong).is_err(), "{wrong:?}");
    }
    assert_eq!(word("ec2-user").as_deref(), Ok("ec2-user"));
    assert_eq!([shown("a=b"), shown("$x"), shown("")], ["a=b", "'$x'", "''"]);
}
