use super::*;
use crate::ConnectionState;
use crate::capability::{Capability, CapabilitySet};
use crate::sample::{NOW, occasion};
use rstest::rstest;

fn id() -> OperationId {
    OperationId::new(NOW, [1; 10])
}

fn order(action: &str) -> Order {
    Order {
        action: action.parse().unwrap(),
        region: "eu-central-1".parse().unwrap(),
        dry_run: false,
        reason: Some("why".to_owned()),
    }
}

fn connection(state: ConnectionState) -> Connection {
    let mut connection = crate::sample::created().connection;
    connection.state = state;
    connection.capabilities = CapabilitySet::new([Capability::Ec2Power]).unwrap();
    connection.regions = ["eu-central-1".parse().unwrap()].into();
    connection
}

fn begun() -> Operation {
    Operation::begin(id(), order("ec2:StopInstances"), &connection(ConnectionState::Active), &occasion())
        .unwrap()
}

fn target(outcome: TargetOutcome) -> Target {
    Target { id: "i-1".to_owned(), outcome, code: None, detail: None }
}

#[test]
fn only_accepted_connections_are_acted_in() {
    for state in ConnectionState::ALL {
        let begun = Operation::begin(id(), order("ec2:StopInstances"), &connection(state), &occasion());
        let accepted = matches!(state, ConnectionState::Active | ConnectionState::Degraded);
        assert_eq!(begun.is_ok(), accepted, "{state:?}");
        if let Err(error) = begun {
            assert_eq!(error.code, "connection_not_active");
        }
    }
}

#[rstest]
#[case::held("ec2:StopInstances", None)]
#[case::implied("ec2:DescribeVpcs", None)]
#[case::not_held("ec2:TerminateInstances", Some("capability_missing"))]
#[case::of_another_service("dynamodb:ListTables", Some("capability_missing"))]
fn an_action_takes_a_capability_that_holds_it(#[case] action: &str, #[case] code: Option<&str>) {
    let begun = Operation::begin(id(), order(action), &connection(ConnectionState::Active), &occasion());
    assert_eq!(begun.err().map(|error| error.code), code);
}

/// What an action takes besides itself is held like the action: by whichever capability.
#[test]
fn what_an_action_takes_besides_itself_is_held_too() {
    let mut connection = connection(ConnectionState::Active);
    let tagging: Action = "dynamodb:TagResource".parse().unwrap();
    let admitted = |connection: &Connection| connection.admit_companions(&[tagging]);
    for (held, code) in [
        (&[Capability::DynamodbTables][..], Some("capability_missing")),
        (&[Capability::DynamodbTables, Capability::DynamodbDrill], Some("capability_missing")),
        (&[Capability::DynamodbTables, Capability::DynamodbRestore], None),
    ] {
        connection.capabilities = CapabilitySet::new(held.iter().copied()).unwrap();
        let refused = admitted(&connection).err();
        assert_eq!(refused.as_ref().map(|error| error.code), code, "{held:?}");
        if let Some(error) = refused {
            assert!(error.detail.contains("dynamodb:TagResource"), "{}", error.detail);
            assert!(error.detail.contains("dynamodb-restore"), "it says which holds it: {}", error.detail);
        }
    }
    assert!(connection.admit_companions(&[]).is_ok());
}

#[test]
fn what_is_held_for_drills_is_for_drills() {
    let mut connection = connection(ConnectionState::Active);
    connection.capabilities = CapabilitySet::new([Capability::DynamodbDrill]).unwrap();
    let begin = |action| Operation::begin(id(), order(action), &connection, &occasion());
    assert_eq!(begin("dynamodb:PutItem").unwrap_err().code, "capability_missing");
    assert!(begin("dynamodb:ListTables").is_ok(), "observing is implied");
}

#[test]
fn a_region_must_be_the_connections() {
    let elsewhere = Order { region: "us-east-1".parse().unwrap(), ..order("ec2:StopInstances") };
    let error =
        Operation::begin(id(), elsewhere, &connection(ConnectionState::Active), &occasion()).unwrap_err();
    assert_eq!((error.code, error.fields[0].pointer.as_str()), ("region_not_connected", "/region"));
}

#[rstest]
#[case(&[TargetOutcome::Succeeded], OperationState::Succeeded)]
#[case(&[], OperationState::Succeeded)]
#[case(&[TargetOutcome::Failed], OperationState::Failed)]
#[case(&[TargetOutcome::Failed, TargetOutcome::Succeeded], OperationState::Partial)]
#[case(&[TargetOutcome::Partial], OperationState::Partial)]
#[case(&[TargetOutcome::Partial, TargetOutcome::Failed], OperationState::Partial)]
#[case(&[TargetOutcome::Succeeded, TargetOutcome::Partial], OperationState::Partial)]
fn its_targets_say_how_it_ended(#[case] outcomes: &[TargetOutcome], #[case] state: OperationState) {
    let targets = outcomes.iter().copied().map(target).collect();
    let ended = begun().ended(Ending { targets, ..Ending::default() }, NOW);
    assert_eq!((ended.state, ended.finished_at), (state, Some(NOW)));
    assert_eq!(ended.told(NOW + LONGEST), ended, "what has ended stays so");
}

#[test]
fn what_was_interrupted_is_not_said_to_go_on() {
    let running = begun();
    assert_eq!(running.told(NOW + LONGEST - SignedDuration::from_secs(1)), running);
    let lost = running.told(NOW + LONGEST);
    assert_eq!(
        (lost.state, lost.targets[0].code.as_deref()),
        (OperationState::Failed, Some("outcome_unknown"))
    );
    assert!(lost.targets[0].detail.as_ref().unwrap().contains(&running.session_name));
}

/// STS API Reference, `AssumeRole`, `RoleSessionName`: 2 to 64 of `[\w+=,.@-]`.
#[test]
fn its_session_has_a_name_that_aws_takes() {
    let name = begun().session_name;
    assert!(name.len() <= 64 && name.contains(&id().to_string()), "{name}");
    assert!(name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_+=,.@-".contains(&byte)));
}

#[test]
fn its_event_tells_what_became_of_it() {
    let failed = Target { code: Some("not_found".to_owned()), ..target(TargetOutcome::Failed) };
    let ended = begun().ended(Ending { targets: vec![failed], ..Ending::default() }, NOW);
    let event = ended.event(&occasion());
    assert_eq!(event.kind, EventType::OperationFinished);
    assert_eq!(event.data["state"], "failed");
    assert_eq!(event.data["targets"], json!([{"id": "i-1", "outcome": "failed", "code": "not_found"}]));
    assert_eq!(event.data["reason"], "why");
}
