use super::*;
use crate::sample::{NOW, connection_id};
use crate::scripted::Scripted;
use domain::ScheduleId;
use domain::freshness::Promise;

fn fresh(resource: &str, stale: bool) -> Freshness {
    let region = "eu-central-1".parse().unwrap();
    let seen = Freshness::seen(connection_id(2), Kind::DynamodbBackup, region, resource.to_owned(), NOW);
    let promise = Promise { by: NOW, schedule_id: ScheduleId::new(NOW, [1; 10]) };
    Freshness { version: 1, promise: Some(promise), stale_since: stale.then_some(NOW), ..seen }
}

/// Only what is stale is listed of all connections, and by a place that leads back to it.
#[tokio::test]
async fn what_is_stale_is_listed_for_as_long_as_it_is() {
    let table = Scripted::new();
    assert!(table.store.write_freshness(&fresh("orders", true), None).await.unwrap());
    let cured = Freshness { version: 2, ..fresh("orders", false) };
    assert!(table.store.write_freshness(&cured, None).await.unwrap());
    let items: Vec<_> = table.sent().iter().map(|writes| writes[0].put().unwrap().item().clone()).collect();
    let listed: Vec<_> = items.iter().map(|item| item.get("list_key").cloned()).collect();
    assert_eq!(listed, [Some(text("stale")), None]);
    let id = items[0]["list_id"].as_s().unwrap();
    let key = Listing::Stale.key_of(id);
    assert_eq!((&key["pk"], &key["sk"]), (&items[0]["pk"], &items[0]["sk"]));
}

#[tokio::test]
async fn whoever_comes_second_writes_nothing() {
    let table = Scripted::new();
    assert!(table.store.write_freshness(&fresh("orders", false), None).await.unwrap());
    let next = Freshness { version: 2, ..fresh("orders", true) };
    table.refuse(crate::scripted::unmet(0, 1), vec![]);
    assert!(!table.store.write_freshness(&next, None).await.unwrap());
    table.refuse(crate::scripted::unmet(0, 1), vec![]);
    assert!(!table.store.forget_freshness(&next, None).await.unwrap());
    let sent = table.sent();
    let put = sent[1][0].put().unwrap();
    assert_eq!(put.condition_expression(), Some("version = :before"));
    assert_eq!(sent[2][0].delete().unwrap().condition_expression(), Some("version = :before"));
}

/// Regions that are looked at are skipped, each as a whole.
#[tokio::test]
async fn what_is_known_elsewhere_is_found() {
    let table = Scripted::new();
    let item = |region: &str, resource: &str| {
        let fresh = Freshness { region: region.parse().unwrap(), ..fresh(resource, false) };
        to_item(key(fresh.connection_id, fresh.kind, &fresh.region, resource), fresh).unwrap()
    };
    let last = item("eu-west-1", "b");
    table.page(vec![item("eu-central-1", "a"), last.clone()], Some(last));
    table.page(vec![item("us-east-1", "c")], None);
    let west: Region = "eu-west-1".parse().unwrap();
    let places = [(Kind::DynamodbBackup, west)].into();
    let (found, more) = table.store.freshness_elsewhere(connection_id(2), &places).await.unwrap();
    assert!(!more);
    let names: Vec<_> = found.iter().map(|fresh| fresh.resource.as_str()).collect();
    assert_eq!(names, ["a", "c"]);
    let start = table.queries()[1].exclusive_start_key().unwrap()["sk"].as_s().unwrap().clone();
    assert!(start.as_str() > "FRESHNESS#dynamodb-backup#eu-west-1#zzz", "{start}");
}
