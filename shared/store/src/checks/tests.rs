use super::*;
use crate::sample::{NOW, connection_id, role};
use crate::scripted::{Scripted, coded, found};
use domain::check::{CheckMethod, CheckOutcome, Finding, Permission};
use domain::denial::Side;
use domain::{ErrorKind, VerificationId};

fn checks(region: &str) -> RegionChecks {
    let finding = |action: &str, drill, outcome| Finding {
        permission: Permission { action: action.parse().unwrap(), drill },
        outcome,
        method: CheckMethod::AbsentResource,
        refused_by_region: outcome == CheckOutcome::Denied,
        lacking: None,
        refused_by: (outcome == CheckOutcome::Denied).then_some(Side::Region),
        detail: (outcome == CheckOutcome::Denied).then(|| "why".to_owned()),
    };
    let findings = vec![
        finding("dynamodb:PutItem", true, CheckOutcome::Denied),
        finding("dynamodb:PutItem", false, CheckOutcome::Inconclusive),
    ];
    let id = VerificationId::new(NOW, [1; 10]);
    RegionChecks::answered(None, &region.parse().unwrap(), &role(), id, findings, NOW)
}

#[tokio::test]
async fn a_region_is_written_unless_a_later_verification_was_there() {
    let table = Scripted::new();
    table.store.put_checks(connection_id(1), &checks("eu-central-1")).await.unwrap();
    let puts = table.puts();
    let item = puts[0].item().unwrap();
    assert_eq!(item["pk"], text(format!("CONNECTION#{}", connection_id(1))));
    assert_eq!(item["sk"], text("CHECKS#eu-central-1"));
    // What is the connection's alone stands on no index.
    assert!(["list_key", "state_key", "customer_key", "due_key"].iter().all(|key| !item.contains_key(*key)));
    // Of two that take one step, the later must not put back what the earlier did not hear.
    assert_eq!(
        puts[0].condition_expression(),
        Some(
            "attribute_not_exists(pk) OR verification_id < :id OR (verification_id = :id AND asked < :asked)"
        )
    );
    assert_eq!(puts[0].expression_attribute_values().unwrap()[":asked"], item["asked"]);
    assert_eq!(puts[0].expression_attribute_values().unwrap()[":id"], item["verification_id"]);

    table.refuse_put(PutItemError::ConditionalCheckFailedException(found(None)), vec![]);
    let late = table.store.put_checks(connection_id(1), &checks("eu-central-1")).await.unwrap_err();
    assert_eq!(late.code, "concurrent_change");
    table.refuse_put(PutItemError::generic(coded("ThrottlingException")), vec![]);
    let busy = table.store.put_checks(connection_id(1), &checks("eu-central-1")).await.unwrap_err();
    assert_eq!(busy.kind, ErrorKind::Unavailable);
}

#[tokio::test]
async fn what_was_written_reads_back_page_by_page() {
    let table = Scripted::new();
    let (first, second) = (checks("eu-central-1"), checks("us-east-1"));
    for checks in [&first, &second] {
        table.store.put_checks(connection_id(1), checks).await.unwrap();
    }
    let items: Vec<_> = table.puts().iter().map(|put| put.item().unwrap().clone()).collect();
    let after = key(connection_id(1), "eu-central-1").into_item();
    table.page(vec![items[0].clone()], Some(after.clone()));
    table.page(vec![items[1].clone()], None);
    assert_eq!(table.store.checks(connection_id(1)).await.unwrap(), [first, second]);
    let queries = table.queries();
    assert_eq!(queries.len(), 2);
    assert_eq!(queries[1].exclusive_start_key(), Some(&after));
    for query in queries {
        assert_eq!(query.consistent_read(), Some(true));
        let values = query.expression_attribute_values().unwrap();
        assert_eq!(values[":pk"], text(format!("CONNECTION#{}", connection_id(1))));
        assert_eq!(values[":checks"], text("CHECKS#"));
    }
}
