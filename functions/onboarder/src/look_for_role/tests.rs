use super::*;
use crate::test_app::{Bench, number, occasion, text};
use aws_sdk_dynamodb::types::AttributeValue;
use domain::connection::{Change, LookStart, Occasion};
use domain::grant::Shard;
use domain::message::PublishGrant;
use domain::{Actor, ConnectionState, LookId, sample};
use jiff::Timestamp;
use rstest::rstest;

/// A connection whose role a customer has looked for since `at`, for this long.
fn looking(at: Timestamp, seconds: i64) -> Change {
    let until = at + SignedDuration::from_secs(seconds);
    let occasion = Occasion { now: at, actor: Actor::Customer, ..occasion() };
    let account = Some("222222222222".parse().unwrap());
    let start = LookStart { id: LookId::new(at, [8; 10]), until };
    let mut connection = sample::created().connection;
    connection.invite = None;
    connection.look_for_role(account, &sample::deployment(), start, occasion).unwrap().unwrap()
}

fn ago(seconds: i64) -> Timestamp {
    now() - SignedDuration::from_secs(seconds)
}

fn shard() -> Shard {
    Shard::new(1).unwrap()
}

/// The same with its grant, which is published.
fn granted(bench: &Bench, mut change: Change) -> Change {
    change.connection.shard = Some(shard());
    let role = change.connection.role_to_grant().unwrap().to_string();
    let holders = AttributeValue::Ss(vec![change.connection.id.to_string()]);
    bench.put(&format!("ROLE#{role}"), "GRANT", [("shard", number(1)), ("holders", holders)]);
    let fields = [("arns", AttributeValue::Ss(vec![role])), ("version", number(1)), ("published", number(1))];
    bench.put("GRANT#1", "META", fields);
    change
}

fn next_of(change: &Change) -> LookStep {
    change.connection.look.as_ref().unwrap().next_message(change.connection.id)
}

/// A look that has taken so many steps.
fn at_step(step: u32) -> Change {
    let mut change = looking(ago(10), 3600);
    change.connection.look.as_mut().unwrap().steps.step = step;
    change
}

#[tokio::test]
async fn a_message_about_no_connection_is_dropped() {
    let bench = Bench::new();
    take_step(&bench.app, &next_of(&looking(now(), 60)), false).await.unwrap();
    assert_eq!(bench.calls(), ["GetItem"]);
}

#[tokio::test]
async fn a_message_that_overtook_its_write_comes_again() {
    let bench = Bench::new();
    let change = looking(ago(30), 3600);
    bench.hold(&change).await;
    let step = LookStep { look_id: LookId::new(now(), [9; 10]), ..next_of(&change) };
    take_step(&bench.app, &step, false).await.unwrap();
    assert_eq!(bench.messages(), [(OnboardingMessage::Look(step), 2)]);
    assert_eq!(bench.calls(), ["GetItem", "SendMessage"]);
}

#[rstest]
#[case::never_written(None, 120)]
#[case::of_an_earlier_look(Some(30), 60)]
#[tokio::test]
async fn a_message_of_what_nobody_wants_is_dropped(#[case] latest: Option<i64>, #[case] asked: i64) {
    let bench = Bench::new();
    let mut change = looking(ago(latest.unwrap_or_default()), 3600);
    let step = LookStep { look_id: LookId::new(ago(asked), [9; 10]), ..next_of(&change) };
    if latest.is_none() {
        change.connection.look = None;
    }
    bench.hold(&change).await;
    take_step(&bench.app, &step, true).await.unwrap();
    assert_eq!(bench.calls(), ["GetItem"]);
}

#[tokio::test]
async fn a_step_that_was_taken_is_not_taken_again() {
    let bench = Bench::new();
    let change = at_step(4);
    bench.hold(&change).await;
    for step in [0, 2, 3, 5, 9] {
        take_step(&bench.app, &LookStep { step, ..next_of(&change) }, false).await.unwrap();
        assert_eq!(bench.calls(), ["GetItem"], "{step}");
    }
}

