//! Connections in the table: read whole, changed by conditional transactions.

use std::collections::HashMap;

use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use aws_sdk_dynamodb::types::{
    AttributeValue, Delete, KeysAndAttributes, Put, ReturnValuesOnConditionCheckFailure, TransactWriteItem,
};
use domain::connection::{Change, Release, role_already_connected};
use domain::look::Look;
use domain::message::DuePlace;
use domain::offboarding::Offboarding;
use domain::verification::Verification;
use domain::{Connection, ConnectionId, ConnectionState, CustomerId, Error, ErrorKind, RoleArn};
use jiff::Timestamp;

use crate::Store;
use crate::cursor::{Page, PageRequest, seal};
use crate::events::{event_item, evidence_item, sort_time};
use crate::failure::{Refusal, transaction_refusal, unexpected};
use crate::idempotency::{Completion, in_progress};
use crate::invites::invite_item;
use crate::item::{Item, Key, Listing, attribute, from_item, key_of, number, text, to_item};
use crate::record::{ConnectionRecord, DUE};

/// Which connections a list is to hold.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ConnectionFilter {
    /// Those in this state alone.
    pub state: Option<ConnectionState>,
    /// Those of this customer alone.
    pub customer_id: Option<CustomerId>,
}

/// How often a page of a filtered list is filled up by another query, so that one request stays
/// bounded; a page may then be short, and its cursor leads on.
const FILLING_QUERIES: usize = 10;

/// How often a transaction that met another one is tried again at once.
pub(crate) const BUSY_ATTEMPTS: usize = 4;

/// Longest pause before that, the first time; it doubles. Whoever met there must not meet again.
const BUSY_PAUSE_MILLISECONDS: u64 = 20;

/// Most items of one `BatchGetItem`. Source: DynamoDB API Reference, `BatchGetItem`.
const BATCH: usize = 100;

/// How often what a `BatchGetItem` left out is asked for again.
const BATCH_ATTEMPTS: usize = 8;

/// The connections that are due, and whether there may be more.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Due {
    /// Which, the longest due first.
    pub places: Vec<DuePlace>,
    /// Whether there may be more after the last of them.
    pub more: bool,
}

/// The error of a write that found something else than what was read.
pub(crate) fn moved() -> Error {
    Error::new(
        ErrorKind::Conflict,
        "concurrent_change",
        "the connection was changed by somebody else at the same time; read it again and decide anew",
    )
}

impl Store {
    /// Writes a new connection, its event and its invite, and with them the answer to the request
    /// that asked for it. That its customer exists is for the caller to see.
    ///
    /// # Errors
    /// 409 `request_in_progress` when the same request is being answered elsewhere by now.
    pub async fn create_connection(
        &self,
        change: &Change,
        completion: Option<&Completion>,
    ) -> Result<(), Error> {
        let connection = &change.connection;
        let item = to_item(Key::connection(connection.id), ConnectionRecord::from(connection))?;
        let mut writes = vec![
            self.put(item, Some("attribute_not_exists(pk)"), HashMap::new())?,
            self.put(event_item(&change.event)?, None, HashMap::new())?,
        ];
        if let Some(hold) = &change.invites {
            writes.push(self.put(invite_item(connection.id, hold), None, HashMap::new())?);
        }
        let answer_at = writes.len();
        writes.extend(completion.map(|completion| self.completing(completion)).transpose()?);
        self.transact(writes).await.map_err(|refusal| match refusal {
            Refusal::Conditions(places) if places == [answer_at] => in_progress(),
            Refusal::Conditions(_) => Error::internal(format!("{} exists already", connection.id)),
            Refusal::Busy => Error::unavailable("another transaction held the new connection"),
            Refusal::Failed(error) => error,
        })?;
        completion.inspect(|completion| completion.written());
        Ok(())
    }

    /// The connection with this id, as it is now.
    ///
    /// # Errors
    /// 404 when there is none.
    pub async fn connection(&self, id: ConnectionId) -> Result<Connection, Error> {
        let item = self.get(Key::connection(id)).await?.ok_or_else(|| Error::not_found("connection"))?;
        from_item::<ConnectionRecord>(item)?.try_into()
    }

