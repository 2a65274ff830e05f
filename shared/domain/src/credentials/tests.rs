use super::*;
use crate::sample::{NOW, created, occasion, submitted};
use crate::state::ConnectionState;
use proptest::prelude::*;
use rstest::rstest;

const ROLE: &str = "arn:aws:iam::222222222222:role/path/customer-role";

fn connection(capabilities: &[Capability]) -> Connection {
    Connection {
        state: ConnectionState::Active,
        capabilities: CapabilitySet::new(capabilities.iter().copied()).unwrap(),
        regions: ["eu-central-1", "us-east-1"].map(|region| region.parse().unwrap()).into(),
        ..submitted(&created().connection, ROLE).connection
    }
}

fn order(capabilities: &[Capability], region: Option<&str>) -> CredentialsOrder {
    CredentialsOrder {
        capabilities: CapabilitySet::new(capabilities.iter().copied()).unwrap(),
        region: region.map(|region| region.parse().unwrap()),
        length: SessionLength::SHORTEST,
        reason: "ticket 1234".parse().unwrap(),
    }
}

fn admit(order: CredentialsOrder, connection: &Connection) -> Result<Issue, Error> {
    Issue::admit(CredentialsId::new(NOW, [7; 10]), order, connection, &occasion())
}

#[test]
fn credentials_are_for_what_was_asked_and_called_by_their_id() {
    let connection = connection(&[Capability::Ec2Power, Capability::DynamodbData]);
    let issue = admit(order(&[Capability::Ec2Power], None), &connection).unwrap();
    assert_eq!(issue.session_name, format!("drawbridge-{}", issue.id));
    // STS API Reference, `AssumeRole`: a session's name has 2 to 64 characters.
    assert!(issue.session_name.len() <= 64);
    assert_eq!(issue.regions, connection.regions);
    assert_eq!(
        issue.session_policy,
        policy::session_policy(&ROLE.parse().unwrap(), &issue.capabilities, &connection.regions)
    );
    let one = admit(order(&[Capability::Ec2Power], Some("us-east-1")), &connection).unwrap();
    assert_eq!(one.regions.iter().map(Region::as_str).collect::<Vec<_>>(), ["us-east-1"]);
    // What a capability implies may be asked for by itself.
    assert!(admit(order(&[Capability::Ec2Observe], None), &connection).is_ok());
    let degraded = Connection { state: ConnectionState::Degraded, ..connection };
    assert!(admit(order(&[Capability::Ec2Power], None), &degraded).is_ok());
}

#[test]
fn what_the_connection_is_not_for_is_refused() {
    let connection = connection(&[Capability::Ec2Power]);
    let missing = admit(order(&[Capability::Ec2Power, Capability::DynamodbData], None), &connection);
    let missing = missing.unwrap_err();
    assert_eq!((missing.kind, missing.code), (ErrorKind::Forbidden, "capability_missing"));
    assert!(missing.detail.contains("dynamodb-data") && !missing.detail.contains("ec2-power"));
    assert_eq!(missing.fields[0].pointer, "/capabilities");
    let classic = admit(order(&[Capability::Classic], None), &connection).unwrap_err();
    assert_eq!(classic.code, "capability_missing");
    let elsewhere = admit(order(&[Capability::Ec2Power], Some("eu-west-3")), &connection).unwrap_err();
    assert_eq!((elsewhere.kind, elsewhere.code), (ErrorKind::Refused, "region_not_connected"));
    assert_eq!(elsewhere.fields[0].pointer, "/region");
}

#[rstest]
#[case(ConnectionState::PendingRole)]
#[case(ConnectionState::Verifying)]
#[case(ConnectionState::Failed)]
#[case(ConnectionState::Suspended)]
#[case(ConnectionState::Offboarding)]
#[case(ConnectionState::Offboarded)]
fn only_an_accepted_connection_has_credentials(#[case] state: ConnectionState) {
    let connection = Connection { state, ..connection(&[Capability::Ec2Power]) };
    let refused = admit(order(&[Capability::Ec2Power], None), &connection).unwrap_err();
    assert_eq!((refused.kind, refused.code), (ErrorKind::Conflict, "connection_not_active"));
}

