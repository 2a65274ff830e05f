//! Which backups of one resource stay, and which may go.
//!
//! Each rule says what it keeps, and what any of them keeps stays. What is not good is neither
//! counted nor removed, and the newest good backup stays whatever the rules say.
//!
//! The rules are restic's (restic manual, "Removing snapshots according to a policy"): a day
//! without a backup does not count, so that what is kept does not melt away while no backups are
//! made. Unlike restic's, no rule keeps the oldest backup where there are too few for it.

use std::collections::BTreeSet;

use jiff::civil::DateTime;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::error::{Error, FieldError};
use crate::expression::Timezone;

/// Most backups, days, weeks or months that a rule keeps.
const MOST_KEPT: u32 = 10_000;

/// Greatest age, in days: a hundred years.
const GREATEST_AGE: u32 = 36_500;

/// What is kept: what any of the rules keeps, and at least one is given.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct RetentionParts {
    /// So many of the newest good backups.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(minimum = 1, maximum = 10_000))]
    pub keep_last: Option<u32>,
    /// The newest good backup of each of the last so many days that have one, by the schedule's
    /// time zone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(minimum = 1, maximum = 10_000))]
    pub keep_daily: Option<u32>,
    /// The same for weeks, which begin on Monday.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(minimum = 1, maximum = 10_000))]
    pub keep_weekly: Option<u32>,
    /// The same for months.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(minimum = 1, maximum = 10_000))]
    pub keep_monthly: Option<u32>,
    /// All good backups that are younger than so many times 24 hours.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(minimum = 1, maximum = 36_500))]
    pub max_age_days: Option<u32>,
}

/// A retention that has been read. Outside it is its [`RetentionParts`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "RetentionParts", into = "RetentionParts")]
pub struct Retention(RetentionParts);

/// A backup, as far as it matters here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidate<I> {
    /// Which.
    pub id: I,
    /// When it was made.
    pub created_at: Timestamp,
    /// Whether AWS has it and it can be restored: it is `AVAILABLE`.
    pub good: bool,
}

/// What becomes of a backup.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Decision<I> {
    /// Which.
    pub id: I,
    /// Whether it stays.
    pub keep: bool,
    /// Why it stays, in the order of [`KeepReason`]; empty if it goes.
    pub reasons: Vec<KeepReason>,
}

/// Why a backup stays.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum KeepReason {
    /// It is one of the newest: `keep_last`.
    Last,
    /// It is the newest of its day: `keep_daily`.
    Daily,
    /// It is the newest of its week: `keep_weekly`.
    Weekly,
    /// It is the newest of its month: `keep_monthly`.
    Monthly,
    /// It is young: `max_age_days`.
    MaxAge,
    /// It is the newest good one, which always stays.
    NewestGood,
    /// It is not good: it is still being made, or failed, and is not retention's to remove.
    NotGood,
}

impl Retention {
    /// Reads the parts.
    ///
    /// # Errors
    ///
    /// `invalid_retention` (400) with the fields that are out of bounds, and `retention_empty`
    /// (422) where there is no rule.
    pub fn new(parts: RetentionParts) -> Result<Self, Error> {
        let bounds = [
            ("/keep_last", parts.keep_last, MOST_KEPT),
            ("/keep_daily", parts.keep_daily, MOST_KEPT),
            ("/keep_weekly", parts.keep_weekly, MOST_KEPT),
            ("/keep_monthly", parts.keep_monthly, MOST_KEPT),
            ("/max_age_days", parts.max_age_days, GREATEST_AGE),
        ];
        if bounds.iter().all(|(_, value, _)| value.is_none()) {
            let detail = "no rule says what is kept: give keep_last, keep_daily, keep_weekly, keep_monthly \
                          or max_age_days";
            return Err(Error::refused("retention_empty", detail));
        }
        let out = bounds.into_iter().filter(|(_, value, most)| value.is_some_and(|n| n < 1 || n > *most));
        let errors: Vec<FieldError> = out
            .map(|(pointer, _, most)| {
                FieldError::new(pointer, "invalid_retention", format!("a number from 1 to {most}"))
            })
            .collect();
        if errors.is_empty() { Ok(Self(parts)) } else { Err(Error::invalid_fields(errors)) }
    }

