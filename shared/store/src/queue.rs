//! The queues that carry work.

use std::fmt;
use std::marker::PhantomData;

use aws_sdk_sqs::Client;
use aws_types::SdkConfig;
use domain::Error;
use domain::message::{JobsMessage, Message, OnboardingMessage, RunsMessage};
use jiff::SignedDuration;

use crate::failure::unexpected;

/// Longest delay of a message, in seconds. Source: SQS Developer Guide, "Amazon SQS message
/// timers".
const MAX_DELAY: i32 = 900;

/// A queue that carries messages of one kind to the function that takes them.
pub struct Queue<M> {
    client: Client,
    url: String,
    message: PhantomData<fn(M)>,
}

/// The queue that carries onboarding work to its function.
pub type OnboardingQueue = Queue<OnboardingMessage>;

/// The queue that carries what is done in customers' accounts to its function.
pub type JobsQueue = Queue<JobsMessage>;

/// The queue that carries what runs are planned by to its function.
pub type RunsQueue = Queue<RunsMessage>;

// By hand, for a queue is cheap to clone whatever it carries.
impl<M> Clone for Queue<M> {
    fn clone(&self) -> Self {
        Self { client: self.client.clone(), url: self.url.clone(), message: PhantomData }
    }
}

impl<M> fmt::Debug for Queue<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Queue").field("url", &self.url).finish_non_exhaustive()
    }
}

impl<M> Queue<M> {
    /// The queue at this URL.
    #[must_use]
    pub fn new(aws: &SdkConfig, url: impl Into<String>) -> Self {
        Self::with_client(Client::new(aws), url)
    }

    /// The queue at this URL, for those who bring their own client.
    #[must_use]
    pub fn with_client(client: Client, url: impl Into<String>) -> Self {
        Self { client, url: url.into(), message: PhantomData }
    }

    /// Sends `message`, to be delivered after `delay`.
    ///
    /// # Errors
    /// When the queue does not answer.
    pub async fn send(&self, message: &M, delay: SignedDuration) -> Result<(), Error>
    where
        M: Message,
    {
        let body = serde_json::to_string(message).map_err(Error::internal)?;
        let seconds = i32::try_from(delay.as_secs()).unwrap_or(MAX_DELAY).clamp(0, MAX_DELAY);
        self.client
            .send_message()
            .queue_url(&self.url)
            .message_body(body)
            .delay_seconds(seconds)
            .set_message_group_id(message.group())
            .send()
            .await
            .map_err(unexpected)?;
        Ok(())
    }

    /// Has the message with this receipt, which is being worked on, delivered again after `delay`.
    ///
    /// # Errors
    /// When the queue does not answer, or no longer knows the receipt.
    pub async fn deliver_again(&self, receipt: &str, delay: SignedDuration) -> Result<(), Error> {
        self.client
            .change_message_visibility()
            .queue_url(&self.url)
            .receipt_handle(receipt)
            .visibility_timeout(i32::try_from(delay.as_secs()).unwrap_or(MAX_DELAY).clamp(0, MAX_DELAY))
            .send()
            .await
            .map_err(unexpected)?;
        Ok(())
    }
}

#[cfg(test)]
mod tests;
