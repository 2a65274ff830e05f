//! Pages of lists, and what leads from one to the next.

use super::*;
use crate::sample::{NOW, created, customer_id};
use aws_sdk_dynamodb::operation::query::QueryInput;
use rstest::rstest;

fn page(limit: u8, cursor: Option<String>) -> PageRequest {
    PageRequest { limit, cursor }
}

fn listed(number: u8) -> Item {
    let connection = Connection { id: connection_id(number), ..created().connection };
    to_item(Key::connection(connection.id), ConnectionRecord::from(&connection)).unwrap()
}

/// What DynamoDB says of where a query ended: the keys of the index and of the table.
/// Source: DynamoDB Developer Guide, "Paginating table query results".
fn end(item: &Item, hash: &str) -> Item {
    let keys = ["pk", "sk", "list_id", hash];
    item.iter()
        .filter(|(name, _)| keys.contains(&name.as_str()))
        .map(|(k, v)| (k.clone(), v.clone()))
        .collect()
}

/// A page of an index, which holds keys alone, of items that the table holds.
fn index_page(table: &Scripted, items: &[Item], hash: &str, last: Option<&Item>) {
    for item in items {
        let at = |name: &str| item[name].as_s().unwrap().clone();
        table.hold(Key { pk: at("pk"), sk: at("sk") }, item.clone());
    }
    table.page(items.iter().map(|item| end(item, hash)).collect(), last.map(|item| end(item, hash)));
}

fn hash_of(query: &QueryInput) -> (Option<&str>, &str, &AttributeValue) {
    assert_eq!(query.key_condition_expression(), Some("#hash = :hash"));
    let name = &query.expression_attribute_names().unwrap()["#hash"];
    (query.index_name(), name, &query.expression_attribute_values().unwrap()[":hash"])
}

#[rstest]
#[case::all(ConnectionFilter::default(), "list", "list_key", "connections".to_owned())]
#[case::of_a_customer(
    ConnectionFilter { customer_id: Some(customer_id()), state: None },
    "by-customer", "customer_key", customer_id().to_string()
)]
#[case::in_a_state(
    ConnectionFilter { customer_id: None, state: Some(ConnectionState::PendingRole) },
    "by-state", "state_key", "pending_role".to_owned()
)]
#[tokio::test]
async fn a_cursor_leads_on_where_the_page_ended(
    #[case] filter: ConnectionFilter,
    #[case] index: &str,
    #[case] hash: &str,
    #[case] value: String,
) {
    let table = Scripted::new();
    let last = end(&listed(2), hash);
    assert_eq!(last.len(), 4);
    index_page(&table, &[listed(1), listed(2)], hash, Some(&listed(2)));
    index_page(&table, &[listed(3)], hash, None);
    let first = table.store.connections(filter, &page(2, None)).await.unwrap();
    let second = table.store.connections(filter, &page(2, first.next_cursor.clone())).await.unwrap();

    let ids = |page: &Page<Connection>| page.items.iter().map(|item| item.id).collect::<Vec<_>>();
    assert_eq!(ids(&first), [connection_id(1), connection_id(2)]);
    assert_eq!((ids(&second), second.next_cursor), (vec![connection_id(3)], None));
    let queries = table.queries();
    assert_eq!(queries.len(), 2);
    for query in &queries {
        assert_eq!(hash_of(query), (Some(index), hash, &text(&value)));
        assert_eq!((query.limit(), query.filter_expression()), (Some(2), None));
    }
    assert_eq!(queries[0].exclusive_start_key(), None);
    assert_eq!(queries[1].exclusive_start_key(), Some(&last));
}

#[tokio::test]
async fn what_has_left_a_state_is_not_listed_in_it_though_the_index_says_so() {
    let table = Scripted::new();
    index_page(&table, &[listed(1), listed(2)], "state_key", None);
    let mut moved = created().connection;
    moved.id = connection_id(1);
    moved.state = ConnectionState::Active;
    let record = to_item(Key::connection(moved.id), ConnectionRecord::from(&moved)).unwrap();
    table.hold(Key::connection(moved.id), record);
    let filter = ConnectionFilter { customer_id: None, state: Some(ConnectionState::PendingRole) };
    let listed = table.store.connections(filter, &page(2, None)).await.unwrap();
    assert_eq!(listed.items.iter().map(|item| item.id).collect::<Vec<_>>(), [connection_id(2)]);
}

