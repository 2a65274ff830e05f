//! Error codes are those of AWS's documents, which each table names.

mod answers;
mod sent;
mod time;
mod wire;

use std::collections::BTreeSet;
use std::sync::Arc;

use access::{Brokers, Opened, Sessions};
use domain::check::{Finding, Permission, permissions};
use domain::grant::Shard;
use domain::sample::{created, deployment, submitted};
use domain::verification::Depth;
use domain::{Capability, CapabilitySet, Connection, policy};

use super::*;
use wire::{Call, Reply, Wire};

const ROLE: &str = "arn:aws:iam::222222222222:role/customer";
/// Where the questions are about. Home is `eu-central-1`.
const REGION: &str = "eu-west-3";
const INSTANCE: &str = "i-0123456789abcdef0";
const IMAGE: &str = "ami-0123456789abcdef0";
const SUBNET: &str = "subnet-0123456789abcdef0";

fn connection() -> Connection {
    Connection { shard: Shard::new(1), ..submitted(&created().connection, ROLE).connection }
}

/// Everything that any capability needs.
fn everything() -> BTreeSet<Permission> {
    let of =
        |capability: Capability| capability.actions().map(move |action| Permission::of(capability, action));
    Capability::ALL.into_iter().flat_map(of).collect()
}

fn permission(action: &str) -> Permission {
    Permission { action: action.parse().unwrap(), drill: false }
}

fn inquiry(permissions: impl IntoIterator<Item = Permission>) -> Inquiry {
    Inquiry { region: REGION.parse().unwrap(), permissions: permissions.into_iter().collect(), again: false }
}

/// A session of the customer's role, of which only its keys matter here.
fn session() -> Reply {
    let body = "<AssumeRoleResponse><AssumeRoleResult><Credentials><AccessKeyId>CUSTOMERKEY</AccessKeyId>\
         <SecretAccessKey>secret</SecretAccessKey><SessionToken>token</SessionToken>\
         <Expiration>2999-01-01T00:00:00Z</Expiration></Credentials></AssumeRoleResult></AssumeRoleResponse>";
    Reply::Http(200, body.to_owned())
}

/// A page of EC2's with these elements.
fn page(operation: &str, elements: &str) -> Reply {
    Reply::Http(200, format!("<{operation}Response>{elements}</{operation}Response>"))
}

/// What AWS answers in an account where the role may do everything, and there is something of
/// everything that could be named.
///
/// Sources: EC2 Developer Guide, "Error codes for the Amazon EC2 API"; `DynamoDB` API Reference, the
/// errors of each action; EC2 Instance Connect API Reference, `SendSSHPublicKey`.
fn open_account(call: &Call) -> Reply {
    match (call.service.as_str(), call.operation.as_str()) {
        ("ec2", _) if call.is_dry() => Reply::ec2(412, "DryRunOperation", "Request would have succeeded"),
        ("ec2", "DescribeInstances") => page(
            "DescribeInstances",
            &format!(
                "<reservationSet><item><instancesSet><item><instanceId>{INSTANCE}</instanceId></item>\
                 </instancesSet></item></reservationSet>"
            ),
        ),
        ("ec2", "DescribeImages") => page(
            "DescribeImages",
            &format!(
                "<imagesSet><item><imageId>ami-00000000000000001</imageId>\
                 <creationDate>2025-01-01T00:00:00.000Z</creationDate></item><item><imageId>{IMAGE}</imageId>\
                 <creationDate>2026-01-01T00:00:00.000Z</creationDate></item></imagesSet>"
            ),
        ),
        ("ec2", "DescribeSubnets") => page(
            "DescribeSubnets",
            &format!("<subnetSet><item><subnetId>{SUBNET}</subnetId></item></subnetSet>"),
        ),
        ("ec2-instance-connect", "SendSSHPublicKey") => {
            Reply::json(404, "EC2InstanceNotFoundException", "Instance not found")
        }
        ("dynamodb", "ListTables" | "ListBackups") => Reply::Http(200, "{}".to_owned()),
        ("dynamodb", "CreateBackup" | "DescribeContinuousBackups" | "UpdateContinuousBackups") => {
            Reply::json(400, "TableNotFoundException", "Table not found")
        }
        ("dynamodb", "DescribeBackup" | "DeleteBackup" | "RestoreTableFromBackup") => {
            Reply::json(400, "BackupNotFoundException", "Backup not found")
        }
        ("dynamodb", _) => Reply::json(400, "ResourceNotFoundException", "Requested resource not found"),
        _ => panic!("nobody may ask this: {call:?}"),
    }
}

