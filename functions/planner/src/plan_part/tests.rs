mod switched;

use domain::job::JobState;
use domain::selection::SelectionParts;
use domain::{Capability, CapabilitySet, ConnectionState};
use rstest::rstest;
use serde_json::{Value, json};

use super::*;
use crate::test_app::{Call, REGION, Sts, TestApp, able, refusal, run_of};

fn all() -> SelectionParts {
    SelectionParts { names: vec!["*".to_owned()], ..SelectionParts::default() }
}

fn tagged() -> SelectionParts {
    SelectionParts { tags: [("tier".to_owned(), "gold".to_owned())].into(), ..SelectionParts::default() }
}

/// A part of a run of this connection of which nothing is planned yet.
async fn begun(app: &TestApp, connection: &Connection, select: SelectionParts) -> Part {
    let (run, store, now) = (run_of(connection, select), &app.app.store, now());
    let part = Part::begin(run.id, connection.id, now, run.progress.steps.deadline);
    assert!(store.begin_run(&run, None).await.unwrap());
    assert!(
        store
            .advance_run(&run.planned(vec![connection.id], None, now), std::slice::from_ref(&part))
            .await
            .unwrap()
    );
    part
}

async fn started(
    connection: &Connection,
    select: SelectionParts,
    answers: impl FnMut(&Call) -> (u16, Value) + Send + 'static,
) -> (TestApp, Part) {
    let app = TestApp::new(connection, answers).await;
    let part = begun(&app, connection, select).await;
    (app, part)
}

fn message(part: &Part) -> Value {
    serde_json::to_value(part.next_message()).unwrap()
}

/// Takes the part's next step, and returns the part as it is then, and what was sent.
async fn step(app: &TestApp, part: &Part) -> (Part, Vec<(Value, i64)>) {
    assert!(!app.take(&message(part), 1).await, "it was taken");
    let next = app.app.store.part(part.run_id, part.connection_id).await.unwrap().unwrap();
    (next, app.sent())
}

/// The jobs of a chunk, as resource, state and code.
async fn jobs(app: &TestApp, part: &Part, number: u32) -> Vec<(String, JobState, Option<String>)> {
    let chunk = app.app.store.chunk(part.run_id, part.connection_id, number).await.unwrap().unwrap();
    chunk.jobs.into_iter().map(|job| (job.resource, job.phase.into(), job.code)).collect()
}

/// So many tables, in pages as `ListTables` gives them.
fn tables(count: usize) -> impl FnMut(&Call) -> (u16, Value) + Send {
    let names: Vec<String> = (0..count).map(|number| format!("table-{number:04}")).collect();
    move |call| {
        assert_eq!(call.operation, "ListTables");
        let after = call.body["ExclusiveStartTableName"].as_str().unwrap_or_default();
        let limit = usize::try_from(call.body["Limit"].as_i64().unwrap()).unwrap();
        let rest: Vec<&String> = names.iter().filter(|name| name.as_str() > after).collect();
        let page = &rest[..limit.min(rest.len())];
        let mut answer = json!({"TableNames": page});
        if rest.len() > limit {
            answer["LastEvaluatedTableName"] = json!(page.last());
        }
        (200, answer)
    }
}

/// Source: `DynamoDB` API Reference, `ListTables`: 100 names a page at most.
#[tokio::test]
async fn a_region_of_many_tables_is_planned_page_by_page() {
    let (app, mut part) = started(&able(), all(), tables(230)).await;
    let (mut pages, mut seen, mut chunks) = (0, Vec::new(), 0);
    while part.steps.running {
        let (next, sent) = step(&app, &part).await;
        let of = |kind: &str| sent.iter().filter(|(message, _)| message["kind"] == kind).count();
        assert_eq!(of("chunk"), usize::try_from(next.chunks - part.chunks).unwrap());
        assert_eq!(of("part"), usize::from(next.steps.running), "the next page, if there is one");
        for number in part.chunks..next.chunks {
            let found = jobs(&app, &next, number).await;
            assert!(found.len() <= domain::chunk::MOST_JOBS, "{}", found.len());
            seen.extend(found.into_iter().map(|(resource, ..)| resource));
        }
        (pages, chunks, part) = (pages + 1, next.chunks, next);
    }
    assert_eq!(pages, 3);
    assert!(chunks >= 10, "{chunks}");
    let expected: Vec<String> = (0..230).map(|number| format!("table-{number:04}")).collect();
    assert_eq!(seen, expected, "each table once, and none is missing");
    let policy = app.policy();
    assert_eq!(policy[0]["Action"], "dynamodb:ListTables", "{policy:#}");
}

