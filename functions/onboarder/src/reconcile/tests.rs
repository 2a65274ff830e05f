use super::*;
use crate::test_app::{Bench, ROLE, number, text, verifying};
use aws_sdk_dynamodb::types::AttributeValue;
use domain::connection::Change;
use domain::grant::{self, Shard};
use domain::message::PublishGrant;
use domain::reconciliation::FindingCode;
use domain::{ConnectionId, ConnectionState, RoleArn};
use jiff::Timestamp;
use rstest::rstest;
use store::GrantShard;

fn begun(at: Timestamp) -> Reconciliation {
    Reconciliation::start(ReconciliationId::new(at, [1; 10]), true, Actor::Drawbridge, at)
}

async fn hold(bench: &Bench, reconciliation: &Reconciliation) {
    bench.app.store.create_reconciliation(reconciliation, None).await.unwrap();
    bench.calls();
}

#[tokio::test]
async fn the_daily_one_is_written_before_its_first_step_is_sent() {
    let bench = Bench::new();
    take_step(&bench.app, &Reconcile::default(), false).await.unwrap();
    assert_eq!(bench.calls(), ["TransactWriteItems", "SendMessage"]);
    let messages = bench.messages();
    let (OnboardingMessage::Reconcile(first), 0) = &messages[0] else { panic!("{messages:?}") };
    let written = bench.app.store.reconciliation(first.reconciliation_id.unwrap()).await.unwrap();
    assert_eq!((written.dry_run, written.actor, first.step), (false, Actor::Drawbridge, 0));
}

#[tokio::test]
async fn one_that_is_about_to_be_written_is_waited_for_but_not_for_ever() {
    let bench = Bench::new();
    let step = begun(now()).next_message();
    take_step(&bench.app, &step, false).await.unwrap();
    assert_eq!(bench.messages(), [(OnboardingMessage::Reconcile(step), 2)]);
    let old = begun(now() - UNWRITTEN_FOR).next_message();
    take_step(&bench.app, &old, false).await.unwrap();
    assert_eq!(bench.messages().len(), 1);
}

#[tokio::test]
async fn a_page_of_connections_leads_to_the_grants() {
    let bench = Bench::new();
    let first = begun(now());
    hold(&bench, &first).await;
    take_step(&bench.app, &first.next_message(), false).await.unwrap();
    assert_eq!(bench.calls(), ["GetItem", "Query", "PutItem", "SendMessage"]);
    let after = bench.app.store.reconciliation(first.id).await.unwrap();
    assert_eq!((after.step, &after.phase), (1, &Phase::Grants { place: 0 }));
    assert_eq!(bench.messages(), [(OnboardingMessage::Reconcile(after.next_message()), 0)]);
}

#[rstest]
#[case::a_duplicate(2, false, false)]
#[case::a_redelivery_after_a_crash(2, true, true)]
#[case::long_done(1, true, false)]
#[case::never_asked_for(9, true, false)]
#[tokio::test]
async fn a_step_is_taken_once_and_its_next_never_lost(
    #[case] step: u32,
    #[case] delivered_before: bool,
    #[case] sent: bool,
) {
    let bench = Bench::new();
    let at_three = Reconciliation { step: 3, ..begun(now()) };
    hold(&bench, &at_three).await;
    let message = Reconcile { step, ..at_three.next_message() };
    take_step(&bench.app, &message, delivered_before).await.unwrap();
    let next = (OnboardingMessage::Reconcile(at_three.next_message()), 0);
    assert_eq!(bench.messages(), sent.then_some(next).into_iter().collect::<Vec<_>>());
    assert!(!bench.calls().contains(&"PutItem"));
}

#[tokio::test]
async fn one_that_has_ended_takes_no_step() {
    let bench = Bench::new();
    let ended = Reconciliation { phase: Phase::Finished, step: 3, ..begun(now()) };
    hold(&bench, &ended).await;
    for (step, delivered_before) in [(3, false), (2, true)] {
        let message = Reconcile { step, ..ended.next_message() };
        take_step(&bench.app, &message, delivered_before).await.unwrap();
    }
    assert_eq!(bench.calls(), ["GetItem", "GetItem"]);
    assert!(bench.messages().is_empty());
}

