use domain::backup::Backup;
use domain::connection::Occasion;
use domain::job::Job;
use domain::manifest::TableManifest;
use domain::sample::occasion;
use domain::schedule::ScheduleOrder;
use domain::selection::{Selection, SelectionParts};
use domain::{Capability, CapabilitySet, RunId, ScheduleId};
use jiff::Timestamp;
use rstest::rstest;
use serde_json::{Value, json};
use store::BackupWrite;

use super::*;
use crate::test_app::{Call, REGION, TestApp, able, refusal, run_of};

const KIND: Kind = Kind::DynamodbBackup;

fn all() -> SelectionParts {
    SelectionParts { names: vec!["*".to_owned()], ..SelectionParts::default() }
}

/// A schedule of every hour, as it has been for a day.
async fn scheduled(app: &TestApp, connection: &Connection, select: SelectionParts) -> Schedule {
    scheduled_of(KIND, app, connection, select).await
}

async fn scheduled_of(
    kind: Kind,
    app: &TestApp,
    connection: &Connection,
    select: SelectionParts,
) -> Schedule {
    let order = ScheduleOrder {
        kind,
        expression: "rate(1 hour)".parse().unwrap(),
        timezone: "UTC".parse().unwrap(),
        flexible_window_minutes: None,
        regions: None,
        select: Selection::new(select).unwrap(),
        retention: None,
        enabled: true,
        ec2_backup: None,
    };
    let day_ago = now() - SignedDuration::from_hours(24);
    let at = Occasion { now: day_ago, ..occasion() };
    let change = Schedule::create(ScheduleId::new(day_ago, [7; 10]), order, connection, &at).unwrap();
    app.app.store.create_schedule(&change, None).await.unwrap();
    change.schedule
}

fn lists(names: &'static [&'static str]) -> impl FnMut(&Call) -> (u16, Value) + Send {
    move |call| match call.operation.as_str() {
        "ListTables" => (200, json!({"TableNames": names})),
        other => panic!("nobody asks to {other}"),
    }
}

/// Takes a look, and what comes of it, at all there is; returns what is known then, by name and whether it is
/// stale.
async fn looked(app: &TestApp, connection: &Connection) -> Vec<(String, bool)> {
    let (known, looked) = take_look(app, connection).await;
    assert!(looked, "all was looked at");
    known
}

/// The same where not all can be looked at, which is not told as if it had been.
async fn looked_in_part(app: &TestApp, connection: &Connection) -> Vec<(String, bool)> {
    let (known, looked) = take_look(app, connection).await;
    assert!(!looked, "not all was looked at");
    known
}

async fn take_look(app: &TestApp, connection: &Connection) -> (Vec<(String, bool)>, bool) {
    let first = RunsMessage::LookAtBackups(LookAtBackups::all(connection.id, now()));
    let mut messages = vec![serde_json::to_value(first).unwrap()];
    while let Some(message) = messages.pop() {
        assert!(!app.take(&message, 1).await, "it was taken");
        messages.extend(app.sent().into_iter().map(|(message, _)| message));
    }
    let (page, looked_at) =
        app.app.store.freshness(connection.id, &PageRequest { limit: 100, cursor: None }).await.unwrap();
    let known = page.items.into_iter().map(|fresh| (fresh.resource.clone(), fresh.is_stale())).collect();
    (known, looked_at.is_some())
}

/// Has the table been seen for so long without a backup.
async fn seen_for(app: &TestApp, connection: &Connection, name: &str, hours: i64) {
    seen_of(KIND, app, connection, name, hours).await;
}

async fn seen_of(kind: Kind, app: &TestApp, connection: &Connection, name: &str, hours: i64) {
    let region: Region = REGION.parse().unwrap();
    let seen_at = now() - SignedDuration::from_hours(hours);
    let seen = Freshness::seen(connection.id, kind, region, name.to_owned(), seen_at);
    let known = Freshness { version: 1, ..seen };
    assert!(app.app.store.write_freshness(&known, None).await.unwrap());
}

