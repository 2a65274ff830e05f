//! Reconciliations in the table.

use std::collections::HashMap;

use aws_sdk_dynamodb::operation::put_item::PutItemError;
use aws_sdk_dynamodb::types::ReturnValuesOnConditionCheckFailure;
use domain::reconciliation::Reconciliation;
use domain::{Error, ReconciliationId};
use jiff::SignedDuration;

use crate::Store;
use crate::failure::{Refusal, unexpected};
use crate::idempotency::{Completion, in_progress};
use crate::invites::expiry;
use crate::item::{Item, Key, from_item, number, to_item};

/// How long a reconciliation is kept.
const KEPT: SignedDuration = SignedDuration::from_hours(90 * 24);

fn item(reconciliation: &Reconciliation) -> Result<Item, Error> {
    let mut item = to_item(Key::reconciliation(reconciliation.id), reconciliation)?;
    item.insert("expires_at".to_owned(), expiry(reconciliation.started_at + KEPT));
    Ok(item)
}

impl Store {
    /// Writes a new reconciliation, and with it the answer to the request that asked for it.
    /// Writing it twice is writing it once.
    ///
    /// # Errors
    /// 409 `request_in_progress` when the same request is being answered elsewhere by now.
    pub async fn create_reconciliation(
        &self,
        reconciliation: &Reconciliation,
        completion: Option<&Completion>,
    ) -> Result<(), Error> {
        let mut writes =
            vec![self.put(item(reconciliation)?, Some("attribute_not_exists(pk)"), HashMap::new())?];
        writes.extend(completion.map(|completion| self.completing(completion)).transpose()?);
        match self.transact(writes).await {
            Ok(()) => {
                completion.inspect(|completion| completion.written());
                Ok(())
            }
            // It is there; the answer, if there is one, was not written with it.
            Err(Refusal::Conditions(places)) if places == [0] => Ok(()),
            Err(Refusal::Conditions(_)) => Err(in_progress()),
            Err(Refusal::Busy) => Err(Error::unavailable("another transaction held the reconciliation")),
            Err(Refusal::Failed(error)) => Err(error),
        }
    }

    /// The reconciliation with this id.
    ///
    /// # Errors
    /// 404 when there is none.
    pub async fn reconciliation(&self, id: ReconciliationId) -> Result<Reconciliation, Error> {
        let item = self.get(Key::reconciliation(id)).await?;
        from_item(item.ok_or_else(|| Error::not_found("reconciliation"))?)
    }

    /// Records how far a reconciliation has come, and returns whether it was the step that is next.
    ///
    /// # Errors
    /// When the table does not answer.
    pub async fn advance_reconciliation(&self, next: &Reconciliation) -> Result<bool, Error> {
        let put = self
            .client
            .put_item()
            .table_name(&self.table)
            .set_item(Some(item(next)?))
            .condition_expression("#step = :step")
            .expression_attribute_names("#step", "step")
            .expression_attribute_values(":step", number(next.step.saturating_sub(1).into()))
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
            .send()
            .await;
        match put {
            Ok(_) => Ok(true),
            Err(error) => match error.as_service_error() {
                // A write whose answer was lost is sent again by the SDK, and then meets itself.
                Some(PutItemError::ConditionalCheckFailedException(failed)) => {
                    let found = failed.item().cloned().map(from_item::<Reconciliation>).transpose()?;
                    Ok(found.as_ref() == Some(next))
                }
                _ => Err(unexpected(error)),
            },
        }
    }
}

#[cfg(test)]
mod tests;
