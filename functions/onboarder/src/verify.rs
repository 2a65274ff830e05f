//! A verification, told as a story:
//!
//! 1. What the connection no longer needs is given back.
//! 2. The broker is granted the role, once.
//! 3. AWS is asked for the role with the right external ID. IAM takes its time, so a refusal sends
//!    the next step with a delay, until the deadline.
//! 4. Once that is allowed, AWS is asked with no external ID and with a random one, and whose
//!    session it is. Both must be refused, in as many rounds as are required, some seconds apart.
//! 5. What the role may do is looked at, some Regions a step.
//! 6. The outcome, its evidence, its event and who owns the role are written in one transaction.
//! 7. A role that was not accepted is given back.
//!
//! Each step is safe to repeat. It is taken only if the table expects it, and the table is written
//! before the next step is sent; a redelivered message whose step is done sends the next one
//! again, in case the crash came in between. Two messages of the same step meet at the table's
//! condition, and one of them ends there.

use domain::message::{OnboardingMessage, VerifyStep};
use domain::proof::{Probe, Rule, Verdict, refused_by, retry_delay};
use domain::steps::{MAX_STEPS, Place};
use domain::verification::{Outcome, Verification};
use domain::{Connection, ConnectionId, ConnectionState, Error, ErrorKind, ExternalId};
use jiff::{SignedDuration, Timestamp};
use runtime::{now, random};

use crate::app::App;
use crate::check_permissions::check_permissions;
use crate::give_back::give_back;
use crate::grant::grant;
use crate::publish::{Force, LOOK_AGAIN};
use work::may_pass;
use work::{Asked, Standing, UNWRITTEN_DELAY};

/// How often a step is taken anew after the connection was changed at the same time.
const ATTEMPTS: usize = 5;

/// So many steps after it was granted, a role that is still refused has its grant published once
/// more: somebody may have changed our policy. It is seconds after the start, so that the answer is
/// known long before the deadline.
const GRANT_AGAIN_AFTER: u32 = 4;

