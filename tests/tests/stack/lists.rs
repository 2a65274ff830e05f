//! Lists: pages, cursors, filters.

use blackbox::Api;
use serde_json::{Value, json};

fn ids(list: &Value) -> Vec<String> {
    let items = list["items"].as_array().unwrap();
    items.iter().map(|item| item["connection_id"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn pages_follow_each_other_without_loss_or_repeat() {
    let api = Api::operator();
    let customer = api.new_customer().await;
    let mut made = Vec::new();
    for _ in 0..5 {
        let request = json!({"capabilities": ["ec2-power"], "regions": ["us-east-1"]});
        let connection =
            api.post(&format!("/v1/customers/{customer}/connections"), request).await.expect(201);
        made.push(connection["connection_id"].as_str().unwrap().to_owned());
    }
    // One by state as well, so that pages are filled across items that the filter leaves out.
    for filter in [format!("customer_id={customer}"), format!("customer_id={customer}&state=pending_role")] {
        let mut seen = Vec::new();
        let mut pages = 0;
        let mut cursor = None;
        loop {
            let from = cursor.map_or(String::new(), |cursor: String| format!("&cursor={cursor}"));
            let page = api.get(&format!("/v1/connections?limit=2&{filter}{from}")).await.expect(200);
            assert!(ids(&page).len() <= 2);
            seen.extend(ids(&page));
            pages += 1;
            cursor = page["next_cursor"].as_str().map(str::to_owned);
            if cursor.is_none() {
                break;
            }
        }
        assert_eq!(seen, made, "the oldest first");
        assert!((3..=4).contains(&pages), "{pages}");
    }
    let none = api.get(&format!("/v1/connections?customer_id={customer}&state=active")).await.expect(200);
    assert_eq!(none, json!({"items": [], "next_cursor": null}));
}

#[tokio::test]
async fn connections_are_listed_by_state() {
    let api = Api::operator();
    let connection = api.new_connection().await;
    let mut path = "/v1/connections?state=pending_role&limit=100".to_owned();
    let mut seen = Vec::new();
    loop {
        let page = api.get(&path).await.expect(200);
        assert!(page["items"].as_array().unwrap().iter().all(|item| item["state"] == "pending_role"));
        seen.extend(ids(&page));
        let Some(cursor) = page["next_cursor"].as_str() else { break };
        path = format!("/v1/connections?state=pending_role&limit=100&cursor={cursor}");
    }
    assert!(seen.contains(&connection["connection_id"].as_str().unwrap().to_owned()));
}

#[tokio::test]
async fn a_cursor_is_good_for_its_own_list_alone() {
    let api = Api::operator();
    api.new_connection().await;
    api.new_connection().await;
    let page = api.get("/v1/connections?limit=1").await.expect(200);
    let cursor = page["next_cursor"].as_str().unwrap();
    api.get(&format!("/v1/connections?limit=1&cursor={cursor}")).await.expect(200);
    let mut altered = cursor.to_owned();
    let last = altered.pop().unwrap();
    altered.push(if last == 'A' { 'Q' } else { 'A' });
    for path in [
        format!("/v1/connections?cursor={altered}"),
        format!("/v1/connections?cursor=x{cursor}"),
        format!("/v1/connections?state=active&cursor={cursor}"),
        format!("/v1/customers?cursor={cursor}"),
        "/v1/connections?cursor=nonsense".to_owned(),
    ] {
        assert_eq!(api.get(&path).await.problem(), (400, "invalid_cursor"), "{path}");
    }
}

#[tokio::test]
async fn query_strings_are_checked() {
    let api = Api::operator();
    for (query, code) in [
        ("limit=0", "invalid_limit"),
        ("limit=101", "invalid_limit"),
        ("limit=ten", "invalid_limit"),
        ("limit=-1", "invalid_limit"),
        ("page=2", "unknown_parameter"),
        ("state=happy", "invalid_state"),
        ("customer_id=someone", "invalid_id"),
    ] {
        let answer = api.get(&format!("/v1/connections?{query}")).await;
        assert_eq!(answer.problem(), (400, code), "{query}");
    }
    api.get("/v1/connections?limit=100&state=").await.expect(200);
}

#[tokio::test]
async fn events_are_paged_too() {
    let api = Api::operator();
    let connection = api.new_connection().await;
    let path = format!("/v1/connections/{}/events", connection["connection_id"].as_str().unwrap());
    let page = api.get(&format!("{path}?limit=1")).await.expect(200);
    assert_eq!(page["items"][0]["type"], "connection.created");
    assert_eq!(page["items"][0]["data"]["customer_id"], connection["customer_id"]);
    let other = api.new_connection().await;
    let path = format!("/v1/connections/{}/events", other["connection_id"].as_str().unwrap());
    assert_eq!(api.get(&format!("{path}?cursor=AAAA")).await.problem(), (400, "invalid_cursor"));
}
