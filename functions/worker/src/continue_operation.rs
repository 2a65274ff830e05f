//! An operation that lasts, told as a story:
//!
//! 1. AWS is asked for it, for the targets of which it was not asked yet. What AWS refuses has failed;
//!    what throttles or fails is asked for again, for some minutes. After that AWS is asked for nothing
//!    more, however late a message comes.
//! 2. AWS is asked how those are that it took, until each has reached what is meant, has failed, or
//!    takes too long.
//! 3. The end is written with its event.
//!
//! Each step is safe to repeat: what lasts can be asked for again without harm. It is taken only if the
//! table expects it, and the table is written before the next step is sent.

use std::time::{Duration, Instant};

use access::{CustomerSession, Opened};
use domain::message::{JobsMessage, OperationStep};
use domain::operation::{LONGEST_ASKING, Lasting, Operation, OperationState, Target, TargetOutcome};
use domain::policy::PolicyDocument;
use domain::proof::ProbeOutcome;
use domain::steps::Place as StepPlace;
use domain::{Connection, Error, ErrorKind};
use estate::operations::{Goal, LASTING_TARGETS, Place, Read, Request, passing};
use jiff::{SignedDuration, Timestamp};
use runtime::now;
use serde::de::DeserializeOwned;
use serde_json::Value;
use work::{Asked, Standing, TakenBy, UNWRITTEN_DELAY};

use crate::app::App;
use crate::restore_backup;

/// Longest that a step may take until AWS is asked for nothing more, so that what became of it can still be
/// written in the time that the function has.
pub(crate) const LONGEST_CALLS: Duration = Duration::from_secs(40);

/// Takes one step of an operation.
///
/// # Errors
/// When the table or the queue failed: the message is to be delivered again.
pub(crate) async fn take_step(app: &App, step: &OperationStep, again: bool) -> Result<(), Error> {
    if Box::pin(try_step(app, step, again)).await? == TakenBy::Another {
        // That one may fail to send the next step, and when this one is done the message comes no more.
        Box::pin(try_step(app, step, true)).await?;
    }
    Ok(())
}

async fn try_step(app: &App, step: &OperationStep, again: bool) -> Result<TakenBy, Error> {
    let found = match app.store.operation(step.operation_id).await {
        Err(error) if error.kind == ErrorKind::NotFound => None,
        operation => Some(operation?),
    };
    let asked = Asked {
        id: step.operation_id,
        made_at: step.operation_id.created_at(),
        step: step.step,
        at_once: if found.as_ref().is_some_and(|operation| operation.restoring.is_some()) {
            restore_backup::STEPS_AT_ONCE
        } else {
            1
        },
        deadline: step.deadline,
        delivered_before: again || step.waited,
    };
    let steps = found.as_ref().and_then(|operation| Some((operation.id, operation.steps()?)));
    match (asked.standing(steps, now()), &found) {
        (Standing::Known(StepPlace::Now), Some(operation)) => match &operation.restoring {
            Some(restoring) => {
                return Box::pin(restore_backup::advance(app, operation, restoring, again || step.waited))
                    .await;
            }
            None => return advance(app, operation).await,
        },
        (Standing::Known(StepPlace::NextLost), Some(operation)) => {
            send_next(app, operation, SignedDuration::ZERO).await?;
        }
        (Standing::NotYet, _) => {
            app.queue.send(&JobsMessage::Operation(step.clone()), UNWRITTEN_DELAY).await?;
        }
        (Standing::Known(_), _) => {}
    }
    Ok(TakenBy::This)
}

/// Asks AWS once, and writes what became of it.
async fn advance(app: &App, operation: &Operation) -> Result<TakenBy, Error> {
    let Some(lasting) = operation.lasting.as_ref().filter(|_| operation.state == OperationState::Running)
    else {
        return Ok(TakenBy::This);
    };
    let until = Instant::now() + LONGEST_CALLS;
    let connection = app.store.connection(operation.connection_id).await?;
    if !connection.state.admits_operations() {
        let detail = format!("The connection has become {}.", connection.state.as_str());
        return end(app, operation.clone().given_up("connection_not_active", &detail)).await;
    }
    let wanted = still_wanted(operation, lasting, &connection, now());
    if wanted.is_settled() {
        return end(app, wanted).await;
    }
    let work = Work::of(&wanted, lasting, &connection)?;
    let policy = work.policy();
    let next = match Box::pin(app.sessions.open(&connection, &operation.session_name, &policy)).await? {
        Opened::Open(session) => work.carry(&wanted, &session.until(until)).await,
        Opened::Shut(ProbeOutcome::Denied) => {
            let detail = "The customer's role refused Drawbridge's session; verify the connection to learn which \
                          side refuses.";
            return end(app, wanted.given_up("role_not_assumable", detail)).await;
        }
        Opened::TooLarge => {
            let detail = "AWS gave no session that is limited to so many resources. Ask for fewer at once.";
            return end(app, wanted.given_up("too_many_resources", detail)).await;
        }
        // AWS throttles, or failed.
        Opened::Shut(_) => wanted.stepped(vec![], now()),
    };
    let next = in_time(next, lasting, now());
    if next.is_settled() {
        return end(app, next).await;
    }
    if !app.store.advance_operation(&next).await? {
        return Ok(TakenBy::Another);
    }
    send_next(app, &next, next.pause()).await?;
    Ok(TakenBy::This)
}

