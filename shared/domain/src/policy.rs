//! IAM policy documents, as types whose JSON is what AWS takes.
//!
//! Sources: IAM User Guide, "IAM JSON policy elements reference", "IAM and AWS STS quotas",
//! "Access to AWS accounts owned by third parties"; Service Authorization Reference.

mod trust;

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use crate::arn::RoleArn;
use crate::capability::{self, Action, Capability, CapabilitySet};
use crate::check::Permission;
use crate::place::{AccountId, Partition, Region};
pub use trust::{TrustedPrincipal, trust_policy};

/// A policy document.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct PolicyDocument {
    version: &'static str,
    statement: Vec<Statement>,
}

impl PolicyDocument {
    /// A document of these statements, in the current policy language.
    #[must_use]
    pub fn new(statement: Vec<Statement>) -> Self {
        Self { version: "2012-10-17", statement }
    }

    /// Its statements.
    #[must_use]
    pub fn statements(&self) -> &[Statement] {
        &self.statement
    }

    /// The same for those alone who have signed in with MFA. Source: IAM User Guide, "Secure API access
    /// with MFA".
    #[must_use]
    pub fn for_mfa_alone(self) -> Self {
        let with_mfa =
            |statement: Statement| statement.on_condition("Bool", "aws:MultiFactorAuthPresent", "true");
        Self { statement: self.statement.into_iter().map(with_mfa).collect(), ..self }
    }

    /// The document as compact JSON: what AWS counts the characters of.
    #[must_use]
    pub fn to_json(&self) -> String {
        // Strings and maps with string keys: nothing in it can fail to serialize.
        serde_json::to_string(self).unwrap_or_default()
    }

    /// The document as indented JSON, for people.
    #[must_use]
    pub fn to_pretty_json(&self) -> String {
        serde_json::to_string_pretty(self).unwrap_or_default()
    }
}

/// One statement.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Statement {
    #[serde(skip_serializing_if = "Option::is_none")]
    sid: Option<&'static str>,
    effect: Effect,
    #[serde(skip_serializing_if = "Option::is_none")]
    principal: Option<BTreeMap<&'static str, String>>,
    action: OneOrMany,
    #[serde(skip_serializing_if = "Option::is_none")]
    resource: Option<OneOrMany>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    condition: BTreeMap<&'static str, BTreeMap<&'static str, OneOrMany>>,
}

/// Whether a statement allows or denies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
enum Effect {
    Allow,
    Deny,
}

/// One string, or a list: IAM takes both, and a single one without brackets saves characters.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(untagged)]
enum OneOrMany {
    One(String),
    Many(Vec<String>),
}

impl<S: Into<String>> FromIterator<S> for OneOrMany {
    fn from_iter<I: IntoIterator<Item = S>>(values: I) -> Self {
        let mut values: Vec<String> = values.into_iter().map(Into::into).collect();
        if values.len() == 1 { Self::One(values.remove(0)) } else { Self::Many(values) }
    }
}

impl From<&str> for OneOrMany {
    fn from(value: &str) -> Self {
        Self::One(value.to_owned())
    }
}

impl IntoIterator for OneOrMany {
    type Item = String;
    type IntoIter = std::vec::IntoIter<String>;

    fn into_iter(self) -> Self::IntoIter {
        match self {
            Self::One(one) => vec![one],
            Self::Many(many) => many,
        }
        .into_iter()
    }
}

impl Statement {
    /// Allows `actions` on `resources`.
    pub fn allow<A: Into<String>, R: Into<String>>(
        actions: impl IntoIterator<Item = A>,
        resources: impl IntoIterator<Item = R>,
    ) -> Self {
        Self {
            sid: None,
            effect: Effect::Allow,
            principal: None,
            action: actions.into_iter().collect(),
            resource: Some(resources.into_iter().collect()),
            condition: BTreeMap::new(),
        }
    }

    fn named(mut self, sid: &'static str) -> Self {
        self.sid = Some(sid);
        self
    }

    /// The same, where `key` compares so with `value`. Source: IAM User Guide, "IAM JSON policy
    /// elements: Condition operators".
    #[must_use]
    pub fn on_condition(mut self, operator: &'static str, key: &'static str, value: &str) -> Self {
        self.condition.entry(operator).or_default().insert(key, value.into());
        self
    }
}

/// The path that all of the provider's roles and policies for customers live under.
pub const PATH: &str = "/drawbridge/";

/// The name of the broker with this number, from 1.
#[must_use]
pub fn broker_name(broker: u16) -> String {
    format!("broker-{broker}")
}