    /// One page of connections, the oldest first.
    ///
    /// # Errors
    /// 400 `invalid_cursor`.
    pub async fn connections(
        &self,
        filter: ConnectionFilter,
        page: &PageRequest,
    ) -> Result<Page<Connection>, Error> {
        let (listing, state) = match filter {
            ConnectionFilter { customer_id: Some(customer), state } => (Listing::OfCustomer(customer), state),
            ConnectionFilter { customer_id: None, state: Some(state) } => (Listing::InState(state), None),
            ConnectionFilter { customer_id: None, state: None } => (Listing::Connections, None),
        };
        let page = self.list(&listing, state, page).await?;
        let items = page.items.into_iter().map(|item| from_item::<ConnectionRecord>(item)?.try_into());
        let mut items = items.collect::<Result<Vec<Connection>, Error>>()?;
        // The indexes may be a moment behind the items.
        items.retain(|connection| filter.state.is_none_or(|state| connection.state == state));
        Ok(Page { items, next_cursor: page.next_cursor })
    }

    /// The connection that owns this role, if one does.
    ///
    /// # Errors
    /// When the table does not answer.
    pub async fn role_owner(&self, role: &RoleArn) -> Result<Option<ConnectionId>, Error> {
        let Some(item) = self.get(Key::role_owner(role)).await? else { return Ok(None) };
        item.get("connection_id")
            .and_then(|id| id.as_s().ok())
            .map(|id| id.parse().map_err(Error::internal))
            .transpose()
    }

    /// Carries out a change of what was read as `before`: the connection, its event, its evidence,
    /// its invite, who owns the role, and the answer to the request that asked for it, all or
    /// nothing.
    ///
    /// # Errors
    /// 409 `role_already_connected` when another connection owns the role by now, 409
    /// `concurrent_change` when the connection is no longer what was read, and 409
    /// `request_in_progress` when the same request is being answered elsewhere by now.
    pub async fn apply(
        &self,
        before: &Connection,
        change: &Change,
        completion: Option<&Completion>,
    ) -> Result<(), Error> {
        let id = before.id;
        let connection = to_item(Key::connection(id), ConnectionRecord::from(&change.connection))?;
        let me = HashMap::from([(":me".to_owned(), text(id.to_string()))]);
        let mut writes = vec![
            self.put(
                connection,
                Some("revision = :revision"),
                HashMap::from([(":revision".to_owned(), number(before.revision))]),
            )?,
            self.put(event_item(&change.event)?, None, HashMap::new())?,
        ];
        if let Some(role) = &change.claims {
            let mut owner = Key::role_owner(role).into_item();
            owner.insert("connection_id".to_owned(), text(id.to_string()));
            let free = "attribute_not_exists(pk) OR connection_id = :me";
            // Right after the connection: the refusal below is told by its place.
            writes.insert(1, self.put(owner, Some(free), me.clone())?);
        }
        if let Some(role) = &change.disowns {
            let delete = Delete::builder()
                .table_name(&self.table)
                .set_key(Some(Key::role_owner(role).into_item()))
                .condition_expression("attribute_not_exists(pk) OR connection_id = :me")
                .set_expression_attribute_values(Some(me))
                .build()
                .map_err(Error::internal)?;
            writes.push(TransactWriteItem::builder().delete(delete).build());
        }
        if let Some(evidence) = &change.evidence {
            writes.push(self.put(evidence_item(id, evidence)?, None, HashMap::new())?);
        }
        if let Some(hold) = &change.invites {
            writes.push(self.put(invite_item(id, hold), None, HashMap::new())?);
        }
        let answer_at = writes.len();
        writes.extend(completion.map(|completion| self.completing(completion)).transpose()?);
        let claims = change.claims.is_some();
        self.transact(writes).await.map_err(|refusal| match refusal {
            Refusal::Conditions(places) if claims && places == [1] => role_already_connected(),
            Refusal::Conditions(places) if places == [answer_at] => in_progress(),
            Refusal::Conditions(_) | Refusal::Busy => moved(),
            Refusal::Failed(error) => error,
        })?;
        completion.inspect(|completion| completion.written());
        Ok(())
    }

    /// Records how far a verification has come, which is no change that callers see.
    ///
    /// # Errors
    /// 409 `concurrent_change` when the connection is no longer what was read.
    pub async fn advance(&self, before: &Connection, verification: &Verification) -> Result<(), Error> {
        self.set(before, "verification", attribute(verification)?).await
    }

    /// Records how far a look for a role has come, which is no change that callers see.
    ///
    /// # Errors
    /// 409 `concurrent_change` when the connection is no longer what was read.
    pub async fn advance_look(&self, before: &Connection, look: &Look) -> Result<(), Error> {
        self.set(before, "look", attribute(look)?).await
    }

    /// Records how far an offboarding has come, which is no change that callers see.
    ///
    /// # Errors
    /// 409 `concurrent_change` when the connection is no longer what was read.
    pub async fn advance_offboarding(
        &self,
        before: &Connection,
        offboarding: &Offboarding,
    ) -> Result<(), Error> {
        self.set(before, "offboarding", attribute(offboarding)?).await
    }