/// A customer's account in which questions are asked.
struct Account {
    wire: Wire,
    permissions: Permissions,
}

impl Account {
    /// An account where AWS answers so, every time that it is tried.
    async fn tried(attempts: u32, answer: impl Fn(&Call) -> Reply + Send + Sync + 'static) -> Self {
        let wire = Wire::new(move |call| if call.service == "sts" { session() } else { answer(call) });
        let sessions = Sessions::new(Brokers::new(wire.config(attempts), deployment()));
        let opened = sessions.open(&connection(), "drawbridge-test", &policy::nothing()).await.unwrap();
        let Opened::Open(session) = opened else { panic!("there is a session: {opened:?}") };
        let permissions = Permissions {
            role: ROLE.parse().unwrap(),
            ec2: Some(session.clone()),
            dynamodb: Some(session),
            random: [0xab; 8],
        };
        Self { wire, permissions }
    }

    async fn new(answer: impl Fn(&Call) -> Reply + Send + Sync + 'static) -> Self {
        Self::tried(1, answer).await
    }

    async fn find_out(&self, permissions: impl IntoIterator<Item = Permission>) -> Vec<Finding> {
        self.permissions.find_out(&inquiry(permissions)).await
    }

    /// What follows for one action.
    async fn find(&self, action: &str) -> Finding {
        let mut findings = self.find_out([permission(action)]).await;
        assert_eq!(findings.len(), 1, "{findings:?}");
        findings.remove(0)
    }
}

/// The table of capabilities may grow, but not past what somebody has thought about.
#[test]
fn every_action_has_a_way_or_a_reason() {
    let mut impossible = Vec::new();
    for action in Action::all() {
        match way(action) {
            None => panic!("nobody has said how the permission for {action} is found out"),
            Some(Way::Asked(method)) => {
                assert_ne!(method, CheckMethod::None, "{action}");
                // Only what reads is carried out.
                assert!(method != CheckMethod::Call || action.reads(), "{action}");
            }
            Some(Way::Impossible(why)) => {
                assert!(why.contains("no safe way"), "{action}: {why}");
                impossible.push(action.as_str());
            }
        }
    }
    assert_eq!(impossible, ["dynamodb:CreateTable", "kms:CreateGrant"]);
}

#[tokio::test]
async fn what_cannot_be_found_out_safely_is_not_asked_and_says_why() {
    let account = Account::new(|call| panic!("nobody may ask this: {call:?}")).await;
    for action in ["dynamodb:CreateTable", "kms:CreateGrant"] {
        let finding = account.find(action).await;
        assert_eq!((finding.outcome, finding.method), (CheckOutcome::Unverifiable, CheckMethod::None));
        assert!(finding.detail.unwrap().contains("no safe way"), "{action}");
        assert!(!Permissions::ask_ec2(&[permission(action)]));
        assert!(!Permissions::ask_dynamodb(&[permission(action)]));
    }
}

#[tokio::test]
async fn an_open_account_allows_all_that_can_be_found_out() {
    let account = Account::new(open_account).await;
    let findings = account.find_out(everything()).await;
    let told: BTreeSet<_> = findings.iter().map(|finding| finding.permission).collect();
    assert_eq!((told, findings.len()), (everything(), everything().len()), "each once");
    for finding in findings {
        let expected = match finding.permission.action.as_str() {
            "dynamodb:CreateTable" | "kms:CreateGrant" | "ec2-instance-connect:SendSSHPublicKey" => {
                CheckOutcome::Unverifiable
            }
            _ => CheckOutcome::Allowed,
        };
        assert_eq!(finding.outcome, expected, "{finding:?}");
        let expected = match way(finding.permission.action) {
            Some(Way::Asked(method)) => method,
            _ => CheckMethod::None,
        };
        assert_eq!(finding.method, expected, "{finding:?}");
    }
}
