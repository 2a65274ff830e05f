//! The source account's side of roles that people use: which policy lets whom assume which roles.
//!
//! Each user, group or role of the source account has policies of its own under [`PATH`], which name
//! whole role ARNs and nothing else. When one is full, the next is begun; one that names nothing is
//! removed, since a statement needs a resource. Nothing here knows IAM: what follows from what is there
//! is a list of [`Step`]s.
//!
//! Source of all figures: IAM User Guide, "IAM and AWS STS quotas".

use std::collections::BTreeSet;
use std::fmt;

use serde_json::Value;
use sha2::{Digest as _, Sha256};

use crate::arn::RoleArn;
use crate::error::{Error, ErrorKind, FieldError};
use crate::grant::{Capacity, MAX_POLICY_CHARACTERS, characters};
use crate::place::{AccountId, Partition};

/// The path that these policies live under.
pub const PATH: &str = "/drawbridge/people/";
/// Managed policies that AWS attaches to a user, a group or a role, unless it raised the quota.
pub const MAX_ATTACHMENTS: usize = 10;
/// Longest name of a managed policy.
const MAX_POLICY_NAME: usize = 128;
/// Longest name of a user or a role.
const MAX_NAME: usize = 64;
/// Longest name of a group.
const MAX_GROUP_NAME: usize = 128;

/// What a person signs in as, or belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A user.
    User,
    /// A group of users.
    Group,
    /// A role, such as a machine's.
    Role,
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::User => "user",
            Self::Group => "group",
            Self::Role => "role",
        })
    }
}

/// Who is to assume roles: a user, group or role of the source account, by its name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Assumer {
    kind: Kind,
    name: String,
}

impl Assumer {
    /// The one of this name.
    ///
    /// # Errors
    /// `invalid_principal_name` when IAM has no such names.
    pub fn new(kind: Kind, name: &str) -> Result<Self, Error> {
        let longest = if kind == Kind::Group { MAX_GROUP_NAME } else { MAX_NAME };
        let sound = (1..=longest).contains(&name.len())
            && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+=,.@_-".contains(&byte));
        if sound {
            return Ok(Self { kind, name: name.to_owned() });
        }
        let detail =
            format!("a {kind}'s name, without its path, is 1 to {longest} letters, digits or any of +=,.@_-");
        Err(Error::invalid(FieldError::new("", "invalid_principal_name", detail)))
    }

    /// What it is.
    #[must_use]
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What the names of its policies begin with. A name that would not fit is cut, and told from
    /// others that begin like it by a hash.
    fn prefix(&self) -> String {
        self.named("assume")
    }

    /// The ARN of the policy that is there, attached to nobody, while somebody changes the others.
    #[must_use]
    pub fn lease_arn(&self, partition: Partition, account: &AccountId) -> String {
        format!("arn:{partition}:iam::{account}:policy{PATH}{}", self.lease_name())
    }

    /// Its name.
    #[must_use]
    pub fn lease_name(&self) -> String {
        format!("{}0", self.named("changing"))
    }

    fn named(&self, what: &str) -> String {
        let Self { kind, name } = self;
        let whole = format!("{what}-{kind}-{name}-");
        // Two digits follow.
        if whole.len() + 2 <= MAX_POLICY_NAME {
            return whole;
        }
        let hash = Sha256::digest(name.as_bytes());
        let hash = hash.iter().take(8).fold(0_u64, |hash, byte| hash << 8 | u64::from(*byte));
        format!("{what}-{kind}-{}.{hash:016x}-", &name[..80])
    }

    /// The name of its policy with this number, from 1.
    #[must_use]
    pub fn policy_name(&self, number: u8) -> String {
        format!("{}{number}", self.prefix())
    }

    /// The ARN of its policy with this number.
    #[must_use]
    pub fn policy_arn(&self, partition: Partition, account: &AccountId, number: u8) -> String {
        format!("arn:{partition}:iam::{account}:policy{PATH}{}", self.policy_name(number))
    }

    /// The number of its policy with this ARN; none for a policy that is not one of these.
    #[must_use]
    pub fn number_of(&self, arn: &str) -> Option<u8> {
        let (_, name) = arn.split_once(&format!(":policy{PATH}"))?;
        let number = name.strip_prefix(&self.prefix())?.parse().ok()?;
        // "…-01" and "…-+1" are not ours.
        (number > 0 && self.policy_name(number) == name).then_some(number)
    }
}

impl fmt::Display for Assumer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.kind, self.name)
    }
}

