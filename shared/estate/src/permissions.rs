//! What a role may do, found out without changing anything.
//!
//! EC2 is asked with `DryRun`, which judges a request and carries nothing out; what destroys never
//! names a resource that exists, `DryRun` or not. `DynamoDB` knows no such thing: it is asked to
//! list, and otherwise to act on a table or backup that does not exist, where the refusal says
//! whether the role was allowed to ask. What can be found out in neither way is left unverifiable.
//!
//! Sources: EC2 API Reference, "Common request parameters" (`DryRun`) and "Error codes"; `DynamoDB`
//! API Reference, the errors of each action and "Common Errors"; EC2 Instance Connect API
//! Reference, `SendSSHPublicKey`.

mod answer;
mod dynamodb;
mod ec2;

use std::time::Duration;

use access::CustomerSession;
use domain::check::{CheckMethod, CheckOutcome, Finding, Inquiry, Permission};
use domain::{Action, Region, RoleArn};
use futures::stream::{self, StreamExt as _};
use tokio::time::{Instant, timeout_at};

use answer::Judged;
use dynamodb::DynamoDb;
use ec2::Ec2;

/// Questions to one service in one Region at a time. EC2 lets an account ask some tens of times a
/// second, and others ask there too. Source: EC2 Developer Guide, "Request throttling for the
/// Amazon EC2 API".
const AT_A_TIME: usize = 4;

/// How long the questions about one Region may take together. What is not answered by then is
/// inconclusive; a function has a minute for several Regions side by side.
const TIME: Duration = Duration::from_secs(30);

/// How an action's permission is found out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// By a question to AWS.
    Asked(CheckMethod),
    /// Not at all, and why.
    Impossible(&'static str),
}

/// How the permission for `action` is found out; `None` for an action that nobody thought about.
#[must_use]
pub fn way(action: Action) -> Option<Way> {
    Some(match (action.service(), action.name()) {
        ("dynamodb", "ListTables" | "ListBackups") => Way::Asked(CheckMethod::Call),
        ("dynamodb", "CreateTable") => {
            Way::Impossible("asking to create a table creates it, so there is no safe way to find out")
        }
        ("dynamodb", name) if dynamodb::knows(name) => Way::Asked(CheckMethod::AbsentResource),
        ("ec2", name) if ec2::knows(name) => Way::Asked(CheckMethod::DryRun),
        ("ec2-instance-connect", "SendSSHPublicKey") => Way::Asked(CheckMethod::AbsentResource),
        ("kms", "CreateGrant") => Way::Impossible(
            "only AWS services may ask for it on the customer's behalf, so there is no safe way to find out",
        ),
        _ => return None,
    })
}

/// Finds out what a role may do in one account.
#[derive(Debug, Clone)]
pub struct Permissions {
    /// The role.
    pub role: RoleArn,
    /// A session that may try EC2, if EC2 is to be asked.
    pub ec2: Option<CustomerSession>,
    /// A session that may try `DynamoDB`, if that is to be asked.
    pub dynamodb: Option<CustomerSession>,
    /// What the names of absent tables end with: nobody has such tables.
    pub random: [u8; 8],
}

