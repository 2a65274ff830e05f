//! Lists: one page, or all of them.

use serde_json::{Value, json};

use crate::arguments::Extent;
use crate::client::{Client, Query};
use crate::failure::{Failure, Result};
use crate::screen::Screen;

/// The page that is fetched when all are: the largest, for the fewest requests.
const LARGEST_PAGE: u8 = 100;

/// A list page by page, so that a long one need not be kept whole.
pub struct Pages<'a> {
    client: &'a Client,
    segments: &'a [&'a str],
    filter: &'a Query<'a>,
    limit: Option<u8>,
    cursor: Option<String>,
    is_over: bool,
}

impl<'a> Pages<'a> {
    /// All of a list, in the largest pages that there are.
    pub fn of(client: &'a Client, segments: &'a [&'a str]) -> Self {
        Self::new(client, segments, &[], Some(LARGEST_PAGE))
    }

    fn new(client: &'a Client, segments: &'a [&'a str], filter: &'a Query<'a>, limit: Option<u8>) -> Self {
        Self { client, segments, filter, limit, cursor: None, is_over: false }
    }

    /// The items of the next page; none after the last.
    pub async fn next(&mut self) -> Result<Option<Vec<Value>>> {
        if self.is_over {
            return Ok(None);
        }
        let mut query = self.filter.to_vec();
        query.extend(self.limit.map(|limit| ("limit", limit.to_string())));
        query.extend(self.cursor.clone().map(|cursor| ("cursor", cursor)));
        let mut page = self.client.get(self.segments, &query).await?;
        let Some(Value::Array(items)) = page.get_mut("items").map(Value::take) else {
            return Err(Failure::unexpected("the API's answer is not a list"));
        };
        let next = page.get("next_cursor").and_then(Value::as_str).map(str::to_owned);
        // A cursor that leads to itself would never end.
        if next.is_some() && next == self.cursor {
            return Err(Failure::unexpected("the API's list does not come to an end"));
        }
        self.is_over = next.is_none();
        self.cursor = next;
        Ok(Some(items))
    }
}

/// Fetches a list as `{items, next_cursor}`; with `--all`, all its items and a null cursor.
pub async fn fetch(client: &Client, segments: &[&str], filter: &Query<'_>, extent: &Extent) -> Result<Value> {
    let limit = extent.limit.or(extent.all.then_some(LARGEST_PAGE));
    let mut pages = Pages::new(client, segments, filter, limit);
    let mut items = Vec::new();
    while let Some(more) = pages.next().await? {
        items.extend(more);
        if !extent.all {
            break;
        }
    }
    Ok(json!({"items": items, "next_cursor": pages.cursor}))
}

/// Says that there is more than the page that was shown.
pub fn note_more(page: &Value, screen: &Screen) {
    if page.get("next_cursor").is_some_and(Value::is_string) {
        screen.note("\nthere are more: --all fetches them");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_server::{Answer, TestServer};

    #[tokio::test]
    async fn one_page_keeps_its_cursor() {
        let server = TestServer::start([Answer::ok(json!({"items": [1, 2], "next_cursor": "abc"}))]).await;
        let extent = Extent { limit: Some(2), all: false };
        let filter = [("state", "active".to_owned())];
        let page = fetch(&server.client(), &["v1", "connections"], &filter, &extent).await.unwrap();
        assert_eq!(page, json!({"items": [1, 2], "next_cursor": "abc"}));
        assert_eq!(server.targets(), ["GET /v1/connections?state=active&limit=2"]);
    }

    #[tokio::test]
    async fn all_pages_become_one_document() {
        let server = TestServer::start([
            Answer::ok(json!({"items": [1, 2], "next_cursor": "a+/="})),
            Answer::ok(json!({"items": [3], "next_cursor": "b"})),
            Answer::ok(json!({"items": [], "next_cursor": null})),
        ])
        .await;
        let extent = Extent { limit: None, all: true };
        let all = fetch(&server.client(), &["v1", "customers"], &[], &extent).await.unwrap();
        assert_eq!(all, json!({"items": [1, 2, 3], "next_cursor": null}));
        assert_eq!(
            server.targets(),
            [
                "GET /v1/customers?limit=100",
                "GET /v1/customers?limit=100&cursor=a%2B%2F%3D",
                "GET /v1/customers?limit=100&cursor=b"
            ]
        );
    }

    #[tokio::test]
    async fn a_list_without_an_end_is_left() {
        let page = json!({"items": [1], "next_cursor": "same"});
        let server = TestServer::start([Answer::ok(page.clone()), Answer::ok(page)]).await;
        let extent = Extent { limit: None, all: true };
        let failure = fetch(&server.client(), &["v1", "customers"], &[], &extent).await.unwrap_err();
        assert!(failure.what.contains("does not come to an end"));
    }
}
