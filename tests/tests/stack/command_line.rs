//! The `drawbridge` command, as an operator runs it.

use std::path::PathBuf;
use std::process::{Command, Output};

use blackbox::{Api, CustomerAccount, Estate, Keys, Provider, Stack};
use serde_json::Value;

/// What the command that was built with these tests answers.
pub(crate) fn drawbridge(keys: &Keys, arguments: &[&str]) -> Output {
    command(keys, arguments).output().unwrap()
}

/// The folder of what was built with these tests.
pub(crate) fn built() -> PathBuf {
    std::env::current_exe().unwrap().ancestors().nth(2).unwrap().to_owned()
}

/// The command that was built with these tests, in an environment of its own.
pub(crate) fn command(keys: &Keys, arguments: &[&str]) -> Command {
    let command = built().join("drawbridge");
    assert!(command.exists(), "{} is built by `cargo build --workspace`", command.display());
    let stack = Stack::get();
    let mut command = Command::new(command);
    command
        .args(arguments)
        .env_clear()
        .env("DRAWBRIDGE_API_URL", &stack.api_url)
        .env("DRAWBRIDGE_CONFIG", "/nonexistent/config.toml")
        .env("AWS_CONFIG_FILE", "/nonexistent/config")
        .env("AWS_SHARED_CREDENTIALS_FILE", "/nonexistent/credentials")
        .env("AWS_REGION", &stack.region)
        .env("AWS_ACCESS_KEY_ID", &keys.access_key_id)
        .env("AWS_SECRET_ACCESS_KEY", &keys.secret_access_key)
        .env("AWS_EC2_METADATA_DISABLED", "true");
    command
}

