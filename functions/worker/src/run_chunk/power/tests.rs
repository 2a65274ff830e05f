//! EC2 as these tests need it: instances that change their state as they are asked to, a question later. Its
//! answers are those of the EC2 API Reference.

use std::fmt::Write as _;
use std::sync::{Arc, Mutex};

use domain::job::JobState;
use domain::part::Part;
use domain::run::{Run, RunOrder, Scope, Terms};
use domain::selection::{Selection, SelectionParts};
use domain::{Actor, Capability, CapabilitySet, Connection, ConnectionState, RunId};
use jiff::Timestamp;
use rstest::rstest;
use serde_json::{Value, json};

use super::*;
use crate::test_app::{Call, Sts, TestApp, active};

const REGION: &str = "eu-central-1";
const ONE: &str = "i-0123456789abcdef0";
const TWO: &str = "i-0123456789abcdef1";
const FOUR: &str = "i-0123456789abcdef3";
const THREE: &str = "i-0123456789abcdef2";

/// An instance in the customer's account.
#[derive(Debug, Clone)]
struct Machine {
    state: &'static str,
    launched_at: Timestamp,
    reason: &'static str,
    further: &'static str,
}

/// What there is in the customer's account, and how it answers what changes something.
#[derive(Default)]
struct Account {
    machines: BTreeMap<&'static str, Machine>,
    /// EC2 refuses what names this one.
    refuses: Option<(&'static str, u16, &'static str)>,
    /// It does as it is asked, and the answer is lost.
    loses_answers: bool,
}

type Shared = Arc<Mutex<Account>>;

fn machine(state: &'static str) -> Machine {
    let launched_at = now() - SignedDuration::from_hours(9);
    Machine { state, launched_at, reason: "", further: "" }
}

