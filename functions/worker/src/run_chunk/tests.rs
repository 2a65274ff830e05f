use domain::backup::BackupState;
use domain::job::JobState;
use domain::kind::Kind;
use domain::part::Part;
use domain::run::{Run, RunOrder, Scope, Terms};
use domain::selection::{Selection, SelectionParts};
use domain::{Actor, BackupId, Capability, CapabilitySet, ConnectionState, RunId};
use jiff::Timestamp;
use rstest::rstest;
use serde_json::{Value, json};

use super::*;
use crate::test_app::{Call, Sts, TestApp, active, refusal};

const REGION: &str = "eu-central-1";
const MADE: &str = "arn:aws:dynamodb:eu-central-1:222222222222:table/orders/backup/01489602797149-73d8d5bc";

fn able() -> Connection {
    Connection {
        capabilities: CapabilitySet::new([Capability::DynamodbBackup]).unwrap(),
        regions: [REGION.parse().unwrap()].into(),
        ..active()
    }
}

/// A chunk of a run that backs up these tables.
async fn begun(app: &TestApp, connection: &Connection, tables: &[&str]) -> Chunk {
    let terms = Terms {
        kind: Kind::DynamodbBackup,
        schedule_id: None,
        retention: None,
        timezone: "UTC".parse().unwrap(),
        dry_run: false,
        ec2_backup: None,
    };
    let select = SelectionParts { names: vec!["*".to_owned()], ..SelectionParts::default() };
    let order = RunOrder {
        scope: Scope::Connections(vec![connection.id]),
        regions: None,
        select: Selection::new(select).unwrap(),
        terms: terms.clone(),
    };
    let (now, store) = (now(), &app.app.store);
    let run = Run::begin(RunId::new(now, [1; 10]), order, None, Actor::Drawbridge, now);
    let deadline = run.progress.steps.deadline;
    let part = Part::begin(run.id, connection.id, now, deadline);
    let region: domain::Region = REGION.parse().unwrap();
    let jobs = tables.iter().map(|table| Job::waiting(run.id, connection.id, &region, table)).collect();
    let chunk = Chunk::of((run.id, connection.id, region, 0), terms, jobs, now, deadline);
    assert!(store.begin_run(&run, None).await.unwrap());
    assert!(
        store
            .advance_run(&run.planned(vec![connection.id], None, now), std::slice::from_ref(&part))
            .await
            .unwrap()
    );
    assert!(store.advance_part(&part.planned(None, 1, now), std::slice::from_ref(&chunk)).await.unwrap());
    chunk
}

async fn started(
    connection: &Connection,
    tables: &[&str],
    answers: impl FnMut(&Call) -> (u16, Value) + Send + 'static,
) -> (TestApp, Chunk) {
    let app = TestApp::new(connection, answers).await;
    let chunk = begun(&app, connection, tables).await;
    (app, chunk)
}

/// Takes the chunk's next step, and returns the chunk as it is then, and in how many seconds it goes on.
async fn step(app: &TestApp, chunk: &Chunk) -> (Chunk, Option<i64>) {
    let message = serde_json::to_value(chunk.next_message().unwrap()).unwrap();
    assert!(!app.take(&message, 1).await, "it was taken");
    let mut sent = app.sent();
    assert!(sent.len() <= 1, "{sent:?}");
    let next = app.app.store.chunk(chunk.run_id, chunk.connection_id, chunk.number).await.unwrap().unwrap();
    (next, sent.pop().map(|(_, after)| after))
}

/// What is said of a table that can be backed up.
fn of_the_table(call: &Call) -> Option<(u16, Value)> {
    let answer = match call.operation.as_str() {
        "DescribeTable" => json!({"Table": {
            "TableName": call.body["TableName"], "TableStatus": "ACTIVE",
            "TableArn": "arn:aws:dynamodb:eu-central-1:222222222222:table/orders",
            "KeySchema": [{"AttributeName": "pk", "KeyType": "HASH"}],
            "AttributeDefinitions": [{"AttributeName": "pk", "AttributeType": "S"}],
        }}),
        "DescribeContinuousBackups" => {
            json!({"ContinuousBackupsDescription": {"ContinuousBackupsStatus": "ENABLED"}})
        }
        "DescribeTimeToLive" => json!({"TimeToLiveDescription": {"TimeToLiveStatus": "DISABLED"}}),
        "ListTagsOfResource" => json!({"Tags": [{"Key": "team", "Value": "shop"}]}),
        _ => return None,
    };
    Some((200, answer))
}

