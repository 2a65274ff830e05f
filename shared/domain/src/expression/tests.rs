use std::collections::HashSet;

use super::*;
use jiff::civil::{Date, Weekday};
use proptest::prelude::*;
use proptest::sample::select;
use rstest::rstest;

fn expression(text: &str) -> Expression {
    text.parse().unwrap()
}

fn zone(name: &str) -> Timezone {
    name.parse().unwrap()
}

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

/// The next times by the clocks of `zone`, of an expression that began with `after`.
fn next(text: &str, name: &str, after: &str, count: usize) -> Vec<String> {
    let after = at(after);
    let times = expression(text).next(&zone(name), after, count, after);
    times.into_iter().map(|time| zone(name).local(time)).collect()
}

/// AWS's own examples, from the two guides.
#[rstest]
#[case("cron(0 10 * * ? *)", &["2026-01-01T10:00", "2026-01-02T10:00"])]
#[case("cron(15 12 * * ? *)", &["2026-01-01T12:15", "2026-01-02T12:15"])]
#[case("cron(0 18 ? * MON-FRI *)", &["2026-01-01T18:00", "2026-01-02T18:00", "2026-01-05T18:00"])]
#[case("cron(0 8 1 * ? *)", &["2026-01-01T08:00", "2026-02-01T08:00"])]
#[case("cron(0/15 * * * ? *)", &["2026-01-01T00:15", "2026-01-01T00:30", "2026-01-01T00:45", "2026-01-01T01:00"])]
#[case("cron(1/10 * * * ? *)", &["2026-01-01T00:01", "2026-01-01T00:11", "2026-01-01T00:21", "2026-01-01T00:31"])]
#[case("cron(0/10 * ? * MON-FRI *)", &["2026-01-01T00:10", "2026-01-01T00:20"])]
#[case("cron(0/30 20-2 ? * MON-FRI *)", &["2026-01-01T00:30", "2026-01-01T01:00", "2026-01-01T01:30", "2026-01-01T02:00", "2026-01-01T02:30", "2026-01-01T20:00"])]
#[case("cron(15 10 ? * 6L 2026-2027)", &["2026-01-30T10:15", "2026-02-27T10:15", "2026-03-27T10:15"])]
#[case("cron(0 0 ? * 3#2 *)", &["2026-01-13T00:00", "2026-02-10T00:00", "2026-03-10T00:00"])]
#[case("cron(0 9 3W * ? *)", &["2026-01-02T09:00", "2026-02-03T09:00", "2026-03-03T09:00", "2026-04-03T09:00", "2026-05-04T09:00"])]
#[case("cron(0 0 7 JAN,FEB,MAR ? *)", &["2026-01-07T00:00", "2026-02-07T00:00", "2026-03-07T00:00", "2027-01-07T00:00"])]
// Both day fields, and what each of them may be.
#[case("cron(0 0 ? * * *)", &["2026-01-02T00:00", "2026-01-03T00:00"])]
#[case("cron(0 0 1-15 * ? *)", &["2026-01-02T00:00", "2026-01-03T00:00"])]
#[case("cron(0 0 ? * 1 *)", &["2026-01-04T00:00", "2026-01-11T00:00"])]
#[case("cron(0 0 ? * 7 *)", &["2026-01-03T00:00", "2026-01-10T00:00"])]
#[case("cron(0 0 ? * L *)", &["2026-01-03T00:00", "2026-01-10T00:00"])]
#[case("cron(0 0 ? * sat-mon *)", &["2026-01-03T00:00", "2026-01-04T00:00", "2026-01-05T00:00", "2026-01-10T00:00"])]
#[case("cron(0 0 ? * MON#1 *)", &["2026-01-05T00:00", "2026-02-02T00:00"])]
#[case("cron(0 0 ? * FRI#5 *)", &["2026-01-30T00:00", "2026-05-29T00:00"])]
#[case("cron(0 0 ? * FriL *)", &["2026-01-30T00:00", "2026-02-27T00:00"])]
#[case("cron(0 0 L * ? *)", &["2026-01-31T00:00", "2026-02-28T00:00", "2026-03-31T00:00"])]
#[case("cron(0 0 LW * ? *)", &["2026-01-30T00:00", "2026-02-27T00:00", "2026-03-31T00:00"])]
#[case("cron(0 0 1W 8 ? *)", &["2026-08-03T00:00", "2027-08-02T00:00"])]
#[case("cron(0 0 31W * ? *)", &["2026-01-30T00:00", "2026-03-31T00:00", "2026-05-29T00:00"])]
#[case("cron(0 0 28-2/2 1 ? *)", &["2026-01-28T00:00", "2026-01-30T00:00", "2027-01-01T00:00", "2027-01-28T00:00"])]
#[case("cron(50-10/10 3 1/30 * ? *)", &["2026-01-01T03:00", "2026-01-01T03:10", "2026-01-01T03:50", "2026-01-31T03:00"])]
#[case("cron(5,*/30 0 1 NOV-JAN/2 ? *)", &["2026-01-01T00:05", "2026-01-01T00:30", "2026-11-01T00:00"])]
// Leap days, and the ends of years and of time.
#[case("cron(0 0 29 2 ? *)", &["2028-02-29T00:00", "2032-02-29T00:00"])]
#[case("cron(0 0 29 2 ? 2100-2105)", &["2104-02-29T00:00"])]
#[case("cron(59 23 31 12 ? *)", &["2026-12-31T23:59", "2027-12-31T23:59"])]
#[case("cron(0 0 1 1 ? 2027,2199)", &["2027-01-01T00:00", "2199-01-01T00:00"])]
#[case("cron(59 23 31 12 ? 2199)", &["2199-12-31T23:59"])]
#[case("cron(0 0 1 1 ? 1970/200)", &["2170-01-01T00:00"])]
#[case("cron(0 0 1 1 ? 1970-2025)", &[])]
#[case("cron(0 0 31 2 ? *)", &[])]
#[case("cron(0 0 30W 2 ? *)", &[])]
#[case("rate(5 minutes)", &["2026-01-01T00:05", "2026-01-01T00:10"])]
#[case("rate(1 hour)", &["2026-01-01T01:00", "2026-01-01T02:00"])]
#[case("rate(1 days)", &["2026-01-02T00:00", "2026-01-03T00:00"])]
#[case("at(2026-11-20T13:00:00)", &["2026-11-20T13:00"])]
#[case("at(2025-11-20T13:00:00)", &[])]
#[case("at(2026-01-01T00:00:00)", &[])]
fn times_follow(#[case] text: &str, #[case] times: &[&str]) {
    let wanted: Vec<String> = times.iter().map(|time| format!("{time}:00+00:00")).collect();
    // One more tells that there are no others where fewer are named than could be.
    let all = next(text, "UTC", "2026-01-01T00:00:00Z", MOST_TIMES);
    assert_eq!(all[..wanted.len()], wanted);
    assert!(!wanted.is_empty() || all.is_empty(), "{all:?}");
    assert!(all.is_sorted());
    assert_eq!(expression(text).to_string(), text);
}

