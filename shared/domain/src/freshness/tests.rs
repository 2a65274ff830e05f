use rstest::rstest;

use super::*;
use crate::connection::Connection;
use crate::expression::Timezone;
use crate::sample::{NOW, backup, created, occasion};
use crate::schedule::ScheduleOrder;
use crate::selection::{Selection, SelectionParts};

const GRACE: SignedDuration = SignedDuration::from_hours(2);

fn connection() -> Connection {
    created().connection
}

/// A schedule that is as it is for long.
fn schedule(expression: &str, zone: &str, number: u8) -> Schedule {
    let long_ago = at("2026-11-01T00:00:00Z");
    let parts = SelectionParts { names: vec!["*".to_owned()], ..SelectionParts::default() };
    Schedule {
        id: ScheduleId::new(NOW, [number; 10]),
        connection_id: connection().id,
        order: ScheduleOrder {
            kind: Kind::DynamodbBackup,
            expression: expression.parse().unwrap(),
            timezone: zone.parse::<Timezone>().unwrap(),
            flexible_window_minutes: None,
            regions: None,
            select: Selection::new(parts).unwrap(),
            retention: None,
            enabled: true,
            ec2_backup: None,
        },
        created_at: long_ago,
        updated_at: long_ago,
        version: 1,
        published: 1,
        published_at: Some(long_ago),
        problem: None,
        deleted_at: None,
    }
}

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn seen(now: Timestamp) -> Freshness {
    let region = "eu-central-1".parse().unwrap();
    Freshness::seen(connection().id, Kind::DynamodbBackup, region, "Music".to_owned(), now)
}

fn made(created_at: Timestamp) -> Backup {
    Backup { created_at, ..backup(&connection()) }
}

fn looked(before: &Freshness, newest: Option<&Backup>, schedules: &[Schedule], now: Timestamp) -> Freshness {
    before.looked_at(newest, schedules, GRACE, now).unwrap_or_else(|| before.clone())
}

/// A weekday's schedule is silent at weekends, and Friday's backup is good until Monday's time has passed.
#[rstest]
#[case::every_day("cron(0 2 * * ? *)", "UTC", "2026-11-27T02:00:04Z", Some("2026-11-28T04:00:00Z"))]
#[case::weekdays("cron(0 2 ? * MON-FRI *)", "UTC", "2026-11-27T02:00:04Z", Some("2026-11-30T04:00:00Z"))]
#[case::by_local_clocks(
    "cron(0 2 * * ? *)",
    "Europe/Berlin",
    "2026-11-27T01:00:04Z",
    Some("2026-11-28T03:00:00Z")
)]
#[case::once("at(2026-12-01T00:00:00)", "UTC", "2026-11-27T02:00:04Z", Some("2026-12-01T02:00:00Z"))]
#[case::once_and_done("at(2026-12-01T00:00:00)", "UTC", "2026-12-01T00:00:04Z", None)]
fn a_schedule_promises_a_backup_by_its_next_time(
    #[case] expression: &str,
    #[case] zone: &str,
    #[case] since: &str,
    #[case] by: Option<&str>,
) {
    let promise = schedule(expression, zone, 1).promise(at(since), GRACE);
    assert_eq!(promise.map(|promise| promise.by), by.map(at));
}

#[test]
fn a_flexible_window_is_part_of_the_promise() {
    let mut wide = schedule("cron(0 2 * * ? *)", "UTC", 1);
    wide.order.flexible_window_minutes = Some(90);
    let promise = wide.promise(at("2026-11-27T02:00:04Z"), GRACE).unwrap();
    assert_eq!(promise.by, at("2026-11-28T05:30:00Z"));
}

#[test]
fn a_schedule_that_is_off_or_gone_or_makes_no_backups_promises_nothing() {
    let on = schedule("rate(1 day)", "UTC", 1);
    assert!(on.promises());
    let off = Schedule { order: ScheduleOrder { enabled: false, ..on.order.clone() }, ..on.clone() };
    let gone = Schedule { deleted_at: Some(NOW), ..on.clone() };
    let stops = Schedule { order: ScheduleOrder { kind: Kind::Ec2Stop, ..on.order.clone() }, ..on.clone() };
    assert!(!off.promises() && !gone.promises() && !stops.promises());
}