/// A crash came between the write of a step and the message of the next one. It keeps its time: a crash
/// is no reason to ask sooner.
#[tokio::test]
async fn a_redelivered_step_sends_the_next_one_for_its_time() {
    let bench = Bench::new();
    let mut change = at_step(4);
    change.connection.look.as_mut().unwrap().next_at = now() + SignedDuration::from_secs(60);
    bench.hold(&change).await;
    let next = next_of(&change);
    take_step(&bench.app, &LookStep { step: 3, ..next.clone() }, true).await.unwrap();
    let messages = bench.messages();
    assert_eq!((&messages[0].0, messages.len()), (&OnboardingMessage::Look(next), 1));
    assert!((55..=60).contains(&messages[0].1), "{}", messages[0].1);
    assert_eq!(bench.calls(), ["GetItem", "SendMessage"]);
}

/// A submission, an offboarding or a link that ended came in between.
#[tokio::test]
async fn a_look_that_was_ended_gives_back_its_grant_and_asks_for_nothing() {
    let bench = Bench::new();
    let before = granted(&bench, looking(ago(30), 3600));
    let mut change = before.connection.give_up_looking(occasion()).unwrap();
    change.invites = None;
    bench.hold(&change).await;
    let id = change.connection.id;
    take_step(&bench.app, &next_of(&before), false).await.unwrap();
    assert_eq!(bench.calls(), ["GetItem", "GetItem", "TransactWriteItems", "SendMessage", "UpdateItem"]);
    let publish = OnboardingMessage::Publish(PublishGrant { shard: shard(), connection_id: id });
    assert_eq!(bench.messages(), [(publish, 0)]);
    assert_eq!(bench.times_signed(), 0);
}

/// The bench has no STS, which is the same to a look as a role that is not there.
#[tokio::test]
async fn a_role_that_is_not_there_is_looked_for_later_and_later() {
    let bench = Bench::new();
    let mut change = granted(&bench, looking(ago(30), 3600));
    change.connection.look.as_mut().unwrap().attempts = 2;
    bench.hold(&change).await;
    take_step(&bench.app, &next_of(&change), false).await.unwrap();
    assert_eq!(bench.times_signed(), 1, "the broker is asked for once");
    let after = bench.connection(change.connection.id).await;
    let look = after.looking().unwrap();
    assert_eq!((look.attempts, look.steps.step), (3, 1));
    assert_eq!((after.state, &after.reasons), (ConnectionState::PendingRole, &vec![]));
    assert_eq!((after.shard, after.version), (Some(shard()), change.connection.version));
    assert_eq!(bench.messages(), [(OnboardingMessage::Look(look.next_message(after.id)), 20)]);
    // The connection, the role's owner, whether the grant is published, the step, and the next one's message.
    assert_eq!(bench.calls(), ["GetItem", "GetItem", "GetItem", "UpdateItem", "SendMessage"]);
    assert!(bench.events(after.id).iter().all(|kind| kind == "connection.look_started"));
}

#[rstest]
#[case::by_the_clock(looking(ago(3600), 3599))]
#[case::by_its_steps({
    let mut change = looking(ago(10), 3600);
    change.connection.look.as_mut().unwrap().steps.step = domain::steps::MAX_STEPS;
    change
})]
#[tokio::test]
async fn a_look_ends_and_its_grant_goes_with_it(#[case] change: Change) {
    let bench = Bench::new();
    let change = granted(&bench, change);
    let id = change.connection.id;
    bench.hold(&change).await;
    take_step(&bench.app, &next_of(&change), false).await.unwrap();
    assert_eq!(bench.times_signed(), 0, "nothing is asked after its end");
    let after = bench.connection(id).await;
    assert_eq!((after.state, &after.reasons), (ConnectionState::PendingRole, &vec![]));
    assert!(after.looking().is_none() && after.shard.is_none() && after.due_at.is_none());
    assert_eq!(bench.events(id), ["connection.look_started", "connection.look_ended"]);
    let role = change.connection.role_to_grant().unwrap();
    let given_back = [
        format!("check CONNECTION#{id} META"),
        format!("delete ROLE#{role} GRANT"),
        "update GRANT#1 META".to_owned(),
        "update GRANTS USE".to_owned(),
    ];
    assert_eq!(bench.transactions()[1], given_back);
    let publish = OnboardingMessage::Publish(PublishGrant { shard: shard(), connection_id: id });
    assert_eq!(bench.messages(), [(publish, 0)]);
}