/// The examples of the guide's section on daylight saving time, and two zones that change at
/// another hour or by half an hour.
#[rstest]
// Clocks go from 2:00 to 3:00.
#[case("cron(30 2 * * ? *)", "America/Los_Angeles", "2026-03-07T12:00:00Z", &["2026-03-09T02:30:00-07:00"])]
#[case("cron(30 2 * * ? *)", "Europe/Berlin", "2026-03-27T12:00:00Z", &["2026-03-28T02:30:00+01:00", "2026-03-30T02:30:00+02:00"])]
#[case("cron(0 2,3 * * ? *)", "America/New_York", "2026-03-08T05:00:00Z", &["2026-03-08T03:00:00-04:00", "2026-03-09T02:00:00-04:00"])]
#[case("cron(0/30 * * * ? *)", "Europe/Berlin", "2026-03-29T00:15:00Z", &["2026-03-29T01:30:00+01:00", "2026-03-29T03:00:00+02:00"])]
#[case("cron(0 2 ? 3 1L *)", "Europe/Berlin", "2026-01-01T00:00:00Z", &[])]
#[case("at(2026-03-29T02:30:00)", "Europe/Berlin", "2026-01-01T00:00:00Z", &[])]
// They go from 3:00 back to 2:00, or from 2:00 to 1:00.
#[case("cron(30 2 * * ? *)", "Europe/Berlin", "2026-10-24T12:00:00Z", &["2026-10-25T02:30:00+02:00", "2026-10-26T02:30:00+01:00"])]
#[case("cron(30 1 * * ? *)", "America/New_York", "2026-11-01T04:00:00Z", &["2026-11-01T01:30:00-04:00", "2026-11-02T01:30:00-05:00"])]
#[case("cron(0/30 * * * ? *)", "Europe/Berlin", "2026-10-25T00:00:00Z", &["2026-10-25T02:30:00+02:00", "2026-10-25T03:00:00+01:00"])]
// It is 2:10 for the second time: what comes at 2:30 has been.
#[case("cron(0/30 * * * ? *)", "Europe/Berlin", "2026-10-25T01:10:00Z", &["2026-10-25T03:00:00+01:00"])]
#[case("at(2026-10-25T02:30:00)", "Europe/Berlin", "2026-01-01T00:00:00Z", &["2026-10-25T02:30:00+02:00"])]
#[case("at(2026-11-20T13:00:00)", "America/Los_Angeles", "2026-01-01T00:00:00Z", &["2026-11-20T13:00:00-08:00"])]
#[case("cron(45 1 * * ? *)", "Australia/Lord_Howe", "2026-04-04T00:00:00Z", &["2026-04-05T01:45:00+11:00", "2026-04-06T01:45:00+10:30"])]
#[case("cron(0 0 * * ? *)", "Africa/Cairo", "2026-04-23T12:00:00Z", &["2026-04-25T00:00:00+03:00"])]
#[case("cron(0 12 30 12 ? 2011)", "Pacific/Apia", "2011-12-01T00:00:00Z", &[])]
// A day of a rate is 24 hours.
#[case("rate(1 day)", "Europe/Berlin", "2026-03-28T09:00:00Z", &["2026-03-29T11:00:00+02:00"])]
fn clocks_that_change_skip_and_do_not_repeat(
    #[case] text: &str,
    #[case] name: &str,
    #[case] after: &str,
    #[case] times: &[&str],
) {
    assert_eq!(next(text, name, after, times.len().max(1)), times);
}

