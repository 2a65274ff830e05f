//! Looking at what a plan would destroy, in a session that can only look.

use std::time::Duration;

use access::Opened;
use domain::plan::Seen;
use domain::proof::ProbeOutcome;
use domain::{Connection, Error, ErrorKind, PlanId};
use tokio::time::timeout;

use crate::app::App;
use crate::carry_out::Admitted;

/// Longest that AWS is asked, so that what was planned can still be carried out in the time that an
/// HTTP API has.
const LONGEST_LOOK: Duration = Duration::from_secs(8);

/// Looks up what the operation would destroy. The session is named after the plan, by which the
/// customer's `CloudTrail` finds it.
///
/// # Errors
/// What the look refuses; 409 `role_not_assumable` when the customer's role refuses the session, 503 when
/// AWS gives none or does not answer in time.
pub(crate) async fn look(
    app: &App,
    connection: &Connection,
    plan: PlanId,
    admitted: &Admitted,
    salt: &str,
) -> Result<Seen, Error> {
    let Admitted { asked, place, .. } = admitted;
    let policy = asked.look_policy(place, &connection.capabilities)?;
    let name = format!("drawbridge-{plan}");
    let session = match Box::pin(app.sessions.open(connection, &name, &policy)).await? {
        Opened::Open(session) => session,
        Opened::Shut(ProbeOutcome::Denied) => {
            return Err(Error::conflict(
                "role_not_assumable",
                "the customer's role refused Drawbridge's session; verify the connection to learn which side refuses",
            ));
        }
        Opened::TooLarge => {
            return Err(Error::refused(
                "too_many_resources",
                "the plan names more resources than one session can be limited to; ask for fewer at once",
            )
            .at("/input"));
        }
        Opened::Shut(ProbeOutcome::Allowed | ProbeOutcome::Inconclusive) => {
            return Err(Error::new(
                ErrorKind::Unavailable,
                "no_session",
                "AWS gave no session of the customer's role: it throttled or failed; ask again in a moment",
            ));
        }
    };
    let looked = asked.look(&session, place, &connection.capabilities, salt);
    timeout(LONGEST_LOOK, looked).await.unwrap_or_else(|_| {
        let detail = "AWS did not show in time what would be gone; ask again in a moment, for fewer at once";
        Err(Error::new(ErrorKind::Unavailable, "account_unavailable", detail))
    })
}
