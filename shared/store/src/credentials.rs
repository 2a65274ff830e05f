//! What the audit list says of credentials: before AWS is asked for them, and before they are handed
//! out. They themselves are written nowhere.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::{ConditionCheck, TransactWriteItem};
use domain::{AuditEvent, Connection, Error};

use crate::Store;
use crate::connections::moved;
use crate::events::event_item;
use crate::failure::Refusal;
use crate::idempotency::{Completion, in_progress};
use crate::item::{Key, number};

impl Store {
    /// Writes an event by itself.
    ///
    /// # Errors
    /// When the table does not answer.
    pub async fn record_event(&self, event: &AuditEvent) -> Result<(), Error> {
        // Its key is its own, so that writing it twice is writing it once.
        match self.transact(vec![self.put(event_item(event)?, None, HashMap::new())?]).await {
            Ok(()) => Ok(()),
            Err(Refusal::Busy | Refusal::Conditions(_)) => {
                Err(Error::unavailable("another transaction held the event"))
            }
            Err(Refusal::Failed(error)) => Err(error),
        }
    }

    /// Writes the event that credentials of `connection` are handed out, and with it the answer for
    /// whoever sends the same request again. Without this nothing may be handed out.
    ///
    /// # Errors
    /// 409 `concurrent_change` when the connection is no longer as it was read, 409
    /// `request_in_progress` when the same request is being answered elsewhere by now.
    pub async fn hand_out(
        &self,
        connection: &Connection,
        event: &AuditEvent,
        completion: Option<&Completion>,
    ) -> Result<(), Error> {
        let unchanged = ConditionCheck::builder()
            .table_name(&self.table)
            .set_key(Some(Key::connection(connection.id).into_item()))
            .condition_expression("version = :version")
            .expression_attribute_values(":version", number(connection.version))
            .build()
            .map_err(Error::internal)?;
        let mut writes = vec![
            TransactWriteItem::builder().condition_check(unchanged).build(),
            self.put(event_item(event)?, None, HashMap::new())?,
        ];
        writes.extend(completion.map(|completion| self.completing(completion)).transpose()?);
        match self.transact(writes).await {
            Ok(()) => {
                completion.inspect(|completion| completion.written());
                Ok(())
            }
            Err(Refusal::Conditions(places)) if places.first() == Some(&0) => Err(moved()),
            Err(Refusal::Conditions(_)) => Err(in_progress()),
            Err(Refusal::Busy) => Err(Error::unavailable("another transaction held the connection")),
            Err(Refusal::Failed(error)) => Err(error),
        }
    }
}

#[cfg(test)]
mod tests;
