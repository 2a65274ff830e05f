//! How fast AWS is asked in a customer's account: whoever wants to ask takes his turn by a lease in the
//! table, one for each account, Region and kind of call.

use std::collections::HashMap;
use std::time::Duration;

use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use aws_sdk_dynamodb::types::{AttributeValue, ReturnValuesOnConditionCheckFailure};
use domain::{AccountId, Error, Region};
use jiff::{SignedDuration, Timestamp};

use crate::Store;
use crate::failure::unexpected;
use crate::invites::expiry;
use crate::item::Key;

/// How often somebody else may come first before one's own turn is put off.
const ATTEMPTS: usize = 6;

/// How long a lease that nobody takes any more stands in the table.
const FORGOTTEN: SignedDuration = SignedDuration::from_hours(24);

/// A kind of call, and how often AWS lets an account make it in a Region.
///
/// Sources: `DynamoDB` API Reference, `CreateBackup`, `DeleteBackup`, `ListBackups`, `ListTagsOfResource`; EC2
/// Developer Guide, "Request throttling for the Amazon EC2 API".
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Paced {
    /// `CreateBackup`: 50 a second.
    CreateBackup,
    /// `DeleteBackup`: 10 a second.
    DeleteBackup,
    /// `ListBackups`: 5 a second.
    ListBackups,
    /// `ListTagsOfResource`: 10 a second.
    ListTags,
    /// `CreateSnapshots`: 5 a second, after some at once.
    CreateSnapshots,
    /// `CreateImage`: likewise.
    CreateImage,
    /// `DeleteSnapshot`: likewise, and `DeregisterImage` with it.
    DeleteSnapshot,
}

impl Paced {
    const fn name(self) -> &'static str {
        match self {
            Self::CreateBackup => "CreateBackup",
            Self::DeleteBackup => "DeleteBackup",
            Self::ListBackups => "ListBackups",
            Self::ListTags => "ListTagsOfResource",
            Self::CreateSnapshots => "CreateSnapshots",
            Self::CreateImage => "CreateImage",
            Self::DeleteSnapshot => "DeleteSnapshot",
        }
    }

    /// How long one call takes of the account's time, in milliseconds. Others ask there as well, so that a
    /// fifth is left to them.
    const fn milliseconds(self) -> i64 {
        match self {
            Self::CreateBackup => 25,
            Self::DeleteBackup | Self::ListTags => 125,
            Self::ListBackups | Self::CreateSnapshots | Self::CreateImage | Self::DeleteSnapshot => 250,
        }
    }

    /// The time between two calls of a turn.
    #[must_use]
    pub fn interval(self) -> Duration {
        Duration::from_millis(self.milliseconds().unsigned_abs())
    }
}

/// When one's turn is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Turn {
    /// In so short a while that it is waited for. It is taken.
    In(Duration),
    /// Not before so long: it was not taken.
    Later(SignedDuration),
}

impl Store {
    /// Takes a turn for so many calls, unless it would begin later than `patience` from now.
    ///
    /// # Errors
    /// When the table does not answer.
    pub async fn take_turn(
        &self,
        (account, region): (&AccountId, &Region),
        paced: Paced,
        calls: usize,
        patience: Duration,
        now: Timestamp,
    ) -> Result<Turn, Error> {
        let calls = i64::try_from(calls).unwrap_or(i64::MAX);
        let takes = paced.milliseconds().saturating_mul(calls);
        let at = now.as_millisecond();
        let mut free_at = None;
        for _ in 0..ATTEMPTS {
            let begins = free_at.map_or(at, |free_at: i64| free_at.max(at));
            let wait = Duration::from_millis((begins - at).unsigned_abs());
            if wait > patience {
                return Ok(Turn::Later(SignedDuration::from_millis(begins - at)));
            }
            match self.move_turn((account, region), paced, free_at, at, begins + takes).await? {
                None => return Ok(Turn::In(wait)),
                Some(found) => free_at = Some(found),
            }
        }
        Ok(Turn::Later(SignedDuration::from_secs(1)))
    }

    /// Sets until when the turns are taken, if that is as expected; else returns until when they are.
    async fn move_turn(
        &self,
        (account, region): (&AccountId, &Region),
        paced: Paced,
        expected: Option<i64>,
        now: i64,
        until: i64,
    ) -> Result<Option<i64>, Error> {
        let milliseconds = |number: i64| AttributeValue::N(number.to_string());
        let (condition, expected) = match expected {
            None => ("attribute_not_exists(free_at) OR free_at <= :expected", now),
            Some(found) => ("free_at = :expected", found),
        };
        let forgotten = Timestamp::from_millisecond(until).map_or(Timestamp::UNIX_EPOCH, |at| at + FORGOTTEN);
        let updated = self
            .client
            .update_item()
            .table_name(&self.table)
            .set_key(Some(Key::pace(account, region, paced.name()).into_item()))
            .update_expression("SET free_at = :until, expires_at = :forgotten")
            .condition_expression(condition)
            .set_expression_attribute_values(Some(HashMap::from([
                (":expected".to_owned(), milliseconds(expected)),
                (":until".to_owned(), milliseconds(until)),
                (":forgotten".to_owned(), expiry(forgotten)),
            ])))
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
            .send()
            .await;
        match updated {
            Ok(_) => Ok(None),
            Err(error) => match error.as_service_error() {
                Some(UpdateItemError::ConditionalCheckFailedException(failed)) => {
                    let free_at =
                        failed.item().and_then(|item| item.get("free_at")?.as_n().ok()?.parse().ok());
                    Ok(Some(free_at.unwrap_or(now)))
                }
                _ => Err(unexpected(error)),
            },
        }
    }
}

#[cfg(test)]
mod tests;
