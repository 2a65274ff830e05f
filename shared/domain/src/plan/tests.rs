use super::*;
use crate::capability::{Capability, CapabilitySet};
use crate::sample::{NOW, created, occasion};
use crate::state::ConnectionState;
use crate::{Connection, EventId};
use rstest::rstest;

const LIFETIME: SignedDuration = SignedDuration::from_mins(15);

fn operation(number: u8) -> Operation {
    let connection = Connection {
        state: ConnectionState::Active,
        capabilities: CapabilitySet::new([Capability::Ec2Terminate]).unwrap(),
        ..created().connection
    };
    let order = Order {
        action: "ec2:TerminateInstances".parse().unwrap(),
        region: "eu-central-1".parse().unwrap(),
        dry_run: false,
        reason: Some("why".to_owned()),
    };
    Operation::begin(OperationId::new(NOW, [number; 10]), order, &connection, &occasion()).unwrap()
}

fn print(parts: &[(&str, &str)]) -> Print {
    parts.iter().map(|(part, value)| ((*part).to_owned(), (*value).to_owned())).collect()
}

fn seen(prints: &[(&str, &[(&str, &str)])]) -> Seen {
    let target = |id: &str| PlanTarget { id: id.to_owned(), kind: "instance".to_owned(), facts: Map::new() };
    Seen {
        targets: prints.iter().map(|(id, _)| target(id)).collect(),
        prints: prints.iter().map(|(id, parts)| ((*id).to_owned(), print(parts))).collect(),
        ..Seen::default()
    }
}

fn two() -> Seen {
    seen(&[("i-1", &[("state", "running"), ("launched", "then")]), ("i-2", &[("state", "stopped")])])
}

fn planned() -> Plan {
    Plan::create(PlanId::new(NOW, [6; 10]), &operation(1), two(), LIFETIME, &occasion()).0
}

fn by(name: &str, now: Timestamp) -> Occasion {
    Occasion { now, actor: Actor::Operator(name.to_owned()), event_id: EventId::new(now, [9; 10]) }
}

#[test]
fn a_plan_is_pending_until_it_is_applied_or_too_old() {
    let plan = planned();
    let last = NOW + LIFETIME - SignedDuration::from_millis(1);
    assert_eq!(
        [NOW, last, NOW + LIFETIME].map(|now| plan.state_at(now)),
        [PlanState::Pending, PlanState::Pending, PlanState::Expired]
    );
    assert!(plan.can_be_applied(last).is_ok());
    let error = plan.apply(&operation(2), &by("late", NOW + LIFETIME)).unwrap_err();
    assert_eq!((error.kind, error.code), (ErrorKind::Gone, "plan_expired"));
}

#[test]
fn a_plan_is_applied_once_by_whoever_does() {
    let plan = planned();
    let applied = plan.apply(&operation(2), &by("second", NOW)).unwrap();
    assert_eq!(applied.before, plan);
    assert_eq!((applied.plan.state, applied.plan.version), (PlanState::Applied, 2));
    assert_eq!(applied.plan.operation_id, Some(operation(2).id));
    // Who planned it and who applied it are both told.
    assert_eq!(applied.plan.actor, Actor::Drawbridge);
    assert_eq!(applied.plan.applied_by, Some(Actor::Operator("second".to_owned())));
    let event = &applied.event;
    assert_eq!((event.kind, event.data["planned_by"].as_str()), (EventType::PlanApplied, Some("drawbridge")));
    assert_eq!(event.data["operation_id"], operation(2).id.to_string());

    let error = applied.plan.apply(&operation(3), &by("third", NOW)).unwrap_err();
    assert_eq!((error.kind, error.code), (ErrorKind::Conflict, "plan_already_applied"));
    assert!(error.detail.contains(&operation(2).id.to_string()));
    // An applied plan does not become too old.
    assert_eq!(applied.plan.state_at(NOW + LIFETIME), PlanState::Applied);
}

#[test]
fn its_event_names_its_targets_and_nothing_of_them() {
    let (plan, event) = Plan::create(PlanId::new(NOW, [6; 10]), &operation(1), two(), LIFETIME, &occasion());
    assert_eq!(event.kind, EventType::PlanCreated);
    assert_eq!(event.data["targets"], json!(["i-1", "i-2"]));
    assert_eq!(event.data["plan_id"], plan.id.to_string());
    assert!(!event.data.contains_key("operation_id"));
    let order = plan.order();
    assert_eq!((order.action.as_str(), order.dry_run), ("ec2:TerminateInstances", false));
    assert_eq!(order.reason.as_deref(), Some("why"));
}

#[rstest]
#[case::same(two(), &[])]
#[case::state(
    seen(&[("i-1", &[("state", "stopped"), ("launched", "then")]), ("i-2", &[("state", "stopped")])]),
    &[("/targets/0", "state was running and is stopped")]
)]
#[case::gone(seen(&[("i-1", &[("state", "running"), ("launched", "then")])]), &[("/targets/1", "it is gone")])]
#[case::part_gone(
    seen(&[("i-1", &[("state", "running")]), ("i-2", &[("state", "stopped"), ("volumes", "vol-1")])]),
    &[("/targets/0", "launched was then and is none"), ("/targets/1", "volumes was none and is vol-1")]
)]
#[case::another(
    seen(&[
        ("i-1", &[("state", "running"), ("launched", "then")]), ("i-2", &[("state", "stopped")]), ("i-3", &[]),
    ]),
    &[("/targets", "i-3 was no target")]
)]
fn what_has_changed_is_told(#[case] now: Seen, #[case] changes: &[(&str, &str)]) {
    match planned().still_fits(&now) {
        Ok(()) => assert!(changes.is_empty()),
        Err(error) => {
            assert_eq!((error.kind, error.code), (ErrorKind::Conflict, "plan_stale"));
            let told: Vec<_> =
                error.fields.iter().map(|field| (field.pointer.as_str(), field.detail.as_str())).collect();
            assert_eq!(told, changes);
        }
    }
}

#[test]
fn what_is_hashed_is_not_told() {
    let hashed = format!("the item{HASHED}");
    let plan = Plan::create(
        PlanId::new(NOW, [6; 10]),
        &operation(1),
        seen(&[("orders", &[(&hashed, "0a1b")])]),
        LIFETIME,
        &occasion(),
    );
    let error = plan.0.still_fits(&seen(&[("orders", &[(&hashed, "2c3d")])])).unwrap_err();
    assert_eq!(error.fields[0].detail, "the item has changed");
}
