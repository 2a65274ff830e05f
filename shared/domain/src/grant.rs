//! Grants: which managed policy lets which broker assume which roles, counted in IAM's characters.

use std::fmt;

use crate::arn::RoleArn;
use crate::policy;

/// Longest managed policy, in characters without white space. Source: IAM User Guide, "IAM and
/// AWS STS quotas".
pub const MAX_POLICY_CHARACTERS: usize = 6144;
/// Managed policies attached to one role, unless AWS raised the quota. Source: the same.
pub const POLICIES_PER_BROKER: u16 = 10;
/// Versions that IAM keeps of a managed policy. Source: the same.
pub const MAX_POLICY_VERSIONS: usize = 5;

/// What stands in a grant besides its ARNs.
const FRAME: usize =
    r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"sts:AssumeRole","Resource":[]}]}"#
        .len();

/// How many characters one ARN takes in a grant: itself, its quotes and a comma.
#[must_use]
pub fn characters(role: &RoleArn) -> usize {
    role.to_string().len() + 3
}

/// How many characters of ARNs, as [`characters`] counts them, fit one grant. It is one more than
/// the frame leaves, for the last ARN has no comma.
pub const CAPACITY: usize = MAX_POLICY_CHARACTERS - FRAME + 1;

/// One managed policy of grants, by its number from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
pub struct Shard(u16);

impl Shard {
    /// Every shard that `brokers` brokers can hold, the first ones first.
    pub fn all(brokers: u16) -> impl Iterator<Item = Self> {
        (1..=brokers.saturating_mul(POLICIES_PER_BROKER)).map(Self)
    }

    /// Its number, from 1.
    #[must_use]
    pub fn number(self) -> u16 {
        self.0
    }

    /// The broker that it is attached to, from 1.
    #[must_use]
    pub fn broker(self) -> u16 {
        (self.0 - 1) / POLICIES_PER_BROKER + 1
    }

    /// The name of its managed policy, under [`policy::PATH`].
    #[must_use]
    pub fn policy_name(self) -> String {
        format!("grant-{}", self.0)
    }

    /// The ARN of its managed policy.
    #[must_use]
    pub fn policy_arn(self, partition: crate::Partition, provider: &crate::AccountId) -> String {
        format!("arn:{partition}:iam::{provider}:policy{}{}", policy::PATH, self.policy_name())
    }
}

impl fmt::Display for Shard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    proptest! {
        #[test]
        fn the_arithmetic_is_the_documents(names in prop::collection::btree_set("[a-z]{1,64}", 1..130)) {
            let roles: BTreeSet<RoleArn> = names
                .iter()
                .map(|name| format!("arn:aws:iam::123456789012:role/{name}").parse())
                .collect::<Result<_, _>>()?;
            let counted: usize = roles.iter().map(characters).sum();
            let document = policy::grant_policy(&roles).unwrap().to_json();
            prop_assert!(!document.contains([' ', '\n']));
            // One comma too many is counted, and a single ARN stands without brackets.
            let slack = if roles.len() == 1 { 3 } else { 1 };
            prop_assert_eq!(FRAME + counted, document.len() + slack);
            if counted <= CAPACITY {
                prop_assert!(document.len() <= MAX_POLICY_CHARACTERS);
            }
        }
    }

    #[test]
    fn a_shard_holds_what_the_quota_allows() {
        let fit = |name: usize| {
            let arn: RoleArn =
                format!("arn:aws:iam::123456789012:role/{}", "n".repeat(name)).parse().unwrap();
            CAPACITY / characters(&arn)
        };
        assert_eq!((fit(20), fit(64)), (112, 61));
    }

    #[test]
    fn ten_shards_go_to_each_broker() {
        let shards: Vec<_> = Shard::all(2).map(|shard| (shard.number(), shard.broker())).collect();
        assert_eq!(shards.len(), 20);
        assert_eq!([shards[0], shards[9], shards[10], shards[19]], [(1, 1), (10, 1), (11, 2), (20, 2)]);
        let account = "111111111111".parse().unwrap();
        assert_eq!(
            Shard::all(1).next().unwrap().policy_arn(crate::Partition::AwsCn, &account),
            "arn:aws-cn:iam::111111111111:policy/drawbridge/grant-1"
        );
    }
}
