//! The `drawbridge` command, as an operator runs it.

use std::path::PathBuf;
use std::process::{Command, Output};

use blackbox::{CustomerAccount, Keys, Provider, Stack};
use serde_json::Value;

/// The command that was built with these tests.
fn drawbridge(keys: &Keys, arguments: &[&str]) -> Output {
    let tests = std::env::current_exe().unwrap();
    let command: PathBuf = tests.ancestors().nth(2).unwrap().join("drawbridge");
    assert!(command.exists(), "{} is built by `cargo build --workspace`", command.display());
    let stack = Stack::get();
    Command::new(command)
        .args(arguments)
        .env_clear()
        .env("DRAWBRIDGE_API_URL", &stack.api_url)
        .env("DRAWBRIDGE_CONFIG", "/nonexistent/config.toml")
        .env("AWS_CONFIG_FILE", "/nonexistent/config")
        .env("AWS_SHARED_CREDENTIALS_FILE", "/nonexistent/credentials")
        .env("AWS_REGION", &stack.region)
        .env("AWS_ACCESS_KEY_ID", &keys.access_key_id)
        .env("AWS_SECRET_ACCESS_KEY", &keys.secret_access_key)
        .env("AWS_EC2_METADATA_DISABLED", "true")
        .output()
        .unwrap()
}

fn json(output: &Output) -> Value {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

#[tokio::test]
async fn a_customer_is_onboarded_with_the_command_alone() {
    let (keys, account) = (&Stack::get().operator, CustomerAccount::new());
    let customer = json(&drawbridge(keys, &["--output", "json", "customers", "create", "--name", "By hand"]));
    let customer = customer["customer_id"].as_str().unwrap();
    let connection = json(&drawbridge(
        keys,
        &[
            "--output",
            "json",
            "connections",
            "create",
            "--customer",
            customer,
            "--capability",
            "ec2-power",
            "--region",
            "us-east-1",
        ],
    ));
    let id = connection["connection_id"].as_str().unwrap();
    let trust = json(&drawbridge(keys, &["connections", "setup", id, "--only", "trust-policy"]));
    let mut open = trust.clone();
    open["Statement"][0]["Condition"].as_object_mut().unwrap().remove("StringEquals");
    let arn = account.make_role("r", &open).await;

    let refused = drawbridge(keys, &["connections", "submit-role", id, &arn, "--watch"]);
    assert_eq!(refused.status.code(), Some(4), "{}", String::from_utf8_lossy(&refused.stderr));
    let told =
        format!("{}{}", String::from_utf8_lossy(&refused.stdout), String::from_utf8_lossy(&refused.stderr));
    assert!(told.contains("trust_missing_external_id"), "{told}");

    account.change_trust("r", &trust).await;
    let accepted = drawbridge(keys, &["connections", "verify", id, "--watch"]);
    assert_eq!(accepted.status.code(), Some(0), "{}", String::from_utf8_lossy(&accepted.stderr));
    let shown = json(&drawbridge(keys, &["--output", "json", "connections", "show", id]));
    assert_eq!(shown["state"], "active");
}

#[test]
fn a_refused_caller_is_told_what_to_do() {
    let keys = Keys { access_key_id: "AKIANOBODYHASTHISKEY".to_owned(), secret_access_key: "s".to_owned() };
    let refused = drawbridge(&keys, &["customers", "list"]);
    assert_eq!(refused.status.code(), Some(1));
    let told = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(told.contains("next:") && told.contains("drawbridge-viewer"), "{told}");
}

#[test]
fn the_doctor_finds_a_healthy_installation_so() {
    let stack = Stack::get();
    let found = json(&drawbridge(&stack.operator, &["doctor", "--output", "json"]));
    let outcome = |check: &str| {
        let checks = found["checks"].as_array().unwrap();
        let found = checks.iter().find(|found| found["check"] == check);
        found.unwrap_or_else(|| panic!("{check} is not checked")).clone()
    };
    for check in
        ["configuration", "address", "api", "version", "clock", "region", "credentials", "permission"]
    {
        assert_eq!(outcome(check)["outcome"], "ok", "{check}: {found}");
    }
    let permission = outcome("permission")["detail"].as_str().unwrap().to_owned();
    assert!(permission.contains("as drawbridge-admin may"), "{permission}");

    let wrong = Keys { secret_access_key: "wrong".to_owned(), ..stack.operator.clone() };
    let refused = drawbridge(&wrong, &["doctor"]);
    assert_eq!(refused.status.code(), Some(4));
    let told = String::from_utf8_lossy(&refused.stdout).into_owned();
    assert!(told.contains("the secret key does not belong to that access key"), "{told}");
    assert!(!told.contains(&stack.operator.access_key_id), "{told}");
}

#[tokio::test]
async fn the_doctor_tells_each_managed_policy_from_the_others() {
    let (policies, provider) = (&Stack::get().policies, Provider::new());
    for (attached, code, says) in [
        (&[][..], 4, "needs the managed policy drawbridge-viewer"),
        (&[&policies.viewer[..]], 0, "as drawbridge-viewer may; to change things needs drawbridge-operator"),
        (&[&policies.operator], 0, "as drawbridge-operator may; offboarding needs drawbridge-admin"),
        (&[&policies.admin], 0, "read, change and offboard, as drawbridge-admin may"),
    ] {
        let keys = provider.make_user(attached).await;
        let found = drawbridge(&keys, &["doctor"]);
        let told = String::from_utf8_lossy(&found.stdout).into_owned();
        assert!(told.contains(says), "{told}");
        assert_eq!(found.status.code(), Some(code), "{told}");
    }
}

#[test]
fn the_status_counts_a_new_connection() {
    let keys = &Stack::get().operator;
    let customer = json(&drawbridge(keys, &["--output", "json", "customers", "create", "--name", "Counted"]));
    let customer = customer["customer_id"].as_str().unwrap();
    let made = drawbridge(
        keys,
        &[
            "connections",
            "create",
            "--customer",
            customer,
            "--capability",
            "ec2-power",
            "--region",
            "us-east-1",
        ],
    );
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    // Other tests make and end connections meanwhile, but nobody gives this one a role.
    let status = json(&drawbridge(keys, &["status", "--output", "json"]));
    let by_state = status["connections"]["by_state"].as_object().unwrap();
    assert!(by_state["pending_role"].as_u64().unwrap() >= 1, "{status}");
    let sum: u64 = by_state.values().map(|number| number.as_u64().unwrap()).sum();
    assert_eq!(status["connections"]["total"].as_u64(), Some(sum), "{status}");
    assert_eq!(status["health"], "ok");
    assert!(status["grants"]["used_percent"].is_u64(), "{status}");
}
