use domain::backup::Backup;
use domain::connection::Occasion;
use domain::operation::{
    LONGEST_FINISHING, LONGEST_QUEUEING, OperationState, Order, RestoreOrder, settings_of,
};
use domain::sample::{backup, created};
use domain::{Actor, Capability, CapabilitySet, OperationId};
use rstest::rstest;
use serde_json::{Value, json};

use super::*;
use crate::test_app::{Call, Sts, TestApp, active, refusal};

const TARGET: &str = "arn:aws:dynamodb:eu-central-1:222222222222:table/Restored";

fn connection(capabilities: &[Capability]) -> Connection {
    let regions = ["eu-central-1", "eu-west-1"].map(|region| region.parse().unwrap());
    Connection {
        capabilities: CapabilitySet::new(capabilities.iter().copied()).unwrap(),
        regions: regions.into(),
        ..active()
    }
}

fn able() -> Connection {
    connection(&[Capability::DynamodbRestore, Capability::DynamodbBackup])
}

/// A restore that begins at `now`, with its first message.
async fn begun(app: &TestApp, connection: &Connection, region: &str, since: Timestamp) -> (Operation, Value) {
    let backup = backup(connection);
    app.hold(&backup);
    let order = Order {
        action: "dynamodb:RestoreTableFromBackup".parse().unwrap(),
        region: region.parse().unwrap(),
        dry_run: false,
        reason: None,
    };
    let occasion = Occasion { now: since, actor: Actor::Drawbridge, event_id: created().event.id };
    let restore =
        RestoreOrder { backup_id: backup.id, target_name: "Restored".to_owned(), count_items: true };
    let settings = settings_of(backup.manifest.as_ref(), &connection.capabilities);
    let operation = Operation::begin(OperationId::new(since, [1; 10]), order, connection, &occasion)
        .unwrap()
        .restoring(&backup, &restore, settings);
    app.app.store.begin_operation(&operation, None).await.unwrap();
    let message = serde_json::to_value(operation.next_message().unwrap()).unwrap();
    (operation, message)
}

async fn started(connection: &Connection) -> (TestApp, Operation, Value) {
    let app = TestApp::new(connection, account()).await;
    let (operation, message) = begun(&app, connection, "eu-central-1", now()).await;
    (app, operation, message)
}

/// The table as AWS describes it while it is restored, and then.
fn table(status: &str, from: &str) -> Value {
    json!({"Table": {
        "TableName": "Restored", "TableStatus": status, "TableArn": TARGET,
        "KeySchema": [{"AttributeName": "pk", "KeyType": "HASH"}],
        "AttributeDefinitions": [{"AttributeName": "pk", "AttributeType": "S"}],
        "BillingModeSummary": {"BillingMode": "PAY_PER_REQUEST"},
        "RestoreSummary": {
            "SourceBackupArn": from, "RestoreInProgress": status == "CREATING", "RestoreDateTime": 1,
        },
    }})
}

fn arn() -> String {
    backup(&active()).aws_id
}

/// An account in which all goes well.
fn account() -> impl FnMut(&Call) -> (u16, Value) + Send {
    let mut looks = 0;
    move |call| match call.operation.as_str() {
        "RestoreTableFromBackup" => (200, json!({"TableDescription": table("CREATING", &arn())["Table"]})),
        "DescribeTable" => {
            looks += 1;
            (200, table(if looks == 1 { "CREATING" } else { "ACTIVE" }, &arn()))
        }
        "DescribeTimeToLive" => (200, json!({"TimeToLiveDescription": {"TimeToLiveStatus": "DISABLED"}})),
        "Scan" if call.body.get("ExclusiveStartKey").is_none() => {
            (200, json!({"Count": 2, "ScannedCount": 2, "LastEvaluatedKey": {"pk": {"S": "secret-key"}}}))
        }
        "Scan" => (200, json!({"Count": 1, "ScannedCount": 1})),
        "UpdateTimeToLive" | "TagResource" | "UpdateContinuousBackups" | "UpdateTable" => (200, json!({})),
        other => panic!("nobody asks to {other}"),
    }
}

