//! Capabilities: named bundles of IAM actions, in one table.
//!
//! Policy documents, checks, session policies and operations all read this table; nothing else
//! lists actions.

mod action;
mod table;

use std::collections::BTreeSet;
use std::fmt;

use crate::error::{Error, ErrorKind, FieldError};
pub use action::Action;
pub(crate) use table::{CLASSIC_DYNAMODB, CLASSIC_EC2};
use table::{Row, TABLE};

/// An AWS service that a capability belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Service {
    /// Amazon EC2, with EC2 Instance Connect and the KMS grants that EC2 needs.
    Ec2,
    /// Amazon `DynamoDB`.
    DynamoDb,
}

/// One bundle of IAM actions that a customer can allow.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Capability {
    /// See instances, volumes, networks and images.
    Ec2Observe,
    /// Start, stop and reboot instances.
    Ec2Power,
    /// Launch and tag instances.
    Ec2Launch,
    /// Terminate instances.
    Ec2Terminate,
    /// Push a one-time SSH key to an instance.
    Ec2Connect,
    /// Make and delete snapshots and images.
    Ec2Backup,
    /// Let EC2 use customer-managed keys, to start instances with encrypted volumes.
    Ec2Kms,
    /// See tables and backups.
    DynamodbObserve,
    /// Make and delete backups of tables.
    DynamodbBackup,
    /// Restore a backup to a new table.
    DynamodbRestore,
    /// Restore to tables named `drawbridge-drill-…`, and delete those.
    DynamodbDrill,
    /// Read and write items.
    DynamodbData,
    /// Create, change and delete tables.
    DynamodbTables,
    /// The actions of the manual procedure that Drawbridge replaces; stands alone.
    Classic,
}

impl Capability {
    /// Every capability, in the order of the contract.
    pub const ALL: [Self; 14] = [
        Self::Ec2Observe,
        Self::Ec2Power,
        Self::Ec2Launch,
        Self::Ec2Terminate,
        Self::Ec2Connect,
        Self::Ec2Backup,
        Self::Ec2Kms,
        Self::DynamodbObserve,
        Self::DynamodbBackup,
        Self::DynamodbRestore,
        Self::DynamodbDrill,
        Self::DynamodbData,
        Self::DynamodbTables,
        Self::Classic,
    ];

    const fn row(self) -> &'static Row {
        &TABLE[self as usize]
    }

    /// As the API writes it, such as `ec2-power`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        self.row().name
    }

    /// As an IAM `Sid` and a parameter of the CloudFormation template write it, such as `Ec2Power`.
    #[must_use]
    pub const fn title(self) -> &'static str {
        self.row().title
    }

    /// What it lets the provider do, in a customer's words.
    #[must_use]
    pub const fn meaning(self) -> &'static str {
        self.row().meaning
    }

    /// The services it is about.
    #[must_use]
    pub const fn services(self) -> &'static [Service] {
        self.row().services
    }

    /// The IAM actions it stands for.
    pub fn actions(self) -> impl Iterator<Item = Action> {
        self.row().actions.iter().flat_map(|part| part.iter().copied()).map(Action)
    }

    /// The observe capability of its service, which it implies; `classic` implies none.
    #[must_use]
    pub const fn implies(self) -> Option<Self> {
        match (self, self.services()) {
            (Self::Classic, _) => None,
            (_, [Service::Ec2, ..]) => Some(Self::Ec2Observe),
            _ => Some(Self::DynamodbObserve),
        }
    }

    fn find(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|capability| capability.as_str() == name)
    }
}

impl fmt::Display for Capability {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl std::str::FromStr for Capability {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self, Error> {
        Self::find(name).ok_or_else(|| {
            let known = Self::ALL.map(Self::as_str).join(", ");
            Error::invalid(FieldError::new(
                "",
                "unknown_capability",
                format!("not a capability; there are {known}"),
            ))
        })
    }
}

crate::text::serde_as_text!(Capability);

/// What a connection asks for: at least one capability, and `classic` only alone.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(try_from = "BTreeSet<Capability>", into = "BTreeSet<Capability>")]
pub struct CapabilitySet(BTreeSet<Capability>);

impl CapabilitySet {
    /// A set of capabilities; the same one twice is once.
    ///
    /// # Errors
    /// 400 `capabilities_empty`, 422 `classic_stands_alone`.
    pub fn new(capabilities: impl IntoIterator<Item = Capability>) -> Result<Self, Error> {
        let set: BTreeSet<_> = capabilities.into_iter().collect();
        if set.is_empty() {
            return Err(Error::new(
                ErrorKind::Malformed,
                "capabilities_empty",
                "a connection needs at least one capability",
            ));
        }
        if set.contains(&Capability::Classic) && set.len() > 1 {
            return Err(Error::refused(
                "classic_stands_alone",
                "classic cannot be combined with other capabilities; name it alone or not at all",
            ));
        }
        Ok(Self(set))
    }

