use super::*;
use crate::sample::{NOW, connection_id};
use crate::scripted::{Scripted, answered, unmet};
use domain::Actor;
use domain::expression::Timezone;
use domain::job::Phase;
use domain::kind::Kind;
use domain::run::{RunOrder, Scope, Terms};
use domain::selection::{Selection, SelectionParts};
use jiff::SignedDuration;

fn run_id() -> RunId {
    RunId::new(NOW, [1; 10])
}

fn terms() -> Terms {
    Terms {
        kind: Kind::DynamodbBackup,
        schedule_id: None,
        retention: None,
        timezone: Timezone::default(),
        dry_run: false,
        ec2_backup: None,
    }
}

fn run() -> Run {
    let parts = SelectionParts { names: vec!["*".to_owned()], ..SelectionParts::default() };
    let select = Selection::new(parts).unwrap();
    let order = RunOrder { scope: Scope::All, regions: None, select, terms: terms() };
    Run::begin(run_id(), order, None, Actor::Drawbridge, NOW)
}

fn part() -> Part {
    Part::begin(run_id(), connection_id(2), NOW, NOW + SignedDuration::from_hours(24))
}

fn chunk(number: u32, resources: &[&str]) -> Chunk {
    let region: Region = "eu-central-1".parse().unwrap();
    let jobs = resources.iter().map(|name| Job::waiting(run_id(), connection_id(2), &region, name));
    let whose = (run_id(), connection_id(2), region.clone(), number);
    Chunk::of(whose, terms(), jobs.collect(), NOW, NOW + SignedDuration::from_hours(24))
}

fn page(limit: u8, cursor: Option<String>) -> PageRequest {
    PageRequest { limit, cursor }
}

#[tokio::test]
async fn what_a_step_finds_is_written_with_how_far_it_came() {
    let table = Scripted::new();
    let next = run().planned(vec![connection_id(2)], None, NOW);
    assert!(table.store.advance_run(&next, &[part()]).await.unwrap());
    let [written, found]: [_; 2] = table.sent()[0].clone().try_into().unwrap();
    let put = written.put().unwrap();
    assert_eq!(put.condition_expression(), Some(RUNNING_STEP));
    assert_eq!(put.expression_attribute_values().unwrap()[":step"], number(0));
    assert_eq!((put.item()["step"].clone(), put.item()["list_key"].clone()), (number(1), text("runs")));
    let put = found.put().unwrap();
    assert_eq!(put.condition_expression(), NEW, "no part is made twice");
    assert_eq!(put.item()["sk"], text(format!("PART#{}", connection_id(2))));
    assert_eq!(put.item()["list_key"], text(format!("runs#{}", connection_id(2))));
}

/// Of two that take one step, one has done nothing; and one whose answer was lost meets itself.
#[tokio::test]
async fn a_step_is_taken_once() {
    let next = part().planned(Some(("eu-central-1".parse().unwrap(), None)), 1, NOW);
    let somebody_else = part().planned(None, 0, NOW);
    for (found, taken) in [(&next, true), (&somebody_else, false)] {
        let table = Scripted::new();
        let key = Key::part(run_id(), connection_id(2));
        table.refuse(unmet(0, 2), vec![(key, part_item(found).unwrap())]);
        assert_eq!(table.store.advance_part(&next, &[chunk(0, &["a"])]).await.unwrap(), taken);
    }
}

/// The ledger may have moved under a step: whoever takes it again reads it anew.
#[tokio::test]
async fn a_step_whose_ledger_has_moved_is_taken_again() {
    let table = Scripted::new();
    table.refuse(unmet(1, 2), vec![]);
    let next = chunk(0, &["a"]).with(vec![]);
    let error = table.store.write_chunk(&next, &[], &[]).await.unwrap_err();
    assert_eq!(error.kind, domain::ErrorKind::Unavailable);
    table.refuse(answered("ThrottlingException"), vec![]);
    assert_eq!(
        table.store.write_chunk(&next, &[], &[]).await.unwrap_err().kind,
        domain::ErrorKind::Unavailable
    );
}

#[tokio::test]
async fn a_run_that_is_there_already_is_not_begun_again() {
    let table = Scripted::new();
    assert!(table.store.begin_run(&run(), None).await.unwrap());
    table.refuse(unmet(0, 1), vec![]);
    assert!(!table.store.begin_run(&run(), None).await.unwrap());
}

/// Chunks follow their part, and parts each other, in the order of their keys.
#[test]
fn chunks_stand_behind_their_part_in_order() {
    let (first, second) = (connection_id(2), connection_id(3));
    let keys = [
        Key::part(run_id(), first),
        Key::chunk(run_id(), first, 0),
        Key::chunk(run_id(), first, 9),
        Key::chunk(run_id(), first, 10),
        Key::chunk(run_id(), first, 123_456),
        Key::part(run_id(), second),
    ];
    assert!(keys.is_sorted_by(|a, b| a.sk < b.sk), "{keys:?}");
    assert!(keys.iter().all(|key| key.sk.as_str() < AFTER_PARTS));
}

/// A page of jobs may end within a chunk, and the next one goes on there.
#[tokio::test]
async fn jobs_are_paged_across_chunks() {
    let chunks = [chunk(0, &["a", "b", "c"]), chunk(1, &["d", "e"])];
    let items: Vec<Item> = chunks.iter().map(|chunk| chunk_item(chunk).unwrap()).collect();
    let (mut told, mut cursor) = (Vec::new(), None);
    for place in 0..3 {
        let table = Scripted::new();
        // DynamoDB tells what stands from the place on that it is asked for.
        let from = usize::from(place >= 2);
        let part = part_item(&part()).unwrap();
        let before = if place == 0 { vec![part] } else { vec![] };
        table.page(before.into_iter().chain(items[from..].iter().cloned()).collect(), None);
        let found = table.store.jobs(run_id(), &page(2, cursor)).await.unwrap();
        told.extend(found.items.into_iter().map(|job| job.job.resource));
        cursor = found.next_cursor;
    }
    assert_eq!((told, cursor), (["a", "b", "c", "d", "e"].map(str::to_owned).to_vec(), None));
}

#[tokio::test]
async fn what_is_counted_and_what_has_ended_since_is_told_together() {
    let table = Scripted::new();
    let mut ended = chunk(0, &["a", "b"]);
    let jobs = ended.jobs.iter().cloned().map(|job| job.now(Phase::Succeeded)).collect();
    ended = ended.with(jobs);
    table.page(vec![chunk_item(&ended).unwrap()], None);
    let counted = Tally { total: 1, failed: 1, ..Tally::default() };
    let run = run().planned(vec![], None, NOW).counted(Some("PART#x".to_owned()), counted, NOW);
    let tally = table.store.tally(&run).await.unwrap();
    assert_eq!(tally, Tally { total: 3, succeeded: 2, failed: 1, ..Tally::default() });
    let query = table.queries()[0].clone();
    assert_eq!(query.exclusive_start_key().unwrap()["sk"], text("PART#x"));
    // One that has ended is counted, and nobody looks.
    assert_eq!(table.store.tally(&run.finished(Tally::default(), NOW)).await.unwrap(), counted);
}
