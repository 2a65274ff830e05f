use std::sync::{Arc, Mutex};

use domain::audit::EventType;
use domain::drill::table_of;
use domain::job::JobState;
use domain::part::Part;
use domain::run::{Run, RunOrder, Scope, Terms};
use domain::sample::backup;
use domain::selection::{Selection, SelectionParts};
use domain::{Actor, Capability, CapabilitySet, Connection, RunId};
use rstest::rstest;
use serde_json::{Value, json};

use super::*;
use crate::test_app::{Call, Sts, TestApp, active, refusal};
use domain::chunk::Chunk;

const REGION: &str = "eu-central-1";

fn connection(capabilities: &[Capability]) -> Connection {
    Connection {
        capabilities: CapabilitySet::new(capabilities.iter().copied()).unwrap(),
        regions: [REGION.parse().unwrap()].into(),
        ..active()
    }
}

fn able() -> Connection {
    connection(&[Capability::DynamodbBackup, Capability::DynamodbDrill])
}

/// A run's chunk with a drill of this table, and the table's backup in the ledger.
async fn begun(app: &TestApp, connection: &Connection, table: &str, dry_run: bool) -> Chunk {
    app.hold(&backup(connection));
    let terms = Terms {
        kind: Kind::RestoreDrill,
        schedule_id: None,
        retention: None,
        timezone: "UTC".parse().unwrap(),
        dry_run,
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
    let jobs = vec![Job::waiting(run.id, connection.id, &region, table)];
    let chunk = Chunk::of((run.id, connection.id, region, 0), terms, jobs, now, deadline);
    assert!(store.begin_run(&run, None).await.unwrap());
    let planned = run.planned(vec![connection.id], None, now);
    assert!(store.advance_run(&planned, std::slice::from_ref(&part)).await.unwrap());
    assert!(store.advance_part(&part.planned(None, 1, now), std::slice::from_ref(&chunk)).await.unwrap());
    chunk
}

/// The drill's table as it is in the account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Table {
    Absent,
    Creating,
    Active,
    Deleting,
}

/// An account with one item in the backup, and what the live table has in its place. Each look moves the
/// drill's table on.
struct Account {
    table: Table,
    live: Option<&'static str>,
    billing: &'static str,
    lose_answer: bool,
}

impl Account {
    fn well() -> Self {
        Self { table: Table::Absent, live: Some("first"), billing: "PAY_PER_REQUEST", lose_answer: false }
    }

    fn answers(self) -> (Arc<Mutex<Self>>, impl FnMut(&Call) -> (u16, Value) + Send + 'static) {
        let account = Arc::new(Mutex::new(self));
        let told = Arc::clone(&account);
        (account, move |call: &Call| told.lock().unwrap().answer(call))
    }

    fn described(&self, name: &Value) -> Value {
        let status = match self.table {
            Table::Absent | Table::Active => "ACTIVE",
            Table::Creating => "CREATING",
            Table::Deleting => "DELETING",
        };
        json!({
            "TableName": name, "TableStatus": status,
            "TableArn": format!("arn:aws:dynamodb:{REGION}:222222222222:table/x"),
            "KeySchema": [{"AttributeName": "pk", "KeyType": "HASH"}],
            "AttributeDefinitions": [{"AttributeName": "pk", "AttributeType": "S"}],
            "BillingModeSummary": {"BillingMode": self.billing},
            "RestoreSummary": {
                "SourceBackupArn": backup(&active()).aws_id, "RestoreInProgress": status == "CREATING",
                "RestoreDateTime": 1,
            },
        })
    }

    fn answer(&mut self, call: &Call) -> (u16, Value) {
        let item = |value: &str| json!({"pk": {"S": "one"}, "value": {"S": value}});
        match call.operation.as_str() {
            "RestoreTableFromBackup" => {
                assert_eq!(self.table, Table::Absent, "it is asked for once");
                self.table = Table::Creating;
                if std::mem::take(&mut self.lose_answer) {
                    return (500, json!({"__type": "InternalServerError"}));
                }
                (200, json!({"TableDescription": self.described(&call.body["TargetTableName"])}))
            }
            "DescribeTable" if self.table == Table::Absent => refusal("ResourceNotFoundException"),
            "DescribeTable" => {
                let told = self.described(&call.body["TableName"]);
                self.table = match self.table {
                    Table::Creating => Table::Active,
                    Table::Deleting => Table::Absent,
                    same => same,
                };
                (200, json!({"Table": told}))
            }
            "DeleteTable" => {
                assert_eq!(self.table, Table::Active);
                assert!(call.body["TableName"].as_str().unwrap().starts_with("drawbridge-drill-"));
                self.table = Table::Deleting;
                (200, json!({}))
            }
            "Scan" if call.body["Select"] == "COUNT" => (200, json!({"Count": 1, "ScannedCount": 1})),
            "Scan" if call.body["Segment"] == 3 => (200, json!({"Items": [item("first")], "Count": 1})),
            "Scan" => (200, json!({"Items": [], "Count": 0})),
            "GetItem" => {
                assert_eq!(call.body["TableName"], "Music", "the live table is read, and nothing else");
                (200, self.live.map_or_else(|| json!({}), |value| json!({"Item": item(value)})))
            }
            other => panic!("nobody asks to {other}"),
        }
    }
}

