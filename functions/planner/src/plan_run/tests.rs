use domain::selection::SelectionParts;
use serde_json::Value;

use super::*;
use crate::test_app::{TestApp, able, run_of};

async fn started() -> (TestApp, Run) {
    let connection = able();
    let app = TestApp::new(&connection, |call| panic!("nothing is asked: {call:?}")).await;
    let select = SelectionParts { names: vec!["*".to_owned()], ..SelectionParts::default() };
    let run = run_of(&connection, select);
    assert!(app.app.store.begin_run(&run, None).await.unwrap());
    (app, run)
}

fn message(run: &Run) -> Value {
    serde_json::to_value(run.next_message()).unwrap()
}

fn kinds(sent: &[(Value, i64)]) -> Vec<&str> {
    sent.iter().map(|(message, _)| message["kind"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn each_connection_gets_a_part_and_its_message() {
    let (app, run) = started().await;
    assert!(!app.take(&message(&run), 1).await);
    let sent = app.sent();
    assert_eq!(kinds(&sent), ["part", "run"]);
    let now = app.app.store.run(run.id).await.unwrap();
    assert_eq!(now.state, RunState::Running);
    let part = app.app.store.part(run.id, able().id).await.unwrap().unwrap();
    assert!(part.steps.running);
}

#[tokio::test]
async fn a_message_that_comes_again_makes_no_second_part_and_sends_on() {
    let (app, run) = started().await;
    assert!(!app.take(&message(&run), 1).await);
    let first = app.sent();
    let after = app.app.store.run(run.id).await.unwrap();
    assert!(!app.take(&message(&run), 2).await);
    assert_eq!(app.sent(), first, "they may have been lost");
    assert_eq!(app.app.store.run(run.id).await.unwrap(), after);
}

/// Of two deliveries that take a step side by side one loses, and sends on as well: the other may fail to, and when
/// this one is done the message comes no more.
#[tokio::test]
async fn two_deliveries_at_once_take_the_step_once_and_both_send_on() {
    let (app, run) = started().await;
    let message = message(&run);
    let failed = futures::join!(app.take(&message, 1), app.take(&message, 1));
    assert_eq!(failed, (false, false));
    let mut sent = app.sent();
    sent.sort_by_key(|(message, _)| message["kind"].to_string());
    assert_eq!(kinds(&sent), ["part", "part", "run", "run"]);
    assert_eq!(sent[0].0, sent[1].0);
    assert_eq!(app.app.store.run(run.id).await.unwrap().progress.steps.step, 1);
}

#[tokio::test]
async fn a_table_that_is_down_leaves_the_run_where_it_was() {
    let (app, run) = started().await;
    app.break_after(0);
    assert!(app.take(&message(&run), 1).await, "it is delivered again");
    assert!(app.app.store.part(run.id, able().id).await.unwrap().is_none());
    app.break_after(usize::MAX);
    app.sent();
    assert!(!app.take(&message(&run), 2).await);
    assert_eq!(kinds(&app.sent()), ["part", "run"]);
}

#[tokio::test]
async fn a_message_that_overtook_its_run_waits_for_it() {
    let connection = able();
    let app = TestApp::new(&connection, |call| panic!("nothing is asked: {call:?}")).await;
    let run =
        run_of(&connection, SelectionParts { names: vec!["*".to_owned()], ..SelectionParts::default() });
    assert!(!app.take(&message(&run), 1).await);
    let sent = app.sent();
    assert_eq!(sent.len(), 1);
    assert_eq!(sent[0].0, message(&run));
    assert!(sent[0].1 > 0, "after a while");
}
