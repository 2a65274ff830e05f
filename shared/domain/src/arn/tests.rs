use super::*;
use crate::Actor;
use crate::connection::Occasion;
use crate::error::ErrorKind;
use crate::policy::grant_policy;
use crate::sample::{created, deployment, occasion, start};
use proptest::prelude::*;
use rstest::rstest;
use serde_json::json;
use std::collections::BTreeSet;

#[rstest]
#[case("arn:aws:iam::123456789012:role/drawbridge-abcdefgh", "/", "drawbridge-abcdefgh")]
#[case("arn:aws:iam::123456789012:role/team/ops/R+=,.@_-1", "/team/ops/", "R+=,.@_-1")]
#[case("arn:aws-cn:iam::123456789012:role/a", "/", "a")]
// IAM resolves no paths: this is the path that it looks like.
#[case("arn:aws:iam::123456789012:role/../a", "/../", "a")]
#[case("arn:aws:iam::123456789012:role/role/a", "/role/", "a")]
#[case("arn:aws:iam::123456789012:role/aws-service-role", "/", "aws-service-role")]
#[case("arn:aws-us-gov:iam::000000000000:role/a", "/", "a")]
fn roles_are_read(#[case] text: &str, #[case] path: &str, #[case] name: &str) {
    let arn: RoleArn = text.parse().unwrap();
    assert_eq!(arn.to_string(), text);
    assert_eq!((arn.path.as_str(), arn.name().as_str()), (path, name));
}