/// From the day on which it is first seen to a backup that comes late: told once when it is stale, once when cured.
#[test]
fn what_has_no_backup_in_time_is_told_once_and_again_when_it_has() {
    let schedules = [schedule("cron(0 2 * * ? *)", "UTC", 1)];
    let new = seen(at("2026-11-27T12:00:00Z"));
    let fresh = looked(&new, None, &schedules, at("2026-11-27T12:00:00Z"));
    assert_eq!((fresh.version, fresh.is_stale(), fresh.event(&new, &occasion())), (1, false, None));
    assert_eq!(fresh.promised_within(), Some(SignedDuration::from_hours(16)));
    assert_eq!(fresh.looked_at(None, &schedules, GRACE, at("2026-11-28T04:00:00Z")), None, "nothing is new");

    let stale = looked(&fresh, None, &schedules, at("2026-11-28T04:00:01Z"));
    assert_eq!(stale.stale_since, Some(at("2026-11-28T04:00:00Z")));
    let event = stale.event(&fresh, &occasion()).unwrap();
    assert_eq!(event.kind, EventType::BackupStale);
    assert_eq!((&event.data["stale"], &event.data["resource"]), (&json!(true), &json!("Music")));
    assert_eq!(event.data["schedule_id"], json!(schedules[0].id));
    let later = at("2026-11-29T12:00:00Z");
    assert_eq!(stale.looked_at(None, &schedules, GRACE, later), None, "it is told once");

    let backup = made(later);
    let cured = looked(&stale, Some(&backup), &schedules, at("2026-11-29T12:10:00Z"));
    assert_eq!((cured.stale_since, cured.backup_id), (None, Some(backup.id)));
    assert_eq!(cured.event(&stale, &occasion()).unwrap().data["stale"], false);
    assert_eq!(cured.closing_event(&occasion()), None);
}

/// A schedule that is made again in EventBridge counts anew from then, and makes no backup by that.
#[test]
fn what_is_stale_stays_so_until_there_is_a_newer_backup() {
    let backup = made(at("2026-11-27T00:00:00Z"));
    let hourly =
        Schedule { published_at: Some(at("2026-11-01T00:00:00Z")), ..schedule("rate(1 hour)", "UTC", 1) };
    let now = at("2026-11-27T03:00:01Z");
    let stale = looked(&seen(backup.created_at), Some(&backup), std::slice::from_ref(&hourly), now);
    assert!(stale.is_stale());
    let again = Schedule { published_at: Some(now), ..hourly };
    assert_eq!(stale.looked_at(Some(&backup), [&again], GRACE, now), None);
    let newer = made(now);
    assert!(!looked(&stale, Some(&newer), [again].as_slice(), now).is_stale());
}

#[test]
fn the_first_promise_counts_and_a_backup_that_is_gone_does_not() {
    let schedules = [schedule("cron(0 2 1 * ? *)", "UTC", 1), schedule("cron(0 3 * * ? *)", "UTC", 2)];
    let backup = made(at("2026-11-27T03:00:04Z"));
    let now = at("2026-11-27T06:00:00Z");
    let fresh = looked(&seen(at("2026-11-20T00:00:00Z")), Some(&backup), &schedules, now);
    assert_eq!(fresh.promise.unwrap().schedule_id, schedules[1].id);
    let older = made(at("2026-11-25T03:00:04Z"));
    let stale = looked(&fresh, Some(&older), &schedules, now);
    assert_eq!(stale.stale_since, Some(at("2026-11-26T05:00:00Z")));
}

#[test]
fn what_nobody_selects_any_more_is_closed_if_it_was_stale() {
    let schedules = [schedule("rate(1 hour)", "UTC", 1)];
    let fresh = looked(&seen(NOW), None, &schedules, NOW);
    assert_eq!(fresh.closing_event(&occasion()), None);
    let stale =
        looked(&fresh, None, &schedules, NOW.max(schedules[0].updated_at) + SignedDuration::from_hours(9));
    let event = stale.closing_event(&occasion()).unwrap();
    assert_eq!((&event.data["stale"], &event.data["reason"]), (&json!(false), &json!("not_selected")));
}

/// A schedule promises nothing from before it was, or selected the table: the next time is the first that counts.
#[rstest]
#[case::a_new_schedule("2026-11-27T12:00:00Z", "2026-11-01T00:00:00Z")]
#[case::a_table_that_is_newly_selected("2026-11-01T00:00:00Z", "2026-11-27T12:00:00Z")]
fn old_backups_are_not_held_against_a_new_promise(#[case] updated_at: &str, #[case] seen_at: &str) {
    let new = Schedule { updated_at: at(updated_at), ..schedule("cron(0 2 * * ? *)", "UTC", 1) };
    let old = made(at("2026-10-01T00:00:00Z"));
    let now = at("2026-11-27T12:00:00Z");
    let fresh = looked(&seen(at(seen_at)), Some(&old), std::slice::from_ref(&new), now);
    assert_eq!((fresh.stale_since, fresh.promise.unwrap().by), (None, at("2026-11-28T04:00:00Z")));
    let later = looked(&fresh, Some(&old), &[new], at("2026-11-28T04:00:01Z"));
    assert!(later.is_stale());
}

/// Made a second before the time that it is for, it is for this time and not for the one before.
#[test]
fn a_backup_may_be_a_moment_early() {
    let hourly = schedule("rate(12 hours)", "UTC", 1);
    let promise = hourly.promise(at("2026-11-27T11:59:59Z"), GRACE).unwrap();
    assert_eq!(promise.by, at("2026-11-28T02:00:00Z"));
}