fn details(status: &str) -> Value {
    json!({
        "BackupArn": MADE, "BackupName": "b", "BackupStatus": status, "BackupType": "USER",
        "BackupCreationDateTime": 1_795_000_000, "BackupSizeBytes": 7,
    })
}

/// An account in which a backup is asked for with this answer, and then is as it should be.
fn account(create: (u16, Value)) -> impl FnMut(&Call) -> (u16, Value) + Send {
    let mut looks = 0;
    move |call| match call.operation.as_str() {
        "CreateBackup" => create.clone(),
        "DescribeBackup" => {
            looks += 1;
            let status = if looks == 1 { "CREATING" } else { "AVAILABLE" };
            (200, json!({"BackupDescription": {"BackupDetails": details(status)}}))
        }
        _ => of_the_table(call).unwrap_or_else(|| panic!("nobody answers {call:?}")),
    }
}

fn taken() -> (u16, Value) {
    (200, json!({"BackupDetails": details("CREATING")}))
}

fn operations(app: &TestApp) -> Vec<String> {
    let mut operations: Vec<_> = app.calls().into_iter().map(|call| call.operation).collect();
    operations.sort();
    operations
}

fn outcome(chunk: &Chunk) -> (JobState, Option<&str>) {
    (chunk.jobs[0].phase.into(), chunk.jobs[0].code.as_deref())
}

#[tokio::test]
async fn a_backup_is_asked_for_watched_and_told() {
    let connection = able();
    let (app, chunk) = started(&connection, &["orders"], account(taken())).await;
    let (chunk, after) = step(&app, &chunk).await;
    assert_eq!(
        operations(&app),
        [
            "CreateBackup",
            "DescribeContinuousBackups",
            "DescribeTable",
            "DescribeTimeToLive",
            "ListTagsOfResource"
        ]
    );
    let policy = app.policy();
    assert_eq!(
        policy[0]["Resource"], "arn:aws:dynamodb:eu-central-1:222222222222:table/orders",
        "{policy:#}"
    );
    assert_eq!((chunk.jobs[0].phase, after), (Phase::Making, Some(1)));

    let (chunk, _) = step(&app, &chunk).await;
    assert_eq!(chunk.jobs[0].phase, Phase::Making, "it is not there yet");
    assert_eq!(app.policy()[0]["Resource"], MADE);
    let (chunk, after) = step(&app, &chunk).await;
    assert_eq!((outcome(&chunk), after), ((JobState::Succeeded, None), None));
    assert_eq!((chunk.tally.total, chunk.tally.succeeded, chunk.steps.running), (1, 1, false));

    let id = BackupId::of(chunk.jobs[0].id);
    let region = REGION.parse().unwrap();
    let kept = app.app.store.backup_of(connection.id, &region, "orders", id).await.unwrap().unwrap();
    assert_eq!((kept.state, kept.size_bytes, kept.aws_id.as_str()), (BackupState::Available, Some(7), MADE));
    assert_eq!(app.events().iter().filter(|kind| *kind == "backup.created").count(), 1);
}

#[tokio::test]
async fn what_aws_did_not_answer_is_looked_for_before_it_is_asked_for_again() {
    let (app, chunk) = started(&able(), &["orders"], account(refusal("InternalServerError"))).await;
    let (chunk, _) = step(&app, &chunk).await;
    assert_eq!(chunk.jobs[0].phase, Phase::Asking, "{:?}", chunk.jobs[0]);
    app.calls();

    let name = chunk.jobs[0].backup_name();
    app.answer(move |call| match call.operation.as_str() {
        "ListBackups" => {
            let mut summary = details("CREATING");
            summary["BackupName"] = json!(name);
            (200, json!({"BackupSummaries": [summary]}))
        }
        _ => of_the_table(call).unwrap_or_else(|| panic!("nobody asks for another: {call:?}")),
    });
    let (chunk, _) = step(&app, &chunk).await;
    assert!(operations(&app).contains(&"ListBackups".to_owned()));
    assert_eq!((chunk.jobs[0].phase, chunk.jobs[0].aws_id.as_deref()), (Phase::Making, Some(MADE)));
}