#[tokio::test]
async fn customers_are_listed_alike() {
    let id = customer_id();
    let record = domain::Customer {
        id,
        name: "a".to_owned(),
        email: None,
        labels: std::collections::BTreeMap::new(),
        created_at: NOW,
        version: 1,
    };
    let item = to_item(Key::customer(id), crate::record::CustomerRecord::from(&record)).unwrap();
    let last = end(&item, "list_key");
    let table = Scripted::new();
    index_page(&table, std::slice::from_ref(&item), "list_key", Some(&item));
    index_page(&table, &[], "list_key", None);
    let first = table.store.customers(&page(1, None)).await.unwrap();
    assert_eq!(first.items, [record]);
    let second = table.store.customers(&page(1, first.next_cursor)).await.unwrap();
    assert_eq!((second.items, second.next_cursor), (vec![], None));
    let queries = table.queries();
    assert_eq!(hash_of(&queries[0]), (Some("list"), "list_key", &text("customers")));
    assert_eq!(queries[1].exclusive_start_key(), Some(&last));
}

fn filtered() -> ConnectionFilter {
    ConnectionFilter { customer_id: Some(customer_id()), state: Some(ConnectionState::PendingRole) }
}

// A filter is applied after a query's limit, so a page of it comes back short or empty though more
// follow. Source: DynamoDB Developer Guide, "Filter expressions for the Query operation".
#[tokio::test]
async fn a_filtered_page_is_filled() {
    let table = Scripted::new();
    let (one, two, four) = (listed(1), listed(2), listed(4));
    index_page(&table, std::slice::from_ref(&one), "customer_key", Some(&one));
    index_page(&table, &[], "customer_key", Some(&two));
    index_page(&table, &[listed(3), four.clone()], "customer_key", Some(&four));
    let result = table.store.connections(filtered(), &page(3, None)).await.unwrap();
    assert_eq!(result.items.len(), 3);
    assert!(result.next_cursor.is_some());

    let queries = table.queries();
    let limits: Vec<_> = queries.iter().map(|query| query.limit().unwrap()).collect();
    assert_eq!(limits, [3, 2, 2], "never more than still fit the page");
    assert_eq!(queries[1].exclusive_start_key(), Some(&end(&one, "customer_key")));
    assert_eq!(queries[2].exclusive_start_key(), Some(&end(&two, "customer_key")));
    for query in &queries {
        assert_eq!(query.filter_expression(), Some("state_key = :state"));
        assert_eq!(query.expression_attribute_values().unwrap()[":state"], text("pending_role"));
        assert_eq!(hash_of(query).0, Some("by-customer"));
    }
}

#[tokio::test]
async fn filling_has_an_end_and_its_cursor_leads_on() {
    let table = Scripted::new();
    for number in 0..FILLING_QUERIES {
        let here = listed(u8::try_from(number).unwrap());
        table.page(vec![], Some(end(&here, "customer_key")));
    }
    let short = table.store.connections(filtered(), &page(3, None)).await.unwrap();
    assert_eq!((short.items, table.queries().len()), (vec![], FILLING_QUERIES));

    table.page(vec![], None);
    let next = table.store.connections(filtered(), &page(3, short.next_cursor)).await.unwrap();
    assert_eq!(next.next_cursor, None);
    let reached = listed(u8::try_from(FILLING_QUERIES - 1).unwrap());
    assert_eq!(table.queries()[FILLING_QUERIES].exclusive_start_key(), Some(&end(&reached, "customer_key")));
}

#[rstest]
#[case::another_customer(ConnectionFilter {
    customer_id: Some(domain::CustomerId::new(NOW, [9; 10])), ..filtered()
})]
#[case::another_state(ConnectionFilter { state: Some(ConnectionState::Active), ..filtered() })]
#[case::no_state(ConnectionFilter { state: None, ..filtered() })]
#[case::no_customer(ConnectionFilter { customer_id: None, ..filtered() })]
#[case::no_filter(ConnectionFilter::default())]
#[tokio::test]
async fn a_cursor_of_another_list_is_refused_unasked(#[case] other: ConnectionFilter) {
    let table = Scripted::new();
    index_page(&table, &[listed(1)], "customer_key", Some(&listed(1)));
    let cursor = table.store.connections(filtered(), &page(1, None)).await.unwrap().next_cursor;
    assert!(cursor.is_some());
    let error = table.store.connections(other, &page(1, cursor)).await.unwrap_err();
    assert_eq!((error.kind, error.code), (ErrorKind::Malformed, "invalid_cursor"));
    assert_eq!(table.queries().len(), 1);
}

