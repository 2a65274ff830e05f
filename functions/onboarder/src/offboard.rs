//! An offboarding, told as a story:
//!
//! 1. Its schedules are removed.
//! 2. The role is given back, as far as nobody else needs it.
//! 3. The grant is seen removed from IAM. While another connection that verifies the same role keeps
//!    it there, that is waited for until the deadline; one that owns the role keeps it for good.
//! 4. AWS is asked for the role, by the broker that had it and with the right external ID, until it
//!    has refused as often in a row as a proof needs rounds: IAM's servers learn one by one.
//! 5. The receipt is written, and the role is nobody's.
//!
//! A role that still answers at the deadline leaves the connection `offboarding`, with the reason
//! and an alarm, and is tried again by schedule. Each step is safe to repeat, as those of a
//! verification are.

use domain::grant::Shard;
use domain::message::{OffboardStep, OnboardingMessage};
use domain::offboarding::{AccessVerdict, Offboarding};
use domain::proof::retry_delay;
use domain::reason::ReasonCode;
use domain::steps::Place;
use domain::{Connection, Error, ErrorKind};
use jiff::{SignedDuration, Timestamp};
use runtime::now;

use crate::app::App;
use crate::give_back::give_back;
use crate::publish::{Force, LOOK_AGAIN, publish};
use crate::remove_schedules::remove_schedules;
use work::{Asked, Standing, UNWRITTEN_DELAY, may_pass};

/// How often a step is taken anew after the connection was changed at the same time.
const ATTEMPTS: usize = 5;