#[test]
fn a_rate_counts_from_where_it_began() {
    let times = |after: &str| {
        expression("rate(7 minutes)").next(&zone("UTC"), at("2026-01-01T00:00:30.5Z"), 2, at(after))
    };
    let first = ["2026-01-01T00:00:30.5Z", "2026-01-01T00:07:30.5Z"].map(at);
    assert_eq!(times("2020-01-01T00:00:00Z"), first);
    assert_eq!(times("2026-01-01T00:00:30Z"), first);
    let later = ["2026-01-01T00:07:30.5Z", "2026-01-01T00:14:30.5Z"].map(at);
    assert_eq!(times("2026-01-01T00:00:30.5Z"), later);
    assert_eq!(times("2026-01-01T00:07:30Z"), later);
    // It ends with time.
    let end = Timestamp::MAX;
    assert!(
        expression("rate(4294967295 days)").next(&zone("UTC"), at("2026-01-01T00:00Z"), 2, end).is_empty()
    );
}

#[rstest]
#[case("cron(0 5 * * ? *)", 0)]
#[case("rate(1 minute)", 0)]
#[case("cron(* * * * ? *)", 1000)]
fn no_more_times_than_asked_for_and_allowed(#[case] text: &str, #[case] count: usize) {
    assert_eq!(next(text, "UTC", "2026-01-01T00:00:00Z", count).len(), count.min(100));
}

#[rstest]
#[case("rate(6 hours)", Some(6))]
#[case("at(2026-11-20T13:00:00)", None)]
#[case("cron(0 0 1 1 ? 2027)", None)]
#[case("cron(0 0 31 2 ? *)", None)]
#[case("cron(0 5 * * ? *)", Some(24))]
#[case("cron(0 5 ? * MON-FRI *)", Some(72))]
#[case("cron(0 0 1 * ? *)", Some(31 * 24))]
#[case("cron(0 0 29 2 ? *)", Some((8 * 365 + 1) * 24))]
// The pause is longer than what the next 50 show.
#[case("cron(0/5 9-17 ? * MON-FRI *)", Some(63))]
#[case("cron(0/1 0-22 1-7 * ? *)", Some(24 * 24 + 1))]
fn the_longest_wait_is_found(#[case] text: &str, #[case] hours: Option<i64>) {
    let begin = at("2026-01-05T09:00:00Z");
    let gap = expression(text).longest_gap(&zone("UTC"), begin, begin);
    assert_eq!(gap.map(|gap| (gap + SignedDuration::from_mins(30)).as_hours()), hours);
    assert_eq!(expression(text).is_recurring(), !text.starts_with("at"));
}