/// Takes the message, and returns the next one.
async fn step(app: &TestApp, message: &Value) -> Option<(Value, i64)> {
    assert!(!app.take(message, 1).await, "it was taken");
    let mut sent = app.sent();
    assert!(sent.len() <= 1, "{sent:?}");
    sent.pop()
}

/// The same message, sent instead of one that came too soon.
fn waited(message: &Value) -> Value {
    let mut message = message.clone();
    message["waited"] = json!(true);
    message
}

async fn kept(app: &TestApp, operation: &Operation) -> Operation {
    app.app.store.operation(operation.id).await.unwrap()
}

fn allow(actions: &Value, resources: &Value) -> Value {
    json!({"Effect": "Allow", "Action": actions, "Resource": resources})
}

fn operations(calls: &[Call]) -> Vec<&str> {
    calls.iter().map(|call| call.operation.as_str()).collect()
}

#[tokio::test]
async fn a_backup_becomes_a_table_step_by_step() {
    let (app, operation, message) = started(&able()).await;
    // AWS is asked for it.
    let (message, pause) = step(&app, &message).await.unwrap();
    assert_eq!(
        (&message["step"], pause),
        (&json!(2), 2),
        "that it is about to be asked is a step of its own"
    );
    let calls = app.calls();
    assert_eq!(operations(&calls), ["RestoreTableFromBackup"]);
    assert_eq!(calls[0].body, json!({"BackupArn": arn(), "TargetTableName": "Restored"}));
    let filling = json!([
        "dynamodb:BatchWriteItem",
        "dynamodb:DeleteItem",
        "dynamodb:GetItem",
        "dynamodb:PutItem",
        "dynamodb:Query",
        "dynamodb:Scan",
        "dynamodb:UpdateItem",
    ]);
    let asks = allow(&json!("dynamodb:RestoreTableFromBackup"), &json!([arn(), TARGET]));
    assert_eq!(app.policy(), json!([asks, allow(&filling, &json!(TARGET))]));
    // It is looked at until it is there.
    let looks = allow(&json!("dynamodb:DescribeTable"), &json!(TARGET));
    let (message, pause) = step(&app, &message).await.unwrap();
    assert_eq!((pause, app.policy()), (4, json!([looks])));
    let (message, pause) = step(&app, &message).await.unwrap();
    assert_eq!((pause, operations(&app.calls())), (2, vec!["DescribeTable", "DescribeTable"]));
    // What a restore loses is given back.
    let (message, _) = step(&app, &message).await.unwrap();
    let actions = json!([
        "dynamodb:UpdateTimeToLive",
        "dynamodb:TagResource",
        "dynamodb:UpdateContinuousBackups",
        "dynamodb:UpdateTable",
        "dynamodb:DescribeTable",
        "dynamodb:DescribeTimeToLive",
    ]);
    assert_eq!(app.policy(), json!([allow(&actions, &json!(TARGET))]));
    let calls = app.calls();
    let expected = [
        "DescribeTimeToLive",
        "UpdateTimeToLive",
        "TagResource",
        "UpdateContinuousBackups",
        "DescribeTable",
        "UpdateTable",
    ];
    assert_eq!(operations(&calls), expected);
    let expiry = json!({"Enabled": true, "AttributeName": "expires"});
    assert_eq!(calls[1].body["TimeToLiveSpecification"], expiry);
    assert_eq!(calls[2].body, json!({"ResourceArn": TARGET, "Tags": [{"Key": "team", "Value": "blue"}]}));
    let stream = json!({"StreamEnabled": true, "StreamViewType": "NEW_IMAGE"});
    assert_eq!(calls[5].body["StreamSpecification"], stream);
    // It is compared, and told.
    assert_eq!(step(&app, &message).await, None);
    assert_eq!(operations(&app.calls()), ["DescribeTable", "Scan", "Scan"]);
    let reads = json!(["dynamodb:DescribeTable", "dynamodb:Scan"]);
    assert_eq!(app.policy(), json!([allow(&reads, &json!(TARGET))]));
    let ended = kept(&app, &operation).await;
    assert_eq!(ended.state, OperationState::Succeeded, "{ended:?}");
    let report = ended.report().unwrap();
    for setting in report["reapplied"].as_array().unwrap() {
        assert_eq!(setting["outcome"], "applied", "{setting}");
    }
    let verdicts: Vec<_> = report["compared"].as_array().unwrap().iter().map(|one| &one["verdict"]).collect();
    assert_eq!(verdicts, ["same", "same", "same", "same", "same"]);
    assert!(!serde_json::to_string(&ended).unwrap().contains("secret-key"), "no key is kept");
    assert_eq!(app.events(), ["operation.finished", "backup.restored"]);
    // A message that comes once more does nothing.
    assert_eq!(step(&app, &message).await, None);
    assert_eq!(app.calls(), []);
    assert_eq!(app.events().len(), 2);
}

