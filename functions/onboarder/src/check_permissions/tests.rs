//! The bench has no STS, so no session is ever given: whatever is asked stays open.

use super::*;
use crate::test_app::{Bench, verifying};
use crate::verify::take_step;
use domain::check::{CheckMethod, CheckOutcome, Finding, Permission, ROUNDS, RegionChecks};
use domain::connection::Change;
use domain::grant::Shard;
use domain::message::{OnboardingMessage, VerifyStep};
use domain::reason::ReasonCode;
use domain::{Capability, CapabilitySet, ConnectionState, Region, VerificationId};

/// A connection in these Regions, whose trust a running verification has proven.
fn proven(regions: &[&str]) -> Change {
    let mut change = verifying(now());
    let connection = &mut change.connection;
    connection.shard = Shard::new(1);
    connection.regions = regions.iter().map(|region| region.parse().unwrap()).collect();
    let verification = connection.verification.as_mut().unwrap();
    verification.proven = true;
    verification.granted_at = Some(0);
    verification.steps.step = 4;
    change
}

const SIX: &[&str] = &["eu-central-1", "eu-north-1", "eu-west-1", "eu-west-2", "eu-west-3", "us-east-1"];

fn next_of(connection: &Connection) -> VerifyStep {
    connection.verification.as_ref().unwrap().next_message(connection.id)
}

fn allowed(action: &str) -> Finding {
    Finding {
        permission: Permission { action: action.parse().unwrap(), drill: false },
        outcome: CheckOutcome::Allowed,
        method: CheckMethod::DryRun,
        refused_by_region: false,
        refused_by: None,
        lacking: None,
        detail: None,
    }
}

/// Everything that the connection needs, allowed.
fn all_allowed(connection: &Connection) -> Vec<Finding> {
    let permissions = check::permissions(&connection.capabilities, Depth::Full);
    permissions.into_iter().map(|permission| allowed(permission.action.as_str())).collect()
}

/// What `verification` found in a Region.
async fn found(
    bench: &Bench,
    connection: &Connection,
    verification: VerificationId,
    region: &str,
    answers: Vec<Finding>,
) {
    let role = connection.role_arn.as_ref().unwrap();
    let region: Region = region.parse().unwrap();
    let checks = RegionChecks::answered(None, &region, role, verification, answers, now());
    bench.app.store.put_checks(connection.id, &checks).await.unwrap();
    bench.calls();
}

/// What is known by now, by Region.
async fn known(bench: &Bench, connection: &Connection) -> Vec<RegionChecks> {
    let known = bench.app.store.checks(connection.id).await.unwrap();
    bench.calls();
    known
}

/// Takes the steps of a verification until it ends. Returns how many Regions each wrote, and with
/// how many seconds of delay it sent the next.
async fn run(bench: &Bench, change: &Change) -> Vec<(usize, Option<i32>)> {
    let mut steps = Vec::new();
    let mut connection = change.connection.clone();
    while connection.verification.as_ref().unwrap().steps.running {
        assert!(steps.len() < 20, "it never ends: {steps:?}");
        let sent = bench.messages().len();
        take_step(&bench.app, &next_of(&connection), false).await.unwrap();
        let written = bench.calls().into_iter().filter(|call| *call == "PutItem").count();
        connection = bench.connection(connection.id).await;
        let messages = bench.messages();
        let mut next = messages[sent..].iter().map(|(message, delay)| {
            assert_eq!(*message, OnboardingMessage::Verify(next_of(&connection)));
            *delay
        });
        steps.push((written, next.next_back()));
    }
    steps
}

#[tokio::test]
async fn what_aws_leaves_open_is_asked_a_few_times_and_then_told() {
    let bench = Bench::new();
    let change = proven(&["eu-central-1"]);
    bench.hold(&change).await;
    // An earlier verification knows something.
    let earlier = VerificationId::new(now() - SignedDuration::from_hours(24), [1; 10]);
    let known_before = vec![allowed("ec2:DescribeInstances")];
    found(&bench, &change.connection, earlier, "eu-central-1", known_before).await;

    let steps = run(&bench, &change).await;
    let delay = |step| Some(i32::try_from(retry_delay(step).as_secs()).unwrap());
    assert_eq!(steps, [(1, delay(4)), (1, delay(5)), (1, None)]);
    assert_eq!(steps.len(), usize::try_from(ROUNDS).unwrap());
    assert!(steps[0].1 > Some(0), "it waits");
    assert_eq!(bench.times_signed(), steps.len(), "a session was asked for each time");

    let after = bench.connection(change.connection.id).await;
    assert_eq!(after.state, ConnectionState::Degraded);
    let codes: Vec<_> = after.reasons.iter().map(|reason| reason.code).collect();
    assert_eq!(codes, [ReasonCode::ProbeInconclusive]);
    let detail = &after.reasons[0].detail;
    assert!(detail.contains("ec2:DescribeVolumes") && !detail.contains("ec2:DescribeInstances,"), "{detail}");

    // What was known is kept, and what is open has a row of its own.
    let known = known(&bench, &after).await;
    assert_eq!((known.len(), known[0].asked), (1, ROUNDS));
    for finding in &known[0].findings {
        let kept = finding.permission.action.as_str() == "ec2:DescribeInstances";
        let expected = if kept { CheckOutcome::Allowed } else { CheckOutcome::Inconclusive };
        assert_eq!(finding.outcome, expected, "{finding:?}");
    }
    let wanted = check::permissions(&after.capabilities, Depth::Full);
    assert_eq!(known[0].findings.len(), wanted.len());
    assert_eq!(known[0].unanswered, wanted);
}

