//! Grants: which managed policy lets which broker assume which roles, counted in IAM's characters.

use std::fmt;

use crate::arn::RoleArn;
use crate::error::{Error, ErrorKind};
use crate::policy;

/// Longest managed policy, in characters without white space. Source: IAM User Guide, "IAM and
/// AWS STS quotas".
pub const MAX_POLICY_CHARACTERS: usize = 6144;
/// Most managed policies that AWS attaches to one role after raising the quota. Source: the same.
/// Shards are numbered by it, so that another [`Capacity`] leaves each on its broker.
pub const MAX_GRANTS_PER_BROKER: u16 = 25;
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

/// How many grants an installation can hold, and how large they may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Capacity {
    /// Brokers that the installation has.
    pub brokers: u16,
    /// Grants on one broker: 10 unless AWS raised the quota of managed policies attached to a role.
    /// At most [`MAX_GRANTS_PER_BROKER`]; more are not used.
    pub per_broker: u16,
    /// Longest grant, in characters without white space: [`MAX_POLICY_CHARACTERS`] but in trials.
    pub characters: usize,
}

impl Capacity {
    /// Every shard that may be filled, in the order in which they are.
    pub fn shards(self) -> impl Iterator<Item = Shard> {
        let each = self.per_broker.min(MAX_GRANTS_PER_BROKER);
        (0..self.brokers).flat_map(move |broker| {
            (1..=each).map(move |place| Shard(broker * MAX_GRANTS_PER_BROKER + place))
        })
    }

    /// Every shard that the brokers can have held at any time, whatever `per_broker` was.
    pub fn every_shard(self) -> impl Iterator<Item = Shard> {
        (1..=self.brokers * MAX_GRANTS_PER_BROKER).map(Shard)
    }

    /// How many characters of ARNs, as [`characters`] counts them, fit one grant. It is one more
    /// than the frame leaves, for the last ARN has no comma.
    #[must_use]
    pub fn room(self) -> usize {
        (self.characters.min(MAX_POLICY_CHARACTERS) + 1).saturating_sub(FRAME)
    }

    /// The first shard that has room for `role` when `used` characters of each are taken.
    pub fn shard_for(self, role: &RoleArn, used: impl Fn(Shard) -> u64) -> Option<Shard> {
        let room = self.room() as u64;
        self.shards().find(|shard| used(*shard) + characters(role) as u64 <= room)
    }

    /// How much of everything is taken, in percent, rounded up: full is 100.
    #[must_use]
    pub fn used_percent(self, used: impl Fn(Shard) -> u64) -> u64 {
        let (taken, shards) =
            self.shards().fold((0_u64, 0_u64), |(taken, shards), shard| (taken + used(shard), shards + 1));
        let whole = shards * self.room() as u64;
        if whole == 0 { 100 } else { (taken * 100).div_ceil(whole) }
    }
}

/// The refusal of a role that no grant has room for.
#[must_use]
pub fn capacity_exhausted() -> Error {
    Error::new(
        ErrorKind::Unavailable,
        "grant_capacity_exhausted",
        "every grant of every broker is full, so that no further role can be verified; the provider has to raise \
         BrokerCount (or GrantsPerBroker, where AWS raised the quota), or to offboard connections",
    )
}

/// One managed policy of grants, by its number from 1. Numbers are never given another broker.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
pub struct Shard(u16);

impl Shard {
    /// The shard with this number, from 1.
    #[must_use]
    pub fn new(number: u16) -> Option<Self> {
        (number > 0).then_some(Self(number))
    }

    /// Its number, from 1.
    #[must_use]
    pub fn number(self) -> u16 {
        self.0
    }

    /// The broker that it is attached to, from 1.
    #[must_use]
    pub fn broker(self) -> u16 {
        (self.0 - 1) / MAX_GRANTS_PER_BROKER + 1
    }

    /// The name of its managed policy, under [`policy::PATH`].
    #[must_use]
    pub fn policy_name(self) -> String {
        format!("grant-{}", self.0)
    }

