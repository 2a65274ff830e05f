//! README's walk with the command line, run as it is printed there.

use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Command;

use blackbox::{Api, Folder};
use serde_json::{Value, json};

use crate::command_line::{assert_told, built, printed};

const README: &str = include_str!("../../../README.md");

/// The commands of the walk between those that start and end the stack.
fn commands() -> String {
    let (_, section) = README.split_once("\n## A walk with the command line\n").unwrap();
    let (section, _) = section.split_once("\n## ").unwrap();
    let blocks = section.split("\n```sh\n").skip(1).map(|block| block.split_once("\n```\n").unwrap().0);
    let blocks: Vec<&str> = blocks.collect();
    let ["make up", walk @ .., "make down"] = blocks.as_slice() else { panic!("{blocks:?}") };
    walk.join("\n")
}

#[tokio::test]
async fn the_walk_leads_where_readme_says() {
    // What the walk finds in a clone in which `make up` has run.
    let clone = Folder::new();
    let stack = std::env::var("DRAWBRIDGE_STACK").unwrap();
    clone.write(".local/stack.json", &std::fs::read_to_string(stack).unwrap());
    symlink(Path::new(env!("CARGO_MANIFEST_DIR")).join("../infra"), clone.path().join("infra")).unwrap();
    clone.write("walk.sh", &commands());

    let target = built();
    let path = format!("{}:{}", target.display(), std::env::var("PATH").unwrap());
    let walked = Command::new("bash")
        .args(["-euo", "pipefail", "walk.sh"])
        .current_dir(clone.path())
        .env_clear()
        .env("PATH", path)
        .env("CARGO_TARGET_DIR", target.parent().unwrap())
        // Where Python and the AWS CLI may be found, but not what they are configured with.
        .env("HOME", std::env::var_os("HOME").unwrap_or_default())
        .env("AWS_CONFIG_FILE", "/nonexistent/config")
        .env("AWS_SHARED_CREDENTIALS_FILE", "/nonexistent/credentials")
        .env("AWS_EC2_METADATA_DISABLED", "true")
        .output()
        .expect("bash, which the tests need");
    let (answer, said) = printed(&walked, 0);

    let way = [
        "as drawbridge-admin may",
        "pending_role",
        "Successfully created/updated stack",
        "RoleArn",
        "active",
        "Every check",
        "verifying → active",
        "degraded",
        "dynamodb:RestoreTableFromBackup",
        "put-role-policy",
        "active",
        "Invite link, shown this once",
        "offboarded",
        "Receipt",
    ];
    assert_told(&answer, &way);
    let changes =
        ["verifying → active", "active → degraded", "degraded → active", "offboarding → offboarded"];
    assert_told(&said, &changes);

    let (_, id) = answer.split_once("con_").unwrap();
    let id: String = id.chars().take_while(char::is_ascii_alphanumeric).collect();
    let connection = json!({"connection_id": format!("con_{id}")});
    let events = Api::operator().events(&connection).await;
    // A verification that changes no state tells of it as well.
    let states = events.iter().map(|event| &event["data"]["to"]).filter(|to| to.is_string());
    let mut states: Vec<&Value> = states.collect();
    states.dedup();
    let expected = ["pending_role", "verifying", "active", "degraded", "active", "offboarding", "offboarded"];
    assert_eq!(states, expected, "{events:#?}");
}
