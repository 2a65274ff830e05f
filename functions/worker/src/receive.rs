//! A batch of messages of the jobs queue.

use aws_lambda_events::event::sqs::{SqsBatchResponse, SqsEvent};
use domain::Error;
use domain::message::JobsMessage;

use crate::app::App;
use crate::{continue_operation, run_chunk};

/// Takes every message of a batch at once.
pub async fn receive(app: &App, batch: SqsEvent) -> SqsBatchResponse {
    work::take_each(batch, &app.queue, |message, again| take(app, message, again)).await
}

async fn take(app: &App, message: JobsMessage, again: bool) -> Result<(), Error> {
    match message {
        JobsMessage::Operation(step) => Box::pin(continue_operation::take_step(app, &step, again)).await,
        JobsMessage::Chunk(step) => Box::pin(run_chunk::take_step(app, &step, again)).await,
    }
}
