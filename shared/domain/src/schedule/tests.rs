use super::*;
use crate::sample::{NOW, created, occasion, submitted};
use crate::selection::SelectionParts;
use crate::{Capability, CapabilitySet, ConnectionState};
use rstest::rstest;

fn connection(capabilities: &[Capability]) -> Connection {
    let connection = submitted(&created().connection, "arn:aws:iam::222222222222:role/customer").connection;
    Connection {
        state: ConnectionState::Active,
        capabilities: CapabilitySet::new(capabilities.iter().copied()).unwrap(),
        regions: ["eu-central-1", "eu-west-1"].map(|region| region.parse().unwrap()).into(),
        ..connection
    }
}

fn order() -> ScheduleOrder {
    let parts = SelectionParts { names: vec!["*".to_owned()], ..SelectionParts::default() };
    ScheduleOrder {
        kind: Kind::DynamodbBackup,
        expression: "cron(0 2 * * ? *)".parse().unwrap(),
        timezone: "Europe/Berlin".parse().unwrap(),
        flexible_window_minutes: None,
        regions: None,
        select: Selection::new(parts).unwrap(),
        retention: None,
        enabled: true,
        ec2_backup: None,
    }
}

fn made(order: ScheduleOrder, connection: &Connection) -> Result<Schedule, Error> {
    let id = ScheduleId::new(NOW, [5; 10]);
    Schedule::create(id, order, connection, &occasion()).map(|change| change.schedule)
}

fn tagged() -> Selection {
    let tags = [("backup".to_owned(), "yes".to_owned())].into();
    Selection::new(SelectionParts { tags, ..SelectionParts::default() }).unwrap()
}

#[rstest]
#[case::another_kind(ScheduleOrder { kind: Kind::Ec2Stop, ..order() }, "capability_missing")]
#[case::no_window(ScheduleOrder { flexible_window_minutes: Some(0), ..order() }, "invalid_flexible_window")]
#[case::too_wide_a_window(ScheduleOrder { flexible_window_minutes: Some(1441), ..order() }, "invalid_flexible_window")]
#[case::no_region(ScheduleOrder { regions: Some(BTreeSet::new()), ..order() }, "regions_empty")]
#[case::another_region(ScheduleOrder { regions: Some(["us-east-1".parse().unwrap()].into()), ..order() }, "region_not_connected")]
fn what_the_connection_is_not_for_is_refused(#[case] order: ScheduleOrder, #[case] code: &str) {
    assert_eq!(made(order, &connection(&[Capability::DynamodbBackup])).unwrap_err().code, code);
}

/// Each kind names what it needs: the manual procedure's role lacks the right to read tags.
#[test]
fn selecting_by_tag_takes_the_right_to_read_tags() {
    let by_tag = ScheduleOrder { select: tagged(), ..order() };
    assert!(made(order(), &connection(&[Capability::Classic])).is_ok());
    let refused = made(by_tag.clone(), &connection(&[Capability::Classic])).unwrap_err();
    assert_eq!(refused.code, "capability_missing");
    assert!(refused.detail.contains("dynamodb:ListTagsOfResource"), "{}", refused.detail);
    assert!(made(by_tag, &connection(&[Capability::DynamodbBackup])).is_ok());
    assert_eq!(made(order(), &connection(&[Capability::Ec2Power])).unwrap_err().code, "capability_missing");
}

#[rstest]
#[case(ConnectionState::Offboarding)]
#[case(ConnectionState::Offboarded)]
fn what_ends_is_scheduled_no_more(#[case] state: ConnectionState) {
    let ending = Connection { state, ..connection(&[Capability::DynamodbBackup]) };
    assert_eq!(made(order(), &ending).unwrap_err().code, "state_conflict");
}

/// A suspended connection keeps its schedules, and can be given others.
#[test]
fn a_schedule_changes_is_published_and_is_deleted() {
    let connection = connection(&[Capability::DynamodbBackup]);
    let first = made(order(), &connection).unwrap();
    assert!(!first.is_published());
    let held = first.held(Some(NOW));
    assert!(held.is_published());
    assert_eq!((held.published_at, held.held(None).published_at), (Some(NOW), Some(NOW)));
    let paused = ScheduleOrder { enabled: false, ..order() };
    let change = held.change(paused, &connection, &occasion()).unwrap();
    assert_eq!((change.schedule.version, change.schedule.is_published()), (2, false));
    let message = serde_json::to_value(change.message()).unwrap();
    assert_eq!(message, json!({"kind": "publish", "schedule_id": first.id, "version": 2, "asked_at": NOW}),);
    let deleted = change.schedule.delete(&occasion());
    assert_eq!((deleted.schedule.deleted_at, deleted.schedule.version), (Some(NOW), 3));
    assert_eq!(serde_json::to_value(deleted.event.kind).unwrap(), "schedule.deleted");
}

#[test]
fn its_runs_do_what_it_says() {
    let connection = connection(&[Capability::DynamodbBackup]);
    let schedule = made(order(), &connection).unwrap();
    let run = schedule.run_order();
    assert_eq!(run.scope, Scope::Connections(vec![connection.id]));
    assert_eq!(run.terms.schedule_id, Some(schedule.id));
    assert_eq!(run.terms.timezone, schedule.order.timezone);
}