/// The bench has no IAM to compare with.
#[tokio::test]
async fn what_cannot_be_compared_is_not_counted_as_compared() {
    let bench = Bench::new();
    let at_grants = Reconciliation { phase: Phase::Grants { place: 0 }, ..begun(now()) };
    hold(&bench, &at_grants).await;
    take_step(&bench.app, &at_grants.next_message(), false).await.unwrap_err();
    assert_eq!(bench.app.store.reconciliation(at_grants.id).await.unwrap(), at_grants);
    assert!(bench.messages().is_empty());
}

/// One that tells, or one that mends.
fn running(dry_run: bool) -> Reconciliation {
    Reconciliation { dry_run, ..begun(now()) }
}

fn shard() -> Shard {
    Shard::new(1).unwrap()
}

fn role() -> RoleArn {
    ROLE.parse().unwrap()
}

/// A connection with the role in a grant, in this state for hours.
fn settled(state: ConnectionState) -> Change {
    let mut change = verifying(now() - SignedDuration::from_hours(3));
    change.connection.state = state;
    change.connection.shard = Some(shard());
    change
}

/// The table holds the role for these connections.
fn held_by(bench: &Bench, holders: &[ConnectionId]) {
    let holders = holders.iter().map(ToString::to_string).collect();
    let fields = [("shard", number(1)), ("holders", AttributeValue::Ss(holders))];
    bench.put(&format!("ROLE#{ROLE}"), "GRANT", fields);
}

/// The grant names the role, at this version.
fn named(bench: &Bench, version: u64) {
    let roles = AttributeValue::Ss(vec![ROLE.to_owned()]);
    let fields = [("arns", roles), ("version", number(version)), ("published", number(version))];
    bench.put("GRANT#1", "META", fields);
}

/// What was found, of what, and whether it was mended.
fn told(findings: &[Finding]) -> Vec<(FindingCode, &str, bool)> {
    findings.iter().map(|finding| (finding.code, finding.subject.as_str(), finding.mended)).collect()
}

/// Compares the one connection that there is.
async fn compared(bench: &Bench, change: &Change, dry_run: bool) -> Vec<Finding> {
    bench.due(&[(change.connection.id, now())], false);
    let compared = connections::compare(&bench.app, &running(dry_run), None).await.unwrap();
    assert_eq!((compared.connections, compared.next), (1, Phase::Grants { place: 0 }));
    compared.findings
}

/// Nothing but reads was asked for, and nobody is told to do anything.
fn nothing_is_changed(bench: &Bench) {
    let calls = bench.calls();
    let writes = ["PutItem", "UpdateItem", "TransactWriteItems", "SendMessage"];
    assert!(calls.iter().all(|call| !writes.contains(call)), "{calls:?}");
}

#[rstest]
#[tokio::test]
async fn a_hold_that_is_missing_is_told_and_mended(
    #[values(ConnectionState::Verifying, ConnectionState::Active, ConnectionState::Suspended)]
    state: ConnectionState,
    #[values(true, false)] dry_run: bool,
    #[values(true, false)] held_by_another: bool,
) {
    let bench = Bench::new();
    let change = settled(state);
    let id = change.connection.id;
    bench.hold(&change).await;
    if held_by_another {
        held_by(&bench, &[ConnectionId::new(now(), [9; 10])]);
    }
    let findings = compared(&bench, &change, dry_run).await;
    assert_eq!(told(&findings), [(FindingCode::HoldMissing, id.to_string().as_str(), !dry_run)]);
    if dry_run {
        return nothing_is_changed(&bench);
    }
    let connection = format!("update CONNECTION#{id} META");
    let written = if held_by_another {
        vec![connection, format!("update ROLE#{ROLE} GRANT")]
    } else {
        let (role, used) = (format!("put ROLE#{ROLE} GRANT"), "update GRANTS USE".to_owned());
        vec![connection, role, used, "update GRANT#1 META".to_owned()]
    };
    assert_eq!(bench.transactions(), [written]);
    let publish = OnboardingMessage::Publish(PublishGrant { shard: shard(), connection_id: id });
    assert_eq!(bench.messages(), [(publish, 0)]);
}

