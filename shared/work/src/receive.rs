//! A batch of messages: each on its own, so that a bad one harms no other.

use aws_lambda_events::event::sqs::{BatchItemFailure, SqsBatchResponse, SqsEvent, SqsMessage};
use domain::{Error, ErrorKind};
use futures::future::join_all;
use jiff::SignedDuration;
use serde::de::DeserializeOwned;
use store::Queue;

/// Takes every message of a batch at once: `take` gets what it says, and whether SQS has delivered it
/// before, so that work of it may be half done. Those that failed are delivered again, and end in the
/// dead-letter queue when they fail too often.
pub async fn take_each<M, F>(
    batch: SqsEvent,
    queue: &Queue<M>,
    take: impl Fn(M, bool) -> F,
) -> SqsBatchResponse
where
    M: DeserializeOwned,
    F: Future<Output = Result<(), Error>>,
{
    let take = &take;
    let results = join_all(batch.records.iter().map(async |message| {
        let parsed = read::<M>(message)?;
        take(parsed, delivered_before(message)).await
    }))
    .await;
    let mut response = SqsBatchResponse::default();
    for (message, result) in batch.records.iter().zip(results) {
        if let Err(error) = result {
            let message_id = message.message_id.clone().unwrap_or_default();
            tracing::error!(message_id, cause = error.chain(), "a message could not be taken");
            deliver_again(queue, message, &error).await;
            let mut failure = BatchItemFailure::default();
            failure.item_identifier = message_id;
            response.batch_item_failures.push(failure);
        }
    }
    response
}

fn read<M: DeserializeOwned>(message: &SqsMessage) -> Result<M, Error> {
    let body = message.body.as_deref().unwrap_or_default();
    // The body stays out of the error: it could hold anything.
    serde_json::from_str(body)
        .map_err(|error| Error::internal(format!("no message of this queue: {:?}", error.classify())))
}

/// Whether waiting may help.
#[must_use]
pub fn may_pass(error: &Error) -> bool {
    error.kind == ErrorKind::Unavailable
}

/// Has a message that failed delivered again after a short while, and not only when the queue's
/// long visibility timeout is over, which is meant for functions that crash.
async fn deliver_again<M>(queue: &Queue<M>, message: &SqsMessage, error: &Error) {
    let Some(receipt) = &message.receipt_handle else { return };
    let delay = redelivery_delay(received(message), may_pass(error));
    if let Err(error) = queue.deliver_again(receipt, delay).await {
        tracing::warn!(cause = error.chain(), "a message that failed waits for its visibility timeout");
    }
}

/// How long a message that failed at its `received`th delivery rests. What no waiting mends rests
/// just long enough for the others to be taken first.
fn redelivery_delay(received: u32, may_pass: bool) -> SignedDuration {
    const LONGEST: i64 = 120;
    let seconds = if may_pass { 5 << (2 * received.saturating_sub(1).min(4)) } else { 1 };
    SignedDuration::from_secs(LONGEST.min(seconds))
}

/// How often SQS has delivered this very message.
fn received(message: &SqsMessage) -> u32 {
    let count = message.attributes.get("ApproximateReceiveCount").and_then(|count| count.parse().ok());
    count.unwrap_or(1)
}

/// Whether SQS has delivered this very message before, so that work of it may be half done.
fn delivered_before(message: &SqsMessage) -> bool {
    received(message) > 1
}

#[cfg(test)]
mod tests;
