//! When Drawbridge looks at a connection by itself: trust is proven every day and not only once,
//! for a trust policy can be changed at any time.

use jiff::{SignedDuration, Timestamp};

use crate::id::ConnectionId;
use crate::verification::Depth;

/// How often.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cadence {
    /// Between two verifications of an accepted connection: a day.
    pub interval: SignedDuration,
    /// Between two that look at everything: a week.
    pub full_interval: SignedDuration,
    /// After one that could not tell, until the next attempt: an hour.
    pub retry: SignedDuration,
}

/// How long after the deadline of running work it is looked after, in case its message was lost:
/// past the time at which it counts as stuck.
const WATCH: SignedDuration = SignedDuration::from_mins(10);

/// Least time between a verification and the next one by schedule, as a part of the interval.
const LEAST_PART: i32 = 24;

impl Cadence {
    /// When the connection is looked at after an outcome at `now`. Each connection has a time of
    /// the day of its own, so that the work is spread over the day whenever they were onboarded:
    /// the next one comes after an interval at most, and a 24th of it more where that would be at
    /// once.
    #[must_use]
    pub fn next(self, id: ConnectionId, now: Timestamp) -> Timestamp {
        let interval = self.interval.as_secs().max(1);
        let earliest = now.as_second() + (self.interval / LEAST_PART).as_secs();
        let slot = i64::from(id.spread()) * interval / (1 << 32);
        let into = (earliest - slot).rem_euclid(interval);
        Timestamp::from_second(earliest + interval - into).unwrap_or(now + self.interval)
    }

    /// When it is looked at after an outcome that told nothing.
    #[must_use]
    pub fn again(self, now: Timestamp) -> Timestamp {
        now + self.retry
    }

    /// How much a verification by schedule is to look at, after the last full one.
    #[must_use]
    pub fn depth(self, last_full_at: Option<Timestamp>, now: Timestamp) -> Depth {
        // Half an interval early rather than a whole one late.
        match last_full_at {
            Some(last) if now + self.interval / 2 < last + self.full_interval => Depth::Reads,
            _ => Depth::Full,
        }
    }
}

/// When running work with this deadline is looked after.
#[must_use]
pub fn watched_at(deadline: Timestamp) -> Timestamp {
    deadline + WATCH
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const DAILY: Cadence = Cadence {
        interval: SignedDuration::from_hours(24),
        full_interval: SignedDuration::from_hours(7 * 24),
        retry: SignedDuration::from_hours(1),
    };

    fn id(random: [u8; 10]) -> ConnectionId {
        ConnectionId::new(Timestamp::UNIX_EPOCH, random)
    }

    proptest! {
        #[test]
        fn no_day_passes_without_a_proof(random: [u8; 10], now in 0_i64..4_000_000_000, late in 0_i64..600) {
            let now = Timestamp::from_second(now)?;
            let next = DAILY.next(id(random), now);
            prop_assert!(next > now + SignedDuration::from_mins(59));
            prop_assert!(next <= now + SignedDuration::from_hours(25));
            // From then on it comes at the same time every day, though it takes some minutes.
            let done = next + SignedDuration::from_secs(late);
            prop_assert_eq!(DAILY.next(id(random), done), next + SignedDuration::from_hours(24));
        }
    }

    #[test]
    fn connections_of_one_hour_are_spread_over_the_day() {
        let now = Timestamp::from_second(1_800_000_000).unwrap();
        let mut hours = [0; 26];
        for n in 0..2400_u32 {
            let mut random = [0; 10];
            random[6..10].copy_from_slice(&n.wrapping_mul(2_654_435_761).to_be_bytes());
            let wait = DAILY.next(id(random), now).duration_since(now);
            hours[usize::try_from(wait.as_hours()).unwrap()] += 1;
        }
        let spread = &hours[1..25];
        assert!(spread.iter().all(|n| (50..=150).contains(n)), "{hours:?}");
    }

    #[test]
    fn one_of_a_week_is_full() {
        let now = Timestamp::from_second(1_800_000_000).unwrap();
        assert_eq!(DAILY.depth(None, now), Depth::Full);
        let days: Vec<Depth> =
            (1..=7).map(|days| DAILY.depth(Some(now), now + SignedDuration::from_hours(24 * days))).collect();
        assert_eq!(days[..6], [Depth::Reads; 6]);
        assert_eq!(days[6], Depth::Full);
        // A little early every day does not push it to the next week.
        assert_eq!(DAILY.depth(Some(now), now + SignedDuration::from_hours(167)), Depth::Full);
    }
}