fn account(machines: &[(&'static str, Machine)]) -> Shared {
    let machines = machines.iter().cloned().collect();
    Arc::new(Mutex::new(Account { machines, ..Account::default() }))
}

fn refusal(status: u16, code: &str) -> (u16, Value) {
    let error = format!("<Error><Code>{code}</Code><Message>no</Message></Error>");
    (status, json!(format!("<Response><Errors>{error}</Errors><RequestID>r</RequestID></Response>")))
}

/// The values of a parameter that is a list.
fn listed(call: &Call, name: &str) -> Vec<String> {
    (1..).map_while(|number| call.body[format!("{name}.{number}")].as_str().map(str::to_owned)).collect()
}

impl Account {
    fn describe(&mut self, call: &Call) -> (u16, Value) {
        let mut items = String::new();
        for id in listed(call, "Filter.1.Value") {
            let Some(Machine { state, launched_at, reason, further }) = self.machines.get(id.as_str()) else {
                continue;
            };
            write!(
                items,
                "<item><instanceId>{id}</instanceId><instanceState><name>{state}</name></instanceState>\
                 <launchTime>{launched_at:.3}</launchTime><stateReason><code>{reason}</code></stateReason>{further}</item>"
            )
            .unwrap();
        }
        for machine in self.machines.values_mut() {
            machine.state = match machine.state {
                "stopping" => "stopped",
                "pending" => "running",
                state => state,
            };
        }
        let set =
            format!("<reservationSet><item><instancesSet>{items}</instancesSet></item></reservationSet>");
        (200, json!(format!("<DescribeInstancesResponse>{set}</DescribeInstancesResponse>")))
    }

    fn change(&mut self, call: &Call) -> (u16, Value) {
        let ids = listed(call, "InstanceId");
        if let Some((bad, status, code)) = self.refuses.filter(|(bad, ..)| ids.iter().any(|id| id == bad)) {
            assert!(!bad.is_empty());
            return refusal(status, code);
        }
        let (from, to) = match call.operation.as_str() {
            "StopInstances" => ("running", "stopping"),
            "StartInstances" => ("stopped", "pending"),
            other => panic!("nobody asks to {other}"),
        };
        let mut items = String::new();
        for id in &ids {
            let machine = self.machines.get_mut(id.as_str()).expect("it is there");
            if machine.state == from {
                machine.state = to;
                if to == "pending" {
                    machine.launched_at = now();
                }
            }
            write!(
                items,
                "<item><instanceId>{id}</instanceId><currentState><name>{}</name></currentState></item>",
                machine.state
            )
            .unwrap();
        }
        if self.loses_answers {
            return refusal(500, "InternalError");
        }
        let operation = &call.operation;
        let set = format!("<instancesSet>{items}</instancesSet>");
        (200, json!(format!("<{operation}Response>{set}</{operation}Response>")))
    }

    fn answer(&mut self, call: &Call) -> (u16, Value) {
        assert_eq!(call.region, REGION);
        if call.operation == "DescribeInstances" { self.describe(call) } else { self.change(call) }
    }
}

fn able() -> Connection {
    Connection {
        capabilities: CapabilitySet::new([Capability::Ec2Power]).unwrap(),
        regions: [REGION.parse().unwrap()].into(),
        ..active()
    }
}

async fn bench(connection: &Connection, account: &Shared) -> TestApp {
    let account = Arc::clone(account);
    TestApp::new(connection, move |call| account.lock().unwrap().answer(call)).await
}

/// A chunk of a run of this number that does this with these instances.
async fn begun(app: &TestApp, number: u8, terms: Value, ids: &[&str]) -> Chunk {
    let connection = able();
    let terms: Terms = serde_json::from_value(terms).unwrap();
    let select = SelectionParts { names: vec!["*".to_owned()], ..SelectionParts::default() };
    let order = RunOrder {
        scope: Scope::Connections(vec![connection.id]),
        regions: None,
        select: Selection::new(select).unwrap(),
        terms: terms.clone(),
    };
    let (now, store) = (now(), &app.app.store);
    let run = Run::begin(RunId::new(now, [number; 10]), order, None, Actor::Drawbridge, now);
    let deadline = run.progress.steps.deadline;
    let part = Part::begin(run.id, connection.id, now, deadline);
    let region: domain::Region = REGION.parse().unwrap();
    let jobs = ids.iter().map(|id| Job::waiting(run.id, connection.id, &region, id)).collect();
    let chunk = Chunk::of((run.id, connection.id, region, 0), terms, jobs, now, deadline);
    assert!(store.begin_run(&run, None).await.unwrap());
    let planned = run.planned(vec![connection.id], None, now);
    assert!(store.advance_run(&planned, std::slice::from_ref(&part)).await.unwrap());
    assert!(store.advance_part(&part.planned(None, 1, now), std::slice::from_ref(&chunk)).await.unwrap());
    chunk
}

async fn stop(app: &TestApp, number: u8, ids: &[&str]) -> Chunk {
    begun(app, number, json!({"kind": "ec2-stop"}), ids).await
}

async fn start(app: &TestApp, number: u8, ids: &[&str]) -> Chunk {
    begun(app, number, json!({"kind": "ec2-start"}), ids).await
}

/// Takes the chunk's next step, and returns the chunk as it is then.
async fn step(app: &TestApp, chunk: &Chunk) -> Chunk {
    let message = serde_json::to_value(chunk.next_message().unwrap()).unwrap();
    assert!(!app.take(&message, 1).await, "it was taken");
    app.app.store.chunk(chunk.run_id, chunk.connection_id, chunk.number).await.unwrap().unwrap()
}

/// Takes its steps to the end.
async fn carried_out(app: &TestApp, mut chunk: Chunk) -> Chunk {
    for _ in 0..10 {
        if !chunk.steps.running {
            return chunk;
        }
        chunk = step(app, &chunk).await;
    }
    panic!("it does not end: {chunk:#?}");
}

/// The chunk as if this had been written by somebody else.
async fn rewritten(app: &TestApp, chunk: &Chunk, change: impl FnOnce(Chunk) -> Chunk) -> Chunk {
    let next = change(Chunk { revision: chunk.revision + 1, ..chunk.clone() });
    assert!(app.app.store.write_chunk(&next, &[], &[]).await.unwrap());
    next
}

fn told(chunk: &Chunk) -> Vec<(JobState, Option<&str>)> {
    chunk.jobs.iter().map(|job| (job.phase.into(), job.code.as_deref())).collect()
}

async fn remembered(app: &TestApp, id: &str) -> Option<Found> {
    let memory = app.app.store.memory(able().id, &REGION.parse().unwrap(), id).await.unwrap();
    memory.map(|memory| memory.found)
}

fn operations(app: &TestApp) -> Vec<String> {
    app.calls().into_iter().map(|call| call.operation).collect()
}

fn state(account: &Shared, id: &str) -> &'static str {
    account.lock().unwrap().machines[id].state
}

#[tokio::test]
async fn an_instance_is_stopped_watched_and_told() {
    let account = account(&[(ONE, machine("running"))]);
    let app = bench(&able(), &account).await;
    let chunk = stop(&app, 1, &[ONE]).await;
    let chunk = step(&app, &chunk).await;
    assert_eq!(operations(&app), ["DescribeInstances", "StopInstances"]);
    assert_eq!(chunk.jobs[0].phase, Phase::Making, "{:?}", chunk.jobs[0]);
    assert!(chunk.jobs[0].asked_at.is_some() && chunk.asking_until.is_none());
    assert_eq!(remembered(&app, ONE).await, Some(Found::StoppedByDrawbridge));
    let policy = app.policy();
    let arn = format!("arn:aws:ec2:{REGION}:222222222222:instance/{ONE}");
    assert_eq!(policy[0]["Action"], "ec2:DescribeInstances");
    assert_eq!((&policy[1]["Action"], &policy[1]["Resource"]), (&json!("ec2:StopInstances"), &json!(arn)));

    let chunk = step(&app, &chunk).await;
    assert_eq!(chunk.jobs[0].phase, Phase::Making, "it is not there yet");
    assert_eq!(app.policy().as_array().unwrap().len(), 1, "whoever looks can do no more");
    let chunk = step(&app, &chunk).await;
    assert_eq!(told(&chunk), [(JobState::Succeeded, None)]);
    assert_eq!((chunk.tally.succeeded, chunk.steps.running), (1, false));
    assert_eq!(operations(&app), ["DescribeInstances", "DescribeInstances"]);
}

/// In the evening what runs is stopped, and in the morning that is started: what somebody has stopped himself
/// stays so, however often that goes.
#[tokio::test]
async fn what_was_stopped_on_purpose_is_not_started() {
    let account =
        account(&[(ONE, machine("running")), (TWO, machine("stopped")), (THREE, machine("running"))]);
    let app = bench(&able(), &account).await;
    let all = [ONE, TWO, THREE];
    let done = (JobState::Succeeded, None);
    for day in 0..2 {
        let chunk = stop(&app, 2 * day, &all).await;
        let evening = carried_out(&app, chunk).await;
        assert_eq!(told(&evening), [done, (JobState::Succeeded, Some("already_stopped")), done]);
        assert!(all.iter().all(|id| state(&account, id) == "stopped"));
        let chunk = start(&app, 2 * day + 1, &all).await;
        let morning = carried_out(&app, chunk).await;
        assert_eq!(told(&morning), [done, (JobState::Skipped, Some("stopped_on_purpose")), done]);
        assert_eq!(all.map(|id| state(&account, id)), ["running", "stopped", "running"]);
    }
    // Once it was started by hand, it keeps office hours as well.
    account.lock().unwrap().machines.insert(TWO, Machine { launched_at: now(), ..machine("running") });
    let chunk = stop(&app, 5, &all).await;
    assert_eq!(told(&carried_out(&app, chunk).await), [done, done, done]);
    let chunk = start(&app, 6, &all).await;
    assert_eq!(told(&carried_out(&app, chunk).await), [done, done, done]);
    assert_eq!(all.map(|id| state(&account, id)), ["running"; 3]);
    let chunk = start(&app, 7, &[ONE]).await;
    assert_eq!(told(&carried_out(&app, chunk).await), [(JobState::Succeeded, Some("already_running"))]);
}

/// A second schedule stops what the first one has stopped: nobody has meant that.
#[tokio::test]
async fn a_second_stop_does_not_take_the_first_for_somebody_else() {
    let account = account(&[(ONE, machine("running"))]);
    let app = bench(&able(), &account).await;
    let (first, second) = (stop(&app, 1, &[ONE]).await, stop(&app, 2, &[ONE]).await);
    let first = step(&app, &first).await;
    let second = step(&app, &second).await;
    assert_eq!(told(&second), [(JobState::Queued, Some("instance_stopping"))], "it is not taken for its own");
    carried_out(&app, first).await;
    let second = carried_out(&app, second).await;
    assert_eq!(told(&second), [(JobState::Succeeded, Some("already_stopped"))]);
    assert_eq!(remembered(&app, ONE).await, Some(Found::StoppedByDrawbridge));
}

/// The function ended after AWS was asked: whoever comes next sees what became of it, and asks for nothing that is
/// done.
#[rstest]
#[case::not_asked("running", Phase::Making, true)]
#[case::on_its_way("stopping", Phase::Making, false)]
#[case::done("stopped", Phase::Succeeded, false)]
#[tokio::test]
async fn what_a_crash_left_behind_is_seen(
    #[case] state: &'static str,
    #[case] phase: Phase,
    #[case] asked: bool,
) {
    let account = account(&[(ONE, machine("running"))]);
    let app = bench(&able(), &account).await;
    let chunk = stop(&app, 1, &[ONE]).await;
    let moment = now();
    let intent = chunk.asking(chunk.jobs.clone(), moment - SignedDuration::from_mins(1));
    let memory = Memory { found: Found::StoppedByDrawbridge, at: moment, run_id: chunk.run_id };
    let memories = [(ONE.to_owned(), memory)];
    assert!(app.app.store.write_chunk_and_memories(&intent, &memories).await.unwrap());
    account.lock().unwrap().machines.insert(ONE, machine(state));
    let chunk = step(&app, &intent).await;
    assert_eq!((chunk.jobs[0].phase, chunk.jobs[0].code.as_deref()), (phase, None));
    assert_eq!(operations(&app).contains(&"StopInstances".to_owned()), asked);
    assert_eq!(remembered(&app, ONE).await, Some(Found::StoppedByDrawbridge));
}

#[tokio::test]
async fn what_aws_did_not_answer_is_looked_at_before_it_is_asked_again() {
    let account = account(&[(ONE, machine("running"))]);
    account.lock().unwrap().loses_answers = true;
    let app = bench(&able(), &account).await;
    let chunk = stop(&app, 1, &[ONE]).await;
    let chunk = step(&app, &chunk).await;
    assert_eq!(told(&chunk), [(JobState::Running, Some("aws_unavailable"))]);
    app.calls();
    let chunk = carried_out(&app, chunk).await;
    assert_eq!(told(&chunk), [(JobState::Succeeded, None)]);
    assert!(!operations(&app).contains(&"StopInstances".to_owned()), "it was done already");
}

/// Source: EC2 API Reference, "Error codes".
#[rstest]
#[case::throttled(503, "RequestLimitExceeded", "throttled")]
#[case::changed_meanwhile(400, "IncorrectInstanceState", "incorrect_state")]
#[tokio::test]
async fn what_passes_is_asked_for_again_later_and_later(
    #[case] status: u16,
    #[case] code: &'static str,
    #[case] told_as: &str,
) {
    let account = account(&[(ONE, machine("stopped"))]);
    account.lock().unwrap().refuses = Some((ONE, status, code));
    let app = bench(&able(), &account).await;
    let mut chunk = start(&app, 1, &[ONE]).await;
    app.sent();
    let mut pauses = Vec::new();
    for _ in 0..3 {
        chunk = step(&app, &chunk).await;
        assert_eq!(told(&chunk), [(JobState::Queued, Some(told_as))]);
        pauses.extend(app.sent().into_iter().map(|(_, after)| after));
    }
    assert!(pauses.windows(2).all(|two| two[0] <= two[1]) && pauses[2] > pauses[0], "{pauses:?}");
    account.lock().unwrap().refuses = None;
    assert_eq!(told(&carried_out(&app, chunk).await), [(JobState::Succeeded, None)]);
}

#[tokio::test]
async fn one_bad_instance_does_not_keep_the_others() {
    let account =
        account(&[(ONE, machine("running")), (TWO, machine("running")), (THREE, machine("running"))]);
    account.lock().unwrap().refuses = Some((TWO, 400, "UnsupportedOperation"));
    account.lock().unwrap().machines.insert(FOUR, machine("terminated"));
    let app = bench(&able(), &account).await;
    let chunk = stop(&app, 1, &[ONE, TWO, THREE, FOUR]).await;
    let chunk = carried_out(&app, chunk).await;
    let expected = [
        (JobState::Succeeded, None),
        (JobState::Failed, Some("unsupported")),
        (JobState::Succeeded, None),
        (JobState::Skipped, Some("instance_not_found")),
    ];
    assert_eq!(told(&chunk), expected);
    assert_eq!([ONE, TWO, THREE].map(|id| state(&account, id)), ["stopped", "running", "stopped"]);
    assert_eq!(remembered(&app, TWO).await, Some(Found::NotStopped), "Drawbridge has not stopped it");
}

#[rstest]
#[case::in_a_group(
    "<tagSet><item><key>aws:autoscaling:groupName</key><value>web</value></item></tagSet>",
    "in_auto_scaling_group"
)]
#[case::on_an_instance_store("<rootDeviceType>instance-store</rootDeviceType>", "cannot_be_stopped")]
#[tokio::test]
async fn what_is_to_be_left_alone_is_told_and_not_asked_for(
    #[case] further: &'static str,
    #[case] code: &str,
) {
    let account = account(&[(ONE, Machine { further, ..machine("running") })]);
    let app = bench(&able(), &account).await;
    let chunk = stop(&app, 1, &[ONE]).await;
    let chunk = carried_out(&app, chunk).await;
    assert_eq!(told(&chunk), [(JobState::Skipped, Some(code))]);
    assert_eq!(operations(&app), ["DescribeInstances"]);
    assert_eq!(remembered(&app, ONE).await, None);
}

