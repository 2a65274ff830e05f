use super::*;
use aws_sdk_sqs::error::ErrorMetadata;
use aws_sdk_sqs::operation::send_message::{SendMessageError, SendMessageOutput};
use aws_smithy_mocks::{mock, mock_client};
use domain::ErrorKind;
use rstest::rstest;

fn message() -> OnboardingMessage {
    OnboardingMessage::Verify(
        crate::sample::verifying().verification.unwrap().next_message(crate::sample::connection_id(1)),
    )
}

// Source: SQS API Reference, `SendMessage`: DelaySeconds is 0 to 900.
#[rstest]
#[case::at_once(SignedDuration::ZERO, 0)]
#[case::soon(SignedDuration::from_secs(15), 15)]
#[case::the_longest(SignedDuration::from_secs(900), 900)]
#[case::too_long(SignedDuration::from_hours(1), 900)]
#[case::far_too_long(SignedDuration::MAX, 900)]
#[case::in_the_past(SignedDuration::from_secs(-5), 0)]
#[tokio::test]
async fn a_delay_is_one_that_the_queue_takes(#[case] delay: SignedDuration, #[case] seconds: i32) {
    let rule = mock!(Client::send_message)
        .match_requests(move |input| {
            let body = serde_json::from_str::<OnboardingMessage>(input.message_body().unwrap());
            input.queue_url() == Some("https://queue")
                && input.delay_seconds() == Some(seconds)
                && body.unwrap() == message()
        })
        .then_output(|| SendMessageOutput::builder().build());
    let queue = OnboardingQueue::with_client(mock_client!(aws_sdk_sqs, [&rule]), "https://queue");
    queue.send(&message(), delay).await.unwrap();
    assert_eq!(rule.num_calls(), 1);
}

// Source: SQS API Reference, "Common errors", and `SendMessage`, "Errors".
#[rstest]
#[case("ThrottlingException", ErrorKind::Unavailable)]
#[case("RequestThrottled", ErrorKind::Unavailable)]
#[case("ServiceUnavailable", ErrorKind::Unavailable)]
#[case("InternalFailure", ErrorKind::Unavailable)]
#[case("AccessDeniedException", ErrorKind::Internal)]
#[case("QueueDoesNotExist", ErrorKind::Internal)]
#[tokio::test]
async fn failures_are_told_apart(#[case] code: &'static str, #[case] kind: ErrorKind) {
    let rule = mock!(Client::send_message)
        .then_error(move || SendMessageError::generic(ErrorMetadata::builder().code(code).build()));
    let client = mock_client!(aws_sdk_sqs, aws_smithy_mocks::RuleMode::MatchAny, [&rule], |config| {
        config.retry_config(aws_sdk_sqs::config::retry::RetryConfig::disabled())
    });
    let error = OnboardingQueue::with_client(client, "https://queue")
        .send(&message(), SignedDuration::ZERO)
        .await
        .unwrap_err();
    assert_eq!(error.kind, kind, "{}", error.chain());
}
