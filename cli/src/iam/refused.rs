//! Why IAM did not do what it was asked, which side refuses, and the smallest change that mends it.
//!
//! What follows from a refusal is decided by its code. AWS's words are read to explain it, and for
//! nothing else.
//!
//! Source: IAM API Reference, "Common errors" and the errors of each action; IAM User Guide, "Troubleshoot
//! access denied error messages".

use aws_sdk_iam::error::{DisplayErrorContext, ProvideErrorMetadata, SdkError};

use super::Iam;
use crate::exit::Exit;
use crate::failure::Failure;

/// What IAM was asked.
#[derive(Debug, Clone, Copy)]
pub struct Call<'a> {
    /// The action, such as `CreateRole`.
    pub action: &'static str,
    /// The ARN of what it is done to.
    pub on: &'a str,
}

impl<'a> Call<'a> {
    /// This action on this resource.
    pub fn new(action: &'static str, on: &'a str) -> Self {
        Self { action, on }
    }
}

/// The sides that AWS's words tell apart, all of them on the caller's.
const SIDES: [(&str, &str); 5] = [
    ("identity-based policy", "your own permissions"),
    ("permissions boundary", "your own permissions boundary"),
    ("session policy", "the policy of your own session"),
    ("service control policy", "a service control policy of your account's organization"),
    ("VPC endpoint policy", "the policy of the VPC endpoint that you go through"),
];

pub(super) fn failed<E>(iam: &Iam, call: &Call<'_>, error: &SdkError<E>) -> Box<Failure>
where
    E: ProvideErrorMetadata + std::error::Error + 'static,
{
    let Some(said) = error.as_service_error() else {
        let why = DisplayErrorContext(error).to_string();
        return Failure::new(Exit::Unreachable, "AWS IAM cannot be reached")
            .because(why)
            .next("check the network, and try again: what is done already is not done twice");
    };
    explain(&iam.own_arn, call, said.code().unwrap_or("no code"), said.message().unwrap_or_default())
}

fn explain(who: &str, call: &Call<'_>, code: &str, said: &str) -> Box<Failure> {
    let Call { action, on } = call;
    let (what, next) = match code {
        "AccessDenied" | "AccessDeniedException" => {
            (format!("AWS does not let {who} do iam:{action} on {on}"), denied(who, call, said))
        }
        "ExpiredToken" | "ExpiredTokenException" => (
            "your AWS credentials have expired".to_owned(),
            "sign in again, for example with `aws sso login`, or replace the keys in the environment".to_owned(),
        ),
        "InvalidClientTokenId" | "UnrecognizedClientException" | "SignatureDoesNotMatch" => (
            "AWS does not know your credentials".to_owned(),
            "`aws sts get-caller-identity` shows whether they are good; check the profile and the keys".to_owned(),
        ),
        "NoSuchEntity" => (
            format!("there is no {on}"),
            "check the name: it is that of a user, group, role or policy of your own account, without its path"
                .to_owned(),
        ),
        "LimitExceeded" => (
            format!("a quota of IAM's is reached (iam:{action} on {on})"),
            "ask for a higher one in the console's Service Quotas, or take away what is no longer needed".to_owned(),
        ),
        "UnmodifiableEntity" => (
            format!("AWS manages {on} itself"),
            "roles of IAM Identity Center take their policies from its permission sets: put the statement there".to_owned(),
        ),
        "DeleteConflict" => (
            format!("{on} is still in use"),
            "something is attached to it, such as an instance profile: `aws iam list-instance-profiles-for-role` \
             tells; take it away, and repeat this"
                .to_owned(),
        ),
        "MalformedPolicyDocument" => (
            format!("AWS does not take the policy (iam:{action} on {on})"),
            "where it says that a principal is invalid, the user that the role is to trust does not exist".to_owned(),
        ),
        "ConcurrentModification" | "EntityTemporarilyUnmodifiable" => (
            format!("somebody else is changing {on} at the moment"),
            "repeat this: what is done already is not done twice".to_owned(),
        ),
        "Throttling" | "ServiceFailure" | "ServiceUnavailable" => (
            "AWS IAM could not take the request".to_owned(),
            "repeat this in a minute: what is done already is not done twice".to_owned(),
        ),
        _ => (format!("AWS refused iam:{action} on {on}"), "see what AWS says about it".to_owned()),
    };
    let mut failure = Failure::new(Exit::Refused, what).because(said).next(next);
    failure.code = Some(code.to_owned());
    failure
}

/// Which side refuses, as far as AWS says, and what that side changes.
fn denied(who: &str, call: &Call<'_>, said: &str) -> String {
    let Call { action, on } = call;
    let statement = format!(r#"{{"Effect": "Allow", "Action": "iam:{action}", "Resource": "{on}"}}"#);
    let side = SIDES.into_iter().find(|(kind, _)| said.contains(kind)).map(|(_, side)| side);
    match (side, said.contains("explicit deny")) {
        (Some(side), true) => {
            format!(
                "the refusal is on your side: {side} denies it; have the Deny statement taken away or excepted for {who}"
            )
        }
        (Some(side), false) => {
            format!("the refusal is on your side: in {side}, have this allowed to {who}: {statement}")
        }
        (None, _) => format!(
            "the refusal is on your side, though AWS does not say which policy it is: have this allowed to {who}, or \
             use credentials of somebody who may: {statement}"
        ),
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    const WHO: &str = "arn:aws:iam::222222222222:user/bob";
    const ROLE: &str = "arn:aws:iam::222222222222:role/drawbridge-a";

    /// The words are the IAM User Guide's, "Troubleshoot access denied error messages".
    #[rstest]
    #[case::no_statement(
        "AccessDenied",
        "because no identity-based policy allows the iam:CreateRole action",
        &["bob do iam:CreateRole on", "your own permissions", r#""Action": "iam:CreateRole", "Resource": "arn:aws:iam::222222222222:role/drawbridge-a"#]
    )]
    #[case::a_boundary(
        "AccessDenied",
        "because no permissions boundary allows the iam:CreateRole action",
        &["your own permissions boundary, have this allowed"]
    )]
    #[case::an_organization(
        "AccessDenied",
        "with an explicit deny in a service control policy",
        &["a service control policy of your account's organization denies it"]
    )]
    #[case::no_reason("AccessDenied", "", &["does not say which policy", "\"Effect\": \"Allow\""])]
    #[case::a_quota("LimitExceeded", "Cannot exceed quota for PoliciesPerRole: 10", &["quota", "Service Quotas"])]
    #[case::a_user_that_is_gone("MalformedPolicyDocument", "Invalid principal in policy", &["does not exist"])]
    #[case::in_use("DeleteConflict", "must remove roles from instance profile first", &["instance-profiles"])]
    #[case::an_identity_center_role("UnmodifiableEntity", "", &["permission sets"])]
    #[case::unknown("FromTheFuture", "words", &["FromTheFuture", "words"])]
    fn each_refusal_says_what_mends_it(#[case] code: &str, #[case] why: &str, #[case] parts: &[&str]) {
        let said =
            format!("User: {WHO} is not authorized to perform: iam:CreateRole on resource: {ROLE} {why}");
        let failure = explain(WHO, &Call::new("CreateRole", ROLE), code, &said);
        assert_eq!((failure.exit, failure.code.as_deref()), (Exit::Refused, Some(code)));
        let told = failure.to_string();
        assert!(parts.iter().all(|part| told.contains(part)), "{parts:?}: {told}");
    }
}
