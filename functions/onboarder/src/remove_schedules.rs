//! What a connection that ends was scheduled for is removed: nothing is due there any more.

use domain::{Connection, Error, ErrorKind};
use jiff::SignedDuration;
use runtime::now;
use store::PageRequest;

use crate::app::App;

/// Most schedules that are removed at once; the next step finds the rest.
const PAGE: u8 = 50;

/// How long the planner waits for what is about to be written.
const AHEAD: SignedDuration = SignedDuration::from_secs(1);

/// Deletes the connection's schedules. The message by which EventBridge forgets one goes out first.
///
/// # Errors
/// When the table or the queue does not answer.
pub(crate) async fn remove_schedules(app: &App, connection: &Connection) -> Result<(), Error> {
    let page = PageRequest { limit: PAGE, cursor: None };
    for schedule in app.store.schedules(connection.id, &page).await?.items {
        let change = schedule.delete(&App::occasion(now()));
        app.runs.send(&change.message(), AHEAD).await?;
        match app.store.change_schedule(&schedule, &change, None).await {
            // Somebody has changed it meanwhile: the next step finds it as it is.
            Err(error) if error.kind == ErrorKind::Conflict => {}
            done => done?,
        }
        tracing::info!(connection_id = %connection.id, schedule_id = %schedule.id, "a schedule was removed");
    }
    Ok(())
}