/// AWS takes the request, and the instance falls back. Source: EC2 User Guide, "Instance terminates immediately";
/// EC2 API Reference, `StateReason`.
#[rstest]
#[case::without_its_key("Client.InternalError", "key_unusable")]
#[case::without_room("Server.InsufficientInstanceCapacity", "insufficient_capacity")]
#[tokio::test]
async fn an_instance_that_falls_back_has_failed_and_is_tried_again_the_next_day(
    #[case] reason: &'static str,
    #[case] code: &str,
) {
    let account = account(&[(ONE, machine("stopped"))]);
    let app = bench(&able(), &account).await;
    let chunk = start(&app, 1, &[ONE]).await;
    let chunk = step(&app, &chunk).await;
    assert_eq!(chunk.jobs[0].phase, Phase::Making);
    account.lock().unwrap().machines.insert(ONE, Machine { reason, ..machine("stopped") });
    let chunk = step(&app, &chunk).await;
    assert_eq!(chunk.jobs[0].phase, Phase::Making, "EC2 may tell what was a moment ago");
    let chunk = rewritten(&app, &chunk, |mut chunk| {
        chunk.jobs[0].asked_at = Some(now() - SignedDuration::from_mins(1));
        chunk
    })
    .await;
    let chunk = step(&app, &chunk).await;
    assert_eq!(told(&chunk), [(JobState::Failed, Some(code))]);
    assert!(!chunk.jobs[0].detail.as_deref().unwrap_or_default().is_empty());

    // In the evening it is found stopped, which nobody has meant.
    account.lock().unwrap().machines.insert(ONE, machine("stopped"));
    let chunk = stop(&app, 2, &[ONE]).await;
    assert_eq!(told(&carried_out(&app, chunk).await), [(JobState::Succeeded, Some("already_stopped"))]);
    let chunk = start(&app, 3, &[ONE]).await;
    assert_eq!(told(&carried_out(&app, chunk).await), [(JobState::Succeeded, None)]);
}

