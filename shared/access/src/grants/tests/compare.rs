//! What reconciliation asks of IAM: the document in force, and what is attached where.

use super::*;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

/// What RFC 3986 does not reserve stays as it is. Source: IAM API Reference, `GetPolicyVersion`:
/// "The policy document returned in this structure is URL-encoded compliant with RFC 3986".
const RFC_3986: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// A policy whose version in force has this name.
fn policy(default_version: &str) -> Reply {
    Reply::ok(
        "policy",
        format!(
            "<GetPolicyResponse><GetPolicyResult><Policy><PolicyName>grant-27</PolicyName>\
             <DefaultVersionId>{default_version}</DefaultVersionId></Policy></GetPolicyResult></GetPolicyResponse>"
        ),
    )
}

/// A version with this document, as IAM encodes it.
fn version(document: &str) -> Reply {
    Reply::ok(
        "version",
        format!(
            "<GetPolicyVersionResponse><GetPolicyVersionResult><PolicyVersion><Document>{}</Document>\
             <VersionId>v7</VersionId></PolicyVersion></GetPolicyVersionResult></GetPolicyVersionResponse>",
            utf8_percent_encode(document, RFC_3986)
        ),
    )
}

async fn compared(document: &str, roles: &BTreeSet<RoleArn>) -> Compared {
    let (wire, grants) = iam(vec![("GetPolicy", policy("v7")), ("GetPolicyVersion", version(document))]);
    let compared = grants.compare(shard(), roles).await.unwrap();
    let calls = wire.calls();
    assert!(calls.iter().all(|call| call.field("PolicyArn") == Some(GRANT)));
    // The one in force, and not the one written last.
    assert_eq!(calls[1].field("VersionId"), Some("v7"));
    compared
}

#[tokio::test]
async fn a_policy_that_names_exactly_its_roles_is_the_same() {
    assert_eq!(compared(DOCUMENT, &roles()).await, Compared::Same);
    // White space is nothing that IAM goes by.
    let value: serde_json::Value = serde_json::from_str(DOCUMENT).unwrap();
    let spaced = serde_json::to_string_pretty(&value).unwrap();
    assert_ne!(spaced, DOCUMENT);
    assert_eq!(compared(&spaced, &roles()).await, Compared::Same);
}

#[rstest]
#[case::a_role_more(&DOCUMENT.replace("[\"arn", "[\"arn:aws:iam::444444444444:role/x\",\"arn"))]
#[case::a_role_less(&DOCUMENT.replace("\"arn:aws:iam::222222222222:role/one\",", ""))]
#[case::another_role(&DOCUMENT.replace("role/one", "role/two"))]
#[case::every_role(&DOCUMENT.replace("role/one", "role/*"))]
#[case::another_action(&DOCUMENT.replace("sts:AssumeRole", "sts:*"))]
#[case::denied(&DOCUMENT.replace("Allow", "Deny"))]
#[case::another_statement(&DOCUMENT.replace("}]}", "},{\"Effect\":\"Allow\",\"Action\":\"*\",\"Resource\":\"*\"}]}"))]
#[case::a_condition(&DOCUMENT.replace("]}]}", "],\"Condition\":{\"Null\":{\"sts:ExternalId\":\"false\"}}}]}"))]
#[case::the_older_language(&DOCUMENT.replace("2012-10-17", "2008-10-17"))]
#[case::no_json("not JSON")]
#[case::nothing("")]
#[tokio::test]
async fn a_policy_that_says_anything_else_differs(#[case] document: &str) {
    assert_ne!(document, DOCUMENT, "the case changes something");
    assert_eq!(compared(document, &roles()).await, Compared::Differs);
}

#[tokio::test]
async fn a_policy_of_an_empty_shard_differs() {
    assert_eq!(compared(DOCUMENT, &BTreeSet::new()).await, Compared::Differs);
}

#[rstest]
#[case::no_policy(vec![("GetPolicy", error("NoSuchEntity"))])]
#[case::a_version_that_has_just_gone(vec![
    ("GetPolicy", policy("v7")),
    ("GetPolicyVersion", error("NoSuchEntity")),
])]
#[case::none_in_force(vec![(
    "GetPolicy",
    Reply::ok("policy", "<GetPolicyResponse><GetPolicyResult><Policy/></GetPolicyResult></GetPolicyResponse>"),
)])]
#[tokio::test]
async fn a_policy_that_is_not_there_is_missing(
    #[case] script: Vec<(&'static str, Reply)>,
    #[values(roles(), BTreeSet::new())] roles: BTreeSet<RoleArn>,
) {
    let asked = script.len();
    let (wire, grants) = iam(script);
    assert_eq!(grants.compare(shard(), &roles).await.unwrap(), Compared::Missing);
    assert_eq!(wire.calls().len(), asked);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Names may hold what URL encoding must not change, such as `+`.
    #[test]
    fn what_was_published_compares_as_the_same(
        roles in prop::collection::btree_set(any_role(), 1..20),
        other in any_role(),
    ) {
        let document = policy::grant_policy(&roles).unwrap().to_json();
        let rt = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        prop_assert_eq!(rt.block_on(compared(&document, &roles)), Compared::Same);
        prop_assume!(!roles.contains(&other));
        let more: BTreeSet<_> = roles.into_iter().chain([other]).collect();
        prop_assert_eq!(rt.block_on(compared(&document, &more)), Compared::Differs);
    }
}

