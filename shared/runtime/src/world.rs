//! Time and randomness, which the rules take as arguments.

use jiff::{Timestamp, Unit};

/// Now, to the millisecond: what the table and the API keep.
#[must_use]
pub fn now() -> Timestamp {
    let now = Timestamp::now();
    now.round(Unit::Millisecond).unwrap_or(now)
}

/// Bytes from the operating system's source of randomness, good for secrets.
///
/// # Panics
/// When the operating system has none: without it nothing safe can be made, and Lambda then ends
/// the function's process.
#[must_use]
pub fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    #[expect(clippy::expect_used, reason = "an id or a secret without randomness would be worse than none")]
    getrandom::fill(&mut bytes).expect("the operating system gives random bytes");
    bytes
}