/// A backup of the table from so many minutes ago.
async fn backed_up(app: &TestApp, connection: &Connection, table: &str, minutes: i64) -> Backup {
    backed_up_of(KIND, app, connection, table, minutes).await
}

async fn backed_up_of(
    kind: Kind,
    app: &TestApp,
    connection: &Connection,
    table: &str,
    minutes: i64,
) -> Backup {
    let run = run_of(connection, all());
    let made_at = now() - SignedDuration::from_mins(minutes);
    let id = RunId::new(made_at, [9; 10]);
    let region: Region = REGION.parse().unwrap();
    let job = Job::waiting(id, connection.id, &region, table);
    let whose = (id, connection.id, region, 0);
    let terms = domain::run::Terms { kind, ..run.order.terms };
    let chunk = domain::chunk::Chunk::of(whose, terms, vec![job.clone()], made_at, made_at);
    let unseen = TableManifest::unseen(made_at);
    let backup = Backup::made(&chunk, &job, format!("arn:{table}"), made_at, unseen).available(Some(1));
    let part = domain::part::Part::begin(id, connection.id, made_at, made_at);
    let planned = run_of(connection, all());
    let begun = domain::run::Run { id, ..planned };
    let store = &app.app.store;
    assert!(store.begin_run(&begun, None).await.unwrap());
    let next = begun.planned(vec![connection.id], None, made_at);
    assert!(store.advance_run(&next, std::slice::from_ref(&part)).await.unwrap());
    assert!(store.advance_part(&part.planned(None, 1, made_at), std::slice::from_ref(&chunk)).await.unwrap());
    let written = domain::chunk::Chunk { revision: chunk.revision + 1, ..chunk };
    assert!(store.write_chunk(&written, &[BackupWrite::New(backup.clone())], &[]).await.unwrap());
    backup
}

fn name(name: &str, stale: bool) -> (String, bool) {
    (name.to_owned(), stale)
}

#[tokio::test]
async fn what_is_selected_is_held_against_the_promise() {
    let connection = able();
    let app = TestApp::new(&connection, lists(&["fresh", "late", "new", "other"])).await;
    let select = SelectionParts { exclude_names: vec!["other".to_owned()], ..all() };
    scheduled(&app, &connection, select).await;
    seen_for(&app, &connection, "fresh", 9).await;
    seen_for(&app, &connection, "late", 9).await;
    backed_up(&app, &connection, "fresh", 10).await;
    assert_eq!(
        looked(&app, &connection).await,
        [name("fresh", false), name("late", true), name("new", false)]
    );
    assert_eq!(app.told("backup.stale"), 1);
    let policy = app.policy();
    assert_eq!((policy.as_array().unwrap().len(), &policy[0]["Action"]), (1, &json!("dynamodb:ListTables")));
    // Looking again tells nothing new, and a backup cures it.
    looked(&app, &connection).await;
    assert_eq!(app.told("backup.stale"), 1);
    backed_up(&app, &connection, "late", 1).await;
    assert_eq!(looked(&app, &connection).await[1], name("late", false));
    assert_eq!(app.told("backup.stale"), 2);
}

/// Silence must not hide what is known: a suspended connection, a role that refuses, a throttling AWS.
#[rstest]
#[case::suspended(ConnectionState::Suspended, "none")]
#[case::refused(ConnectionState::Active, "AccessDeniedException")]
#[case::throttled(ConnectionState::Active, "ThrottlingException")]
#[tokio::test]
async fn what_was_seen_is_told_of_though_nobody_may_look(
    #[case] state: ConnectionState,
    #[case] code: &'static str,
) {
    let connection = able();
    let now_is = Connection { state, ..connection.clone() };
    let app = TestApp::new(&now_is, move |call| match code {
        "none" => panic!("nothing is asked: {call:?}"),
        _ => refusal(code),
    })
    .await;
    scheduled(&app, &connection, all()).await;
    seen_for(&app, &connection, "late", 9).await;
    assert_eq!(looked_in_part(&app, &connection).await, [name("late", true)]);
    assert_eq!(app.told("backup.stale"), 1);
}