    /// Records which grants are still to be given back.
    ///
    /// # Errors
    /// 409 `concurrent_change` when the connection is no longer what was read.
    pub async fn set_releases(&self, before: &Connection, releases: &[Release]) -> Result<(), Error> {
        self.set(before, "releases", attribute(releases)?).await
    }

    async fn set(&self, before: &Connection, name: &str, value: AttributeValue) -> Result<(), Error> {
        let next = number(before.revision + 1);
        let written = self
            .client
            .update_item()
            .table_name(&self.table)
            .set_key(Some(Key::connection(before.id).into_item()))
            .update_expression("SET #name = :value, revision = :next")
            .condition_expression("revision = :revision")
            .expression_attribute_names("#name", name)
            .expression_attribute_values(":value", value.clone())
            .expression_attribute_values(":revision", number(before.revision))
            .expression_attribute_values(":next", next.clone())
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
            .send()
            .await;
        let Err(error) = written else { return Ok(()) };
        match error.as_service_error() {
            // A write whose answer was lost is sent again by the SDK, and then meets itself.
            Some(UpdateItemError::ConditionalCheckFailedException(found))
                if found.item().is_some_and(|item| {
                    item.get("revision") == Some(&next) && item.get(name) == Some(&value)
                }) =>
            {
                Ok(())
            }
            // A conflict with a transaction means that the connection is being changed.
            Some(
                UpdateItemError::ConditionalCheckFailedException(_)
                | UpdateItemError::TransactionConflictException(_),
            ) => Err(moved()),
            _ => Err(unexpected(error)),
        }
    }

    pub(crate) async fn get(&self, key: Key) -> Result<Option<Item>, Error> {
        let output = self
            .client
            .get_item()
            .table_name(&self.table)
            .set_key(Some(key.into_item()))
            .consistent_read(true)
            .send()
            .await
            .map_err(unexpected)?;
        Ok(output.item)
    }

    pub(crate) fn put(
        &self,
        item: Item,
        condition: Option<&str>,
        values: HashMap<String, AttributeValue>,
    ) -> Result<TransactWriteItem, Error> {
        let put = Put::builder()
            .table_name(&self.table)
            .set_item(Some(item))
            .set_condition_expression(condition.map(str::to_owned))
            .set_expression_attribute_values((!values.is_empty()).then_some(values))
            .build()
            .map_err(Error::internal)?;
        Ok(TransactWriteItem::builder().put(put).build())
    }

    /// Carries out `writes`, all or nothing. One that only met another transaction is tried again
    /// after a moment, a few times.
    pub(crate) async fn transact(&self, writes: Vec<TransactWriteItem>) -> Result<(), Refusal> {
        let mut last = Refusal::Busy;
        for attempt in 0..BUSY_ATTEMPTS {
            if attempt > 0 {
                pause(attempt).await;
            }
            let sent =
                self.client.transact_write_items().set_transact_items(Some(writes.clone())).send().await;
            last = match sent {
                Ok(_) => return Ok(()),
                Err(error) => transaction_refusal(error),
            };
            if !matches!(last, Refusal::Busy) {
                break;
            }
        }
        Err(last)
    }

    /// One page of a list, with those in `state` alone if one is given.
    pub(crate) async fn list(
        &self,
        listing: &Listing,
        state: Option<ConnectionState>,
        page: &PageRequest,
    ) -> Result<Page<Item>, Error> {
        let (index, hash, value) = listing.index();
        let list = format!("{index}|{value}|{}", state.map_or("", ConnectionState::as_str));
        let mut start = page.after(&list)?.map(|id| listing.key_of(&id));
        let mut items: Vec<Item> = Vec::new();
        for _ in 0..FILLING_QUERIES {
            let wanted = usize::from(page.limit) - items.len();
            let output = self
                .client
                .query()
                .table_name(&self.table)
                .index_name(index)
                .key_condition_expression("#hash = :hash")
                .expression_attribute_names("#hash", hash)
                .set_filter_expression(state.map(|_| "state_key = :state".to_owned()))
                .set_expression_attribute_values(Some(
                    std::iter::once((":hash".to_owned(), text(&value)))
                        .chain(state.map(|state| (":state".to_owned(), text(state.as_str()))))
                        .collect(),
                ))
                .limit(i32::try_from(wanted).unwrap_or(i32::MAX))
                .set_exclusive_start_key(start)
                .send()
                .await
                .map_err(unexpected)?;
            items.extend(output.items.unwrap_or_default());
            start = output.last_evaluated_key;
            if start.is_none() || items.len() >= usize::from(page.limit) {
                break;
            }
        }
        let next = start.and_then(|key| key.get("list_id")?.as_s().ok().map(|id| seal(&list, id)));
        Ok(Page { items: self.batch(items).await?, next_cursor: next })
    }

