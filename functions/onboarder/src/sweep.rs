//! The sweep: looks after every connection whose time has come.
//!
//! Accepted connections are verified again, an offboarding that stalled is tried again, and work
//! whose message was lost is begun anew; a look for a role ends then. A schedule sends the first
//! message of a sweep; each takes one page and sends the next while there are more. What is looked
//! after gets another time, so a crash, a second delivery and two sweeps at once only find less to
//! do.

use domain::connection::Change;
use domain::message::{DuePlace, OnboardingMessage, Sweep};
use domain::{Connection, ConnectionState, Error};
use futures::StreamExt as _;
use futures::stream;
use jiff::{SignedDuration, Timestamp};
use runtime::now;

use crate::app::App;

/// Connections of one message.
const PAGE: u8 = 25;
/// Of which so many are looked after at once.
const AT_ONCE: usize = 8;
/// Between two pages, so that a sweep leaves room on the queue for what people wait for.
const PAUSE: SignedDuration = SignedDuration::from_secs(1);
/// How long the first message of what is begun is held back, so that the table knows of it when
/// the message arrives.
const HEAD_START: SignedDuration = SignedDuration::from_secs(1);

/// Looks after one page of what is due.
///
/// # Errors
/// When the table or the queue failed: the message is to be delivered again.
pub(crate) async fn take(app: &App, sweep: &Sweep) -> Result<(), Error> {
    let now = now();
    let due = app.store.due(now, sweep.after.as_ref(), PAGE).await?;
    let looked_after = stream::iter(&due.places)
        .map(async |place| match look_after(app, place, now).await {
            Ok(()) => true,
            // It stays due, and harms no other.
            Err(error) => {
                let (connection_id, cause) = (place.connection_id, error.chain());
                tracing::error!(%connection_id, cause, "a connection could not be looked after");
                false
            }
        })
        .buffer_unordered(AT_ONCE)
        .filter(|done| std::future::ready(*done))
        .count()
        .await;
    if !due.places.is_empty() {
        tracing::info!(due = due.places.len(), looked_after, more = due.more, "swept a page");
    }
    match due.places.last() {
        Some(last) if due.more => {
            let next = Sweep { after: Some(last.clone()) };
            app.queue.send(&OnboardingMessage::Sweep(next), PAUSE).await
        }
        _ => Ok(()),
    }
}

async fn look_after(app: &App, place: &DuePlace, now: Timestamp) -> Result<(), Error> {
    let connection = app.store.connection(place.connection_id).await?;
    if connection.due_at.is_none_or(|due_at| due_at > now) {
        // The index learns of it later than the table.
        return Ok(());
    }
    if let Some(look) = connection.looking() {
        // Its message was lost. It is past its end, so that its next step ends it.
        let message = OnboardingMessage::Look(look.next_message(connection.id));
        app.queue.send(&message, SignedDuration::ZERO).await?;
    }
    let looked_after = match begin(app, &connection, now)? {
        Some((change, message)) => {
            // Sent before it is written, as the API does: what is not written is dropped.
            app.queue.send(&message, HEAD_START).await?;
            app.store.apply(&connection, &change, None).await
        }
        // It is at work, and is looked after once that should be over.
        None => app.store.set_due(&connection, domain::cadence::watched_at(now)).await,
    };
    match looked_after {
        // Somebody else has just done something with it, or another sweep this.
        Err(error) if error.code == "concurrent_change" => Ok(()),
        result => result,
    }
}

/// What is to be begun, if something is.
fn begin(
    app: &App,
    connection: &Connection,
    now: Timestamp,
) -> Result<Option<(Change, OnboardingMessage)>, Error> {
    if connection.state == ConnectionState::PendingRole {
        return Ok(None);
    }
    let occasion = App::occasion(now);
    let change = if connection.state == ConnectionState::Offboarding {
        connection.offboard(app.end(now), occasion)?
    } else {
        let depth = app.cadence.depth(connection.last_full_at, now);
        connection.request_verification(app.start(depth, now), occasion)?
    };
    Ok(change.and_then(|change| {
        let message = change.next_message()?;
        Some((change, message))
    }))
}

#[cfg(test)]
mod tests;