/// A page of what is attached to a broker. Source: IAM API Reference, `ListAttachedRolePolicies`.
fn attached(names: &[&str], marker: Option<&str>) -> Reply {
    let members: Vec<String> =
        names.iter().map(|name| format!("<member><PolicyName>{name}</PolicyName></member>")).collect();
    let marker = marker.map_or("<IsTruncated>false</IsTruncated>".to_owned(), |marker| {
        format!("<IsTruncated>true</IsTruncated><Marker>{marker}</Marker>")
    });
    Reply::ok(
        "attached",
        format!(
            "<ListAttachedRolePoliciesResponse><ListAttachedRolePoliciesResult><AttachedPolicies>{}\
             </AttachedPolicies>{marker}</ListAttachedRolePoliciesResult></ListAttachedRolePoliciesResponse>",
            members.concat()
        ),
    )
}

#[tokio::test]
async fn all_that_is_attached_is_listed_page_by_page() {
    let (wire, grants) = iam(vec![
        ("ListAttachedRolePolicies", attached(&["grant-26", "grant-27"], Some("from-here"))),
        // IAM may give an empty page and go on. Source: IAM API Reference, `ListAttachedRolePolicies`.
        ("ListAttachedRolePolicies", attached(&[], Some("and-here"))),
        ("ListAttachedRolePolicies", attached(&["somebody-elses"], None)),
    ]);
    assert_eq!(grants.attached(2).await.unwrap(), ["grant-26", "grant-27", "somebody-elses"]);
    let calls = wire.calls();
    assert!(calls.iter().all(|call| call.field("RoleName") == Some("broker-2")));
    let markers: Vec<_> = calls.iter().map(|call| call.field("Marker")).collect();
    assert_eq!(markers, [None, Some("from-here"), Some("and-here")]);
}

#[tokio::test]
async fn a_list_that_breaks_off_is_no_list() {
    // Half of it would make what is attached look as if it were not.
    let (_, grants) = iam(vec![
        ("ListAttachedRolePolicies", attached(&["grant-26"], Some("from-here"))),
        ("ListAttachedRolePolicies", error("Throttling")),
    ]);
    assert_eq!(grants.attached(2).await.unwrap_err().kind, ErrorKind::Unavailable);
}

#[rstest]
#[case::attached(done())]
#[case::detached_already(error("NoSuchEntity"))]
#[tokio::test]
async fn a_policy_is_detached_from_the_broker_that_is_named(#[case] reply: Reply) {
    let (wire, grants) = iam(vec![("DetachRolePolicy", reply)]);
    // Shard 27 belongs to the second one.
    grants.detach(shard(), 1).await.unwrap();
    let calls = wire.calls();
    assert_eq!(calls[0].field("RoleName"), Some("broker-1"));
    assert_eq!(calls[0].field("PolicyArn"), Some(GRANT));
}

#[rstest]
#[case::our_own_rights(error("AccessDenied"), ErrorKind::Internal)]
#[case::our_own_request(error("InvalidInput"), ErrorKind::Internal)]
#[case::throttled(error("Throttling"), ErrorKind::Unavailable)]
#[case::fault(error("ServiceFailure"), ErrorKind::Unavailable)]
#[case::fault_in_the_common_form(error("InternalFailure"), ErrorKind::Unavailable)]
#[case::too_slow(Reply::Timeout, ErrorKind::Unavailable)]
#[case::no_network(Reply::Unreachable, ErrorKind::Unavailable)]
#[tokio::test]
async fn what_cannot_be_seen_is_not_taken_for_missing(
    #[case] reply: Reply,
    #[case] kind: ErrorKind,
    #[values("GetPolicy", "GetPolicyVersion", "ListAttachedRolePolicies", "DetachRolePolicy")]
    failing: &'static str,
) {
    let wire = Wire::new(move |call| match call.action() {
        action if action == failing => reply.clone(),
        _ => policy("v7"),
    });
    let grants = grants_over(&wire);
    let failure = match failing {
        "ListAttachedRolePolicies" => grants.attached(2).await.unwrap_err(),
        "DetachRolePolicy" => grants.detach(shard(), 2).await.unwrap_err(),
        _ => grants.compare(shard(), &roles()).await.unwrap_err(),
    };
    assert_eq!(failure.kind, kind, "{failing}: {}", failure.chain());
    assert_eq!(actions(&wire).last().unwrap(), failing);
}

#[tokio::test]
async fn a_broker_that_is_not_there_has_no_list() {
    // The stack makes the brokers, so one that is missing is not one without grants.
    let (_, grants) = iam(vec![("ListAttachedRolePolicies", error("NoSuchEntity"))]);
    assert_eq!(grants.attached(2).await.unwrap_err().kind, ErrorKind::Unavailable);
}
