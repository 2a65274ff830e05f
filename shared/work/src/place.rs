//! Whether a message asks for the step that the table expects.

use domain::steps::{Place, Steps};
use jiff::{SignedDuration, Timestamp};

/// How long a message waits for the work that it is about to be written.
pub const UNWRITTEN_DELAY: SignedDuration = SignedDuration::from_secs(2);
/// After so long work that is not in the table was never written: no function that makes an id runs for
/// longer than a minute, and clocks differ by less than the rest.
pub const UNWRITTEN_FOR: SignedDuration = SignedDuration::from_secs(90);

/// A step that a message asks for, of work with the id `I`.
#[derive(Debug, Clone, Copy)]
pub struct Asked<I> {
    /// Which work.
    pub id: I,
    /// When the id was made.
    pub made_at: Timestamp,
    /// Which step of it.
    pub step: u32,
    /// How many steps one delivery takes at most.
    pub at_once: u32,
    /// When waiting for it ends.
    pub deadline: Timestamp,
    /// Whether SQS has delivered that very message before.
    pub delivered_before: bool,
}

/// Where the message stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// In work that the table knows.
    Known(Place),
    /// Its work is not in the table yet.
    NotYet,
}

/// By whom a step was taken that several deliveries may have been at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TakenBy {
    /// By this one, or there was nothing to take.
    This,
    /// By another one, which has yet to send the next step.
    Another,
}

impl<I: Ord> Asked<I> {
    /// Where the message stands, when the table knows of `latest`. Ids of later work are greater.
    #[must_use]
    pub fn standing(&self, latest: Option<(I, &Steps)>, now: Timestamp) -> Standing {
        match latest {
            Some((id, _)) if id > self.id => Standing::Known(Place::Over),
            Some((id, steps)) if id == self.id => {
                Standing::Known(steps.place(self.step, self.at_once, self.delivered_before, now))
            }
            _ if now < self.deadline && now < self.made_at + UNWRITTEN_FOR => Standing::NotYet,
            _ => Standing::Known(Place::Over),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    const NOW: Timestamp = Timestamp::constant(1_800_000_000, 0);

    fn asked(id: u8) -> Asked<u8> {
        let deadline = NOW + SignedDuration::from_mins(5);
        Asked { id, made_at: NOW, step: 3, at_once: 1, deadline, delivered_before: false }
    }

    #[rstest]
    #[case::the_step_that_is_next(Some(5), Standing::Known(Place::Now))]
    #[case::of_earlier_work(Some(6), Standing::Known(Place::Over))]
    #[case::of_later_work(Some(4), Standing::NotYet)]
    #[case::of_unknown_work(None, Standing::NotYet)]
    fn a_message_finds_its_work(#[case] latest: Option<u8>, #[case] standing: Standing) {
        let steps = Steps { step: 3, ..Steps::start(NOW, NOW + SignedDuration::from_mins(5)) };
        assert_eq!(asked(5).standing(latest.map(|id| (id, &steps)), NOW), standing);
    }

    #[test]
    fn a_message_waits_for_its_work_but_not_for_ever() {
        let at = |seconds| asked(5).standing(None, NOW + SignedDuration::from_secs(seconds));
        assert_eq!(at(89), Standing::NotYet);
        assert_eq!(at(90), Standing::Known(Place::Over));
        let short = Asked { deadline: NOW + SignedDuration::from_secs(20), ..asked(5) };
        assert_eq!(short.standing(None, NOW + SignedDuration::from_secs(20)), Standing::Known(Place::Over));
    }

    /// SQS delivers at least once, and a crash may come between a step's write and its message.
    #[rstest]
    #[case::the_step_that_is_next_again(3, true, true, Place::Now)]
    #[case::a_duplicate_of_the_step_before(4, true, false, Place::Over)]
    #[case::a_redelivery_of_the_step_before(4, true, true, Place::NextLost)]
    #[case::a_redelivery_from_long_ago(5, true, true, Place::Over)]
    #[case::a_step_that_nobody_expects(2, true, false, Place::Over)]
    #[case::after_the_end(3, false, true, Place::Over)]
    fn a_step_is_taken_once_and_never_lost(
        #[case] expected: u32,
        #[case] running: bool,
        #[case] delivered_before: bool,
        #[case] place: Place,
    ) {
        let begun = Steps::start(NOW, NOW + SignedDuration::from_mins(5));
        let steps = Steps { step: expected, running, ..begun };
        let asked = Asked { delivered_before, ..asked(5) };
        assert_eq!(asked.standing(Some((5, &steps)), NOW), Standing::Known(place));
    }
}
