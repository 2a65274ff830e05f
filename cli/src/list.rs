//! Lists: one page, or all of them.

use serde_json::{Value, json};

use crate::arguments::Extent;
use crate::client::{Client, Query};
use crate::failure::{Failure, Result};
use crate::screen::Screen;

/// The page that is fetched when all are: the largest, for the fewest requests.
const LARGEST_PAGE: u8 = 100;

/// Fetches a list as `{items, next_cursor}`; with `--all`, all its items and a null cursor.
pub async fn fetch(client: &Client, segments: &[&str], filter: &Query<'_>, extent: &Extent) -> Result<Value> {
    let mut items = Vec::new();
    let mut cursor: Option<String> = None;
    loop {
        let mut query = filter.to_vec();
        let limit = extent.limit.or(extent.all.then_some(LARGEST_PAGE));
        query.extend(limit.map(|limit| ("limit", limit.to_string())));
        query.extend(cursor.clone().map(|cursor| ("cursor", cursor)));
        let mut page = client.get(segments, &query).await?;
        let Some(Value::Array(more)) = page.get_mut("items").map(Value::take) else {
            return Err(Failure::unexpected("the API's answer is not a list"));
        };
        items.extend(more);
        let next = page.get("next_cursor").and_then(Value::as_str).map(str::to_owned);
        if !extent.all {
            return Ok(json!({"items": items, "next_cursor": next}));
        }
        match next {
            None => return Ok(json!({"items": items, "next_cursor": null})),
            // A cursor that leads to itself would never end.
            Some(next) if cursor.as_ref() == Some(&next) => {
                return Err(Failure::unexpected("the API's list does not come to an end"));
            }
            next => cursor = next,
        }
    }
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
