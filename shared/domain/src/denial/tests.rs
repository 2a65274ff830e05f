use super::*;
use proptest::prelude::*;
use proptest::sample::select;
use std::collections::BTreeSet;

/// One message that AWS has sent, and what it means.
#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Known {
    source: String,
    caller: String,
    code: String,
    message: String,
    side: String,
    explained: Option<String>,
}

impl Known {
    fn caller(&self) -> Caller {
        match self.caller.as_str() {
            "broker" => Caller::Broker,
            "role" => Caller::Role,
            other => panic!("{other} is no caller"),
        }
    }
}

fn known() -> Vec<Known> {
    serde_json::from_str(include_str!("messages.json")).unwrap()
}

fn written(side: Side) -> String {
    serde_json::to_value(side).unwrap().as_str().unwrap().to_owned()
}

#[test]
fn what_aws_says_is_understood() {
    let known = known();
    assert!(known.len() >= 40, "{} messages", known.len());
    for case in &known {
        let side = diagnose(case.caller(), &case.code, &case.message);
        assert_eq!(written(side), case.side, "{}: {}", case.source, case.message);
        let explained = explain(&case.code, &case.message);
        if case.explained.is_some() {
            assert_eq!(explained, case.explained, "{}", case.source);
        }
        if let Some(told) = explained {
            assert_harmless(&told);
        }
    }
    let tried: BTreeSet<_> = known.iter().map(|case| case.side.clone()).collect();
    assert_eq!(tried, Side::ALL.map(written).into(), "every side has a message");
}

/// One line of no more than so many characters, that names nobody of ours.
fn assert_harmless(told: &str) {
    assert!(told.chars().count() <= LONGEST_EXPLANATION, "{told}");
    assert!(told.bytes().all(|b| b == b' ' || b.is_ascii_graphic()), "{told}");
    for hidden in ["assumed-role", "User:", "ncoded authorization", "https://", "drawbridge/broker-"] {
        assert!(!told.contains(hidden), "{hidden} in {told}");
    }
}

#[test]
fn a_session_of_ours_is_never_told() {
    let session = "arn:aws:sts::111111111111:assumed-role/broker-1/drawbridge";
    let broker = "arn:aws:iam::111111111111:role/drawbridge/broker-1";
    let grant = "arn:aws:iam::111111111111:policy/drawbridge/grant-3";
    for resource in [session, broker] {
        let message = format!(
            "User: {session} is not authorized to perform: sts:AssumeRole on resource: {resource} with an explicit \
             deny in an identity-based policy: {grant}"
        );
        assert_eq!(
            explain("AccessDenied", &message).unwrap(),
            "AWS refused sts:AssumeRole (AccessDenied): an explicit deny in an identity-based policy"
        );
    }
}

#[test]
fn a_resource_that_somebody_named_to_be_clicked_is_not_told() {
    for name in ["https://evil.example", "<b>x</b>", "a'onload='b", "${x}", "ü"] {
        let message = format!(
            "User: a is not authorized to perform: dynamodb:Scan on resource: arn:aws:dynamodb:::{name} because no \
             identity-based policy allows the dynamodb:Scan action"
        );
        assert_eq!(
            explain("AccessDeniedException", &message).unwrap(),
            "AWS refused dynamodb:Scan (AccessDeniedException): no identity-based policy allows it"
        );
        assert_eq!(diagnose(Caller::Role, "AccessDeniedException", &message), Side::RolePermissions);
    }
}

#[test]
fn what_is_too_long_is_left_out_and_the_reason_is_not() {
    let resource = format!("arn:aws:dynamodb:eu-central-1:222222222222:table/{}", "t".repeat(140));
    let policy = format!("arn:aws:iam::222222222222:policy/{}", "p".repeat(128));
    let message = format!(
        "User: a is not authorized to perform: dynamodb:Scan on resource: {resource} with an explicit deny in an \
         identity-based policy: {policy}"
    );
    assert_eq!(
        explain("AccessDeniedException", &message).unwrap(),
        format!(
            "AWS refused dynamodb:Scan (AccessDeniedException): an explicit deny in an identity-based policy {policy}"
        )
    );
    // Past what is read, nothing is known.
    let endless = format!("{} {}", "x ".repeat(4000), message);
    assert_eq!(diagnose(Caller::Role, "AccessDenied", &endless), Side::Unknown);
    assert_eq!(diagnose(Caller::Role, "AccessDenied", &"x".repeat(1 << 20)), Side::Unknown);
}

#[test]
fn every_side_tells_who_must_change_what() {
    let mut texts = BTreeSet::new();
    for side in Side::ALL {
        for text in [side.detail(), side.remedy()] {
            assert!(text.ends_with('.'), "{text}");
        }
        assert!(texts.insert(side.detail()), "{side:?} says what another says");
        let nothing = side.remedy().starts_with("The customer has nothing to change.");
        assert_eq!(side.is_ours(), nothing, "{side:?}");
        assert_eq!(side.patch_helps(), side == Side::RolePermissions);
        assert_eq!(serde_json::from_value::<Side>(written(side).into()).unwrap(), side);
    }
}

