//! What holds for all retentions, and a year of backups against a second reading of the rules.

use super::*;

const NOW: Timestamp = Timestamp::constant(1_800_000_000, 0);

/// The rules read the other way round: of each backup it is asked what is newer, and nothing is
/// carried from one to the next.
mod oracle {
    use super::{Candidate, Date, RetentionParts, Timestamp, Timezone, Weekday};

    struct Backup<'a> {
        it: &'a Candidate<u32>,
        day: String,
        week: String,
        month: String,
    }

    impl<'a> Backup<'a> {
        /// Periods by what people are shown.
        fn new(it: &'a Candidate<u32>, zone: &Timezone) -> Self {
            let day = zone.local(it.created_at)[..10].to_owned();
            let mut monday: Date = day.parse().unwrap();
            while monday.weekday() != Weekday::Monday {
                monday = monday.yesterday().unwrap();
            }
            Self { it, week: monday.to_string(), month: day[..7].to_owned(), day }
        }

        fn is_newer_than(&self, other: &Self) -> bool {
            (self.it.created_at, self.it.id) > (other.it.created_at, other.it.id)
        }
    }

    /// Whether none that is newer is of its own period, and fewer than `most` other periods are
    /// newer.
    fn of_periods(own: &str, newer: impl Iterator<Item = String>, most: Option<u32>) -> bool {
        let mut others: Vec<String> = newer.collect();
        others.sort();
        others.dedup();
        !others.iter().any(|other| other == own) && most.is_some_and(|most| others.len() < most as usize)
    }

    fn stays(parts: RetentionParts, backup: &Backup<'_>, all: &[Backup<'_>], now: Timestamp) -> bool {
        let good = all.iter().filter(|other| other.it.good);
        let newer: Vec<&Backup<'_>> = good.filter(|other| other.is_newer_than(backup)).collect();
        let age = now.as_second() - backup.it.created_at.as_second();
        !backup.it.good
            || newer.is_empty()
            || parts.keep_last.is_some_and(|most| newer.len() < most as usize)
            || parts.max_age_days.is_some_and(|most| age < i64::from(most) * 86_400)
            || of_periods(&backup.day, newer.iter().map(|other| other.day.clone()), parts.keep_daily)
            || of_periods(&backup.week, newer.iter().map(|other| other.week.clone()), parts.keep_weekly)
            || of_periods(&backup.month, newer.iter().map(|other| other.month.clone()), parts.keep_monthly)
    }

    pub(super) fn kept(
        parts: RetentionParts,
        all: &[Candidate<u32>],
        zone: &Timezone,
        now: Timestamp,
    ) -> Vec<u32> {
        let all: Vec<Backup<'_>> = all.iter().map(|it| Backup::new(it, zone)).collect();
        let staying = all.iter().filter(|backup| stays(parts, backup, &all, now));
        let mut ids: Vec<u32> = staying.map(|backup| backup.it.id).collect();
        ids.sort_unstable();
        ids
    }
}

fn a_rule() -> impl Strategy<Value = Option<u32>> {
    prop::option::of(1_u32..8)
}

fn parts_of_rules() -> impl Strategy<Value = RetentionParts> {
    let rules = (a_rule(), a_rule(), a_rule(), a_rule(), prop::option::of(1_u32..200));
    let parts = rules.prop_map(|(keep_last, keep_daily, keep_weekly, keep_monthly, max_age_days)| {
        RetentionParts { keep_last, keep_daily, keep_weekly, keep_monthly, max_age_days }
    });
    parts.prop_filter("no rule", |parts| *parts != RetentionParts::default())
}

/// Up to two years old, and some at the same second or in a future that clocks disagree about.
fn backups() -> impl Strategy<Value = Vec<Candidate<u32>>> {
    let age =
        prop_oneof![-100_i64..2 * 366 * 86_400, (0_i64..40).prop_map(|days| days * 86_400), 0_i64..300_000];
    prop::collection::vec((age, prop::bool::weighted(0.8)), 0..60).prop_map(|ages| {
        let backup =
            |(id, (age, good))| Candidate { id, created_at: NOW - SignedDuration::from_secs(age), good };
        (0_u32..).zip(ages).map(backup).collect()
    })
}

fn a_zone() -> impl Strategy<Value = Timezone> {
    select(&["UTC", "Europe/Berlin", "America/New_York", "Pacific/Kiritimati", "Asia/Kathmandu"][..])
        .prop_map(zone)
}

fn sorted(mut ids: Vec<u32>) -> Vec<u32> {
    ids.sort_unstable();
    ids
}

fn is_within(few: &[u32], many: &[u32]) -> bool {
    few.iter().all(|id| many.contains(id))
}