    /// The items that entries of an index stand for, in their order. One that is gone by now is
    /// left out.
    pub(crate) async fn batch(&self, entries: Vec<Item>) -> Result<Vec<Item>, Error> {
        let keys: Vec<Item> = entries.iter().filter_map(key_of).collect();
        let mut found: Vec<Item> = Vec::with_capacity(keys.len());
        for some in keys.chunks(BATCH) {
            let mut wanted = some.to_vec();
            for attempt in 0..BATCH_ATTEMPTS {
                if attempt > 0 {
                    pause(attempt).await;
                }
                let request = KeysAndAttributes::builder().set_keys(Some(wanted)).consistent_read(true);
                let output = self
                    .client
                    .batch_get_item()
                    .request_items(&self.table, request.build().map_err(Error::internal)?)
                    .send()
                    .await
                    .map_err(unexpected)?;
                found.extend(output.responses.into_iter().flatten().flat_map(|(_, items)| items));
                let left = output.unprocessed_keys.unwrap_or_default().into_values();
                wanted = left.flat_map(|left| left.keys).collect();
                if wanted.is_empty() {
                    break;
                }
            }
            if !wanted.is_empty() {
                return Err(Error::unavailable("BatchGetItem: DynamoDB left items out again and again"));
            }
        }
        let place = |item: &Item| key_of(item).and_then(|key| keys.iter().position(|known| *known == key));
        found.sort_by_cached_key(place);
        Ok(found)
    }

    /// The connections that were due at `now`, the longest due first, after the place where the
    /// page before ended.
    ///
    /// # Errors
    /// When the table does not answer.
    pub async fn due(&self, now: Timestamp, after: Option<&DuePlace>, limit: u8) -> Result<Due, Error> {
        let start = after.map(|place| {
            let mut key = Key::connection(place.connection_id).into_item();
            key.insert("due_key".to_owned(), text(DUE));
            key.insert("due_at".to_owned(), text(sort_time(place.due_at)));
            key
        });
        let output = self
            .client
            .query()
            .table_name(&self.table)
            .index_name("by-due")
            .key_condition_expression("due_key = :due AND due_at <= :now")
            .expression_attribute_values(":due", text(DUE))
            .expression_attribute_values(":now", text(sort_time(now)))
            .limit(limit.into())
            .set_exclusive_start_key(start)
            .send()
            .await
            .map_err(unexpected)?;
        let more = output.last_evaluated_key.is_some();
        let broken = || Error::internal("an entry of the index by-due cannot be read");
        let places = output.items.unwrap_or_default().into_iter().map(|entry| {
            let read = |name: &str| entry.get(name).and_then(|value| value.as_s().ok()).ok_or_else(broken);
            let id = read("pk")?.strip_prefix("CONNECTION#").ok_or_else(broken)?;
            Ok(DuePlace {
                due_at: read("due_at")?.parse().map_err(Error::internal)?,
                connection_id: id.parse()?,
            })
        });
        Ok(Due { places: places.collect::<Result<_, Error>>()?, more })
    }

    /// Records when Drawbridge looks at the connection by itself, which is no change that callers
    /// see.
    ///
    /// # Errors
    /// 409 `concurrent_change` when the connection is no longer what was read.
    pub async fn set_due(&self, before: &Connection, at: Timestamp) -> Result<(), Error> {
        let written = self
            .client
            .update_item()
            .table_name(&self.table)
            .set_key(Some(Key::connection(before.id).into_item()))
            .update_expression("SET due_key = :due, due_at = :at, revision = :next")
            .condition_expression("revision = :revision")
            .expression_attribute_values(":due", text(DUE))
            .expression_attribute_values(":at", text(sort_time(at)))
            .expression_attribute_values(":revision", number(before.revision))
            .expression_attribute_values(":next", number(before.revision + 1))
            .send()
            .await;
        let Err(error) = written else { return Ok(()) };
        match error.as_service_error() {
            Some(
                UpdateItemError::ConditionalCheckFailedException(_)
                | UpdateItemError::TransactionConflictException(_),
            ) => Err(moved()),
            _ => Err(unexpected(error)),
        }
    }
}

/// Waits a moment, by chance longer or shorter, before the `attempt`th attempt.
async fn pause(attempt: usize) {
    let most = BUSY_PAUSE_MILLISECONDS << attempt.min(6);
    let chance = u64::from_be_bytes(runtime::random());
    tokio::time::sleep(std::time::Duration::from_millis(most / 2 + chance % most)).await;
}

#[cfg(test)]
mod tests;
