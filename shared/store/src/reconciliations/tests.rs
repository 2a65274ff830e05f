use super::*;
use crate::Answer;
use crate::sample::{NOW, claimed};
use crate::scripted::{Scripted, canceled, coded, found, unmet};
use aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsError;
use domain::reconciliation::{Finding, FindingCode, Phase};
use domain::{Actor, ErrorKind};
use rstest::rstest;

fn begun() -> Reconciliation {
    Reconciliation::start(ReconciliationId::new(NOW, [1; 10]), true, Actor::Drawbridge, NOW)
}

/// One that has found something, and goes on with the grants.
fn half_done() -> Reconciliation {
    let finding = Finding::new(FindingCode::CountWrong, "grant-1", "9 and not 8");
    begun().advanced(Phase::Grants { place: 3 }, 25, 0, vec![finding], NOW)
}

fn finished() -> Reconciliation {
    half_done().advanced(Phase::Finished, 0, 50, vec![], NOW + SignedDuration::from_secs(9))
}

#[rstest]
#[case::begun(begun())]
#[case::among_the_connections(begun().advanced(
    Phase::Connections { cursor: Some("a-cursor".to_owned()) }, 25, 0, vec![], NOW
))]
#[case::among_the_grants(half_done())]
#[case::finished(finished())]
#[tokio::test]
async fn a_reconciliation_reads_back_as_it_was_written(#[case] reconciliation: Reconciliation) {
    let item = item(&reconciliation).unwrap();
    assert_eq!(item["pk"], crate::item::text(format!("RECONCILIATION#{}", reconciliation.id)));
    // Ninety days from its start, whenever it was last written.
    assert_eq!(item["expires_at"], number(1_800_000_000 + 90 * 86_400));
    let table = Scripted::new();
    table.hold(Key::reconciliation(reconciliation.id), item);
    assert_eq!(table.store.reconciliation(reconciliation.id).await.unwrap(), reconciliation);
}

#[tokio::test]
async fn one_that_is_not_there_is_not_found() {
    let error = Scripted::new().store.reconciliation(begun().id).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::NotFound);
}

#[tokio::test]
async fn one_is_begun_once() {
    let table = Scripted::new();
    table.store.create_reconciliation(&begun(), None).await.unwrap();
    let sent = table.sent();
    let [put] = sent[0].as_slice() else { panic!("one operation: {sent:?}") };
    let put = put.put().unwrap();
    assert_eq!(*put.item(), item(&begun()).unwrap());
    // A message that comes twice must not begin anew what is half done.
    assert_eq!(put.condition_expression(), Some("attribute_not_exists(pk)"));
    table.refuse(unmet(0, 1), vec![]);
    table.store.create_reconciliation(&begun(), None).await.unwrap();
}

#[tokio::test]
async fn one_that_was_asked_for_is_begun_with_its_answer() {
    let (table, claimed) = (Scripted::new(), claimed().await);
    let completion = claimed.with(Answer { status: 202, body: "{}".to_owned() });
    table.store.create_reconciliation(&begun(), Some(&completion)).await.unwrap();
    assert_eq!(table.sent()[0][1], table.store.completing(&completion).unwrap());
    assert!(claimed.is_answered());
}

#[rstest]
#[case::answered_elsewhere(unmet(1, 2), Some("request_in_progress"))]
#[case::both(canceled(&["ConditionalCheckFailed"; 2]), Some("request_in_progress"))]
#[case::throttled(canceled(&["ThrottlingError", "None"]), Some("dependency_unavailable"))]
// It is there, but without the answer.
#[case::begun_before(unmet(0, 2), None)]
#[tokio::test]
async fn an_answer_that_was_not_written_is_not_taken_for_written(
    #[case] error: TransactWriteItemsError,
    #[case] code: Option<&str>,
) {
    let (table, claimed) = (Scripted::new(), claimed().await);
    let completion = claimed.with(Answer { status: 202, body: "{}".to_owned() });
    table.refuse(error, vec![]);
    let begun = table.store.create_reconciliation(&begun(), Some(&completion)).await;
    assert_eq!(begun.err().map(|error| error.code), code);
    assert!(!claimed.is_answered());
}

#[tokio::test]
async fn a_step_is_written_upon_the_one_before_it() {
    let table = Scripted::new();
    assert!(table.store.advance_reconciliation(&half_done()).await.unwrap());
    let puts = table.puts();
    let [put] = puts.as_slice() else { panic!("one write: {puts:?}") };
    assert_eq!(put.item(), Some(&item(&half_done()).unwrap()));
    assert_eq!(put.condition_expression(), Some("#step = :step"));
    assert_eq!(put.expression_attribute_names().unwrap()["#step"], "step");
    assert_eq!(put.expression_attribute_values().unwrap()[":step"], number(0));
    assert_eq!(
        put.return_values_on_condition_check_failure(),
        Some(&ReturnValuesOnConditionCheckFailure::AllOld)
    );
}

#[rstest]
#[case::our_own_whose_answer_was_lost(Some(half_done()), true)]
#[case::the_same_step_of_another_delivery(Some(Reconciliation { connections_checked: 7, ..half_done() }), false)]
#[case::a_later_one(Some(finished()), false)]
#[case::gone_by_now(None, false)]
#[tokio::test]
async fn a_step_that_is_not_the_next_is_told(#[case] there: Option<Reconciliation>, #[case] ours: bool) {
    let table = Scripted::new();
    let there = there.map(|there| item(&there).unwrap());
    table.refuse_put(PutItemError::ConditionalCheckFailedException(found(there)), vec![]);
    assert_eq!(table.store.advance_reconciliation(&half_done()).await.unwrap(), ours);
}

#[rstest]
#[case::throttled("ThrottlingException", ErrorKind::Unavailable)]
#[case::our_own_rights("AccessDeniedException", ErrorKind::Internal)]
#[tokio::test]
async fn a_table_that_does_not_answer_is_no_step(#[case] code: &str, #[case] kind: ErrorKind) {
    let table = Scripted::new();
    table.refuse_put(PutItemError::generic(coded(code)), vec![]);
    assert_eq!(table.store.advance_reconciliation(&half_done()).await.unwrap_err().kind, kind);
}
