//! `drawbridge grant`: the source account's side for people.

use std::process::Stdio;

use blackbox::CustomerAccount;
use serde_json::{Value, json};

use crate::people_roles::Person;

fn words(line: &str) -> Vec<&str> {
    line.split_whitespace().collect()
}

/// A role in an account that everybody of another may assume, as far as that one lets them.
async fn role_for(target: &CustomerAccount, source: &CustomerAccount) -> String {
    let trust = json!({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "sts:AssumeRole",
        "Principal": {"AWS": format!("arn:aws:iam::{}:root", source.id)}}]});
    target.make_role("Support", &trust).await
}

fn assumes(person: &Person, role: &str) -> bool {
    let exec = ["exec", "--role-arn", role, "--", "aws", "sts", "get-caller-identity"];
    person.run("drawbridge", &exec).status.success()
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_is_granted_a_role_assumes_it_and_nobody_else() {
    let (source, target) = (CustomerAccount::new(), CustomerAccount::new());
    let role = role_for(&target, &source).await;
    let alice = Person::new(&source.make_user("alice", None).await);
    let bob = Person::new(&source.make_user("bob", None).await);
    source.make_group("support", &["bob"]).await;
    let admin = Person::new(&source.root());
    assert!(!assumes(&alice, &role));

    // Nothing without a yes.
    let attach = format!("grant attach --user alice --role-arn {role}");
    let looked = admin.run("drawbridge", &words(&attach));
    assert_eq!(looked.status.code(), Some(2));
    let shown = String::from_utf8(looked.stdout).unwrap();
    assert!(shown.contains("+ the policy assume-user-alice-1") && shown.contains(&role), "{shown}");
    assert!(source.policies_under("/drawbridge/people/").await.is_empty());

    let yes = |line: &str| admin.json("drawbridge", &words(&format!("{line} --yes --output json")));
    assert_eq!(yes(&attach)["changed"], true);
    assert_eq!(yes(&attach)["changed"], false);
    assert!(assumes(&alice, &role) && !assumes(&bob, &role));
    yes(&format!("grant attach --group support --role-arn {role}"));
    assert!(assumes(&bob, &role));
    let policies = source.policies_under("/drawbridge/people/").await;
    assert_eq!(policies.keys().collect::<Vec<_>>(), ["assume-group-support-1", "assume-user-alice-1"]);

    let other = "arn:aws:iam::123456789012:role/other";
    yes(&format!("grant attach --user alice --role-arn {other}"));
    let shown = admin.json("drawbridge", &words("grant show --user alice --output json"));
    assert_eq!(shown["items"].as_array().unwrap().len(), 2, "{shown}");
    yes(&format!("grant detach --user alice --role-arn {role}"));
    assert!(!assumes(&alice, &role) && assumes(&bob, &role));
    let ask = format!("grant show --user alice --role-arn {role}");
    assert_eq!(admin.run("drawbridge", &words(&ask)).status.code(), Some(4));
    assert_eq!(yes(&format!("grant detach --user alice --role-arn {other}"))["changed"], true);
    assert_eq!(yes(&format!("grant detach --user alice --role-arn {other}"))["changed"], false);
    let policies = source.policies_under("/drawbridge/people/").await;
    assert_eq!(policies.keys().collect::<Vec<_>>(), ["assume-group-support-1"]);

    // Whoever may not do it is told what is missing; whom nobody knows is told as well.
    let said = bob.refused(1, "drawbridge", &words(&attach));
    assert!(
        said.contains(r#""Action": "iam:ListAttachedUserPolicies""#) && said.contains("on your side"),
        "{said}"
    );
    let said = admin.refused(
        1,
        "drawbridge",
        &words(&format!("grant attach --user nobody --role-arn {role} --yes")),
    );
    assert!(said.contains("there is no arn:aws:iam::") && said.contains(":user/nobody"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn nobodys_grant_is_lost_when_several_are_made_at_once() {
    let source = CustomerAccount::new();
    source.make_user("alice", None).await;
    let admin = Person::new(&source.root());
    let role = |n: usize| format!("arn:aws:iam::123456789012:role/role-{n}");
    let start = |n: usize, what: &str| {
        let line = format!("grant {what} --user alice --role-arn {} --yes", role(n));
        let mut command = admin.command("drawbridge", &words(&line));
        command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap()
    };
    let end = |children: Vec<std::process::Child>| {
        for child in children {
            let output = child.wait_with_output().unwrap();
            assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        }
    };
    let granted = || -> Vec<String> {
        let shown: Value = admin.json("drawbridge", &words("grant show --user alice --output json"));
        let items = shown["items"].as_array().unwrap().iter();
        let mut roles: Vec<_> = items.map(|item| item["role_arn"].as_str().unwrap().to_owned()).collect();
        roles.sort();
        roles
    };
    end((0..6).map(|n| start(n, "attach")).collect());
    assert_eq!(granted(), (0..6).map(role).collect::<Vec<_>>());
    // Some come while others go.
    end((0..3).map(|n| start(n, "detach")).chain((6..9).map(|n| start(n, "attach"))).collect());
    assert_eq!(granted(), (3..9).map(role).collect::<Vec<_>>());
    let versions = source.policies_under("/drawbridge/people/").await;
    assert!(versions.values().all(|versions| *versions <= 5), "{versions:?}");
}
