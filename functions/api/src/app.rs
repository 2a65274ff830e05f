//! What the use cases share.

use std::sync::Arc;

use axum::extract::FromRequestParts as _;
use axum::http::request::Parts;
use domain::connection::{End, InviteHold, LookStart, Occasion, Start};
use domain::grant::Capacity;
use domain::invite::Invite;
use domain::verification::Depth;
use domain::{Actor, Deployment, EventId, LookId, OffboardingId, VerificationId};
use jiff::{SignedDuration, Timestamp};
use runtime::{Environment, EnvironmentError, SdkConfig, now, random};
use store::{OnboardingQueue, RunsQueue, Store};
use web::idempotency::Replaying;

use crate::brand::Brand;
use crate::invited::Invited;
use crate::page::Site;

/// The state of the API: cheap to clone, one for each request.
#[derive(Debug, Clone)]
pub struct App {
    /// The state table.
    pub store: Store,
    /// Where work for the onboarder goes.
    pub queue: OnboardingQueue,
    /// Where work for the planner goes.
    pub runs: RunsQueue,
    /// What is the same for every connection.
    pub deployment: Arc<Deployment>,
    /// How long a role and its grant may take to work.
    pub propagation_deadline: SignedDuration,
    /// How many grants there can be, and how large.
    pub capacity: Capacity,
    /// How long a role is looked for.
    pub look_lifetime: SignedDuration,
    /// How long an invite is in force.
    pub invite_lifetime: SignedDuration,
    /// Where customers reach the API, with no slash at its end.
    pub public_url: Arc<str>,
    /// How the provider presents itself to customers.
    pub site: Arc<Site>,
}

impl Replaying for App {
    fn store(&self) -> &Store {
        &self.store
    }

    /// Whoever holds an invite that is in force.
    async fn admits(&self, path: &str, parts: &mut Parts) -> bool {
        path.starts_with("/onboard/") && Invited::from_request_parts(parts, self).await.is_ok()
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
        Ok(Self {
            store: Store::new(aws, environment.required::<String>("TABLE_NAME")?),
            queue: OnboardingQueue::new(aws, environment.required::<String>("ONBOARDING_QUEUE_URL")?),
            runs: RunsQueue::new(aws, environment.required::<String>("RUNS_QUEUE_URL")?),
            deployment: Arc::new(environment.deployment()?),
            propagation_deadline: SignedDuration::from_secs(
                environment.required("PROPAGATION_DEADLINE_SECONDS")?,
            ),
            capacity: environment.grant_capacity()?,
            look_lifetime: SignedDuration::from_secs(environment.required("LOOK_LIFETIME_SECONDS")?),
            invite_lifetime: SignedDuration::from_secs(environment.required("INVITE_LIFETIME_SECONDS")?),
            public_url: environment.required::<String>("PUBLIC_URL")?.trim_end_matches('/').into(),
            site: Arc::new(Site::new(Brand::from_environment(environment)?)),
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
        Start {
            id: VerificationId::new(now, random()),
            deadline: now + self.propagation_deadline,
            depth: Depth::Full,
        }
    }

    /// A look for a role that begins at `now`.
    #[must_use]
    pub fn look(&self, now: Timestamp) -> LookStart {
        LookStart { id: LookId::new(now, random()), until: now + self.look_lifetime }
    }

    /// An offboarding that begins at `now`.
    #[must_use]
    pub fn end(&self, now: Timestamp) -> End {
        End { id: OffboardingId::new(now, random()), deadline: now + self.propagation_deadline }
    }

    /// A new invite with its link, and what is stored of it.
    #[must_use]
    pub fn invite(&self, now: Timestamp) -> (String, InviteHold) {
        let invite = Invite::new(random());
        let link = format!("{}/onboard/{}", self.public_url, invite.expose());
        (link, InviteHold { hash: invite.hash(), expires_at: now + self.invite_lifetime })
    }
}