/// One of its policies, as IAM has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Held {
    /// Its number.
    pub number: u8,
    /// The roles that it names.
    pub roles: BTreeSet<RoleArn>,
    /// Whether it is attached. One that is not was left behind, and does nothing.
    pub attached: bool,
}

/// What is to be done in IAM.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// Make the policy with these roles. It is not attached by that.
    Create(u8, BTreeSet<RoleArn>),
    /// Have the policy name these roles instead.
    Rewrite(u8, BTreeSet<RoleArn>),
    /// Attach the policy.
    Attach(u8),
    /// Detach the policy and delete it.
    Remove(u8),
}

/// How much may be attached.
#[derive(Debug, Clone, Copy)]
pub struct Quota {
    /// Managed policies that may be attached: [`MAX_ATTACHMENTS`] unless AWS raised it.
    pub attachments: usize,
    /// How many are, whoever's they are.
    pub attached: usize,
}

/// How many characters of ARNs fit one policy.
fn room() -> usize {
    Capacity { brokers: 1, per_broker: 1, characters: MAX_POLICY_CHARACTERS }.room()
}

fn used(roles: &BTreeSet<RoleArn>) -> usize {
    roles.iter().map(characters).sum()
}

/// What lets it assume `role`; nothing where it may already.
///
/// # Errors
/// `attachments_exhausted` where that takes one more policy than AWS attaches.
pub fn attach(held: &[Held], role: &RoleArn, quota: Quota) -> Result<Vec<Step>, Error> {
    if held.iter().any(|policy| policy.attached && policy.roles.contains(role)) {
        return Ok(vec![]);
    }
    let has_room = |policy: &&Held| used(&policy.roles) + characters(role) <= room();
    let with = |policy: &Held| {
        let mut roles = policy.roles.clone();
        roles.insert(role.clone());
        Step::Rewrite(policy.number, roles)
    };
    if let Some(policy) = held.iter().find(|policy| policy.attached && has_room(policy)) {
        return Ok(vec![with(policy)]);
    }
    if quota.attached >= quota.attachments {
        return Err(Error::new(
            ErrorKind::Refused,
            "attachments_exhausted",
            format!(
                "{} managed policies are attached, and those that name roles are full; AWS attaches {} unless it raised \
                 the quota",
                quota.attached, quota.attachments
            ),
        ));
    }
    let left = || held.iter().filter(|policy| !policy.attached);
    if let Some(policy) = left().find(|policy| policy.roles.contains(role)) {
        return Ok(vec![Step::Attach(policy.number)]);
    }
    if let Some(policy) = left().find(has_room) {
        return Ok(vec![with(policy), Step::Attach(policy.number)]);
    }
    let free = (1..=99).find(|number| held.iter().all(|policy| policy.number != *number));
    // IAM attaches twenty at most, so that one of so many is free.
    let number = free.unwrap_or(99);
    Ok(vec![Step::Create(number, [role.clone()].into()), Step::Attach(number)])
}

/// What keeps it from assuming `role` by these policies; nothing where it may not.
#[must_use]
pub fn detach(held: &[Held], role: &RoleArn) -> Vec<Step> {
    let naming = held.iter().filter(|policy| policy.roles.contains(role));
    naming
        .map(|policy| {
            let mut roles = policy.roles.clone();
            roles.remove(role);
            if roles.is_empty() { Step::Remove(policy.number) } else { Step::Rewrite(policy.number, roles) }
        })
        .collect()
}

/// The roles that a document of these policies names; `None` where it is not one that this module's
/// rules make, so that nothing somebody else wrote is overwritten.
#[must_use]
pub fn roles_of(document: &Value) -> Option<BTreeSet<RoleArn>> {
    let statements = document.get("Statement")?;
    let statement = match statements {
        Value::Array(several) if several.len() == 1 => several.first()?,
        Value::Object(_) => statements,
        _ => return None,
    };
    let fields = statement.as_object()?;
    let is = |name: &str, value: &str| match fields.get(name) {
        Some(Value::String(one)) => one == value,
        Some(Value::Array(several)) => several.len() == 1 && several.iter().all(|one| one == value),
        _ => false,
    };
    if !is("Effect", "Allow") || !is("Action", "sts:AssumeRole") || fields.len() != 3 {
        return None;
    }
    match fields.get("Resource")? {
        Value::String(one) => Some([one.parse().ok()?].into()),
        Value::Array(several) => several.iter().map(|one| one.as_str()?.parse().ok()).collect(),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
