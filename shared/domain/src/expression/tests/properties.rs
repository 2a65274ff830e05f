//! Expressions against a walk over every minute, which knows nothing of croner.

use super::*;
use jiff::ToSpan;

/// What a day field says, by a definition that looks at all days of the month.
#[derive(Debug, Clone)]
enum Day {
    Every,
    Of(Vec<i8>),
    Last,
    LastWorking,
    NearestWorking(i8),
    Week(Vec<Weekday>),
    Nth(Weekday, usize),
    LastOf(Weekday),
}

const WEEK: [(Weekday, &str); 7] = [
    (Weekday::Sunday, "SUN"),
    (Weekday::Monday, "2"),
    (Weekday::Tuesday, "Tue"),
    (Weekday::Wednesday, "4"),
    (Weekday::Thursday, "5"),
    (Weekday::Friday, "FRI"),
    (Weekday::Saturday, "7"),
];

fn week_name(day: Weekday) -> &'static str {
    WEEK.into_iter().find(|(known, _)| *known == day).unwrap().1
}

fn numbers<T: ToString>(values: &[T]) -> String {
    values.iter().map(ToString::to_string).collect::<Vec<_>>().join(",")
}

impl Day {
    /// The fields day-of-month and day-of-week.
    fn fields(&self) -> (String, String) {
        let any = || "?".to_owned();
        match self {
            Self::Every => ("*".to_owned(), any()),
            Self::Of(days) => (numbers(days), any()),
            Self::Last => ("L".to_owned(), any()),
            Self::LastWorking => ("LW".to_owned(), any()),
            Self::NearestWorking(day) => (format!("{day}W"), any()),
            Self::Week(days) => {
                let names: Vec<_> = days.iter().copied().map(week_name).collect();
                (any(), names.join(","))
            }
            Self::Nth(day, nth) => (any(), format!("{}#{nth}", week_name(*day))),
            Self::LastOf(day) => (any(), format!("{}L", week_name(*day))),
        }
    }

    fn is(&self, date: Date) -> bool {
        let days = date.first_of_month().series(1.days());
        let month: Vec<Date> = days.take_while(|day| day.month() == date.month()).collect();
        let working: Vec<Date> = month
            .iter()
            .copied()
            .filter(|day| !matches!(day.weekday(), Weekday::Saturday | Weekday::Sunday))
            .collect();
        let same: Vec<Date> = month.iter().copied().filter(|day| day.weekday() == date.weekday()).collect();
        match self {
            Self::Every => true,
            Self::Of(days) => days.contains(&date.day()),
            Self::Last => month.last() == Some(&date),
            Self::LastWorking => working.last() == Some(&date),
            Self::NearestWorking(day) => {
                let exists = month.iter().any(|known| known.day() == *day);
                let nearest = working.iter().min_by_key(|known| (known.day() - day).abs());
                exists && nearest == Some(&date)
            }
            Self::Week(days) => days.contains(&date.weekday()),
            Self::Nth(day, nth) => date.weekday() == *day && same.get(nth - 1) == Some(&date),
            Self::LastOf(day) => date.weekday() == *day && same.last() == Some(&date),
        }
    }
}

fn a_day() -> impl Strategy<Value = Day> {
    let week_day = || select(&WEEK[..]).prop_map(|(day, _)| day);
    prop_oneof![
        Just(Day::Every),
        prop::collection::vec(1_i8..=31, 1..4).prop_map(Day::Of),
        Just(Day::Last),
        Just(Day::LastWorking),
        (1_i8..=31).prop_map(Day::NearestWorking),
        prop::collection::vec(week_day(), 1..4).prop_map(Day::Week),
        (week_day(), 1_usize..=5).prop_map(|(day, nth)| Day::Nth(day, nth)),
        week_day().prop_map(Day::LastOf),
    ]
}

/// Times around which clocks change, or are left alone.
const CHANGES: [(&str, &str); 10] = [
    ("Europe/Berlin", "2026-03-29T01:00:00Z"),
    ("Europe/Berlin", "2026-10-25T01:00:00Z"),
    ("America/New_York", "2026-03-08T07:00:00Z"),
    ("America/New_York", "2026-11-01T06:00:00Z"),
    ("Australia/Lord_Howe", "2026-04-04T15:00:00Z"),
    ("America/Santiago", "2026-09-06T04:00:00Z"),
    ("Africa/Cairo", "2026-10-29T21:00:00Z"),
    ("Pacific/Apia", "2011-12-30T10:00:00Z"),
    ("America/St_Johns", "2006-10-29T02:31:00Z"),
    ("UTC", "2028-02-29T00:00:00Z"),
];

