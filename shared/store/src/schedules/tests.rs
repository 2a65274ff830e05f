use super::*;
use crate::sample::{NOW, full};
use crate::scripted::{Scripted, found, unmet};
use domain::connection::Occasion;
use domain::kind::Kind;
use domain::schedule::ScheduleOrder;
use domain::selection::{Selection, SelectionParts};
use domain::{Capability, CapabilitySet, Connection, ConnectionState};

fn connection() -> Connection {
    let capabilities = CapabilitySet::new([Capability::DynamodbBackup]).unwrap();
    Connection { state: ConnectionState::Active, capabilities, ..full() }
}

fn occasion() -> Occasion {
    domain::sample::occasion()
}

fn made() -> ScheduleChange {
    let parts = SelectionParts { names: vec!["*".to_owned()], ..SelectionParts::default() };
    let order = ScheduleOrder {
        kind: Kind::DynamodbBackup,
        expression: "rate(1 day)".parse().unwrap(),
        timezone: domain::expression::Timezone::default(),
        flexible_window_minutes: None,
        regions: None,
        select: Selection::new(parts).unwrap(),
        retention: None,
        enabled: true,
        ec2_backup: None,
    };
    Schedule::create(ScheduleId::new(NOW, [5; 10]), order, &connection(), &occasion()).unwrap()
}

#[test]
fn a_deleted_schedule_is_in_no_list_of_its_connections_and_stands_until_it_is_removed() {
    let schedule = made().schedule;
    let item = schedule_item(&schedule).unwrap();
    assert_eq!(item["list_key"], text(format!("schedules#{}", schedule.connection_id)));
    assert_eq!(item["state_key"], text("schedules"));
    assert!(!item.contains_key("expires_at"));
    let item = schedule_item(&schedule.delete(&occasion()).schedule).unwrap();
    assert!(!item.contains_key("list_key") && item.contains_key("state_key"));
    assert!(item.contains_key("expires_at"));
}

#[tokio::test]
async fn a_change_is_for_what_was_read() {
    let table = Scripted::new();
    let change = made();
    table.store.create_schedule(&change, None).await.unwrap();
    let deleted = change.schedule.delete(&occasion());
    table.store.change_schedule(&change.schedule, &deleted, None).await.unwrap();
    let put = table.sent()[1][0].put().unwrap().clone();
    assert_eq!(put.condition_expression(), Some("version = :version"));
    assert_eq!(put.expression_attribute_values().unwrap()[":version"], number(1));
    assert_eq!(table.sent()[1].len(), 2, "with its event");
    table.refuse(unmet(0, 2), vec![]);
    let error = table.store.change_schedule(&change.schedule, &deleted, None).await.unwrap_err();
    assert_eq!(error.code, "concurrent_change");
}

#[tokio::test]
async fn a_deleted_schedule_is_not_found_though_its_record_stands() {
    let table = Scripted::new();
    let schedule = made().schedule;
    let deleted = schedule.delete(&occasion()).schedule;
    table.hold(Key::schedule(schedule.id), schedule_item(&deleted).unwrap());
    assert_eq!(table.store.schedule(schedule.id).await.unwrap_err().code, "not_found");
    assert_eq!(table.store.schedule_record(schedule.id).await.unwrap(), Some(deleted));
}

/// What stands in EventBridge is noted of the version that was published, and of no later one.
#[tokio::test]
async fn what_has_changed_meanwhile_is_not_noted_as_published() {
    let table = Scripted::new();
    let held = made().schedule.held(Some(NOW));
    assert!(table.store.note_published(&held).await.unwrap());
    table.refuse_put(PutItemError::ConditionalCheckFailedException(found(None)), vec![]);
    assert!(!table.store.note_published(&held).await.unwrap());
    table.refuse_delete(DeleteItemError::ConditionalCheckFailedException(found(None)));
    table.store.forget_schedule(held.id).await.unwrap();
}
