use std::collections::BTreeMap;

use super::*;
use crate::Answer;
use crate::sample::{NOW, claimed, full};
use crate::scripted::{Scripted, unmet};
use domain::operation::Order;
use domain::plan::{PlanTarget, Seen};
use domain::sample::occasion;
use domain::{Connection, ConnectionState, ErrorKind, OperationId};
use jiff::SignedDuration;
use serde_json::{Map, json};

fn operation(number: u8) -> Operation {
    let connection = Connection { state: ConnectionState::Active, ..full() };
    let order = Order {
        action: connection.capabilities.effective().first().unwrap().actions().next().unwrap(),
        region: connection.regions.first().unwrap().clone(),
        dry_run: false,
        reason: None,
    };
    Operation::begin(OperationId::new(NOW, [number; 10]), order, &connection, &occasion()).unwrap()
}

fn planned() -> (Plan, AuditEvent) {
    let facts = Map::from_iter([("size_gib".to_owned(), json!(8)), ("name".to_owned(), json!("web"))]);
    let seen = Seen {
        targets: vec![PlanTarget { id: "i-1".to_owned(), kind: "instance".to_owned(), facts }],
        blast_radius: Map::from_iter([("volumes".to_owned(), json!([{"volume": "vol-1", "size_gib": 8}]))]),
        warnings: vec![],
        prints: [("i-1".to_owned(), BTreeMap::from([("state".to_owned(), "running".to_owned())]))].into(),
    };
    let id = PlanId::new(NOW, [4; 10]);
    Plan::create(id, &operation(1), seen, SignedDuration::from_mins(15), &occasion())
}

fn sealed() -> Sealed {
    Sealed { input: json!({"Key": {"pk": {"S": "somebody"}}}), salt: "random".to_owned() }
}

async fn completion() -> Completion {
    claimed().await.with(Answer { status: 201, body: "{}".to_owned() })
}

#[tokio::test]
async fn a_plan_is_written_with_its_input_apart() {
    let (table, (plan, event)) = (Scripted::new(), planned());
    table.store.create_plan(&plan, &sealed(), &event, Some(&completion().await)).await.unwrap();
    let [meta, kept, told, answered] = table.sent()[0].clone().try_into().unwrap();
    let (meta, kept) = (meta.put().unwrap().item().clone(), kept.put().unwrap().item().clone());
    assert_eq!((&meta["pk"], &meta["sk"]), (&text(format!("PLAN#{}", plan.id)), &text("META")));
    assert_eq!(meta["expires_at"], number(1_800_000_000 + 400 * 86_400));
    // What may be in the customer's tables goes when the plan can no longer be applied.
    assert_eq!((&kept["pk"], &kept["sk"]), (&meta["pk"], &text("INPUT")));
    assert_eq!(kept["expires_at"], number(1_800_000_000 + 900));
    assert_eq!(kept["input"], text(serde_json::to_string(&sealed()).unwrap()));
    let others = format!("{meta:?}{told:?}{answered:?}{:?}", sealed());
    assert!(!others.contains("somebody") && !others.contains("random"), "{others}");
    assert_eq!(told.put().unwrap().item()["type"], text("plan.created"));

    table.hold(Key::plan(plan.id), meta);
    table.hold(Key::plan_input(plan.id), kept);
    assert_eq!(table.store.plan(plan.id).await.unwrap(), plan);
    assert_eq!(table.store.plan_input(plan.id).await.unwrap(), sealed());
    let (nobody, another) = (Scripted::new(), PlanId::new(NOW, [5; 10]));
    assert_eq!(nobody.store.plan(another).await.unwrap_err().kind, ErrorKind::NotFound);
    assert_eq!(nobody.store.plan_input(another).await.unwrap_err().code, "plan_expired");
}

#[tokio::test]
async fn a_plan_is_applied_with_the_operation_that_carries_it_out() {
    let (table, (plan, _)) = (Scripted::new(), planned());
    let operation = operation(2).of_plan(plan.id);
    let applied = plan.apply(&operation, &occasion()).unwrap();
    table.store.apply_plan(&applied, &operation, Some(&completion().await)).await.unwrap();
    let [meta, forgotten, begun, told, answered] = table.sent()[0].clone().try_into().unwrap();
    let meta = meta.put().unwrap().clone();
    assert_eq!(meta.condition_expression(), Some("version = :version"));
    assert_eq!(meta.expression_attribute_values().unwrap()[":version"], number(1));
    assert_eq!((&meta.item()["state"], &meta.item()["version"]), (&text("applied"), &number(2)));
    assert_eq!(forgotten.delete().unwrap().key()["sk"], text("INPUT"));
    let begun = begun.put().unwrap().item().clone();
    assert_eq!(begun["pk"], text(format!("OPERATION#{}", operation.id)));
    assert_eq!(begun["plan_id"], text(plan.id.to_string()));
    assert_eq!(told.put().unwrap().item()["type"], text("plan.applied"));
    assert!(answered.put().unwrap().item()["pk"].as_s().unwrap().starts_with("IDEMPOTENCY#"));
}

#[tokio::test]
async fn of_two_that_apply_a_plan_one_does() {
    let (table, (plan, _)) = (Scripted::new(), planned());
    let operation = operation(2).of_plan(plan.id);
    let applied = plan.apply(&operation, &occasion()).unwrap();
    for (refused, code) in [(0, "plan_already_applied"), (4, "request_in_progress"), (2, "internal_error")] {
        table.refuse(unmet(refused, 5), vec![]);
        let completion = completion().await;
        let error = table.store.apply_plan(&applied, &operation, Some(&completion)).await.unwrap_err();
        assert_eq!(error.code, code);
    }
}
