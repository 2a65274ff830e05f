//! Looking at what a plan would destroy, in a session that can only look.

use std::time::Duration;

use access::{CustomerSession, Opened};
use domain::plan::Seen;
use domain::policy::PolicyDocument;
use domain::proof::ProbeOutcome;
use domain::{Connection, Error, ErrorKind, PlanId};
use tokio::time::timeout;

use crate::app::App;
use crate::carry_out::Admitted;

/// Longest that AWS is asked, so that what was planned can still be carried out in the time that an
/// HTTP API has.
const LONGEST_LOOK: Duration = Duration::from_secs(8);

/// Looks up what the operation would destroy.
///
/// # Errors
/// What the look refuses; what [`session`] and [`in_time`] do.
pub(crate) async fn look(
    app: &App,
    connection: &Connection,
    plan: PlanId,
    admitted: &Admitted,
    salt: &str,
) -> Result<Seen, Error> {
    let Admitted { asked, place, .. } = admitted;
    let policy = asked.look_policy(place, &connection.capabilities)?;
    let session = session(app, connection, plan, &policy).await?;
    in_time(asked.look(&session, place, &connection.capabilities, salt)).await
}

/// A session that may look, and nothing else. It is named after the plan, by which the customer's
/// `CloudTrail` finds it.
///
/// # Errors
/// 409 `role_not_assumable` when the customer's role refuses the session, 503 when AWS gives none.
pub(crate) async fn session(
    app: &App,
    connection: &Connection,
    plan: PlanId,
    policy: &PolicyDocument,
) -> Result<CustomerSession, Error> {
    let name = format!("drawbridge-{plan}");
    match Box::pin(app.sessions.open(connection, &name, policy)).await? {
        Opened::Open(session) => Ok(session),
        Opened::Shut(ProbeOutcome::Denied) => Err(Error::conflict(
            "role_not_assumable",
            "the customer's role refused Drawbridge's session; verify the connection to learn which side refuses",
        )),
        Opened::TooLarge => Err(Error::refused(
            "too_many_resources",
            "the plan names more resources than one session can be limited to; ask for fewer at once",
        )
        .at("/input")),
        Opened::Shut(ProbeOutcome::Allowed | ProbeOutcome::Inconclusive) => Err(Error::new(
            ErrorKind::Unavailable,
            "no_session",
            "AWS gave no session of the customer's role: it throttled or failed; ask again in a moment",
        )),
    }
}

/// What was seen, if it was in time.
///
/// # Errors
/// What the look refuses; 503 when AWS does not answer in time.
pub(crate) async fn in_time<T>(looked: impl Future<Output = Result<T, Error>>) -> Result<T, Error> {
    timeout(LONGEST_LOOK, looked).await.unwrap_or_else(|_| {
        let detail = "AWS did not show in time what would be done; ask again in a moment, for fewer at once";
        Err(Error::new(ErrorKind::Unavailable, "account_unavailable", detail))
    })
}
