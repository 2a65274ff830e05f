use super::*;
use domain::operation::{LONGEST_WAIT, Order};
use domain::sample::{NOW, created, occasion, submitted};
use domain::{Capability, CapabilitySet, ConnectionState, OperationId};
use rstest::rstest;
use serde_json::{Map, json};

const FIRST: &str = "i-0123456789abcdef0";
const SECOND: &str = "i-0123456789abcdef1";

fn connection() -> Connection {
    let role = "arn:aws:iam::222222222222:role/customer";
    let mut connection = submitted(&created().connection, role).connection;
    connection.state = ConnectionState::Active;
    connection.capabilities = CapabilitySet::new([Capability::Ec2Power]).unwrap();
    connection.regions = ["eu-central-1".parse().unwrap()].into();
    connection
}

fn begun() -> Operation {
    let order = Order {
        action: "ec2:StopInstances".parse().unwrap(),
        region: "eu-central-1".parse().unwrap(),
        dry_run: false,
        reason: None,
    };
    let begun = Operation::begin(OperationId::new(NOW, [1; 10]), order, &connection(), &occasion()).unwrap();
    begun.lasting(
        Map::from_iter([("Force".to_owned(), json!(true))]),
        vec![FIRST.to_owned(), SECOND.to_owned()],
    )
}

fn told(id: &str, outcome: TargetOutcome, code: Option<&str>) -> Target {
    Target { id: id.to_owned(), outcome, code: code.map(str::to_owned), detail: None }
}

fn policy(operation: &Operation) -> Value {
    let work = Work::of(operation, operation.lasting.as_ref().unwrap(), &connection()).unwrap();
    let policy: Value = serde_json::from_str(&work.policy().to_json()).unwrap();
    policy["Statement"].clone()
}

fn arn(id: &str) -> String {
    format!("arn:aws:ec2:eu-central-1:222222222222:instance/{id}")
}

#[test]
fn a_session_may_do_what_its_step_does_and_nothing_else() {
    let act =
        |resource: Value| json!({"Effect": "Allow", "Action": "ec2:StopInstances", "Resource": resource});
    let look = json!({"Effect": "Allow", "Action": "ec2:DescribeInstances", "Resource": "*"});
    assert_eq!(policy(&begun()), json!([act(json!([arn(FIRST), arn(SECOND)]))]));
    let half = begun().with(vec![told(FIRST, TargetOutcome::Running, None)]);
    assert_eq!(policy(&half), json!([act(json!(arn(SECOND))), look]));
    let taken = half.with(vec![told(SECOND, TargetOutcome::Running, None)]);
    assert_eq!(policy(&taken), json!([look]));
    let settled = taken.with(vec![told(SECOND, TargetOutcome::Failed, Some("not_found"))]);
    assert_eq!(policy(&settled), json!([look]));
}

#[rstest]
#[case("throttled", TargetOutcome::Queued)]
#[case("aws_unavailable", TargetOutcome::Queued)]
#[case("no_answer", TargetOutcome::Queued)]
#[case("not_attempted", TargetOutcome::Queued)]
#[case("not_found", TargetOutcome::Failed)]
#[case("access_denied", TargetOutcome::Failed)]
#[case("insufficient_capacity", TargetOutcome::Failed)]
fn what_passes_is_asked_for_again(#[case] code: &str, #[case] outcome: TargetOutcome) {
    let again = asked_again_if_it_passes(told(FIRST, TargetOutcome::Failed, Some(code)));
    assert_eq!((again.outcome, again.code.as_deref()), (outcome, Some(code)));
}

fn both() -> Operation {
    begun().with(vec![told(FIRST, TargetOutcome::Queued, None), told(SECOND, TargetOutcome::Running, None)])
}

fn codes(operation: &Operation) -> Vec<(TargetOutcome, Option<&str>)> {
    operation.targets.iter().map(|target| (target.outcome, target.code.as_deref())).collect()
}

/// A message may come hours late, from the dead letters: whoever asked has been told by then that it
/// failed, and may have gone on.
#[rstest]
#[case::in_time(LONGEST_ASKING - SignedDuration::from_secs(1), None)]
#[case::late(LONGEST_ASKING, Some("not_attempted"))]
#[case::days_late(SignedDuration::from_hours(99), Some("not_attempted"))]
fn what_comes_late_is_not_asked_for(#[case] after: SignedDuration, #[case] code: Option<&str>) {
    let operation = both();
    let wanted = still_wanted(&operation, operation.lasting.as_ref().unwrap(), &connection(), NOW + after);
    let outcome = if code.is_some() { TargetOutcome::Failed } else { TargetOutcome::Queued };
    assert_eq!(codes(&wanted), [(outcome, code), (TargetOutcome::Running, None)]);
    let work = Work::of(&wanted, wanted.lasting.as_ref().unwrap(), &connection()).unwrap();
    assert_eq!(work.request.is_some(), code.is_none(), "AWS is only asked how it is");
    // With nothing to look at either, AWS is not asked at all.
    let begun = begun();
    let wanted = still_wanted(&begun, begun.lasting.as_ref().unwrap(), &connection(), NOW + after);
    assert_eq!(wanted.is_settled(), code.is_some());
}

#[test]
fn what_the_connection_is_no_longer_for_is_not_asked_for() {
    let operation = both();
    let lasting = operation.lasting.as_ref().unwrap();
    let mut without = connection();
    without.capabilities = CapabilitySet::new([Capability::Ec2Observe]).unwrap();
    let mut elsewhere = connection();
    elsewhere.regions = ["eu-west-1".parse().unwrap()].into();
    for (connection, code) in [(without, "capability_missing"), (elsewhere, "region_not_connected")] {
        let wanted = still_wanted(&operation, lasting, &connection, NOW);
        assert_eq!(codes(&wanted), [(TargetOutcome::Failed, Some(code)), (TargetOutcome::Running, None)]);
    }
}

#[test]
fn nothing_is_waited_for_for_ever() {
    let operation = begun().with(vec![
        told(FIRST, TargetOutcome::Failed, Some("throttled")),
        told(SECOND, TargetOutcome::Running, None),
    ]);
    let lasting = operation.lasting.clone().unwrap();
    let second = SignedDuration::from_secs(1);
    let waits = in_time(operation.clone(), &lasting, NOW + LONGEST_WAIT - second);
    assert_eq!(waits, operation);
    let late = in_time(operation, &lasting, NOW + LONGEST_WAIT);
    let expected = [(TargetOutcome::Failed, Some("throttled")), (TargetOutcome::Failed, Some("not_reached"))];
    assert_eq!(codes(&late), expected);
}