proptest! {
    #[test]
    fn no_text_panics(text in "(rate|cron|at)?\\(?[ -~]{0,40}\\)?|\\PC{0,300}") {
        if let Ok(read) = text.parse::<Expression>() {
            prop_assert_eq!(read.as_str(), &text);
        }
        let _ = text.parse::<Timezone>();
    }

    #[test]
    fn nothing_that_is_nearly_cron_panics(fields in prop::collection::vec("[0-9LW#*?,/A-Z-]{1,5}", 4..8)) {
        let _ = format!("cron({})", fields.join(" ")).parse::<Expression>();
    }

    #[test]
    fn whatever_is_read_ends(
        minute in "[0-5]?[0-9]|\\*",
        day in a_day(),
        month in "[1-9]|\\*",
        year in select(&["*", "1970", "2199", "1980-1990"][..]),
        after in any::<i64>(),
    ) {
        let (month_day, week_day) = day.fields();
        let text = format!("cron({minute} 2 {month_day} {month} {week_day} {year})");
        let after = Timestamp::from_second(after % 377_705_023_201).unwrap_or_default();
        let times = expression(&text).next(&zone("America/New_York"), after, 3, after);
        prop_assert!(times.is_sorted() && times.iter().all(|time| *time > after));
    }

    #[test]
    fn days_are_the_days_of_the_calendar(
        day in a_day(),
        month in prop::option::of(1_i8..=12),
        begin in 0_i32..80_000,
    ) {
        let (month_day, week_day) = day.fields();
        let month_field = month.map_or("*".to_owned(), |month| month.to_string());
        let read = expression(&format!("cron(7 3 {month_day} {month_field} {week_day} *)"));
        let begin = jiff::civil::date(1970, 1, 1) + begin.days();
        let wanted: Vec<Timestamp> = begin
            .series(1.days())
            .take(2 * 366)
            .filter(|date| day.is(*date) && month.is_none_or(|month| month == date.month()))
            .filter(|date| date.year() < 2200)
            .map(|date| Timezone::default().instant(date.at(3, 7, 0, 0)).unwrap())
            .take(MOST_TIMES)
            .collect();
        let after = Timezone::default().instant(begin.at(0, 0, 0, 0)).unwrap();
        prop_assert_eq!(read.next(&Timezone::default(), after, wanted.len(), after), wanted);
    }

    #[test]
    fn times_are_those_that_a_clock_shows_first(
        (name, change) in select(&CHANGES[..]),
        before in 0_i64..3 * 24 * 60,
        seconds in 0_i64..60,
        minutes in prop::collection::vec(0_i8..60, 1..8),
        hours in prop::collection::vec(0_i8..5, 1..4),
        day in a_day(),
    ) {
        let (month_day, week_day) = day.fields();
        let read = expression(&format!(
            "cron({} {} {month_day} * {week_day} *)", numbers(&minutes), numbers(&hours)
        ));
        let zone = zone(name);
        let after = at(change) - SignedDuration::from_mins(before) + SignedDuration::from_secs(seconds);
        // From long before on, so that what is shown for the second time is known.
        let begin = at(change) - SignedDuration::from_hours(5 * 24);
        let mut shown = HashSet::new();
        let wanted: Vec<Timestamp> = (0..7 * 24 * 60)
            .map(|on| begin + SignedDuration::from_mins(on))
            .filter(|time| shown.insert(zone.clock(*time)))
            .filter(|time| {
                let clock = zone.clock(*time);
                hours.contains(&clock.hour()) && minutes.contains(&clock.minute()) && day.is(clock.date())
            })
            .filter(|time| *time > after)
            .take(MOST_TIMES)
            .collect();
        prop_assert_eq!(read.next(&zone, after, wanted.len(), after), wanted);
    }

    #[test]
    fn rates_come_at_even_distances(
        value in 2_u32..100_000,
        anchor in 0_i64..4_000_000_000,
        after in 0_i64..4_000_000_000,
    ) {
        let anchor = Timestamp::from_second(anchor)?;
        let after = Timestamp::from_second(after)?;
        let every = SignedDuration::from_mins(value.into());
        let times = expression(&format!("rate({value} minutes)")).next(&Timezone::default(), anchor, 3, after);
        prop_assert!(times[0] > after && (times[0] == anchor || times[0] - every <= after));
        prop_assert!(times[0] >= anchor);
        prop_assert_eq!(times[0].duration_since(anchor).as_secs() % every.as_secs(), 0);
        prop_assert_eq!(&times[1..], [times[0] + every, times[0] + every * 2]);
    }
}
