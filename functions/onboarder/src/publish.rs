//! Publishing: makes a grant's policy in IAM what the table says.
//!
//! One at a time, by a lease in the table; whoever has it publishes what the others have changed
//! too. So whoever does not get it has nothing to do but to see later that it was done.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use domain::Error;
use domain::grant::Shard;
use domain::message::{OnboardingMessage, PublishGrant};
use jiff::SignedDuration;
use runtime::{now, random};
use store::Marked;
use tokio::time::timeout;

use crate::app::App;

/// How often a shard is published again because it moved while it was published.
const ATTEMPTS: usize = 10;

/// How long one attempt may take, so that no write of a publisher's reaches IAM after its lease.
const ATTEMPT_TIME: Duration = Duration::from_secs(25);

/// How long a publisher may take before another takes over.
const LEASE: SignedDuration = SignedDuration::from_secs(40);

/// How soon it is looked again whether somebody else has published.
pub(crate) const LOOK_AGAIN: SignedDuration = SignedDuration::from_secs(1);

/// Whether what is known to be published is published all the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Force {
    /// Only what has changed.
    No,
    /// Even if nothing has: somebody may have changed IAM.
    Yes,
}

/// Makes the shard's policy what the table says. Returns whether it is; if not, somebody else is
/// about to make it so.
pub(crate) async fn publish(app: &App, shard: Shard, force: Force) -> Result<bool, Error> {
    if force == Force::No && app.store.grant_shard(shard).await?.is_published() {
        return Ok(true);
    }
    let me = URL_SAFE_NO_PAD.encode(random::<16>());
    let Some(wanted) = app.store.lease_shard(shard, &me, now(), LEASE).await? else { return Ok(false) };
    let published = Box::pin(publish_leased(app, shard, &me, wanted)).await;
    if published.is_err() {
        // At worst the lease runs out.
        if let Err(error) = app.store.leave_shard(shard, &me).await {
            tracing::warn!(%shard, cause = error.chain(), "the lease on a grant could not be given up");
        }
    }
    published
}

async fn publish_leased(
    app: &App,
    shard: Shard,
    me: &str,
    mut wanted: store::GrantShard,
) -> Result<bool, Error> {
    for attempt in 1..=ATTEMPTS {
        timeout(ATTEMPT_TIME, app.grants.publish(shard, &wanted.roles))
            .await
            .map_err(|_| Error::unavailable(format!("grant {shard} took too long to publish")))??;
        match app.store.mark_published(shard, me, wanted.version).await? {
            Marked::Done => {
                report(app, shard, wanted.roles.len()).await;
                return Ok(true);
            }
            Marked::Lost => return Ok(false),
            Marked::Moved(now) if attempt < ATTEMPTS => wanted = now,
            Marked::Moved(_) => break,
        }
        // Each attempt is within the lease.
        if app.store.lease_shard(shard, me, now(), LEASE).await?.is_none() {
            return Ok(false);
        }
    }
    Err(Error::unavailable(format!("grant {shard} moved {ATTEMPTS} times while it was published")))
}

/// Writes how full the installation is, which an alarm reads from the log.
pub(crate) async fn report(app: &App, shard: Shard, roles: usize) {
    match app.store.grant_use().await {
        Ok(used) => {
            let grants_used_percent = app.capacity.used_percent(|shard| used.of(shard));
            tracing::info!(%shard, roles, grants_used_percent, "published a grant");
        }
        Err(error) => tracing::warn!(%shard, roles, cause = error.chain(), "published a grant"),
    }
}

/// Publishes a grant that was changed, or looks again a little later.
pub(crate) async fn take(app: &App, message: &PublishGrant) -> Result<(), Error> {
    if publish(app, message.shard, Force::No).await? {
        return Ok(());
    }
    app.queue.send(&OnboardingMessage::Publish(message.clone()), LOOK_AGAIN).await
}

#[cfg(test)]
mod tests;
