//! How long whoever lost a race waits before he looks again.
//!
//! Every first hold counts on the one item `GRANTS/USE`, so that many connections at once meet
//! there, whichever shard each of them takes. Trying again at once only makes them meet again.

use std::time::Duration;

/// Longest pause after the first lost race. A transaction takes some tens of milliseconds.
const FIRST: Duration = Duration::from_millis(25);
/// Longest pause of all.
const LONGEST: Duration = Duration::from_secs(1);

/// Waits before the `attempt`th try, counted from 0; not at all before the first.
pub(super) async fn before(attempt: usize) {
    let pause = between(attempt, u64::from_le_bytes(runtime::random()));
    if !pause.is_zero() {
        tokio::time::sleep(pause).await;
    }
}

/// Anything from nothing to a bound that doubles with every try (full jitter), as `random` says.
fn between(attempt: usize, random: u64) -> Duration {
    let Some(doublings) = attempt.checked_sub(1) else { return Duration::ZERO };
    let factor = 1_u32.checked_shl(u32::try_from(doublings).unwrap_or(u32::MAX)).unwrap_or(u32::MAX);
    let bound = FIRST.saturating_mul(factor).min(LONGEST);
    let micros = u64::try_from(bound.as_micros()).unwrap_or(u64::MAX);
    Duration::from_micros(random % (micros + 1))
}

#[cfg(test)]
mod tests;