/// Takes steps until the chunk has ended, at most so many.
async fn ended(app: &TestApp, chunk: &Chunk, most: usize) -> Chunk {
    let mut chunk = chunk.clone();
    for _ in 0..most {
        let Some(message) = chunk.next_message() else { break };
        let mut message = serde_json::to_value(message).unwrap();
        message["waited"] = json!(true);
        assert!(!app.take(&message, 1).await, "it was taken");
        app.sent();
        chunk = read(app, &chunk).await;
    }
    assert!(!chunk.steps.running, "{chunk:#?}");
    chunk
}

async fn read(app: &TestApp, chunk: &Chunk) -> Chunk {
    app.app.store.chunk(chunk.run_id, chunk.connection_id, chunk.number).await.unwrap().unwrap()
}

fn outcome(chunk: &Chunk) -> (JobState, Option<&str>) {
    (chunk.jobs[0].phase.into(), chunk.jobs[0].code.as_deref())
}

async fn tables(app: &TestApp, connection: &Connection) -> usize {
    app.app.store.drill_tables(connection.id, &REGION.parse().unwrap()).await.unwrap().len()
}

#[tokio::test]
async fn a_backup_is_restored_compared_and_its_table_deleted() {
    let connection = able();
    let (account, answers) = Account::well().answers();
    let app = TestApp::new(&connection, answers).await;
    let chunk = begun(&app, &connection, "Music", false).await;
    let chunk = ended(&app, &chunk, 9).await;
    assert_eq!(outcome(&chunk), (JobState::Succeeded, Some("drilled")));
    assert_eq!(account.lock().unwrap().table, Table::Absent);
    let drill = chunk.jobs[0].drill.clone().unwrap();
    assert_eq!(drill.target, table_of(chunk.jobs[0].id));
    assert!(drill.removed_at.is_some() && drill.restored_within_seconds().is_some());
    assert_eq!(drill.compared.len(), 5);
    // The capability is for drill tables alone, so that the live one is not read.
    let sample = drill.sample.unwrap();
    assert_eq!((sample.items, sample.unread.as_deref()), (1, Some("capability_missing")));
    assert_eq!(app.events(), ["backup.drilled"]);
    let kept = app.app.store.backup(backup(&connection).id).await.unwrap().drilled.unwrap();
    assert!(kept.passed && kept.run_id == chunk.run_id);
    assert_eq!(tables(&app, &connection).await, 0);
}

#[rstest]
#[case::same(Some("first"), (1, 0, 0))]
#[case::changed(Some("second"), (0, 1, 0))]
#[case::gone(None, (0, 0, 1))]
#[tokio::test]
async fn sampled_items_are_held_against_the_live_table(
    #[case] live: Option<&'static str>,
    #[case] found: (u32, u32, u32),
) {
    let connection =
        connection(&[Capability::DynamodbBackup, Capability::DynamodbDrill, Capability::DynamodbData]);
    let (_, answers) = Account { live, ..Account::well() }.answers();
    let app = TestApp::new(&connection, answers).await;
    let chunk = begun(&app, &connection, "Music", false).await;
    let chunk = ended(&app, &chunk, 9).await;
    // What was changed since the backup is no fault of the backup's.
    assert_eq!(outcome(&chunk), (JobState::Succeeded, Some("drilled")));
    let sample = chunk.jobs[0].drill.clone().unwrap().sample.unwrap();
    assert_eq!((sample.same, sample.changed, sample.gone, sample.unread), (found.0, found.1, found.2, None));
    // None of it holds anything of the items.
    let kept = serde_json::to_string(&chunk).unwrap();
    assert!(!kept.contains("first") && !kept.contains("\"one\""), "{kept}");
}

#[tokio::test]
async fn what_is_not_as_it_was_fails_and_its_table_is_deleted_all_the_same() {
    let connection = able();
    let (account, answers) = Account { billing: "PROVISIONED", ..Account::well() }.answers();
    let app = TestApp::new(&connection, answers).await;
    let chunk = begun(&app, &connection, "Music", false).await;
    let chunk = ended(&app, &chunk, 9).await;
    assert_eq!(outcome(&chunk), (JobState::Failed, Some("drill_differs")));
    assert_eq!(account.lock().unwrap().table, Table::Absent);
    let kept = app.app.store.backup(backup(&connection).id).await.unwrap().drilled.unwrap();
    assert!(!kept.passed);
    assert_eq!(tables(&app, &connection).await, 0);
}

