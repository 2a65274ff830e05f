//! The AWS CLI with credentials that the command fetches: a connection's, and those of roles that people
//! assume with their own AWS identity.

use std::path::PathBuf;
use std::process::{Command, Output};

use blackbox::{Api, CustomerAccount, Estate, Folder, Keys, Provider, Stack};
use serde_json::{Value, json};

use crate::command_line::built;

/// A person at a shell, with a configuration file of their own.
pub(crate) struct Person {
    keys: Keys,
    folder: Folder,
}

impl Person {
    pub fn new(keys: &Keys) -> Self {
        Self { keys: keys.clone(), folder: Folder::new() }
    }

    pub fn config(&self) -> PathBuf {
        self.folder.path().join("config")
    }

    pub fn run(&self, program: &str, arguments: &[&str]) -> Output {
        let output = self.command(program, arguments).output();
        output.unwrap_or_else(|error| panic!("{program}, which the tests need: {error}"))
    }

    /// A program as this person starts it.
    pub fn command(&self, program: &str, arguments: &[&str]) -> Command {
        let stack = Stack::get();
        let path = format!("{}:{}", built().display(), std::env::var("PATH").unwrap());
        let mut command = Command::new(program);
        command
            .args(arguments)
            .env_clear()
            .env("PATH", path)
            .env("HOME", std::env::var_os("HOME").unwrap_or_default())
            .env("DRAWBRIDGE_API_URL", &stack.api_url)
            .env("DRAWBRIDGE_CONFIG", "/nonexistent/config.toml")
            .env("AWS_CONFIG_FILE", self.config())
            .env("AWS_SHARED_CREDENTIALS_FILE", self.folder.path().join("credentials"))
            .env("AWS_REGION", &stack.region)
            .env("AWS_DEFAULT_REGION", &stack.region)
            .env("AWS_ENDPOINT_URL", &stack.endpoint_url)
            .env("AWS_ACCESS_KEY_ID", &self.keys.access_key_id)
            .env("AWS_SECRET_ACCESS_KEY", &self.keys.secret_access_key)
            .env("AWS_EC2_METADATA_DISABLED", "true");
        command
    }

    /// What a program printed that ended well.
    pub fn done(&self, program: &str, arguments: &[&str]) -> String {
        let output = self.run(program, arguments);
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }

    pub fn json(&self, program: &str, arguments: &[&str]) -> Value {
        serde_json::from_str(&self.done(program, arguments)).unwrap()
    }

    /// What a program said that ended with this code.
    pub fn refused(&self, code: i32, program: &str, arguments: &[&str]) -> String {
        let output = self.run(program, arguments);
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(code), "{said}");
        said
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_aws_cli_acts_in_a_customers_account_by_profile_and_by_exec() {
    let (api, account) = (Api::operator(), CustomerAccount::new());
    let wanted = json!({"capabilities": ["dynamodb-observe"], "regions": ["us-east-1"]});
    let connection = api.new_connection_for(wanted).await;
    let trust = api.setup(&connection).await["trust_policy"].clone();
    let role = account.make_role("r", &trust).await;
    assert_eq!(api.onboard(&connection, &role).await["state"], "active");
    Estate::of(&account, "us-east-1").make_table("orders").await;
    let id = connection["connection_id"].as_str().unwrap();

    let person = Person::new(&Stack::get().operator);
    let before = "# mine\n[default]\nregion = eu-central-1\n";
    std::fs::write(person.config(), before).unwrap();
    let what =
        ["--capability", "dynamodb-observe", "--region", "us-east-1", "--reason", "ticket #1: it's a test"];
    let write = [&["profile", "write", id, "--profile", "acme"][..], &what].concat();
    person.done("drawbridge", &write);
    person.done("drawbridge", &write);
    let written = std::fs::read_to_string(person.config()).unwrap();
    assert!(written.starts_with(&format!("{before}\n[profile acme]\n")), "{written}");
    assert!(!written.contains("ASIA") && !written.contains(&person.keys.secret_access_key), "{written}");

    let tables = person.json("aws", &["--profile", "acme", "dynamodb", "list-tables"]);
    assert_eq!(tables["TableNames"], json!(["orders"]));
    let refused = person.run("aws", &["--profile", "acme", "dynamodb", "scan", "--table-name", "orders"]);
    assert!(String::from_utf8_lossy(&refused.stderr).contains("AccessDenied"), "{refused:?}");
    let exec = [&["exec", id][..], &what, &["--", "aws"]].concat();
    let tables = person.json("drawbridge", &[&exec[..], &["dynamodb", "list-tables"]].concat());
    assert_eq!(tables["TableNames"], json!(["orders"]));
    // The exit code is the command's own.
    let end = |command: &[&'static str]| [&exec[..exec.len() - 1], command].concat();
    person.refused(7, "drawbridge", &end(&["sh", "-c", "exit 7"]));
    person.refused(127, "drawbridge", &end(&["no-such-command"]));
    let all = api.events(&connection).await;
    let issued = all.iter().filter(|event| event["type"] == "credentials.issued");
    assert!(issued.clone().count() >= 5);
    assert!(issued.clone().all(|event| event["data"]["reason"] == "ticket #1: it's a test"));

    // What somebody else wrote stays.
    std::fs::write(person.config(), "[profile acme]\nregion = x\n").unwrap();
    assert!(person.refused(2, "drawbridge", &write).contains("--force"));
}

#[tokio::test(flavor = "multi_thread")]
async fn people_assume_roles_with_their_own_identity() {
    let (account, provider) = (CustomerAccount::new(), Provider::new());
    let keys = provider.make_user(&["arn:aws:iam::aws:policy/AdministratorAccess"]).await;
    let trust = json!({"Version": "2012-10-17", "Statement": [{
        "Effect": "Allow",
        "Principal": {"AWS": format!("arn:aws:iam::{}:root", Stack::get().provider_account_id)},
        "Action": "sts:AssumeRole",
        "Condition": {"StringEquals": {"sts:ExternalId": "an-id-that-is-not-printed"}},
    }]});
    let role = account.make_role("CrossAccountAccessRole", &trust).await;
    Estate::of(&account, "us-east-1").make_table("orders").await;
    let person = Person::new(&keys);

    let refused = person.refused(1, "drawbridge", &["credentials", "--role-arn", &role]);
    assert!(refused.contains("--external-id") && refused.contains(&account.id), "{refused}");
    let with = ["--role-arn", &role, "--region", "us-east-1", "--external-id", "an-id-that-is-not-printed"];
    // Credentials in the environment of a shell.
    let printed = person.done("drawbridge", &[&["credentials"][..], &with].concat());
    assert!(!printed.contains("an-id-that-is-not-printed"));
    let script = format!("{printed}\naws dynamodb list-tables");
    assert_eq!(person.json("sh", &["-c", &script])["TableNames"], json!(["orders"]));
    // A command, and a profile.
    let exec = [&["exec"][..], &with, &["--", "aws", "sts", "get-caller-identity"]].concat();
    let who = person.json("drawbridge", &exec);
    assert!(
        who["Arn"].as_str().unwrap().contains("assumed-role/CrossAccountAccessRole/drawbridge-user-"),
        "{who}"
    );
    person.done("drawbridge", &[&["profile", "write", "--profile", "assumed-role"][..], &with].concat());
    let tables = person.json("aws", &["--profile", "assumed-role", "dynamodb", "list-tables"]);
    assert_eq!(tables["TableNames"], json!(["orders"]));
}
