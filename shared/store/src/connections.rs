//! Connections in the table: read whole, changed by conditional transactions.

use std::collections::HashMap;

use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use aws_sdk_dynamodb::types::{
    AttributeValue, Delete, Put, ReturnValuesOnConditionCheckFailure, TransactWriteItem,
};
use domain::connection::{Change, Release, role_already_connected};
use domain::verification::Verification;
use domain::{Connection, ConnectionId, ConnectionState, CustomerId, Error, ErrorKind, RoleArn};

use crate::Store;
use crate::cursor::{Page, PageRequest, seal};
use crate::events::{event_item, evidence_item};
use crate::failure::{Refusal, transaction_refusal, unexpected};
use crate::item::{Item, Key, Listing, attribute, from_item, number, text, to_item};
use crate::record::ConnectionRecord;

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

/// The error of a write that found something else than what was read.
pub(crate) fn moved() -> Error {
    Error::new(
        ErrorKind::Conflict,
        "concurrent_change",
        "the connection was changed by somebody else at the same time; read it again and decide anew",
    )
}

impl Store {
    /// Writes a new connection and its event. That its customer exists is for the caller to see.
    ///
    /// # Errors
    /// When the table does not answer.
    pub async fn create_connection(&self, change: &Change) -> Result<(), Error> {
        let connection = &change.connection;
        let item = to_item(Key::connection(connection.id), ConnectionRecord::from(connection))?;
        let writes = vec![
            self.put(item, Some("attribute_not_exists(pk)"), HashMap::new())?,
            self.put(event_item(&change.event)?, None, HashMap::new())?,
        ];
        self.transact(writes).await.map_err(|refusal| match refusal {
            Refusal::Conditions(_) => Error::internal(format!("{} exists already", connection.id)),
            Refusal::Busy => Error::unavailable("another transaction held the new connection"),
            Refusal::Failed(error) => error,
        })
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
        Ok(Page { items: items.collect::<Result<_, Error>>()?, next_cursor: page.next_cursor })
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

    /// Carries out a change of what was read as `before`: the connection, its event, its evidence
    /// and who owns the role, all or nothing.
    ///
    /// # Errors
    /// 409 `role_already_connected` when another connection owns the role by now, and 409
    /// `concurrent_change` when the connection is no longer what was read.
    pub async fn apply(&self, before: &Connection, change: &Change) -> Result<(), Error> {
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
        let claims = change.claims.is_some();
        self.transact(writes).await.map_err(|refusal| match refusal {
            Refusal::Conditions(places) if claims && places == [1] => role_already_connected(),
            Refusal::Conditions(_) | Refusal::Busy => moved(),
            Refusal::Failed(error) => error,
        })
    }

    /// Records how far a verification has come, which is no change that callers see.
    ///
    /// # Errors
    /// 409 `concurrent_change` when the connection is no longer what was read.
    pub async fn advance(&self, before: &Connection, verification: &Verification) -> Result<(), Error> {
        self.set(before, "verification", attribute(verification)?).await
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
    /// at once, a few times.
    pub(crate) async fn transact(&self, writes: Vec<TransactWriteItem>) -> Result<(), Refusal> {
        let mut last = Refusal::Busy;
        for _ in 0..BUSY_ATTEMPTS {
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
        Ok(Page { items, next_cursor: next })
    }
}

#[cfg(test)]
mod tests;