#[rstest]
#[case::empty("")]
#[case::blank(" ")]
#[case::blank_before(" arn:aws:iam::123456789012:role/a")]
#[case::newline_after("arn:aws:iam::123456789012:role/a\n")]
#[case::wildcard_name("arn:aws:iam::123456789012:role/*")]
#[case::wildcard_tail("arn:aws:iam::123456789012:role/a*")]
#[case::question_mark("arn:aws:iam::123456789012:role/a?")]
#[case::wildcard_path("arn:aws:iam::123456789012:role/*/a")]
#[case::wildcard_account("arn:aws:iam::*:role/a")]
#[case::wildcard_partition("arn:*:iam::123456789012:role/a")]
#[case::wildcard_alone("*")]
#[case::variable("arn:aws:iam::123456789012:role/${aws:username}")]
#[case::variable_path("arn:aws:iam::123456789012:role/${aws:username}/a")]
#[case::quote("arn:aws:iam::123456789012:role/a\"")]
#[case::json("arn:aws:iam::123456789012:role/a\",\"arn:aws:iam::1:role/b")]
#[case::two_arns("arn:aws:iam::123456789012:role/a,arn:aws:iam::123456789013:role/b:c")]
#[case::user("arn:aws:iam::123456789012:user/a")]
#[case::root("arn:aws:iam::123456789012:root")]
#[case::policy("arn:aws:iam::123456789012:policy/a")]
#[case::instance_profile("arn:aws:iam::123456789012:instance-profile/a")]
#[case::session("arn:aws:sts::123456789012:assumed-role/a/b")]
#[case::with_region("arn:aws:iam:us-east-1:123456789012:role/a")]
#[case::short_account("arn:aws:iam::12345678901:role/a")]
#[case::long_account("arn:aws:iam::1234567890123:role/a")]
#[case::no_account("arn:aws:iam:::role/a")]
#[case::aws_account("arn:aws:iam::aws:role/a")]
#[case::full_width_digits("arn:aws:iam::１２３４５６７８９０１２:role/a")]
#[case::unknown_partition("arn:aws-moon:iam::123456789012:role/a")]
#[case::upper_case("ARN:AWS:IAM::123456789012:ROLE/A")]
#[case::no_name("arn:aws:iam::123456789012:role/")]
#[case::no_slash("arn:aws:iam::123456789012:role")]
#[case::only_path("arn:aws:iam::123456789012:role/path/")]
#[case::double_slash("arn:aws:iam::123456789012:role//a")]
#[case::double_slash_inside("arn:aws:iam::123456789012:role/a//b")]
#[case::space_inside("arn:aws:iam::123456789012:role/a b")]
#[case::null_byte("arn:aws:iam::123456789012:role/a\0")]
#[case::homoglyph("arn:aws:iam::123456789012:role/аdmin")]
#[case::right_to_left("arn:aws:iam::123456789012:role/\u{202e}nimda")]
#[case::colon_in_name("arn:aws:iam::123456789012:role/a:b")]
#[case::percent("arn:aws:iam::123456789012:role/%2a")]
#[case::service_linked(
    "arn:aws:iam::123456789012:role/aws-service-role/ec2.amazonaws.com/AWSServiceRoleForEC2"
)]
#[case::identity_center(
    "arn:aws:iam::123456789012:role/aws-reserved/sso.amazonaws.com/AWSReservedSSO_Admin_0123"
)]
#[case::blank_after("arn:aws:iam::123456789012:role/a ")]
#[case::carriage_return("arn:aws:iam::123456789012:role/a\r\n")]
#[case::tab("arn:aws:iam::123456789012:role/a\tb")]
#[case::byte_order_mark("\u{feff}arn:aws:iam::123456789012:role/a")]
#[case::zero_width_space("arn:aws:iam::123456789012:role/a\u{200b}")]
#[case::combining_accent("arn:aws:iam::123456789012:role/a\u{301}")]
#[case::full_width_asterisk("arn:aws:iam::123456789012:role/\u{ff0a}")]
#[case::slash_look_alike("arn:aws:iam::123456789012:role/a\u{2215}b")]
#[case::colon_look_alike("arn:aws:iam\u{a789}:123456789012:role/a")]
#[case::escaped_asterisk("arn:aws:iam::123456789012:role/\\u002a")]
#[case::variable_of_an_asterisk("arn:aws:iam::123456789012:role/${*}")]
#[case::variable_account("arn:aws:iam::${aws:PrincipalAccount}:role/a")]
#[case::question_marks_as_account("arn:aws:iam::????????????:role/a")]
#[case::backslash("arn:aws:iam::123456789012:role/a\\")]
#[case::apostrophe("arn:aws:iam::123456789012:role/a'")]
#[case::markup("arn:aws:iam::123456789012:role/<script>")]
#[case::shell("arn:aws:iam::123456789012:role/$(id)")]
#[case::list("[\"arn:aws:iam::123456789012:role/a\"]")]
#[case::quoted("\"arn:aws:iam::123456789012:role/a\"")]
#[case::signed_account("arn:aws:iam::+12345678901:role/a")]
#[case::account_with_dashes("arn:aws:iam::1234-5678-9012:role/a")]
#[case::arabic_digits("arn:aws:iam::١٢٣٤٥٦٧٨٩٠١٢:role/a")]
#[case::isolated_partition("arn:aws-iso:iam::123456789012:role/a")]
#[case::no_partition("arn::iam::123456789012:role/a")]
#[case::another_service("arn:aws:lambda:eu-central-1:123456789012:function:a")]
#[case::upper_case_service("arn:aws:IAM::123456789012:role/a")]
#[case::group("arn:aws:iam::123456789012:group/a")]
#[case::saml_provider("arn:aws:iam::123456789012:saml-provider/a")]
#[case::mfa_device("arn:aws:iam::123456789012:mfa/a")]
#[case::role_of_other_case("arn:aws:iam::123456789012:Role/a")]
#[case::colon_for_a_slash("arn:aws:iam::123456789012:role:a")]
#[case::name_alone("drawbridge-abcdefgh")]
#[case::path_and_name("role/drawbridge-abcdefgh")]
#[case::account_alone("123456789012")]
#[case::unique_id("AROAJQABLZS4A3QDU576Q")]
#[case::of_the_console(
    "https://us-east-1.console.aws.amazon.com/iam/home#/roles/details/drawbridge-abcdefgh"
)]
#[case::trust_policy(r#"{"Version":"2012-10-17","Statement":[]}"#)]
#[case::no_colons("arn/aws/iam//123456789012/role/a")]
#[case::ends_early("arn:aws:iam::123456789012")]
#[case::wildcard_in_a_long_path("arn:aws:iam::123456789012:role/a/b/c/*d/e")]
#[case::long_name(
    "arn:aws:iam::123456789012:role/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
)]
fn hostile_and_mistaken_arns_are_refused(#[case] text: &str) {
    let error = text.parse::<RoleArn>().unwrap_err();
    assert_eq!((error.kind, error.code), (ErrorKind::Malformed, "invalid_role_arn"));
}

