//! What the steps share.

use access::{Brokers, Grants, Sessions, TrustProbes};
use domain::cadence::Cadence;
use domain::connection::{End, Occasion, Start};
use domain::grant::Capacity;
use domain::verification::Depth;
use domain::{Actor, EventId, OffboardingId, VerificationId};
use jiff::{SignedDuration, Timestamp};
use runtime::{Environment, EnvironmentError, SdkConfig, now, random};
use store::{OnboardingQueue, RunsQueue, Store};
use tokio::sync::Mutex;

/// The state table, the queue, IAM and STS, and how trust is to be proven.
#[derive(Debug)]
pub struct App {
    /// The state table.
    pub store: Store,
    /// Where the next step of a verification goes.
    pub queue: OnboardingQueue,
    /// Where it is said that a schedule is gone.
    pub runs: RunsQueue,
    /// What brokers may assume.
    pub grants: Grants,
    /// Asks AWS whether a role's external ID is enforced.
    pub probes: TrustProbes,
    /// Opens sessions of roles whose trust is proven.
    pub sessions: Sessions,
    /// How many grants there can be, and how large.
    pub capacity: Capacity,
    /// Rounds of probes that must agree.
    pub rounds: u32,
    /// How far apart they are.
    pub agreement_interval: SignedDuration,
    /// How long a role and its grant may take to work, and to cease to.
    pub propagation_deadline: SignedDuration,
    /// How soon a role that is looked for and was not there is looked for again, the first time.
    pub look_interval: SignedDuration,
    /// When connections are looked at again.
    pub cadence: Cadence,
    /// Held while a role is put into a grant: messages of one batch would only meet in the table.
    pub granting: Mutex<()>,
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
        let brokers = Brokers::new(aws.clone(), deployment.clone());
        let seconds = |name| environment.required(name).map(SignedDuration::from_secs);
        Ok(Self {
            store: Store::new(aws, environment.required::<String>("TABLE_NAME")?),
            queue: OnboardingQueue::new(aws, environment.required::<String>("ONBOARDING_QUEUE_URL")?),
            runs: RunsQueue::new(aws, environment.required::<String>("RUNS_QUEUE_URL")?),
            grants: Grants::new(aws, deployment),
            probes: TrustProbes::new(brokers.clone(), now),
            sessions: Sessions::new(brokers),
            capacity: environment.grant_capacity()?,
            rounds: environment.required("AGREEMENT_ROUNDS")?,
            agreement_interval: seconds("AGREEMENT_INTERVAL_SECONDS")?,
            propagation_deadline: seconds("PROPAGATION_DEADLINE_SECONDS")?,
            look_interval: seconds("LOOK_INTERVAL_SECONDS")?,
            cadence: Cadence {
                interval: seconds("PROOF_INTERVAL_SECONDS")?,
                full_interval: seconds("FULL_PROOF_INTERVAL_SECONDS")?,
                retry: seconds("PROOF_RETRY_SECONDS")?,
            },
            granting: Mutex::default(),
        })
    }

    /// An occasion that Drawbridge itself brings about at `now`.
    pub(crate) fn occasion(now: Timestamp) -> Occasion {
        Occasion { now, actor: Actor::Drawbridge, event_id: EventId::new(now, random()) }
    }

    /// A verification that begins at `now`.
    pub(crate) fn start(&self, depth: Depth, now: Timestamp) -> Start {
        Start { id: VerificationId::new(now, random()), deadline: now + self.propagation_deadline, depth }
    }

    /// An offboarding that begins at `now`.
    pub(crate) fn end(&self, now: Timestamp) -> End {
        End { id: OffboardingId::new(now, random()), deadline: now + self.propagation_deadline }
    }
}