#[tokio::test]
async fn two_deliveries_at_once_plan_a_page_once_and_both_send_on() {
    let (app, part) = started(&able(), all(), tables(1)).await;
    let message = message(&part);
    let failed = futures::join!(app.take(&message, 1), app.take(&message, 1));
    assert_eq!(failed, (false, false));
    let sent: Vec<Value> = app.sent().into_iter().map(|(message, _)| message).collect();
    assert_eq!((sent.len(), &sent[0]), (2, &sent[1]), "the chunk's message, by each");
    let after = app.app.store.part(part.run_id, part.connection_id).await.unwrap().unwrap();
    assert_eq!((after.chunks, after.steps.step), (1, 1));
}

#[tokio::test]
async fn names_are_selected_and_excluded() {
    let select = SelectionParts {
        names: vec!["table-000*".to_owned()],
        exclude_names: vec!["*3".to_owned()],
        ..SelectionParts::default()
    };
    let (app, part) = started(&able(), select, tables(12)).await;
    let (part, _) = step(&app, &part).await;
    let found: Vec<_> = jobs(&app, &part, 0).await.into_iter().map(|(resource, ..)| resource).collect();
    let expected = [0, 1, 2, 4, 5, 6, 7, 8, 9].map(|number| format!("table-000{number}"));
    assert_eq!(found, expected);
}

#[tokio::test]
async fn tables_that_are_named_one_by_one_are_not_listed() {
    let select = SelectionParts { ids: vec!["orders".to_owned()], ..SelectionParts::default() };
    let (app, part) = started(&able(), select, |call| panic!("nothing is asked: {call:?}")).await;
    let (part, _) = step(&app, &part).await;
    assert_eq!(jobs(&app, &part, 0).await, [("orders".to_owned(), JobState::Queued, None)]);
}

#[tokio::test]
async fn tags_are_looked_up_and_what_was_deleted_meanwhile_is_left_out() {
    let (app, part) = started(&able(), tagged(), |call| match call.operation.as_str() {
        "ListTables" => (200, json!({"TableNames": ["bronze", "gold", "gone"]})),
        "ListTagsOfResource" => match call.body["ResourceArn"].as_str().unwrap().rsplit('/').next() {
            Some("gold") => (200, json!({"Tags": [{"Key": "tier", "Value": "gold"}]})),
            Some("bronze") => (200, json!({"Tags": [{"Key": "tier", "Value": "bronze"}]})),
            _ => refusal("ResourceNotFoundException"),
        },
        other => panic!("nobody asks to {other}"),
    })
    .await;
    let (part, _) = step(&app, &part).await;
    assert_eq!(jobs(&app, &part, 0).await, [("gold".to_owned(), JobState::Queued, None)]);
}

#[tokio::test]
async fn what_throttles_is_asked_again_later_and_later() {
    let (app, part) = started(&able(), all(), |_| refusal("ThrottlingException")).await;
    let (part, first) = step(&app, &part).await;
    let (part, second) = step(&app, &part).await;
    assert!(part.steps.running && part.chunks == 0);
    assert!(second[0].1 > first[0].1, "{first:?} {second:?}");
    app.answer(tables(1));
    let (part, _) = step(&app, &part).await;
    assert_eq!((part.chunks, part.steps.running), (1, false));
}

