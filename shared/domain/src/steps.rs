//! Work that goes on in steps, each asked for by a message: how far it has come, and what a message
//! that arrives is worth.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

/// After so many steps work is past its deadline, whatever the clock says.
pub const MAX_STEPS: u32 = 500;

/// How far some work has come.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Steps {
    /// Whether it is still going on.
    pub running: bool,
    /// When it was asked for.
    pub started_at: Timestamp,
    /// When waiting for an answer ends.
    pub deadline: Timestamp,
    /// The step that is next, from 0.
    pub step: u32,
    /// When the step before it was taken, or the work asked for.
    pub stepped_at: Timestamp,
}

/// Where a message that asks for a step of this work stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// Its step is the one that is next.
    Now,
    /// Its step was taken by an earlier delivery of it, which may have ended before it sent the
    /// next one.
    NextLost,
    /// Its work is done, or nobody wants it any more.
    Over,
}

impl Steps {
    /// How long after its last step running work counts as stuck: longer than any delay between
    /// two steps, which are five minutes at most, and the time a step may take.
    const GRACE: SignedDuration = SignedDuration::from_mins(7);

    /// Work that begins.
    #[must_use]
    pub fn start(now: Timestamp, deadline: Timestamp) -> Self {
        Self { running: true, started_at: now, deadline, step: 0, stepped_at: now }
    }

    /// The same with all the time that it was given, counted from `now`: waiting in a queue or for
    /// our own grant must not be held against the customer's role.
    #[must_use]
    pub fn counted_from(&self, now: Timestamp) -> Self {
        let given = self.deadline.duration_since(self.started_at);
        Self { deadline: self.deadline.max(now + given), ..self.clone() }
    }

    /// The same a step further.
    #[must_use]
    pub fn advanced(&self, now: Timestamp) -> Self {
        Self { step: self.step + 1, stepped_at: now, ..self.clone() }
    }

    /// The same, over.
    #[must_use]
    pub fn ended(&self) -> Self {
        Self { running: false, ..self.clone() }
    }

    /// Whether waiting is over.
    #[must_use]
    pub fn is_late(&self, now: Timestamp) -> bool {
        now >= self.deadline || self.step >= MAX_STEPS
    }

    /// Whether its next step should have been taken long ago: its message was lost to the
    /// dead-letter queue.
    #[must_use]
    pub fn is_stuck(&self, now: Timestamp) -> bool {
        self.running && now > self.deadline && now > self.stepped_at + Self::GRACE
    }

    /// Where a message about `step` of this work stands, of which one delivery takes `at_once` steps at
    /// most. `delivered_before` says whether SQS has delivered that very message before, so that work of
    /// it may be half done.
    #[must_use]
    pub fn place(&self, step: u32, at_once: u32, delivered_before: bool, now: Timestamp) -> Place {
        if !self.running {
            Place::Over
        } else if step == self.step {
            Place::Now
        } else if step < self.step
            && self.step - step <= at_once
            && (delivered_before || now >= self.deadline)
        {
            // A dead letter that was sent back counts as new, but comes late.
            Place::NextLost
        } else {
            Place::Over
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    const NOW: Timestamp = Timestamp::constant(1_000_000, 0);

    fn after(seconds: i64) -> Timestamp {
        NOW + SignedDuration::from_secs(seconds)
    }

    #[test]
    fn time_in_the_queue_is_not_held_against_the_role() {
        let steps = Steps::start(NOW, after(300));
        assert_eq!(steps.counted_from(after(500)).deadline, after(800));
        assert_eq!(steps.counted_from(NOW).deadline, after(300));
    }

    #[test]
    fn only_what_takes_no_steps_is_stuck() {
        let steps = Steps::start(NOW, after(300));
        assert!(!steps.is_stuck(after(400)));
        assert!(steps.is_stuck(after(421)));
        assert!(!steps.advanced(after(400)).is_stuck(after(421)));
        assert!(!steps.ended().is_stuck(after(9999)));
    }

    #[rstest]
    #[case::next(3, 1, false, 0, Place::Now)]
    #[case::next_delivered_again(3, 1, true, 0, Place::Now)]
    #[case::done_and_delivered_again(2, 1, true, 0, Place::NextLost)]
    #[case::done_by_another_message(2, 1, false, 0, Place::Over)]
    #[case::a_dead_letter_sent_back(2, 1, false, 300, Place::NextLost)]
    #[case::long_done(1, 1, true, 300, Place::Over)]
    #[case::never_asked_for(4, 1, true, 0, Place::Over)]
    #[case::two_steps_taken_by_one_delivery(1, 2, true, 0, Place::NextLost)]
    #[case::one_of_two_steps_taken(2, 2, true, 0, Place::NextLost)]
    #[case::long_done_where_two_are_taken(0, 2, true, 300, Place::Over)]
    fn a_message_finds_its_place(
        #[case] step: u32,
        #[case] at_once: u32,
        #[case] delivered_before: bool,
        #[case] at: i64,
        #[case] place: Place,
    ) {
        let steps = Steps { step: 3, ..Steps::start(NOW, after(300)) };
        assert_eq!(steps.place(step, at_once, delivered_before, after(at)), place);
        assert_eq!(steps.ended().place(step, at_once, delivered_before, after(at)), Place::Over);
    }

    #[test]
    fn waiting_ends_by_the_clock_and_by_count() {
        let steps = Steps::start(NOW, after(300));
        assert!(!steps.is_late(after(299)));
        assert!(steps.is_late(after(300)));
        assert!(Steps { step: MAX_STEPS, ..steps }.is_late(NOW));
    }
}