/// Without its tags nobody knows whether a schedule that asks for some selects it, unless it did.
#[tokio::test]
async fn what_tags_would_decide_is_no_false_alarm_while_nobody_may_look() {
    let connection = able();
    let app = TestApp::new(&connection, |call| match call.operation.as_str() {
        "ListTables" => refusal("ThrottlingException"),
        other => panic!("nobody asks to {other}"),
    })
    .await;
    let tags = [("tier".to_owned(), "gold".to_owned())].into();
    let by_tags = scheduled(&app, &connection, SelectionParts { tags, ..SelectionParts::default() }).await;
    seen_for(&app, &connection, "plain", 9).await;
    assert_eq!(looked_in_part(&app, &connection).await, [name("plain", false)]);
    let region: Region = REGION.parse().unwrap();
    let seen_at = now() - SignedDuration::from_hours(9);
    let promise = Some(domain::freshness::Promise { by: seen_at, schedule_id: by_tags.id });
    let seen = Freshness::seen(connection.id, KIND, region, "gold".to_owned(), seen_at);
    let gold = Freshness { version: 1, promise, ..seen };
    assert!(app.app.store.write_freshness(&gold, None).await.unwrap());
    assert_eq!(looked_in_part(&app, &connection).await, [name("gold", true), name("plain", false)]);
}

/// A schedule that names a Region promises there what it can no longer keep, and that is told.
#[tokio::test]
async fn what_is_in_a_region_that_was_lost_is_missed() {
    let connection = able();
    let lost = Connection { regions: ["eu-west-1".parse().unwrap()].into(), ..connection.clone() };
    let app = TestApp::new(&lost, |call| panic!("nothing is asked: {call:?}")).await;
    let schedule = scheduled(&app, &connection, all()).await;
    let order = ScheduleOrder { regions: Some([REGION.parse().unwrap()].into()), ..schedule.order.clone() };
    let at = Occasion { now: now() - SignedDuration::from_hours(23), ..occasion() };
    let change = schedule.change(order, &connection, &at).unwrap();
    app.app.store.change_schedule(&schedule, &change, None).await.unwrap();
    seen_for(&app, &connection, "late", 9).await;
    assert_eq!(looked_in_part(&app, &lost).await, [name("late", true)]);
}

/// What is gone, or is selected no more, is forgotten, and its alarm is closed.
#[tokio::test]
async fn what_is_gone_is_forgotten() {
    let connection = able();
    let app = TestApp::new(&connection, lists(&["kept"])).await;
    let schedule = scheduled(&app, &connection, all()).await;
    for table in ["gone", "kept"] {
        seen_for(&app, &connection, table, 9).await;
    }
    app.answer(lists(&["gone", "kept"]));
    assert_eq!(looked(&app, &connection).await, [name("gone", true), name("kept", true)]);
    app.answer(lists(&["kept"]));
    assert_eq!(looked(&app, &connection).await, [name("kept", true)]);
    assert_eq!(app.told("backup.stale"), 3);
    let deleted = schedule.delete(&Occasion { now: now(), ..occasion() });
    app.app.store.change_schedule(&schedule, &deleted, None).await.unwrap();
    app.answer(|call| panic!("nothing is asked: {call:?}"));
    assert_eq!(looked(&app, &connection).await, []);
    assert_eq!(app.told("backup.stale"), 4);
}

/// A table that is named, and is not there, is missed: its name may be wrong.
#[tokio::test]
async fn what_is_named_is_missed_though_it_is_not_there() {
    let connection = able();
    let app = TestApp::new(&connection, |call| panic!("nothing is listed: {call:?}")).await;
    let select = SelectionParts { ids: vec!["orders".to_owned()], ..SelectionParts::default() };
    scheduled(&app, &connection, select).await;
    assert_eq!(looked(&app, &connection).await, [name("orders", false)]);
}

