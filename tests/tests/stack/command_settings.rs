//! The command with what stands in its configuration file and in AWS's own files, and nothing in the environment.

use std::net::TcpListener;
use std::process::Command;

use blackbox::{Folder, Keys, Stack};

use crate::command_line::{assert_told, command, printed};

/// The command of a person whose files are in `home`.
fn at_home(home: &Folder, arguments: &[&str]) -> Command {
    let stack = Stack::get();
    let mut command = command(&stack.operator, arguments);
    command.env_clear().env("HOME", home.path()).env("AWS_EC2_METADATA_DISABLED", "true");
    command
}

/// A home with the stack as the deployment `live`, signed for with the operator's keys in the profile `ops`.
fn home() -> Folder {
    let (home, stack) = (Folder::new(), Stack::get());
    // Nobody listens where somebody has just ceased to.
    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    home.write(
        ".config/drawbridge/config.toml",
        &format!(
            "deployment = \"live\"\n\n\
             [deployments.live]\napi_url = \"{url}\"\nregion = \"{region}\"\nprofile = \"ops\"\n\n\
             [deployments.strange]\napi_url = \"{url}\"\nregion = \"{region}\"\nprofile = \"nobody\"\n\n\
             [deployments.closed]\napi_url = \"http://{closed}\"\nregion = \"{region}\"\nprofile = \"ops\"\n",
            url = stack.api_url,
            region = stack.region,
        ),
    );
    let Keys { access_key_id, secret_access_key } = &stack.operator;
    home.write(
        ".aws/credentials",
        &format!("[ops]\naws_access_key_id = {access_key_id}\naws_secret_access_key = {secret_access_key}\n"),
    );
    // The Region beside the address is meant, and not the profile's.
    home.write(".aws/config", "[profile ops]\nregion = ap-northeast-3\n");
    home
}

#[test]
fn files_alone_tell_where_the_api_is_and_who_signs() {
    let home = home();
    for name in [&[][..], &["--deployment", "live"]] {
        let list = [name, &["customers", "list", "--limit", "1"]].concat();
        let (answer, _) = printed(&at_home(&home, &list).output().unwrap(), 0);
        assert_told(&answer, &["CUSTOMER", "NAME", "CREATED"]);
    }
    // Keys in the environment go before the file's profile, but not before a deployment that is named.
    let foreign = |arguments: &[&str], code| {
        let mut command = at_home(&home, arguments);
        command.env("AWS_ACCESS_KEY_ID", "AKIANOBODYHASTHISKEY").env("AWS_SECRET_ACCESS_KEY", "s");
        printed(&command.output().unwrap(), code)
    };
    let (_, said) = foreign(&["customers", "list"], 1);
    assert!(said.contains("the access key ending in SKEY"), "{said}");
    foreign(&["--deployment", "live", "customers", "list", "--limit", "1"], 0);
}

#[test]
fn what_the_files_do_not_hold_is_told_apart() {
    let home = home();
    let refused = |arguments: &[&str], code| printed(&at_home(&home, arguments).output().unwrap(), code).1;
    for unknown in [["--deployment", "strange"], ["--profile", "nobody"]] {
        let said = refused(&[&unknown[..], &["customers", "list"]].concat(), 3);
        assert_told(&said, &["no AWS credentials to sign with in profile nobody", "--profile nobody"]);
    }
    let said = refused(&["--deployment", "closed", "customers", "list"], 3);
    assert_told(&said, &["cannot reach the API at http://127.0.0.1:", "check that the address is right"]);
    let said = refused(&["--deployment", "staging", "customers", "list"], 2);
    assert_told(&said, &["no deployment \"staging\"", "closed, live, strange"]);
}
