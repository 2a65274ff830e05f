//! What is asked one after the other ends by itself, so that it can be told what was not come to.

use std::time::{Duration, Instant};

use access::CustomerSession;

/// Nothing is begun so shortly before the end: most answers take no longer.
const LAST_CALL: Duration = Duration::from_secs(1);

/// Whether there is no time to begin anything more.
pub(crate) fn is_over(session: &CustomerSession) -> bool {
    session.end().is_some_and(|end| end.saturating_duration_since(Instant::now()) < LAST_CALL)
}

/// What was answered, unless the end came first: then nobody knows what became of it.
pub(crate) async fn in_time<F: Future>(session: &CustomerSession, asked: F) -> Option<F::Output> {
    match session.end() {
        None => Some(asked.await),
        Some(end) => tokio::time::timeout_at(end.into(), asked).await.ok(),
    }
}
