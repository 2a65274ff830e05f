//! Why AWS did not let somebody assume a role, and which side mends it.
//!
//! What follows from a refusal is decided by its code. Only AWS's words tell the sides apart, so they are
//! read to explain.
//!
//! Source: STS API Reference, `AssumeRole`, "Errors" and "Common errors"; IAM User Guide, "Troubleshoot
//! access denied error messages", "Troubleshoot IAM roles", "Role chaining".

use super::assume::Asked;
use crate::exit::Exit;
use crate::failure::Failure;

/// A refusal as a failure that says what mends it. `said` holds no secret any more.
pub fn refused(asked: &Asked, own_arn: &str, code: &str, said: &str) -> Box<Failure> {
    let who = if own_arn.is_empty() { "this identity" } else { own_arn };
    let role = &asked.role_arn;
    let (what, next) = match code {
        "AccessDenied" => (format!("AWS does not let {who} assume {role}"), denied(asked, who, said)),
        "ExpiredToken" | "ExpiredTokenException" => (
            "your own AWS credentials have expired".to_owned(),
            "sign in again, for example with `aws sso login`, or replace the keys in the environment".to_owned(),
        ),
        "InvalidClientTokenId" | "UnrecognizedClientException" | "SignatureDoesNotMatch" => (
            "AWS does not know your own credentials".to_owned(),
            "`aws sts get-caller-identity` shows whether they are good; check the profile and the keys".to_owned(),
        ),
        "ValidationError" if said.contains("role chaining") => (
            "the session cannot last so long".to_owned(),
            "you are in a role's session yourself, and what it assumes lasts an hour at most: leave --duration out"
                .to_owned(),
        ),
        "ValidationError" if said.contains("MaxSessionDuration") => (
            "the session cannot last so long".to_owned(),
            "ask for a shorter --duration, or have the role's maximum session duration raised in its account"
                .to_owned(),
        ),
        "ValidationError" => (
            "AWS does not accept the request".to_owned(),
            "check the role's ARN, --duration, the external ID and the MFA device".to_owned(),
        ),
        "RegionDisabledException" => (
            "the role's account does not take sessions of this Region".to_owned(),
            "name a Region that the account has enabled, before the command: drawbridge --region us-east-1 …"
                .to_owned(),
        ),
        _ => ("AWS gave no session of the role".to_owned(), "try again in a minute".to_owned()),
    };
    let mut failure = Failure::new(Exit::Refused, what).because(said).next(next);
    failure.code = Some(code.to_owned());
    failure
}

/// Which side refuses, as far as AWS says, and what that side changes.
fn denied(asked: &Asked, who: &str, said: &str) -> String {
    let role = &asked.role_arn;
    let account = role.split(':').nth(4).unwrap_or_default();
    if said.contains("MultiFactorAuthentication failed") {
        return "your MFA code was refused: wait for the device's next one (each is good once), and check \
                --mfa-serial"
            .to_owned();
    }
    let explicit = said.contains("explicit deny");
    let ours = [
        ("identity-based policy", "your own permissions"),
        ("permissions boundary", "your own permissions boundary"),
        ("session policy", "the policy of your own session"),
        ("service control policy", "a service control policy of your own organization"),
        ("VPC endpoint policy", "the policy of the VPC endpoint that you go through"),
    ];
    if let Some((_, side)) = ours.iter().find(|(kind, _)| said.contains(kind)) {
        return if explicit {
            format!(
                "the refusal is on your side: {side} denies it; have the Deny statement taken away or excepted"
            )
        } else {
            format!(
                "the refusal is on your side: in {side}, have this allowed to {who}: {{\"Effect\": \"Allow\", \"Action\": \
                 \"sts:AssumeRole\", \"Resource\": \"{role}\"}}"
            )
        };
    }
    if said.contains("resource-based policy") || said.contains("trust policy") {
        return format!(
            "the refusal is on the role's side, in account {account}: its trust policy; {}",
            trust(asked)
        );
    }
    format!(
        "AWS does not say which side refuses. On the role's side, in account {account}: see that the role exists under \
         this name and path; {} On your side: see that your permissions allow sts:AssumeRole on {role}",
        trust(asked)
    )
}

/// What a trust policy may ask for that was not sent, or not as it should be.
fn trust(asked: &Asked) -> String {
    let external_id = if asked.external_id.is_some() {
        "that it asks for this external ID"
    } else {
        "that it asks for no external ID (else pass --external-id)"
    };
    let mfa = if asked.mfa.is_some() { "" } else { ", and for no MFA (else pass --mfa-serial)" };
    format!("see that its trust policy names you or your account, {external_id}{mfa}.")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked() -> Asked {
        Asked {
            role_arn: "arn:aws:iam::222222222222:role/support".to_owned(),
            external_id: None,
            mfa: None,
            duration: None,
            region: None,
        }
    }

    /// The words are the IAM User Guide's, "Troubleshoot access denied error messages".
    #[test]
    fn each_thing_that_goes_wrong_says_what_mends_it() {
        let user = "User: arn:aws:iam::111111111111:user/alice is not authorized to perform: sts:AssumeRole on resource: \
                    arn:aws:iam::222222222222:role/support";
        for (code, said, parts) in [
            (
                "AccessDenied",
                user.to_owned(),
                &["does not say which side", "account 222222222222", "--external-id", "--mfa-serial", "sts:AssumeRole on"][..],
            ),
            (
                "AccessDenied",
                format!("{user} because no identity-based policy allows the sts:AssumeRole action"),
                &["on your side", "your own permissions", "\"Resource\": \"arn:aws:iam::222222222222:role/support\""],
            ),
            (
                "AccessDenied",
                format!("{user} with an explicit deny in a service control policy"),
                &["on your side", "your own organization denies it"],
            ),
            (
                "AccessDenied",
                format!("{user} because no resource-based policy allows the sts:AssumeRole action"),
                &["on the role's side", "trust policy"],
            ),
            (
                "AccessDenied",
                "MultiFactorAuthentication failed with invalid MFA one time pass code.".to_owned(),
                &["MFA code was refused"],
            ),
            ("ExpiredToken", "x".to_owned(), &["expired", "aws sso login"]),
            ("InvalidClientTokenId", "x".to_owned(), &["does not know", "get-caller-identity"]),
            (
                "ValidationError",
                "The requested DurationSeconds exceeds the MaxSessionDuration set for this role.".to_owned(),
                &["shorter --duration"],
            ),
            (
                "ValidationError",
                "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining."
                    .to_owned(),
                &["an hour at most"],
            ),
            ("RegionDisabledException", "x".to_owned(), &["drawbridge --region"]),
            ("Throttling", "Rate exceeded".to_owned(), &["try again"]),
        ] {
            let failure = refused(&asked(), "arn:aws:iam::111111111111:user/alice", code, &said);
            assert_eq!((failure.exit, failure.code.as_deref()), (Exit::Refused, Some(code)));
            let told = failure.to_string();
            assert!(parts.iter().all(|part| told.contains(part)), "{parts:?}: {told}");
        }
    }
}