/// Sound ARNs that this connection cannot have. It is for account 222222222222, in an installation
/// in account 111111111111 of the partition `aws`, and its role is to be named `expected`.
#[rstest]
#[case::china("aws-cn", "222222222222", "expected", "role_partition_unsupported")]
#[case::gov_cloud("aws-us-gov", "222222222222", "expected", "role_partition_unsupported")]
// The same digits are another account in another partition.
#[case::china_and_our_digits("aws-cn", "111111111111", "expected", "role_partition_unsupported")]
#[case::our_own("aws", "111111111111", "expected", "role_in_provider_account")]
#[case::our_own_broker("aws", "111111111111", "drawbridge/broker-1", "role_in_provider_account")]
#[case::another_account("aws", "333333333333", "expected", "account_id_mismatch")]
#[case::zeros("aws", "000000000000", "expected", "account_id_mismatch")]
#[case::digits_changed_places("aws", "222222222212", "expected", "account_id_mismatch")]
#[case::another_name("aws", "222222222222", "other", "role_name_mismatch")]
#[case::another_case("aws", "222222222222", "Expected", "role_name_mismatch")]
#[case::longer("aws", "222222222222", "expected-2", "role_name_mismatch")]
#[case::shorter("aws", "222222222222", "expecte", "role_name_mismatch")]
// The path is no part of the name.
#[case::name_as_path("aws", "222222222222", "expected/other", "role_name_mismatch")]
fn sound_arns_of_other_roles_are_refused(
    #[case] partition: &str,
    #[case] account: &str,
    #[case] role: &str,
    #[case] code: &str,
) {
    let mut connection = created().connection;
    connection.account_id = Some("222222222222".parse().unwrap());
    connection.announced_role_name = Some("expected".parse().unwrap());
    let occasion = Occasion { actor: Actor::Customer, ..occasion() };
    let submit = |text: String| {
        connection.submit_role(text.parse().unwrap(), &deployment(), start(), occasion.clone())
    };
    let error = submit(format!("arn:{partition}:iam::{account}:role/{role}")).map(|_| ()).unwrap_err();
    // Source: README, "A submission can also be refused at once".
    let kind = if code == "role_partition_unsupported" { ErrorKind::Malformed } else { ErrorKind::Refused };
    assert_eq!((error.kind, error.code), (kind, code));
    assert_eq!((error.fields.len(), error.fields[0].pointer.as_str()), (1, "/role_arn"));
    assert!(submit("arn:aws:iam::222222222222:role/expected".to_owned()).unwrap().is_some());
    assert!(submit("arn:aws:iam::222222222222:role/team/expected".to_owned()).unwrap().is_some());
}

#[test]
fn a_path_has_a_longest_length() {
    let arn = |length: usize| {
        format!("arn:aws:iam::123456789012:role/{}/n", "p".repeat(length - 2)).parse::<RoleArn>()
    };
    assert!(arn(MAX_ROLE_PATH).is_ok());
    assert!(arn(MAX_ROLE_PATH + 1).is_err());
}

/// The ARN of a role, as IAM gives them out.
fn sound() -> impl Strategy<Value = String> {
    "arn:(aws|aws-cn|aws-us-gov):iam::[0-9]{12}:role/([a-zA-Z0-9+=,.@_-]{1,9}/){0,3}[a-zA-Z0-9+=,.@_-]{1,64}"
}

/// What could mean more than one role in a policy, or end the string that it stands in.
fn fragment() -> impl Strategy<Value = String> {
    let hostile = [
        "*",
        "?",
        "${",
        "}",
        "${*}",
        "${aws:username}",
        "\"",
        "\",\"",
        "\"]",
        "\\",
        "\\u002a",
        "\0",
        "\n",
        " ",
        ",",
        ":",
        "/",
        "//",
        "..",
        "%2a",
        "\u{ff0a}",
        "\u{202e}",
        "arn:aws:iam::123456789012:role/b",
        "ä",
    ];
    prop_oneof![prop::sample::select(hostile.to_vec()).prop_map(str::to_owned), "[!-~]{1,3}",]
}

