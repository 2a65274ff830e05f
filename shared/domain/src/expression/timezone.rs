//! A time zone, and what its clocks show.

use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::{AmbiguousOffset, TimeZone, TimeZoneDatabase};

use crate::error::{Error, FieldError};
use crate::text::serde_as_text;

/// A time zone of the IANA database, such as `Europe/Berlin`; UTC unless one is named.
///
/// Upper and lower case are the same when it is read, and it is written as the database has it.
///
/// Source: EventBridge Scheduler User Guide, "Time zones on EventBridge Scheduler".
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Timezone(TimeZone);

impl Timezone {
    /// Longest name. Source: EventBridge Scheduler API Reference, `CreateSchedule`,
    /// `ScheduleExpressionTimezone`.
    const MAX_LENGTH: usize = 50;

    /// What is in the database for whoever does not know the zone or has not set it: not zones.
    const NOT_ZONES: [&str; 2] = ["Etc/Unknown", "Factory"];

    /// As the database names it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        self.0.iana_name().unwrap_or("UTC")
    }

    /// What clocks there show at `at`, with their distance from UTC: RFC 3339, such as
    /// `2026-03-29T03:30:00+02:00`.
    #[must_use]
    pub fn local(&self, at: Timestamp) -> String {
        at.display_with_offset(self.0.to_offset(at)).to_string()
    }

    /// What clocks there show at `at`.
    pub(crate) fn clock(&self, at: Timestamp) -> DateTime {
        self.0.to_datetime(at)
    }

    /// When clocks there show `clock`: the first time, if they show it twice because they are set
    /// back, and never, if they skip it because they are set forward.
    pub(crate) fn instant(&self, clock: DateTime) -> Option<Timestamp> {
        let found = self.0.to_ambiguous_timestamp(clock);
        match found.offset() {
            AmbiguousOffset::Gap { .. } => None,
            AmbiguousOffset::Unambiguous { .. } | AmbiguousOffset::Fold { .. } => found.earlier().ok(),
        }
    }
}

impl Default for Timezone {
    fn default() -> Self {
        Self(TimeZone::UTC)
    }
}

impl FromStr for Timezone {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        // The database in the binary, whatever the machine has: the same rules everywhere.
        let found = (text.len() <= Self::MAX_LENGTH)
            .then(|| TimeZoneDatabase::bundled().get(text).ok())
            .flatten()
            .filter(|zone| zone.iana_name().is_some_and(|name| !Self::NOT_ZONES.contains(&name)));
        found.map(Self).ok_or_else(|| {
            Error::invalid(FieldError::new(
                "",
                "invalid_timezone",
                "not the name of a time zone in the IANA database, such as Europe/Berlin or UTC",
            ))
        })
    }
}

impl fmt::Display for Timezone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

serde_as_text!(Timezone);
