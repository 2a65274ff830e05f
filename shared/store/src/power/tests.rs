use super::*;
use crate::item::text;
use crate::sample::{NOW, connection_id};
use crate::scripted::{Scripted, unmet};
use domain::RunId;
use domain::job::Job;
use domain::power::Found;

const INSTANCE: &str = "i-0123456789abcdef0";

fn region() -> Region {
    "eu-central-1".parse().unwrap()
}

fn chunk() -> Chunk {
    let run = RunId::new(NOW, [1; 10]);
    let terms = serde_json::from_value(serde_json::json!({"kind": "ec2-stop"})).unwrap();
    let job = Job::waiting(run, connection_id(2), &region(), INSTANCE);
    Chunk::of((run, connection_id(2), region(), 0), terms, vec![job], NOW, NOW + KEPT)
}

fn memory() -> Memory {
    Memory { found: Found::FoundStopped, at: NOW, run_id: RunId::new(NOW, [1; 10]) }
}

#[tokio::test]
async fn what_is_remembered_is_written_with_the_chunk_and_read_back() {
    let table = Scripted::new();
    let next = chunk().with(vec![]);
    let memories = [(INSTANCE.to_owned(), memory())];
    assert!(table.store.write_chunk_and_memories(&next, &memories).await.unwrap());
    let [written, remembered]: [_; 2] = table.sent()[0].clone().try_into().unwrap();
    assert_eq!(written.put().unwrap().condition_expression(), Some("revision = :revision"));
    let put = remembered.put().unwrap();
    assert_eq!(put.condition_expression(), None);
    let item = put.item().clone();
    assert_eq!(item["pk"], text(format!("CONNECTION#{}", connection_id(2))));
    assert_eq!(item["sk"], text(format!("POWER#eu-central-1#{INSTANCE}")));
    assert_eq!((&item["found"], &item["expires_at"]), (&text("found_stopped"), &expiry(NOW + KEPT)));

    let key = Key::power(connection_id(2), &region(), INSTANCE);
    table.hold(key, item);
    let read = table.store.memory(connection_id(2), &region(), INSTANCE).await.unwrap();
    assert_eq!(read, Some(memory()));
    assert_eq!(table.store.memory(connection_id(3), &region(), INSTANCE).await.unwrap(), None);
}

#[tokio::test]
async fn whoever_loses_the_chunk_has_remembered_nothing() {
    let table = Scripted::new();
    table.refuse(unmet(0, 2), vec![]);
    let memories = [(INSTANCE.to_owned(), memory())];
    assert!(!table.store.write_chunk_and_memories(&chunk().with(vec![]), &memories).await.unwrap());
    assert_eq!(table.sent().len(), 1);
}
