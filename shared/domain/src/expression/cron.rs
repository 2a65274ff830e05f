//! EventBridge Scheduler's cron expressions: what is one, and on which minutes it falls.
//!
//! The grammar is read here, field by field, for it is narrower than croner's and counts days of
//! the week from another number. croner is given what was read, in its own terms, and finds the
//! minutes. All of it is on a clock without a time zone.
//!
//! Sources: EventBridge Scheduler User Guide, "Schedule types", "Cron-based schedules"; for
//! ranges that go past the end of a field, EventBridge User Guide, "Cron expressions reference",
//! whose example `0/30 20-2 ? * MON-FRI *` runs in the evening and after midnight.

use std::collections::BTreeSet;

use croner::parser::{CronParser, Seconds, Year};
use jiff::civil::{DateTime, date};

/// What a number in one field may be.
struct Field {
    name: &'static str,
    min: u16,
    max: u16,
    /// Names of the numbers from `min` on.
    names: &'static [&'static str],
    /// Whether `/` is allowed.
    steps: bool,
    /// Whether a range may go past the end and on from the beginning.
    wraps: bool,
}

const MINUTES: Field = Field { name: "minutes", min: 0, max: 59, names: &[], steps: true, wraps: true };
const HOURS: Field = Field { name: "hours", min: 0, max: 23, names: &[], steps: true, wraps: true };
const DAY_OF_MONTH: Field =
    Field { name: "day-of-month", min: 1, max: 31, names: &[], steps: true, wraps: true };
const MONTH: Field = Field {
    name: "month",
    min: 1,
    max: 12,
    names: &["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"],
    steps: true,
    wraps: true,
};
const DAY_OF_WEEK: Field = Field {
    name: "day-of-week",
    min: 1,
    max: 7,
    names: &["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"],
    steps: false,
    wraps: true,
};
const YEAR: Field = Field { name: "year", min: 1970, max: 2199, names: &[], steps: true, wraps: false };

impl Field {
    /// The numbers that a field without `?`, `L`, `W` and `#` names.
    fn values(&self, text: &str) -> Result<BTreeSet<u16>, String> {
        if text == "*" {
            return Ok((self.min..=self.max).collect());
        }
        let mut values = BTreeSet::new();
        for item in text.split(',') {
            let (range, step) = match item.split_once('/') {
                Some((range, step)) => (range, Some(self.step(step)?)),
                None => (item, None),
            };
            let (from, to) = match range.split_once('-') {
                Some((from, to)) => (self.value(from)?, self.value(to)?),
                None if step.is_some() && range == "*" => (self.min, self.max),
                None if step.is_some() => (self.value(range)?, self.max),
                None => (self.value(range)?, self.value(range)?),
            };
            if from > to && !self.wraps {
                return Err(format!("{}: {item} ends before it begins", self.name));
            }
            let all = self.max - self.min + 1;
            let length = if from <= to { to - from } else { all - (from - to) };
            let steps = (0..=length).step_by(step.unwrap_or(1));
            values.extend(steps.map(|on| self.min + (from - self.min + on) % all));
        }
        Ok(values)
    }

    fn value(&self, text: &str) -> Result<u16, String> {
        let named = self.names.iter().position(|name| *name == text).and_then(|at| u16::try_from(at).ok());
        let value = named.map(|at| self.min + at).or_else(|| number(text));
        value.filter(|value| (self.min..=self.max).contains(value)).ok_or_else(|| self.refuse(text))
    }

    fn step(&self, text: &str) -> Result<usize, String> {
        if !self.steps {
            return Err(format!("{}: / is not allowed there", self.name));
        }
        // A greater step never comes to a second number, and EventBridge refuses it, such as */60.
        let most = if self.wraps { self.max } else { self.max - self.min };
        let step = number(text).filter(|step| (1..=most).contains(step));
        step.map(usize::from)
            .ok_or_else(|| format!("{}: what follows / is a number from 1 to {most}", self.name))
    }

    fn refuse(&self, text: &str) -> String {
        let Self { name, min, max, .. } = self;
        match (self.names, text) {
            (_, "") => format!("{name}: something is missing"),
            ([first, .., last], _) => format!("{name}: {text} is not within {min}-{max} or {first}-{last}"),
            _ => format!("{name}: {text} is not within {min}-{max}"),
        }
    }
}

