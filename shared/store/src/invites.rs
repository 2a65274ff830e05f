//! Invites: which connection a hash leads to, and how often its customer has asked for something.

use aws_sdk_dynamodb::operation::put_item::PutItemError;
use domain::connection::InviteHold;
use domain::invite::InviteHash;
use domain::{Connection, ConnectionId, Error};
use jiff::{SignedDuration, Timestamp};

use crate::Store;
use crate::connections::moved;
use crate::failure::unexpected;
use crate::item::{Item, Key, attribute, number, text};

/// How long an invite is known after its end, so that its holder is told that it has ended and not
/// that there never was one.
const REMEMBERED: SignedDuration = SignedDuration::from_hours(30 * 24);

/// How often a customer may ask for something by invite within [`WINDOW`].
const ASKED_AT_MOST: usize = 20;
/// See [`ASKED_AT_MOST`].
const WINDOW: SignedDuration = SignedDuration::from_hours(1);

/// How often a count is made anew after somebody counted at the same time.
const ATTEMPTS: usize = 5;

/// The item that leads from an invite to its connection. Whether it is in force, the connection
/// says.
pub(crate) fn invite_item(id: ConnectionId, hold: &InviteHold) -> Item {
    let mut item = Key::invite(&hold.hash).into_item();
    item.insert("connection_id".to_owned(), text(id.to_string()));
    item.insert("expires_at".to_owned(), expiry(hold.expires_at + REMEMBERED));
    item
}

/// A time as DynamoDB's TTL takes it: whole seconds.
pub(crate) fn expiry(at: Timestamp) -> aws_sdk_dynamodb::types::AttributeValue {
    number(u64::try_from(at.as_second()).unwrap_or_default())
}

impl Store {
    /// The connection that an invite leads to.
    ///
    /// # Errors
    /// 404 when there is no such invite, 410 when it is no longer in force at `now`.
    pub async fn invited(&self, hash: &InviteHash, now: Timestamp) -> Result<Connection, Error> {
        let unknown = || Error::not_found("invite");
        let item = self.get(Key::invite(hash)).await?.ok_or_else(unknown)?;
        let id = item.get("connection_id").and_then(|id| id.as_s().ok()).ok_or_else(unknown)?;
        let id = id.parse().map_err(|_| Error::internal("an invite leads to no connection"))?;
        self.connection(id).await?.invited(hash, now)
    }

    /// Counts that the customer of a connection asks for something by invite at `now`.
    ///
    /// # Errors
    /// 429 `too_many_submissions` when they have done so too often within the last hour.
    pub async fn count_submission(&self, id: ConnectionId, now: Timestamp) -> Result<(), Error> {
        for _ in 0..ATTEMPTS {
            let before = self.get(Key::invite_use(id)).await?;
            let seen = before.as_ref().and_then(|item| item.get("asked_at")).cloned();
            let mut asked_at: Vec<Timestamp> = match seen.clone() {
                Some(times) => {
                    serde_dynamo::aws_sdk_dynamodb_1::from_attribute_value(times).map_err(Error::internal)?
                }
                None => Vec::new(),
            };
            asked_at.retain(|at| *at + WINDOW > now);
            if let (true, Some(first)) = (asked_at.len() >= ASKED_AT_MOST, asked_at.first()) {
                let wait = (*first + WINDOW).duration_since(now).as_secs() + 1;
                return Err(Error::throttled(
                    "too_many_submissions",
                    format!("at most {ASKED_AT_MOST} submissions and checks an hour; try again later"),
                    u32::try_from(wait).unwrap_or(u32::MAX),
                ));
            }
            asked_at.push(now);
            let mut item = Key::invite_use(id).into_item();
            item.insert("asked_at".to_owned(), attribute(&asked_at)?);
            item.insert("expires_at".to_owned(), expiry(now + WINDOW));
            let put = self.client.put_item().table_name(&self.table).set_item(Some(item));
            let put = match seen {
                Some(seen) => {
                    put.condition_expression("asked_at = :seen").expression_attribute_values(":seen", seen)
                }
                None => put.condition_expression("attribute_not_exists(pk)"),
            };
            match put.send().await {
                Ok(_) => return Ok(()),
                Err(error) => match error.as_service_error() {
                    Some(PutItemError::ConditionalCheckFailedException(_)) => {}
                    _ => return Err(unexpected(error)),
                },
            }
        }
        Err(moved())
    }
}

#[cfg(test)]
mod tests;
