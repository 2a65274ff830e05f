//! A schedule that has changed: EventBridge is to hold it as the table does.

use domain::Error;
use domain::message::{PublishSchedule, RunsMessage};
use domain::schedule::Schedule;
use runtime::now;
use store::Published;
use work::{UNWRITTEN_DELAY, UNWRITTEN_FOR};

use crate::app::App;
use crate::look_at_backups::{SETTLED_AFTER, ask_for_look};

/// Makes one schedule true in EventBridge.
///
/// # Errors
/// When the table, the queue or EventBridge failed: the message is to be delivered again.
pub(crate) async fn publish(app: &App, asked: &PublishSchedule) -> Result<(), Error> {
    let found = app.store.schedule_record(asked.schedule_id).await?;
    match found {
        Some(schedule) if schedule.version >= asked.version => {
            // It promises something else from now on. That is asked for first, for a deleted one is forgotten here.
            ask_for_look(app, schedule.connection_id, SETTLED_AFTER).await?;
            make_true(app, &schedule).await?;
            Ok(())
        }
        // The message has overtaken the write, or there was none.
        _ if now() < asked.asked_at + UNWRITTEN_FOR => {
            app.runs.send(&RunsMessage::Publish(asked.clone()), UNWRITTEN_DELAY).await
        }
        _ => Ok(()),
    }
}

/// Makes EventBridge hold what the table says, and writes down that it does. Returns whether anything had
/// to be done there.
pub(crate) async fn make_true(app: &App, schedule: &Schedule) -> Result<bool, Error> {
    if schedule.deleted_at.is_some() {
        let removed = app.scheduler.remove(schedule.id).await?;
        app.store.forget_schedule(schedule.id).await?;
        return Ok(removed);
    }
    let (held, changed) = match app.scheduler.publish(schedule).await? {
        Published::AsItWas => (schedule.held(None), false),
        Published::Changed => (schedule.held(Some(now())), true),
        Published::Refused(problem) => {
            tracing::error!(schedule_id = %schedule.id, code = problem.code, "a schedule is not taken");
            (schedule.refused(problem), false)
        }
    };
    if held != *schedule {
        // If it has changed meanwhile, the message of that change comes after this one.
        app.store.note_published(&held).await?;
    }
    Ok(changed)
}