/// The weekly look at an accepted connection, of which everything is known: AWS answers nothing.
#[tokio::test]
async fn a_look_that_aws_does_not_answer_changes_nothing_and_is_tried_again() {
    let bench = Bench::new();
    let mut change = proven(&["eu-central-1"]);
    let a_week_ago = now() - SignedDuration::from_hours(7 * 24);
    change.connection.state = ConnectionState::Active;
    change.connection.last_full_at = Some(a_week_ago);
    bench.hold(&change).await;
    let connection = &change.connection;
    let earlier = VerificationId::new(a_week_ago, [1; 10]);
    found(&bench, connection, earlier, "eu-central-1", all_allowed(connection)).await;
    let before = known(&bench, connection).await;

    let begun = now();
    assert_eq!(run(&bench, &change).await.len(), usize::try_from(ROUNDS).unwrap());
    let after = bench.connection(connection.id).await;
    assert_eq!((after.state, &after.reasons), (ConnectionState::Active, &vec![]));
    assert_eq!(after.last_full_at, Some(a_week_ago), "nothing was looked at");
    let retry = bench.app.cadence.retry;
    let due_at = after.due_at.unwrap();
    assert!(due_at >= begun + retry && due_at <= now() + retry, "{due_at}");
    assert_eq!(bench.app.cadence.depth(after.last_full_at, due_at), Depth::Full, "and as fully");
    assert_eq!(known(&bench, &after).await[0].findings, before[0].findings);
    let events = bench.events(connection.id);
    assert_eq!(events.last().unwrap(), "connection.verification_inconclusive");
}

/// The message may come when the time is long over, such as from the dead-letter queue.
#[tokio::test]
async fn when_its_time_is_over_it_asks_nothing_and_ends() {
    let bench = Bench::new();
    let mut change = proven(SIX);
    change.connection.verification.as_mut().unwrap().steps.deadline = now() - SignedDuration::from_secs(1);
    bench.hold(&change).await;
    assert_eq!(run(&bench, &change).await, [(6, None)], "every Region at once");
    assert_eq!(bench.times_signed(), 0, "no session is asked for");
    let after = bench.connection(change.connection.id).await;
    assert_eq!(after.state, ConnectionState::Degraded);
    assert_eq!(after.reasons[0].code, ReasonCode::ProbeInconclusive);
    let known = known(&bench, &after).await;
    assert!(known.iter().all(|checks| checks.asked == 1));
}

#[tokio::test]
async fn four_regions_are_asked_at_a_time_and_those_that_wait_come_first() {
    let bench = Bench::new();
    let change = proven(SIX);
    bench.hold(&change).await;
    let steps = run(&bench, &change).await;
    let written: Vec<_> = steps.iter().map(|(written, _)| *written).collect();
    assert_eq!(written, [4, 4, 4, 4, 2], "six Regions, three times each");
    assert_eq!(steps[0].1, Some(0), "two were never asked, so that nothing is waited for");
    assert!(steps[1..4].iter().all(|(_, delay)| *delay > Some(0)), "{steps:?}");
    let known = known(&bench, &change.connection).await;
    assert!(known.iter().all(|checks| checks.asked == ROUNDS));
}

#[tokio::test]
async fn the_second_step_asks_what_the_first_left_out() {
    let bench = Bench::new();
    let change = proven(SIX);
    bench.hold(&change).await;
    take_step(&bench.app, &next_of(&change.connection), false).await.unwrap();
    let first = known(&bench, &change.connection).await;
    assert_eq!(first.len(), 4);
    let connection = bench.connection(change.connection.id).await;
    take_step(&bench.app, &next_of(&connection), false).await.unwrap();
    let second = known(&bench, &connection).await;
    let times: Vec<_> = second.iter().map(|checks| checks.asked).collect();
    assert_eq!(times, [2, 2, 1, 1, 1, 1]);
}

/// A crash after some Regions were written asks about the others alone.
#[tokio::test]
async fn a_region_that_was_answered_is_not_asked_again() {
    let bench = Bench::new();
    let change = proven(&["eu-central-1", "eu-west-1"]);
    bench.hold(&change).await;
    let connection = &change.connection;
    let id = connection.verification.as_ref().unwrap().id;
    found(&bench, connection, id, "eu-central-1", all_allowed(connection)).await;
    take_step(&bench.app, &next_of(connection), true).await.unwrap();
    assert_eq!(bench.calls(), ["GetItem", "Query", "PutItem", "UpdateItem", "SendMessage"]);
    let known = known(&bench, connection).await;
    let told: Vec<_> = known.iter().map(|checks| (checks.region.as_str(), checks.asked)).collect();
    assert_eq!(told, [("eu-central-1", 1), ("eu-west-1", 1)]);
    assert!(known[0].unanswered.is_empty());
    assert!(!known[1].unanswered.is_empty());
}

