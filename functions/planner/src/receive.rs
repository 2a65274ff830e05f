//! A batch of messages of the runs queue.

use aws_lambda_events::event::sqs::{SqsBatchResponse, SqsEvent};
use domain::Error;
use domain::message::RunsMessage;

use crate::app::App;
use crate::{fire, look_at_backups, plan_part, plan_run, publish_schedule, reconcile_schedules};

/// Takes every message of a batch at once.
pub async fn receive(app: &App, batch: SqsEvent) -> SqsBatchResponse {
    work::take_each(batch, &app.runs, |message, again| take(app, message, again)).await
}

async fn take(app: &App, message: RunsMessage, again: bool) -> Result<(), Error> {
    match message {
        RunsMessage::Scheduled(firing) => fire::fire(app, &firing).await,
        RunsMessage::Run(step) => plan_run::take_step(app, &step, again).await,
        RunsMessage::Part(step) => Box::pin(plan_part::take_step(app, &step, again)).await,
        RunsMessage::Publish(asked) => publish_schedule::publish(app, &asked).await,
        RunsMessage::Reconcile(page) => reconcile_schedules::take_page(app, &page).await,
        RunsMessage::SweepFreshness(page) => look_at_backups::sweep(app, &page).await,
        RunsMessage::LookAtBackups(page) => Box::pin(look_at_backups::look(app, &page)).await,
    }
}