pub(crate) fn json(output: &Output) -> Value {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

/// What the command printed: its answer, and what it said beside it.
pub(crate) fn printed(output: &Output, code: i32) -> (String, String) {
    let [answer, said] =
        [&output.stdout, &output.stderr].map(|text| String::from_utf8_lossy(text).into_owned());
    assert_eq!(output.status.code(), Some(code), "{answer}\n{said}");
    (answer, said)
}

/// Asserts that `text` has all of these, in this order.
pub(crate) fn assert_told(text: &str, parts: &[&str]) {
    let mut rest = text;
    for part in parts {
        let Some((_, after)) = rest.split_once(part) else {
            panic!("{part:?} is not there, or not in its place: {text}")
        };
        rest = after;
    }
}

/// What a column that is told of a connection has in words: blanks between columns do not matter.
pub(crate) fn words(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The policy, and its name, of the command that is printed to be pasted at the customer's.
fn pasted(answer: &str, role: &str) -> (String, Value) {
    let begin = format!("aws iam put-role-policy --role-name {role} --policy-name ");
    let (_, command) = answer.split_once(&begin).unwrap();
    let (name, document) = command.split_once(" --policy-document '").unwrap();
    let (document, _) = document.split_once('\'').unwrap();
    (name.to_owned(), serde_json::from_str(document).unwrap())
}

/// Whether `drawbridge status` has this connection among those that need somebody, and why.
fn attention(keys: &Keys, id: &str) -> Option<Value> {
    let status = json(&drawbridge(keys, &["status", "--limit", "1000", "--output", "json"]));
    let needing = status["attention"].as_array().unwrap();
    needing.iter().find(|one| one["connection_id"] == id).map(|one| one["reason"]["code"].clone())
}

/// From a customer's name to the receipt, by what the command prints alone.
#[tokio::test]
async fn a_customer_comes_and_goes_with_the_command_alone() {
    let (keys, account) = (&Stack::get().operator, CustomerAccount::new());
    Estate::of(&account, "us-east-1").launch().await;
    let run = |arguments: &[&str], code| printed(&drawbridge(keys, arguments), code);

    let (customer, _) = run(&["customers", "create", "--name", "By hand"], 0);
    let customer = words(&customer);
    let customer = customer.split(' ').find(|word| word.starts_with("cus_")).expect("an id");
    let wanted = ["--capability", "ec2-power", "--region", "us-east-1"];
    let (made, said) = run(&[&["connections", "create", "--customer", customer][..], &wanted].concat(), 0);
    assert_told(&made, &["pending_role", "Invite link, shown this once", "/onboard/"]);
    assert!(said.contains("connections setup"), "{said}");
    let made = words(&made);
    let id = made.split(' ').find(|word| word.starts_with("con_")).expect("an id");

    // The customer makes the role from what is printed, but lets everybody in and forgets an action.
    let (shown, _) = run(&["connections", "show", id], 0);
    let shown = words(&shown);
    let role = shown.split_once("role name ").and_then(|(_, rest)| rest.split(' ').next()).expect("a name");
    let secret =
        shown.split_once("external ID ").and_then(|(_, rest)| rest.split(' ').next()).expect("an ID");
    let document = |which| json(&drawbridge(keys, &["connections", "setup", id, "--only", which]));
    let (trust, mut permissions) = (document("trust-policy"), document("permissions-policy"));
    assert_eq!(trust["Statement"][0]["Condition"]["StringEquals"]["sts:ExternalId"], secret);
    for statement in permissions["Statement"].as_array_mut().unwrap() {
        statement["Action"].as_array_mut().unwrap().retain(|action| action != "ec2:StopInstances");
    }
    let mut open = trust.clone();
    open["Statement"][0]["Condition"].as_object_mut().unwrap().remove("StringEquals");
    let arn = account.make_bare_role(role, &open).await;
    account.permit(role, "drawbridge", &permissions).await;

    let mut told = Vec::new();
    let (answer, said) = run(&["connections", "submit-role", id, &arn, "--watch"], 4);
    assert_told(&said, &["verifying", "no external ID: allowed", "verifying → failed"]);
    assert_told(&answer, &["failed", "not proven", "trust_missing_external_id", "remedy"]);
    told.extend([answer, said]);

    account.change_trust(role, &trust).await;
    let (answer, said) = run(&["connections", "verify", id], 0);
    assert!(said.contains(&format!("`drawbridge connections watch {id}`")), "{said}");
    told.extend([answer, said]);
    let (answer, said) = run(&["connections", "watch", id], 0);
    let progress = [
        "round 1: the right external ID: allowed",
        "round 2: a random external ID: denied",
        "denied: ec2:StopInstances in us-east-1",
        "permissions: 13 allowed, 1 denied",
        "degraded",
    ];
    assert_told(&said, &progress);
    assert_told(&words(&answer), &["state degraded", "trust proven", "permissions 13 allowed, 1 denied"]);
    assert_told(&answer, &["Denied or not known", "ec2:StopInstances", "permission_missing", "--watch"]);
    assert_eq!(attention(keys, id).unwrap(), "permission_missing");
    let (name, patch) = pasted(&answer, role);
    assert_eq!(patch["Statement"][0]["Action"], "ec2:StopInstances");
    told.extend([answer, said]);

    account.permit(role, &name, &patch).await;
    let (answer, said) = run(&["connections", "verify", id, "--watch"], 0);
    // What is found of a proof that comes again is written at its end, and permissions may be seen before.
    assert_told(&said, &["degraded", "permissions: 14 allowed, 0 denied", "degraded → active"]);
    assert_told(&said, &["degraded", "round 2", "degraded → active"]);
    assert!(!said.contains("denied: ec2"), "what was denied before is no news: {said}");
    assert!(!answer.contains("put-role-policy"), "{answer}");
    assert_eq!(attention(keys, id), None);
    told.extend([answer, said]);
    let (checks, _) = run(&["connections", "show", id, "--checks"], 0);
    let checks = words(&checks);
    assert_told(&checks, &["Permissions", "ec2-power us-east-1 3 0 0 0", "Every check"]);
    assert_told(&checks, &["ec2:DescribeInstances us-east-1 allowed", "ec2:StopInstances us-east-1 allowed"]);
    let (events, _) = run(&["connections", "events", id], 0);
    let changes = ["verifying → failed", "failed → verifying", "verifying → degraded", "degraded → active"];
    assert_told(&events, &changes);

    let (link, said) = run(&["connections", "invite", id], 0);
    assert_told(&link, &["Invite link, shown this once", &format!("{}/onboard/", Stack::get().api_url)]);
    assert!(said.contains(&format!("revoke-invite {id}")), "{said}");

    let (_, said) = run(&["connections", "offboard", id, "--watch"], 2);
    assert!(said.contains("--yes"), "{said}");
    let (answer, said) = run(&["connections", "offboard", id, "--yes", "--watch"], 0);
    assert_told(&said, &["This ends:", "offboarding", "offboarding → offboarded"]);
    assert!(!said.contains("permissions:"), "{said}");
    let receipt = [
        "offboarded",
        "Receipt",
        "Drawbridge's grant for the role was removed at",
        "AWS refused to let Drawbridge assume the role at",
        "Left behind:",
        &arn,
    ];
    assert_told(&answer, &receipt);
    told.extend([events, link, answer, said]);
    assert!(
        told.iter().all(|text| !text.contains(secret)),
        "the external ID is told to who asks for it alone"
    );
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

#[tokio::test]
async fn what_is_in_an_account_is_seen_with_the_command() {
    let (api, account) = (Api::operator(), CustomerAccount::new());
    let (active, _) = api.active_connection(&account).await;
    let instance = Estate::of(&account, "us-east-1").launch().await;
    let (keys, id) = (&Stack::get().operator, active["connection_id"].as_str().unwrap());
    let run =
        ["operations", "run", id, "ec2:DescribeInstances", "--region", "us-east-1", "--reason", "to look"];
    let shown = drawbridge(keys, &run);
    let told = String::from_utf8_lossy(&shown.stdout).into_owned();
    assert_eq!(shown.status.code(), Some(0), "{told}{}", String::from_utf8_lossy(&shown.stderr));
    for part in ["succeeded", &instance, "to look", "aws cloudtrail lookup-events"] {
        assert!(told.contains(part), "{part}: {told}");
    }
    let input = r#"{"InstanceIds": ["i-0123456789abcdef0"]}"#;
    let reboot = ["operations", "run", id, "ec2:RebootInstances", "--region", "us-east-1", "--input", input];
    let failed = drawbridge(keys, &reboot);
    assert_eq!(failed.status.code(), Some(4));
    assert!(String::from_utf8_lossy(&failed.stdout).contains("not_found"));
    let list = json(&drawbridge(keys, &["--output", "json", "operations", "list", id]));
    let operation = list["items"][0]["operation_id"].as_str().unwrap();
    assert_eq!(list["items"].as_array().unwrap().len(), 2);
    let again = json(&drawbridge(keys, &["--output", "json", "operations", "show", operation]));
    assert_eq!((&again["output"], &again["output_omitted"]), (&Value::Null, &Value::Bool(true)));
}

/// As people work: look, make something, look again.
#[tokio::test]
async fn instances_and_tables_are_worked_with_by_the_command() {
    let (api, account) = (Api::operator(), CustomerAccount::new());
    let wanted = serde_json::json!({
        "capabilities": ["ec2-launch", "ec2-backup", "dynamodb-data", "dynamodb-backup"], "regions": ["us-east-1"],
    });
    let connection = api.new_connection_for(wanted).await;
    let setup = api.setup(&connection).await;
    let role = account.make_bare_role("r", &setup["trust_policy"]).await;
    account.permit("r", "drawbridge", &setup["permissions_policy"]).await;
    let active = api.onboard(&connection, &role).await;
    let (keys, id) = (&Stack::get().operator, active["connection_id"].as_str().unwrap());
    let run = |code: i32, words: &[&str]| {
        let command: Vec<&str> = words.iter().copied().chain(["--region", "us-east-1"]).collect();
        let output = drawbridge(keys, &command);
        let told = String::from_utf8_lossy(&output.stdout).into_owned();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(code), "{words:?}: {told}{said}");
        told
    };
    let image = "ami-0abcdef1234567890";
    let launch =
        ["ec2", "launch", id, "--image-id", image, "--instance-type", "t3.micro", "--tag", "Name=web"];
    let dry = run(0, &[&launch[..], &["--dry-run"]].concat());
    assert!(dry.contains("succeeded (dry run)"), "{dry}");
    let launched: Value =
        serde_json::from_str(&run(0, &[&launch[..], &["--output", "json"]].concat())).unwrap();
    let instance = launched["targets"][0]["id"].as_str().unwrap();
    let listed = run(0, &["ec2", "list", id, "--filter", "tag:Name=web"]);
    assert!(listed.contains(instance) && listed.contains("web") && listed.contains("running"), "{listed}");
    let tags = run(0, &["ec2", "tags", id, "--filter", &format!("resource-id={instance}")]);
    assert!(tags.contains("Name"), "{tags}");
    let made = run(0, &["ec2", "snapshot", id, instance, "--tag", "by=hand", "--reason", "before"]);
    assert!(made.contains("snap-"), "{made}");
    assert!(run(0, &["ec2", "image", id, instance, "--name", "web-1"]).contains("ami-"));
    let refused = run(4, &["ec2", "snapshot", id, "i-0123456789abcdef0"]);
    assert!(refused.contains("not_found"), "{refused}");

    Estate::of(&account, "us-east-1").make_table("orders").await;
    assert!(run(0, &["dynamodb", "tables", id]).contains("orders"));
    assert!(run(0, &["dynamodb", "describe", id, "orders"]).contains("ACTIVE"));
    let item = r#"{"pk": {"S": "new"}, "text": {"S": "hello"}}"#;
    run(0, &["dynamodb", "put", id, "orders", "--item", item]);
    let key = r#"{"pk": {"S": "new"}}"#;
    assert!(run(0, &["dynamodb", "get", id, "orders", "--key", key]).contains("hello"));
    let all: Value =
        serde_json::from_str(&run(0, &["dynamodb", "scan", id, "orders", "--output", "json"])).unwrap();
    assert_eq!(all["Items"].as_array().unwrap().len(), 2, "{all}");
    run(0, &["dynamodb", "backup", id, "orders", "--backup-name", "by-hand"]);
    let backups = run(0, &["dynamodb", "backups", id, "--table-name", "orders"]);
    assert!(backups.contains("by-hand") && backups.contains("kept"), "{backups}");
}

/// What cannot be undone is shown before it is done, and done with a yes alone.
#[tokio::test]
async fn an_instance_is_terminated_by_a_plan_of_the_command() {
    let (api, keys, account) = (Api::operator(), &Stack::get().operator, CustomerAccount::new());
    let wanted = serde_json::json!({"capabilities": ["ec2-terminate"], "regions": ["us-east-1"]});
    let connection = api.new_connection_for(wanted).await;
    let role = account.make_role("r", &api.setup(&connection).await["trust_policy"]).await;
    api.onboard(&connection, &role).await;
    let estate = Estate::of(&account, "us-east-1");
    let (instance, another) = (estate.launch().await, estate.launch().await);
    let id = connection["connection_id"].as_str().unwrap();
    let run = |arguments: &[&str], code| printed(&drawbridge(keys, arguments), code);
    let create = |instance: &str| {
        let input = format!("{{\"InstanceIds\": [\"{instance}\"]}}");
        ["plans", "create", id, "ec2:TerminateInstances", "--region", "us-east-1", "--input", &input]
            .map(str::to_owned)
    };
    let create = |instance: &str, more: &[&str], code| {
        let arguments = create(instance);
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).chain(more.iter().copied()).collect();
        run(&arguments, code)
    };

    // Who tries it otherwise, or with an id that nobody has, is led here.
    let input = format!("{{\"InstanceIds\": [\"{instance}\"]}}");
    let at_once =
        ["operations", "run", id, "ec2:TerminateInstances", "--region", "us-east-1", "--input", &input];
    let (_, said) = run(&at_once, 1);
    assert_told(&said, &["plan_required", &format!("next: `drawbridge plans create {id} ACTION")]);
    let (_, said) = run(&["plans", "show", "pln_00000000000070008000000000000000"], 1);
    assert_told(&said, &["not_found", "next:", "`drawbridge plans create`"]);

    let (shown, said) = create(&instance, &[], 0);
    assert_told(&shown, &["pending", &instance, "volumes_deleted", "deleted_volumes:", "vol-"]);
    assert!(said.contains("nothing was changed"), "{said}");
    let plan = words(&shown);
    let plan = plan.split(' ').find(|word| word.starts_with("pln_")).expect("an id");
    // Nobody is there to ask.
    run(&["plans", "apply", plan], 2);
    create(&another, &["--apply"], 2);
    assert_eq!(estate.state_of(&instance).await.as_deref(), Some("running"));

    let (done, said) = run(&["plans", "apply", plan, "--yes"], 0);
    assert_told(&done, &["ec2:TerminateInstances", "succeeded", &instance]);
    assert_told(&said, &["This will be gone, for good", &instance]);
    assert_ne!(estate.state_of(&instance).await.as_deref(), Some("running"));
    assert_told(&run(&["plans", "show", plan], 0).0, &["applied", "op_"]);
    let (_, said) = run(&["plans", "apply", plan, "--yes"], 1);
    assert!(said.contains("the plan is applied"), "{said}");
    create(&another, &["--apply", "--yes"], 0);
    assert_ne!(estate.state_of(&another).await.as_deref(), Some("running"));
}