#[tokio::test]
async fn what_takes_longer_than_half_an_hour_has_failed() {
    let account = account(&[(ONE, machine("running"))]);
    let app = bench(&able(), &account).await;
    let chunk = stop(&app, 1, &[ONE]).await;
    let chunk = step(&app, &chunk).await;
    let chunk = rewritten(&app, &chunk, |mut chunk| {
        chunk.jobs[0].asked_at = Some(now() - LONGEST_WAIT);
        chunk
    })
    .await;
    let chunk = step(&app, &chunk).await;
    assert_eq!(told(&chunk), [(JobState::Failed, Some("not_reached"))]);
}

/// A message that comes hours later switches nothing: by then office hours may have begun.
#[tokio::test]
async fn what_comes_too_late_is_not_asked_for() {
    let account = account(&[(ONE, machine("running")), (TWO, machine("stopped"))]);
    let app = bench(&able(), &account).await;
    let chunk = stop(&app, 1, &[ONE, TWO]).await;
    let late = rewritten(&app, &chunk, |mut chunk| {
        chunk.steps.started_at = now() - LONGEST_ASKING;
        chunk
    })
    .await;
    let chunk = carried_out(&app, late).await;
    let expected = [(JobState::Failed, Some("not_in_time")), (JobState::Succeeded, Some("already_stopped"))];
    assert_eq!(told(&chunk), expected);
    assert_eq!(operations(&app), ["DescribeInstances"]);
}

