use super::*;
use crate::sample::NOW;
use crate::steps::MAX_STEPS;
use proptest::prelude::*;

const INTERVAL: SignedDuration = SignedDuration::from_secs(5);

fn after(seconds: i64) -> Timestamp {
    NOW + SignedDuration::from_secs(seconds)
}

fn look(seconds: i64) -> Look {
    let role = "arn:aws:iam::222222222222:role/drawbridge-abcdefgh".parse().unwrap();
    Look::start(LookId::new(NOW, [1; 10]), role, Actor::Customer, NOW, after(seconds))
}

#[test]
fn pauses_double_up_to_five_minutes() {
    let pauses: Vec<i64> = (0..9).map(|attempts| back_off(attempts, INTERVAL).as_secs()).collect();
    assert_eq!(pauses, [5, 5, 10, 20, 40, 80, 160, 300, 300]);
}

#[test]
fn an_hours_look_asks_some_twenty_times() {
    let mut look = look(3600);
    while !look.steps.is_late(look.next_at) {
        look = look.tried(look.next_at, INTERVAL);
    }
    assert_eq!((look.attempts, look.next_at), (17, after(3600)));
}

#[test]
fn waiting_for_ourselves_is_no_attempt() {
    let paused = look(60).paused(after(3), SignedDuration::from_secs(1));
    assert_eq!((paused.attempts, paused.next_at, paused.steps.step), (0, after(4), 1));
}

#[test]
fn its_message_says_where_it_is_and_when_it_ends() {
    let look = look(60).tried(NOW, INTERVAL);
    let connection_id = ConnectionId::new(NOW, [2; 10]);
    let message = look.next_message(connection_id);
    assert_eq!(message, LookStep { connection_id, look_id: look.id, step: 1, deadline: after(60) });
}

proptest! {
    #[test]
    fn pauses_grow_and_end(attempts: u32, seconds in 1_i64..=60) {
        let interval = SignedDuration::from_secs(seconds);
        let pause = back_off(attempts, interval);
        prop_assert!(pause >= interval.min(LONGEST_PAUSE) && pause <= LONGEST_PAUSE);
        prop_assert!(pause <= back_off(attempts.saturating_add(1), interval));
    }

    /// Whatever happens between two steps, and however late they come.
    #[test]
    fn every_look_ends(
        lifetime in 1_i64..10_000,
        waits in prop::collection::vec((any::<bool>(), 0_i64..400), 0..2 * MAX_STEPS as usize),
    ) {
        let mut look = look(lifetime);
        let mut now = NOW;
        for (is_attempt, late) in waits {
            if look.steps.is_late(now) {
                break;
            }
            let pause = SignedDuration::from_secs(1);
            let next = if is_attempt { look.tried(now, INTERVAL) } else { look.paused(now, pause) };
            prop_assert!(next.next_at >= now && next.next_at <= look.until());
            prop_assert_eq!(next.steps.step, look.steps.step + 1);
            prop_assert_eq!(next.until(), after(lifetime));
            now = next.next_at + SignedDuration::from_secs(late);
            look = next;
        }
        prop_assert!(look.steps.step <= MAX_STEPS);
        prop_assert!(i64::from(look.attempts) <= 8 + lifetime / 5);
    }
}
