//! What the functions may do, held against what they did in a whole run of the tests.
//!
//! A policy that is too narrow shows when the call is made. One that is too wide never shows, so
//! these tests come last, after all others have exercised everything on the same stacks, and look
//! at every call that was made there.
#![expect(clippy::unwrap_used, reason = "a test that does not find what it needs is to fail there")]

mod pattern;
mod policy;
mod record;

use std::collections::BTreeSet;

use blackbox::{Api, Provider, Stack};

use crate::policy::{Policies, Right};
use crate::record::recorded;

/// Rights that no call of a function's own process uses, and who uses them.
const USED_BY_LAMBDA: &[(&str, &str)] = &[
    ("logs:CreateLogStream", "Lambda writes the function's log, with the function's role"),
    ("logs:PutLogEvents", "the same"),
    ("sqs:ReceiveMessage", "Lambda polls the queue of an event source mapping, with the function's role"),
    ("sqs:DeleteMessage", "the same"),
    ("sqs:GetQueueAttributes", "the same"),
];

/// Actions that AWS knows no narrower resource for than `*`. Source: Service Authorization
/// Reference, an action without an entry under "Resource types".
const WITHOUT_RESOURCE: &[&str] = &["scheduler:ListSchedules"];

#[tokio::test]
#[ignore = "needs the calls of all other tests; `make test` runs it after them"]
async fn functions_may_do_what_they_do_and_nothing_else() {
    let mut given = BTreeSet::new();
    let mut used = BTreeSet::new();
    let mut wrong = BTreeSet::new();
    for stack in Stack::all().values() {
        let policies = Policies::of(&Provider::of(stack).function_policies().await);
        given.extend(policies.rights());
        let broker = format!("arn:aws:iam::{}:role/drawbridge/broker-", stack.provider_account_id);
        let ours = format!("arn:aws:iam::{}:", stack.provider_account_id);
        for call in recorded(stack) {
            // What customers' roles allow is the customers', and brokers have a test of their own.
            if !call.principal.starts_with(&ours) || call.principal.starts_with(&broker) {
                continue;
            }
            for asked in &call.permissions {
                let allowing = policies.allowing(&call.principal, &asked.action, &asked.resource);
                if allowing.is_empty() {
                    wrong.insert(format!("{}: no statement allows {asked}", call.signature));
                }
                if !asked.allowed {
                    wrong.insert(format!("{}: {asked} was refused", call.signature));
                }
                used.extend(allowing);
            }
        }
    }
    for right in &given {
        let by_lambda = USED_BY_LAMBDA.iter().any(|(action, _)| *action == right.action);
        // EventBridge Scheduler sends with a role of its own, which no function has.
        let by_scheduler = right.role.contains("SchedulerRole");
        if !used.contains(right) && !by_lambda && !by_scheduler {
            wrong.insert(format!("{right}: used by no call"));
        }
        if right.resource == "*" && !WITHOUT_RESOURCE.contains(&right.action.as_str()) {
            wrong.insert(format!("{right}: on every resource"));
        }
    }
    assert!(!given.is_empty() && !used.is_empty(), "no rights or no calls were found");
    let wrong: Vec<_> = wrong.into_iter().collect();
    assert!(wrong.is_empty(), "policies and calls differ:\n{}", wrong.join("\n"));
}

#[tokio::test]
#[ignore = "needs the calls of all other tests; `make test` runs it after them"]
async fn brokers_assume_roles_of_other_accounts_and_do_nothing_else() {
    let mut assumed = 0;
    for stack in Stack::all().values() {
        let broker = format!("arn:aws:iam::{}:role/drawbridge/broker-", stack.provider_account_id);
        let ours = format!("arn:aws:iam::{}:", stack.provider_account_id);
        for call in recorded(stack).into_iter().filter(|call| call.principal.starts_with(&broker)) {
            for asked in &call.permissions {
                assert_eq!(asked.action, "sts:AssumeRole", "{}: {asked}", call.signature);
                assert!(asked.resource.contains(":role/"), "{asked}");
                assert!(!asked.resource.starts_with(&ours), "{asked}");
                assumed += 1;
            }
        }
    }
    assert!(assumed > 0, "no broker assumed a role");
}

#[tokio::test]
#[ignore = "needs the calls of all other tests; `make test` runs it after them"]
async fn the_record_of_calls_holds_no_external_id() {
    let api = Api::operator();
    let text = std::fs::read_to_string(record::file(Stack::get())).unwrap();
    let mut path = "/v1/connections?limit=100".to_owned();
    let mut looked_for = 0;
    loop {
        let page = api.get(&path).await.expect(200);
        for connection in page["items"].as_array().unwrap() {
            let id = connection["external_id"].as_str().unwrap();
            assert!(!text.contains(id), "the external ID of {} is recorded", connection["connection_id"]);
            looked_for += 1;
        }
        let Some(cursor) = page["next_cursor"].as_str() else { break };
        path = format!("/v1/connections?limit=100&cursor={cursor}");
    }
    assert!(looked_for > 0, "no connection was made");
}

impl std::fmt::Display for Right {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}: {} on {}", self.role, self.statement, self.action, self.resource)
    }
}
