//! What the use cases share.

use std::sync::Arc;

use access::{Brokers, Sessions};
use domain::connection::Occasion;
use domain::{Actor, EventId};
use jiff::SignedDuration;
use runtime::{Environment, EnvironmentError, SdkConfig, now, random};
use store::{JobsQueue, Store};
use web::idempotency::Replaying;

/// The state of these routes: cheap to clone, one for each request.
#[derive(Debug, Clone)]
pub struct App {
    /// The state table.
    pub store: Store,
    /// Where what lasts goes on.
    pub queue: JobsQueue,
    /// Opens sessions of customers' roles.
    pub sessions: Arc<Sessions>,
    /// How long a plan can be applied.
    pub plan_lifetime: SignedDuration,
}

impl Replaying for App {
    fn store(&self) -> &Store {
        &self.store
    }
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
            queue: JobsQueue::new(aws, environment.required::<String>("JOBS_QUEUE_URL")?),
            sessions: Arc::new(Sessions::new(Brokers::new(aws.clone(), deployment))),
            plan_lifetime: SignedDuration::from_secs(environment.required("PLAN_LIFETIME_SECONDS")?),
        })
    }

    /// An occasion that `actor` brings about now.
    #[must_use]
    pub fn occasion(actor: Actor) -> Occasion {
        let now = now();
        Occasion { now, actor, event_id: EventId::new(now, random()) }
    }
}
