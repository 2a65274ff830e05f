use super::*;
use crate::ConnectionState;
use crate::capability::{Capability, CapabilitySet};
use crate::operation::{OperationState, Order};
use crate::sample::{NOW, occasion};
use crate::{Connection, OperationId};

fn begun() -> Operation {
    let mut connection: Connection = crate::sample::created().connection;
    connection.state = ConnectionState::Active;
    connection.capabilities = CapabilitySet::new([Capability::Ec2Power]).unwrap();
    connection.regions = ["eu-central-1".parse().unwrap()].into();
    let order = Order {
        action: "ec2:StopInstances".parse().unwrap(),
        region: "eu-central-1".parse().unwrap(),
        dry_run: false,
        reason: None,
    };
    let begun = Operation::begin(OperationId::new(NOW, [1; 10]), order, &connection, &occasion()).unwrap();
    let input = Map::from_iter([("Force".to_owned(), Value::Bool(true))]);
    begun.lasting(input, vec!["i-1".to_owned(), "i-2".to_owned()])
}

fn told(id: &str, outcome: TargetOutcome, code: Option<&str>) -> Target {
    Target { id: id.to_owned(), outcome, code: code.map(str::to_owned), detail: None }
}

fn after(minutes: i64) -> Timestamp {
    NOW + SignedDuration::from_mins(minutes)
}

#[test]
fn it_goes_on_until_every_target_has_ended() {
    let begun = begun();
    assert_eq!(begun.ids(TargetOutcome::Queued), ["i-1", "i-2"]);
    let Some(JobsMessage::Operation(step)) = begun.next_message() else { panic!("it has a next step") };
    assert_eq!((step.operation_id, step.step, step.deadline), (begun.id, 0, NOW + LONGEST_WAIT));

    let asked = begun.asked(vec!["r1".to_owned()], NOW).stepped(
        vec![
            told("i-2", TargetOutcome::Running, None),
            told("i-1", TargetOutcome::Failed, Some("not_found")),
        ],
        NOW,
    );
    assert!(!asked.is_settled());
    assert_eq!(asked.ids(TargetOutcome::Running), ["i-2"]);
    assert_eq!(asked.lasting.as_ref().unwrap().steps.step, 1);
    assert_eq!(asked.targets[0].id, "i-1", "in the order in which they were named");

    let done = asked.stepped(vec![told("i-2", TargetOutcome::Succeeded, None)], after(1));
    assert!(done.is_settled());
    let ended = done.settled(after(1));
    assert_eq!((ended.state, ended.finished_at), (OperationState::Partial, Some(after(1))));
    assert_eq!(ended.request_ids, ["r1"]);
    assert!(!ended.lasting.unwrap().steps.running);
}

#[test]
fn what_is_given_up_keeps_the_reason_that_is_known() {
    let waiting = begun().with(vec![
        told("i-1", TargetOutcome::Queued, Some("throttled")),
        told("i-2", TargetOutcome::Running, None),
    ]);
    let given_up = waiting.clone().given_up("connection_not_active", "it is suspended");
    let codes: Vec<_> = given_up.targets.iter().map(|target| target.code.as_deref()).collect();
    // Of what AWS took, nobody says that it is not done.
    assert_eq!(codes, [Some("throttled"), Some("outcome_unknown")]);
    assert!(given_up.targets[1].detail.as_ref().unwrap().starts_with("AWS took the request"));
    assert!(given_up.is_settled());
    let late = waiting.fails_where(TargetOutcome::Running, "not_reached", "it takes too long");
    assert_eq!((late.targets[1].code.as_deref(), late.is_settled()), (Some("not_reached"), false));
    // What nobody named is nobody's.
    let other = begun().with(vec![told("i-3", TargetOutcome::Succeeded, None)]);
    assert_eq!(other.targets, begun().targets);
}

#[test]
fn pauses_grow_and_end() {
    let mut operation = begun();
    let mut pauses = Vec::new();
    for _ in 0..7 {
        pauses.push(operation.pause().as_secs());
        operation = operation.stepped(vec![], NOW);
    }
    assert_eq!(pauses, [1, 1, 2, 4, 8, 15, 15]);
}

/// Its message was lost to the dead-letter queue.
#[test]
fn one_that_takes_no_more_steps_is_not_said_to_go_on() {
    let running = begun().stepped(vec![told("i-1", TargetOutcome::Succeeded, None)], after(29));
    assert_eq!(running.told(after(31)), running);
    let lost = running.told(after(40));
    assert_eq!((lost.state, lost.finished_at), (OperationState::Partial, Some(NOW + LONGEST_WAIT)));
    assert_eq!(lost.targets[1].code.as_deref(), Some("outcome_unknown"));
}
