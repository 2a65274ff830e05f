use super::*;
use crate::error::ErrorKind;
use KeepReason::{Daily, Last, MaxAge, Monthly, NewestGood, NotGood, Weekly};
use jiff::civil::{Date, Weekday};
use proptest::prelude::*;
use proptest::sample::select;
use rstest::rstest;
use serde_json::{Value, json};

fn retention(value: Value) -> Retention {
    serde_json::from_value(value).unwrap()
}

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn zone(name: &str) -> Timezone {
    name.parse().unwrap()
}

/// Good backups, named by when they were made.
fn good(times: &[&'static str]) -> Vec<Candidate<&'static str>> {
    times.iter().map(|time| Candidate { id: *time, created_at: at(time), good: true }).collect()
}

fn kept<I: Clone>(decisions: &[Decision<I>]) -> Vec<I> {
    decisions.iter().filter(|decision| decision.keep).map(|decision| decision.id.clone()).collect()
}

/// Around the end of a month that is the end of an ISO year's first week.
const BACKUPS: [&str; 8] = [
    "2026-01-01T12:00Z",
    "2025-12-31T23:30Z",
    "2025-12-31T01:00Z",
    "2025-12-29T00:00Z",
    "2025-12-28T23:00Z",
    "2025-11-30T12:00Z",
    "2025-11-30T11:00Z",
    "2024-12-30T12:00Z",
];

#[rstest]
#[case(json!({"keep_last": 2}), "UTC", &[0, 1])]
#[case(json!({"keep_last": 100}), "UTC", &[0, 1, 2, 3, 4, 5, 6, 7])]
#[case(json!({"keep_daily": 1}), "UTC", &[0])]
#[case(json!({"keep_daily": 3}), "UTC", &[0, 1, 3])]
// There, the night's last hour belongs to the next day, and New Year's Eve ends sooner.
#[case(json!({"keep_daily": 3}), "Europe/Berlin", &[0, 2, 3])]
#[case(json!({"keep_daily": 3}), "America/New_York", &[0, 1, 2])]
#[case(json!({"keep_weekly": 3}), "UTC", &[0, 4, 5])]
#[case(json!({"keep_weekly": 2}), "Europe/Berlin", &[0, 5])]
#[case(json!({"keep_weekly": 9}), "UTC", &[0, 4, 5, 7])]
#[case(json!({"keep_monthly": 2}), "UTC", &[0, 1])]
#[case(json!({"keep_monthly": 2}), "Europe/Berlin", &[0, 2])]
#[case(json!({"keep_monthly": 9}), "UTC", &[0, 1, 5, 7])]
#[case(json!({"max_age_days": 1}), "UTC", &[0, 1])]
#[case(json!({"max_age_days": 4}), "UTC", &[0, 1, 2, 3])]
#[case(json!({"keep_last": 3, "keep_monthly": 3}), "UTC", &[0, 1, 2, 5])]
fn a_rule_keeps(#[case] value: Value, #[case] name: &str, #[case] stay: &[usize]) {
    let decisions = retention(value).decide(&good(&BACKUPS), &zone(name), at("2026-01-01T23:00Z"));
    let wanted: Vec<_> = stay.iter().map(|n| BACKUPS[*n]).collect();
    assert_eq!(kept(&decisions), wanted);
}

#[test]
fn every_reason_is_told() {
    let mut backups = good(&BACKUPS);
    backups.push(Candidate { id: "failed", created_at: at("2026-01-02T00:00Z"), good: false });
    backups.push(Candidate { id: "old and failed", created_at: at("2020-01-02T00:00Z"), good: false });
    backups.reverse();
    let all =
        json!({"keep_last": 2, "keep_daily": 2, "keep_weekly": 2, "keep_monthly": 2, "max_age_days": 2});
    let decisions = retention(all).decide(&backups, &zone("UTC"), at("2026-01-02T00:00Z"));
    let told: Vec<_> = decisions.iter().map(|decision| (decision.id, decision.reasons.as_slice())).collect();
    assert_eq!(
        told,
        [
            ("failed", &[NotGood][..]),
            (BACKUPS[0], &[Last, Daily, Weekly, Monthly, MaxAge, NewestGood]),
            (BACKUPS[1], &[Last, Daily, Monthly, MaxAge]),
            (BACKUPS[2], &[MaxAge]),
            (BACKUPS[3], &[]),
            (BACKUPS[4], &[Weekly]),
            (BACKUPS[5], &[]),
            (BACKUPS[6], &[]),
            (BACKUPS[7], &[]),
            ("old and failed", &[NotGood]),
        ]
    );
    assert!(decisions.iter().all(|decision| decision.keep != decision.reasons.is_empty()));
    assert_eq!(
        serde_json::to_value(&decisions[2]).unwrap(),
        json!({"id": BACKUPS[1], "keep": true, "reasons": ["last", "daily", "monthly", "max_age"]})
    );
}

#[test]
fn the_newest_good_one_stays_though_no_rule_keeps_it() {
    let mut backups = good(&BACKUPS);
    backups[0].good = false;
    let decisions =
        retention(json!({"max_age_days": 1})).decide(&backups, &zone("UTC"), at("2027-01-01T00:00Z"));
    assert_eq!(kept(&decisions), [BACKUPS[0], BACKUPS[1]]);
    assert_eq!(decisions[1].reasons, [NewestGood]);
}

#[test]
fn what_has_just_reached_its_age_goes() {
    let day_ago = |now: &str| {
        let backups = good(&["2026-03-30T10:00Z", "2026-03-28T10:00Z"]);
        kept(&retention(json!({"max_age_days": 2})).decide(&backups, &zone("Europe/Berlin"), at(now))).len()
    };
    assert_eq!(day_ago("2026-03-30T09:59:59Z"), 2);
    // A day is 24 hours, though clocks were set forward since.
    assert_eq!(day_ago("2026-03-30T10:00Z"), 1);
}

#[test]
fn nothing_comes_of_nothing() {
    let none: [Candidate<u8>; 0] = [];
    assert_eq!(
        retention(json!({"keep_last": 1})).decide(&none, &Timezone::default(), at("2026-01-01T00:00Z")),
        []
    );
}

#[rstest]
#[case(json!({"keep_last": 0}), &["/keep_last"])]
#[case(json!({"keep_last": 10_001}), &["/keep_last"])]
#[case(json!({"keep_daily": 10_001, "keep_weekly": 0, "keep_last": 1}), &["/keep_daily", "/keep_weekly"])]
#[case(json!({"keep_monthly": 10_001}), &["/keep_monthly"])]
#[case(json!({"max_age_days": 0}), &["/max_age_days"])]
#[case(json!({"max_age_days": 36_501}), &["/max_age_days"])]
fn what_is_out_of_bounds_is_named(#[case] value: Value, #[case] pointers: &[&str]) {
    let error = Retention::new(serde_json::from_value(value.clone()).unwrap()).unwrap_err();
    assert_eq!((error.kind, error.code), (ErrorKind::Malformed, "invalid_retention"));
    let found: Vec<_> = error.fields.iter().map(|field| field.pointer.as_str()).collect();
    assert_eq!(found, pointers);
    assert!(serde_json::from_value::<Retention>(value).is_err());
}

#[test]
fn no_rule_is_refused() {
    let error = Retention::new(RetentionParts::default()).unwrap_err();
    assert_eq!((error.kind, error.code), (ErrorKind::Refused, "retention_empty"));
    assert!(serde_json::from_value::<Retention>(json!({})).is_err());
}

#[rstest]
#[case(json!({"keep_yearly": 1, "keep_last": 1}))]
#[case(json!({"keep_last": -1}))]
#[case(json!({"keep_last": 1.5}))]
#[case(json!({"keep_last": "1"}))]
fn other_forms_are_refused(#[case] value: Value) {
    assert!(serde_json::from_value::<RetentionParts>(value.clone()).is_err());
    assert!(serde_json::from_value::<Retention>(value).is_err());
}

#[rstest]
#[case(json!({"keep_last": 1}))]
#[case(json!({
    "keep_last": 10_000, "keep_daily": 10_000, "keep_weekly": 10_000, "keep_monthly": 10_000, "max_age_days": 36_500,
}))]
fn it_is_written_as_it_was_read(#[case] value: Value) {
    assert_eq!(serde_json::to_value(retention(value.clone())).unwrap(), value);
    assert_eq!(serde_json::to_value(retention(value.clone()).parts()).unwrap(), value);
}

mod properties;
