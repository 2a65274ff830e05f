use super::*;
use crate::sample::NOW;

fn part() -> Part {
    let deadline = NOW + SignedDuration::from_hours(24);
    Part::begin(RunId::new(NOW, [1; 10]), ConnectionId::new(NOW, [2; 10]), NOW, deadline)
}

#[test]
fn a_part_goes_from_page_to_page_and_ends_with_the_last() {
    let region: Region = "eu-central-1".parse().unwrap();
    let first = part().planned(Some((region.clone(), Some("m".to_owned()))), 4, NOW);
    assert_eq!((first.chunks, first.to_send()), (4, 0..4));
    assert_eq!((first.region.as_ref(), first.after.as_deref()), (Some(&region), Some("m")));
    let last = first.planned(None, 2, NOW);
    assert_eq!((last.to_send(), last.steps.running, last.steps.step), (4..6, false, 2));
}

#[test]
fn what_does_not_answer_is_asked_ever_more_slowly_and_given_up() {
    let mut waiting = part().planned(Some(("eu-central-1".parse().unwrap(), None)), 1, NOW);
    let mut pauses = Vec::new();
    for _ in 0..7 {
        waiting = waiting.unanswered(NOW);
        assert_eq!(waiting.to_send(), 1..1, "what was sent is not sent again");
        pauses.push(waiting.pause().as_secs());
    }
    assert_eq!(pauses, [2, 4, 8, 16, 32, 60, 60]);
    assert!(!waiting.gives_up(NOW + LONGEST_LISTING - SignedDuration::from_secs(1)));
    assert!(waiting.gives_up(NOW + LONGEST_LISTING));
    // The next Region begins with all of its time.
    let next = waiting.planned(Some(("eu-west-1".parse().unwrap(), None)), 1, NOW);
    assert!(!next.gives_up(NOW + LONGEST_LISTING) && next.pause() == SignedDuration::ZERO);
}