/// A schedule that has lost what it takes does not keep the others from being looked at, and what it selected
/// is missed.
#[tokio::test]
async fn a_schedule_that_may_not_read_tags_blinds_no_other() {
    let connection =
        Connection { capabilities: CapabilitySet::new([Capability::DynamodbObserve]).unwrap(), ..able() };
    let app = TestApp::new(&connection, lists(&["gold", "plain"])).await;
    let tags = [("tier".to_owned(), "gold".to_owned())].into();
    let parts = SelectionParts { tags, ..SelectionParts::default() };
    let full =
        Connection { capabilities: CapabilitySet::new([Capability::DynamodbBackup]).unwrap(), ..able() };
    let by_tags = scheduled(&app, &full, parts).await;
    assert_eq!(looked(&app, &connection).await, []);
    let region: Region = REGION.parse().unwrap();
    let seen_at = now() - SignedDuration::from_hours(9);
    let promise = Some(domain::freshness::Promise { by: seen_at, schedule_id: by_tags.id });
    let seen = Freshness::seen(connection.id, KIND, region, "gold".to_owned(), seen_at);
    let gold = Freshness { version: 1, promise, ..seen };
    assert!(app.app.store.write_freshness(&gold, None).await.unwrap());
    assert_eq!(looked(&app, &connection).await, [name("gold", true)]);
}

/// However many are known, one message takes so many, and the next ones take the rest.
#[tokio::test]
async fn many_that_are_known_are_taken_in_several_messages() {
    let connection = able();
    let app = TestApp::new(&connection, |_| refusal("ThrottlingException")).await;
    let schedule = scheduled(&app, &connection, all()).await;
    for number in 0..450 {
        seen_for(&app, &connection, &format!("late-{number:03}"), 9).await;
    }
    let known = looked_in_part(&app, &connection).await;
    assert!(known.iter().all(|(_, stale)| *stale), "{known:?}");
    assert_eq!(app.told("backup.stale"), 450);
    let deleted = schedule.delete(&Occasion { now: now(), ..occasion() });
    app.app.store.change_schedule(&schedule, &deleted, None).await.unwrap();
    assert_eq!(looked(&app, &connection).await, []);
    assert_eq!(app.told("backup.stale"), 900);
}

#[tokio::test]
async fn tags_decide_where_they_are_asked_for() {
    let connection =
        Connection { capabilities: CapabilitySet::new([Capability::DynamodbBackup]).unwrap(), ..able() };
    let app = TestApp::new(&connection, |call| match call.operation.as_str() {
        "ListTables" => (200, json!({"TableNames": ["gold", "plain"]})),
        "ListTagsOfResource" => {
            let gold = call.body["ResourceArn"].as_str().unwrap().ends_with("/gold");
            (200, json!({"Tags": [{"Key": "tier", "Value": if gold { "gold" } else { "none" }}]}))
        }
        other => panic!("nobody asks to {other}"),
    })
    .await;
    let tags = [("tier".to_owned(), "gold".to_owned())].into();
    scheduled(&app, &connection, SelectionParts { tags, ..SelectionParts::default() }).await;
    assert_eq!(looked(&app, &connection).await, [name("gold", false)]);
}

#[tokio::test]
async fn a_look_that_comes_too_late_is_given_up() {
    let connection = able();
    let app = TestApp::new(&connection, |call| panic!("nothing is asked: {call:?}")).await;
    scheduled(&app, &connection, all()).await;
    let late = LookAtBackups::all(connection.id, Timestamp::UNIX_EPOCH);
    let message = serde_json::to_value(RunsMessage::LookAtBackups(late)).unwrap();
    assert!(!app.take(&message, 1).await);
    assert!(app.sent().is_empty());
}

/// What is there of instances, as EC2 describes it.
fn runs(instances: &'static [(&'static str, &'static str)]) -> impl FnMut(&Call) -> (u16, Value) + Send {
    move |call| {
        assert_eq!(call.operation, "DescribeInstances");
        let asked: Vec<&str> = call
            .body
            .as_object()
            .unwrap()
            .iter()
            .filter(|(name, _)| name.starts_with("Filter.2.Value."))
            .filter_map(|(_, value)| value.as_str())
            .collect();
        let shown = instances.iter().filter(|(id, _)| asked.is_empty() || asked.contains(id));
        let items: Vec<String> = shown
            .map(|(id, tier)| {
                format!(
                    "<item><instanceId>{id}</instanceId><tagSet><item><key>tier</key><value>{tier}</value></item>\
                     </tagSet></item>"
                )
            })
            .collect();
        let items = items.concat();
        let set =
            format!("<reservationSet><item><instancesSet>{items}</instancesSet></item></reservationSet>");
        (200, json!(format!("<DescribeInstancesResponse>{set}</DescribeInstancesResponse>")))
    }
}