#[rstest]
#[case("ec2-stop", [
    (JobState::Succeeded, Some("would_stop")), (JobState::Succeeded, Some("already_stopped")),
    (JobState::Skipped, Some("instance_not_found")),
])]
#[case("ec2-start", [
    (JobState::Succeeded, Some("already_running")), (JobState::Succeeded, Some("would_start")),
    (JobState::Skipped, Some("instance_not_found")),
])]
#[tokio::test]
async fn a_dry_run_tells_and_changes_nothing(
    #[case] kind: &str,
    #[case] expected: [(JobState, Option<&str>); 3],
) {
    let account = account(&[(ONE, machine("running")), (TWO, machine("stopped"))]);
    let app = bench(&able(), &account).await;
    let chunk = begun(&app, 1, json!({"kind": kind, "dry_run": true}), &[ONE, TWO, THREE]).await;
    let chunk = step(&app, &chunk).await;
    assert_eq!((told(&chunk), chunk.steps.running), (expected.to_vec(), false));
    assert_eq!(operations(&app), ["DescribeInstances"]);
    assert_eq!(app.policy().as_array().unwrap().len(), 1, "its session can do no more");
    assert_eq!((remembered(&app, ONE).await, remembered(&app, TWO).await), (None, None));
}

#[tokio::test]
async fn two_deliveries_at_once_ask_once_and_neither_loses_the_next_step() {
    let account = account(&[(ONE, machine("running"))]);
    let app = bench(&able(), &account).await;
    let chunk = stop(&app, 1, &[ONE]).await;
    let message = serde_json::to_value(chunk.next_message().unwrap()).unwrap();
    let failed = futures::join!(app.take(&message, 1), app.take(&message, 1));
    assert_eq!(failed, (false, false));
    assert_eq!(operations(&app).iter().filter(|operation| *operation == "StopInstances").count(), 1);
    assert!(!app.sent().is_empty());
}

