//! A batch of messages of the onboarding queue.

use aws_lambda_events::event::sqs::{SqsBatchResponse, SqsEvent};
use domain::Error;
use domain::message::OnboardingMessage;

use crate::app::App;
use crate::{look_for_role, offboard, publish, reconcile, sweep, verify};

/// Takes every message of a batch at once.
pub async fn receive(app: &App, batch: SqsEvent) -> SqsBatchResponse {
    work::take_each(batch, &app.queue, |message, again| take(app, message, again)).await
}

async fn take(app: &App, message: OnboardingMessage, again: bool) -> Result<(), Error> {
    match message {
        OnboardingMessage::Verify(step) => Box::pin(verify::take_step(app, &step, again)).await,
        OnboardingMessage::Look(step) => Box::pin(look_for_role::take_step(app, &step, again)).await,
        OnboardingMessage::Offboard(step) => Box::pin(offboard::take_step(app, &step, again)).await,
        OnboardingMessage::Publish(grant) => Box::pin(publish::take(app, &grant)).await,
        OnboardingMessage::Sweep(sweep) => Box::pin(sweep::take(app, &sweep)).await,
        OnboardingMessage::Reconcile(step) => Box::pin(reconcile::take_step(app, &step, again)).await,
    }
}

#[cfg(test)]
mod tests;