#[tokio::test]
async fn the_role_is_held_with_the_connection_before_anything_is_asked() {
    let bench = Bench::new();
    let change = looking(ago(1), 3600);
    let (id, role) = (change.connection.id, change.connection.role_to_grant().unwrap().clone());
    bench.hold(&change).await;
    // IAM cannot be reached from the bench, so that publishing is tried again by the next step.
    take_step(&bench.app, &next_of(&change), false).await.unwrap();
    let held = [
        format!("update CONNECTION#{id} META"),
        format!("put ROLE#{role} GRANT"),
        "update GRANTS USE".to_owned(),
        "update GRANT#1 META".to_owned(),
    ];
    assert_eq!(bench.transactions(), [held]);
    let messages = bench.messages();
    assert!(matches!(&messages[0], (OnboardingMessage::Look(next), 5) if next.step == 1), "{messages:?}");
}

#[tokio::test]
async fn a_look_without_room_waits_for_it() {
    let bench = Bench::new();
    let change = looking(ago(1), 3600);
    bench.hold(&change).await;
    let full: Vec<(String, AttributeValue)> =
        (1..=10).map(|shard| (format!("shard_{shard}"), number(6100))).collect();
    let full: [(&str, AttributeValue); 10] =
        std::array::from_fn(|place| (full[place].0.as_str(), full[place].1.clone()));
    bench.put("GRANTS", "USE", full);
    take_step(&bench.app, &next_of(&change), false).await.unwrap();
    assert_eq!(bench.times_signed(), 0);
    assert!(bench.connection(change.connection.id).await.looking().is_some());
    assert!(matches!(bench.messages()[..], [(OnboardingMessage::Look(_), 5)]));
}

#[tokio::test]
async fn a_role_that_was_found_is_submitted_by_whoever_looked() {
    let bench = Bench::new();
    let change = granted(&bench, looking(ago(30), 3600));
    bench.hold(&change).await;
    let look = change.connection.looking().unwrap().clone();
    submit(&bench.app, &change.connection, &look).await.unwrap();
    // The message before what it is about.
    assert_eq!(bench.calls(), ["SendMessage", "TransactWriteItems"]);
    let after = bench.connection(change.connection.id).await;
    assert_eq!((after.state, after.role_arn.as_ref()), (ConnectionState::Verifying, Some(&look.role_arn)));
    assert_eq!((after.shard, &after.releases), (Some(shard()), &vec![]));
    let verify = after.verification.as_ref().unwrap().next_message(after.id);
    assert_eq!(bench.messages(), [(OnboardingMessage::Verify(verify), 1)]);
    assert_eq!(bench.events(after.id), ["connection.look_started", "connection.state_changed"]);
}

#[tokio::test]
async fn a_role_that_somebody_else_has_connected_by_now_ends_the_look_quietly() {
    let bench = Bench::new();
    let change = granted(&bench, looking(ago(30), 3600));
    bench.hold(&change).await;
    let look = change.connection.looking().unwrap().clone();
    let owner = text("con_0193b2c0000070008000000000000009");
    bench.put(&format!("ROLE#{}", look.role_arn), "OWNER", [("connection_id", owner)]);
    take_step(&bench.app, &next_of(&change), false).await.unwrap();
    assert_eq!(bench.times_signed(), 0);
    let after = bench.connection(change.connection.id).await;
    assert_eq!((after.state, &after.reasons), (ConnectionState::PendingRole, &vec![]));
    assert!(after.looking().is_none() && after.role_arn.is_none());
}

#[tokio::test]
async fn two_deliveries_at_once_take_one_step() {
    let bench = Bench::new();
    let change = granted(&bench, looking(ago(30), 3600));
    bench.hold(&change).await;
    bench.fail("UpdateItem", "ConditionalCheckFailedException");
    let error = take_step(&bench.app, &next_of(&change), false).await.unwrap_err();
    assert_eq!(error.code, "concurrent_change");
    assert!(bench.messages().is_empty(), "whoever wrote the step sends the next");
}

#[tokio::test]
async fn a_table_that_fails_leaves_the_message_where_it_is() {
    let bench = Bench::new();
    bench.fail("GetItem", "ThrottlingException");
    let error = take_step(&bench.app, &next_of(&looking(now(), 60)), false).await.unwrap_err();
    assert!(may_pass(&error));
    assert!(bench.messages().is_empty());
}
