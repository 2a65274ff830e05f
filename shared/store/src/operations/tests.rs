use super::*;
use crate::item::number;
use crate::sample::{NOW, claimed, connection_id, full};
use crate::scripted::{Scripted, found, unmet};
use crate::{Answer, Completion};
use domain::connection::Occasion;
use domain::operation::{Ending, Order, Target, TargetOutcome};
use domain::sample::occasion;
use domain::{Connection, ConnectionState, ErrorKind};

fn begun() -> Operation {
    let connection = Connection { state: ConnectionState::Active, ..full() };
    let order = Order {
        action: connection.capabilities.effective().first().unwrap().actions().next().unwrap(),
        region: connection.regions.first().unwrap().clone(),
        dry_run: false,
        reason: Some("why".to_owned()),
    };
    Operation::begin(OperationId::new(NOW, [3; 10]), order, &connection, &occasion()).unwrap()
}

fn ended() -> Operation {
    let target = Target {
        id: "i-1".to_owned(),
        outcome: TargetOutcome::Failed,
        code: Some("not_found".to_owned()),
        detail: Some("gone".to_owned()),
    };
    let ending = Ending { targets: vec![target], request_ids: vec!["r".to_owned()], had_output: true };
    begun().ended(ending, NOW)
}

async fn completion() -> Completion {
    claimed().await.with(Answer { status: 200, body: "{}".to_owned() })
}

fn event() -> AuditEvent {
    let occasion: Occasion = occasion();
    ended().event(&occasion)
}

#[tokio::test]
async fn an_operation_is_written_with_its_answer_before_aws_is_asked() {
    let (table, answer) = (Scripted::new(), completion().await);
    table.store.begin_operation(&begun(), Some(&answer)).await.unwrap();
    let [operation, answered] = table.sent()[0].clone().try_into().unwrap();
    let put = operation.put().unwrap().clone();
    assert_eq!(put.condition_expression(), Some("attribute_not_exists(pk)"));
    let item = put.item();
    assert_eq!(item["pk"], text(format!("OPERATION#{}", begun().id)));
    assert_eq!(item["list_key"], text(format!("operations#{}", begun().connection_id)));
    assert_eq!(item["list_id"], text(begun().id.to_string()));
    assert_eq!(item["expires_at"], number(1_800_000_000 + 400 * 86_400));
    assert!(!item.contains_key("finished_at"));
    // The same request finds it from then on, whatever becomes of this function.
    assert!(answered.put().unwrap().item()["pk"].as_s().unwrap().starts_with("IDEMPOTENCY#"));

    table.refuse(unmet(0, 1), vec![]);
    assert_eq!(table.store.begin_operation(&begun(), None).await.unwrap_err().kind, ErrorKind::Internal);
    // Somebody else answers the same request by now: nothing is begun.
    let (table, late) = (Scripted::new(), completion().await);
    table.refuse(unmet(1, 2), vec![]);
    let error = table.store.begin_operation(&begun(), Some(&late)).await.unwrap_err();
    assert_eq!(error.code, "request_in_progress");
}

#[tokio::test]
async fn an_operation_ends_once_with_its_event() {
    let table = Scripted::new();
    table.store.end_operation(&ended(), &event()).await.unwrap();
    let [operation, told] = table.sent()[0].clone().try_into().unwrap();
    let operation = operation.put().unwrap().clone();
    assert_eq!(
        operation.condition_expression(),
        Some("attribute_exists(pk) AND attribute_not_exists(finished_at)")
    );
    assert_eq!(told.put().unwrap().item()["type"], text("operation.finished"));
    // What it brought out of the account is nowhere.
    assert!(!operation.item().contains_key("output"));

    // One that has ended stays as it is.
    let table = Scripted::new();
    table.refuse(unmet(0, 2), vec![]);
    table.store.end_operation(&ended(), &event()).await.unwrap();
}

#[tokio::test]
async fn operations_read_back_alone_and_in_their_connections_list() {
    let table = Scripted::new();
    for operation in [begun(), ended()] {
        table.hold(Key::operation(operation.id), operation_item(&operation).unwrap());
        assert_eq!(table.store.operation(operation.id).await.unwrap(), operation);
    }
    let entry = Key::operation(ended().id).into_item();
    table.page(vec![entry], None);
    let first = PageRequest { limit: 5, cursor: None };
    let page = table.store.operations(connection_id(1), &first).await.unwrap();
    assert_eq!((page.items, page.next_cursor), (vec![ended()], None));
    let query = table.queries()[0].clone();
    let values = query.expression_attribute_values().unwrap();
    assert_eq!(values[":hash"], text(format!("operations#{}", connection_id(1))));

    let nobody = Scripted::new().store.operation(begun().id).await.unwrap_err();
    assert_eq!(nobody.kind, ErrorKind::NotFound);
}