/// AWS is asked where the table will be, with the backup's own ARN.
#[tokio::test]
async fn a_backup_becomes_a_table_in_another_region() {
    let app = TestApp::new(&able(), account()).await;
    let (_, message) = begun(&app, &able(), "eu-west-1", now()).await;
    step(&app, &message).await.unwrap();
    let calls = app.calls();
    assert_eq!((calls[0].region.as_str(), &calls[0].body["BackupArn"]), ("eu-west-1", &json!(arn())));
    let there = TARGET.replace("eu-central-1", "eu-west-1");
    assert_eq!(app.policy()[0]["Resource"], json!([arn(), there]));
}

/// Nobody asks again before it can be known what became of the first request; then the table is looked for.
#[rstest]
#[case::carried_out(Some(arn()), RestorePhase::Restoring)]
#[case::not_carried_out(None, RestorePhase::Restoring)]
#[case::of_somebody_elses(Some("arn:aws:dynamodb:x".to_owned()), RestorePhase::Failed)]
#[tokio::test]
async fn an_answer_that_was_lost_is_looked_for(#[case] there: Option<String>, #[case] phase: RestorePhase) {
    let (app, operation, message) = started(&able()).await;
    app.answer(|_| refusal("InternalServerError"));
    let (message, _) = step(&app, &message).await.unwrap();
    assert_eq!(operations(&app.calls()), ["RestoreTableFromBackup"], "it is asked for once");
    let doubtful = kept(&app, &operation).await;
    assert!(doubtful.restoring.as_ref().unwrap().is_in_doubt());
    // Too soon: the same message is to come again.
    let (again, pause) = step(&app, &message).await.unwrap();
    assert_eq!((again, app.calls().len()), (waited(&message), 0));
    assert!((50..=60).contains(&pause), "{pause}");
    // A minute later.
    let long_ago = now() - SignedDuration::from_secs(61);
    let mut later =
        doubtful.restored(|restoring| Restoring { asked_at: Some(long_ago), ..restoring.clone() });
    later = later.restored(|restoring| Restoring {
        steps: domain::steps::Steps { step: restoring.steps.step + 1, ..restoring.steps.clone() },
        ..restoring.clone()
    });
    assert!(app.app.store.advance_operation(&later).await.unwrap());
    let found = there.clone();
    app.answer(move |call| match (call.operation.as_str(), &found) {
        ("DescribeTable", Some(from)) => (200, table("CREATING", from)),
        ("DescribeTable", None) => refusal("ResourceNotFoundException"),
        _ => (200, json!({"TableDescription": {"TableName": "Restored"}})),
    });
    let message = serde_json::to_value(later.next_message().unwrap()).unwrap();
    step(&app, &message).await;
    let calls = app.calls();
    let expected: &[&str] =
        if there.is_some() { &["DescribeTable"] } else { &["DescribeTable", "RestoreTableFromBackup"] };
    assert_eq!(operations(&calls), expected);
    assert_eq!(app.policy()[2], allow(&json!("dynamodb:DescribeTable"), &json!(TARGET)));
    let next = kept(&app, &operation).await.restoring.unwrap();
    assert_eq!((next.phase, next.is_in_doubt()), (phase, false));
}

