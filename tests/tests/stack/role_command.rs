//! `drawbridge role` and `drawbridge policy`, as customers and people's administrators run them.

use blackbox::{Api, CustomerAccount, Estate, Stack};
use serde_json::{Value, json};

use crate::command_line::built;
use crate::people_roles::Person;

const READ_ONLY: &str = "arn:aws:iam::aws:policy/AdministratorAccess";

fn words(line: &str) -> Vec<&str> {
    line.split_whitespace().collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_changed_without_a_yes() {
    let (api, account) = (Api::operator(), CustomerAccount::new());
    let (connection, path) =
        api.invite_to(json!({"capabilities": ["ec2-power"], "regions": ["us-east-1"]})).await;
    let name = connection["role_name"].as_str().unwrap();
    let link = format!("{}{path}", Stack::get().api_url);
    let customer = Person::new(&account.root());
    let create = ["role", "create", "--invite", &link];

    let looked = customer.run("drawbridge", &create);
    assert_eq!(looked.status.code(), Some(2));
    let shown = String::from_utf8(looked.stdout).unwrap();
    assert!(shown.contains(&format!("+ the role {name}")) && shown.contains("ec2:StartInstances"), "{shown}");
    assert!(!account.has_role(name).await);

    // Once made and changed by somebody, only what differs is shown and mended; the rest stays.
    customer.done("drawbridge", &[&create[..], &["--yes"]].concat());
    let other = json!({"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Action": "ec2:DescribeVpcs", "Resource": "*"},
    ]});
    account.permit(name, "drawbridge", &other).await;
    account.permit(name, "own", &other).await;
    let mended = customer.json("drawbridge", &[&create[..], &["--yes", "--output", "json"]].concat());
    assert_eq!(mended["changes"], json!(["put_permissions"]));
    let mut open = account.trust(name).await;
    open["Statement"][0]["Condition"] = json!({});
    account.change_trust(name, &open).await;
    let update = ["role", "update-trust", "--invite", &link, "--yes"];
    assert!(customer.done("drawbridge", &update).contains("trusts as shown"));
    assert!(customer.done("drawbridge", &update).contains("trusts whom it should"));
    let shown = customer.json("drawbridge", &["role", "show", name, "--output", "json"]);
    assert_eq!(shown["inline_policies"].as_object().unwrap().len(), 2);
    assert_eq!(
        shown["trust_policy"]["Statement"][0]["Condition"]["StringEquals"]["sts:ExternalId"],
        connection["external_id"]
    );

    // Deleting shows what goes, wants a yes, and does nothing twice.
    let delete = ["role", "delete", name];
    let looked = customer.run("drawbridge", &delete);
    assert_eq!(looked.status.code(), Some(2));
    let shown = String::from_utf8(looked.stdout).unwrap();
    assert!(shown.contains("- inline policy drawbridge\n- inline policy own\n- the role "), "{shown}");
    assert!(account.has_role(name).await);
    customer.done("drawbridge", &[&delete[..], &["--yes"]].concat());
    assert!(!account.has_role(name).await);
    assert!(customer.done("drawbridge", &delete).contains("there is no role"));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_somebody_else_made_is_left_alone() {
    let account = CustomerAccount::new();
    let customer = Person::new(&account.root());
    let trust = json!({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "sts:AssumeRole",
        "Principal": {"AWS": format!("arn:aws:iam::{}:root", account.id)}}]});
    account.make_role("mine", &trust).await;
    let create = format!(
        "role create --for-people --name mine --trust-account 111111111111 --managed-policy {READ_ONLY} --yes"
    );
    assert!(customer.refused(2, "drawbridge", &words(&create)).contains("--adopt"));
    let delete = words("role delete mine --yes");
    assert!(customer.refused(2, "drawbridge", &delete).contains("--not-ours mine"));
    assert!(account.has_role("mine").await);
    assert_eq!(account.trust("mine").await, trust);

    customer.done("drawbridge", &[&words(&create)[..], &["--adopt"]].concat());
    assert_ne!(account.trust("mine").await, trust);
    // By now it is known, and goes as others do.
    customer.done("drawbridge", &delete);

    account.make_role("other", &trust).await;
    customer.done("drawbridge", &words("role delete other --yes --not-ours other"));
    assert!(!account.has_role("other").await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_names_the_side_the_permission_and_the_smallest_change() {
    let (api, account) = (Api::operator(), CustomerAccount::new());
    let (connection, path) =
        api.invite_to(json!({"capabilities": ["ec2-power"], "regions": ["us-east-1"]})).await;
    let name = connection["role_name"].as_str().unwrap();
    let link = format!("{}{path}", Stack::get().api_url);
    let may_read = json!({"Version": "2012-10-17", "Statement": [{
        "Effect": "Allow", "Action": ["iam:GetRole", "iam:ListRolePolicies"], "Resource": "*",
    }]});
    let keys = account.make_user("bob", Some(&may_read)).await;
    let bob = Person::new(&keys);
    let said = bob.refused(1, "drawbridge", &["role", "create", "--invite", &link, "--yes"]);
    for part in [
        &format!("does not let arn:aws:iam::{}:user/bob do iam:CreateRole", account.id),
        "on your side",
        &format!(
            r#"{{"Effect": "Allow", "Action": "iam:CreateRole", "Resource": "{}"}}"#,
            account.role_arn(name)
        ),
    ] {
        assert!(said.contains(part), "{part}: {said}");
    }
    let secrets = [connection["external_id"].as_str().unwrap(), path.rsplit('/').next().unwrap()];
    let (_, after) = said.split_once("error:").unwrap();
    assert!(secrets.iter().all(|secret| !after.contains(secret)), "{said}");
    assert!(!account.has_role(name).await);

    // Credentials of another account than the role's are told before anything is asked.
    let wrong = CustomerAccount::new();
    let wanted = json!({"capabilities": ["ec2-power"], "regions": ["us-east-1"], "account_id": account.id});
    let (_, path) = api.invite_to(wanted).await;
    let link = format!("{}{path}", Stack::get().api_url);
    let elsewhere = Person::new(&wrong.root());
    let said = elsewhere.refused(2, "drawbridge", &["role", "create", "--invite", &link, "--yes"]);
    assert!(said.contains(&account.id) && said.contains(&wrong.id), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn people_assume_a_role_made_for_them_under_its_conditions_alone() {
    let (source, target) = (CustomerAccount::new(), CustomerAccount::new());
    Estate::of(&target, "us-east-1").make_table("orders").await;
    let may_assume = json!({"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Action": "sts:AssumeRole", "Resource": "*"},
    ]});
    let alice = Person::new(&source.make_user("alice", Some(&may_assume)).await);
    let bob = Person::new(&source.make_user("bob", Some(&may_assume)).await);
    let stranger = Person::new(&CustomerAccount::new().make_user("alice", Some(&may_assume)).await);
    let admin = Person::new(&target.root());
    let create = |line: &str| {
        let line =
            format!("role create --for-people --yes --output json --managed-policy {READ_ONLY} {line}");
        admin.json("drawbridge", &words(&line))
    };
    let tables = |person: &Person, role: &str, more: &[&str]| {
        let arn = target.role_arn(role);
        let exec = [&["exec", "--role-arn", &arn, "--region", "us-east-1"][..], more].concat();
        let run = person.run("drawbridge", &[&exec[..], &["--", "aws", "dynamodb", "list-tables"]].concat());
        run.status
            .success()
            .then(|| serde_json::from_slice::<Value>(&run.stdout).unwrap()["TableNames"].clone())
    };
    let seen = Some(json!(["orders"]));

    // An account: everybody whom it lets, and nobody else.
    let made = create(&format!(
        "--name Support --trust-account {} --tag team=support --description Helpers",
        source.id
    ));
    let link = format!("https://signin.aws.amazon.com/switchrole?roleName=Support&account={}", target.id);
    assert_eq!(made["switch_role_url"], link);
    assert_eq!(made["changes"], json!(["create_role", "attach_policy"]));
    let (description, tags) = target.description_and_tags("Support").await;
    assert_eq!((description.as_str(), tags["team"].as_str()), ("Helpers", "support"));
    assert_eq!(tags["drawbridge:people"], source.id);
    assert_eq!((tables(&alice, "Support", &[]), tables(&bob, "Support", &[])), (seen.clone(), seen.clone()));
    assert_eq!(tables(&stranger, "Support", &[]), None);

    // A user.
    create(&format!("--name Alice --trust-user arn:aws:iam::{}:user/alice", source.id));
    assert_eq!((tables(&alice, "Alice", &[]), tables(&bob, "Alice", &[])), (seen.clone(), None));

    // An external ID, which the console could not send.
    let id = ["--external-id", "an-id-of-two"];
    let made = create(&format!("--name Outside --trust-account {} {}", source.id, id.join(" ")));
    assert_eq!(made["switch_role_url"], Value::Null);
    assert_eq!((tables(&alice, "Outside", &id), tables(&alice, "Outside", &[])), (seen.clone(), None));
    assert_eq!(tables(&alice, "Outside", &["--external-id", "another"]), None);

    // MFA, which these keys were not made with. Without the condition they are let in again.
    let mfa = format!("--name Guarded --trust-account {}", source.id);
    create(&format!("{mfa} --mfa"));
    assert_eq!(tables(&alice, "Guarded", &[]), None);
    let again = create(&mfa);
    assert_eq!(again["changes"], json!(["update_trust"]));
    assert_eq!(tables(&alice, "Guarded", &[]), seen);

    let printed = admin.done(
        "drawbridge",
        &words(&format!(
            "role create --for-people --name Support --trust-account {} --managed-policy {READ_ONLY}",
            source.id
        )),
    );
    assert!(printed.contains("is as it should be"), "{printed}");
}

#[test]
fn policies_are_printed_offline() {
    let account = CustomerAccount::new();
    let person = Person::new(&account.root());
    let offline = |line: &str| {
        let program = built().join("drawbridge");
        let mut command = person.command(program.to_str().unwrap(), &words(line));
        command.env_clear();
        let output = command.output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    };
    let json = |line: &str| serde_json::from_str::<Value>(&offline(line)).unwrap();
    let trust = json("policy trust --provider-account 111111111111 --external-id an-id");
    assert_eq!(trust["Statement"][0]["Condition"]["StringEquals"]["sts:ExternalId"], "an-id");
    let template = json("policy permissions --capability ec2-power --format cloudformation");
    assert_eq!(template["Resources"]["Drawbridge"]["Type"], "AWS::IAM::RolePolicy");
    let terraform = offline("policy grant --role-arn arn:aws:iam::123456789012:role/a --format terraform");
    assert!(terraform.starts_with("resource \"aws_iam_policy\""), "{terraform}");
}
