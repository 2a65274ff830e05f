//! What the steps share.

use access::{Brokers, Grants, TrustProbes};
use domain::connection::Occasion;
use domain::{Actor, EventId};
use jiff::{SignedDuration, Timestamp};
use runtime::{Environment, EnvironmentError, SdkConfig, now, random};
use store::{OnboardingQueue, Store};

/// The state table, the queue, IAM and STS, and how trust is to be proven.
#[derive(Debug)]
pub struct App {
    /// The state table.
    pub store: Store,
    /// Where the next step of a verification goes.
    pub queue: OnboardingQueue,
    /// What brokers may assume.
    pub grants: Grants,
    /// Asks AWS whether a role's external ID is enforced.
    pub probes: TrustProbes,
    /// How many brokers there are.
    pub brokers: u16,
    /// Rounds of probes that must agree.
    pub rounds: u32,
    /// How far apart they are.
    pub agreement_interval: SignedDuration,
}

impl App {
    /// Reads the function's configuration and makes its clients.
    ///
    /// # Errors
    /// When a variable is missing or cannot be read; the error names it.
    pub fn from_environment(
        environment: &Environment<'_>,
        aws: &SdkConfig,
    ) -> Result<Self, EnvironmentError> {
        let deployment = environment.deployment()?;
        Ok(Self {
            store: Store::new(aws, environment.required::<String>("TABLE_NAME")?),
            queue: OnboardingQueue::new(aws, environment.required::<String>("ONBOARDING_QUEUE_URL")?),
            grants: Grants::new(aws, deployment.clone()),
            probes: TrustProbes::new(Brokers::new(aws.clone(), deployment), now),
            brokers: environment.required("BROKER_COUNT")?,
            rounds: environment.required("AGREEMENT_ROUNDS")?,
            agreement_interval: SignedDuration::from_secs(
                environment.required("AGREEMENT_INTERVAL_SECONDS")?,
            ),
        })
    }

    /// An occasion that Drawbridge itself brings about at `now`.
    pub(crate) fn occasion(now: Timestamp) -> Occasion {
        Occasion { now, actor: Actor::Drawbridge, event_id: EventId::new(now, random()) }
    }
}