/// Takes one step of an offboarding.
///
/// # Errors
/// When the table, the queue or IAM failed: the message is to be delivered again.
pub(crate) async fn take_step(app: &App, step: &OffboardStep, delivered_before: bool) -> Result<(), Error> {
    let (mut attempt, mut again) = (1, delivered_before);
    loop {
        match try_step(app, step, again).await {
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

async fn try_step(app: &App, step: &OffboardStep, delivered_before: bool) -> Result<(), Error> {
    let connection = match app.store.connection(step.connection_id).await {
        Err(error) if error.kind == ErrorKind::NotFound => {
            tracing::warn!(connection_id = %step.connection_id, "a message about no connection was dropped");
            return Ok(());
        }
        connection => connection?,
    };
    let connection = give_back(app, connection).await?;
    let asked = Asked {
        id: step.offboarding_id,
        made_at: step.offboarding_id.created_at(),
        step: step.step,
        at_once: 1,
        deadline: step.deadline,
        delivered_before,
    };
    let latest = connection.offboarding.clone();
    match (asked.standing(latest.as_ref().map(|o| (o.id, &o.steps)), now()), latest) {
        (Standing::Known(Place::Now), Some(offboarding)) => advance(app, &connection, &offboarding).await,
        (Standing::Known(Place::NextLost), Some(offboarding)) => {
            send_next(app, &connection, &offboarding, SignedDuration::ZERO).await
        }
        (Standing::NotYet, _) => {
            app.queue.send(&OnboardingMessage::Offboard(step.clone()), UNWRITTEN_DELAY).await
        }
        (Standing::Known(_), _) => Ok(()),
    }
}

/// Takes the grant away, asks and judges once, and writes what follows.
async fn advance(app: &App, connection: &Connection, offboarding: &Offboarding) -> Result<(), Error> {
    remove_schedules(app, connection).await?;
    let Some(shard) = offboarding.shard else { return conclude(app, connection).await };
    let begun = now();
    if let Some(rest) = rest_of_interval(app, offboarding, begun) {
        return send_next(app, connection, offboarding, rest).await;
    }
    let mut running = offboarding.clone();
    if running.steps.step == 0 {
        running.steps = running.steps.counted_from(begun);
    }
    if running.grant_removed_at.is_none() {
        match remove(app, connection, shard).await {
            Ok(Removal::Done) => {
                running.grant_removed_at = Some(now());
                running.steps = running.steps.counted_from(now());
            }
            Ok(Removal::ByOthers) => return wait(app, connection, &running, None, LOOK_AGAIN).await,
            Ok(Removal::HeldByOthers) if running.steps.is_late(now()) => {
                return stall(app, connection, running, ReasonCode::RoleStillAssumable).await;
            }
            Ok(Removal::HeldByOthers) => {
                return wait(app, connection, &running, None, retry_delay(running.steps.step)).await;
            }
            Err(error) if may_pass(&error) && !running.steps.is_late(now()) => {
                let cause = error.chain();
                tracing::error!(connection_id = %connection.id, cause, "removing a grant is tried again");
                return wait(app, connection, &running, None, retry_delay(running.steps.step)).await;
            }
            Err(error) => return Err(error),
        }
    }

    let name = format!("drawbridge-{}", running.id);
    let outcome = app.probes.try_role(connection, shard, &name).await?;
    let verdict = running.judge(outcome, app.rounds, now());
    tracing::info!(
        connection_id = %connection.id,
        offboarding_id = %running.id,
        step = running.steps.step,
        verdict = ?verdict,
        "tried a role whose grant was removed"
    );
    match verdict {
        AccessVerdict::TryAgain => {
            wait(app, connection, &running, Some(outcome), retry_delay(running.steps.step)).await
        }
        AccessVerdict::AskAgain => {
            wait(app, connection, &running, Some(outcome), app.agreement_interval).await
        }
        AccessVerdict::Gone => {
            let mut gone = connection.clone();
            gone.offboarding = Some(running);
            conclude(app, &gone).await
        }
        AccessVerdict::Stalled(code) => stall(app, connection, running, code).await,
    }
}

/// How far the removal of the connection's grant has come.
enum Removal {
    /// IAM does not name the role any more, or it does for the connection that owns the role.
    Done,
    /// Somebody else publishes it with their own change.
    ByOthers,
    /// Another connection verifies the same role, and the grant stays in IAM for that.
    HeldByOthers,
}

/// Makes IAM what the table says, and tells whether the role has left the grant with that.
async fn remove(app: &App, connection: &Connection, shard: Shard) -> Result<Removal, Error> {
    if !publish(app, shard, Force::No).await? {
        return Ok(Removal::ByOthers);
    }
    let Some(role) = &connection.role_arn else { return Ok(Removal::Done) };
    let grant = app.store.grant_shard(shard).await?;
    if grant.roles.contains(role) {
        let owner = app.store.role_owner(role).await?;
        let owned_elsewhere = owner.is_some_and(|owner| owner != connection.id);
        return Ok(if owned_elsewhere { Removal::Done } else { Removal::HeldByOthers });
    }
    // Changed since it was published: what IAM names now is known when that is published too.
    Ok(if grant.is_published() { Removal::Done } else { Removal::ByOthers })
}

/// What is left of the agreement interval since the last refusal, if something is.
fn rest_of_interval(app: &App, offboarding: &Offboarding, now: Timestamp) -> Option<SignedDuration> {
    let due = *offboarding.refusals.last()? + app.agreement_interval;
    // Delays are whole seconds, and one that is cut short would only come back once more.
    (now < due).then(|| SignedDuration::from_secs(due.duration_since(now).as_secs() + 1))
}

/// Writes how far the offboarding has come, then sends the next step.
async fn wait(
    app: &App,
    connection: &Connection,
    offboarding: &Offboarding,
    outcome: Option<domain::proof::ProbeOutcome>,
    delay: SignedDuration,
) -> Result<(), Error> {
    let next = offboarding.advanced(now(), outcome);
    app.store.advance_offboarding(connection, &next).await?;
    send_next(app, connection, &next, delay).await
}

async fn send_next(
    app: &App,
    connection: &Connection,
    offboarding: &Offboarding,
    delay: SignedDuration,
) -> Result<(), Error> {
    app.queue.send(&OnboardingMessage::Offboard(offboarding.next_message(connection.id)), delay).await
}

async fn conclude(app: &App, connection: &Connection) -> Result<(), Error> {
    let change = connection.conclude_offboarding(App::occasion(now()))?;
    app.store.apply(connection, &change, None).await?;
    tracing::info!(connection_id = %connection.id, "a connection was offboarded");
    Ok(())
}

async fn stall(
    app: &App,
    connection: &Connection,
    running: Offboarding,
    code: ReasonCode,
) -> Result<(), Error> {
    let mut late = connection.clone();
    late.offboarding = Some(running);
    let change = late.stall_offboarding(code, app.cadence, App::occasion(now()))?;
    app.store.apply(connection, &change, None).await?;
    tracing::error!(
        connection_id = %connection.id,
        reason = code.as_str(),
        alarm = "role_still_assumable",
        "a role could not be shown to be out of reach"
    );
    Ok(())
}

#[cfg(test)]
mod tests;