#[rstest]
#[case::suspended(
    Connection { state: ConnectionState::Suspended, ..able() }, JobState::Skipped, "connection_not_active"
)]
#[case::for_nothing_of_it(
    Connection { capabilities: CapabilitySet::new([Capability::DynamodbData]).unwrap(), ..able() },
    JobState::Failed, "capability_missing"
)]
#[tokio::test]
async fn an_account_that_is_not_for_it_is_left_alone(
    #[case] connection: Connection,
    #[case] state: JobState,
    #[case] code: &str,
) {
    let (app, part) = started(&connection, all(), |call| panic!("nothing is asked: {call:?}")).await;
    let (part, sent) = step(&app, &part).await;
    assert_eq!(jobs(&app, &part, 0).await, [(EVERYTHING.to_owned(), state, Some(code.to_owned()))]);
    assert!(!part.steps.running && sent.is_empty(), "nothing is to be done: {sent:?}");
    assert!(app.policy().is_null(), "no session was opened");
}

#[rstest]
#[case::the_role(Sts::Refuses(403, "AccessDenied", "no"), "role_not_assumable")]
#[case::the_list(Sts::Gives, "access_denied")]
#[tokio::test]
async fn a_refusal_is_one_job_that_stands_for_all(#[case] sts: Sts, #[case] code: &str) {
    let (app, part) = started(&able(), all(), |_| refusal("AccessDeniedException")).await;
    app.sts(sts);
    let (part, _) = step(&app, &part).await;
    let expected = (EVERYTHING.to_owned(), JobState::Failed, Some(code.to_owned()));
    assert_eq!(jobs(&app, &part, 0).await, [expected]);
    assert!(!part.steps.running);
}

/// One Region refuses; the others are backed up all the same.
#[tokio::test]
async fn a_region_that_refuses_holds_up_no_other() {
    let regions = [REGION, "eu-west-1"].map(|region| region.parse().unwrap());
    let connection = Connection { regions: regions.into(), ..able() };
    let (app, part) = started(&connection, all(), |call| match call.region.as_str() {
        REGION => refusal("AccessDeniedException"),
        _ => (200, json!({"TableNames": ["orders"]})),
    })
    .await;
    let (part, _) = step(&app, &part).await;
    let (part, _) = step(&app, &part).await;
    assert_eq!(jobs(&app, &part, 0).await[0].2.as_deref(), Some("access_denied"));
    assert_eq!(jobs(&app, &part, 1).await, [("orders".to_owned(), JobState::Queued, None)]);
    assert!(!part.steps.running);
}

/// The process ends between the write and the messages: whoever takes the message again sends them, and lists
/// nothing twice.
#[tokio::test]
async fn what_was_written_is_sent_again_and_not_listed_again() {
    let (app, part) = started(&able(), all(), tables(2)).await;
    let (after, first) = step(&app, &part).await;
    app.calls();
    assert!(!app.take(&message(&part), 2).await);
    assert!(app.calls().is_empty(), "nothing is listed");
    assert_eq!(app.sent(), first);
    assert_eq!(app.app.store.part(part.run_id, part.connection_id).await.unwrap().unwrap(), after);
}

/// The table is down when the page is to be written: the message fails, and the next delivery plans the page.
#[tokio::test]
async fn a_page_that_was_not_written_is_listed_again() {
    let (app, part) = started(&able(), all(), tables(2)).await;
    app.break_after(0);
    assert!(app.take(&message(&part), 1).await, "it is delivered again");
    assert!(app.sent().iter().all(|(message, _)| message["kind"] != "chunk"));
    app.break_after(usize::MAX);
    let (part, _) = step(&app, &part).await;
    assert_eq!((jobs(&app, &part, 0).await.len(), part.chunks), (2, 1));
}

