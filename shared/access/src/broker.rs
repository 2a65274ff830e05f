//! The brokers: the only principals that assume customer roles.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use aws_config::SdkConfig;
use aws_config::sts::AssumeRoleProvider;
use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_sdk_sts::Client;
use aws_sdk_sts::config::IdentityCache;
use domain::{Deployment, policy};

/// Longest session of a role that was assumed by a session of another role. Source: IAM User
/// Guide, "Role chaining".
const SESSION: Duration = Duration::from_hours(1);

/// How long before its end a broker's session is renewed, so that what is begun with it can end.
const RENEW_BEFORE_END: Duration = Duration::from_mins(5);

/// STS clients that act as a broker. A broker's session is kept in memory until it is nearly over,
/// and shared by clones.
#[derive(Debug, Clone)]
pub struct Brokers {
    config: SdkConfig,
    deployment: Deployment,
    clients: Arc<Mutex<HashMap<u16, Client>>>,
}

impl Brokers {
    /// The brokers of this installation, assumed with the credentials of `config`.
    #[must_use]
    pub fn new(config: SdkConfig, deployment: Deployment) -> Self {
        Self { config, deployment, clients: Arc::default() }
    }

    /// A client that calls STS as the broker with this number.
    pub(crate) async fn sts(&self, broker: u16) -> Client {
        // Nothing waits while the lock is held; at worst two calls make the same client.
        let known = self.clients.lock().unwrap_or_else(PoisonError::into_inner).get(&broker).cloned();
        if let Some(client) = known {
            return client;
        }
        let arn = policy::broker_arn(self.deployment.partition, &self.deployment.provider, broker);
        let provider = AssumeRoleProvider::builder(arn)
            .session_name("drawbridge")
            .session_length(SESSION)
            .configure(&self.config)
            .build()
            .await;
        let config = aws_sdk_sts::config::Builder::from(&self.config)
            .credentials_provider(SharedCredentialsProvider::new(provider))
            .identity_cache(IdentityCache::lazy().buffer_time(RENEW_BEFORE_END).build())
            .build();
        let client = Client::from_conf(config);
        self.clients.lock().unwrap_or_else(PoisonError::into_inner).insert(broker, client.clone());
        client
    }

    /// A client that calls STS with a session's own credentials.
    pub(crate) fn sts_as(&self, session: Credentials) -> Client {
        Client::new(&self.config_of(session))
    }

    /// What clients need that call AWS with a session's own credentials.
    pub(crate) fn config_of(&self, session: Credentials) -> SdkConfig {
        let builder = self.config.clone().into_builder();
        // A session's keys are at hand. The function's own cache would keep them for as long as it lives.
        builder
            .identity_cache(IdentityCache::no_cache())
            .credentials_provider(SharedCredentialsProvider::new(session))
            .build()
    }
}
