//! `POST /v1/connections/{connection_id}/verify`, and how every verification begins.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use domain::connection::{Change, Occasion, Start, role_already_connected};
use domain::message::OnboardingMessage;
use domain::{Actor, Connection, ConnectionId, Error};
use jiff::SignedDuration;

use crate::app::App;
use crate::caller::Operator;
use crate::id::Id;
use crate::problem::Refused;
use crate::view::ConnectionView;

/// How long the first message of a verification is held back, so that the table knows the
/// verification when the message arrives.
const HEAD_START: SignedDuration = SignedDuration::from_secs(1);

/// How often a change is decided anew after the connection was changed at the same time.
const ATTEMPTS: usize = 3;

/// Verifies the connection's role again. While a verification is running this changes nothing.
#[utoipa::path(
    post,
    path = "/v1/connections/{connection_id}/verify",
    tag = "connections",
    params(("connection_id" = String, Path)),
    responses((status = 202, description = "The connection, whose role will be verified", body = ConnectionView))
)]
pub(crate) async fn verify_connection(
    State(app): State<App>,
    Operator(actor): Operator,
    Id(id): Id<ConnectionId>,
) -> Result<(StatusCode, Json<ConnectionView>), Refused> {
    let connection = start_verification(&app, id, &actor, Connection::request_verification).await?;
    Ok((StatusCode::ACCEPTED, Json(connection.into())))
}

/// Begins the verification that `decide` asks for, and returns the connection as it is then.
///
/// The message goes out before the table is written: a crash in between leaves a message about a
/// verification that nobody knows, which the onboarder drops, and never a connection that waits
/// for a message that was never sent.
pub(crate) async fn start_verification(
    app: &App,
    id: ConnectionId,
    actor: &Actor,
    decide: impl Fn(&Connection, Start, Occasion) -> Result<Option<Change>, Error>,
) -> Result<Connection, Error> {
    let mut attempt = 1;
    loop {
        let before = app.store.connection(id).await?;
        let occasion = app.occasion(actor.clone());
        let start = app.start(occasion.now);
        let Some(change) = decide(&before, start, occasion)? else { return Ok(before) };
        refuse_owned(app, &before, &change).await?;
        if let Some(verification) = &change.connection.verification {
            let message = OnboardingMessage::Verify(verification.next_message(id));
            app.queue.send(&message, HEAD_START).await?;
        }
        match app.store.apply(&before, &change).await {
            Ok(()) => return Ok(change.connection),
            // Decided anew under a new id: ids of later verifications must be greater.
            Err(error) if error.code == "concurrent_change" && attempt < ATTEMPTS => attempt += 1,
            Err(error) => return Err(error),
        }
    }
}

/// Refuses a role that another connection owns. Whoever wins a race for one is decided by proof,
/// in a transaction; this only spares the others the wait.
async fn refuse_owned(app: &App, before: &Connection, change: &Change) -> Result<(), Error> {
    let role = &change.connection.role_arn;
    if before.state.owns_its_role() && before.role_arn == *role {
        return Ok(());
    }
    let Some(role) = role else { return Ok(()) };
    match app.store.role_owner(role).await? {
        Some(owner) if owner != before.id => Err(role_already_connected()),
        _ => Ok(()),
    }
}