/// The ARN of the broker with this number, from 1.
#[must_use]
pub fn broker_arn(partition: Partition, provider: &AccountId, broker: u16) -> String {
    format!("arn:{partition}:iam::{provider}:role{PATH}{}", broker_name(broker))
}

/// What a customer's role allows for these capabilities and the ones they imply.
///
/// `account` is the customer's, where it is known; it narrows what names a resource.
#[must_use]
pub fn permissions_policy(
    partition: Partition,
    account: Option<&AccountId>,
    capabilities: &CapabilitySet,
) -> PolicyDocument {
    let account = account.map_or("*", AccountId::as_str);
    let statements = capabilities.effective().into_iter().flat_map(|capability| match capability {
        Capability::Classic => vec![
            Statement::allow(capability::CLASSIC_EC2.iter().copied(), ["*"]).named("ClassicEc2"),
            Statement::allow(capability::CLASSIC_DYNAMODB.iter().copied(), ["*"]).named("ClassicDynamodb"),
        ],
        Capability::Ec2Kms => {
            vec![Statement::allow(capability.actions(), ["*"]).named(capability.title()).on_condition(
                "Bool",
                "kms:GrantIsForAWSResource",
                "true",
            )]
        }
        Capability::DynamodbDrill => {
            let tables = table_arn(partition, account, "drawbridge-drill-*");
            let backups = table_arn(partition, account, "*/backup/*");
            vec![
                Statement::allow(capability.actions(), [tables]).named(capability.title()),
                Statement::allow(["dynamodb:RestoreTableFromBackup"], [backups])
                    .named("DynamodbDrillBackups"),
            ]
        }
        _ => vec![Statement::allow(capability.actions(), ["*"]).named(capability.title())],
    });
    PolicyDocument::new(statements.collect())
}

/// What a session of `role` may do that is handed out for these capabilities, in these Regions: what
/// the permissions document says of them, where AWS is asked in one of the Regions.
///
/// Statements about everything are one, and none has a name: a session policy has 2,048 characters.
/// Source: STS API Reference, `AssumeRole`, `Policy`; IAM User Guide, "AWS global condition context
/// keys", `aws:RequestedRegion`.
#[must_use]
pub fn session_policy(
    role: &RoleArn,
    capabilities: &CapabilitySet,
    regions: &BTreeSet<Region>,
) -> PolicyDocument {
    let document = permissions_policy(role.partition(), Some(role.account()), capabilities);
    let everywhere = OneOrMany::from("*");
    let mut broad: BTreeSet<String> = BTreeSet::new();
    let mut narrow = Vec::new();
    for statement in document.statement {
        if statement.condition.is_empty() && statement.resource.as_ref() == Some(&everywhere) {
            broad.extend(statement.action);
        } else {
            narrow.push(Statement { sid: None, ..statement });
        }
    }
    let broad = (!broad.is_empty()).then(|| Statement::allow(broad, ["*"]));
    let statements = broad.into_iter().chain(narrow).map(|mut statement| {
        let regions = regions.iter().map(Region::as_str).collect();
        statement.condition.entry("StringEquals").or_default().insert("aws:RequestedRegion", regions);
        statement
    });
    PolicyDocument::new(statements.collect())
}

/// The smallest statement that gives `role` these actions: on every resource, or on what a drill
/// works with.
#[must_use]
pub fn patch(role: &RoleArn, actions: &BTreeSet<Action>, drill: bool) -> Statement {
    if !drill {
        return Statement::allow(actions.iter().copied(), ["*"]);
    }
    let (partition, account) = (role.partition(), role.account().as_str());
    let mut resources = vec![table_arn(partition, account, "drawbridge-drill-*")];
    if actions.iter().any(|action| action.name() == "RestoreTableFromBackup") {
        resources.push(table_arn(partition, account, "*/backup/*"));
    }
    Statement::allow(actions.iter().copied(), resources)
}

/// These tables of an account, in every Region.
fn table_arn(partition: Partition, account: &str, name: &str) -> String {
    format!("arn:{partition}:dynamodb:*:{account}:table/{name}")
}

/// The instance that permissions are tried on where no real one may be named. EC2's ids are random,
/// and none is all zeros.
pub const ABSENT_INSTANCE: &str = "i-00000000000000000";
/// Likewise, a snapshot.
pub const ABSENT_SNAPSHOT: &str = "snap-00000000000000000";
/// Likewise, an image.
pub const ABSENT_IMAGE: &str = "ami-00000000000000000";
/// What the names of absent tables begin with, on which permissions are tried.
pub const ABSENT_TABLE: &str = "drawbridge-probe-";
/// Likewise, for what is allowed on drill tables alone.
pub const ABSENT_DRILL_TABLE: &str = "drawbridge-drill-probe-";

