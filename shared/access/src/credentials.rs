//! Keys of a customer's role that leave Drawbridge: those that somebody asked for, in so many words.

use std::fmt;

use aws_credential_types::Credentials;
use domain::credentials::Issue;
use domain::denial::Side;
use domain::proof::ProbeOutcome;
use domain::{Connection, Error};
use jiff::Timestamp;

use crate::session::{Sent, assume};
use crate::sessions::Sessions;

/// Keys that are handed out.
///
/// They print as `[redacted]` and cannot be serialized by accident: whoever answers with them asks for
/// each by its name.
#[derive(Clone)]
pub struct HandedOut {
    keys: Credentials,
    expires_at: Timestamp,
}

impl fmt::Debug for HandedOut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[redacted]")
    }
}

impl HandedOut {
    /// The access key's id.
    #[must_use]
    pub fn access_key_id(&self) -> &str {
        self.keys.access_key_id()
    }

    /// The secret of it.
    #[must_use]
    pub fn secret_access_key(&self) -> &str {
        self.keys.secret_access_key()
    }

    /// The session's token.
    #[must_use]
    pub fn session_token(&self) -> &str {
        self.keys.session_token().unwrap_or_default()
    }

    /// When they end.
    #[must_use]
    pub fn expires_at(&self) -> Timestamp {
        self.expires_at
    }
}

/// What became of the request for keys.
#[derive(Debug)]
pub enum Issued {
    /// AWS gave them.
    Given(HandedOut),
    /// AWS refused the role, on this side as far as it told.
    Refused(Side),
    /// AWS could not pack the session policy.
    TooLarge,
    /// AWS throttled or failed; the same may go through later.
    Unanswered,
}

impl Sessions {
    /// Asks for keys of the connection's role as `issue` describes them. The caller has recorded by
    /// then that they are asked for.
    ///
    /// # Errors
    /// When the connection has no role or no grant.
    pub async fn issue(&self, connection: &Connection, issue: &Issue) -> Result<Issued, Error> {
        let broker = self.broker_of(connection).await?;
        let Issue { session_name, session_policy, length, .. } = issue;
        let answer = assume(&broker, connection, Sent::Own, session_name, session_policy, *length).await?;
        // Keys without an end, or a session without keys, would be a broken answer. The SDK reads an end
        // that is not there as the beginning of time.
        let given = answer.session.and_then(|keys| {
            let expires_at = Timestamp::try_from(keys.expiry()?).ok()?;
            (expires_at > Timestamp::UNIX_EPOCH).then_some(HandedOut { keys, expires_at })
        });
        Ok(match (given, answer.outcome) {
            (Some(keys), _) => Issued::Given(keys),
            (None, _) if answer.is_too_large => Issued::TooLarge,
            (None, ProbeOutcome::Denied) => Issued::Refused(answer.refused_by.unwrap_or(Side::Unknown)),
            (None, ProbeOutcome::Allowed | ProbeOutcome::Inconclusive) => Issued::Unanswered,
        })
    }
}

#[cfg(test)]
mod tests;