#[test]
fn the_longest_wait_is_past_the_skipped_hour() {
    let begin = at("2026-03-25T00:00:00Z");
    let gap = expression("cron(30 2 * * ? *)").longest_gap(&zone("Europe/Berlin"), begin, begin);
    assert_eq!(gap, Some(SignedDuration::from_hours(47)));
}

#[rstest]
#[case::nothing("", "rate(…), cron(…) or at(…)")]
#[case("every day", "rate(…), cron(…) or at(…)")]
#[case("cron", "rate(…), cron(…) or at(…)")]
#[case("Cron(0 5 * * ? *)", "rate(…), cron(…) or at(…)")]
#[case("cron(0 5 * * ? *) ", "rate(…), cron(…) or at(…)")]
#[case("cron(0 5 * * ? *", "rate(…), cron(…) or at(…)")]
#[case("cron( 0 5 * * ? *)", "no space")]
#[case("cron(0 5 * *\t? *)", "ASCII")]
#[case("cron(0 5 * * ? ٣)", "ASCII")]
#[case("cron()", "six fields")]
#[case::unix("cron(0 5 * * *)", "six fields")]
#[case::no_year("cron(0 5 * * ?)", "six fields")]
#[case::seconds("cron(0 0 5 * * ? *)", "six fields")]
#[case::both_days("cron(0 5 * * * *)", "exactly one")]
#[case("cron(0 5 1 * MON *)", "exactly one")]
#[case("cron(0 5 ? * ? *)", "exactly one")]
#[case("cron(60 5 * * ? *)", "minutes: 60")]
#[case("cron(-1 5 * * ? *)", "minutes: something is missing")]
#[case("cron(+1 5 * * ? *)", "minutes: +1")]
#[case("cron(? 5 * * ? *)", "minutes: ?")]
#[case("cron(L 5 * * ? *)", "minutes: L")]
#[case("cron(1, 5 * * ? *)", "minutes: something is missing")]
#[case("cron(1-2-3 5 * * ? *)", "minutes: 2-3")]
#[case("cron(*,5 5 * * ? *)", "minutes: *")]
#[case("cron(*/60 5 * * ? *)", "minutes: what follows /")]
#[case("cron(*/0 5 * * ? *)", "minutes: what follows /")]
#[case("cron(*/ 5 * * ? *)", "minutes: what follows /")]
#[case("cron(/5 5 * * ? *)", "minutes: something is missing")]
#[case("cron(*/5/5 5 * * ? *)", "minutes: what follows /")]
#[case("cron(99999999999 5 * * ? *)", "minutes: 99999999999")]
#[case("cron(0 24 * * ? *)", "hours: 24")]
#[case("cron(0 0 0 * ? *)", "day-of-month: 0 is not within 1-31")]
#[case("cron(0 0 32W * ? *)", "day-of-month: 32")]
#[case("cron(0 0 W * ? *)", "day-of-month: something is missing")]
#[case("cron(0 0 L-3 * ? *)", "day-of-month: L, LW")]
#[case("cron(0 0 1,L * ? *)", "day-of-month: L, LW")]
#[case("cron(0 0 1W,15 * ? *)", "day-of-month: L, LW")]
#[case("cron(0 0 * 13 ? *)", "month: 13 is not within 1-12 or JAN-DEC")]
#[case("cron(0 0 * SUN ? *)", "month: SUN")]
#[case("cron(0 0 * JANUARY ? *)", "month: JANUARY")]
#[case("cron(0 0 * 1/FEB ? *)", "month: what follows /")]
#[case("cron(0 0 ? * 0 *)", "day-of-week: 0")]
#[case("cron(0 0 ? * 8 *)", "day-of-week: 8 is not within 1-7 or SUN-SAT")]
#[case("cron(0 0 ? * 1/2 *)", "day-of-week: / is not allowed")]
#[case("cron(0 0 ? * 3#1,6#3 *)", "day-of-week: what follows #")]
#[case("cron(0 0 ? * 3#6 *)", "day-of-week: what follows #")]
#[case("cron(0 0 ? * #2 *)", "day-of-week: something is missing")]
#[case("cron(0 0 ? * 2,6L *)", "day-of-week: 2,6")]
#[case("cron(0 0 ? * L-1 *)", "day-of-week: L")]
#[case("cron(0 0 ? * 3W *)", "day-of-week: 3W")]
#[case("cron(0 0 * * ? 1969)", "year: 1969 is not within 1970-2199")]
#[case("cron(0 0 * * ? 2200)", "year: 2200")]
#[case("cron(0 0 * * ? 2030-2026)", "year: 2030-2026 ends before it begins")]
#[case("cron(0 0 * * ? ?)", "year: ?")]
#[case("rate(5)", "a number and a unit")]
#[case("rate(5 minutes now)", "a number and a unit")]
#[case("rate(0 minutes)", "whole number")]
#[case("rate(-5 minutes)", "whole number")]
#[case("rate(1.5 hours)", "whole number")]
#[case("rate(4294967296 minutes)", "whole number")]
#[case("rate(10 seconds)", "minutes, hours or days")]
#[case("rate(5 Minutes)", "minutes, hours or days")]
#[case("rate(5 day)", "for 1 only")]
#[case("at(2026-11-20)", "yyyy-mm-ddThh:mm:ss")]
#[case("at(2026-11-20T13:00)", "yyyy-mm-ddThh:mm:ss")]
#[case("at(2026-11-20T13:00:00Z)", "yyyy-mm-ddThh:mm:ss")]
#[case("at(2026-11-20 13:00:00)", "yyyy-mm-ddThh:mm:ss")]
#[case("at(2026-11-20T13:00:60)", "yyyy-mm-ddThh:mm:ss")]
#[case("at(2026-11-20T13:00:00.5)", "yyyy-mm-ddThh:mm:ss")]
#[case("at(2026-02-29T13:00:00)", "yyyy-mm-ddThh:mm:ss")]
#[case("at(-002026-11-20T13:00:00)", "yyyy-mm-ddThh:mm:ss")]
fn what_is_no_expression_is_refused(#[case] text: &str, #[case] why: &str) {
    let error = text.parse::<Expression>().unwrap_err();
    assert_eq!(error.code, "invalid_expression");
    assert!(error.detail.contains(why), "{}", error.detail);
    assert!(error.detail.contains("for example "), "{}", error.detail);
}

