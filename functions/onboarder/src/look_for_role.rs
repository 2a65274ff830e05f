//! A look for a customer's role, told as a story:
//!
//! 1. What the connection no longer needs is given back.
//! 2. The broker is granted the role that is looked for, once; unless somebody else has connected it.
//! 3. AWS is asked for the role with the right external ID. Whatever comes back but a session means that
//!    it is not there yet: the next step is sent with a delay that grows.
//! 4. Once it is there it is submitted as if whoever asked for the look had done so, and its grant stays:
//!    whether it can be trusted is for the verification to prove.
//! 5. At the end of the look's time its grant is given back, and nobody has failed.
//!
//! Each step is safe to repeat, as those of a verification are. Looks end by the clock and by their
//! number of steps; a look that began later, a submission or an offboarding ends them at once, since the
//! table no longer expects their next step.

use domain::look::Look;
use domain::message::{LookStep, OnboardingMessage};
use domain::proof::ProbeOutcome;
use domain::steps::Place;
use domain::verification::Depth;
use domain::{Connection, Error, ErrorKind};
use jiff::SignedDuration;
use runtime::now;

use crate::app::App;
use crate::give_back::give_back;
use crate::grant::grant;
use crate::publish::{Force, LOOK_AGAIN};
use work::{Asked, Standing, UNWRITTEN_DELAY, may_pass};

/// How often a step is taken anew after the connection was changed at the same time.
const ATTEMPTS: usize = 5;

/// How long the first message of the verification is held back, so that the table knows of it when the
/// message arrives.
const HEAD_START: SignedDuration = SignedDuration::from_secs(1);

/// Takes one step of a look.
///
/// # Errors
/// When the table, the queue or IAM failed: the message is to be delivered again.
pub(crate) async fn take_step(app: &App, step: &LookStep, delivered_before: bool) -> Result<(), Error> {
    let (mut attempt, mut again) = (1, delivered_before);
    loop {
        match Box::pin(try_step(app, step, again)).await {
            Err(error) if error.code == "concurrent_change" && attempt < ATTEMPTS => {
                attempt += 1;
                // Another delivery may have taken the step, and may fail to send the next one: when this one is
                // done the message comes no more.
                again = true;
            }
            result => return result,
        }
    }
}

async fn try_step(app: &App, step: &LookStep, delivered_before: bool) -> Result<(), Error> {
    let connection = match app.store.connection(step.connection_id).await {
        Err(error) if error.kind == ErrorKind::NotFound => {
            tracing::warn!(connection_id = %step.connection_id, "a message about no connection was dropped");
            return Ok(());
        }
        connection => connection?,
    };
    let connection = give_back(app, connection).await?;
    let asked = Asked {
        id: step.look_id,
        made_at: step.look_id.created_at(),
        step: step.step,
        at_once: 1,
        deadline: step.deadline,
        delivered_before,
    };
    let latest = connection.look.clone();
    match (asked.standing(latest.as_ref().map(|look| (look.id, &look.steps)), now()), latest) {
        (Standing::Known(Place::Now), Some(look)) => Box::pin(advance(app, connection, &look)).await,
        (Standing::Known(Place::NextLost), Some(look)) => send_next(app, &connection, &look).await,
        (Standing::NotYet, _) => {
            app.queue.send(&OnboardingMessage::Look(step.clone()), UNWRITTEN_DELAY).await
        }
        (Standing::Known(_), _) => Ok(()),
    }
}

/// Grants and asks once, and writes what follows.
async fn advance(app: &App, connection: Connection, look: &Look) -> Result<(), Error> {
    if look.steps.is_late(now()) {
        return give_up(app, &connection).await;
    }
    // Somebody else has proven that the role is theirs. A hold of ours would only keep its grant from being
    // given back when they leave.
    let owner = app.store.role_owner(&look.role_arn).await?;
    if owner.is_some_and(|owner| owner != connection.id) {
        return give_up(app, &connection).await;
    }
    let connection = match grant(app, connection.clone(), Force::No).await {
        Ok((granted, true)) => granted,
        // Somebody else publishes the role with their own.
        Ok((granted, false)) => return wait(app, &granted, &look.paused(now(), LOOK_AGAIN)).await,
        Err(error) if may_pass(&error) => return grant_later(app, &connection, look, &error).await,
        Err(error) => return Err(error),
    };
    let outcome = app.probes.look_for_role(&connection, &format!("drawbridge-{}", look.id)).await?;
    tracing::info!(
        connection_id = %connection.id,
        look_id = %look.id,
        attempt = look.attempts + 1,
        outcome = ?outcome,
        "looked for a role"
    );
    match outcome {
        ProbeOutcome::Allowed => submit(app, &connection, look).await,
        ProbeOutcome::Denied | ProbeOutcome::Inconclusive => {
            wait(app, &connection, &look.tried(now(), app.look_interval)).await
        }
    }
}

/// IAM throttles, or no shard has room: what was noted in the table stays, and the next step begins
/// with it.
async fn grant_later(app: &App, before: &Connection, look: &Look, error: &Error) -> Result<(), Error> {
    let cause = error.chain();
    if matches!(error.code, "grant_capacity_exhausted" | "grant_quota_exceeded") {
        let alarm = "grant_capacity_exhausted";
        tracing::error!(connection_id = %before.id, cause, alarm, "a grant has no room");
    } else {
        tracing::warn!(connection_id = %before.id, cause, "granting a role that is looked for is tried again");
    }
    let connection = app.store.connection(before.id).await?;
    if connection.looking() != Some(look) {
        // Somebody ended it or began another one meanwhile.
        return Ok(());
    }
    wait(app, &connection, &look.tried(now(), app.look_interval)).await
}

/// Submits the role that was found.
async fn submit(app: &App, connection: &Connection, look: &Look) -> Result<(), Error> {
    let moment = now();
    let start = app.start(Depth::Full, moment);
    let change = connection.submit_found_role(start, App::occasion(moment))?;
    if let Some(message) = change.next_message() {
        // Sent before it is written, as the API does: what is not written is dropped.
        app.queue.send(&message, HEAD_START).await?;
    }
    app.store.apply(connection, &change, None).await?;
    tracing::info!(connection_id = %connection.id, look_id = %look.id, "a role was found and submitted");
    Ok(())
}

/// Ends the look, then gives back its grant.
async fn give_up(app: &App, connection: &Connection) -> Result<(), Error> {
    let change = connection.give_up_looking(App::occasion(now()))?;
    app.store.apply(connection, &change, None).await?;
    tracing::info!(connection_id = %connection.id, "a look for a role has ended");
    give_back(app, change.connection).await?;
    Ok(())
}

/// Writes how far the look has come, then sends the next step.
async fn wait(app: &App, connection: &Connection, next: &Look) -> Result<(), Error> {
    app.store.advance_look(connection, next).await?;
    send_next(app, connection, next).await
}

async fn send_next(app: &App, connection: &Connection, look: &Look) -> Result<(), Error> {
    let left = look.next_at.duration_since(now()).max(SignedDuration::ZERO);
    // Delays are whole seconds, and one that is cut short would come too early.
    let delay = SignedDuration::from_secs(left.as_secs() + i64::from(left.subsec_nanos() > 0));
    app.queue.send(&OnboardingMessage::Look(look.next_message(connection.id)), delay).await
}

#[cfg(test)]
mod tests;
