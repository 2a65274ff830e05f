//! That finding out what a role may do changes nothing, held against another AWS than the stack's.
//!
//! moto's EC2 carries out what it is asked to, unless `DryRun` is set. It enforces neither policies
//! nor trust, so that nothing here is about who may do what: every question that it can answer, it
//! allows.
#![expect(clippy::unwrap_used, reason = "a test that does not find what it needs is to fail there")]

mod account;
mod backing_up;
mod operating;

use std::collections::{BTreeMap, BTreeSet};

use domain::Capability;
use domain::check::{CheckMethod, CheckOutcome, Inquiry, Permission};
use estate::{Permissions, Way, way};

use crate::account::{Account, REGION};

/// What moto answers otherwise than AWS does, and what therefore follows.
const WRONG_ON_MOTO: &[(&str, CheckOutcome)] = &[
    // It has no such action, and answers with a bare status 500: on AWS, DryRunOperation.
    ("ec2:DescribeVolumeStatus", CheckOutcome::Inconclusive),
];

/// Everything that any capability needs of EC2 and what belongs to it.
fn everything() -> BTreeSet<Permission> {
    let of =
        |capability: Capability| capability.actions().map(move |action| Permission::of(capability, action));
    let all = Capability::ALL.into_iter().flat_map(of);
    all.filter(|permission| permission.action.service() != "dynamodb").collect()
}

#[tokio::test]
async fn finding_out_what_a_role_may_do_changes_nothing() {
    let account = Account::new().await;
    let instance = account.launch_instance_in_new_subnet().await;
    account.back_up(&instance).await;
    let before = account.state().await;
    for kind in ["instances", "volumes", "snapshots", "images", "tags", "subnets"] {
        assert!(before[kind].contains("id: Some("), "there is something to harm: {kind}");
    }

    let permissions = Permissions {
        role: account.role(),
        ec2: Some(account.session(&domain::policy::trying_ec2(&account.role(), &everything())).await),
        dynamodb: None,
        random: [1; 8],
    };
    let inquiry = Inquiry { region: REGION.parse().unwrap(), permissions: everything(), again: false };
    let findings = permissions.find_out(&inquiry).await;

    let after = account.state().await;
    for (kind, was) in &before {
        assert_eq!(after[kind], *was, "{kind} changed");
    }
    let wrong: BTreeMap<_, _> = WRONG_ON_MOTO.iter().copied().collect();
    for finding in &findings {
        let action = finding.permission.action;
        let (outcome, method) = match way(action).unwrap() {
            Way::Asked(method) => (CheckOutcome::Allowed, method),
            Way::Impossible(_) => (CheckOutcome::Unverifiable, CheckMethod::None),
        };
        let outcome = wrong.get(action.as_str()).copied().unwrap_or(outcome);
        assert_eq!((finding.outcome, finding.method), (outcome, method), "{finding:?}");
    }
    // It was tried on what is there, and not for lack of anything.
    let detail = |action: &str| {
        let finding = findings.iter().find(|finding| finding.permission.action.as_str() == action);
        finding.unwrap().detail.clone().unwrap_or_default()
    };
    for action in ["ec2:StopInstances", "ec2:CreateTags", "ec2:CreateSnapshots", "ec2:CreateImage"] {
        assert!(detail(action).contains(&instance), "{action}: {}", detail(action));
    }
    assert!(detail("ec2:RunInstances").contains(" in subnet-"), "{}", detail("ec2:RunInstances"));
    let told: BTreeSet<_> = findings.iter().map(|finding| finding.permission).collect();
    assert_eq!((told, findings.len()), (everything(), everything().len()));
}

/// Or else the test above could not fail: what is done without `DryRun`, with the same session and
/// to the same things, shows.
#[tokio::test]
async fn what_is_really_done_is_seen() {
    let account = Account::new().await;
    let instance = account.launch_instance_in_new_subnet().await;
    let mut before = account.state().await;
    let ec2 = account.ec2().await;
    let mut seen = async |what: &str, kinds: &[&str]| {
        let after = account.state().await;
        let changed: Vec<_> =
            after.iter().filter(|(kind, now)| before[*kind] != **now).map(|(kind, _)| *kind).collect();
        for kind in kinds {
            assert!(changed.contains(kind), "{what}: only {changed:?} changed");
        }
        before = after;
    };
    let tag = aws_sdk_ec2::types::Tag::builder().key("drawbridge:probe").value("really").build();
    ec2.create_tags().resources(&instance).tags(tag).send().await.unwrap();
    seen("CreateTags", &["instances", "tags"]).await;
    ec2.stop_instances().instance_ids(&instance).send().await.unwrap();
    seen("StopInstances", &["instances"]).await;
    account.back_up(&instance).await;
    seen("CreateImage", &["images", "snapshots"]).await;
    ec2.terminate_instances().instance_ids(&instance).send().await.unwrap();
    seen("TerminateInstances", &["instances"]).await;
}
