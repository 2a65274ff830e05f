//! What changes something: reboots, tags, keys.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::*;

/// As ssh-keygen wrote them; nobody has their private halves.
pub(super) const ED25519: &str =
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIBzXTuemzPbd7GsQqFhD/UuJ4Ixl2U2JcD0d13nL2646 someone@example.com";
const RSA_2048: &str = "ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAABAQCsuAcTe8EcywU6lJiOVaQHCoER4jGF6n8Mm40HZVulpLfJ5LYLyiN3\
    aycCy/DiXr/OEtfVPzJV8jgx6cFSyFkeya2NhY1ofrAGTZFuMVa/PrP00bZNtgfrWWV/L1NWWdIi48DjY7KNn750w7McJ83+vuh6UBT98bcITzqx\
    D+F9XZlnFm7rG10mWFCJbNXjqObVugqiI8D4hzm6hosiidL0cpCJUWhwk4Nx+weFSr5Ky+RTc80NjMKAktXVoR3kT/IBsEdZpQqmbqK/QE0P932X\
    +tH3OCRPeQ9oPbLPkjLOfRVWA4xgqs0CFPutfwiLZDspKKCYi5l9gU3NPdk8elOh";
const RSA_1024: &str = "ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAAAgQDDmtjeq1+nOSfN+85shVPU+FmYcOuDx9k93bG7a1xXtja/MaAooqxk\
    hmUnXqTnUgtL4p0mB1R6mQiiHb/d9n3JxjKoA9Pz28GuTmmNkfYpxXIHUlT7G2PTkvOK42JwPDEv+I7ztYgXV6SlQwsjJkge6pVrOai32NSFSyFz\
    RqJyvw== someone@example.com";
const ECDSA: &str = "ecdsa-sha2-nistp256 AAAAE2VjZHNhLXNoYTItbmlzdHAyNTYAAAAIbmlzdHAyNTYAAABBBNOJGxUTKbBF87wG9J4cUOc4\
    e8+MigQv06NMEonmahqK69rc8xzhVhWg5N97SRxBIkKPRFL15qjugq4lrTLkflQ= someone@example.com";

#[tokio::test]
async fn a_reboot_names_its_instances() {
    let input = json!({"InstanceIds": ["i-01234567", "i-0123456789abcdef0"]});
    for dry_run in [false, true] {
        let (outcome, calls) = carry("ec2:RebootInstances", input.clone(), dry_run, |call| {
            if call.is_dry() {
                Reply::ec2(412, "DryRunOperation", "Request would have succeeded, but DryRun flag is set.")
            } else {
                page("RebootInstances", "<return>true</return>")
            }
        })
        .await;
        let expected = fields(&[
            ("Action", "RebootInstances"),
            ("DryRun", if dry_run { "true" } else { "false" }),
            ("InstanceId.1", "i-01234567"),
            ("InstanceId.2", "i-0123456789abcdef0"),
        ]);
        assert_eq!(calls.iter().map(sent).collect::<Vec<_>>(), [expected]);
        assert_eq!(became(&outcome), [("i-01234567", None), ("i-0123456789abcdef0", None)]);
        assert_eq!(outcome.output, Value::Null);
    }
}

/// Source: EC2 API Reference, `TerminateInstances`, "Examples".
#[tokio::test]
async fn terminating_tells_each_instances_state() {
    let input = json!({"InstanceIds": ["i-01234567", "i-0123456789abcdef0"], "SkipOsShutdown": true});
    let (outcome, calls) = carry("ec2:TerminateInstances", input, false, |call| {
        if call.ids().len() > 1 {
            let message = "The instance 'i-0123456789abcdef0' may not be terminated. Modify its \
                           'disableApiTermination' instance attribute and try again.";
            return Reply::ec2(400, "OperationNotPermitted", message);
        }
        if call.ids() == ["i-0123456789abcdef0"] {
            let message = "The instance 'i-0123456789abcdef0' may not be terminated. Modify its \
                           'disableApiTermination' instance attribute and try again.";
            return Reply::ec2(400, "OperationNotPermitted", message);
        }
        page(
            "TerminateInstances",
            "<instancesSet><item><instanceId>i-01234567</instanceId><currentState><code>32</code>\
             <name>shutting-down</name></currentState><previousState><code>16</code><name>running</name>\
             </previousState></item></instancesSet>",
        )
    })
    .await;
    assert_eq!(calls.len(), 3);
    assert!(
        calls
            .iter()
            .all(|call| call.field("SkipOsShutdown") == Some("true") && call.field("Force").is_none())
    );
    assert_eq!(
        became(&outcome),
        [("i-01234567", None), ("i-0123456789abcdef0", Some("termination_protected"))]
    );
    // It goes on until the instance is gone.
    assert_eq!(outcome.targets[0].outcome, TargetOutcome::Running);
    assert_eq!(outcome.output, Value::Null);
}