/// What one step of an operation does.
struct Work<'a> {
    goal: Goal,
    place: Place,
    /// What AWS is to be asked for, if it was not yet for all targets.
    request: Option<Request>,
    /// Those that AWS took.
    running: Vec<String>,
    lasting: &'a Lasting,
}

/// Inputs that were read and checked when they came.
struct Kept;

impl Read for Kept {
    fn read<T: DeserializeOwned>(&self, input: &Value) -> Result<T, Error> {
        serde_json::from_value(input.clone()).map_err(Error::internal)
    }
}

impl<'a> Work<'a> {
    fn of(operation: &Operation, lasting: &'a Lasting, connection: &Connection) -> Result<Self, Error> {
        let place = Place::of(connection, &operation.region)?;
        let request = |ids: &[String]| {
            let mut input = lasting.input.clone();
            input.insert(LASTING_TARGETS.to_owned(), ids.into());
            Request::read(operation.action, &Value::Object(input), &place, &Kept)
                .unwrap_or_else(|| Err(Error::internal(format!("{} is not offered", operation.action))))
        };
        let queued = operation.ids(TargetOutcome::Queued);
        let running = operation.ids(TargetOutcome::Running);
        let all: Vec<String> = queued.iter().chain(&running).cloned().collect();
        let goal = request(&all)?
            .goal()
            .ok_or_else(|| Error::internal(format!("{} does not last", operation.action)))?;
        let request = if queued.is_empty() { None } else { Some(request(&queued)?) };
        Ok(Self { goal, place, request, running, lasting })
    }

    /// What this step's session may do, and nothing else.
    fn policy(&self) -> PolicyDocument {
        let mut statements = Vec::new();
        if let Some(request) = &self.request {
            statements.extend_from_slice(request.session_policy(&self.place, false).statements());
        }
        if !self.running.is_empty() {
            statements.extend(self.goal.watching());
        }
        PolicyDocument::new(statements)
    }

    async fn carry(&self, operation: &Operation, session: &CustomerSession) -> Operation {
        let since = self.lasting.asked_at.map_or(SignedDuration::ZERO, |at| now().duration_since(at));
        let look = async {
            if self.running.is_empty() {
                return vec![];
            }
            self.goal.look(session, &self.place, &self.running, since).await
        };
        let ask = async {
            match &self.request {
                Some(request) => Some(request.carry(session, &self.place, false).await),
                None => None,
            }
        };
        let (mut news, asked) = futures::join!(look, ask);
        let mut next = operation.clone();
        if let Some(outcome) = asked {
            next = next.asked(outcome.request_ids, now());
            news.extend(outcome.targets.into_iter().map(asked_again_if_it_passes));
        }
        next.stepped(news, now())
    }
}

/// What may succeed in a moment waits, with what is known of it.
fn asked_again_if_it_passes(target: Target) -> Target {
    if target.outcome == TargetOutcome::Failed && passing(&target) {
        return Target { outcome: TargetOutcome::Queued, ..target };
    }
    target
}

/// The same, without what AWS is not to be asked for any more: because it comes too late, when whoever
/// asked may have gone on, or because the connection is no longer for it.
fn still_wanted(
    operation: &Operation,
    lasting: &Lasting,
    connection: &Connection,
    now: Timestamp,
) -> Operation {
    let (code, detail) = if now >= lasting.steps.started_at + LONGEST_ASKING {
        (
            "not_attempted",
            "Drawbridge did not come to it in time, and asked AWS for nothing. Ask for it again.",
        )
    } else if !connection.capabilities.holds(operation.action) {
        ("capability_missing", "The connection has lost the capability; AWS was asked for nothing.")
    } else if !connection.regions.contains(&operation.region) {
        ("region_not_connected", "The connection has lost the Region; AWS was asked for nothing.")
    } else {
        return operation.clone();
    };
    operation.clone().fails_where(TargetOutcome::Queued, code, detail)
}

/// The same, with what has taken too long having failed.
fn in_time(next: Operation, lasting: &Lasting, now: Timestamp) -> Operation {
    if !lasting.steps.is_late(now) {
        return next;
    }
    let detail = "AWS took the request, and what is meant was not reached in half an hour. Look at it in the customer's \
                  account.";
    next.fails_where(TargetOutcome::Running, "not_reached", detail)
}

/// Sends the message that asks for the next step.
pub(crate) async fn send_next(app: &App, operation: &Operation, pause: SignedDuration) -> Result<(), Error> {
    match operation.next_message() {
        Some(message) => app.queue.send(&message, pause).await,
        None => Ok(()),
    }
}

/// Writes the end, with its event.
async fn end(app: &App, settled: Operation) -> Result<TakenBy, Error> {
    let occasion = App::occasion(now());
    let ended = settled.settled(occasion.now);
    app.store.end_operation(&ended, &ended.event(&occasion)).await?;
    tell(&ended);
    Ok(TakenBy::This)
}

/// Says in the log that it has ended.
pub(crate) fn tell(ended: &Operation) {
    tracing::info!(
        connection_id = %ended.connection_id,
        operation_id = %ended.id,
        action = %ended.action,
        state = ?ended.state,
        "an operation has ended"
    );
}

#[cfg(test)]
mod tests;
