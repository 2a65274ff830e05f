//! When a schedule is due: EventBridge Scheduler's own expressions, and the times that follow.
//!
//! EventBridge fires the schedules; this tells beforehand when it will, and how long may pass
//! between two runs.
//!
//! Source: EventBridge Scheduler User Guide, "Schedule types".

mod cron;
mod timezone;

use std::fmt;
use std::iter;
use std::str::FromStr;

use jiff::civil::DateTime;
use jiff::{SignedDuration, Timestamp};

use crate::error::{Error, FieldError};
use crate::text::serde_as_text;

use cron::Cron;
pub use timezone::Timezone;

/// Most times that are told at once.
pub const MOST_TIMES: usize = 100;

/// How many distances between runs are looked at, at least, to find the longest.
const LEAST_LOOKED_AT: usize = 50;

/// How far runs are followed, at least, to find the longest distance between them: past a weekend,
/// and past the days of a month on which nothing runs.
const LOOKED_AT_FOR: SignedDuration = SignedDuration::from_hours(32 * 24);

/// When a schedule is due: `rate(…)`, `cron(…)` or `at(…)`, as EventBridge Scheduler reads them.
///
/// The text is kept as it was given, and two are equal if their texts are.
///
/// Where the guide is silent: `cron` has all six fields, as the API Reference says, though the
/// guide calls the year optional. `rate(1 days)`, which is the guide's own example, is one;
/// `rate(5 day)` is not.
#[derive(Clone)]
pub struct Expression {
    text: String,
    rule: Rule,
}

#[derive(Clone)]
enum Rule {
    /// Every so long, from the beginning on. A day is 24 hours, whatever clocks do.
    Rate(SignedDuration),
    /// On minutes of the local clock.
    Cron(Box<Cron>),
    /// Once, by the local clock.
    At(DateTime),
}

impl Expression {
    /// Longest expression, in characters. Source: EventBridge Scheduler API Reference,
    /// `CreateSchedule`, `ScheduleExpression`.
    const MAX_LENGTH: usize = 256;

    /// As it was given.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Whether it is due again and again, and not once.
    #[must_use]
    pub const fn is_recurring(&self) -> bool {
        !matches!(self.rule, Rule::At(_))
    }

    /// The next `count` times after `after`, at most [`MOST_TIMES`], by the clocks of `zone`;
    /// fewer if there are no more. A rate counts from `anchor`, which is its first time.
    ///
    /// A time that clocks skip when they are set forward is left out, and one that they show twice
    /// when they are set back comes once, the first time. Source: EventBridge Scheduler User
    /// Guide, "Daylight savings time on EventBridge Scheduler". The guide says it of `cron`; `at`
    /// is taken to be the same.
    #[must_use]
    pub fn next(&self, zone: &Timezone, anchor: Timestamp, count: usize, after: Timestamp) -> Vec<Timestamp> {
        self.times(zone, anchor, after).take(count.min(MOST_TIMES)).collect()
    }

    /// The longest distance between two consecutive times among the next ones after `after`: the
    /// next 50, and all of the 32 days that follow the first. `None` if there are not two.
    ///
    /// The days are for what runs every few minutes and then pauses for a night or a weekend: the
    /// next 50 alone would miss the pause.
    #[must_use]
    pub fn longest_gap(
        &self,
        zone: &Timezone,
        anchor: Timestamp,
        after: Timestamp,
    ) -> Option<SignedDuration> {
        let mut times = self.times(zone, anchor, after);
        let first = times.next()?;
        if let Rule::Rate(every) = self.rule {
            return times.next().map(|_| every);
        }
        let mut longest = None;
        let mut last = first;
        for (seen, time) in (1_usize..).zip(times) {
            longest = longest.max(Some(time.duration_since(last)));
            last = time;
            if seen >= LEAST_LOOKED_AT && last.duration_since(first) >= LOOKED_AT_FOR {
                break;
            }
        }
        longest
    }

    /// All times after `after`. There is an end to them: a rate reaches the last timestamp, and
    /// `cron` the last year that AWS knows.
    fn times<'a>(
        &'a self,
        zone: &'a Timezone,
        anchor: Timestamp,
        after: Timestamp,
    ) -> Box<dyn Iterator<Item = Timestamp> + 'a> {
        match &self.rule {
            Rule::Rate(every) => {
                let first = first_of_rate(*every, anchor, after);
                Box::new(iter::successors(first, |time| time.checked_add(*every).ok()))
            }
            Rule::Cron(cron) => {
                // While clocks show an hour for the second time, what they show next was before.
                let times = cron.after(zone.clock(after)).filter_map(|clock| zone.instant(clock));
                Box::new(times.skip_while(move |time| *time <= after))
            }
            Rule::At(clock) => Box::new(zone.instant(*clock).into_iter().filter(move |time| *time > after)),
        }
    }
}