#[tokio::test]
async fn events_are_paged_within_their_connection() {
    let (event, id) = (created().event, created().connection.id);
    let item = event_item(&event).unwrap();
    let last: Item = item.clone().into_iter().filter(|(name, _)| name == "pk" || name == "sk").collect();
    let table = Scripted::new();
    table.page(vec![item], Some(last.clone()));
    table.page(vec![], None);
    let first = table.store.events(id, &page(1, None)).await.unwrap();
    assert_eq!(first.items, [event]);
    table.store.events(id, &page(1, first.next_cursor.clone())).await.unwrap();

    let queries = table.queries();
    assert_eq!(queries[1].exclusive_start_key(), Some(&last));
    for query in &queries {
        assert_eq!(query.key_condition_expression(), Some("pk = :pk AND begins_with(sk, :event)"));
        let values = query.expression_attribute_values().unwrap();
        assert_eq!(values[":pk"], text(format!("CONNECTION#{id}")));
        assert_eq!(values[":event"], text("EVENT#"));
        assert_eq!(query.consistent_read(), Some(true));
    }
    let error = table.store.events(connection_id(9), &page(1, first.next_cursor)).await.unwrap_err();
    assert_eq!(error.code, "invalid_cursor");
}

#[tokio::test]
async fn a_page_is_in_the_order_of_its_index() {
    // A batch answers in any order; here in the reverse one.
    let table = Scripted::new();
    let items: Vec<_> = (0..100).map(listed).collect();
    index_page(&table, &items, "list_key", None);
    let found = table.store.connections(ConnectionFilter::default(), &page(100, None)).await.unwrap();
    let expected: Vec<_> = (0..100).map(connection_id).collect();
    assert_eq!(found.items.iter().map(|item| item.id).collect::<Vec<_>>(), expected);
    assert_eq!(table.batches().len(), 1);
}

#[tokio::test]
async fn an_empty_page_asks_for_no_items() {
    let table = Scripted::new();
    table.page(vec![], None);
    let found = table.store.connections(ConnectionFilter::default(), &page(9, None)).await.unwrap();
    assert_eq!((found.items.len(), table.batches().len()), (0, 0));
}

#[tokio::test]
async fn an_entry_whose_item_is_gone_is_left_out() {
    // Indexes learn of deletions later than the table.
    let table = Scripted::new();
    index_page(&table, &[listed(1)], "list_key", None);
    let entries = [1, 2].map(|number| end(&listed(number), "list_key")).to_vec();
    let found = table.store.batch(entries).await.unwrap();
    assert_eq!(found, [listed(1)]);
}

#[tokio::test]
async fn what_a_batch_left_out_is_asked_for_again() {
    let table = Scripted::new();
    let items: Vec<_> = (1..=5).map(listed).collect();
    index_page(&table, &items, "list_key", None);
    table.leave_out(3);
    // It may be all of it. Source: DynamoDB API Reference, `BatchGetItem`, "UnprocessedKeys".
    table.leave_out(3);
    let found = table.store.connections(ConnectionFilter::default(), &page(5, None)).await.unwrap();
    assert_eq!(found.items.len(), 5);
    assert_eq!(found.items[4].id, connection_id(5));
    let batches = table.batches();
    assert_eq!(batches.iter().map(Vec::len).collect::<Vec<_>>(), [5, 3, 3]);
    assert_eq!(batches[1], batches[0][2..]);
}

#[tokio::test(start_paused = true)]
async fn asking_again_has_an_end_and_no_page_is_short_for_it() {
    let table = Scripted::new();
    index_page(&table, &[listed(1), listed(2)], "list_key", None);
    for _ in 0..2 * BATCH_ATTEMPTS {
        table.leave_out(1);
    }
    let page = table.store.connections(ConnectionFilter::default(), &page(2, None)).await;
    assert_eq!(page.unwrap_err().kind, ErrorKind::Unavailable);
    assert_eq!(table.batches().len(), BATCH_ATTEMPTS);
}
