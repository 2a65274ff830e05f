//! Customers in the table.

use std::collections::HashMap;

use domain::{Customer, CustomerId, Error};

use crate::Store;
use crate::cursor::{Page, PageRequest};
use crate::failure::Refusal;
use crate::idempotency::{Completion, in_progress};
use crate::item::{Key, Listing, from_item, to_item};
use crate::record::CustomerRecord;

impl Store {
    /// Writes a new customer, and with it the answer to the request that asked for it. Its id is
    /// new, so that writing it twice is writing it once.
    ///
    /// # Errors
    /// 409 `request_in_progress` when the same request is being answered elsewhere by now.
    pub async fn create_customer(
        &self,
        customer: &Customer,
        completion: Option<&Completion>,
    ) -> Result<(), Error> {
        let item = to_item(Key::customer(customer.id), CustomerRecord::from(customer))?;
        let mut writes = vec![self.put(item, None, HashMap::new())?];
        writes.extend(completion.map(|completion| self.completing(completion)).transpose()?);
        self.transact(writes).await.map_err(|refusal| match refusal {
            Refusal::Conditions(_) => in_progress(),
            Refusal::Busy => Error::unavailable("another transaction held the new customer"),
            Refusal::Failed(error) => error,
        })?;
        completion.inspect(|completion| completion.written());
        Ok(())
    }

    /// The customer with this id.
    ///
    /// # Errors
    /// 404 when there is none.
    pub async fn customer(&self, id: CustomerId) -> Result<Customer, Error> {
        let item = self.get(Key::customer(id)).await?.ok_or_else(|| Error::not_found("customer"))?;
        Ok(from_item::<CustomerRecord>(item)?.into())
    }

    /// One page of all customers, the oldest first.
    ///
    /// # Errors
    /// 400 `invalid_cursor`.
    pub async fn customers(&self, page: &PageRequest) -> Result<Page<Customer>, Error> {
        let page = self.list(&Listing::Customers, None, page).await?;
        let items = page.items.into_iter().map(|item| Ok(from_item::<CustomerRecord>(item)?.into()));
        Ok(Page { items: items.collect::<Result<_, Error>>()?, next_cursor: page.next_cursor })
    }
}
