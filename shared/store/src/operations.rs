//! Operations in the table: written before AWS is asked, while they go on, and when they have ended.

use std::collections::HashMap;

use aws_sdk_dynamodb::operation::put_item::PutItemError;
use aws_sdk_dynamodb::types::ReturnValuesOnConditionCheckFailure;
use domain::backup::Backup;
use domain::operation::Operation;
use domain::{AuditEvent, ConnectionId, Error, OperationId};
use jiff::SignedDuration;

use crate::Store;
use crate::cursor::{Page, PageRequest};
use crate::events::event_item;
use crate::failure::{Refusal, unexpected};
use crate::idempotency::{Completion, in_progress};
use crate::invites::expiry;
use crate::item::{Item, Key, Listing, from_item, number, text, to_item};

/// How long an operation is kept: longer than a year, so that the last audit's are there for the next.
pub(crate) const KEPT: SignedDuration = SignedDuration::from_hours(400 * 24);

/// What the end of an operation means for the ledger of backups.
#[derive(Debug, Clone, PartialEq)]
pub struct Aftermath {
    /// The entry of the audit list that tells of it.
    pub event: AuditEvent,
    /// The backup as it is from then on, where it has changed.
    pub changed: Option<Backup>,
}

pub(crate) fn operation_item(operation: &Operation) -> Result<Item, Error> {
    let mut item = to_item(Key::operation(operation.id), operation)?;
    let (_, hash, value) = Listing::Operations(operation.connection_id).index();
    item.insert(hash.to_owned(), text(value));
    item.insert("list_id".to_owned(), text(operation.id.to_string()));
    item.insert("expires_at".to_owned(), expiry(operation.started_at + KEPT));
    if let Some(steps) = operation.steps() {
        item.insert("step".to_owned(), number(steps.step.into()));
    }
    Ok(item)
}

impl Store {
    /// Writes an operation that begins, and with it the answer to the request that asked for it: from
    /// then on the same request is told what became of the operation, and never carried out again.
    ///
    /// # Errors
    /// 409 `request_in_progress` when the same request is being answered elsewhere by now.
    pub async fn begin_operation(
        &self,
        operation: &Operation,
        completion: Option<&Completion>,
    ) -> Result<(), Error> {
        let mut writes =
            vec![self.put(operation_item(operation)?, Some("attribute_not_exists(pk)"), HashMap::new())?];
        writes.extend(completion.map(|completion| self.completing(completion)).transpose()?);
        match self.transact(writes).await {
            Ok(()) => {
                completion.inspect(|completion| completion.written());
                Ok(())
            }
            Err(Refusal::Conditions(places)) if places.first() == Some(&0) => {
                Err(Error::internal(format!("{} exists already", operation.id)))
            }
            Err(Refusal::Conditions(_)) => Err(in_progress()),
            Err(Refusal::Busy) => Err(Error::unavailable("another transaction held the operation")),
            Err(Refusal::Failed(error)) => Err(error),
        }
    }

    /// Records how far an operation that lasts has come, and returns whether it was the step that is
    /// next.
    ///
    /// # Errors
    /// When the table does not answer.
    pub async fn advance_operation(&self, next: &Operation) -> Result<bool, Error> {
        let step = next.steps().map_or(0, |steps| steps.step);
        let put = self
            .client
            .put_item()
            .table_name(&self.table)
            .set_item(Some(operation_item(next)?))
            .condition_expression("#step = :step AND attribute_not_exists(finished_at)")
            .expression_attribute_names("#step", "step")
            .expression_attribute_values(":step", number(step.saturating_sub(1).into()))
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
            .send()
            .await;
        match put {
            Ok(_) => Ok(true),
            Err(error) => match error.as_service_error() {
                // A write whose answer was lost is sent again by the SDK, and then meets itself.
                Some(PutItemError::ConditionalCheckFailedException(failed)) => {
                    let found = failed.item().cloned().map(from_item::<Operation>).transpose()?;
                    Ok(found.as_ref() == Some(next))
                }
                _ => Err(unexpected(error)),
            },
        }
    }

    /// Writes how an operation has ended, with the event that tells of it. Writing it twice is writing
    /// it once.
    ///
    /// # Errors
    /// When the table does not answer.
    pub async fn end_operation(&self, operation: &Operation, event: &AuditEvent) -> Result<(), Error> {
        self.end_operation_with(operation, event, None).await.map(|_| ())
    }

    /// The same in one transaction with what it means for the ledger of backups. Returns whether the ledger
    /// was still as it was read: if not, nothing was written.
    ///
    /// # Errors
    /// When the table does not answer.
    pub async fn end_operation_with(
        &self,
        operation: &Operation,
        event: &AuditEvent,
        aftermath: Option<&Aftermath>,
    ) -> Result<bool, Error> {
        let running = "attribute_exists(pk) AND attribute_not_exists(finished_at)";
        // One that lasts is not ended by a delivery that others have overtaken.
        let (running, values) = match operation.steps() {
            None => (running.to_owned(), HashMap::new()),
            Some(steps) => (
                format!("{running} AND step <= :step"),
                HashMap::from([(":step".to_owned(), number(steps.step.into()))]),
            ),
        };
        let mut writes = vec![
            self.put(operation_item(operation)?, Some(&running), values)?,
            self.put(event_item(event)?, None, HashMap::new())?,
        ];
        if let Some(Aftermath { event, changed }) = aftermath {
            writes.push(self.put(event_item(event)?, None, HashMap::new())?);
            writes.extend(changed.as_ref().map(|backup| self.change_backup(backup)).transpose()?);
        }
        match self.transact(writes).await {
            Ok(()) => Ok(true),
            // One that was sent again by the SDK meets itself.
            Err(Refusal::Conditions(places)) => Ok(places.contains(&0)),
            Err(Refusal::Busy) => Err(Error::unavailable("another transaction held the operation")),
            Err(Refusal::Failed(error)) => Err(error),
        }
    }

    /// The operation with this id.
    ///
    /// # Errors
    /// 404 when there is none.
    pub async fn operation(&self, id: OperationId) -> Result<Operation, Error> {
        let item = self.get(Key::operation(id)).await?;
        from_item(item.ok_or_else(|| Error::not_found("operation"))?)
    }

    /// One page of a connection's operations, the oldest first.
    ///
    /// # Errors
    /// 400 `invalid_cursor`.
    pub async fn operations(
        &self,
        connection: ConnectionId,
        page: &PageRequest,
    ) -> Result<Page<Operation>, Error> {
        let page = self.list(&Listing::Operations(connection), None, page).await?;
        let items = page.items.into_iter().map(from_item).collect::<Result<_, Error>>()?;
        Ok(Page { items, next_cursor: page.next_cursor })
    }
}

#[cfg(test)]
mod tests;