/// The function may end between what it writes and what it asks.
#[tokio::test]
async fn what_crashed_before_its_answer_is_in_doubt() {
    let (app, operation, message) = started(&able()).await;
    assert!(app.app.store.advance_operation(&operation.asking(now())).await.unwrap());
    assert!(!app.take(&message, 2).await);
    let (next, _) = app.sent().pop().unwrap();
    assert_eq!(next["step"], 1);
    let (again, pause) = step(&app, &next).await.unwrap();
    assert_eq!((again, app.calls().len()), (waited(&next), 0));
    assert!(pause > 50, "{pause}");
}

#[tokio::test]
async fn two_deliveries_at_once_ask_for_one_table_and_neither_loses_the_next_step() {
    let (app, _, message) = started(&able()).await;
    let failed = futures::join!(app.take(&message, 1), app.take(&message, 1));
    assert_eq!(failed, (false, false));
    assert_eq!(operations(&app.calls()), ["RestoreTableFromBackup"]);
    let steps: Vec<_> = app.sent().into_iter().map(|(message, _)| message["step"].clone()).collect();
    assert_eq!(steps.len(), 2, "{steps:?}");
    assert!(steps.contains(&json!(2)), "{steps:?}");
}

/// Asking takes two steps at once. What comes again then, or has waited, sends the next message, for that may be
/// lost.
#[rstest]
#[case::delivered_again(2, false)]
#[case::waited(1, true)]
#[tokio::test]
async fn the_message_after_asking_is_not_lost(#[case] received: u32, #[case] has_waited: bool) {
    let (app, operation, message) = started(&able()).await;
    let (next, _) = step(&app, &message).await.unwrap();
    assert_eq!(next["step"], 2);
    app.calls();
    let again = if has_waited { waited(&message) } else { message };
    assert!(!app.take(&again, received).await);
    let sent: Vec<Value> = app.sent().into_iter().map(|(message, _)| message).collect();
    assert_eq!((sent, app.calls().len()), (vec![next], 0));
    assert_eq!(kept(&app, &operation).await.restoring.unwrap().phase, RestorePhase::Restoring);
}

/// Source: `DynamoDB` API Reference, `RestoreTableFromBackup`, "Errors".
#[rstest]
#[case("LimitExceededException", "limit_exceeded")]
#[case("BackupInUseException", "in_use")]
#[case("ThrottlingException", "throttled")]
#[tokio::test]
async fn what_aws_has_no_room_for_waits(#[case] refused: &'static str, #[case] code: &str) {
    let (app, operation, message) = started(&able()).await;
    app.answer(move |_| refusal(refused));
    let (message, _) = step(&app, &message).await.unwrap();
    let waits = kept(&app, &operation).await;
    let target = &waits.targets[0];
    assert_eq!((target.outcome, target.code.as_deref()), (TargetOutcome::Queued, Some(code)));
    assert!(!waits.restoring.unwrap().is_in_doubt(), "AWS said so");
    app.answer(account());
    app.calls();
    step(&app, &message).await.unwrap();
    assert_eq!(operations(&app.calls()), ["RestoreTableFromBackup"], "nothing needs to be looked for");
}

#[rstest]
#[case("BackupNotFoundException", "not_found")]
#[case("TableAlreadyExistsException", "already_exists")]
#[case("AccessDeniedException", "access_denied")]
#[tokio::test]
async fn what_aws_refuses_ends_and_restores_nothing(#[case] refused: &'static str, #[case] code: &str) {
    let (app, operation, message) = started(&able()).await;
    app.answer(move |_| refusal(refused));
    assert_eq!(step(&app, &message).await, None);
    let ended = kept(&app, &operation).await;
    assert_eq!((ended.state, ended.targets[0].code.as_deref()), (OperationState::Failed, Some(code)));
    assert_eq!(ended.report().unwrap()["restored"], false);
    assert_eq!(app.events(), ["operation.finished"]);
}