/// An answer that was lost is no reason to restore twice.
#[tokio::test]
async fn a_table_whose_request_was_not_answered_is_looked_for() {
    let connection = able();
    let (account, answers) = Account { lose_answer: true, ..Account::well() }.answers();
    let app = TestApp::new(&connection, answers).await;
    let chunk = begun(&app, &connection, "Music", false).await;
    let chunk = ended(&app, &chunk, 9).await;
    assert_eq!(outcome(&chunk), (JobState::Succeeded, Some("drilled")));
    assert_eq!(account.lock().unwrap().table, Table::Absent);
}

#[tokio::test]
async fn what_aws_has_no_room_for_waits_and_what_it_refuses_fails_without_a_table() {
    let connection = able();
    let app = TestApp::new(&connection, |_| refusal("LimitExceededException")).await;
    let chunk = begun(&app, &connection, "Music", false).await;
    let message = serde_json::to_value(chunk.next_message().unwrap()).unwrap();
    assert!(!app.take(&message, 1).await);
    let waits = read(&app, &chunk).await;
    assert_eq!(outcome(&waits), (JobState::Queued, Some("limit_exceeded")));
    app.answer(|_| refusal("AccessDeniedException"));
    let chunk = ended(&app, &waits, 1).await;
    assert_eq!(outcome(&chunk), (JobState::Failed, Some("access_denied")));
    assert_eq!(tables(&app, &connection).await, 0);
}

/// Where it cannot be deleted any more, it is known that it is there, and whose it is.
#[tokio::test]
async fn a_table_that_cannot_be_deleted_is_left_for_the_next_drill() {
    let connection = able();
    let (account, mut answers) = Account::well().answers();
    let app = TestApp::new(&connection, move |call: &Call| match call.operation.as_str() {
        "DeleteTable" => refusal("AccessDeniedException"),
        _ => answers(call),
    })
    .await;
    let chunk = begun(&app, &connection, "Music", false).await;
    let chunk = ended(&app, &chunk, 9).await;
    assert_eq!(outcome(&chunk), (JobState::Failed, Some("access_denied")));
    assert_eq!(account.lock().unwrap().table, Table::Active);
    assert_eq!(tables(&app, &connection).await, 1);

    // The next drill's job for it.
    let left = app.app.store.drill_tables(connection.id, &REGION.parse().unwrap()).await.unwrap();
    let account = Arc::clone(&account);
    app.answer(move |call| account.lock().unwrap().answer(call));
    let (now, store) = (now(), &app.app.store);
    let run = RunId::new(now, [2; 10]);
    let again = Chunk::of(
        (run, connection.id, REGION.parse().unwrap(), 0),
        chunk.terms.clone(),
        vec![left[0].removal(run)],
        now,
        now + domain::run::LONGEST_RUN,
    );
    let order = RunOrder {
        scope: Scope::Connections(vec![connection.id]),
        regions: None,
        select: Selection::new(SelectionParts { names: vec!["*".to_owned()], ..SelectionParts::default() })
            .unwrap(),
        terms: chunk.terms.clone(),
    };
    let next = Run::begin(run, order, None, Actor::Drawbridge, now);
    let part = Part::begin(run, connection.id, now, next.progress.steps.deadline);
    assert!(store.begin_run(&next, None).await.unwrap());
    let planned = next.planned(vec![connection.id], None, now);
    assert!(store.advance_run(&planned, std::slice::from_ref(&part)).await.unwrap());
    assert!(store.advance_part(&part.planned(None, 1, now), std::slice::from_ref(&again)).await.unwrap());
    let removed = ended(&app, &again, 5).await;
    assert_eq!(outcome(&removed), (JobState::Succeeded, Some("leftover_removed")));
    assert_eq!(tables(&app, &connection).await, 0);
}

#[tokio::test]
async fn a_table_without_a_backup_is_left_out_and_a_dry_run_asks_nothing() {
    let connection = able();
    let app = TestApp::new(&connection, |call| panic!("nothing is asked: {call:?}")).await;
    let chunk = begun(&app, &connection, "Bare", false).await;
    assert_eq!(outcome(&ended(&app, &chunk, 1).await), (JobState::Skipped, Some("no_backup")));
    let app = TestApp::new(&connection, |call| panic!("nothing is asked: {call:?}")).await;
    let dry = begun(&app, &connection, "Music", true).await;
    assert_eq!(outcome(&ended(&app, &dry, 1).await), (JobState::Succeeded, Some("would_restore")));
}

#[tokio::test]
async fn a_role_that_refuses_fails_before_anything_is_asked() {
    let connection = able();
    let app = TestApp::new(&connection, |call| panic!("nothing is asked: {call:?}")).await;
    app.sts(Sts::Refuses(403, "AccessDenied", "no"));
    let chunk = begun(&app, &connection, "Music", false).await;
    let chunk = ended(&app, &chunk, 2).await;
    assert_eq!(outcome(&chunk), (JobState::Failed, Some("role_not_assumable")));
    assert_eq!(tables(&app, &connection).await, 0);
    assert_eq!(serde_json::to_value(EventType::BackupDrilled).unwrap(), app.events()[0]);
}