/// What a session that tries these EC2 permissions may do. What destroys may name absent resources
/// alone.
#[must_use]
pub fn trying_ec2(role: &RoleArn, permissions: &BTreeSet<Permission>) -> PolicyDocument {
    let (partition, account) = (role.partition(), role.account());
    let mut anywhere: BTreeSet<Action> = BTreeSet::new();
    let mut absent: BTreeMap<String, BTreeSet<Action>> = BTreeMap::new();
    let actions = permissions.iter().map(|permission| permission.action);
    for action in actions.filter(|action| matches!(action.service(), "ec2" | "ec2-instance-connect")) {
        let resource = match action.name() {
            "TerminateInstances" | "SendSSHPublicKey" => {
                format!("arn:{partition}:ec2:*:{account}:instance/{ABSENT_INSTANCE}")
            }
            // Snapshots and public images belong to no account in their ARNs.
            "DeleteSnapshot" => format!("arn:{partition}:ec2:*::snapshot/{ABSENT_SNAPSHOT}"),
            "DeregisterImage" => format!("arn:{partition}:ec2:*::image/{ABSENT_IMAGE}"),
            _ => {
                anywhere.insert(action);
                continue;
            }
        };
        absent.entry(resource).or_default().insert(action);
    }
    let absent = absent.into_iter().map(|(resource, actions)| Statement::allow(actions, [resource]));
    let anywhere = (!anywhere.is_empty()).then(|| Statement::allow(anywhere, ["*"]));
    PolicyDocument::new(anywhere.into_iter().chain(absent).collect())
}

/// What restoring a table takes besides the action itself. Source: `DynamoDB` Developer Guide, "Using
/// IAM with `DynamoDB` backup and restore".
pub const RESTORE_TAKES: [&str; 7] =
    ["BatchWriteItem", "DeleteItem", "GetItem", "PutItem", "Query", "Scan", "UpdateItem"];

/// What a session that tries these `DynamoDB` permissions may do: list, and name absent tables and
/// their absent backups.
#[must_use]
pub fn trying_dynamodb(role: &RoleArn, permissions: &BTreeSet<Permission>) -> PolicyDocument {
    let (partition, account) = (role.partition(), role.account().as_str());
    // Source: Service Authorization Reference, Amazon DynamoDB: these two name no resource.
    let lists = |action: &Action| matches!(action.name(), "ListTables" | "ListBackups");
    let actions = permissions.iter().map(|permission| permission.action);
    let (listing, mut naming): (BTreeSet<Action>, BTreeSet<Action>) =
        actions.filter(|action| action.service() == "dynamodb").partition(lists);
    // Whoever asks to restore is asked for these as well.
    if naming.iter().any(|action| action.name() == "RestoreTableFromBackup") {
        naming.extend(
            Capability::DynamodbRestore.actions().filter(|action| RESTORE_TAKES.contains(&action.name())),
        );
    }
    let names =
        [ABSENT_TABLE, ABSENT_DRILL_TABLE].map(|name| table_arn(partition, account, &format!("{name}*")));
    let mut statements = Vec::new();
    if !listing.is_empty() {
        statements.push(Statement::allow(listing, ["*"]));
    }
    if !naming.is_empty() {
        statements.push(Statement::allow(naming, names));
    }
    PolicyDocument::new(statements)
}

/// What a broker may do: assume exactly these roles. `None` for none, since a statement needs a
/// resource.
///
/// It never mentions `sts:ExternalId`: when the absent and the random external ID are refused,
/// the refusal must come from the customer's trust policy.
#[must_use]
pub fn grant_policy(roles: &BTreeSet<RoleArn>) -> Option<PolicyDocument> {
    (!roles.is_empty()).then(|| {
        let resources = roles.iter().map(ToString::to_string);
        PolicyDocument::new(vec![Statement::allow(["sts:AssumeRole"], resources)])
    })
}

/// A session policy that allows nothing: for sessions that are opened only to see whether they
/// can be. `GetCallerIdentity` needs no permission.
///
/// Source: STS API Reference, `GetCallerIdentity`.
#[must_use]
pub fn nothing() -> PolicyDocument {
    PolicyDocument::new(vec![Statement { effect: Effect::Deny, ..Statement::allow(["*"], ["*"]) }])
}

#[cfg(test)]
mod tests;