/// A table that is there with some of it missing is a part of what was wanted.
#[tokio::test]
async fn what_is_denied_keeps_nothing_else_away() {
    let connection = connection(&[Capability::DynamodbRestore]);
    let (app, operation, mut message) = started(&connection).await;
    let mut all = account();
    app.answer(move |call| match call.operation.as_str() {
        "TagResource" | "Scan" => refusal("AccessDeniedException"),
        "DescribeTimeToLive" => panic!("the capabilities do not hold it"),
        _ => all(call),
    });
    while let Some((next, _)) = step(&app, &message).await {
        message = next;
    }
    let ended = kept(&app, &operation).await;
    assert_eq!(ended.state, OperationState::Partial);
    assert_eq!(ended.targets[0].code.as_deref(), Some("not_as_it_was"));
    let report = ended.report().unwrap();
    let outcomes: Vec<_> = report["reapplied"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| (one["outcome"].as_str().unwrap(), one["code"].as_str()))
        .collect();
    let applied = ("applied", None);
    assert_eq!(outcomes, [applied, ("failed", Some("access_denied")), applied, applied]);
    assert_eq!(report["compared"][4]["verdict"], "unknown");
    assert_eq!(app.events(), ["operation.finished", "backup.restored"]);
}

/// A table is busy while it gets what it lacks.
#[tokio::test]
async fn what_is_busy_is_asked_again_and_the_rest_is_not() {
    let (app, operation, mut message) = started(&able()).await;
    let mut all = account();
    let mut refusals = 2;
    app.answer(move |call| match call.operation.as_str() {
        "UpdateContinuousBackups" if refusals > 0 => {
            refusals -= 1;
            refusal("ContinuousBackupsUnavailableException")
        }
        _ => all(call),
    });
    while let Some((next, _)) = step(&app, &message).await {
        message = next;
    }
    assert_eq!(kept(&app, &operation).await.state, OperationState::Succeeded);
    let calls = app.calls();
    let times = |operation: &str| calls.iter().filter(|call| call.operation == operation).count();
    assert_eq!((times("UpdateContinuousBackups"), times("TagResource"), times("UpdateTable")), (3, 1, 1));
}

/// What throttles through every try of a step may not in the next; when there is no time for another, that is told.
#[rstest]
#[case::soon(SignedDuration::ZERO, None)]
#[case::with_no_time_left(LONGEST_FINISHING - SignedDuration::from_secs(3), Some("unknown"))]
#[tokio::test]
async fn a_count_that_throttles_is_tried_again(
    #[case] at_it_for: SignedDuration,
    #[case] verdict: Option<&str>,
) {
    let (app, operation, mut message) = started(&able()).await;
    for _ in 0..4 {
        message = step(&app, &message).await.unwrap().0;
    }
    let before = kept(&app, &operation).await;
    assert_eq!(before.restoring.as_ref().unwrap().phase, RestorePhase::Comparing);
    let since = now() - at_it_for;
    let later = before.restored(|restoring| Restoring {
        since,
        steps: restoring.steps.advanced(now()),
        ..restoring.clone()
    });
    assert!(app.app.store.advance_operation(&later).await.unwrap());
    message = serde_json::to_value(later.next_message().unwrap()).unwrap();
    app.answer(|call| match call.operation.as_str() {
        "Scan" => refusal("ThrottlingException"),
        _ => (200, table("ACTIVE", &arn())),
    });
    let next = step(&app, &message).await;
    assert_eq!(next.is_some(), verdict.is_none(), "{next:?}");
    let report = kept(&app, &operation).await.report();
    let counted = report.as_ref().map(|report| {
        let compared = report["compared"].as_array().unwrap();
        let told: Vec<_> = compared.iter().map(|one| one["verdict"].as_str().unwrap()).collect();
        assert_eq!(told[..4], ["same"; 4], "what was seen is told");
        told[4]
    });
    assert_eq!(counted, verdict);
}

