//! `drawbridge ssh`: the key that an instance is told of, and the ssh that is run with it.

use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::process::ExitStatusExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use blackbox::{Api, CustomerAccount, Estate, Folder, Stack};
use serde_json::json;

use crate::command_line::{assert_told, command, drawbridge, printed};

/// Writes down what it is given, the mode of its key, and what is in the key's folder.
const SSH: &str = r#"#!/bin/sh
printf '%s\n' "$@" > "$(dirname "$0")/arguments"
stat -c %a "$4" "$(dirname "$4")" > "$(dirname "$0")/modes"
cat "$4.pub" > "$(dirname "$0")/public"
echo "hello from $5"
case "$5" in killer@*) kill -KILL "$PPID" ;; esac
exit 42
"#;

#[tokio::test(flavor = "multi_thread")]
async fn somebody_logs_in_with_a_key_of_one_minute() {
    let (api, account, folder) = (Api::operator(), CustomerAccount::new(), Folder::new());
    let instance = Estate::of(&account, "us-east-1").launch().await;
    let wanted = json!({"capabilities": ["ec2-connect"], "regions": ["us-east-1"]});
    let connection = api.new_connection_for(wanted).await;
    let role = account.make_role("r", &api.setup(&connection).await["trust_policy"]).await;
    assert_eq!(api.onboard(&connection, &role).await["state"], "active");
    let (keys, id) = (&Stack::get().operator, connection["connection_id"].as_str().unwrap());
    let login = ["ssh", id, &instance, "--region", "us-east-1", "--reason", "ticket"];

    // A key of the person's own, and the command to be pasted.
    let key = folder.path().join("mine").display().to_string();
    let made = Command::new("ssh-keygen").args(["-q", "-t", "ed25519", "-N", "", "-f", &key]).status();
    assert!(made.expect("ssh-keygen, which the tests need").success());
    let print = [&login[..], &["--key", &key, "--print", "--", "uptime"]].concat();
    let (answer, said) = printed(&drawbridge(keys, &print), 0);
    let begin = format!("ssh -o IdentitiesOnly=yes -i {key} ec2-user@");
    assert!(answer.starts_with(&begin) && answer.ends_with(" uptime\n"), "{answer}");
    assert!(said.contains("60 seconds"), "{said}");
    let (_, said) = printed(&drawbridge(keys, &[&login[..], &["--print"]].concat()), 2);
    assert!(said.contains("--key"), "{said}");

    // A new key, and an ssh that tells what it was given.
    folder.write("ssh", SSH);
    std::fs::set_permissions(folder.path().join("ssh"), std::fs::Permissions::from_mode(0o755)).unwrap();
    let path = format!("{}:{}", folder.path().display(), std::env::var("PATH").unwrap());
    let run = |more: &[&str], code| {
        let words = [&login[..], more].concat();
        printed(&command(keys, &words).env("PATH", &path).output().unwrap(), code)
    };
    let (answer, said) = run(&["--user", "ubuntu", "--", "-v", "uptime"], 42);
    let arguments = folder.lines("arguments");
    assert_eq!(arguments[..3], ["-o", "IdentitiesOnly=yes", "-i"]);
    assert!(arguments[4].starts_with("ubuntu@") && arguments[5..] == ["-v", "uptime"], "{arguments:?}");
    assert_eq!(answer, format!("hello from {}\n", arguments[4]), "standard output is ssh's");
    assert_told(&said, &[&instance, "60 seconds"]);
    assert_eq!(folder.lines("modes"), ["600", "700"]);
    assert!(folder.lines("public")[0].starts_with("ssh-ed25519 "));
    assert!(!Path::new(&arguments[3]).parent().unwrap().exists(), "the key is gone");

    // The key goes even with a command that is killed.
    let words = [&login[..], &["--user", "killer"]].concat();
    let killed = command(keys, &words).env("PATH", &path).output().unwrap();
    assert_eq!(killed.status.signal(), Some(9), "{killed:?}");
    let key_of_the_killed = PathBuf::from(&folder.lines("arguments")[3]);
    let since = std::time::Instant::now();
    while key_of_the_killed.parent().unwrap().exists() {
        assert!(since.elapsed().as_secs() < 10, "the key of a command that was killed stays");
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }

    // What was recorded, and what is refused.
    let (events, _) = printed(&drawbridge(keys, &["operations", "list", id]), 0);
    assert!(events.contains("ec2-instance-connect:SendSSHPublicKey"), "{events}");
    let absent = ["ssh", id, "i-0123456789abcdef0", "--region", "us-east-1", "--key", &key];
    let (_, said) = printed(&command(keys, &absent).env("PATH", &path).output().unwrap(), 4);
    assert!(said.contains("not_found"), "{said}");
}