proptest! {
    #[test]
    fn it_is_what_the_rules_say(parts in parts_of_rules(), backups in backups(), zone in a_zone()) {
        let decisions = Retention::new(parts)?.decide(&backups, &zone, NOW);
        prop_assert_eq!(sorted(kept(&decisions)), oracle::kept(parts, &backups, &zone, NOW));
        let all = sorted(decisions.into_iter().map(|decision| decision.id).collect());
        prop_assert_eq!(all, (0_u32..).take(backups.len()).collect::<Vec<_>>(), "each is decided about once");
    }

    #[test]
    fn the_newest_good_and_all_that_is_not_good_stay(
        parts in parts_of_rules(),
        backups in backups(),
        zone in a_zone(),
        later in 0_i64..1000,
    ) {
        let now = NOW + SignedDuration::from_hours(24 * later);
        let staying = kept(&Retention::new(parts)?.decide(&backups, &zone, now));
        let newest = backups.iter().filter(|backup| backup.good).map(|backup| backup.created_at).max();
        for backup in &backups {
            prop_assert!(backup.good || staying.contains(&backup.id));
        }
        let is_newest = |backup: &Candidate<u32>| backup.good && Some(backup.created_at) == newest;
        let newest_stays = backups.iter().any(|backup| is_newest(backup) && staying.contains(&backup.id));
        prop_assert!(newest.is_none() || newest_stays);
    }

    #[test]
    fn deciding_again_removes_nothing_more(parts in parts_of_rules(), backups in backups(), zone in a_zone()) {
        let retention = Retention::new(parts)?;
        let staying = kept(&retention.decide(&backups, &zone, NOW));
        let left: Vec<_> = backups.into_iter().filter(|backup| staying.contains(&backup.id)).collect();
        prop_assert_eq!(kept(&retention.decide(&left, &zone, NOW)), staying);
    }

    #[test]
    fn more_rules_and_greater_numbers_never_remove_more(
        parts in parts_of_rules(),
        more in [a_rule(), a_rule(), a_rule(), a_rule(), a_rule()],
        backups in backups(),
        zone in a_zone(),
    ) {
        let add = |rule: Option<u32>, more: Option<u32>| match (rule, more) {
            (Some(rule), Some(more)) => Some(rule + more),
            (rule, more) => rule.or(more),
        };
        let greater = RetentionParts {
            keep_last: add(parts.keep_last, more[0]),
            keep_daily: add(parts.keep_daily, more[1]),
            keep_weekly: add(parts.keep_weekly, more[2]),
            keep_monthly: add(parts.keep_monthly, more[3]),
            max_age_days: add(parts.max_age_days, more[4]),
        };
        let few = kept(&Retention::new(parts)?.decide(&backups, &zone, NOW));
        let many = kept(&Retention::new(greater)?.decide(&backups, &zone, NOW));
        prop_assert!(is_within(&few, &many), "{few:?} {many:?}");
    }

    #[test]
    fn the_order_does_not_matter(
        parts in parts_of_rules(),
        (backups, shuffled) in backups().prop_flat_map(|backups| {
            (Just(backups.clone()), Just(backups).prop_shuffle())
        }),
        zone in a_zone(),
    ) {
        let retention = Retention::new(parts)?;
        prop_assert_eq!(retention.decide(&backups, &zone, NOW), retention.decide(&shuffled, &zone, NOW));
    }
}

/// A backup every six hours, one in eleven of which fails, and a look after each: what was removed
/// is gone for the next look.
#[rstest]
#[case("UTC", u32::MAX)]
#[case("Europe/Berlin", u32::MAX)]
#[case("Europe/Berlin", 11)]
fn a_year_of_backups_leaves_what_the_rules_say(#[case] name: &str, #[case] fails: u32) {
    let rules = json!({"keep_last": 4, "keep_daily": 7, "keep_weekly": 4, "keep_monthly": 12});
    let (retention, zone) = (retention(rules), zone(name));
    let begin = at("2025-12-01T01:00Z");
    let mut left: Vec<Candidate<u32>> = Vec::new();
    let mut expected: Vec<Candidate<u32>> = Vec::new();
    let mut all: Vec<Candidate<u32>> = Vec::new();
    for id in 0..4 * 396_u32 {
        let now = begin + SignedDuration::from_hours(6 * i64::from(id));
        let made = Candidate { id, created_at: now, good: id % fails != 7 };
        for backups in [&mut left, &mut expected, &mut all] {
            backups.push(made.clone());
        }
        let staying = kept(&retention.decide(&left, &zone, now));
        left.retain(|backup| staying.contains(&backup.id));
        let staying = oracle::kept(*retention.parts(), &expected, &zone, now);
        expected.retain(|backup| staying.contains(&backup.id));
        assert_eq!(left, expected, "after {now}");
    }
    // Removing step by step leaves what removing at once would: nothing went too early.
    let now = all.last().unwrap().created_at;
    let at_once = sorted(kept(&retention.decide(&all, &zone, now)));
    assert_eq!(left.iter().map(|backup| backup.id).collect::<Vec<_>>(), at_once);
    let good = left.iter().filter(|backup| backup.good).count();
    assert!((20..=4 + 7 + 4 + 12).contains(&good), "{good}");
}