impl Permissions {
    /// Whether EC2 has to be asked about any of these.
    pub fn ask_ec2<'a>(permissions: impl IntoIterator<Item = &'a Permission>) -> bool {
        permissions
            .into_iter()
            .any(|permission| permission.action.service().starts_with("ec2") && is_asked(permission.action))
    }

    /// Whether `DynamoDB` has to be asked about any of these.
    pub fn ask_dynamodb<'a>(permissions: impl IntoIterator<Item = &'a Permission>) -> bool {
        permissions
            .into_iter()
            .any(|permission| permission.action.service() == "dynamodb" && is_asked(permission.action))
    }

    /// Asks AWS about everything that `inquiry` names. What there is no session for is
    /// inconclusive.
    pub async fn find_out(&self, inquiry: &Inquiry) -> Vec<Finding> {
        let (mut ec2, mut dynamodb, mut findings) = (Vec::new(), Vec::new(), Vec::new());
        for permission in &inquiry.permissions {
            match (way(permission.action), permission.action.service()) {
                (Some(Way::Asked(_)), "dynamodb") => dynamodb.push(*permission),
                (Some(Way::Asked(_)), _) => ec2.push(*permission),
                (Some(Way::Impossible(why)), _) => findings.push(not_asked(*permission, why)),
                (None, _) => findings.push(not_asked(*permission, "there is no known way to find out")),
            }
        }
        let (of_ec2, of_dynamodb) = futures::join!(
            Box::pin(self.of_ec2(&inquiry.region, ec2)),
            Box::pin(self.of_dynamodb(&inquiry.region, dynamodb)),
        );
        findings.extend(of_ec2);
        findings.extend(of_dynamodb);
        findings
    }

    async fn of_ec2(&self, region: &Region, permissions: Vec<Permission>) -> Vec<Finding> {
        let Some(session) = &self.ec2 else { return unanswered(permissions) };
        let ec2 = Ec2::new(session, region);
        ask_all(permissions, async |permission| ec2.ask(permission).await).await
    }

    async fn of_dynamodb(&self, region: &Region, permissions: Vec<Permission>) -> Vec<Finding> {
        let Some(session) = &self.dynamodb else { return unanswered(permissions) };
        let dynamodb = DynamoDb::new(session, region, &self.role, self.random);
        ask_all(permissions, async |permission| dynamodb.ask(permission).await).await
    }
}

/// Asks about everything, in the time that there is. One question goes ahead: a Region that lets
/// nobody in, or does not answer, is not asked for each of them.
async fn ask_all(permissions: Vec<Permission>, ask: impl AsyncFn(Permission) -> Judged) -> Vec<Finding> {
    let until = Instant::now() + TIME;
    let in_time = async |permission: Permission| {
        // A question that begins when the time is over would still be sent.
        if Instant::now() >= until {
            return no_answer(permission);
        }
        timeout_at(until, ask(permission)).await.unwrap_or_else(|_| no_answer(permission))
    };
    let Some((first, rest)) = split_first(permissions) else { return Vec::new() };
    let opening = in_time(first).await;
    if opening.is_closed() {
        let all = std::iter::once(first).chain(rest);
        return all
            .map(|other| finding(other, Judged { method: method_of(other), ..opening.clone() }))
            .collect();
    }
    let in_time = &in_time;
    let others = stream::iter(rest)
        .map(|permission| async move { finding(permission, in_time(permission).await) })
        .buffer_unordered(AT_A_TIME)
        .collect::<Vec<_>>()
        .await;
    std::iter::once(finding(first, opening)).chain(others).collect()
}

fn is_asked(action: Action) -> bool {
    matches!(way(action), Some(Way::Asked(_)))
}

/// The question that goes ahead, which reads if any does, and the others.
fn split_first(mut permissions: Vec<Permission>) -> Option<(Permission, Vec<Permission>)> {
    permissions.sort_by_key(|permission| (!permission.action.reads(), *permission));
    let rest = permissions.split_off(1.min(permissions.len()));
    Some((permissions.pop()?, rest))
}

fn finding(permission: Permission, judged: Judged) -> Finding {
    if judged.outcome == CheckOutcome::Inconclusive {
        tracing::info!(action = %permission.action, "AWS did not say whether the role may");
    }
    Finding {
        permission,
        outcome: judged.outcome,
        method: judged.method,
        refused_by_region: judged.refused_by_region,
        refused_by: judged.refused_by,
        lacking: judged.refused_action.filter(|action| *action != permission.action),
        detail: judged.detail,
    }
}

fn not_asked(permission: Permission, why: &str) -> Finding {
    Finding {
        permission,
        outcome: CheckOutcome::Unverifiable,
        method: CheckMethod::None,
        refused_by_region: false,
        refused_by: None,
        lacking: None,
        detail: Some(why.to_owned()),
    }
}

fn unanswered(permissions: Vec<Permission>) -> Vec<Finding> {
    permissions.into_iter().map(|permission| finding(permission, no_answer(permission))).collect()
}

fn no_answer(permission: Permission) -> Judged {
    Judged::no_answer(method_of(permission))
}

fn method_of(permission: Permission) -> CheckMethod {
    match way(permission.action) {
        Some(Way::Asked(method)) => method,
        _ => CheckMethod::None,
    }
}

#[cfg(test)]
mod tests;