/// Takes one step of a verification.
///
/// # Errors
/// When the table, the queue or IAM failed: the message is to be delivered again.
pub(crate) async fn take_step(app: &App, step: &VerifyStep, delivered_before: bool) -> Result<(), Error> {
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

async fn try_step(app: &App, step: &VerifyStep, delivered_before: bool) -> Result<(), Error> {
    let connection = match app.store.connection(step.connection_id).await {
        Err(error) if error.kind == ErrorKind::NotFound => {
            tracing::warn!(connection_id = %step.connection_id, "a message about no connection was dropped");
            return Ok(());
        }
        connection => connection?,
    };
    // What is not given back now stays in the table, and is with the next step.
    let connection = match give_back(app, connection).await {
        Err(error) if error.kind == ErrorKind::Unavailable => {
            tracing::warn!(connection_id = %step.connection_id, cause = error.chain(), "giving back is tried again");
            let connection = app.store.connection(step.connection_id).await?;
            if !connection.is_being_verified() {
                return Err(error);
            }
            connection
        }
        connection => connection?,
    };
    let asked = Asked {
        id: step.verification_id,
        made_at: step.verification_id.created_at(),
        step: step.step,
        at_once: 1,
        deadline: step.deadline,
        delivered_before,
    };
    let latest = connection.verification.clone();
    match (asked.standing(latest.as_ref().map(|v| (v.id, &v.steps)), now()), latest) {
        (Standing::Known(Place::Now), Some(verification)) => advance(app, connection, &verification).await,
        (Standing::Known(Place::NextLost), Some(verification)) => {
            send_next(app, &connection, &verification, SignedDuration::ZERO).await
        }
        (Standing::NotYet, _) => {
            app.queue.send(&OnboardingMessage::Verify(step.clone()), UNWRITTEN_DELAY).await
        }
        (Standing::Known(_), _) => Ok(()),
    }
}

/// Grants, probes and judges once, and writes what follows.
async fn advance(app: &App, mut connection: Connection, verification: &Verification) -> Result<(), Error> {
    if verification.proven {
        return Box::pin(check_permissions(app, &connection, verification)).await;
    }
    let begun = now();
    if let Some(rest) = rest_of_interval(app, verification, begun) {
        return send_next(app, &connection, verification, rest).await;
    }
    let mut running = verification.clone();
    if running.steps.step == 0 {
        running.steps = running.steps.counted_from(begun);
    }
    if running.steps.step >= MAX_STEPS {
        running.steps.deadline = Timestamp::MIN;
    }
    let force = match running.granted_at {
        None => Some(Force::No),
        Some(at) if running.steps.step == at + GRANT_AGAIN_AFTER => Some(Force::Yes),
        Some(_) => None,
    };
    if let Some(force) = force {
        connection = match grant(app, connection.clone(), force).await {
            Ok((granted, false)) if running.granted_at.is_none() && !running.steps.is_late(now()) => {
                // Somebody else publishes the role with their own.
                return wait(app, &granted, &running, &[], LOOK_AGAIN).await;
            }
            Ok((granted, false)) if running.granted_at.is_none() => {
                return conclude(app, &granted, &Outcome::Inconclusive, &[]).await;
            }
            // One that was granted before goes on with what is there.
            Ok((granted, _)) => granted,
            Err(error) if may_pass(&error) => {
                return grant_later(app, connection.id, verification, &running, &error).await;
            }
            Err(error) => return Err(error),
        };
        if running.granted_at.is_none() {
            running.granted_at = Some(running.steps.step);
            running.steps = running.steps.counted_from(now());
        }
    }

    let made_up = ExternalId::new(random());
    let report = Box::pin(app.probes.run_round(&connection, &running, &made_up)).await?;
    let rule = Rule { rounds: app.rounds, deadline: running.steps.deadline };
    let verdict = rule.judge(running.rounds_agreed(), report.round, now());
    tracing::info!(
        connection_id = %connection.id,
        verification_id = %running.id,
        step = running.steps.step,
        verdict = ?verdict,
        refused_by = ?refused_by(&report.probes),
        "probed the role's trust"
    );
    match verdict {
        Verdict::TryAgain => wait(app, &connection, &running, &[], retry_delay(running.steps.step)).await,
        Verdict::AnotherRound => {
            wait(app, &connection, &running, &report.probes, app.agreement_interval).await
        }
        Verdict::Proven => {
            let proven = running.proven(now(), &report.probes);
            app.store.advance(&connection, &proven).await?;
            send_next(app, &connection, &proven, SignedDuration::ZERO).await
        }
        Verdict::Rejected(codes) => {
            conclude(app, &connection, &Outcome::Rejected(codes), &report.probes).await
        }
        Verdict::Inconclusive => conclude(app, &connection, &Outcome::Inconclusive, &report.probes).await,
    }
}

/// What is left of the agreement interval since the last round that agrees, if something is: a
/// message that came early must not make two rounds of one.
fn rest_of_interval(app: &App, verification: &Verification, now: Timestamp) -> Option<SignedDuration> {
    let due = verification.last_agreed_at()? + app.agreement_interval;
    // Delays are whole seconds, and one that is cut short would only come back once more.
    (now < due).then(|| SignedDuration::from_secs(due.duration_since(now).as_secs() + 1))
}

/// IAM throttles or has not caught up with itself, or no shard has room: nothing is known about the
/// customer's role yet. What was noted in the table stays, so the next step begins with it.
async fn grant_later(
    app: &App,
    id: ConnectionId,
    verification: &Verification,
    running: &Verification,
    error: &Error,
) -> Result<(), Error> {
    let full = matches!(error.code, "grant_capacity_exhausted" | "grant_quota_exceeded");
    if full {
        let cause = error.chain();
        tracing::error!(connection_id = %id, cause, alarm = "grant_capacity_exhausted", "a grant has no room");
    } else {
        tracing::error!(connection_id = %id, cause = error.chain(), "granting is tried again");
    }
    let connection = app.store.connection(id).await?;
    if connection.verification.as_ref() != Some(verification) {
        // Somebody began another one meanwhile.
        return Ok(());
    }
    if running.steps.is_late(now()) {
        let outcome = if full { Outcome::NoRoom } else { Outcome::Inconclusive };
        return conclude(app, &connection, &outcome, &[]).await;
    }
    wait(app, &connection, running, &[], retry_delay(running.steps.step)).await
}

/// Writes how far the verification has come, then sends the next step.
pub(crate) async fn wait(
    app: &App,
    connection: &Connection,
    verification: &Verification,
    agreed: &[Probe],
    delay: SignedDuration,
) -> Result<(), Error> {
    let next = verification.advanced(now(), agreed);
    app.store.advance(connection, &next).await?;
    send_next(app, connection, &next, delay).await
}

async fn send_next(
    app: &App,
    connection: &Connection,
    verification: &Verification,
    delay: SignedDuration,
) -> Result<(), Error> {
    app.queue.send(&OnboardingMessage::Verify(verification.next_message(connection.id)), delay).await
}

/// Writes the outcome, then gives back what is no longer needed.
pub(crate) async fn conclude(
    app: &App,
    connection: &Connection,
    outcome: &Outcome,
    last_round: &[Probe],
) -> Result<(), Error> {
    let change = connection.conclude(outcome, last_round, app.cadence, App::occasion(now()))?;
    app.store.apply(connection, &change, None).await?;
    tracing::info!(
        connection_id = %connection.id,
        from = connection.state.as_str(),
        to = change.connection.state.as_str(),
        "a verification has ended"
    );
    let suspended = ConnectionState::Suspended;
    if change.connection.state == suspended && connection.state != suspended {
        let id = connection.id;
        tracing::warn!(connection_id = %id, alarm = "connection_suspended", "trust no longer holds");
    }
    give_back(app, change.connection).await?;
    Ok(())
}

#[cfg(test)]
mod tests;
