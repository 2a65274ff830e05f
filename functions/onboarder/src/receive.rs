//! A batch of messages: each on its own, so that a bad one harms no other.

use aws_lambda_events::event::sqs::{BatchItemFailure, SqsBatchResponse, SqsEvent, SqsMessage};
use domain::Error;
use domain::message::OnboardingMessage;
use futures::future::join_all;

use crate::app::App;
use crate::{offboard, publish, reconcile, sweep, verify};

/// Takes every message of a batch at once. Those that failed are delivered again, and end in the
/// dead-letter queue when they fail too often.
pub async fn receive(app: &App, batch: SqsEvent) -> SqsBatchResponse {
    let results = join_all(batch.records.iter().map(|message| take(app, message))).await;
    let mut response = SqsBatchResponse::default();
    for (message, result) in batch.records.iter().zip(results) {
        if let Err(error) = result {
            let message_id = message.message_id.clone().unwrap_or_default();
            tracing::error!(message_id, cause = error.chain(), "a message could not be taken");
            let mut failure = BatchItemFailure::default();
            failure.item_identifier = message_id;
            response.batch_item_failures.push(failure);
        }
    }
    response
}

async fn take(app: &App, message: &SqsMessage) -> Result<(), Error> {
    let body = message.body.as_deref().unwrap_or_default();
    // The body stays out of the error: it could hold anything.
    let parsed: OnboardingMessage = serde_json::from_str(body)
        .map_err(|error| Error::internal(format!("not an onboarding message: {:?}", error.classify())))?;
    let again = delivered_before(message);
    match parsed {
        OnboardingMessage::Verify(step) => Box::pin(verify::take_step(app, &step, again)).await,
        OnboardingMessage::Offboard(step) => Box::pin(offboard::take_step(app, &step, again)).await,
        OnboardingMessage::Publish(grant) => Box::pin(publish::take(app, &grant)).await,
        OnboardingMessage::Sweep(sweep) => Box::pin(sweep::take(app, &sweep)).await,
        OnboardingMessage::Reconcile(step) => Box::pin(reconcile::take_step(app, &step, again)).await,
    }
}

/// Whether SQS has delivered this very message before, so that work of it may be half done.
fn delivered_before(message: &SqsMessage) -> bool {
    let count = message.attributes.get("ApproximateReceiveCount").and_then(|count| count.parse::<u32>().ok());
    count.unwrap_or(1) > 1
}
