//! Customers in the table.

use domain::{Customer, CustomerId, Error};

use crate::Store;
use crate::cursor::{Page, PageRequest};
use crate::failure::unexpected;
use crate::item::{Key, Listing, from_item, to_item};
use crate::record::CustomerRecord;

impl Store {
    /// Writes a new customer. Its id is new, so that writing it twice is writing it once.
    ///
    /// # Errors
    /// When the table does not answer.
    pub async fn create_customer(&self, customer: &Customer) -> Result<(), Error> {
        let item = to_item(Key::customer(customer.id), CustomerRecord::from(customer))?;
        self.client
            .put_item()
            .table_name(&self.table)
            .set_item(Some(item))
            .send()
            .await
            .map_err(unexpected)?;
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