#[tokio::test]
async fn what_is_not_there_is_asked_for_again() {
    let (app, chunk) = started(&able(), &["orders"], account(refusal("InternalServerError"))).await;
    let (chunk, _) = step(&app, &chunk).await;
    app.answer(|call| match call.operation.as_str() {
        "ListBackups" => (200, json!({"BackupSummaries": []})),
        "CreateBackup" => taken(),
        _ => of_the_table(call).unwrap(),
    });
    let (chunk, _) = step(&app, &chunk).await;
    assert_eq!(chunk.jobs[0].phase, Phase::Making, "{:?}", chunk.jobs[0]);
}

/// Source: `DynamoDB` API Reference, `CreateBackup`, Errors.
#[rstest]
#[case::throttled("ThrottlingException")]
#[case::too_many_at_once("LimitExceededException")]
#[case::another_backup_is_made("BackupInUseException")]
#[tokio::test]
async fn what_passes_is_asked_for_again_later_and_later(#[case] code: &'static str) {
    let (app, mut chunk) = started(&able(), &["orders"], account(refusal(code))).await;
    let mut pauses = Vec::new();
    for _ in 0..3 {
        let (next, after) = step(&app, &chunk).await;
        assert!(next.steps.running, "{:?}", next.jobs[0]);
        pauses.extend(after);
        chunk = next;
    }
    assert!(pauses.windows(2).all(|two| two[0] <= two[1]) && pauses[2] > pauses[0], "{pauses:?}");
    app.answer(account(taken()));
    assert_eq!(step(&app, &chunk).await.0.jobs[0].phase, Phase::Making);
}

#[rstest]
#[case::no_right("AccessDeniedException", "access_denied")]
#[case::gone("TableNotFoundException", "not_found")]
#[tokio::test]
async fn what_does_not_pass_is_told(#[case] code: &'static str, #[case] told: &str) {
    let (app, chunk) = started(&able(), &["orders"], account(refusal(code))).await;
    let (chunk, after) = step(&app, &chunk).await;
    assert_eq!((outcome(&chunk), after), ((JobState::Failed, Some(told)), None));
}

#[tokio::test]
async fn a_table_that_is_being_made_is_left_out() {
    let (app, chunk) = started(&able(), &["orders"], |call| match call.operation.as_str() {
        "DescribeTable" => (200, json!({"Table": {"TableName": "orders", "TableStatus": "CREATING"}})),
        "CreateBackup" => panic!("it is not asked for"),
        _ => of_the_table(call).unwrap(),
    })
    .await;
    let (chunk, _) = step(&app, &chunk).await;
    assert_eq!(outcome(&chunk), (JobState::Skipped, Some("table_creating")));
}

/// Whoever was asking AWS has it for himself for a while: what became of it cannot be known before.
#[tokio::test]
async fn what_somebody_else_is_asking_for_is_left_to_them() {
    let (app, chunk) = started(&able(), &["orders"], |call| panic!("nothing is asked: {call:?}")).await;
    let asking = chunk.asking(chunk.jobs.clone(), now());
    assert!(app.app.store.write_chunk(&asking, &[], &[]).await.unwrap());
    let (after_it, pause) = step(&app, &chunk).await;
    assert_eq!(after_it, asking, "nothing was done");
    assert!((25..=30).contains(&pause.unwrap()), "{pause:?}");
}

#[tokio::test]
async fn where_aws_packs_no_session_for_so_many_it_is_asked_for_half() {
    let (app, chunk) = started(&able(), &["orders", "users", "carts", "items"], account(taken())).await;
    app.sts(Sts::Refuses(400, "PackedPolicyTooLarge", "too large"));
    let (chunk, _) = step(&app, &chunk).await;
    assert_eq!(chunk.width, 2);
    assert!(app.calls().is_empty());
    app.sts(Sts::Gives);
    let (chunk, _) = step(&app, &chunk).await;
    assert_eq!(chunk.in_phase(Phase::Making).count(), 2);
}

#[tokio::test]
async fn a_role_that_refuses_is_told_and_nothing_is_asked() {
    let (app, chunk) = started(&able(), &["orders"], |call| panic!("nothing is asked: {call:?}")).await;
    app.sts(Sts::Refuses(403, "AccessDenied", "no"));
    let (chunk, _) = step(&app, &chunk).await;
    assert_eq!(outcome(&chunk), (JobState::Failed, Some("role_not_assumable")));
}

