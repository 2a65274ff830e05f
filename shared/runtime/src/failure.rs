//! What errors of AWS's SDK mean, when no condition of ours explains them.

use std::error::Error as StdError;

use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use domain::Error;

/// The code that the service answered with, if it answered.
pub fn service_code<E: ProvideErrorMetadata, R>(error: &SdkError<E, R>) -> Option<&str> {
    match error {
        SdkError::ServiceError(context) => context.err().code(),
        _ => None,
    }
}

/// An error of a service's, as a failure that may pass or as one of our own.
///
/// It may pass when its code is one of `passing`, or when no answer came at all. What it says is
/// for the logs: the operation, the code, the service's message and its request id. The raw answer
/// is left out, for it may hold what nobody is to read.
pub fn unexpected_failure<E, R>(error: &SdkError<E, R>, passing: &[&str]) -> Error
where
    E: ProvideErrorMetadata + StdError + 'static,
    R: std::fmt::Debug + 'static,
{
    let operation = std::any::type_name::<E>().rsplit("::").next().unwrap_or_default();
    let operation = operation.strip_suffix("Error").unwrap_or(operation);
    match error {
        SdkError::ServiceError(context) => {
            let answer = context.err();
            let code = answer.code().unwrap_or("no code");
            let text = format!(
                "{operation}: {code}: {} (request {})",
                answer.message().unwrap_or("no message"),
                answer.meta().extra("aws_request_id").unwrap_or("unknown"),
            );
            if passing.contains(&code) { Error::unavailable(text) } else { Error::internal(text) }
        }
        SdkError::ConstructionFailure(_) => Error::internal(format!("{operation}: {}", chain(error))),
        _ => Error::unavailable(format!("{operation}: {}", chain(error))),
    }
}

fn chain(error: &dyn StdError) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use aws_smithy_types::error::ErrorMetadata;
    use domain::ErrorKind;

    #[derive(Debug)]
    struct GetThingError(ErrorMetadata);

    impl std::fmt::Display for GetThingError {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str("get thing")
        }
    }

    impl StdError for GetThingError {}

    impl ProvideErrorMetadata for GetThingError {
        fn meta(&self) -> &ErrorMetadata {
            &self.0
        }
    }

    fn answered(code: &str) -> SdkError<GetThingError, &'static str> {
        let metadata = ErrorMetadata::builder()
            .code(code)
            .message("a message")
            .custom("aws_request_id", "an-id")
            .build();
        SdkError::service_error(GetThingError(metadata), "a body with a secret")
    }

    #[test]
    fn a_failure_is_told_without_its_raw_answer() {
        let error = unexpected_failure(&answered("Throttling"), &["Throttling"]);
        assert_eq!(error.kind, ErrorKind::Unavailable);
        assert!(
            error.chain().ends_with("GetThing: Throttling: a message (request an-id)"),
            "{}",
            error.chain()
        );

        let error = unexpected_failure(&answered("AccessDenied"), &["Throttling"]);
        assert_eq!(error.kind, ErrorKind::Internal);
        assert!(!format!("{error:?}").contains("secret"));
        assert!(!error.detail.contains("AccessDenied"));
    }

    #[test]
    fn no_answer_may_pass() {
        let error: SdkError<GetThingError, &str> = SdkError::timeout_error("too slow");
        let error = unexpected_failure(&error, &[]);
        assert_eq!(error.kind, ErrorKind::Unavailable);
        assert!(error.chain().contains("too slow"));
    }
}
