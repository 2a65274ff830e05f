//! What became of an operation, as AWS says.

use aws_sdk_ec2::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_ec2::operation::RequestId;
use domain::denial::{Caller, Side, diagnose, explain};
use domain::operation::{Target, TargetOutcome};
use serde_json::Value;

use super::{dynamodb, ec2};

/// What became of an operation.
#[derive(Debug, Clone, PartialEq)]
pub struct Outcome {
    /// What AWS answered, under its own names; null where it answered nothing.
    pub output: Value,
    /// Whether the output holds what is in the customer's tables, so that nobody may keep it.
    pub confidential: bool,
    /// What became of each target.
    pub targets: Vec<Target>,
    /// AWS's ids of the requests.
    pub request_ids: Vec<String>,
}

impl Outcome {
    /// The action was carried out on all of these.
    pub(crate) fn done(
        ids: impl IntoIterator<Item = String>,
        output: Value,
        request: &impl RequestId,
    ) -> Self {
        Self {
            output,
            confidential: false,
            targets: ids.into_iter().map(succeeded).collect(),
            request_ids: request.request_id().map(str::to_owned).into_iter().collect(),
        }
    }

    /// The same, of what nobody may keep.
    pub(crate) fn confidential(self) -> Self {
        Self { confidential: true, ..self }
    }

    /// It was only asked if it would be, and AWS has no way to tell.
    pub(crate) fn without_dry_run(ids: impl IntoIterator<Item = String>) -> Self {
        let targets = ids.into_iter().map(|id| failed(id, NO_DRY_RUN.0, NO_DRY_RUN.1)).collect();
        Self { output: Value::Null, confidential: false, targets, request_ids: Vec::new() }
    }

    /// AWS refused the whole request, or did not answer.
    pub(crate) fn refused<E, R>(ids: impl IntoIterator<Item = String>, error: &SdkError<E, R>) -> Self
    where
        E: ProvideErrorMetadata,
        SdkError<E, R>: RequestId,
    {
        Self {
            output: Value::Null,
            confidential: false,
            targets: ids.into_iter().map(|id| failed_by(id, error)).collect(),
            request_ids: error.request_id().map(str::to_owned).into_iter().collect(),
        }
    }
}

/// What EC2 did not carry out: because it was only asked if it would, which it would, or for another
/// reason. Source: EC2 API Reference, "Error codes", `DryRunOperation`.
pub(crate) fn not_done<E, R>(
    dry_run: bool,
    ids: impl IntoIterator<Item = String>,
    error: &SdkError<E, R>,
) -> Outcome
where
    E: ProvideErrorMetadata,
    SdkError<E, R>: RequestId,
{
    let would =
        matches!(error, SdkError::ServiceError(service) if service.err().code() == Some("DryRunOperation"));
    if dry_run && would { Outcome::done(ids, Value::Null, error) } else { Outcome::refused(ids, error) }
}

/// What is said where a dry run is asked for and there is none: code and detail.
pub(crate) const NO_DRY_RUN: (&str, &str) =
    ("dry_run_unsupported", "AWS has no dry run of this action, and no other call tells whether it would");

/// A target on which it was carried out.
#[must_use]
pub fn succeeded(id: String) -> Target {
    Target { id, outcome: TargetOutcome::Succeeded, code: None, detail: None }
}

/// A target on which it was not.
#[must_use]
pub fn failed(id: String, code: &str, detail: impl Into<String>) -> Target {
    Target { id, outcome: TargetOutcome::Failed, code: Some(code.to_owned()), detail: Some(detail.into()) }
}

/// Whether the same request may succeed in a moment: AWS throttled, failed, or did not answer.
#[must_use]
pub fn passing(target: &Target) -> bool {
    target.code.as_deref().is_some_and(passes)
}

/// The same of a target's code alone.
#[must_use]
pub fn passes(code: &str) -> bool {
    matches!(code, "throttled" | "aws_unavailable" | "no_answer" | "not_attempted")
}

/// A target of which AWS did not say in time whether it was done.
pub(crate) fn unanswered(id: String) -> Target {
    let detail = "AWS did not answer in time. Look whether it was done before asking for it again.";
    failed(id, "no_answer", detail)
}

/// A target that was not asked for: there was no time left to hear what becomes of it.
pub(crate) fn not_begun(id: String) -> Target {
    failed(
        id,
        "not_attempted",
        "There was no time left for this one. Nothing was asked of AWS: ask for it again.",
    )
}

/// A target on which AWS did not carry it out.
pub(crate) fn failed_by<E: ProvideErrorMetadata, R>(id: String, error: &SdkError<E, R>) -> Target {
    let SdkError::ServiceError(service) = error else { return unanswered(id) };
    let Some(code) = service.err().code() else {
        // A fault on the way: what refuses has a code.
        let detail = "AWS failed, and did not say how. Look whether it was done before asking for it again.";
        return failed(id, "aws_unavailable", detail);
    };
    let message = service.err().message().unwrap_or_default();
    let (told, remedy) = meaning(code, message);
    failed(id, told, format!("{}{remedy}", explain(code, message).unwrap_or_else(|| said(code, message))))
}

/// What AWS said, where it is no refusal for want of rights: its messages name what is wrong with the
/// request, and nobody's secrets.
fn said(code: &str, message: &str) -> String {
    let message: String = message.chars().filter(|character| !character.is_control()).take(300).collect();
    if message.is_empty() {
        format!("AWS answered {code}.")
    } else {
        format!("AWS answered {code}: {message}")
    }
}

/// The stable code for an error of AWS's, and what mends it.
///
/// Sources: for EC2, [`ec2::meaning`]; for `DynamoDB`, [`dynamodb::meaning`].
pub(crate) fn meaning(code: &str, message: &str) -> (&'static str, String) {
    if let Some((told, remedy)) = ec2::meaning(code, message).or_else(|| dynamodb::meaning(code, message)) {
        return (told, remedy.to_owned());
    }
    match code {
        "UnauthorizedOperation"
        | "AccessDenied"
        | "AccessDeniedException"
        | "AuthException"
        | "KMSAccessDeniedException" => {
            let side = diagnose(Caller::Role, code, message);
            let remedy = if side == Side::Unknown { String::new() } else { format!(". {}", side.remedy()) };
            ("access_denied", remedy)
        }
        "AuthFailure" | "OptInRequired" | "UnrecognizedClientException" | "InvalidClientTokenId" => {
            ("region_unavailable", format!(". {}", Side::Region.remedy()))
        }
        "RequestLimitExceeded" | "Throttling" | "ThrottlingException" => {
            ("throttled", ". Ask again in a moment.".to_owned())
        }
        _ => ("refused", String::new()),
    }
}