#[rstest]
#[case::suspended(
    Connection { state: ConnectionState::Suspended, ..able() }, JobState::Skipped, "connection_not_active"
)]
#[case::without_the_capability(
    Connection { capabilities: CapabilitySet::new([Capability::DynamodbData]).unwrap(), ..able() },
    JobState::Failed, "capability_missing"
)]
#[case::without_the_region(
    Connection { regions: ["eu-west-1".parse().unwrap()].into(), ..able() },
    JobState::Failed, "region_not_connected"
)]
#[tokio::test]
async fn an_account_is_left_alone_when_it_is_no_longer_for_this(
    #[case] connection: Connection,
    #[case] state: JobState,
    #[case] code: &str,
) {
    let (app, chunk) = started(&connection, &["orders"], |call| panic!("nothing is asked: {call:?}")).await;
    let (chunk, after) = step(&app, &chunk).await;
    assert_eq!((outcome(&chunk), after), ((state, Some(code)), None));
    assert!(app.policy().is_null(), "no session was opened");
}

/// The message comes twice: the step is taken once, and the next one is sent again, for it may be lost.
#[tokio::test]
async fn a_message_that_comes_again_makes_no_second_backup() {
    let (app, chunk) = started(&able(), &["orders"], account(taken())).await;
    let (next, _) = step(&app, &chunk).await;
    app.calls();
    let message = serde_json::to_value(chunk.next_message().unwrap()).unwrap();
    assert!(!app.take(&message, 2).await);
    assert!(app.calls().is_empty(), "AWS is not asked");
    let again = app.sent();
    assert_eq!(again.len(), 1);
    assert_eq!(again[0].0, serde_json::to_value(next.next_message().unwrap()).unwrap());
}

#[tokio::test]
async fn two_deliveries_at_once_make_one_backup_and_neither_loses_the_next_step() {
    let (app, chunk) = started(&able(), &["orders"], account(taken())).await;
    let message = serde_json::to_value(chunk.next_message().unwrap()).unwrap();
    let failed = futures::join!(app.take(&message, 1), app.take(&message, 1));
    assert_eq!(failed, (false, false));
    assert_eq!(operations(&app).iter().filter(|operation| *operation == "CreateBackup").count(), 1);
    let sent = app.sent();
    let steps: Vec<_> = sent.iter().map(|(message, _)| &message["step"]).collect();
    assert_eq!(sent.len(), 2, "{steps:?}");
    assert!(steps.contains(&&json!(1)), "{steps:?}");
}

/// A second delivery meets the first one at work: what waits for that one is not lost with it.
#[tokio::test]
async fn what_waits_for_another_delivery_goes_on_after_it() {
    let (app, chunk) = started(&able(), &["orders"], account(taken())).await;
    let asking = chunk.asking(chunk.jobs.clone(), now());
    assert!(app.app.store.write_chunk(&asking, &[], &[]).await.unwrap());
    let message = serde_json::to_value(chunk.next_message().unwrap()).unwrap();
    assert!(!app.take(&message, 2).await);
    let waiting = app.sent();
    assert_eq!((waiting.len(), app.calls().len()), (1, 0), "AWS is not asked");
    assert!(waiting[0].1 > 0 && waiting[0].0["waited"] == true, "{waiting:?}");
    // The first one has done its step, and could not send the next.
    let made = asking.with(vec![asking.jobs[0].clone().now(Phase::Making)]).stepped(&chunk, now());
    assert!(app.app.store.write_chunk(&made, &[], &[]).await.unwrap());
    assert!(!app.take(&waiting[0].0, 1).await);
    let sent = app.sent();
    assert_eq!(sent.len(), 1);
    assert_eq!(sent[0].0, serde_json::to_value(made.next_message().unwrap()).unwrap());
}

#[tokio::test]
async fn a_chunk_that_takes_too_long_is_given_up() {
    let connection = able();
    let (app, chunk) = started(&connection, &["orders"], |call| panic!("nothing is asked: {call:?}")).await;
    let late = Chunk { taken_at: Some(Timestamp::UNIX_EPOCH), revision: 2, ..chunk.clone() };
    assert!(app.app.store.write_chunk(&late, &[], &[]).await.unwrap());
    let (chunk, _) = step(&app, &chunk).await;
    assert_eq!(outcome(&chunk), (JobState::Failed, Some("not_in_time")));
}
