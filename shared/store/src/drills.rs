//! Tables of drills, as long as they may be in customers' accounts.

use aws_sdk_dynamodb::types::{Delete, TransactWriteItem};
use domain::drill::DrillTable;
use domain::{ConnectionId, Error, Region};

use crate::Store;
use crate::failure::unexpected;
use crate::item::{Item, Key, from_item, text, to_item};

/// Most that one look finds.
const MOST: i32 = 100;

fn key(table: &DrillTable) -> Key {
    Key::drill_table(table.connection_id, &table.region, &table.target)
}

pub(crate) fn drill_item(table: &DrillTable) -> Result<Item, Error> {
    to_item(key(table), table)
}

impl Store {
    /// The write that forgets a drill's table.
    pub(crate) fn forget_drill_table(&self, table: &DrillTable) -> Result<TransactWriteItem, Error> {
        let delete = Delete::builder().table_name(&self.table).set_key(Some(key(table).into_item()));
        Ok(TransactWriteItem::builder().delete(delete.build().map_err(Error::internal)?).build())
    }

    /// The tables of drills that may be in a Region of a connection's account: a hundred at most.
    ///
    /// # Errors
    /// When the table does not answer.
    pub async fn drill_tables(
        &self,
        connection: ConnectionId,
        region: &Region,
    ) -> Result<Vec<DrillTable>, Error> {
        let first = Key::drill_table(connection, region, "");
        let output = self
            .client
            .query()
            .table_name(&self.table)
            .key_condition_expression("pk = :pk AND begins_with(sk, :prefix)")
            .expression_attribute_values(":pk", text(&first.pk))
            .expression_attribute_values(":prefix", text(&first.sk))
            .consistent_read(true)
            .limit(MOST)
            .send()
            .await
            .map_err(unexpected)?;
        output.items.unwrap_or_default().into_iter().map(from_item).collect()
    }
}

#[cfg(test)]
mod tests;