    /// The shard whose managed policy has this name.
    #[must_use]
    pub fn of_policy(name: &str) -> Option<Self> {
        let shard = Self::new(name.strip_prefix("grant-")?.parse().ok()?)?;
        // "grant-01" and "grant-+1" are not ours.
        (shard.policy_name() == name).then_some(shard)
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
    use std::collections::{BTreeMap, BTreeSet};

    const WHOLE: Capacity = Capacity { brokers: 2, per_broker: 10, characters: MAX_POLICY_CHARACTERS };

    fn role(name: &str) -> RoleArn {
        format!("arn:aws:iam::123456789012:role/{name}").parse().unwrap()
    }

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
            if counted <= WHOLE.room() {
                prop_assert!(document.len() <= MAX_POLICY_CHARACTERS);
            }
        }
    }

    #[test]
    fn a_shard_holds_what_the_quota_allows() {
        let fit = |name: usize| {
            let arn: RoleArn =
                format!("arn:aws:iam::123456789012:role/{}", "n".repeat(name)).parse().unwrap();
            WHOLE.room() / characters(&arn)
        };
        assert_eq!((fit(20), fit(64)), (112, 61));
    }

    #[test]
    fn shards_stay_on_their_broker_whatever_the_capacity() {
        let shards: Vec<_> = WHOLE.shards().map(|shard| (shard.number(), shard.broker())).collect();
        assert_eq!(shards.len(), 20);
        assert_eq!([shards[0], shards[9], shards[10], shards[19]], [(1, 1), (10, 1), (26, 2), (35, 2)]);
        let wider = Capacity { per_broker: 99, brokers: 3, ..WHOLE };
        assert_eq!(wider.shards().count(), 75);
        for shard in WHOLE.shards() {
            assert!(wider.shards().any(|other| other == shard));
        }
        let account = "111111111111".parse().unwrap();
        assert_eq!(
            Shard(1).policy_arn(crate::Partition::AwsCn, &account),
            "arn:aws-cn:iam::111111111111:policy/drawbridge/grant-1"
        );
    }

    #[test]
    fn a_policy_is_told_by_its_exact_name() {
        assert_eq!(Shard::of_policy("grant-26"), Some(Shard(26)));
        for name in
            ["grant-0", "grant-01", "grant-+1", "grant-", "grant-x", "grant-70000", "Grant-1", "viewer"]
        {
            assert_eq!(Shard::of_policy(name), None, "{name}");
        }
    }

    #[test]
    fn shards_are_filled_one_after_the_other_to_the_last_character() {
        let arn = role("0123456789");
        let size = characters(&arn);
        let tiny = Capacity { brokers: 2, per_broker: 2, characters: FRAME - 1 + 3 * size };
        let mut used = BTreeMap::<Shard, u64>::new();
        let mut filled = Vec::new();
        while let Some(shard) = tiny.shard_for(&arn, |shard| used.get(&shard).copied().unwrap_or(0)) {
            *used.entry(shard).or_default() += size as u64;
            filled.push(shard.number());
        }
        assert_eq!(filled, [1, 1, 1, 2, 2, 2, 26, 26, 26, 27, 27, 27]);
        assert_eq!(tiny.used_percent(|shard| used[&shard]), 100);
        let shorter = Capacity { characters: tiny.characters - 1, ..tiny };
        assert_eq!(shorter.room() / size, 2);
        // Where room was left, it is used again before the next broker is.
        used.insert(Shard(2), 0);
        assert_eq!(tiny.shard_for(&arn, |shard| used[&shard]), Some(Shard(2)));
        assert_eq!(tiny.used_percent(|shard| used[&shard]), 75);
    }

    #[test]
    fn nothing_fits_where_there_is_nothing() {
        let none = Capacity { brokers: 0, ..WHOLE };
        assert_eq!(none.shard_for(&role("r"), |_| 0), None);
        assert_eq!(none.used_percent(|_| 0), 100);
        assert_eq!(Capacity { characters: 10, ..WHOLE }.room(), 0);
    }
}
