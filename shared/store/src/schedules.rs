//! Schedules in the table, which is the truth of them: EventBridge holds a projection.

use std::collections::HashMap;

use aws_sdk_dynamodb::operation::delete_item::DeleteItemError;
use aws_sdk_dynamodb::operation::put_item::PutItemError;
use domain::schedule::{Schedule, ScheduleChange, TOMBSTONE};
use domain::{ConnectionId, Error, ErrorKind, ScheduleId};

use crate::Store;
use crate::cursor::{Page, PageRequest};
use crate::events::event_item;
use crate::failure::{Refusal, unexpected};
use crate::idempotency::{Completion, in_progress};
use crate::invites::expiry;
use crate::item::{Item, Key, Listing, from_item, number, text, to_item};

fn schedule_item(schedule: &Schedule) -> Result<Item, Error> {
    let mut item = to_item(Key::schedule(schedule.id), schedule)?;
    item.insert("list_id".to_owned(), text(schedule.id.to_string()));
    let (_, hash, value) = Listing::Schedules.index();
    item.insert(hash.to_owned(), text(value));
    if let Some(deleted_at) = schedule.deleted_at {
        // A deleted one is in no list of its connection's, and stands until EventBridge holds it no more.
        item.insert("expires_at".to_owned(), expiry(deleted_at + TOMBSTONE));
    } else {
        let (_, hash, value) = Listing::SchedulesOf(schedule.connection_id).index();
        item.insert(hash.to_owned(), text(value));
    }
    Ok(item)
}

/// The error of a write that found another version than was read.
fn moved() -> Error {
    Error::new(
        ErrorKind::Conflict,
        "concurrent_change",
        "the schedule was changed by somebody else at the same time; read it again and decide anew",
    )
}

impl Store {
    /// Writes a new schedule, its event, and the answer to the request that asked for it.
    ///
    /// # Errors
    /// 409 `request_in_progress` when the same request is being answered elsewhere by now.
    pub async fn create_schedule(
        &self,
        change: &ScheduleChange,
        completion: Option<&Completion>,
    ) -> Result<(), Error> {
        let put =
            self.put(schedule_item(&change.schedule)?, Some("attribute_not_exists(pk)"), HashMap::new())?;
        self.write_schedule(put, change, completion).await.map_err(|refusal| match refusal {
            Refusal::Conditions(places) if places.first() == Some(&0) => {
                Error::internal(format!("{} exists already", change.schedule.id))
            }
            refusal => told(refusal),
        })
    }

    /// Writes a schedule that has changed, its event, and the answer to the request that asked for it.
    ///
    /// # Errors
    /// 409 `concurrent_change` when it is not as it was read, 409 `request_in_progress` when the same
    /// request is being answered elsewhere by now.
    pub async fn change_schedule(
        &self,
        before: &Schedule,
        change: &ScheduleChange,
        completion: Option<&Completion>,
    ) -> Result<(), Error> {
        let unchanged = HashMap::from([(":version".to_owned(), number(before.version))]);
        let put = self.put(schedule_item(&change.schedule)?, Some("version = :version"), unchanged)?;
        self.write_schedule(put, change, completion).await.map_err(|refusal| match refusal {
            Refusal::Conditions(places) if places.first() == Some(&0) => moved(),
            refusal => told(refusal),
        })
    }

    async fn write_schedule(
        &self,
        put: aws_sdk_dynamodb::types::TransactWriteItem,
        change: &ScheduleChange,
        completion: Option<&Completion>,
    ) -> Result<(), Refusal> {
        let event = event_item(&change.event).and_then(|event| self.put(event, None, HashMap::new()));
        let mut writes = vec![put, event.map_err(Refusal::Failed)?];
        let answer = completion.map(|completion| self.completing(completion)).transpose();
        writes.extend(answer.map_err(Refusal::Failed)?);
        self.transact(writes).await?;
        completion.inspect(|completion| completion.written());
        Ok(())
    }

    /// The schedule with this id.
    ///
    /// # Errors
    /// 404 when there is none, or it is deleted.
    pub async fn schedule(&self, id: ScheduleId) -> Result<Schedule, Error> {
        let schedule = self.schedule_record(id).await?;
        schedule.filter(|schedule| schedule.deleted_at.is_none()).ok_or_else(|| Error::not_found("schedule"))
    }

    /// The same as it is kept, though it be deleted.
    ///
    /// # Errors
    /// When the table does not answer.
    pub async fn schedule_record(&self, id: ScheduleId) -> Result<Option<Schedule>, Error> {
        self.get(Key::schedule(id)).await?.map(from_item).transpose()
    }

    /// One page of a connection's schedules, the oldest first.
    ///
    /// # Errors
    /// 400 `invalid_cursor`.
    pub async fn schedules(
        &self,
        connection: ConnectionId,
        page: &PageRequest,
    ) -> Result<Page<Schedule>, Error> {
        let page = self.schedule_page(&Listing::SchedulesOf(connection), page).await?;
        // An index is a moment behind.
        let items = page.items.into_iter().filter(|schedule| schedule.deleted_at.is_none()).collect();
        Ok(Page { items, ..page })
    }

    /// One page of all schedules, those too that are deleted and may still stand in EventBridge.
    ///
    /// # Errors
    /// 400 `invalid_cursor`.
    pub async fn all_schedules(&self, page: &PageRequest) -> Result<Page<Schedule>, Error> {
        self.schedule_page(&Listing::Schedules, page).await
    }

    async fn schedule_page(&self, listing: &Listing, page: &PageRequest) -> Result<Page<Schedule>, Error> {
        let page = self.list(listing, None, page).await?;
        let items = page.items.into_iter().map(from_item).collect::<Result<_, Error>>()?;
        Ok(Page { items, next_cursor: page.next_cursor })
    }

    /// Writes down what stands in EventBridge of a schedule, unless it has changed meanwhile. Returns
    /// whether it had not.
    ///
    /// # Errors
    /// When the table does not answer.
    pub async fn note_published(&self, schedule: &Schedule) -> Result<bool, Error> {
        let put = self
            .client
            .put_item()
            .table_name(&self.table)
            .set_item(Some(schedule_item(schedule)?))
            .condition_expression("version = :version")
            .expression_attribute_values(":version", number(schedule.version))
            .send()
            .await;
        match put {
            Ok(_) => Ok(true),
            Err(error) => match error.as_service_error() {
                Some(PutItemError::ConditionalCheckFailedException(_)) => Ok(false),
                _ => Err(unexpected(error)),
            },
        }
    }

    /// Forgets a deleted schedule that EventBridge holds no more.
    ///
    /// # Errors
    /// When the table does not answer.
    pub async fn forget_schedule(&self, id: ScheduleId) -> Result<(), Error> {
        let deleted = self
            .client
            .delete_item()
            .table_name(&self.table)
            .set_key(Some(Key::schedule(id).into_item()))
            .condition_expression("attribute_exists(deleted_at)")
            .send()
            .await;
        match deleted {
            Ok(_) => Ok(()),
            Err(error) => match error.as_service_error() {
                // It is gone already.
                Some(DeleteItemError::ConditionalCheckFailedException(_)) => Ok(()),
                _ => Err(unexpected(error)),
            },
        }
    }
}

fn told(refusal: Refusal) -> Error {
    match refusal {
        Refusal::Conditions(_) => in_progress(),
        Refusal::Busy => Error::unavailable("another transaction held the schedule"),
        Refusal::Failed(error) => error,
    }
}

#[cfg(test)]
mod tests;