/// The first of `anchor`, `anchor + every`, … after `after`.
fn first_of_rate(every: SignedDuration, anchor: Timestamp, after: Timestamp) -> Option<Timestamp> {
    if after < anchor {
        return Some(anchor);
    }
    let passed = after.duration_since(anchor).as_secs() / every.as_secs();
    let until = SignedDuration::from_secs(every.as_secs().checked_mul(passed + 1)?);
    anchor.checked_add(until).ok()
}

impl FromStr for Expression {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        if text.len() > Self::MAX_LENGTH || !text.bytes().all(|b| b == b' ' || b.is_ascii_graphic()) {
            let most = Self::MAX_LENGTH;
            return Err(refuse(&format!("an expression has at most {most} characters, all of ASCII"), ANY));
        }
        let rule = match text.strip_suffix(')').and_then(|text| text.split_once('(')) {
            Some((_, inside)) if inside.trim() != inside => {
                Err(refuse("no space follows ( or precedes )", ANY))
            }
            Some(("rate", inside)) => rate(inside).map(Rule::Rate).map_err(|what| refuse(what, RATE)),
            Some(("cron", inside)) => {
                Cron::read(inside).map(|cron| Rule::Cron(Box::new(cron))).map_err(|what| refuse(&what, CRON))
            }
            Some(("at", inside)) => at(inside).map(Rule::At).map_err(|what| refuse(what, AT)),
            _ => Err(refuse("an expression is rate(…), cron(…) or at(…)", ANY)),
        }?;
        Ok(Self { text: text.to_owned(), rule })
    }
}

const ANY: &str = "rate(6 hours), cron(0 5 * * ? *) or at(2026-12-31T05:00:00)";
const RATE: &str = "rate(1 hour) or rate(6 hours)";
const CRON: &str = "cron(0 5 * * ? *), which is 5:00 every day, or cron(0 5 ? * MON-FRI *)";
const AT: &str = "at(2026-12-31T05:00:00)";

fn refuse(what: &str, example: &str) -> Error {
    Error::invalid(FieldError::new("", "invalid_expression", format!("{what}; for example {example}")))
}

/// What is between the parentheses of `rate(…)`.
fn rate(text: &str) -> Result<SignedDuration, &'static str> {
    let fields: Vec<&str> = text.split(' ').filter(|field| !field.is_empty()).collect();
    let [value, unit] = fields[..] else { return Err("rate has a number and a unit") };
    let well_formed = value.bytes().all(|b| b.is_ascii_digit()) && !value.starts_with('0');
    let value: u32 = well_formed
        .then(|| value.parse().ok())
        .flatten()
        .ok_or("the number of a rate is a whole number from 1 to 4294967295")?;
    let (seconds, plural) = match unit {
        "minute" => (60, false),
        "minutes" => (60, true),
        "hour" => (60 * 60, false),
        "hours" => (60 * 60, true),
        "day" => (24 * 60 * 60, false),
        "days" => (24 * 60 * 60, true),
        _ => return Err("the unit of a rate is minutes, hours or days"),
    };
    if value > 1 && !plural {
        return Err("the unit of a rate is minutes, hours or days; minute, hour and day are for 1 only");
    }
    Ok(SignedDuration::from_secs(i64::from(value) * seconds))
}

/// What is between the parentheses of `at(…)`.
fn at(text: &str) -> Result<DateTime, &'static str> {
    // Read and written again, for there are many ways to write a time and one that AWS takes.
    let as_aws_writes_it =
        |clock: &DateTime| clock.to_string() == text && clock.year() >= 0 && clock.subsec_nanosecond() == 0;
    let clock = text.parse().ok().filter(as_aws_writes_it);
    clock.ok_or("at has a date and a time of the form yyyy-mm-ddThh:mm:ss")
}

impl PartialEq for Expression {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl Eq for Expression {}

impl fmt::Debug for Expression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Expression").field(&self.text).finish()
    }
}

impl fmt::Display for Expression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

serde_as_text!(Expression);

#[cfg(test)]
mod tests;
