//! One round of the proof that a role's external ID is enforced.
//!
//! Every session asked for here is limited to nothing: it shows that it can be had, and is
//! dropped. `GetCallerIdentity` needs no permission. No session leaves this module.

use aws_credential_types::Credentials;
use domain::credentials::SessionLength;
use domain::grant::Shard;
use domain::proof::{Probe, ProbeId, ProbeOutcome, Round};
use domain::verification::Verification;
use domain::{AccountId, Connection, Error, ExternalId, RoleArn, policy};
use jiff::Timestamp;

use crate::broker::Brokers;
use crate::failure::code;
use crate::session::{Answer, Sent, assume};

/// What only shows that it can be had lasts no longer than it must.
const SHORTEST: SessionLength = SessionLength::SHORTEST;

/// Asks AWS whether a role can be assumed, with the right external ID, with none and with another.
#[derive(Debug)]
pub struct TrustProbes {
    brokers: Brokers,
    clock: fn() -> Timestamp,
}

/// What one round asked and heard.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoundReport {
    /// The answers, to be judged.
    pub round: Round,
    /// The probes, as evidence.
    pub probes: Vec<Probe>,
}

impl TrustProbes {
    /// Probes sent by these brokers, timed by `clock`.
    #[must_use]
    pub fn new(brokers: Brokers, clock: fn() -> Timestamp) -> Self {
        Self { brokers, clock }
    }

    /// Runs the next round of `verification`. `made_up` is an external ID that no role can know.
    ///
    /// # Errors
    /// When the connection has no role or no grant.
    pub async fn run_round(
        &self,
        connection: &Connection,
        verification: &Verification,
        made_up: &ExternalId,
    ) -> Result<RoundReport, Error> {
        let (Some(role), Some(shard)) = (&connection.role_arn, connection.shard) else {
            return Err(Error::internal(format!("{} has no granted role to probe", connection.id)));
        };
        let broker = self.brokers.sts(shard.broker()).await;
        let name = format!("drawbridge-{}", verification.id);
        let nothing = policy::nothing();
        let number = verification.rounds_agreed() + 1;
        let probe = |external_id, answer: &Answer| Probe {
            round: number,
            external_id,
            outcome: answer.outcome,
            at: (self.clock)(),
            request_id: answer.request_id.clone(),
            refused_by: answer.refused_by,
        };

        // A refusal of the others says something only once the right one was allowed.
        let correct = assume(&broker, connection, Sent::Own, &name, &nothing, SHORTEST).await?;
        let first = probe(ProbeId::Correct, &correct);
        let Some(session) = correct.session else {
            // A session without credentials would be a broken answer: it opens nothing.
            let outcome = match correct.outcome {
                ProbeOutcome::Allowed => ProbeOutcome::Inconclusive,
                outcome => outcome,
            };
            return Ok(RoundReport { round: Round::Shut(outcome), probes: vec![first] });
        };
        let absent = async {
            let answer = assume(&broker, connection, Sent::Absent, &name, &nothing, SHORTEST).await?;
            Ok::<_, Error>(probe(ProbeId::Absent, &answer))
        };
        let random = async {
            let answer =
                assume(&broker, connection, Sent::MadeUp(made_up), &name, &nothing, SHORTEST).await?;
            Ok::<_, Error>(probe(ProbeId::Random, &answer))
        };
        let (absent, random, account_matches) =
            futures::join!(absent, random, self.account_matches(session, role));
        let (absent, random) = (absent?, random?);
        Ok(RoundReport {
            round: Round::Open { absent: absent.outcome, random: random.outcome, account_matches },
            probes: vec![first, absent, random],
        })
    }

    /// Whether the role of a connection whose grant was removed can still be assumed, by the broker
    /// that could before. The session, if one is given, is limited to nothing and dropped.
    ///
    /// # Errors
    /// When the connection has no role.
    pub async fn try_role(
        &self,
        connection: &Connection,
        shard: Shard,
        name: &str,
    ) -> Result<ProbeOutcome, Error> {
        let broker = self.brokers.sts(shard.broker()).await;
        let answer = assume(&broker, connection, Sent::Own, name, &policy::nothing(), SHORTEST).await?;
        Ok(answer.outcome)
    }

    /// Whether the role that a connection looks for is there and lets its broker in. A role of another
    /// connection's asks for another external ID, and refuses ours. The session, if one is given, is
    /// limited to nothing and dropped.
    ///
    /// # Errors
    /// When the connection looks for no role, or has no grant for it.
    pub async fn look_for_role(&self, connection: &Connection, name: &str) -> Result<ProbeOutcome, Error> {
        let (Some(look), Some(shard)) = (connection.looking(), connection.shard) else {
            return Err(Error::internal(format!("{} has no granted role to look for", connection.id)));
        };
        let as_submitted = Connection { role_arn: Some(look.role_arn.clone()), ..connection.clone() };
        self.try_role(&as_submitted, shard, name).await
    }

    /// Whether the session belongs to the account that the role's ARN names; `None` when AWS did
    /// not say.
    async fn account_matches(&self, session: Credentials, role: &RoleArn) -> Option<bool> {
        match self.brokers.sts_as(session).get_caller_identity().send().await {
            Ok(identity) => {
                let account: AccountId = identity.account()?.parse().ok()?;
                Some(account == *role.account())
            }
            Err(error) => {
                tracing::warn!(
                    code = code(&error).unwrap_or("none"),
                    "AWS did not say whose session the role's is"
                );
                None
            }
        }
    }
}

#[cfg(test)]
mod tests;