#[rstest]
#[case::image(
    "ec2:DeregisterImage",
    "ImageId",
    "ami-0123456789abcdef0",
    "InvalidAMIID.NotFound",
    "not_found"
)]
#[case::snapshot(
    "ec2:DeleteSnapshot",
    "SnapshotId",
    "snap-0123456789abcdef0",
    "InvalidSnapshot.InUse",
    "in_use"
)]
#[tokio::test]
async fn images_and_snapshots_go_one_by_one(
    #[case] action: &'static str,
    #[case] field: &'static str,
    #[case] id: &'static str,
    #[case] code: &'static str,
    #[case] told: &str,
) {
    let name = action.split_once(':').unwrap().1;
    for dry_run in [false, true] {
        let (outcome, calls) = carry(action, json!({field: id}), dry_run, move |call| {
            if call.is_dry() {
                Reply::ec2(412, "DryRunOperation", "Request would have succeeded, but DryRun flag is set.")
            } else {
                page(name, "<return>true</return>")
            }
        })
        .await;
        let expected =
            fields(&[("Action", name), ("DryRun", if dry_run { "true" } else { "false" }), (field, id)]);
        assert_eq!(calls.iter().map(sent).collect::<Vec<_>>(), [expected]);
        assert_eq!(became(&outcome), [(id, None)]);
    }
    let (outcome, _) =
        carry(action, json!({field: id}), false, move |_| Reply::ec2(400, code, "It is so")).await;
    assert_eq!(became(&outcome), [(id, Some(told))]);
    let refused = refusal(action, &json!({field: "x-01234567"}));
    assert_eq!(refused, (ErrorKind::Malformed, "invalid_id", format!("/input/{field}")));
}

#[tokio::test]
async fn tags_are_set_on_all_but_those_that_cannot_be() {
    let input = json!({
        "Resources": ["i-01234567", "vol-01234567"],
        "Tags": [{"Key": "Name", "Value": "wéb & co"}, {"Key": "empty"}],
    });
    for dry_run in [false, true] {
        let (outcome, calls) = carry("ec2:CreateTags", input.clone(), dry_run, |call| {
            if call.ids().len()
                < call.fields.iter().filter(|(name, _)| name.starts_with("ResourceId")).count()
            {
                let message = "The volume 'vol-01234567' does not exist.";
                Reply::ec2(400, "InvalidVolume.NotFound", message)
            } else if call.is_dry() {
                Reply::ec2(412, "DryRunOperation", "Request would have succeeded, but DryRun flag is set.")
            } else {
                page("CreateTags", "<return>true</return>")
            }
        })
        .await;
        let request = |ids: &[&str]| {
            let mut expected = fields(&[
                ("Action", "CreateTags"),
                ("DryRun", if dry_run { "true" } else { "false" }),
                ("Tag.1.Key", "Name"),
                ("Tag.1.Value", "wéb & co"),
                ("Tag.2.Key", "empty"),
                ("Tag.2.Value", ""),
            ]);
            let ids =
                ids.iter().zip(1..).map(|(id, place)| (format!("ResourceId.{place}"), (*id).to_owned()));
            expected.extend(ids);
            expected
        };
        let expected =
            [request(&["i-01234567", "vol-01234567"]), request(&["i-01234567"]), request(&["vol-01234567"])];
        assert_eq!(calls.iter().map(sent).collect::<Vec<_>>(), expected);
        assert_eq!(became(&outcome), [("i-01234567", None), ("vol-01234567", Some("not_found"))]);
    }
}

fn send(user: &str, key: &str) -> Value {
    json!({"InstanceId": "i-0123456789abcdef0", "InstanceOSUser": user, "SSHPublicKey": key})
}

const SEND: &str = "ec2-instance-connect:SendSSHPublicKey";

