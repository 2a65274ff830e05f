//! What IAM's errors mean to Drawbridge.

use aws_sdk_iam::error::SdkError;
use aws_smithy_types::error::display::DisplayErrorContext;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use domain::Error;

/// Codes that the same call may outlive. `NoSuchEntity` is among them, for IAM is eventually
/// consistent: what was just made may not be found yet.
///
/// Source: IAM API Reference, "Common errors" and the errors of the actions used here; IAM User
/// Guide, "Changes that I make are not always immediately visible".
const PASSING: &[&str] = &[
    "ConcurrentModification",
    "DeleteConflict",
    "EntityAlreadyExists",
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
    E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
    R: std::fmt::Debug + Send + Sync + 'static,
{
    let passing = match error {
        SdkError::ServiceError(context) => context.err().code().is_some_and(|code| PASSING.contains(&code)),
        SdkError::ConstructionFailure(_) => false,
        _ => true,
    };
    let text = DisplayErrorContext(error).to_string();
    if passing { Error::unavailable(text) } else { Error::internal(text) }
}

/// The code of a service's error, if the service answered with one.
pub(crate) fn code<E: ProvideErrorMetadata, R>(error: &SdkError<E, R>) -> Option<&str> {
    match error {
        SdkError::ServiceError(context) => context.err().code(),
        _ => None,
    }
}
