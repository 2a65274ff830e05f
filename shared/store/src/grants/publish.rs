//! Publishing a shard: who may write its policy, and how far IAM has come.
//!
//! Two publishers at once could leave the older one's roles in IAM. So there is one at a time: it
//! takes a lease on the shard, and gives it up only while the shard is what it has published. What
//! others change meanwhile, it publishes too, so that a hundred changes at once are a few writes
//! in IAM. A publisher that crashes is followed by another when its lease is over.

use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use aws_sdk_dynamodb::types::ReturnValue;
use aws_sdk_dynamodb::types::ReturnValuesOnConditionCheckFailure;
use domain::Error;
use domain::grant::Shard;
use jiff::{SignedDuration, Timestamp};

use super::GrantShard;
use crate::Store;
use crate::failure::unexpected;
use crate::item::{Item, Key, number, text};

/// What became of the note that a version is published.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Marked {
    /// It stands, and the lease is given up.
    Done,
    /// The shard has moved on: publish this too.
    Moved(GrantShard),
    /// The lease was over, and somebody else publishes.
    Lost,
}

fn milliseconds(at: Timestamp) -> aws_sdk_dynamodb::types::AttributeValue {
    number(u64::try_from(at.as_millisecond()).unwrap_or_default())
}

impl Store {
    /// Takes the lease on `shard` for `publisher`, who is made up for this attempt, and returns
    /// what is to be published; `None` while somebody else has it.
    ///
    /// # Errors
    /// When the table does not answer.
    pub async fn lease_shard(
        &self,
        shard: Shard,
        publisher: &str,
        now: Timestamp,
        lease: SignedDuration,
    ) -> Result<Option<GrantShard>, Error> {
        let taken = self
            .client
            .update_item()
            .table_name(&self.table)
            .set_key(Some(Key::grant_shard(shard).into_item()))
            .update_expression("SET publisher = :me, publisher_until = :until")
            // An answer that was lost is asked for again, and then finds itself.
            .condition_expression(
                "attribute_not_exists(publisher) OR publisher = :me OR publisher_until < :now",
            )
            .expression_attribute_values(":me", text(publisher))
            .expression_attribute_values(":until", milliseconds(now + lease))
            .expression_attribute_values(":now", milliseconds(now))
            .return_values(ReturnValue::AllNew)
            .send()
            .await;
        match taken {
            Ok(output) => GrantShard::read(&output.attributes.unwrap_or_default()).map(Some),
            Err(error) => match error.as_service_error() {
                Some(
                    UpdateItemError::ConditionalCheckFailedException(_)
                    | UpdateItemError::TransactionConflictException(_),
                ) => Ok(None),
                _ => Err(unexpected(error)),
            },
        }
    }

    /// Notes that IAM has `version` of `shard`, and gives up the lease, unless the shard has moved
    /// on meanwhile.
    ///
    /// # Errors
    /// When the table does not answer.
    pub async fn mark_published(&self, shard: Shard, publisher: &str, version: u64) -> Result<Marked, Error> {
        let marked = self
            .client
            .update_item()
            .table_name(&self.table)
            .set_key(Some(Key::grant_shard(shard).into_item()))
            .update_expression("SET published = :version REMOVE publisher, publisher_until")
            // A shard that was never filled has no version.
            .condition_expression(
                "publisher = :me AND (version = :version OR (attribute_not_exists(version) AND :version = :none))",
            )
            .expression_attribute_values(":me", text(publisher))
            .expression_attribute_values(":version", number(version))
            .expression_attribute_values(":none", number(0))
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
            .send()
            .await;
        let Err(error) = marked else { return Ok(Marked::Done) };
        let found: Item = match error.as_service_error() {
            Some(UpdateItemError::ConditionalCheckFailedException(failed)) => {
                failed.item().cloned().unwrap_or_default()
            }
            // A change of the shard is going on, so it will have moved.
            Some(UpdateItemError::TransactionConflictException(_)) => {
                return Ok(Marked::Moved(self.grant_shard(shard).await?));
            }
            _ => return Err(unexpected(error)),
        };
        let now = GrantShard::read(&found)?;
        if found.get("publisher") == Some(&text(publisher)) {
            return Ok(Marked::Moved(now));
        }
        // Ours, whose answer was lost, or a later one's.
        Ok(if now.published >= version { Marked::Done } else { Marked::Lost })
    }

    /// Gives up the lease on `shard` without having published, so that nobody waits for it.
    ///
    /// # Errors
    /// When the table does not answer.
    pub async fn leave_shard(&self, shard: Shard, publisher: &str) -> Result<(), Error> {
        let left = self
            .client
            .update_item()
            .table_name(&self.table)
            .set_key(Some(Key::grant_shard(shard).into_item()))
            .update_expression("REMOVE publisher, publisher_until")
            .condition_expression("publisher = :me")
            .expression_attribute_values(":me", text(publisher))
            .send()
            .await;
        match left {
            Ok(_) => Ok(()),
            Err(error) => match error.as_service_error() {
                Some(UpdateItemError::ConditionalCheckFailedException(_)) => Ok(()),
                _ => Err(unexpected(error)),
            },
        }
    }
}

#[cfg(test)]
mod tests;