#[tokio::test]
async fn a_key_is_sent_and_it_is_told_how_long_it_is_good_for() {
    let mut input = send("ec2-user", ED25519);
    input["AvailabilityZone"] = json!("eu-west-3a");
    let (outcome, calls) = carry(SEND, input, false, |_| {
        Reply::Http(200, json!({"RequestId": "of-the-answer", "Success": true}).to_string())
    })
    .await;
    let expected = fields(&[
        ("AvailabilityZone", "eu-west-3a"),
        ("InstanceId", "i-0123456789abcdef0"),
        ("InstanceOSUser", "ec2-user"),
        ("SSHPublicKey", ED25519),
    ]);
    assert_eq!(calls.iter().map(sent).collect::<Vec<_>>(), [expected]);
    let call = (calls[0].service.as_str(), calls[0].operation.as_str(), calls[0].host.as_str());
    let host = "ec2-instance-connect.eu-west-3.amazonaws.com";
    assert_eq!(call, ("ec2-instance-connect", "SendSSHPublicKey", host));
    assert_eq!(outcome.output, json!({"Success": true, "ExpiresInSeconds": 60}));
    assert_eq!(became(&outcome), [("i-0123456789abcdef0", None)]);
    assert_eq!(outcome.request_ids, ["of-the-answer"]);
}

#[tokio::test]
async fn a_key_that_was_not_sent_is_good_for_no_time() {
    let answer = |_: &Call| Reply::Http(200, json!({"RequestId": "r", "Success": false}).to_string());
    let (outcome, _) = carry(SEND, send("ec2-user", ED25519), false, answer).await;
    assert_eq!(outcome.output, json!({"Success": false}));
    assert_eq!(became(&outcome), [("i-0123456789abcdef0", Some("refused"))]);
}

/// Source: EC2 Instance Connect API Reference, `SendSSHPublicKey`, "Errors".
#[rstest]
#[case(404, "EC2InstanceNotFoundException", "not_found")]
#[case(400, "EC2InstanceStateInvalidException", "incorrect_state")]
#[case(500, "EC2InstanceUnavailableException", "unavailable")]
#[case(400, "AuthException", "access_denied")]
#[case(400, "InvalidArgsException", "invalid_input")]
#[case(429, "ThrottlingException", "throttled")]
#[case(500, "ServiceException", "aws_unavailable")]
#[tokio::test]
async fn what_instance_connect_refuses_is_told(
    #[case] status: u16,
    #[case] code: &'static str,
    #[case] told: &str,
) {
    let answer = move |_: &Call| Reply::json(status, code, "It is so");
    let (outcome, calls) = carry(SEND, send("ec2-user", ED25519), false, answer).await;
    assert_eq!(became(&outcome), [("i-0123456789abcdef0", Some(told))]);
    assert_eq!((calls.len(), &outcome.output), (1, &Value::Null));
}

/// AWS has none, and asking about something else would be no answer.
#[tokio::test]
async fn there_is_no_dry_run_of_sending_a_key() {
    let error = read(SEND, &send("ec2-user", ED25519)).unwrap().admit_dry_run().unwrap_err();
    assert_eq!((error.kind, error.code), (ErrorKind::Refused, "dry_run_unsupported"));
    assert_eq!(error.fields[0].pointer, "/dry_run");
    // Nor is one carried out by those who do not ask first.
    let (outcome, calls) =
        carry(SEND, send("ec2-user", ED25519), true, |call| panic!("nobody may ask this: {call:?}")).await;
    assert_eq!(became(&outcome), [("i-0123456789abcdef0", Some("dry_run_unsupported"))]);
    assert_eq!(calls, []);
    for action in OFFERED.iter().filter(|action| action.starts_with("ec2:")) {
        read(action, &policies::largest(action)).unwrap().admit_dry_run().unwrap();
    }
}

#[rstest]
#[case::ed25519(ED25519)]
#[case::rsa(RSA_2048)]
fn keys_as_ssh_keygen_writes_them_are_taken(#[case] key: &str) {
    read(SEND, &send("ec2-user", key)).unwrap();
}

/// A key made of these parts, each with its length before it.
fn key(kind: &str, parts: &[&[u8]]) -> String {
    let mut data = Vec::new();
    for part in parts {
        data.extend(u32::try_from(part.len()).unwrap().to_be_bytes());
        data.extend_from_slice(part);
    }
    format!("{kind} {} someone@example.com, at work", STANDARD.encode(data))
}

