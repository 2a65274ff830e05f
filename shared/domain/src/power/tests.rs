use super::*;
use crate::sample::NOW;
use rstest::rstest;

use Decision::{Ask, Taken, There};
use PowerState::{Gone, Pending, Running, Stopped, Stopping, Unknown};

fn after(minutes: i64) -> Timestamp {
    NOW + SignedDuration::from_mins(minutes)
}

/// An instance that was last started at `NOW`.
fn instance(state: PowerState) -> Powered {
    Powered { state, launched_at: Some(NOW), group: None, on_instance_store: false, reason: None }
}

fn run() -> RunId {
    RunId::new(NOW, [1; 10])
}

fn known(found: Found, minutes: i64) -> Memory {
    Memory { found, at: after(minutes), run_id: run() }
}

/// Asked for two minutes later, and AWS may have been asked then.
fn asking(asked: bool) -> Asking {
    Asking { run_id: run(), since: after(2), asked_at: asked.then(|| after(2)), now: after(3) }
}

fn code(decision: &Decision) -> &'static str {
    match decision {
        Decision::Later(code, _) | Decision::Skip(code, _) => code,
        _ => "",
    }
}

#[rstest]
#[case(Wanted::Stopped, Running, false, Ask)]
#[case(Wanted::Stopped, Running, true, Ask)]
#[case(Wanted::Stopped, Stopped, false, There)]
#[case(Wanted::Stopped, Stopped, true, There)]
#[case(Wanted::Stopped, Stopping, true, Taken)]
#[case(Wanted::Running, Stopped, false, Ask)]
#[case(Wanted::Running, Stopped, true, Ask)]
#[case(Wanted::Running, Running, false, There)]
#[case(Wanted::Running, Running, true, There)]
#[case(Wanted::Running, Pending, true, Taken)]
fn an_instance_is_brought_where_it_is_wanted(
    #[case] wanted: Wanted,
    #[case] state: PowerState,
    #[case] asked: bool,
    #[case] decision: Decision,
) {
    assert_eq!(decide(wanted, Some(&instance(state)), asking(asked), None), decision);
}

/// Whoever is on the way by somebody else's doing is not taken for one's own: what becomes of it shows later.
#[rstest]
#[case(Wanted::Stopped, Pending, false, "instance_pending")]
#[case(Wanted::Stopped, Pending, true, "instance_pending")]
#[case(Wanted::Stopped, Stopping, false, "instance_stopping")]
#[case(Wanted::Running, Stopping, false, "instance_stopping")]
#[case(Wanted::Running, Stopping, true, "instance_stopping")]
#[case(Wanted::Running, Pending, false, "instance_pending")]
#[case(Wanted::Running, Unknown, true, "instance_changing")]
fn one_that_is_changing_is_looked_at_again(
    #[case] wanted: Wanted,
    #[case] state: PowerState,
    #[case] asked: bool,
    #[case] told: &str,
) {
    let decision = decide(wanted, Some(&instance(state)), asking(asked), None);
    assert!(matches!(decision, Decision::Later(..)), "{decision:?}");
    assert_eq!(code(&decision), told);
}

#[rstest]
#[case(Wanted::Running)]
#[case(Wanted::Stopped)]
fn what_is_not_there_or_not_ours_to_switch_is_left_alone(#[case] wanted: Wanted) {
    let told = |instance: Option<&Powered>| {
        let decision = decide(wanted, instance, asking(false), None);
        assert!(!matches!(decision, Taken | There), "{decision:?}");
        code(&decision)
    };
    // EC2 tells what was a moment ago: what is terminated it shows for about an hour.
    assert_eq!(told(None), "instance_unseen");
    let later = Asking { now: after(4), ..asking(false) };
    assert_eq!(code(&decide(wanted, None, later, None)), "instance_not_found");
    assert_eq!(told(Some(&instance(Gone))), "instance_not_found");
    let from = if wanted == Wanted::Running { Stopped } else { Running };
    let in_group = Powered { group: Some("web".to_owned()), ..instance(from) };
    assert_eq!(told(Some(&in_group)), "in_auto_scaling_group");
    let on_store = Powered { on_instance_store: true, ..instance(from) };
    assert_eq!(told(Some(&on_store)), if wanted == Wanted::Stopped { "cannot_be_stopped" } else { "" });
}

#[rstest]
#[case::on_purpose(Some(known(Found::FoundStopped, 1)), "stopped_on_purpose")]
#[case::started_since(Some(known(Found::FoundStopped, -1)), "")]
#[case::by_drawbridge(Some(known(Found::StoppedByDrawbridge, 1)), "")]
#[case::by_aws(Some(known(Found::NotStarted, 1)), "")]
#[case::not_at_all(Some(known(Found::NotStopped, 1)), "")]
#[case::nothing_is_known(None, "")]
fn only_what_was_stopped_on_purpose_stays_so(#[case] known: Option<Memory>, #[case] told: &str) {
    let decision = decide(Wanted::Running, Some(&instance(Stopped)), asking(false), known.as_ref());
    assert_eq!(code(&decision), told);
    assert_eq!(decision == Ask, told.is_empty(), "{decision:?}");
    // Once AWS has been asked, that is not decided again.
    assert_eq!(decide(Wanted::Running, Some(&instance(Stopped)), asking(true), known.as_ref()), Ask);
    assert_eq!(decide(Wanted::Running, Some(&instance(Running)), asking(false), known.as_ref()), There);
}

