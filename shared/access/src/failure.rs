//! What IAM's errors mean to Drawbridge.

use aws_sdk_iam::error::{ProvideErrorMetadata, SdkError};
use domain::Error;

/// Codes that the same call may outlive. `NoSuchEntity` is among them, for IAM is eventually
/// consistent: what was just made may not be found yet.
///
/// Source: IAM API Reference, "Common errors" (`InternalFailure`: "The request processing has failed
/// because of an unknown error, exception or failure", status 500) and the errors of the actions used
/// here; IAM User Guide, "Changes that I make are not always immediately visible".
const PASSING: &[&str] = &[
    "ConcurrentModification",
    "DeleteConflict",
    "EntityAlreadyExists",
    "InternalFailure",
    "LimitExceeded",
    "NoSuchEntity",
    "RequestLimitExceeded",
    "ServiceFailure",
    "ServiceUnavailable",
    "Throttling",
    "ThrottlingException",
];

/// An error of IAM's, as a failure that may pass or one of our own.
pub(crate) fn unexpected<E, R>(error: &SdkError<E, R>) -> Error
where
    E: ProvideErrorMetadata + std::error::Error + 'static,
    R: std::fmt::Debug + 'static,
{
    runtime::unexpected_failure(error, PASSING)
}

pub(crate) use runtime::service_code as code;
