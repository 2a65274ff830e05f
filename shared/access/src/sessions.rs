//! Sessions of customers' roles, to act in their accounts.

use std::sync::Arc;
use std::time::Instant;

use aws_config::SdkConfig;
use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use aws_sdk_sts::Client;
use domain::credentials::SessionLength;
use domain::policy::PolicyDocument;
use domain::proof::ProbeOutcome;
use domain::{Connection, Error, Region};

use crate::broker::Brokers;
use crate::session::{Sent, assume};

/// Opens sessions of customers' roles.
#[derive(Debug)]
pub struct Sessions {
    brokers: Brokers,
}

/// What became of the request for a session.
#[derive(Debug)]
pub enum Opened {
    /// AWS gave one.
    Open(CustomerSession),
    /// AWS refused, or did not answer.
    Shut(ProbeOutcome),
    /// AWS gave none, because what the session is limited to is more than it can be limited to.
    TooLarge,
}

/// A session of a customer's role that may do what it was opened for, and nothing else.
#[derive(Debug, Clone)]
pub struct CustomerSession {
    config: Arc<SdkConfig>,
    /// How the SDK asks of its own accord: several times, if it takes that.
    again: Arc<SdkConfig>,
    name: Arc<str>,
    until: Option<Instant>,
}

impl CustomerSession {
    /// What clients of AWS services need to act in this Region of the customer's account.
    #[must_use]
    pub fn in_region(&self, region: &Region) -> SdkConfig {
        let region = aws_config::Region::new(region.as_str().to_owned());
        SdkConfig::clone(&self.config).into_builder().region(region).build()
    }

    /// What it is called in the customer's CloudTrail: one name for all that is done for one purpose,
    /// however often that is tried.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The same session, for what must not be asked twice: the SDK asks once, and waits for the answer
    /// as long as it would have for all of its tries. A write whose answer was lost may have been
    /// carried out, and would be again.
    #[must_use]
    pub fn asking_once(&self) -> Self {
        let mut timeouts = TimeoutConfig::builder();
        if let Some(known) = self.config.timeout_config() {
            timeouts.set_connect_timeout(known.connect_timeout());
            timeouts.set_operation_timeout(known.operation_timeout());
            timeouts.set_operation_attempt_timeout(known.operation_timeout());
        }
        let builder = SdkConfig::clone(&self.config).into_builder();
        let config = builder.retry_config(RetryConfig::disabled()).timeout_config(timeouts.build()).build();
        Self { config: Arc::new(config), ..self.clone() }
    }

    /// The same session, for a write that AWS carries out once however often it is asked: the SDK asks
    /// again where an answer was lost.
    #[must_use]
    pub fn asking_again(&self) -> Self {
        Self { config: Arc::clone(&self.again), ..self.clone() }
    }

    /// The same session, for what is to have ended by then. Whoever asks for one thing after the other
    /// stops by itself, and so can tell what it did not come to.
    #[must_use]
    pub fn until(&self, end: Instant) -> Self {
        Self { until: Some(end), ..self.clone() }
    }

    /// When what it is for is to have ended.
    #[must_use]
    pub fn end(&self) -> Option<Instant> {
        self.until
    }
}

impl Sessions {
    /// Sessions that these brokers open.
    #[must_use]
    pub fn new(brokers: Brokers) -> Self {
        Self { brokers }
    }

    /// STS as the broker that is granted the connection's role.
    ///
    /// # Errors
    /// When the connection has no grant.
    pub(crate) async fn broker_of(&self, connection: &Connection) -> Result<Client, Error> {
        let shard = connection.shard.ok_or_else(|| {
            Error::internal(format!("{} has no grant to open a session with", connection.id))
        })?;
        Ok(self.brokers.sts(shard.broker()).await)
    }

    /// Opens a session of the connection's role for what `policy` allows, at most. In the
    /// customer's CloudTrail it is called `name`.
    ///
    /// # Errors
    /// When the connection has no role or no grant.
    pub async fn open(
        &self,
        connection: &Connection,
        name: &str,
        policy: &PolicyDocument,
    ) -> Result<Opened, Error> {
        let broker = self.broker_of(connection).await?;
        let answer = assume(&broker, connection, Sent::Own, name, policy, SessionLength::SHORTEST).await?;
        Ok(match answer.session {
            Some(session) => {
                let config = Arc::new(self.brokers.config_of(session));
                let again = Arc::clone(&config);
                Opened::Open(CustomerSession { config, again, name: name.into(), until: None })
            }
            None if answer.is_too_large => Opened::TooLarge,
            None => Opened::Shut(match answer.outcome {
                // A session without credentials would be a broken answer.
                ProbeOutcome::Allowed => ProbeOutcome::Inconclusive,
                outcome => outcome,
            }),
        })
    }
}

#[cfg(test)]
mod tests;