#[rstest]
#[tokio::test]
async fn an_accepted_connection_that_is_never_due_is_told_and_mended(#[values(true, false)] dry_run: bool) {
    let bench = Bench::new();
    let mut change = settled(ConnectionState::Active);
    change.connection.due_at = None;
    bench.hold(&change).await;
    held_by(&bench, &[change.connection.id]);
    let findings = compared(&bench, &change, dry_run).await;
    let id = change.connection.id.to_string();
    assert_eq!(told(&findings), [(FindingCode::ProofNotDue, id.as_str(), !dry_run)]);
    if dry_run {
        return nothing_is_changed(&bench);
    }
    assert_eq!(bench.updates(), ["SET due_key = :due, due_at = :at, revision = :next"]);
    assert!(bench.messages().is_empty(), "the sweep begins it");
}

#[rstest]
#[case::held_and_due(settled(ConnectionState::Active), true)]
#[case::without_need(settled(ConnectionState::Failed), false)]
#[case::never_granted(
    { let mut change = settled(ConnectionState::Verifying); change.connection.shard = None; change }, false
)]
#[case::changed_just_now(
    { let mut change = settled(ConnectionState::Active); change.connection.updated_at = now(); change }, false
)]
#[tokio::test]
async fn a_connection_that_has_what_it_needs_is_no_drift(#[case] change: Change, #[case] held: bool) {
    let bench = Bench::new();
    bench.hold(&change).await;
    if held {
        held_by(&bench, &[change.connection.id]);
    }
    assert_eq!(compared(&bench, &change, false).await, []);
    nothing_is_changed(&bench);
}

/// Whoever changed it meanwhile has it in hand: the finding stays one that nothing was done about.
#[tokio::test]
async fn what_changes_while_it_is_mended_is_not_said_to_be() {
    let bench = Bench::new();
    let change = settled(ConnectionState::Active);
    bench.hold(&change).await;
    bench.fail("TransactWriteItems", "ConditionalCheckFailedException");
    let findings = compared(&bench, &change, false).await;
    let id = change.connection.id.to_string();
    assert_eq!(told(&findings), [(FindingCode::HoldMissing, id.as_str(), false)]);
    assert!(bench.messages().is_empty());
}

#[rstest]
#[tokio::test]
async fn a_hold_without_need_is_told_and_given_back(#[values(true, false)] dry_run: bool) {
    let bench = Bench::new();
    let change = settled(ConnectionState::Failed);
    let id = change.connection.id;
    bench.hold(&change).await;
    named(&bench, 1);
    held_by(&bench, &[id]);
    let found = grants::holders_of(&bench.app, &running(dry_run), shard(), &role()).await.unwrap();
    assert_eq!(told(&found), [(FindingCode::HoldUnneeded, id.to_string().as_str(), !dry_run)]);
    if dry_run {
        return nothing_is_changed(&bench);
    }
    let written = [
        format!("check CONNECTION#{id} META"),
        format!("delete ROLE#{ROLE} GRANT"),
        "update GRANT#1 META".to_owned(),
        "update GRANTS USE".to_owned(),
    ];
    assert_eq!(bench.transactions(), [written]);
}

/// A connection that nobody knows holds it: no rule says whose need that was.
#[rstest]
#[tokio::test]
async fn a_hold_of_no_connection_is_told_and_left_alone(#[values(true, false)] dry_run: bool) {
    let bench = Bench::new();
    let id = ConnectionId::new(now(), [9; 10]);
    named(&bench, 1);
    held_by(&bench, &[id]);
    let found = grants::holders_of(&bench.app, &running(dry_run), shard(), &role()).await.unwrap();
    assert_eq!(told(&found), [(FindingCode::HoldUnneeded, id.to_string().as_str(), false)]);
    nothing_is_changed(&bench);
}

#[rstest]
#[case::needed(settled(ConnectionState::Active))]
#[case::given_up_just_now(
    { let mut change = settled(ConnectionState::Failed); change.connection.updated_at = now(); change }
)]
#[tokio::test]
async fn a_hold_that_is_needed_or_on_its_way_out_is_no_drift(#[case] change: Change) {
    let bench = Bench::new();
    bench.hold(&change).await;
    named(&bench, 1);
    held_by(&bench, &[change.connection.id]);
    assert_eq!(grants::holders_of(&bench.app, &running(false), shard(), &role()).await.unwrap(), []);
    nothing_is_changed(&bench);
}

