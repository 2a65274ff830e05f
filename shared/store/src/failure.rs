//! What the SDK's errors mean to Drawbridge.

use aws_sdk_dynamodb::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsError;
use domain::Error;

/// Codes of services that the same call may outlive. Source: the API references of DynamoDB and
/// SQS, "Common errors" and the errors of the actions used here.
const PASSING: &[&str] = &[
    "InternalFailure",
    "InternalServerError",
    "ItemCollectionSizeLimitExceededException",
    "LimitExceededException",
    "ProvisionedThroughputExceededException",
    "RequestLimitExceeded",
    "RequestThrottled",
    "ServiceUnavailable",
    "ThrottlingException",
    "TransactionConflictException",
    "TransactionInProgressException",
];

/// Reasons of a cancelled transaction that the same one may outlive, besides another transaction.
const PASSING_REASONS: &[&str] = &["ProvisionedThroughputExceeded", "ThrottlingError"];

/// An error that no condition of ours explains: the service's, the network's or Drawbridge's own.
#[expect(clippy::needless_pass_by_value, reason = "so that it can be given to map_err by name")]
pub(crate) fn unexpected<E, R>(error: SdkError<E, R>) -> Error
where
    E: ProvideErrorMetadata + std::error::Error + 'static,
    R: std::fmt::Debug + 'static,
{
    runtime::unexpected_failure(&error, PASSING)
}

/// Why a transaction was not carried out.
#[derive(Debug)]
pub(crate) enum Refusal {
    /// The conditions of these operations, by their place in the transaction, did not hold.
    Conditions(Vec<usize>),
    /// Another transaction held one of the items; the same one may go through at once.
    Busy,
    /// Anything else.
    Failed(Error),
}

/// Reads the reasons that DynamoDB gives, one for each operation of the transaction.
///
/// Source: DynamoDB API Reference, `TransactWriteItems`, "Cancellation reasons".
pub(crate) fn transaction_refusal<R>(error: SdkError<TransactWriteItemsError, R>) -> Refusal
where
    R: std::fmt::Debug + Send + Sync + 'static,
{
    let reasons: Vec<&str> = match error.as_service_error() {
        Some(TransactWriteItemsError::TransactionCanceledException(canceled)) => {
            canceled.cancellation_reasons().iter().map(|reason| reason.code().unwrap_or_default()).collect()
        }
        _ => vec![],
    };
    let failed: Vec<usize> = reasons
        .iter()
        .enumerate()
        .filter(|(_, code)| **code == "ConditionalCheckFailed")
        .map(|(place, _)| place)
        .collect();
    if !failed.is_empty() {
        Refusal::Conditions(failed)
    } else if reasons.contains(&"TransactionConflict") {
        Refusal::Busy
    } else if may_pass(&reasons) {
        Refusal::Failed(Error::unavailable(format!("TransactWriteItems: {}", reasons.join(", "))))
    } else {
        Refusal::Failed(unexpected(error))
    }
}

/// Whether nothing but what passes stood in the way of a transaction.
fn may_pass(reasons: &[&str]) -> bool {
    let mut told = reasons.iter().filter(|code| **code != "None").peekable();
    told.peek().is_some() && told.all(|code| PASSING_REASONS.contains(code))
}

#[cfg(test)]
mod tests;
