use super::*;
use domain::VerificationId;
use domain::sample::{NOW, created, submitted};
use rstest::rstest;

fn verification_id(seconds: i64) -> VerificationId {
    VerificationId::new(NOW + SignedDuration::from_secs(seconds), [8; 10])
}

/// A connection whose verification `verification_id(0)` expects `step`.
fn connection(step: u32, running: bool) -> Connection {
    let mut connection = submitted(&created().connection, "arn:aws:iam::222222222222:role/r").connection;
    let verification = connection.verification.as_mut().unwrap();
    assert_eq!(verification.id, verification_id(0));
    verification.step = step;
    verification.running = running;
    connection
}

fn named(
    connection: &Connection,
    id: VerificationId,
    step: u32,
    again: bool,
    now: Timestamp,
) -> &'static str {
    let step = VerifyStep {
        connection_id: connection.id,
        verification_id: id,
        step,
        deadline: NOW + SignedDuration::from_mins(5),
    };
    match place(connection, &step, again, now) {
        Place::Now(_) => "now",
        Place::NextLost(_) => "next lost",
        Place::NotYet => "not yet",
        Place::Over => "over",
    }
}

#[rstest]
#[case::the_step_that_is_next(3, true, 3, false, "now")]
#[case::the_step_that_is_next_again(3, true, 3, true, "now")]
#[case::a_duplicate_of_the_step_before(3, true, 2, false, "over")]
#[case::a_redelivery_of_the_step_before(3, true, 2, true, "next lost")]
#[case::a_redelivery_from_long_ago(3, true, 1, true, "over")]
#[case::a_step_that_nobody_expects(3, true, 4, false, "over")]
#[case::after_the_end(3, false, 3, false, "over")]
#[case::after_the_end_again(3, false, 3, true, "over")]
fn a_message_finds_its_place(
    #[case] expected: u32,
    #[case] running: bool,
    #[case] step: u32,
    #[case] again: bool,
    #[case] outcome: &str,
) {
    assert_eq!(named(&connection(expected, running), verification_id(0), step, again, NOW), outcome);
}

#[test]
fn a_dead_letter_sent_back_after_the_deadline_goes_on() {
    let late = NOW + SignedDuration::from_mins(30);
    assert_eq!(named(&connection(3, true), verification_id(0), 2, false, late), "next lost");
    assert_eq!(named(&connection(3, true), verification_id(0), 1, false, late), "over");
}

#[test]
fn a_message_of_an_earlier_verification_is_over() {
    assert_eq!(named(&connection(0, true), verification_id(-1), 0, true, NOW), "over");
}

#[test]
fn a_message_waits_for_its_verification_but_not_for_ever() {
    let later = verification_id(1);
    let written_soon = NOW + SignedDuration::from_secs(30);
    assert_eq!(named(&connection(0, true), later, 0, false, written_soon), "not yet");
    let never_written = NOW + SignedDuration::from_mins(3);
    assert_eq!(named(&connection(0, true), later, 0, false, never_written), "over");
}