const GOLD: &str = "i-0123456789abcdef0";
const PLAIN: &str = "i-0123456789abcdef1";

fn of_instances() -> Connection {
    Connection { capabilities: CapabilitySet::new([Capability::Ec2Backup]).unwrap(), ..able() }
}

fn by_tag() -> SelectionParts {
    let tags = [("tier".to_owned(), "gold".to_owned())].into();
    SelectionParts { tags, ..SelectionParts::default() }
}

/// The same of instances: told once, cured by a backup, and closed when nothing is there or selects it any more.
#[tokio::test]
async fn instances_are_held_against_the_promise() {
    let connection = of_instances();
    let app = TestApp::new(&connection, runs(&[(GOLD, "gold"), (PLAIN, "none")])).await;
    scheduled_of(Kind::Ec2Backup, &app, &connection, by_tag()).await;
    assert_eq!(looked(&app, &connection).await, [name(GOLD, false)]);
    let policy = app.policy();
    assert_eq!(
        (policy.as_array().unwrap().len(), &policy[0]["Action"]),
        (1, &json!("ec2:DescribeInstances"))
    );

    let app = TestApp::new(&connection, runs(&[(GOLD, "gold"), (PLAIN, "none")])).await;
    scheduled_of(Kind::Ec2Backup, &app, &connection, by_tag()).await;
    seen_of(Kind::Ec2Backup, &app, &connection, GOLD, 9).await;
    assert_eq!(looked(&app, &connection).await, [name(GOLD, true)]);
    looked(&app, &connection).await;
    assert_eq!(app.told("backup.stale"), 1);
    backed_up_of(Kind::Ec2Backup, &app, &connection, GOLD, 1).await;
    assert_eq!(looked(&app, &connection).await, [name(GOLD, false)]);
    assert_eq!(app.told("backup.stale"), 2);
    app.answer(runs(&[(GOLD, "none"), (PLAIN, "none")]));
    assert_eq!(looked(&app, &connection).await, []);
}

/// What nobody may look at is told of by what was known of it, and by that alone.
#[tokio::test]
async fn instances_that_cannot_be_listed_are_missed_all_the_same() {
    let connection = of_instances();
    let refused = "<Response><Errors><Error><Code>UnauthorizedOperation</Code><Message>no</Message></Error></Errors>\
                   </Response>";
    let app = TestApp::new(&connection, move |_| (403, json!(refused))).await;
    let schedule = scheduled_of(Kind::Ec2Backup, &app, &connection, by_tag()).await;
    seen_of(Kind::Ec2Backup, &app, &connection, PLAIN, 9).await;
    let region: Region = REGION.parse().unwrap();
    let seen_at = now() - SignedDuration::from_hours(9);
    let promise = Some(domain::freshness::Promise { by: seen_at, schedule_id: schedule.id });
    let seen = Freshness::seen(connection.id, Kind::Ec2Backup, region, GOLD.to_owned(), seen_at);
    let gold = Freshness { version: 1, promise, ..seen };
    assert!(app.app.store.write_freshness(&gold, None).await.unwrap());
    assert_eq!(looked_in_part(&app, &connection).await, [name(GOLD, true), name(PLAIN, false)]);
}

/// An instance that is named, and is not there, is missed: it may have been terminated.
#[tokio::test]
async fn an_instance_that_is_named_is_missed_though_it_is_not_there() {
    let connection = of_instances();
    let app = TestApp::new(&connection, runs(&[(PLAIN, "none")])).await;
    let select = SelectionParts { ids: vec![GOLD.to_owned()], ..SelectionParts::default() };
    scheduled_of(Kind::Ec2Backup, &app, &connection, select).await;
    assert_eq!(looked(&app, &connection).await, [name(GOLD, false)]);
}
