//! A new table is looked at once it is there, and its items are counted if somebody asked for it.

use access::CustomerSession;
use aws_sdk_dynamodb::types::{Select, TableDescription};
use domain::manifest::{Known, TableManifest};
use domain::operation::Counted;
use domain::policy::{PolicyDocument, Statement};

use super::{LOOK_AT_TABLE, Restore};
use crate::backups::manifest::manifest_of;
use crate::backups::{Answer, heard};
use crate::operations::dynamodb::client;
use crate::operations::{deadline, passing};

/// The action that counts.
const COUNT: &str = "dynamodb:Scan";

/// Most pages that are counted, of 1 MB of items each: reading is billed, and half a gigabyte shows that a
/// table is filled. Source: `DynamoDB` API Reference, `Scan`.
const MOST_PAGES: usize = 512;

impl Restore {
    /// What a session may do that looks at the new table, and counts its items.
    #[must_use]
    pub fn comparing_policy(&self, counting: bool) -> PolicyDocument {
        let actions = [LOOK_AT_TABLE].into_iter().chain(counting.then_some(COUNT));
        PolicyDocument::new(vec![Statement::allow(actions, [self.table()])])
    }

    /// What the new table is like, as far as it is compared; `None` if it is not there.
    pub async fn shape(&self, session: &CustomerSession) -> Answer<Option<TableManifest>> {
        self.described(session).await.map(|table| table.map(|table| shape_of(&table)))
    }

    /// Counts the new table's items, for as long as there is time. Where it has come to is kept nowhere, for
    /// that would be a key of the customer's.
    pub async fn count(&self, session: &CustomerSession) -> Counted {
        let client = client(session, &self.place);
        let (mut items, mut start) = (0, None);
        for _ in 0..MOST_PAGES {
            if deadline::is_over(session) {
                break;
            }
            let request = client.scan().table_name(&self.target).select(Select::Count);
            let page = match heard(session, request.set_exclusive_start_key(start).send()).await {
                Ok(page) => page,
                Err(unheard) => {
                    let target = unheard.target(&self.target);
                    if passing(&target) {
                        return if items > 0 { Counted::AtLeast(items) } else { Counted::Later };
                    }
                    let code = target.code.unwrap_or_default();
                    return Counted::Refused(format!("AWS did not count the items ({code})."));
                }
            };
            items += u64::try_from(page.count).unwrap_or(0);
            start = page.last_evaluated_key;
            if start.is_none() {
                return Counted::All(items);
            }
        }
        Counted::AtLeast(items)
    }
}

fn shape_of(table: &TableDescription) -> TableManifest {
    let unread = "not_compared";
    manifest_of(
        table,
        Known::Unknown(unread.to_owned()),
        Known::Unknown(unread.to_owned()),
        Known::Unknown(unread.to_owned()),
    )
}
