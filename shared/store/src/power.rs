//! What is remembered of instances in the table: how the latest stop or start left or found each.
//!
//! It is written in one transaction with the chunk whose step has found it, and whoever writes last is right:
//! a condition would only keep what was seen earlier.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::TransactWriteItem;
use domain::chunk::Chunk;
use domain::power::Memory;
use domain::{ConnectionId, Error, Region};

use crate::Store;
use crate::invites::expiry;
use crate::item::{Key, from_item, to_item};
use crate::operations::KEPT;

impl Store {
    /// What is remembered of an instance.
    ///
    /// # Errors
    /// When the table does not answer.
    pub async fn memory(
        &self,
        connection: ConnectionId,
        region: &Region,
        instance: &str,
    ) -> Result<Option<Memory>, Error> {
        self.get(Key::power(connection, region, instance)).await?.map(from_item).transpose()
    }

    /// Writes a chunk once more, with what is to be remembered of its instances. Returns whether nobody has
    /// written it since it was read.
    ///
    /// # Errors
    /// When the table does not answer.
    pub async fn write_chunk_and_memories(
        &self,
        next: &Chunk,
        memories: &[(String, Memory)],
    ) -> Result<bool, Error> {
        let writes = memories.iter().map(|(instance, memory)| self.memory_write(next, instance, memory));
        self.write_chunk_with(next, writes.collect::<Result<_, Error>>()?).await
    }

    fn memory_write(
        &self,
        chunk: &Chunk,
        instance: &str,
        memory: &Memory,
    ) -> Result<TransactWriteItem, Error> {
        let mut item = to_item(Key::power(chunk.connection_id, &chunk.region, instance), memory)?;
        item.insert("expires_at".to_owned(), expiry(memory.at + KEPT));
        self.put(item, None, HashMap::new())
    }
}

#[cfg(test)]
mod tests;
