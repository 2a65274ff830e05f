//! How every change of a connection is carried out.

use domain::connection::{Change, End, LookStart, Occasion, Start, role_already_connected};
use domain::message::OnboardingMessage;
use domain::{Actor, Connection, ConnectionId, ConnectionState, Error, RoleArn, grant};
use jiff::SignedDuration;

use crate::app::App;
use web::idempotency::Idempotent;

/// How long the first message of what begins is held back, so that the table knows of it when the
/// message arrives.
pub(crate) const HEAD_START: SignedDuration = SignedDuration::from_secs(1);

/// How often a change is decided anew after the connection was changed at the same time.
pub(crate) const ATTEMPTS: usize = 3;

/// What a decision may need: when and by whom it is made, and the ids of what it may begin.
#[derive(Debug, Clone)]
pub(crate) struct Moment {
    pub occasion: Occasion,
    pub start: Start,
    pub look: LookStart,
    pub end: End,
}

/// Reads a connection, carries out the change that `decide` asks for, and returns the connection
/// as it is then. `answer` is what the caller will be told, written with the change.
///
/// If the change begins work, its message goes out before the table is written: a crash in between
/// leaves a message about work that nobody knows, which the onboarder drops, and never a
/// connection that waits for a message that was never sent.
pub(crate) async fn carry_out(
    app: &App,
    id: ConnectionId,
    actor: &Actor,
    request: &Idempotent,
    answer: impl Fn(&Connection) -> Option<store::Answer>,
    decide: impl Fn(&Connection, Moment) -> Result<Option<Change>, Error>,
) -> Result<Connection, Error> {
    let mut attempt = 1;
    loop {
        let before = app.store.connection(id).await?;
        let occasion = app.occasion(actor.clone());
        let now = occasion.now;
        let moment = Moment { start: app.start(now), look: app.look(now), end: app.end(now), occasion };
        let Some(change) = decide(&before, moment)? else { return Ok(before) };
        refuse_owned_or_full(app, &before, &change).await?;
        if let Some(message) = message_of(&before, &change) {
            app.queue.send(&message, HEAD_START).await?;
        }
        let completion = answer(&change.connection).and_then(|answer| request.completion(answer));
        match app.store.apply(&before, &change, completion.as_ref()).await {
            Ok(()) => return Ok(change.connection),
            // Decided anew under new ids: those of later work must be greater.
            Err(error) if error.code == "concurrent_change" && attempt < ATTEMPTS => attempt += 1,
            Err(error) => return Err(error),
        }
    }
}

/// The message of the work that the change begins, if it begins any.
fn message_of(before: &Connection, change: &Change) -> Option<OnboardingMessage> {
    if begins_work(before, change) {
        return change.next_message();
    }
    // A look that the change ends gives back its grant at once, and not when its next step would have come.
    let ended = before.looking().filter(|_| change.connection.looking().is_none())?;
    Some(OnboardingMessage::Look(ended.next_message(before.id)))
}

/// Whether the change begins a verification, a look for a role or an offboarding.
fn begins_work(before: &Connection, change: &Change) -> bool {
    let after = &change.connection;
    let verification = |connection: &Connection| connection.verification.as_ref().map(|v| v.id);
    let offboarding = |connection: &Connection| connection.offboarding.as_ref().map(|o| o.id);
    let look = |connection: &Connection| connection.look.as_ref().map(|look| look.id);
    verification(before) != verification(after)
        || look(before) != look(after)
        || offboarding(before) != offboarding(after)
}

/// Refuses a role that another connection owns, or that no grant has room for. Whoever wins a race
/// for one is decided by proof, in a transaction; this only spares the others the wait.
async fn refuse_owned_or_full(app: &App, before: &Connection, change: &Change) -> Result<(), Error> {
    let after = &change.connection;
    let Some(role) = role_to_be_granted(before, after) else { return Ok(()) };
    let owner = app.store.role_owner(role);
    let has_room = async {
        // What is granted already stays where it is.
        if after.shard.is_some() { Ok(true) } else { app.store.has_room(role, app.capacity).await }
    };
    let (owner, has_room) = futures::try_join!(owner, has_room)?;
    if owner.is_some_and(|owner| owner != before.id) {
        return Err(role_already_connected());
    }
    if !has_room {
        tracing::error!(
            connection_id = %before.id,
            alarm = "grant_capacity_exhausted",
            "a role was refused for want of room"
        );
        return Err(grant::capacity_exhausted());
    }
    Ok(())
}

/// The role that is to be granted after the change, unless it is proven to be the connection's already.
/// What is looked for was admitted when the look began.
fn role_to_be_granted<'a>(before: &Connection, after: &'a Connection) -> Option<&'a RoleArn> {
    let unproven = match after.looking() {
        Some(look) => before.looking().is_none_or(|known| known.id != look.id),
        None => after.state == ConnectionState::Verifying,
    };
    after.role_to_grant().filter(|_| unproven)
}