/// The last Region was written, and the crash came before the end was.
#[tokio::test]
async fn when_everything_is_known_nothing_is_asked_and_it_ends() {
    let bench = Bench::new();
    let change = proven(&["eu-central-1"]);
    bench.hold(&change).await;
    let id = change.connection.verification.as_ref().unwrap().id;
    found(&bench, &change.connection, id, "eu-central-1", all_allowed(&change.connection)).await;
    take_step(&bench.app, &next_of(&change.connection), true).await.unwrap();
    assert_eq!(bench.calls(), ["GetItem", "Query", "TransactWriteItems"]);
    assert_eq!((bench.times_signed(), bench.messages().len()), (0, 0));
    let after = bench.connection(change.connection.id).await;
    assert_eq!((after.state, after.reasons), (ConnectionState::Active, vec![]));
}

/// What nobody can find out needs no session, and is no failure.
#[tokio::test]
async fn what_cannot_be_asked_needs_no_session() {
    let bench = Bench::new();
    let mut change = proven(&["eu-central-1"]);
    change.connection.capabilities = CapabilitySet::new([Capability::Ec2Kms]).unwrap();
    bench.hold(&change).await;
    let connection = &change.connection;
    let earlier = VerificationId::new(now() - SignedDuration::from_hours(24), [1; 10]);
    let observe = CapabilitySet::new([Capability::Ec2Observe]).unwrap();
    let observed = all_allowed(&Connection { capabilities: observe, ..connection.clone() });
    let id = connection.verification.as_ref().unwrap().id;
    found(&bench, connection, earlier, "eu-central-1", observed.clone()).await;
    // This verification has asked about all but what it cannot ask.
    let role = connection.role_arn.as_ref().unwrap();
    let mut checks =
        RegionChecks::answered(None, &"eu-central-1".parse().unwrap(), role, id, observed, now());
    let grant = Permission { action: "kms:CreateGrant".parse().unwrap(), drill: false };
    checks.unanswered.insert(grant);
    bench.app.store.put_checks(connection.id, &checks).await.unwrap();

    take_step(&bench.app, &next_of(connection), false).await.unwrap();
    assert_eq!(bench.times_signed(), 0);
    let after = bench.connection(connection.id).await;
    assert_eq!((after.state, after.reasons.len()), (ConnectionState::Active, 0));
    let known = known(&bench, &after).await;
    assert_eq!(known[0].finding(grant).unwrap().outcome, CheckOutcome::Unverifiable);
}

/// Somebody verified again while this one was asking: the later one's rows stand.
#[tokio::test]
async fn what_a_later_verification_wrote_ends_this_one() {
    let bench = Bench::new();
    let change = proven(&["eu-central-1"]);
    bench.hold(&change).await;
    let mut later = change.clone();
    let verification = later.connection.verification.as_mut().unwrap();
    verification.id = VerificationId::new(now() + SignedDuration::from_secs(1), [9; 10]);
    let id = verification.id;
    found(&bench, &later.connection, id, "eu-central-1", all_allowed(&later.connection)).await;
    bench.meanwhile(&later).await;

    take_step(&bench.app, &next_of(&change.connection), false).await.unwrap();
    assert_eq!(bench.calls(), ["GetItem", "Query", "PutItem", "GetItem"]);
    assert!(bench.messages().is_empty());
    let known = known(&bench, &change.connection).await;
    assert_eq!((known.len(), known[0].verification_id), (1, id));
    assert!(known[0].unanswered.is_empty(), "not overwritten");
}

#[tokio::test]
async fn a_table_that_fails_leaves_the_message_where_it_is() {
    let bench = Bench::new();
    let change = proven(&["eu-central-1"]);
    bench.hold(&change).await;
    bench.fail("PutItem", "ThrottlingException");
    let error = take_step(&bench.app, &next_of(&change.connection), false).await.unwrap_err();
    assert_eq!(error.kind, domain::ErrorKind::Unavailable);
    assert_eq!(bench.calls(), ["GetItem", "Query", "PutItem"]);
    assert!(bench.messages().is_empty());
}

#[tokio::test]
async fn without_a_grant_it_is_a_fault_of_ours() {
    let bench = Bench::new();
    let mut change = proven(&["eu-central-1"]);
    change.connection.shard = None;
    bench.hold(&change).await;
    let error = take_step(&bench.app, &next_of(&change.connection), false).await.unwrap_err();
    assert_eq!(error.kind, domain::ErrorKind::Internal);
    assert!(bench.messages().is_empty());
}