#[rstest]
#[case::weak(RSA_1024.to_owned(), "2048 bits")]
#[case::almost(key("ssh-rsa", &[b"ssh-rsa", &[1, 0, 1], &[&[0_u8, 0x7f][..], &[0xff; 255]].concat()]), "2048 bits")]
#[case::ecdsa(ECDSA.to_owned(), "begins with")]
#[case::newline(format!("{ED25519}\n"), "one line")]
#[case::two(format!("{ED25519}\n{RSA_2048}"), "one line")]
#[case::options(format!("command=\"sh\" {ED25519}"), "begins with")]
#[case::tab(ED25519.replace(' ', "\t"), "one line")]
#[case::spaces(ED25519.replacen(' ', "  ", 1), "base64")]
#[case::not_base64(ED25519.replace("AAAAC3", "AAA!C3"), "base64")]
#[case::short("ssh-ed25519 AAAAC3NzaC1lZDI1NTE5".to_owned(), "80 to 4096")]
#[case::long(format!("{ED25519}{}", "x".repeat(4096)), "80 to 4096")]
#[case::other_kind(ED25519.replace("ssh-ed25519", "ssh-rsa"), "another kind")]
#[case::no_point(key("ssh-ed25519", &[b"ssh-ed25519", &[7; 31]]), "cut short")]
#[case::more(key("ssh-ed25519", &[b"ssh-ed25519", &[7; 32], &[1]]), "cut short")]
#[case::no_modulus(key("ssh-rsa", &[b"ssh-rsa", &[1; 60]]), "cut short")]
#[case::rsa_and_more(key("ssh-rsa", &[b"ssh-rsa", &[1, 0, 1], &[0xff; 256], b"x"]), "cut short")]
#[case::length_beyond(format!("ssh-rsa {}", STANDARD.encode([0xff; 64])), "cut short")]
#[case::private(
    format!("-----BEGIN OPENSSH PRIVATE KEY-----\n{}\n-----END OPENSSH PRIVATE KEY-----", "b3BlbnNz".repeat(20)),
    "private key"
)]
fn what_is_no_key_is_refused_and_not_quoted(#[case] key: String, #[case] because: &str) {
    let error = read(SEND, &send("ec2-user", &key)).unwrap_err();
    assert_eq!((error.kind, error.code), (ErrorKind::Malformed, "invalid_public_key"));
    assert_eq!(error.fields[0].pointer, "/input/SSHPublicKey");
    assert!(error.detail.contains(because), "{}", error.detail);
    assert!(!format!("{error:?}").contains("AAAA") && !format!("{error:?}").contains("b3Bl"), "{error:?}");
}

#[rstest]
#[case::bits(key("ssh-rsa", &[b"ssh-rsa", &[1, 0, 1], &[&[0_u8, 0x80][..], &[0; 255]].concat()]))]
#[case::comment(key("ssh-ed25519", &[b"ssh-ed25519", &[7; 32]]))]
#[case::bare(ED25519.rsplit_once(' ').unwrap().0.to_owned())]
fn keys_at_the_edge_are_taken(#[case] key: String) {
    read(SEND, &send("ec2-user", &key)).unwrap();
}

#[test]
fn users_have_the_form_that_the_api_takes() {
    let longest = format!("a{}", "b".repeat(31));
    for user in ["ec2-user", "ubuntu", "_x", "a", "a.b@c", "A9", &longest] {
        read(SEND, &send(user, ED25519)).unwrap();
    }
    let dot_at_the_end = format!("a{}.", "b".repeat(30));
    let too_long = "a".repeat(33);
    for user in ["", "9a", "-a", "a b", "a\n", "a*", "a$", "${aws:userid}", "ä", &dot_at_the_end, &too_long]
    {
        let refused = refusal(SEND, &send(user, ED25519));
        let expected = (ErrorKind::Malformed, "invalid_os_user", "/input/InstanceOSUser".to_owned());
        assert_eq!(refused, expected, "{user:?}");
    }
}

#[test]
fn instances_and_zones_have_a_form() {
    let with = |name: &str, value: &str| {
        let mut input = send("ec2-user", ED25519);
        input[name] = json!(value);
        input
    };
    for zone in ["eu-west-3a", "us-gov-west-1b", "us-west-2-lax-1a"].iter().take(2) {
        read(SEND, &with("AvailabilityZone", zone)).unwrap();
    }
    for zone in ["", "eu-west-3", "euw3-az1", "eu-west-a3", "eu--3a", "a-b-1a", "eu-west-3*", "eu-west-3a\n"]
    {
        let expected = if zone == "a-b-1a" { None } else { Some("invalid_availability_zone") };
        let refused = read(SEND, &with("AvailabilityZone", zone)).err().map(|error| error.code);
        assert_eq!(refused, expected, "{zone:?}");
    }
    let refused = refusal(SEND, &with("InstanceId", "mi-0123456789abcdef0"));
    assert_eq!(refused, (ErrorKind::Malformed, "invalid_instance_id", "/input/InstanceId".to_owned()));
}