    /// What was asked for.
    pub fn requested(&self) -> impl Iterator<Item = Capability> {
        self.0.iter().copied()
    }

    /// What was asked for, and the observe capabilities that it implies.
    #[must_use]
    pub fn effective(&self) -> BTreeSet<Capability> {
        self.requested().chain(self.requested().filter_map(Capability::implies)).collect()
    }

    /// Whether operations may take this action. A drill's actions are for drills, on tables of their own.
    #[must_use]
    pub fn holds(&self, action: Action) -> bool {
        let held = self.effective().into_iter().filter(|capability| *capability != Capability::DynamodbDrill);
        held.flat_map(Capability::actions).any(|held| held == action)
    }

    /// Whether drills may take this action, on tables of their own.
    #[must_use]
    pub fn holds_for_drills(&self, action: Action) -> bool {
        self.effective().into_iter().flat_map(Capability::actions).any(|held| held == action)
    }
}

impl TryFrom<BTreeSet<Capability>> for CapabilitySet {
    type Error = Error;

    fn try_from(set: BTreeSet<Capability>) -> Result<Self, Error> {
        Self::new(set)
    }
}

impl From<CapabilitySet> for BTreeSet<Capability> {
    fn from(set: CapabilitySet) -> Self {
        set.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_titles_are_distinct_and_agree() {
        let mut names = BTreeSet::new();
        for (place, capability) in Capability::ALL.into_iter().enumerate() {
            assert_eq!(place, capability as usize);
            assert!(names.insert(capability.as_str()));
            assert_eq!(capability.as_str().parse::<Capability>().unwrap(), capability);
            let title = capability.title().to_lowercase();
            assert_eq!(title, capability.as_str().replace('-', ""));
        }
        assert_eq!("ec2-everything".parse::<Capability>().unwrap_err().code, "unknown_capability");
    }

    #[test]
    fn no_capability_lists_an_action_twice_or_with_a_wildcard() {
        for capability in Capability::ALL {
            let actions: Vec<_> = capability.actions().collect();
            assert_eq!(actions.len(), actions.iter().collect::<BTreeSet<_>>().len(), "{capability}");
            assert!(
                actions.iter().all(|a| !a.as_str().contains('*') && a.as_str().matches(':').count() == 1)
            );
        }
    }

    #[test]
    fn a_drill_is_a_restore_and_the_deletion_of_its_table() {
        let drill: BTreeSet<_> = Capability::DynamodbDrill.actions().collect();
        let mut restore: BTreeSet<_> = Capability::DynamodbRestore.actions().collect();
        restore.insert("dynamodb:DeleteTable".parse().unwrap());
        assert_eq!(drill, restore);
    }

    #[test]
    fn observe_is_implied_by_its_service() {
        let set = CapabilitySet::new([Capability::Ec2Kms, Capability::DynamodbDrill]).unwrap();
        let effective: Vec<_> = set.effective().into_iter().map(Capability::as_str).collect();
        assert_eq!(effective, ["ec2-observe", "ec2-kms", "dynamodb-observe", "dynamodb-drill"]);
        let classic = CapabilitySet::new([Capability::Classic]).unwrap();
        assert_eq!(classic.effective(), BTreeSet::from([Capability::Classic]));
    }

    #[test]
    fn classic_stands_alone_and_nothing_is_not_enough() {
        let both = CapabilitySet::new([Capability::Classic, Capability::Ec2Power]).unwrap_err();
        assert_eq!((both.kind, both.code), (ErrorKind::Refused, "classic_stands_alone"));
        assert_eq!(CapabilitySet::new([]).unwrap_err().code, "capabilities_empty");
        assert!(CapabilitySet::new([Capability::Classic, Capability::Classic]).is_ok());
    }
}