/// An item that a later version wrote can be read.
#[test]
fn a_side_that_is_not_known_yet_is_unknown() {
    assert_eq!(serde_json::from_str::<Side>(r#""the_moon""#).unwrap(), Side::Unknown);
}

const CODES: [&str; 12] = [
    "AccessDenied",
    "AccessDeniedException",
    "UnauthorizedOperation",
    "Client.UnauthorizedOperation",
    "AuthException",
    "KMSAccessDeniedException",
    "AuthFailure",
    "OptInRequired",
    "RegionDisabledException",
    "InternalFailure",
    "Throttling",
    "",
];

const PARTS: [&str; 24] = [
    "User: ",
    "arn:aws:sts::111111111111:assumed-role/broker-1/drawbridge ",
    "is not authorized to perform: ",
    "not authorized to perform",
    "sts:AssumeRole ",
    "ec2:RunInstances ",
    "kms:CreateGrant ",
    "on resource: ",
    "arn:aws:iam::222222222222:role/x ",
    "\"arn:aws:s3:::b/ü\" ",
    "because no ",
    "identity-based policy ",
    "permissions boundary ",
    "service control policy",
    "allows the ec2:RunInstances action ",
    "with an explicit deny in ",
    "a ",
    "an ",
    " transitively through ",
    ": arn:aws:iam::111111111111:policy/p",
    "Encoded authorization failure message: abc ",
    "Go to https://console ",
    "\n\t\u{0}\u{202e}",
    "İẞ𝔘",
];

fn message() -> impl Strategy<Value = String> {
    prop_oneof![
        any::<String>(),
        ".{0,2000}",
        prop::collection::vec(
            prop_oneof![4 => select(&PARTS[..]).prop_map(str::to_owned), 1 => ".{0,20}"],
            0..16
        )
        .prop_map(|parts| parts.concat()),
    ]
}

proptest! {
    #[test]
    fn whatever_is_said_is_read_without_harm(
        message in message(),
        code in prop_oneof![select(&CODES[..]).prop_map(str::to_owned), any::<String>()],
    ) {
        let sides = [Caller::Broker, Caller::Role].map(|caller| diagnose(caller, &code, &message));
        if let Some(told) = explain(&code, &message) {
            assert_harmless(&told);
        } else {
            // What is no refusal has no side.
            prop_assert_eq!(sides, [Side::Unknown; 2]);
        }
    }

    /// Wherever a message is broken off, it says what it said or nothing.
    #[test]
    fn a_message_that_breaks_off_says_nothing_else(case in select(known()
        .into_iter()
        .filter(|case| case.source != "a resource that is called like a reason")
        .map(|case| (case.caller(), case.code, case.message))
        .collect::<Vec<_>>()), at: prop::sample::Index)
    {
        let (caller, code, message) = case;
        let ends: Vec<usize> = (0..=message.len()).filter(|at| message.is_char_boundary(*at)).collect();
        let whole = diagnose(caller, &code, &message);
        let part = diagnose(caller, &code, &message[..ends[at.index(ends.len())]]);
        let said = [whole, Side::Unknown, Side::RoleTrustOrAbsent, Side::OurEndpoint, Side::Region];
        prop_assert!(said.contains(&part), "{part:?}");
    }

    /// The reason is found whatever the action and the resource are called.
    #[test]
    fn names_do_not_change_the_side(
        action in "[a-z][a-z0-9-]{1,20}:[A-Z][A-Za-z0-9]{1,40}",
        resource in "arn:aws:[a-z]{1,9}:[a-z0-9-]{0,12}:[0-9]{12}:[ -~]{0,120}",
        (words, side) in select(vec![
            ("because no identity-based policy allows the A action", Side::RolePermissions),
            ("with an explicit deny in an identity-based policy", Side::RoleDeny),
            ("because no permissions boundary allows the A action", Side::RoleBoundary),
            ("with an explicit deny in a permissions boundary: arn:aws:iam::222222222222:policy/b", Side::RoleBoundaryDeny),
            ("with an explicit deny in a service control policy.", Side::OrganizationDeny),
            ("because no service control policy allows the A action.", Side::Organization),
            ("because no session policy allows the A action", Side::OurSessionPolicy),
        ]),
        tail in select(vec!["", " Encoded authorization failure message: x with an explicit deny in a session policy"]),
    ) {
        prop_assume!(!resource.to_lowercase().contains("encoded auth") && !resource.contains("o to https"));
        let message = format!("User: u is not authorized to perform: {action} on resource: {resource} {words}{tail}");
        prop_assert_eq!(diagnose(Caller::Role, "AccessDenied", &message), side);
    }
}
