use super::*;
use crate::grants::ATTEMPTS;
use proptest::prelude::*;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use tokio::time::{Instant, sleep};

proptest! {
    #[test]
    fn a_pause_is_bounded_and_the_first_try_needs_none(attempt in 0_usize..200, random: u64) {
        let pause = between(attempt, random);
        let bound = match attempt {
            0 => Duration::ZERO,
            1..=5 => FIRST * (1 << (attempt - 1)),
            _ => LONGEST,
        };
        prop_assert!(pause <= bound.min(LONGEST), "{pause:?} before try {attempt}");
    }
}

#[test]
fn pauses_differ_and_reach_their_bound() {
    let pauses: Vec<Duration> = (0..=25_000).step_by(5_000).map(|random| between(1, random)).collect();
    assert_eq!(pauses, [0, 5, 10, 15, 20, 25].map(Duration::from_millis));
    assert_eq!(between(100, 1_000_000), LONGEST);
}

/// One item that takes one transaction at a time, as DynamoDB does: whoever comes meanwhile is
/// refused.
async fn contend(contenders: usize, pausing: bool) -> usize {
    let item = Arc::new(AtomicBool::new(false));
    let tasks: Vec<_> = (0..contenders)
        .map(|_| {
            let item = Arc::clone(&item);
            tokio::spawn(async move {
                for attempt in 0..ATTEMPTS {
                    if pausing {
                        before(attempt).await;
                    }
                    let mine = !item.swap(true, Ordering::Relaxed);
                    sleep(Duration::from_millis(15)).await;
                    if mine {
                        item.store(false, Ordering::Relaxed);
                        return true;
                    }
                }
                false
            })
        })
        .collect();
    let mut held = 0;
    for task in tasks {
        held += usize::from(task.await.unwrap());
    }
    held
}

#[tokio::test(start_paused = true)]
async fn fifty_at_once_all_get_their_turn() {
    let begun = Instant::now();
    assert_eq!(contend(50, true).await, 50);
    assert!(begun.elapsed() < Duration::from_secs(15), "{:?}", begun.elapsed());
    // At once, they only meet again.
    assert_eq!(contend(50, false).await, ATTEMPTS);
}
