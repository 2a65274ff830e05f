//! Error codes are those of the IAM API Reference, on the pages of the actions themselves.

mod compare;

use super::*;
use crate::wire::{Call, Reply, Wire};
use domain::ErrorKind;
use proptest::prelude::*;
use rstest::rstest;
use std::collections::VecDeque;
use std::sync::Mutex;

const GRANT: &str = "arn:aws:iam::111111111111:policy/drawbridge/grant-27";

/// Of the second broker, so that a number mistaken for another shows.
fn shard() -> Shard {
    Shard::new(27).unwrap()
}

fn roles() -> BTreeSet<RoleArn> {
    ["arn:aws:iam::222222222222:role/one", "arn:aws:iam::333333333333:role/path/two"]
        .map(|arn| arn.parse().unwrap())
        .into()
}

const DOCUMENT: &str = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"sts:AssumeRole","Resource":["arn:aws:iam::222222222222:role/one","arn:aws:iam::333333333333:role/path/two"]}]}"#;

/// IAM that expects these actions in this order, answers each, and accepts no other.
fn iam(script: Vec<(&'static str, Reply)>) -> (Wire, Grants) {
    let script = Mutex::new(VecDeque::from(script));
    let wire = Wire::new(move |call| {
        let next = script.lock().unwrap().pop_front();
        let (action, reply) = next.unwrap_or_else(|| panic!("{} was not expected", call.action()));
        assert_eq!(call.action(), action, "another action was expected");
        reply
    });
    let grants = grants_over(&wire);
    (wire, grants)
}

fn grants_over(wire: &Wire) -> Grants {
    let deployment = Deployment {
        partition: domain::Partition::Aws,
        provider: "111111111111".parse().unwrap(),
        region: "eu-central-1".parse().unwrap(),
        customer_template_url: None,
    };
    Grants::new(&wire.config(), deployment)
}

fn done() -> Reply {
    Reply::ok("done", "<Response/>")
}

fn error(code: &str) -> Reply {
    // Source of the statuses: IAM API Reference, the errors of each action.
    let status = match code {
        "AccessDenied" => 403,
        "NoSuchEntity" => 404,
        "EntityAlreadyExists" | "LimitExceeded" | "ConcurrentModification" | "DeleteConflict" => 409,
        "ServiceFailure" | "InternalFailure" => 500,
        "ServiceUnavailable" => 503,
        _ => 400,
    };
    Reply::error(status, code, "a message that nothing goes by")
}

fn made() -> Reply {
    Reply::ok("made", "<CreatePolicyResponse><CreatePolicyResult/></CreatePolicyResponse>")
}

fn written() -> Reply {
    Reply::ok(
        "written",
        "<CreatePolicyVersionResponse><CreatePolicyVersionResult/></CreatePolicyVersionResponse>",
    )
}

/// The versions of a policy, the one in force marked by a star.
fn versions(ids: &[&str]) -> Reply {
    let members: Vec<String> = ids
        .iter()
        .map(|id| {
            let (id, default) = (id.trim_end_matches('*'), id.ends_with('*'));
            format!(
                "<member><VersionId>{id}</VersionId><IsDefaultVersion>{default}</IsDefaultVersion></member>"
            )
        })
        .collect();
    let members = members.concat();
    Reply::ok(
        "listed",
        format!(
            "<ListPolicyVersionsResponse><ListPolicyVersionsResult><IsTruncated>false</IsTruncated>\
             <Versions>{members}</Versions></ListPolicyVersionsResult></ListPolicyVersionsResponse>"
        ),
    )
}

fn actions(wire: &Wire) -> Vec<String> {
    wire.calls().iter().map(|call| call.action().to_owned()).collect()
}

fn deleted(wire: &Wire) -> Vec<String> {
    let calls = wire.calls();
    let deletions = calls.iter().filter(|call| call.action() == "DeletePolicyVersion");
    deletions.map(|call| call.field("VersionId").unwrap().to_owned()).collect()
}

fn assert_attached(call: &Call) {
    assert_eq!(call.action(), "AttachRolePolicy");
    assert_eq!(call.field("RoleName"), Some("broker-2"));
    assert_eq!(call.field("PolicyArn"), Some(GRANT));
}

#[tokio::test]
async fn the_first_publication_makes_the_policy_and_attaches_it() {
    let (wire, grants) = iam(vec![
        ("CreatePolicyVersion", error("NoSuchEntity")),
        ("CreatePolicy", made()),
        ("AttachRolePolicy", done()),
    ]);
    grants.publish(shard(), &roles()).await.unwrap();

    let calls = wire.calls();
    assert_eq!(calls.len(), 3);
    assert_eq!(calls[1].field("Path"), Some("/drawbridge/"));
    assert_eq!(calls[1].field("PolicyName"), Some("grant-27"));
    assert_eq!(calls[1].field("PolicyDocument"), Some(DOCUMENT));
    assert_attached(&calls[2]);
}

#[tokio::test]
async fn a_later_publication_puts_a_new_version_in_force() {
    let (wire, grants) = iam(vec![("CreatePolicyVersion", written()), ("AttachRolePolicy", done())]);
    grants.publish(shard(), &roles()).await.unwrap();

    let calls = wire.calls();
    assert_eq!(calls.len(), 2);
    assert_eq!(calls[0].field("PolicyArn"), Some(GRANT));
    assert_eq!(calls[0].field("PolicyDocument"), Some(DOCUMENT));
    // Without it the version would be kept, and the old one stay in force.
    assert_eq!(calls[0].field("SetAsDefault"), Some("true"));
    assert_attached(&calls[1]);
}

// Source: IAM User Guide, "Versioning IAM policies": five at most, and the one in force cannot be
// deleted.
#[rstest]
#[case::the_tenth_is_younger_than_the_ninth(&["v10", "v12", "v11*", "v9", "v8"], &["v8"])]
#[case::by_number_and_not_by_letter(&["v13*", "v12", "v11", "v10", "v9"], &["v9"])]
#[case::never_the_one_in_force(&["v1*", "v2", "v3", "v4", "v5"], &["v2"])]
#[case::as_many_as_make_room(&["v1", "v2", "v3*", "v4", "v5", "v6"], &["v1", "v2"])]
#[tokio::test]
async fn the_oldest_versions_make_room(#[case] present: &[&str], #[case] expected: &[&str]) {
    let mut script =
        vec![("CreatePolicyVersion", error("LimitExceeded")), ("ListPolicyVersions", versions(present))];
    script.extend(expected.iter().map(|_| ("DeletePolicyVersion", done())));
    script.extend([("CreatePolicyVersion", written()), ("AttachRolePolicy", done())]);
    let (wire, grants) = iam(script);
    grants.publish(shard(), &roles()).await.unwrap();

    assert_eq!(deleted(&wire), expected);
    let calls = wire.calls();
    assert_eq!(calls.len(), 5 + expected.len() - 1);
    assert_eq!(calls[calls.len() - 2].field("PolicyDocument"), Some(DOCUMENT));
    assert_attached(calls.last().unwrap());
}

#[rstest]
#[case::deleted_by_somebody_else("NoSuchEntity")]
#[case::put_in_force_by_somebody_else("DeleteConflict")]
#[tokio::test]
async fn room_may_have_been_made_by_somebody_else(#[case] code: &str) {
    let (_, grants) = iam(vec![
        ("CreatePolicyVersion", error("LimitExceeded")),
        ("ListPolicyVersions", versions(&["v1", "v2", "v3", "v4", "v5*"])),
        ("DeletePolicyVersion", error(code)),
        ("CreatePolicyVersion", written()),
        ("AttachRolePolicy", done()),
    ]);
    grants.publish(shard(), &roles()).await.unwrap();
}

#[tokio::test]
async fn a_policy_that_somebody_else_made_first_gets_a_version() {
    let (wire, grants) = iam(vec![
        ("CreatePolicyVersion", error("NoSuchEntity")),
        ("CreatePolicy", error("EntityAlreadyExists")),
        ("CreatePolicyVersion", written()),
        ("AttachRolePolicy", done()),
    ]);
    grants.publish(shard(), &roles()).await.unwrap();
    assert_eq!(wire.calls()[2].field("PolicyDocument"), Some(DOCUMENT));
}

#[tokio::test]
async fn a_write_at_the_same_time_as_another_is_made_again() {
    let (wire, grants) = iam(vec![
        ("CreatePolicyVersion", error("ConcurrentModification")),
        ("CreatePolicyVersion", error("ConcurrentModification")),
        ("CreatePolicyVersion", written()),
        ("AttachRolePolicy", done()),
    ]);
    grants.publish(shard(), &roles()).await.unwrap();
    assert_eq!(wire.calls().len(), 4);
}

#[tokio::test]
async fn writing_again_has_an_end() {
    let wire = Wire::new(|_| error("ConcurrentModification"));
    let failure = grants_over(&wire).publish(shard(), &roles()).await.unwrap_err();
    assert_eq!(failure.kind, ErrorKind::Unavailable);
    // What was never written is not attached either.
    assert_eq!(actions(&wire), ["CreatePolicyVersion"; ATTEMPTS]);
}

#[rstest]
#[case::all_of_it_there(done(), done(), done())]
#[case::never_attached(error("NoSuchEntity"), done(), done())]
#[case::versions_gone(done(), error("NoSuchEntity"), done())]
#[case::gone_already(error("NoSuchEntity"), error("NoSuchEntity"), error("NoSuchEntity"))]
#[tokio::test]
async fn an_empty_shard_is_detached_and_deleted(
    #[case] detached: Reply,
    #[case] version_deleted: Reply,
    #[case] policy_deleted: Reply,
) {
    let (wire, grants) = iam(vec![
        ("DetachRolePolicy", detached),
        ("ListPolicyVersions", versions(&["v3*", "v2", "v1"])),
        ("DeletePolicyVersion", version_deleted.clone()),
        ("DeletePolicyVersion", version_deleted),
        ("DeletePolicy", policy_deleted),
    ]);
    grants.publish(shard(), &BTreeSet::new()).await.unwrap();

    let calls = wire.calls();
    assert_eq!(calls.len(), 5);
    assert_eq!(calls[0].field("RoleName"), Some("broker-2"));
    assert!(calls.iter().all(|call| call.field("PolicyArn") == Some(GRANT)));
    // DeletePolicy deletes the version in force itself, and only once the others are gone.
    // Source: IAM API Reference, `DeletePolicy`.
    assert_eq!(deleted(&wire), ["v2", "v1"]);
}

#[tokio::test]
async fn a_policy_that_never_was_is_gone() {
    let (_, grants) = iam(vec![
        ("DetachRolePolicy", error("NoSuchEntity")),
        ("ListPolicyVersions", error("NoSuchEntity")),
        ("DeletePolicy", error("NoSuchEntity")),
    ]);
    grants.publish(shard(), &BTreeSet::new()).await.unwrap();
}

// Source: IAM API Reference, "Common errors", and the errors of CreatePolicyVersion and
// AttachRolePolicy. What the function may not do will not pass by waiting; the rest may.
#[rstest]
#[case::our_own_rights(error("AccessDenied"), ErrorKind::Internal)]
#[case::our_own_document(error("MalformedPolicyDocument"), ErrorKind::Internal)]
#[case::not_attachable(error("PolicyNotAttachable"), ErrorKind::Internal)]
#[case::throttled(error("Throttling"), ErrorKind::Unavailable)]
#[case::throttled_otherwise(error("ThrottlingException"), ErrorKind::Unavailable)]
#[case::fault(error("ServiceFailure"), ErrorKind::Unavailable)]
#[case::fault_in_the_common_form(error("InternalFailure"), ErrorKind::Unavailable)]
#[case::down(error("ServiceUnavailable"), ErrorKind::Unavailable)]
#[case::too_slow(Reply::Timeout, ErrorKind::Unavailable)]
#[case::no_network(Reply::Unreachable, ErrorKind::Unavailable)]
#[tokio::test]
async fn failures_are_told_apart(
    #[case] reply: Reply,
    #[case] kind: ErrorKind,
    #[values("CreatePolicyVersion", "CreatePolicy", "AttachRolePolicy", "DetachRolePolicy", "DeletePolicy")]
    failing: &'static str,
) {
    let wire = Wire::new(move |call| match call.action() {
        action if action == failing => reply.clone(),
        // So that CreatePolicy has its turn.
        "CreatePolicyVersion" if failing == "CreatePolicy" => error("NoSuchEntity"),
        "CreatePolicyVersion" => written(),
        "CreatePolicy" => made(),
        "ListPolicyVersions" => versions(&["v1*"]),
        _ => done(),
    });
    let roles = if failing.starts_with("De") { BTreeSet::new() } else { roles() };
    let failure = grants_over(&wire).publish(shard(), &roles).await.unwrap_err();
    assert_eq!(failure.kind, kind, "{failing}: {}", failure.chain());
    // It ends there: nothing that follows from it is done.
    assert_eq!(actions(&wire).last().unwrap(), failing);
}

// Source: IAM API Reference, `CreatePolicy` and `AttachRolePolicy`: LimitExceeded, which of a new
// version means that five are kept, and here that a quota of the account or of the role is used up.
#[rstest]
#[case::policies_of_the_account(vec![
    ("CreatePolicyVersion", error("NoSuchEntity")),
    ("CreatePolicy", error("LimitExceeded")),
])]
#[case::policies_on_a_role(vec![
    ("CreatePolicyVersion", written()),
    ("AttachRolePolicy", error("LimitExceeded")),
])]
#[tokio::test]
async fn a_quota_that_is_used_up_is_told_as_such(#[case] script: Vec<(&'static str, Reply)>) {
    let expected: Vec<_> = script.iter().map(|(action, _)| *action).collect();
    let (wire, grants) = iam(script);
    let failure = grants.publish(shard(), &roles()).await.unwrap_err();
    assert_eq!((failure.kind, failure.code), (ErrorKind::Unavailable, "grant_quota_exceeded"));
    assert!(failure.chain().contains("LimitExceeded"), "{}", failure.chain());
    // Deleting versions would not help, so none is deleted.
    assert_eq!(actions(&wire), expected);
}