/// What a crash leaves undone is done again without harm.
#[rstest]
#[case::looked_up(&[Capability::DynamodbRestore, Capability::DynamodbBackup], 1)]
#[case::known_by_the_refusal(&[Capability::DynamodbRestore], 2)]
#[tokio::test]
async fn what_was_given_back_already_counts(#[case] capabilities: &[Capability], #[case] received: u32) {
    let connection = connection(capabilities);
    let (app, operation, mut message) = started(&connection).await;
    for _ in 0..3 {
        message = step(&app, &message).await.unwrap().0;
    }
    app.answer(|call| match call.operation.as_str() {
        "DescribeTimeToLive" => (
            200,
            json!({"TimeToLiveDescription": {"TimeToLiveStatus": "ENABLING", "AttributeName": "expires"}}),
        ),
        "UpdateTimeToLive" => refusal("ValidationException"),
        "DescribeTable" => {
            let mut table = table("ACTIVE", &arn());
            table["Table"]["StreamSpecification"] =
                json!({"StreamEnabled": true, "StreamViewType": "NEW_IMAGE"});
            (200, table)
        }
        "UpdateTable" => panic!("there is a stream"),
        _ => (200, json!({"Count": 3})),
    });
    assert!(!app.take(&message, received).await);
    let restoring = kept(&app, &operation).await.restoring.unwrap();
    assert_eq!(restoring.phase, RestorePhase::Comparing, "{:?}", restoring.settings);
    assert!(restoring.settings.iter().all(|report| !report.falls_short()), "{:?}", restoring.settings);
}

#[tokio::test]
async fn a_table_that_somebody_takes_away_ends_it() {
    let (app, operation, message) = started(&able()).await;
    let (message, _) = step(&app, &message).await.unwrap();
    app.answer(|_| (200, table("DELETING", &arn())));
    assert_eq!(step(&app, &message).await, None);
    assert_eq!(kept(&app, &operation).await.targets[0].code.as_deref(), Some("target_gone"));
}

#[tokio::test]
async fn nothing_is_asked_of_a_connection_that_is_no_longer_for_it() {
    let suspended = Connection { state: domain::ConnectionState::Suspended, ..able() };
    for (connection, code) in [
        (suspended, "connection_not_active"),
        (connection(&[Capability::DynamodbBackup]), "capability_missing"),
        (Connection { regions: ["eu-west-1".parse().unwrap()].into(), ..able() }, "region_not_connected"),
    ] {
        let app = TestApp::new(&connection, |call| panic!("nobody asks {call:?}")).await;
        let (operation, message) = begun_by(&app, &able(), &connection).await;
        assert_eq!(step(&app, &message).await, None);
        assert_eq!(kept(&app, &operation).await.targets[0].code.as_deref(), Some(code));
    }
}

/// Begun while the connection was able.
async fn begun_by(app: &TestApp, able: &Connection, now_is: &Connection) -> (Operation, Value) {
    assert_eq!(able.id, now_is.id);
    begun(app, able, "eu-central-1", now()).await
}

#[tokio::test]
async fn a_message_that_comes_late_asks_for_nothing() {
    let app = TestApp::new(&able(), |call| panic!("nobody asks {call:?}")).await;
    let (operation, message) = begun(&app, &able(), "eu-central-1", now() - LONGEST_QUEUEING).await;
    assert_eq!(step(&app, &message).await, None);
    assert_eq!(kept(&app, &operation).await.targets[0].code.as_deref(), Some("not_attempted"));
}

#[tokio::test]
async fn a_role_that_refuses_ends_it_and_one_that_is_throttled_waits() {
    let (app, operation, message) = started(&able()).await;
    app.sts(Sts::Refuses(400, "Throttling", "Rate exceeded"));
    let (message, _) = step(&app, &message).await.unwrap();
    assert!(!kept(&app, &operation).await.restoring.unwrap().is_in_doubt(), "AWS was not asked");
    app.sts(Sts::Refuses(403, "AccessDenied", "no"));
    assert_eq!(step(&app, &message).await, None);
    assert_eq!(kept(&app, &operation).await.targets[0].code.as_deref(), Some("role_not_assumable"));
}

/// The ledger is not changed by a restore.
#[tokio::test]
async fn the_backup_stays_as_it_is() {
    let (app, operation, mut message) = started(&able()).await;
    while let Some((next, _)) = step(&app, &message).await {
        message = next;
    }
    let held: Backup = app.app.store.backup(operation.backup_id.unwrap()).await.unwrap();
    assert_eq!(held, backup(&able()));
}
