//! A run, told as a story:
//!
//! 1. Page by page, the connections that it is about get a part each. A part's message goes out when it is
//!    written.
//! 2. When all have one, the parts and their chunks are gone through in order, as far as they have ended,
//!    and what became of their jobs is counted.
//! 3. When the last has ended, the end is written with its event.
//!
//! What a step finds is written with how far the run came, on the condition that it is the step that is
//! next: so each part is made once, each chunk is counted once, and the run ends once.

use domain::message::RunStep;
use domain::part::Part;
use domain::run::{Run, RunState, Scope, Tally};
use domain::steps::Place;
use domain::{ConnectionId, Error, ErrorKind};
use jiff::SignedDuration;
use runtime::now;
use store::{ConnectionFilter, Entry, PageRequest};
use work::{Asked, Standing, TakenBy, UNWRITTEN_DELAY};

use crate::app::App;
use crate::look_at_backups::ask_for_look;

/// How many connections one step gives a part each: with the run itself one transaction, of 100 at most.
/// Source: `DynamoDB` API Reference, `TransactWriteItems`.
const PAGE: u8 = 50;

/// Takes one step of a run.
///
/// # Errors
/// When the table or a queue failed: the message is to be delivered again.
pub(crate) async fn take_step(app: &App, step: &RunStep, again: bool) -> Result<(), Error> {
    if Box::pin(try_step(app, step, again)).await? == TakenBy::Another {
        // That one may fail to send the next step, and when this one is done the message comes no more.
        Box::pin(try_step(app, step, true)).await?;
    }
    Ok(())
}

async fn try_step(app: &App, step: &RunStep, again: bool) -> Result<TakenBy, Error> {
    let found = match app.store.run(step.run_id).await {
        Err(error) if error.kind == ErrorKind::NotFound => None,
        run => Some(run?),
    };
    let asked = Asked {
        id: step.run_id,
        made_at: step.run_id.created_at(),
        step: step.step,
        at_once: 1,
        deadline: step.deadline,
        delivered_before: again,
    };
    let steps = found.as_ref().map(|run| (run.id, &run.progress.steps));
    match (asked.standing(steps, now()), &found) {
        (Standing::Known(Place::Now), Some(run)) if run.state == RunState::Planning => {
            return plan(app, run).await;
        }
        (Standing::Known(Place::Now), Some(run)) => return count(app, run).await,
        (Standing::Known(Place::NextLost), Some(run)) => send_on(app, run).await?,
        (Standing::NotYet, _) => {
            app.runs.send(&domain::message::RunsMessage::Run(step.clone()), UNWRITTEN_DELAY).await?;
        }
        (Standing::Known(_), _) => {}
    }
    Ok(TakenBy::This)
}

/// Gives the next page of connections a part each.
async fn plan(app: &App, run: &Run) -> Result<TakenBy, Error> {
    let (ids, cursor) = page(app, run).await?;
    let now = now();
    let deadline = run.progress.steps.deadline;
    let parts: Vec<Part> = ids.iter().map(|id| Part::begin(run.id, *id, now, deadline)).collect();
    let next = run.planned(ids, cursor, now);
    if !app.store.advance_run(&next, &parts).await? {
        return Ok(TakenBy::Another);
    }
    send_on(app, &next).await?;
    Ok(TakenBy::This)
}

/// The connections of the page that is next, and where the one after it begins.
async fn page(app: &App, run: &Run) -> Result<(Vec<ConnectionId>, Option<String>), Error> {
    let cursor = run.progress.cursor.clone();
    match &run.order.scope {
        Scope::All => {
            let request = PageRequest { limit: PAGE, cursor };
            let page = app.store.connections(ConnectionFilter::default(), &request).await?;
            let accepted = page.items.into_iter().filter(|connection| connection.state.admits_operations());
            Ok((accepted.map(|connection| connection.id).collect(), page.next_cursor))
        }
        Scope::Connections(ids) => {
            let done = cursor.and_then(|cursor| cursor.parse().ok()).unwrap_or(0);
            let next = done + usize::from(PAGE);
            let page = ids.iter().skip(done).take(usize::from(PAGE)).copied().collect();
            Ok((page, (next < ids.len()).then(|| next.to_string())))
        }
    }
}

/// Sends what the latest step has written, then the next step. Sending it twice does no harm.
async fn send_on(app: &App, run: &Run) -> Result<(), Error> {
    for connection in &run.progress.sending {
        if let Some(part) = app.store.part(run.id, *connection).await? {
            app.runs.send(&part.next_message(), SignedDuration::ZERO).await?;
        }
    }
    app.runs.send(&run.next_message(), run.pause()).await
}

/// Counts what has ended since the step before, and ends the run if that is all of it.
async fn count(app: &App, run: &Run) -> Result<TakenBy, Error> {
    let (entries, more) = app.store.entries(run.id, run.progress.counted.as_deref()).await?;
    let ended: Vec<&Entry> = entries.iter().take_while(|entry| !entry.steps.running).collect();
    let tally = ended.iter().fold(Tally::default(), |tally, entry| tally.and(entry.tally));
    let all = ended.len() == entries.len();
    if all && !more {
        return end(app, run, tally).await;
    }
    if let Some(open) = entries.get(ended.len()).filter(|entry| entry.steps.is_stuck(now())) {
        give_up(app, run, open).await?;
    }
    let counted = ended.last().map(|entry| entry.place.clone());
    let next = run.counted(counted, tally, now());
    if !app.store.advance_run(&next, &[]).await? {
        return Ok(TakenBy::Another);
    }
    // What is left of this page is at hand at once, if all of it had ended.
    let pause = if all { SignedDuration::ZERO } else { next.pause() };
    app.runs.send(&next.next_message(), pause).await?;
    Ok(TakenBy::This)
}

/// Ends what has not ended though its time is over: its message is among the dead letters.
async fn give_up(app: &App, run: &Run, open: &Entry) -> Result<(), Error> {
    const LOST: &str = "Drawbridge was interrupted again and again, and has given it up.";
    tracing::error!(run_id = %run.id, connection_id = %open.connection_id, "a part of a run was lost");
    match open.number {
        Some(number) => {
            if let Some(chunk) = app.store.chunk(run.id, open.connection_id, number).await? {
                let lost = chunk.given_up(domain::job::Phase::Failed, "interrupted", LOST);
                app.store.write_chunk(&lost, &[], &[]).await?;
            }
        }
        None => {
            if let Some(part) = app.store.part(run.id, open.connection_id).await? {
                crate::plan_part::give_up(app, run, &part, "interrupted", LOST).await?;
            }
        }
    }
    Ok(())
}

/// Whether backups may be fresher after this run.
fn tells_of_freshness(run: &Run) -> bool {
    run.order.terms.kind.makes_backups() && !run.order.terms.dry_run
}

/// Writes the end, with its event.
async fn end(app: &App, run: &Run, tally: Tally) -> Result<TakenBy, Error> {
    let occasion = App::occasion(now());
    let ended = run.finished(tally, occasion.now);
    if let Some(connection) = run.connection().filter(|_| tells_of_freshness(run)) {
        // Before the end is written, for after it nobody would come back to it.
        ask_for_look(app, connection, SignedDuration::ZERO).await?;
    }
    if !app.store.end_run(&ended, &ended.event(&occasion)).await? {
        return Ok(TakenBy::Another);
    }
    tracing::info!(run_id = %ended.id, state = ?ended.state, jobs = ended.tally.total, "a run has ended");
    Ok(TakenBy::This)
}

#[cfg(test)]
mod tests;