fn lasting() -> Operation {
    begun().lasting(serde_json::Map::new(), vec!["i-1".to_owned()])
}

#[tokio::test]
async fn one_that_lasts_goes_on_step_by_step() {
    let table = Scripted::new();
    let next = lasting().stepped(vec![], NOW);
    assert!(table.store.advance_operation(&next).await.unwrap());
    let put = table.puts()[0].clone();
    assert_eq!(put.condition_expression(), Some("#step = :step AND attribute_not_exists(finished_at)"));
    assert_eq!(put.expression_attribute_values().unwrap()[":step"], number(0));
    assert_eq!(put.item().unwrap()["step"], number(1));
    assert_eq!(from_item::<Operation>(put.item().unwrap().clone()).unwrap(), next);

    // Somebody else took that step; or this very write did, and its answer was lost.
    for (held, ours) in [(next.clone().asked(vec![], NOW), false), (next.clone(), true)] {
        let table = Scripted::new();
        table.refuse_put(
            PutItemError::ConditionalCheckFailedException(found(Some(operation_item(&held).unwrap()))),
            vec![],
        );
        assert_eq!(table.store.advance_operation(&next).await.unwrap(), ours);
    }
}

/// An operation on a backup ends with what it means for the ledger, or not at all.
#[tokio::test]
async fn an_end_and_what_it_means_for_the_ledger_are_one() {
    let backup = domain::sample::backup(&full());
    let gone = backup.deleted(domain::backup::Gone::Plan, NOW);
    let told = gone.deleted_event(Some(ended().id), &occasion());
    let aftermath = Aftermath { event: told.clone(), changed: Some(gone.clone()) };
    let table = Scripted::new();
    assert!(table.store.end_operation_with(&ended(), &event(), Some(&aftermath)).await.unwrap());
    let [operation, finished, deleted, ledger] = table.sent()[0].clone().try_into().unwrap();
    assert!(operation.put().unwrap().condition_expression().unwrap().contains("finished_at"));
    assert_eq!(finished.put().unwrap().item()["type"], text("operation.finished"));
    assert_eq!(deleted.put().unwrap().item()["type"], text("backup.deleted"));
    let update = ledger.update().unwrap();
    let key = Key::backup(backup.connection_id, &backup.region, &backup.resource, backup.id);
    assert_eq!(update.key(), &key.into_item());
    let values = update.expression_attribute_values().unwrap();
    assert_eq!(
        (&values[":before"], &values[":version"]),
        (&number(backup.version), &number(backup.version + 1))
    );

    // Somebody has changed the ledger: whoever ended it reads that again.
    let table = Scripted::new();
    table.refuse(unmet(3, 4), vec![]);
    assert!(!table.store.end_operation_with(&ended(), &event(), Some(&aftermath)).await.unwrap());
    // It has ended already: there is nothing to do again.
    let table = Scripted::new();
    table.refuse(unmet(0, 4), vec![]);
    assert!(table.store.end_operation_with(&ended(), &event(), Some(&aftermath)).await.unwrap());
    // A restore leaves the ledger as it is.
    let table = Scripted::new();
    let restored = Aftermath { changed: None, ..aftermath };
    table.store.end_operation_with(&ended(), &event(), Some(&restored)).await.unwrap();
    assert_eq!(table.sent()[0].len(), 3);
}

#[tokio::test]
async fn a_restore_goes_on_step_by_step_too() {
    let backup = domain::sample::backup(&full());
    let order = domain::operation::RestoreOrder {
        backup_id: backup.id,
        target_name: "Restored".to_owned(),
        count_items: false,
    };
    let restore = begun().restoring(&backup, &order, vec![]);
    let next = restore.asking(NOW);
    let table = Scripted::new();
    assert!(table.store.advance_operation(&next).await.unwrap());
    let put = table.puts()[0].clone();
    assert_eq!(put.expression_attribute_values().unwrap()[":step"], number(0));
    let item = put.item().unwrap();
    assert_eq!(item["step"], number(1));
    assert_eq!(from_item::<Operation>(item.clone()).unwrap(), next);
}
