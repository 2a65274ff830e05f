//! A schedule whose time has come: the run for that time begins, once, however often AWS tells of it.

use domain::message::Firing;
use domain::power::LONGEST_ASKING;
use domain::run::Run;
use domain::{Actor, Error, RunId};
use jiff::SignedDuration;
use runtime::now;

use crate::app::App;

/// Begins the run of a schedule for one of its times.
///
/// # Errors
/// When the table, the queue or EventBridge failed: the message is to be delivered again.
pub(crate) async fn fire(app: &App, firing: &Firing) -> Result<(), Error> {
    let id = firing.schedule_id;
    let Some(schedule) = app.store.schedule_record(id).await? else {
        // Nobody knows it any more, but EventBridge.
        tracing::warn!(schedule_id = %id, "a schedule that is not known was due, and is removed");
        app.scheduler.remove(id).await?;
        return Ok(());
    };
    if schedule.deleted_at.is_some() || !schedule.order.enabled {
        tracing::info!(schedule_id = %id, "a schedule was due that runs no more");
        return Ok(());
    }
    let window = SignedDuration::from_mins(schedule.order.flexible_window_minutes.unwrap_or(0).into());
    let too_late = now() > firing.scheduled_time + window + LONGEST_ASKING;
    let run = Run::begin(
        RunId::of_firing(id, firing.scheduled_time),
        schedule.run_order(),
        Some(firing.scheduled_time),
        Actor::Drawbridge,
        now(),
    );
    let run = Run { too_late, ..run };
    // A second delivery finds the run there, and sends its first message again: the one before may have
    // been lost, and a message about a step that was taken does no harm.
    if app.store.begin_run(&run, None).await? {
        tracing::info!(
            schedule_id = %id,
            run_id = %run.id,
            connection_id = %schedule.connection_id,
            "a schedule is due"
        );
    }
    app.runs.send(&run.next_message(), SignedDuration::ZERO).await
}
