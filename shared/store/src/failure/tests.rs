//! Source of the reasons and codes: DynamoDB API Reference, `TransactWriteItems`, "Errors" with
//! its cancellation reasons, and "Common errors".

use super::*;
use crate::scripted::{answered, canceled};
use domain::ErrorKind;
use rstest::rstest;

fn read(error: TransactWriteItemsError) -> Refusal {
    transaction_refusal(SdkError::service_error(error, "the raw answer"))
}

#[rstest]
#[case::first(&["ConditionalCheckFailed", "None", "None"], &[0])]
#[case::last(&["None", "None", "ConditionalCheckFailed"], &[2])]
#[case::several(&["ConditionalCheckFailed", "None", "ConditionalCheckFailed"], &[0, 2])]
// What is known not to hold would not hold on another try either.
#[case::beside_a_conflict(&["TransactionConflict", "ConditionalCheckFailed"], &[1])]
#[case::beside_throttling(&["ThrottlingError", "ConditionalCheckFailed"], &[1])]
fn conditions_are_told_by_their_places(#[case] reasons: &[&str], #[case] expected: &[usize]) {
    match read(canceled(reasons)) {
        Refusal::Conditions(places) => assert_eq!(places, expected),
        other => panic!("{other:?}"),
    }
}

#[rstest]
#[case(&["TransactionConflict", "None"])]
#[case(&["None", "TransactionConflict"])]
#[case(&["None", "TransactionConflict", "ThrottlingError"])]
fn another_transaction_in_the_way_is_busy(#[case] reasons: &[&str]) {
    assert!(matches!(read(canceled(reasons)), Refusal::Busy));
}

#[rstest]
#[case::throttled(canceled(&["None", "ThrottlingError"]), ErrorKind::Unavailable)]
#[case::over_provisioned(canceled(&["ProvisionedThroughputExceeded", "None"]), ErrorKind::Unavailable)]
#[case::invalid(canceled(&["None", "ValidationError"]), ErrorKind::Internal)]
#[case::invalid_beside_throttling(canceled(&["ThrottlingError", "ValidationError"]), ErrorKind::Internal)]
#[case::no_reason(canceled(&[]), ErrorKind::Internal)]
#[case::table_over_provisioned(answered("ProvisionedThroughputExceededException"), ErrorKind::Unavailable)]
#[case::account_over_limit(answered("RequestLimitExceeded"), ErrorKind::Unavailable)]
#[case::throttling(answered("ThrottlingException"), ErrorKind::Unavailable)]
#[case::fault(answered("InternalServerError"), ErrorKind::Unavailable)]
#[case::in_progress(answered("TransactionInProgressException"), ErrorKind::Unavailable)]
#[case::our_own_rights(answered("AccessDeniedException"), ErrorKind::Internal)]
#[case::no_table(answered("ResourceNotFoundException"), ErrorKind::Internal)]
#[case::our_own_request(answered("ValidationException"), ErrorKind::Internal)]
fn other_failures_pass_or_are_our_own(#[case] error: TransactWriteItemsError, #[case] kind: ErrorKind) {
    match read(error) {
        Refusal::Failed(failure) => {
            assert_eq!(failure.kind, kind, "{}", failure.chain());
            assert!(!failure.chain().contains("the raw answer"));
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn no_answer_may_pass() {
    match transaction_refusal(SdkError::<_, ()>::timeout_error("too slow")) {
        Refusal::Failed(failure) => assert_eq!(failure.kind, ErrorKind::Unavailable),
        other => panic!("{other:?}"),
    }
}