#[rstest]
#[tokio::test]
async fn a_role_that_nobody_holds_is_told_and_removed(#[values(true, false)] dry_run: bool) {
    let bench = Bench::new();
    named(&bench, 1);
    let found = grants::holders_of(&bench.app, &running(dry_run), shard(), &role()).await.unwrap();
    assert_eq!(told(&found), [(FindingCode::RoleUnheld, "grant-1", !dry_run)]);
    if dry_run {
        return nothing_is_changed(&bench);
    }
    let written = [
        format!("check ROLE#{ROLE} GRANT"),
        "update GRANT#1 META".to_owned(),
        "update GRANTS USE".to_owned(),
    ];
    assert_eq!(bench.transactions(), [written]);
}

/// It was read with the grant, and given back since.
#[tokio::test]
async fn a_role_that_has_left_its_grant_meanwhile_is_no_drift() {
    let bench = Bench::new();
    bench.put("GRANT#1", "META", [("version", number(2)), ("publisher", text("somebody"))]);
    assert_eq!(grants::holders_of(&bench.app, &running(false), shard(), &role()).await.unwrap(), []);
    nothing_is_changed(&bench);
}

/// The grant as the table has it, which counts so many characters for it.
async fn counted(bench: &Bench, characters: usize) -> GrantShard {
    named(bench, 1);
    bench.put("GRANTS", "USE", [("shard_1", number(characters as u64))]);
    let seen = bench.app.store.grant_shard(shard()).await.unwrap();
    bench.calls();
    seen
}

#[rstest]
#[tokio::test]
async fn a_count_that_is_wrong_is_told_and_made_anew(
    #[values(0, grant::characters(&role()) + 1)] counts: usize,
    #[values(true, false)] dry_run: bool,
) {
    let bench = Bench::new();
    let seen = counted(&bench, counts).await;
    let found = grants::count(&bench.app, &running(dry_run), shard(), &seen).await.unwrap();
    assert_eq!(told(found.as_slice()), [(FindingCode::CountWrong, "grant-1", !dry_run)]);
    if dry_run {
        return nothing_is_changed(&bench);
    }
    assert_eq!(bench.transactions(), [["check GRANT#1 META", "update GRANTS USE"]]);
}

#[tokio::test]
async fn a_count_that_is_right_or_has_moved_on_is_no_drift() {
    let bench = Bench::new();
    let seen = counted(&bench, grant::characters(&role())).await;
    assert_eq!(grants::count(&bench.app, &running(false), shard(), &seen).await.unwrap(), None);
    nothing_is_changed(&bench);

    let bench = Bench::new();
    let seen = counted(&bench, 0).await;
    named(&bench, 2);
    assert_eq!(grants::count(&bench.app, &running(false), shard(), &seen).await.unwrap(), None);
    nothing_is_changed(&bench);
}

/// A connection that looks for its role, with that in a grant, for hours.
fn looking() -> Change {
    let mut change = domain::sample::looking(&domain::sample::created().connection);
    change.connection.shard = Some(shard());
    change.connection.updated_at = now() - jiff::SignedDuration::from_hours(3);
    change
}

#[tokio::test]
async fn the_hold_of_a_look_is_needed_while_it_goes_on() {
    let bench = Bench::new();
    let change = looking();
    let (id, role) = (change.connection.id, change.connection.role_to_grant().unwrap().clone());
    bench.hold(&change).await;
    let fields = [("shard", number(1)), ("holders", AttributeValue::Ss(vec![id.to_string()]))];
    bench.put(&format!("ROLE#{role}"), "GRANT", fields);
    assert_eq!(compared(&bench, &change, false).await, []);
    assert_eq!(grants::holders_of(&bench.app, &running(false), shard(), &role).await.unwrap(), []);
    nothing_is_changed(&bench);
    // Once it has ended, the hold is one without need.
    let mut ended = change.connection.give_up_looking(crate::test_app::occasion()).unwrap();
    ended.connection.updated_at = change.connection.updated_at;
    bench.hold(&ended).await;
    let found = grants::holders_of(&bench.app, &running(true), shard(), &role).await.unwrap();
    assert_eq!(told(&found), [(FindingCode::HoldUnneeded, id.to_string().as_str(), false)]);
}

#[tokio::test]
async fn the_hold_of_a_look_that_is_missing_is_mended() {
    let bench = Bench::new();
    let change = looking();
    bench.hold(&change).await;
    let findings = compared(&bench, &change, false).await;
    let id = change.connection.id.to_string();
    assert_eq!(told(&findings), [(FindingCode::HoldMissing, id.as_str(), true)]);
}
