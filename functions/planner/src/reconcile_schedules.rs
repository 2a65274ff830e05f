//! The schedules in the table compared with those in EventBridge, a page a message: what is missing there
//! or differs is published again, and what nobody knows is removed.

use domain::message::{ReconcileSchedules, RunsMessage};
use domain::schedule::Schedule;
use domain::{ConnectionState, Error, ErrorKind, ScheduleId};
use futures::stream::{self, StreamExt as _, TryStreamExt as _};
use jiff::SignedDuration;
use runtime::now;
use store::PageRequest;
use work::UNWRITTEN_FOR;

use crate::app::App;
use crate::publish_schedule::make_true;

/// How many schedules one message compares.
const PAGE: u8 = 50;
/// How many of them at once.
const AT_ONCE: usize = 4;

/// Compares one page, and sends the next one.
///
/// # Errors
/// When the table, the queue or EventBridge failed: the message is to be delivered again.
pub(crate) async fn take_page(app: &App, page: &ReconcileSchedules) -> Result<(), Error> {
    let next = if page.published { remove_unknown(app, page).await? } else { publish_all(app, page).await? };
    match next {
        Some(next) => app.runs.send(&RunsMessage::Reconcile(next), SignedDuration::ZERO).await,
        None => Ok(()),
    }
}

async fn publish_all(app: &App, page: &ReconcileSchedules) -> Result<Option<ReconcileSchedules>, Error> {
    let request = PageRequest { limit: PAGE, cursor: page.cursor.clone() };
    let found = app.store.all_schedules(&request).await?;
    stream::iter(found.items)
        .map(|schedule| async move {
            if ended(app, &schedule).await? {
                return Ok(());
            }
            // One that was never published, or has just changed, is no drift.
            let settled = schedule.is_published() && schedule.deleted_at.is_none();
            if make_true(app, &schedule).await? && settled {
                tracing::warn!(
                    alarm = "schedules_drifted",
                    schedule_id = %schedule.id,
                    "EventBridge did not hold a schedule as it was published; it does again"
                );
            }
            Ok::<_, Error>(())
        })
        .buffer_unordered(AT_ONCE)
        .try_collect::<Vec<()>>()
        .await?;
    Ok(Some(match found.next_cursor {
        Some(cursor) => ReconcileSchedules { published: false, cursor: Some(cursor) },
        None => ReconcileSchedules { published: true, cursor: None },
    }))
}

/// Whether the connection of a schedule is about to end, or has; then the schedule does as well. One may
/// have been made at the very moment in which that was asked for.
async fn ended(app: &App, schedule: &Schedule) -> Result<bool, Error> {
    let connection = app.store.connection(schedule.connection_id).await?;
    let ends = matches!(connection.state, ConnectionState::Offboarding | ConnectionState::Offboarded);
    if !ends || schedule.deleted_at.is_some() {
        return Ok(false);
    }
    let change = schedule.delete(&App::occasion(now()));
    app.runs.send(&change.message(), SignedDuration::from_secs(1)).await?;
    match app.store.change_schedule(schedule, &change, None).await {
        Err(error) if error.kind == ErrorKind::Conflict => Ok(true),
        done => done.map(|()| true),
    }
}

async fn remove_unknown(app: &App, page: &ReconcileSchedules) -> Result<Option<ReconcileSchedules>, Error> {
    let (names, next) = app.scheduler.names(page.cursor.clone()).await?;
    // What is named otherwise is somebody else's.
    let ids: Vec<ScheduleId> = names.iter().filter_map(|name| name.parse().ok()).collect();
    stream::iter(ids)
        .map(|id| async move {
            let young = now() < id.created_at() + UNWRITTEN_FOR;
            if !young && app.store.schedule_record(id).await?.is_none() {
                tracing::warn!(alarm = "schedules_drifted", schedule_id = %id, "an unknown schedule is removed");
                app.scheduler.remove(id).await?;
            }
            Ok::<_, Error>(())
        })
        .buffer_unordered(AT_ONCE)
        .try_collect::<Vec<()>>()
        .await?;
    Ok(next.map(|cursor| ReconcileSchedules { published: true, cursor: Some(cursor) }))
}