fn number(text: &str) -> Option<u16> {
    // `parse` would take a sign.
    text.bytes().all(|b| b.is_ascii_digit()).then(|| text.parse().ok()).flatten()
}

/// A set of numbers as croner reads it.
fn list(values: impl IntoIterator<Item = u16>) -> String {
    let texts: Vec<String> = values.into_iter().map(|value| value.to_string()).collect();
    texts.join(",")
}

/// The day-of-month field as croner reads it; `?` and `*` are both its `*`.
fn day_of_month(text: &str) -> Result<String, String> {
    if let "?" | "*" = text {
        return Ok("*".to_owned());
    }
    if let "L" | "LW" = text {
        return Ok(text.to_owned());
    }
    if let Some(day) = text.strip_suffix('W') {
        return Ok(format!("{}W", DAY_OF_MONTH.value(day)?));
    }
    if text.contains(['L', 'W']) {
        return Err("day-of-month: L, LW and a day with W, such as 15W, stand alone".to_owned());
    }
    DAY_OF_MONTH.values(text).map(list)
}

/// The day-of-week field as croner reads it: it counts from 0, for Sunday, where AWS counts from 1.
fn day_of_week(text: &str) -> Result<String, String> {
    if let "?" | "*" = text {
        return Ok("*".to_owned());
    }
    if text == "L" {
        // The last day of the week, which is Saturday.
        return Ok(list([DAY_OF_WEEK.max - DAY_OF_WEEK.min]));
    }
    if let Some(day) = text.strip_suffix('L') {
        return Ok(format!("{}#L", DAY_OF_WEEK.value(day)? - DAY_OF_WEEK.min));
    }
    if let Some((day, nth)) = text.split_once('#') {
        let day = DAY_OF_WEEK.value(day)?;
        let nth = number(nth).filter(|nth| (1..=5).contains(nth));
        let nth = nth.ok_or("day-of-week: what follows # is one number from 1 to 5")?;
        return Ok(format!("{}#{nth}", day - DAY_OF_WEEK.min));
    }
    let days = DAY_OF_WEEK.values(text)?;
    Ok(list(days.into_iter().map(|day| day - DAY_OF_WEEK.min)))
}

/// What is between the parentheses of `cron(…)`.
#[derive(Clone)]
pub(super) struct Cron(croner::Cron);

impl Cron {
    /// Reads the fields; the error says what is wrong.
    pub(super) fn read(text: &str) -> Result<Self, String> {
        let upper = text.to_ascii_uppercase();
        let fields: Vec<&str> = upper.split(' ').filter(|field| !field.is_empty()).collect();
        let [minutes, hours, month_day, month, week_day, year] = fields[..] else {
            let count = fields.len();
            return Err(format!(
                "cron has six fields, minutes hours day-of-month month day-of-week year, and not {count}"
            ));
        };
        if (month_day == "?") == (week_day == "?") {
            return Err("exactly one of day-of-month and day-of-week must be ?".to_owned());
        }
        let pattern = [
            "0".to_owned(),
            list(MINUTES.values(minutes)?),
            list(HOURS.values(hours)?),
            day_of_month(month_day)?,
            list(MONTH.values(month)?),
            day_of_week(week_day)?,
            list(YEAR.values(year)?),
        ];
        let parser = CronParser::builder().seconds(Seconds::Required).year(Year::Required).build();
        parser.parse(&pattern.join(" ")).map(Self).map_err(|error| error.to_string())
    }

    /// The minutes after `clock`, to the last year that AWS knows.
    pub(super) fn after(&self, clock: DateTime) -> impl Iterator<Item = DateTime> {
        // Before the first year and after the last there is nothing to look for.
        let begin = clock.max(date(1969, 12, 31).at(23, 59, 59, 0));
        let ended = |clock: &DateTime| clock.year().unsigned_abs() > YEAR.max;
        let next = move |from: &DateTime| self.0.find_next_occurrence(from, false).ok();
        let first = Some(begin).filter(|begin| !ended(begin)).and_then(|begin| next(&begin));
        std::iter::successors(first, next)
    }
}