#[test]
fn what_no_session_policy_holds_is_refused_and_one_region_of_it_may_not_be() {
    let all = || Capability::ALL.into_iter().filter(|capability| *capability != Capability::Classic);
    let all: Vec<_> = all().collect();
    let mut connection = connection(&all);
    connection.regions = (1..=64).map(|number| format!("xx-somewhere-{number}").parse().unwrap()).collect();
    let refused = admit(order(&all, None), &connection).unwrap_err();
    assert_eq!((refused.kind, refused.code), (ErrorKind::Refused, "too_many_capabilities"));
    assert!(refused.detail.contains("ask for fewer"));
    let fewer = admit(order(&[Capability::DynamodbData], None), &connection).unwrap();
    assert!(fewer.session_policy.to_json().len() <= LONGEST_SESSION_POLICY);
}

#[test]
fn the_record_says_who_what_why_and_until_when_and_holds_no_key() {
    let connection = connection(&[Capability::Ec2Power]);
    let issue = admit(order(&[Capability::Ec2Power], Some("us-east-1")), &connection).unwrap();
    let until = NOW + SignedDuration::from_secs(800);
    for (event, kind) in [
        (issue.requested(&occasion()), "credentials.requested"),
        (issue.issued(until, &occasion()), "credentials.issued"),
        (issue.refused("role_not_assumable", Some(Side::RoleTrust), &occasion()), "credentials.refused"),
    ] {
        assert_eq!(serde_json::to_value(event.kind).unwrap(), kind);
        assert_eq!((&event.actor, event.about), (&occasion().actor, About::Connection(connection.id)));
        let data = Value::Object(event.data);
        assert_eq!(data["credentials_id"], json!(issue.id));
        assert_eq!((&data["capabilities"], &data["regions"]), (&json!(["ec2-power"]), &json!(["us-east-1"])));
        assert_eq!((&data["reason"], &data["duration_seconds"]), (&json!("ticket 1234"), &json!(900)));
        assert_eq!(data["session_name"], json!(issue.session_name));
        match kind {
            "credentials.requested" => {
                assert_eq!(data["expires_at"], json!(NOW + SignedDuration::from_secs(900)));
            }
            "credentials.issued" => assert_eq!(data["expires_at"], json!(until)),
            _ => assert_eq!(
                (&data["code"], &data["refused_by"]),
                (&json!("role_not_assumable"), &json!("role_trust"))
            ),
        }
        let text = data.to_string();
        assert!(!text.contains(connection.external_id.expose()), "{text}");
    }
}

#[rstest]
#[case("")]
#[case("  \t ")]
#[case("two\nlines")]
#[case("a bell\u{7}")]
#[case(&"x".repeat(LONGEST_REASON + 1))]
fn a_reason_says_something_on_one_line(#[case] text: &str) {
    assert_eq!(text.parse::<Purpose>().unwrap_err().code, "invalid_reason");
}

#[test]
fn a_reason_is_kept_as_it_was_given() {
    let longest = "ü".repeat(LONGEST_REASON);
    for text in ["ticket 1234", longest.as_str()] {
        assert_eq!(format!("  {text} ").parse::<Purpose>().unwrap().to_string(), text);
    }
}

proptest! {
    #[test]
    fn a_session_lasts_as_long_as_sts_gives_one(seconds in -10_i64..100_000) {
        match SessionLength::of_seconds(seconds) {
            Ok(length) => {
                prop_assert!((900..=3600).contains(&seconds));
                prop_assert_eq!(i64::from(length.seconds()), seconds);
            }
            Err(error) => {
                prop_assert!(!(900..=3600).contains(&seconds));
                prop_assert_eq!(error.code, "invalid_duration");
            }
        }
    }
}

#[test]
fn a_refusal_by_aws_names_the_side_that_refuses() {
    let role: RoleArn = ROLE.parse().unwrap();
    for side in Side::ALL {
        let error = role_not_assumable(&role, side);
        assert_eq!((error.kind, error.code), (ErrorKind::Conflict, "role_not_assumable"));
        assert!(error.detail.contains(ROLE) && error.detail.contains(side.detail()));
    }
}