#[test]
fn an_expression_is_not_endless() {
    let long = format!("cron({},00 5 * * ? *)", ["0"; 119].join(","));
    assert_eq!(long.len(), 256);
    assert_eq!(expression(&long).to_string(), long);
    assert!(long.replace(" 5", " 15").parse::<Expression>().is_err());
}

#[rstest]
#[case("Europe/Berlin", "Europe/Berlin", "2026-07-01T02:00:00+02:00")]
#[case("europe/BERLIN", "Europe/Berlin", "2026-07-01T02:00:00+02:00")]
#[case("America/Argentina/ComodRivadavia", "America/Argentina/ComodRivadavia", "2026-06-30T21:00:00-03:00")]
#[case("Asia/Kathmandu", "Asia/Kathmandu", "2026-07-01T05:45:00+05:45")]
#[case("utc", "UTC", "2026-07-01T00:00:00+00:00")]
fn zones_are_read(#[case] text: &str, #[case] name: &str, #[case] local: &str) {
    assert_eq!(zone(text).to_string(), name);
    assert_eq!(zone(text).local(at("2026-07-01T00:00:00Z")), local);
    assert_eq!(zone(text), zone(name));
    assert_eq!(serde_json::to_value(zone(text)).unwrap(), name);
    assert_eq!(serde_json::from_value::<Timezone>(name.into()).unwrap(), zone(name));
}

#[rstest]
#[case("")]
#[case("CET+1")]
#[case("+02:00")]
#[case("Berlin")]
#[case("Europe/Berlin ")]
#[case("Etc/Unknown")]
#[case("Factory")]
#[case("../../etc/localtime")]
fn what_is_no_zone_is_refused(#[case] text: &str) {
    assert_eq!(text.parse::<Timezone>().unwrap_err().code, "invalid_timezone");
}

#[test]
fn it_is_utc_unless_one_is_named() {
    assert_eq!(Timezone::default(), zone("UTC"));
    assert_eq!(Timezone::default().as_str(), "UTC");
}

mod properties;