#[tokio::test]
async fn versions_that_cannot_be_made_room_for_are_no_quota() {
    let wire = Wire::new(|call| match call.action() {
        "ListPolicyVersions" => versions(&["v1*"]),
        _ => error("LimitExceeded"),
    });
    let failure = grants_over(&wire).publish(shard(), &roles()).await.unwrap_err();
    assert_eq!((failure.kind, failure.code), (ErrorKind::Unavailable, "dependency_unavailable"));
    assert_eq!(actions(&wire), [["CreatePolicyVersion", "ListPolicyVersions"]; ATTEMPTS].concat());
}

#[tokio::test]
async fn a_policy_that_iam_does_not_see_yet_is_attached_later() {
    // Source: IAM User Guide, "Changes that I make are not always immediately visible".
    let (_, grants) =
        iam(vec![("CreatePolicyVersion", written()), ("AttachRolePolicy", error("NoSuchEntity"))]);
    let failure = grants.publish(shard(), &roles()).await.unwrap_err();
    assert_eq!(failure.kind, ErrorKind::Unavailable);
}

fn any_role() -> impl Strategy<Value = RoleArn> {
    let arn = "arn:(aws|aws-cn|aws-us-gov):iam::[0-9]{12}:role/([a-zA-Z0-9+=,.@_-]{1,20}/){0,2}[a-zA-Z0-9+=,.@_-]{1,64}";
    arn.prop_filter_map("a role that AWS manages", |text: String| text.parse().ok())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// A refusal of the absent and the made-up external ID must be able to come only from the
    /// customer's trust policy, and a broker may assume what is named and nothing else.
    #[test]
    fn what_is_published_names_the_roles_and_no_condition(
        roles in prop::collection::btree_set(any_role(), 1..20),
        exists: bool,
    ) {
        let wire = Wire::new(move |call| match call.action() {
            "CreatePolicyVersion" if !exists => error("NoSuchEntity"),
            "CreatePolicyVersion" => written(),
            "CreatePolicy" => made(),
            _ => done(),
        });
        let grants = grants_over(&wire);
        let rt = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        rt.block_on(grants.publish(shard(), &roles)).unwrap();

        let calls = wire.calls();
        let documents: Vec<_> = calls.iter().filter_map(|call| call.field("PolicyDocument")).collect();
        prop_assert_eq!(documents.len(), if exists { 1 } else { 2 });
        for document in documents {
            prop_assert!(!document.to_lowercase().contains("externalid"));
            prop_assert!(!document.contains(['*', '?', '$']));
            let document: serde_json::Value = serde_json::from_str(document)?;
            let statements = document["Statement"].as_array().unwrap();
            prop_assert_eq!(statements.len(), 1);
            let statement = statements[0].as_object().unwrap();
            let keys: BTreeSet<_> = statement.keys().map(String::as_str).collect();
            prop_assert_eq!(keys, ["Action", "Effect", "Resource"].into());
            prop_assert_eq!(&statement["Action"], "sts:AssumeRole");
            let named: BTreeSet<String> = match &statement["Resource"] {
                serde_json::Value::String(one) => [one.clone()].into(),
                many => many.as_array().unwrap().iter().map(|arn| arn.as_str().unwrap().to_owned()).collect(),
            };
            prop_assert_eq!(named, roles.iter().map(ToString::to_string).collect::<BTreeSet<_>>());
        }
    }
}