#[tokio::test]
async fn a_role_that_refuses_is_told_and_nothing_is_asked() {
    let account = account(&[(ONE, machine("running")), (TWO, machine("running"))]);
    let app = bench(&able(), &account).await;
    let chunk = stop(&app, 1, &[ONE, TWO]).await;
    let chunk = rewritten(&app, &chunk, |mut chunk| {
        chunk.jobs[1].phase = Phase::Making;
        chunk
    })
    .await;
    app.sts(Sts::Refuses(403, "AccessDenied", "no"));
    let chunk = step(&app, &chunk).await;
    let expected =
        [(JobState::Failed, Some("role_not_assumable")), (JobState::Failed, Some("outcome_unknown"))];
    assert_eq!(told(&chunk), expected);
    assert!(operations(&app).is_empty());
}

#[tokio::test]
async fn where_aws_packs_no_session_for_so_many_it_is_asked_for_half() {
    let account = account(&[(ONE, machine("running")), (TWO, machine("running"))]);
    let app = bench(&able(), &account).await;
    app.sts(Sts::Refuses(400, "PackedPolicyTooLarge", "too large"));
    let chunk = stop(&app, 1, &[ONE, TWO]).await;
    let chunk = step(&app, &chunk).await;
    assert_eq!(chunk.width, 1);
    app.sts(Sts::Gives);
    assert_eq!(told(&carried_out(&app, chunk).await), [(JobState::Succeeded, None); 2]);
}

#[tokio::test]
async fn a_customer_who_is_suspended_meanwhile_is_left_alone() {
    let account = account(&[(ONE, machine("running"))]);
    let app = bench(&Connection { state: ConnectionState::Suspended, ..able() }, &account).await;
    let chunk = stop(&app, 1, &[ONE]).await;
    let chunk = step(&app, &chunk).await;
    assert_eq!(told(&chunk), [(JobState::Skipped, Some("connection_not_active"))]);
    assert!(operations(&app).is_empty());
}
