//! The audit list of a connection, and what its verifications left behind.

use std::collections::HashMap;

use domain::audit::About;
use domain::verification::Evidence;
use domain::{AuditEvent, ConnectionId, Error};
use jiff::Timestamp;

use crate::Store;
use crate::cursor::{Page, PageRequest, seal};
use crate::failure::unexpected;
use crate::item::{Item, Key, from_item, text, to_item};
use crate::record::EventRecord;

/// A time as it stands in a sort key: always of one length, so that text order is time order.
pub(crate) fn sort_time(at: Timestamp) -> String {
    format!("{at:.3}")
}

pub(crate) fn event_item(event: &AuditEvent) -> Result<Item, Error> {
    let mut key = match event.about {
        About::Connection(id) => Key::connection(id),
        About::Run(id) => Key::run(id),
    };
    key.sk = format!("EVENT#{}#{}", sort_time(event.at), event.id);
    to_item(key, EventRecord::from(event))
}

pub(crate) fn evidence_item(connection: ConnectionId, evidence: &Evidence) -> Result<Item, Error> {
    let mut key = Key::connection(connection);
    key.sk = format!("EVIDENCE#{}", sort_time(evidence.finished_at));
    to_item(key, evidence)
}

impl Store {
    /// One page of a connection's events, the oldest first. A connection that does not exist has
    /// none.
    ///
    /// # Errors
    /// 400 `invalid_cursor`.
    pub async fn events(
        &self,
        connection: ConnectionId,
        page: &PageRequest,
    ) -> Result<Page<AuditEvent>, Error> {
        let key = Key::connection(connection);
        let list = format!("events|{connection}");
        let start = page
            .after(&list)?
            .map(|sk| HashMap::from([("pk".to_owned(), text(&key.pk)), ("sk".to_owned(), text(sk))]));
        let output = self
            .client
            .query()
            .table_name(&self.table)
            .key_condition_expression("pk = :pk AND begins_with(sk, :event)")
            .expression_attribute_values(":pk", text(&key.pk))
            .expression_attribute_values(":event", text("EVENT#"))
            .limit(page.limit.into())
            .consistent_read(true)
            .set_exclusive_start_key(start)
            .send()
            .await
            .map_err(unexpected)?;
        let end = output.last_evaluated_key().and_then(|key| key.get("sk")?.as_s().ok().cloned());
        let items = output.items.unwrap_or_default().into_iter();
        Ok(Page {
            items: items
                .map(|item| from_item::<EventRecord>(item)?.try_into())
                .collect::<Result<_, Error>>()?,
            next_cursor: end.map(|sk| seal(&list, &sk)),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn text_order_is_time_order(a in 0_i64..4_000_000_000_000, b in 0_i64..4_000_000_000_000) {
            let (first, second) = (Timestamp::from_millisecond(a)?, Timestamp::from_millisecond(b)?);
            prop_assert_eq!(first.cmp(&second), sort_time(first).cmp(&sort_time(second)));
        }
    }
}