/// An ARN with something put in or in place of a part of it, or none at all.
fn arns_and_others() -> impl Strategy<Value = String> {
    let any_place = any::<prop::sample::Index>;
    let changed = (sound(), fragment(), any_place(), any_place()).prop_map(|(text, fragment, from, to)| {
        let (from, to) = (from.index(text.len()), to.index(text.len()));
        format!("{}{fragment}{}", &text[..from], &text[to.max(from)..])
    });
    prop_oneof![2 => sound(), 6 => changed, 1 => "\\PC{0,80}"]
}

proptest! {
    #[test]
    fn whatever_is_accepted_is_one_role(text in "arn:aws:iam::123456789012:role/[ -~]{1,80}") {
        if let Ok(arn) = text.parse::<RoleArn>() {
            prop_assert_eq!(arn.to_string(), text.clone());
            prop_assert!(!text.contains(['*', '?', '$', '"', '\\', ' ']));
            // Nothing in it is escaped in JSON, so its length in a policy is its own.
            prop_assert_eq!(serde_json::to_string(&arn)?.len(), text.len() + 2);
        }
    }

    #[test]
    fn what_iam_gives_out_is_accepted(text in sound()) {
        prop_assert!(text.parse::<RoleArn>().is_ok());
    }

    #[test]
    fn a_grant_names_what_was_submitted_and_nothing_else(
        texts in prop::collection::vec(arns_and_others(), 1..6),
    ) {
        let roles: BTreeSet<RoleArn> = texts.iter().filter_map(|text| text.parse().ok()).collect();
        let submitted: BTreeSet<&String> =
            texts.iter().filter(|text| text.parse::<RoleArn>().is_ok()).collect();
        for text in &submitted {
            // One string of one role: nothing in it stands for another, and nothing ends it.
            prop_assert!(text.bytes().all(|byte| in_name_alphabet(byte) || b":/".contains(&byte)));
            prop_assert_eq!(text.split(':').count(), 6);
        }
        prop_assert_eq!(roles.len(), submitted.len());
        let Some(policy) = grant_policy(&roles) else { return Ok(()) };
        let document: serde_json::Value = serde_json::from_str(&policy.to_json())?;
        let resource = document["Statement"][0]["Resource"].clone();
        let named: BTreeSet<&str> = match &resource {
            serde_json::Value::Array(all) => all.iter().filter_map(serde_json::Value::as_str).collect(),
            one => one.as_str().into_iter().collect(),
        };
        prop_assert_eq!(named, submitted.iter().map(|text| text.as_str()).collect());
        let statement = json!({"Effect": "Allow", "Action": "sts:AssumeRole", "Resource": resource});
        prop_assert_eq!(document, json!({"Version": "2012-10-17", "Statement": [statement]}));
    }

    #[test]
    fn no_text_breaks_the_parser(text in "\\PC{0,120}") {
        if let Ok(arn) = text.parse::<RoleArn>() {
            prop_assert_eq!(arn.to_string(), text);
        }
    }

    #[test]
    fn ready_made_names_are_role_names(random: [u8; 8]) {
        let name = RoleName::ready_made(random);
        prop_assert_eq!(name.as_str().len(), RoleName::READY_MADE_PREFIX.len() + 8);
        prop_assert_eq!(name.as_str().parse::<RoleName>()?, name);
    }
}

#[test]
fn a_user_is_told_from_what_is_none() {
    for arn in ["arn:aws:iam::123456789012:user/ops", "arn:aws-cn:iam::123456789012:user/a/b+=,.@_-/c"] {
        let user: UserArn = arn.parse().unwrap();
        assert_eq!((user.to_string().as_str(), user.account().as_str()), (arn, "123456789012"));
    }
    for wrong in [
        "",
        "ops",
        "arn:aws:iam::123456789012:role/ops",
        "arn:aws:iam::123456789012:root",
        "arn:aws:iam::123456789012:user/",
        "arn:aws:iam::123456789012:user/*",
        "arn:aws:iam::123456789012:user//ops",
        "arn:aws:iam::123456789012:user/a//ops",
        "arn:aws:iam::12345678901:user/ops",
        "arn:aws-iso:iam::123456789012:user/ops",
        "arn:aws:iam::123456789012:user/${aws:username}",
    ] {
        assert_eq!(wrong.parse::<UserArn>().unwrap_err().code, "invalid_user_arn", "{wrong}");
    }
}