    /// What it was read from.
    #[must_use]
    pub const fn parts(&self) -> &RetentionParts {
        &self.0
    }

    /// What becomes of each of one resource's backups at `now`, newest first, whatever their order
    /// was. Days, weeks and months are those of `zone`.
    #[must_use]
    pub fn decide<I: Clone + Ord>(
        &self,
        backups: &[Candidate<I>],
        zone: &Timezone,
        now: Timestamp,
    ) -> Vec<Decision<I>> {
        let mut newest_first: Vec<&Candidate<I>> = backups.iter().collect();
        newest_first.sort_by_key(|backup| std::cmp::Reverse((backup.created_at, &backup.id)));
        let mut rules = Rules::new(self.0, zone, now);
        let decide = |backup: &Candidate<I>| {
            let reasons = if backup.good { rules.keep(backup.created_at) } else { vec![KeepReason::NotGood] };
            Decision { id: backup.id.clone(), keep: !reasons.is_empty(), reasons }
        };
        newest_first.into_iter().map(decide).collect()
    }
}

/// The rules on their way from the newest good backup to the oldest.
struct Rules<'a> {
    parts: RetentionParts,
    zone: &'a Timezone,
    now: Timestamp,
    /// How many good backups there were so far.
    seen: u32,
    days: BTreeSet<(i16, i16)>,
    weeks: BTreeSet<(i16, i8)>,
    months: BTreeSet<(i16, i8)>,
}

impl<'a> Rules<'a> {
    fn new(parts: RetentionParts, zone: &'a Timezone, now: Timestamp) -> Self {
        let (days, weeks, months) = (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
        Self { parts, zone, now, seen: 0, days, weeks, months }
    }

    /// Why the next older good backup stays.
    fn keep(&mut self, created_at: Timestamp) -> Vec<KeepReason> {
        let parts = self.parts;
        let clock: DateTime = self.zone.clock(created_at);
        let week = clock.date().iso_week_date();
        let young = |days: u32| {
            self.now.duration_since(created_at) < SignedDuration::from_hours(24 * i64::from(days))
        };
        let kept = [
            (KeepReason::Last, parts.keep_last.is_some_and(|most| self.seen < most)),
            (
                KeepReason::Daily,
                is_next(&mut self.days, (clock.year(), clock.day_of_year()), parts.keep_daily),
            ),
            (KeepReason::Weekly, is_next(&mut self.weeks, (week.year(), week.week()), parts.keep_weekly)),
            (
                KeepReason::Monthly,
                is_next(&mut self.months, (clock.year(), clock.month()), parts.keep_monthly),
            ),
            (KeepReason::MaxAge, parts.max_age_days.is_some_and(young)),
            (KeepReason::NewestGood, self.seen == 0),
        ];
        self.seen = self.seen.saturating_add(1);
        kept.into_iter().filter(|(_, keep)| *keep).map(|(reason, _)| reason).collect()
    }
}

/// Whether `key` is a day, week or month that has not been, and one of the `most` newest.
fn is_next<K: Ord>(known: &mut BTreeSet<K>, key: K, most: Option<u32>) -> bool {
    let room = most.is_some_and(|most| known.len() < usize::try_from(most).unwrap_or(usize::MAX));
    room && known.insert(key)
}

impl TryFrom<RetentionParts> for Retention {
    type Error = Error;

    fn try_from(parts: RetentionParts) -> Result<Self, Error> {
        Self::new(parts)
    }
}

impl From<Retention> for RetentionParts {
    fn from(retention: Retention) -> Self {
        retention.0
    }
}

#[cfg(test)]
mod tests;
