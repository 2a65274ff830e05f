//! What connections' roles can do: one item for each Region, so that what is found out in one is
//! there to be read, and need not be asked again after a crash in the next.

use aws_sdk_dynamodb::operation::put_item::PutItemError;
use domain::check::RegionChecks;
use domain::{ConnectionId, Error};

use crate::Store;
use crate::connections::moved;
use crate::failure::unexpected;
use crate::item::{Key, from_item, number, text, to_item};

/// What the sort keys begin with.
const PREFIX: &str = "CHECKS#";

fn key(connection: ConnectionId, region: &str) -> Key {
    let mut key = Key::connection(connection);
    key.sk = format!("{PREFIX}{region}");
    key
}

impl Store {
    /// What is known of the roles that a connection has and had, one for each Region.
    ///
    /// # Errors
    /// When the table does not answer.
    pub async fn checks(&self, connection: ConnectionId) -> Result<Vec<RegionChecks>, Error> {
        let mut found = Vec::new();
        let mut start = None;
        loop {
            let page = self
                .client
                .query()
                .table_name(&self.table)
                .key_condition_expression("pk = :pk AND begins_with(sk, :checks)")
                .expression_attribute_values(":pk", text(Key::connection(connection).pk))
                .expression_attribute_values(":checks", text(PREFIX))
                .consistent_read(true)
                .set_exclusive_start_key(start)
                .send()
                .await
                .map_err(unexpected)?;
            start = page.last_evaluated_key;
            for item in page.items.unwrap_or_default() {
                found.push(from_item(item)?);
            }
            if start.is_none() {
                return Ok(found);
            }
        }
    }

    /// Writes what is known of a Region, unless a later verification has written already, or this one
    /// as much: of two that take one step, the later must not put back what the earlier did not hear.
    ///
    /// # Errors
    /// 409 `concurrent_change` when one has.
    pub async fn put_checks(&self, connection: ConnectionId, checks: &RegionChecks) -> Result<(), Error> {
        // Ids of later verifications are greater.
        let written = self
            .client
            .put_item()
            .table_name(&self.table)
            .set_item(Some(to_item(key(connection, checks.region.as_str()), checks)?))
            .condition_expression(
                "attribute_not_exists(pk) OR verification_id < :id OR (verification_id = :id AND asked < :asked)",
            )
            .expression_attribute_values(":id", text(checks.verification_id.to_string()))
            .expression_attribute_values(":asked", number(checks.asked.into()))
            .send()
            .await;
        written.map(|_| ()).map_err(|error| match error.as_service_error() {
            Some(PutItemError::ConditionalCheckFailedException(_)) => moved(),
            _ => unexpected(error),
        })
    }
}

#[cfg(test)]
mod tests;
