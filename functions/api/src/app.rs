//! What the use cases share.

use std::sync::Arc;

use domain::connection::{Occasion, Start};
use domain::{Actor, Deployment, EventId, VerificationId};
use jiff::{SignedDuration, Timestamp};
use runtime::{Environment, EnvironmentError, SdkConfig, now, random};
use store::{OnboardingQueue, Store};

/// The state of the API: cheap to clone, one for each request.
#[derive(Debug, Clone)]
pub struct App {
    /// The state table.
    pub store: Store,
    /// Where work for the onboarder goes.
    pub queue: OnboardingQueue,
    /// What is the same for every connection.
    pub deployment: Arc<Deployment>,
    /// How long a role and its grant may take to work.
    pub propagation_deadline: SignedDuration,
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
        Ok(Self {
            store: Store::new(aws, environment.required::<String>("TABLE_NAME")?),
            queue: OnboardingQueue::new(aws, environment.required::<String>("ONBOARDING_QUEUE_URL")?),
            deployment: Arc::new(environment.deployment()?),
            propagation_deadline: SignedDuration::from_secs(
                environment.required("PROPAGATION_DEADLINE_SECONDS")?,
            ),
        })
    }

    /// An occasion that `actor` brings about now.
    #[must_use]
    pub fn occasion(&self, actor: Actor) -> Occasion {
        let now = now();
        Occasion { now, actor, event_id: EventId::new(now, random()) }
    }

    /// A verification that begins at `now`.
    #[must_use]
    pub fn start(&self, now: Timestamp) -> Start {
        Start { id: VerificationId::new(now, random()), deadline: now + self.propagation_deadline }
    }
}
