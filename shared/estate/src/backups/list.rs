//! Which tables there are, and their tags.

use std::collections::BTreeMap;

use access::CustomerSession;
use domain::policy::{PolicyDocument, Statement};

use super::{Answer, heard};
use crate::operations::Place;
use crate::operations::dynamodb::client;

/// Most pages of tags that are read: a table has 50 tags at most, which are one page of `DynamoDB`'s.
/// Source: `DynamoDB` Developer Guide, "Tagging restrictions in `DynamoDB`".
const MOST_PAGES: usize = 10;

/// One page of tables, in order of their names.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct TablePage {
    /// Their names.
    pub names: Vec<String>,
    /// The last one that was looked at, if there may be more behind it.
    pub last: Option<String>,
}

/// What a session may do that lists a Region's tables, and looks their tags up where that is wanted.
#[must_use]
pub fn planning_policy(place: &Place, with_tags: bool) -> PolicyDocument {
    // ListTables can be limited to no resource.
    let listing = Statement::allow(["dynamodb:ListTables"], ["*"]);
    let tags = with_tags.then(|| Statement::allow(["dynamodb:ListTagsOfResource"], [place.table("*", "")]));
    let here = |statement: Statement| {
        statement.on_condition("StringEquals", "aws:RequestedRegion", place.region.as_str())
    };
    PolicyDocument::new([listing].into_iter().chain(tags).map(here).collect())
}

/// Lists the tables behind `after`, at most `limit` of them, which AWS bounds to 100.
pub async fn list_tables(
    session: &CustomerSession,
    place: &Place,
    after: Option<&str>,
    limit: i32,
) -> Answer<TablePage> {
    let asked = client(session, place)
        .list_tables()
        .limit(limit)
        .set_exclusive_start_table_name(after.map(str::to_owned))
        .send();
    match heard(session, asked).await {
        Ok(page) => Answer::Done(TablePage {
            names: page.table_names.unwrap_or_default(),
            last: page.last_evaluated_table_name,
        }),
        Err(unheard) => unheard.answer("ListTables"),
    }
}

/// A table's tags. AWS allows ten such look-ups a second; pacing them is the caller's.
pub async fn tags(session: &CustomerSession, place: &Place, table: &str) -> Answer<BTreeMap<String, String>> {
    let client = client(session, place);
    let (mut found, mut next) = (BTreeMap::new(), None);
    for _ in 0..MOST_PAGES {
        let asked =
            client.list_tags_of_resource().resource_arn(place.table(table, "")).set_next_token(next).send();
        match heard(session, asked).await {
            Ok(page) => {
                found.extend(page.tags.unwrap_or_default().into_iter().map(|tag| (tag.key, tag.value)));
                next = page.next_token;
                if next.is_none() {
                    return Answer::Done(found);
                }
            }
            Err(unheard) => return unheard.answer(table),
        }
    }
    // Not all of them were told, and a part of them would select other tables.
    Answer::Later { code: "too_many_pages".to_owned() }
}