/// A second schedule that stops, or the same message once more, does not take Drawbridge's own doing for somebody
/// else's.
#[rstest]
#[case::the_first_time(None, Some(Found::FoundStopped))]
#[case::by_drawbridge(Some(known(Found::StoppedByDrawbridge, 1)), None)]
#[case::by_drawbridge_and_started_since(Some(known(Found::StoppedByDrawbridge, -1)), Some(Found::FoundStopped))]
#[case::not_started(Some(known(Found::NotStarted, 1)), None)]
#[case::not_stopped_then(Some(known(Found::NotStopped, 1)), Some(Found::FoundStopped))]
#[case::on_purpose_before(Some(known(Found::FoundStopped, 1)), Some(Found::FoundStopped))]
fn a_stop_remembers_what_it_finds_stopped(#[case] known: Option<Memory>, #[case] found: Option<Found>) {
    let memory = Memory::of_stopped(&instance(Stopped), known.as_ref(), after(2), run());
    assert_eq!(memory, found.map(|found| Memory { found, at: after(2), run_id: run() }));
}

/// Source: EC2 API Reference, `StateReason`.
#[rstest]
#[case("Client.UserInitiatedShutdown", Found::FoundStopped)]
#[case("Client.InstanceInitiatedShutdown", Found::FoundStopped)]
#[case("Server.ScheduledStop", Found::NotStarted)]
#[case("Server.SpotInstanceShutdown", Found::NotStarted)]
#[case("Server.InsufficientInstanceCapacity", Found::NotStarted)]
#[case("Client.InternalError", Found::NotStarted)]
fn what_aws_has_stopped_nobody_has_meant(#[case] reason: &str, #[case] found: Found) {
    let stopped = Powered { reason: Some(reason.to_owned()), ..instance(Stopped) };
    assert_eq!(Memory::of_stopped(&stopped, None, NOW, run()).unwrap().found, found);
}

#[test]
fn what_has_failed_was_not_meant_to_be_so() {
    let failed = |wanted| Memory::of_failed(wanted, after(1), run()).found;
    assert_eq!(failed(Wanted::Running), Found::NotStarted);
    assert_eq!(failed(Wanted::Stopped), Found::NotStopped);
}

#[test]
fn what_is_kept_reads_back() {
    for found in [Found::StoppedByDrawbridge, Found::FoundStopped, Found::NotStopped, Found::NotStarted] {
        let memory = known(found, 0);
        let text = serde_json::to_string(&memory).unwrap();
        assert_eq!(serde_json::from_str::<Memory>(&text).unwrap(), memory, "{text}");
    }
    assert!(unseen(Kind::Ec2Stop, "").unwrap().contains("to stop the instance"));
    assert_eq!(unseen(Kind::DynamodbBackup, ""), None);
}

/// Whoever has come later knows better: what was wanted before is not done to it any more.
#[rstest]
#[case::started_while_a_stop_waited(Wanted::Stopped, Running, 3, None, None, "started_since")]
#[case::started_after_a_stop_was_asked_for(Wanted::Stopped, Running, 3, Some(2), None, "started_since")]
#[case::started_before(Wanted::Stopped, Running, 1, Some(2), None, "")]
#[case::stopped_while_a_start_waited(
    Wanted::Running,
    Stopped,
    0,
    None,
    Some(known(Found::StoppedByDrawbridge, 3)),
    "stopped_since"
)]
#[case::stopped_before(Wanted::Running, Stopped, 0, None, Some(known(Found::StoppedByDrawbridge, 1)), "")]
fn what_was_wanted_since_counts(
    #[case] wanted: Wanted,
    #[case] state: PowerState,
    #[case] launched: i64,
    #[case] asked: Option<i64>,
    #[case] known: Option<Memory>,
    #[case] told: &str,
) {
    let instance = Powered { launched_at: Some(after(launched)), ..instance(state) };
    let asking = Asking {
        run_id: RunId::new(NOW, [9; 10]),
        since: after(2),
        asked_at: asked.map(after),
        now: after(3),
    };
    let decision = decide(wanted, Some(&instance), asking, known.as_ref());
    assert_eq!((code(&decision), decision == Ask), (told, told.is_empty()), "{decision:?}");
}

/// A start that was carried out is not repeated where somebody has stopped the instance again.
#[test]
fn a_start_that_was_carried_out_is_not_asked_for_again() {
    let started = Powered { launched_at: Some(after(3)), ..instance(Stopped) };
    assert_eq!(decide(Wanted::Running, Some(&started), asking(true), None), Taken);
}
