//! The IAM actions that the table knows, and no others.

use std::fmt;
use std::str::FromStr;

use super::Capability;
use crate::error::{Error, FieldError};

/// One IAM action of the table, such as `ec2:StartInstances`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Action(pub(super) &'static str);

impl Action {
    /// As IAM writes it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        self.0
    }

    /// The service's prefix in IAM, such as `ec2`.
    #[must_use]
    pub fn service(self) -> &'static str {
        self.0.split_once(':').map_or(self.0, |(service, _)| service)
    }

    /// The API's name of it, such as `StartInstances`.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.0.split_once(':').map_or(self.0, |(_, name)| name)
    }

    /// Whether it only reads. Source: Service Authorization Reference, access levels "List" and
    /// "Read" of Amazon EC2 and Amazon `DynamoDB`.
    #[must_use]
    pub fn reads(self) -> bool {
        let name = self.name();
        ["Describe", "List", "Get", "BatchGet"].iter().any(|verb| name.starts_with(verb))
            || matches!(name, "Query" | "Scan")
    }

    /// Whether what it does cannot be undone, so that it is carried out by an applied plan alone.
    /// `BatchWriteItem` is where it deletes, which its input tells.
    #[must_use]
    pub fn destroys(self) -> bool {
        matches!(
            self.0,
            "ec2:TerminateInstances"
                | "ec2:DeregisterImage"
                | "ec2:DeleteSnapshot"
                | "dynamodb:DeleteTable"
                | "dynamodb:DeleteBackup"
                | "dynamodb:DeleteItem"
        )
    }

    /// Whether it is about what is in tables, so that AWS's words about it may quote that.
    #[must_use]
    pub fn touches_items(self) -> bool {
        self.service() == "dynamodb"
            && (self.name().ends_with("Item") || matches!(self.name(), "Query" | "Scan"))
    }

    /// Every action of the table, once.
    pub fn all() -> impl Iterator<Item = Self> {
        let all: std::collections::BTreeSet<_> =
            Capability::ALL.into_iter().flat_map(Capability::actions).collect();
        all.into_iter()
    }
}

impl fmt::Debug for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl From<Action> for String {
    fn from(action: Action) -> Self {
        action.0.to_owned()
    }
}

impl FromStr for Action {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self, Error> {
        let mut all = Capability::ALL.into_iter().flat_map(Capability::actions);
        all.find(|action| action.0 == name).ok_or_else(|| {
            Error::invalid(FieldError::new(
                "",
                "unknown_action",
                "not an action of any capability; it is written as IAM writes it, such as ec2:StartInstances",
            ))
        })
    }
}

crate::text::serde_as_text!(Action);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_action_is_known_by_its_name_alone() {
        let start: Action = "ec2:StartInstances".parse().unwrap();
        assert_eq!((start.service(), start.name(), start.reads()), ("ec2", "StartInstances", false));
        for unknown in ["ec2:startinstances", "ec2:*", "StartInstances", "iam:PassRole", ""] {
            assert_eq!(unknown.parse::<Action>().unwrap_err().code, "unknown_action", "{unknown}");
        }
    }

    /// What only reads is what no alarm of the customer's should ring at every day.
    #[test]
    fn reading_is_told_from_writing() {
        let reads: Vec<_> = Action::all().filter(|action| action.reads()).map(Action::name).collect();
        assert_eq!(
            reads,
            [
                "BatchGetItem",
                "DescribeBackup",
                "DescribeContinuousBackups",
                "DescribeTable",
                "DescribeTimeToLive",
                "GetItem",
                "ListBackups",
                "ListTables",
                "ListTagsOfResource",
                "Query",
                "Scan",
                "DescribeImages",
                "DescribeInstanceStatus",
                "DescribeInstanceTypes",
                "DescribeInstances",
                "DescribeRouteTables",
                "DescribeSecurityGroups",
                "DescribeSnapshots",
                "DescribeSubnets",
                "DescribeTags",
                "DescribeVolumeStatus",
                "DescribeVolumes",
                "DescribeVpcs",
            ]
        );
    }
}
