//! What the steps share.

use access::{Brokers, Sessions};
use domain::connection::Occasion;
use domain::{Actor, EventId};
use jiff::{SignedDuration, Timestamp};
use runtime::{Environment, EnvironmentError, SdkConfig, random};
use store::{JobsQueue, Projection, RunsQueue, Scheduler, Store};

/// The state table, the queues, EventBridge, and the way into customers' accounts.
#[derive(Debug)]
pub struct App {
    /// The state table.
    pub store: Store,
    /// Where the next step goes.
    pub runs: RunsQueue,
    /// Where chunks of jobs go.
    pub jobs: JobsQueue,
    /// The engine for time.
    pub scheduler: Scheduler,
    /// Opens sessions of customers' roles.
    pub sessions: Sessions,
    /// How long after a schedule's time its backups may take to be there.
    pub grace: SignedDuration,
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
        let projection = Projection {
            group: environment.required("SCHEDULE_GROUP")?,
            queue_arn: environment.required("RUNS_QUEUE_ARN")?,
            dead_letters_arn: environment.required("RUNS_DEAD_LETTERS_ARN")?,
            role_arn: environment.required("SCHEDULER_ROLE_ARN")?,
        };
        Ok(Self {
            store: Store::new(aws, environment.required::<String>("TABLE_NAME")?),
            runs: RunsQueue::new(aws, environment.required::<String>("RUNS_QUEUE_URL")?),
            jobs: JobsQueue::new(aws, environment.required::<String>("JOBS_QUEUE_URL")?),
            scheduler: Scheduler::new(aws, projection),
            sessions: Sessions::new(Brokers::new(aws.clone(), deployment)),
            grace: SignedDuration::from_secs(environment.required("BACKUP_GRACE_SECONDS")?),
        })
    }

    /// An occasion that Drawbridge itself brings about at `now`.
    pub(crate) fn occasion(now: Timestamp) -> Occasion {
        Occasion { now, actor: Actor::Drawbridge, event_id: EventId::new(now, random()) }
    }
}