/// A drill's table is Drawbridge's own: no run selects it, and a drill deletes it only if none of its own goes on.
#[tokio::test]
async fn tables_of_drills_are_selected_by_nobody_and_removed_by_the_next_drill() {
    let connection = Connection {
        capabilities: CapabilitySet::new([Capability::DynamodbBackup, Capability::DynamodbDrill]).unwrap(),
        ..able()
    };
    let listed = |call: &Call| match call.operation.as_str() {
        "ListTables" => (200, json!({"TableNames": ["drawbridge-drill-job_1", "orders"]})),
        other => panic!("nobody asks to {other}"),
    };
    let app = TestApp::new(&connection, listed).await;
    let part = begun(&app, &connection, all()).await;
    let (part, _) = step(&app, &part).await;
    assert_eq!(jobs(&app, &part, 0).await.len(), 1);

    // One drill goes on: the chunk of the part above stands for it. Of the other nobody knows any more.
    let drill = run_of(&connection, all());
    let terms = domain::run::Terms { kind: domain::kind::Kind::RestoreDrill, ..drill.order.terms.clone() };
    let order = domain::run::RunOrder { terms, ..drill.order.clone() };
    let drill = domain::run::Run { id: domain::RunId::new(now(), [3; 10]), order, ..drill };
    let store = &app.app.store;
    let left = |target: &str, run| domain::drill::DrillTable {
        connection_id: connection.id,
        region: REGION.parse().unwrap(),
        target: target.to_owned(),
        backup_id: domain::BackupId::of(domain::JobId::of(
            part.run_id,
            connection.id,
            &REGION.parse().unwrap(),
            "orders",
        )),
        backup_made_at: now(),
        run_id: run,
        chunk: 0,
        asked_at: now(),
    };
    let chunk = store.chunk(part.run_id, part.connection_id, 0).await.unwrap().unwrap();
    let noted = domain::chunk::Chunk { revision: chunk.revision + 1, ..chunk };
    let tables = [
        store::BackupWrite::DrillTable(left("drawbridge-drill-job_1", part.run_id)),
        store::BackupWrite::DrillTable(left("drawbridge-drill-job_2", domain::RunId::new(now(), [4; 10]))),
    ];
    assert!(store.write_chunk(&noted, &tables, &[]).await.unwrap());
    let next = Part::begin(drill.id, connection.id, now(), drill.progress.steps.deadline);
    assert!(store.begin_run(&drill, None).await.unwrap());
    let planned = drill.planned(vec![connection.id], None, now());
    assert!(store.advance_run(&planned, std::slice::from_ref(&next)).await.unwrap());
    let (next, _) = step(&app, &next).await;
    let found: Vec<_> =
        jobs(&app, &next, 0).await.into_iter().map(|(resource, state, _)| (resource, state)).collect();
    assert_eq!(
        found,
        [("orders".to_owned(), JobState::Queued), ("drawbridge-drill-job_2".to_owned(), JobState::Running)]
    );
}

/// Office hours that are over an hour late are told, and nothing is switched.
#[tokio::test]
async fn what_is_for_its_time_is_left_out_once_that_is_over() {
    let connection =
        Connection { capabilities: CapabilitySet::new([Capability::Ec2Power]).unwrap(), ..able() };
    let app = TestApp::new(&connection, |call| panic!("nothing is asked: {call:?}")).await;
    let run = run_of(&connection, all());
    let terms = domain::run::Terms { kind: domain::kind::Kind::Ec2Stop, ..run.order.terms.clone() };
    let order = domain::run::RunOrder { terms, ..run.order.clone() };
    let late = domain::run::Run { too_late: true, order, ..run };
    let part = Part::begin(late.id, connection.id, now(), late.progress.steps.deadline);
    let store = &app.app.store;
    assert!(store.begin_run(&late, None).await.unwrap());
    let planned = late.planned(vec![connection.id], None, now());
    assert!(store.advance_run(&planned, std::slice::from_ref(&part)).await.unwrap());
    let (part, _) = step(&app, &part).await;
    assert_eq!(
        jobs(&app, &part, 0).await,
        [("*".to_owned(), JobState::Failed, Some("not_in_time".to_owned()))]
    );
}
