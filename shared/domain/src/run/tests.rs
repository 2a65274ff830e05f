use super::*;
use crate::id::EventId;
use crate::job::JobState;
use crate::sample::{NOW, occasion};
use crate::selection::SelectionParts;
use proptest::prelude::*;
use rstest::rstest;

fn connection(number: u8) -> ConnectionId {
    ConnectionId::new(NOW, [number; 10])
}

fn order(scope: Scope) -> RunOrder {
    let parts = SelectionParts { names: vec!["*".to_owned()], ..SelectionParts::default() };
    RunOrder {
        scope,
        regions: None,
        select: Selection::new(parts).unwrap(),
        terms: Terms {
            kind: Kind::DynamodbBackup,
            schedule_id: None,
            retention: None,
            timezone: Timezone::default(),
            dry_run: false,
            ec2_backup: None,
        },
    }
}

fn run(scope: Scope) -> Run {
    Run::begin(RunId::new(NOW, [1; 10]), order(scope), None, Actor::Drawbridge, NOW)
}

fn job(phase: Phase, resource: &str) -> Job {
    let region = "eu-central-1".parse().unwrap();
    Job::waiting(RunId::new(NOW, [1; 10]), connection(1), &region, resource).now(phase)
}

/// A second delivery of what EventBridge sends is the same run, and another time is another.
#[test]
fn a_firing_is_one_run_however_often_it_is_told() {
    let schedule = ScheduleId::new(NOW, [2; 10]);
    let other = ScheduleId::new(NOW, [3; 10]);
    let at: Timestamp = "2026-11-28T02:00:00Z".parse().unwrap();
    let id = RunId::of_firing(schedule, at);
    assert_eq!(id, RunId::of_firing(schedule, "2026-11-28T03:00:00+01:00".parse().unwrap()));
    assert_eq!(id.created_at(), at);
    assert_ne!(id, RunId::of_firing(other, at));
    assert_ne!(id, RunId::of_firing(schedule, at + SignedDuration::from_secs(60)));
}

#[rstest]
#[case::nothing_to_do(0, 0, 0, 0, RunState::Succeeded)]
#[case::all_done(3, 0, 0, 0, RunState::Succeeded)]
#[case::left_out_for_a_reason(3, 0, 2, 0, RunState::Succeeded)]
#[case::only_left_out(0, 0, 2, 0, RunState::Succeeded)]
#[case::one_failed(3, 1, 0, 0, RunState::Partial)]
#[case::all_failed(0, 2, 1, 0, RunState::Failed)]
#[case::an_account_missed(3, 0, 1, 1, RunState::Partial)]
#[case::nothing_but_missed(0, 0, 1, 1, RunState::Failed)]
fn what_a_run_has_become(
    #[case] succeeded: u32,
    #[case] failed: u32,
    #[case] skipped: u32,
    #[case] missed: u32,
    #[case] state: RunState,
) {
    let total = succeeded + failed + skipped;
    assert_eq!(Tally { total, succeeded, failed, skipped, missed }.state(), state);
}

#[test]
fn jobs_are_counted_by_what_became_of_them() {
    let jobs = [
        job(Phase::Succeeded, "a"),
        job(Phase::Failed, "b"),
        job(Phase::Skipped, "c"),
        job(Phase::Skipped, EVERYTHING),
        job(Phase::Making, "d"),
        job(Phase::Waiting, "e"),
    ];
    let tally = Tally::of(&jobs);
    assert_eq!(tally, Tally { total: 6, succeeded: 1, failed: 1, skipped: 2, missed: 1 });
    assert_eq!(JobState::from(jobs[4].phase), JobState::Running);
}

#[test]
fn planning_goes_on_until_there_is_no_further_page() {
    let begun = run(Scope::All);
    let first = begun.planned(vec![connection(1)], Some("next".to_owned()), NOW);
    assert_eq!((first.state, first.progress.steps.step), (RunState::Planning, 1));
    let last = first.planned(vec![connection(2)], None, NOW);
    assert_eq!((last.state, &last.progress.sending), (RunState::Running, &vec![connection(2)]));
    // Somebody waits for its parts: the first look comes at once, and later ones ever more slowly.
    assert_eq!(last.pause(), SignedDuration::ZERO);
    let mut looked = last;
    let pauses: Vec<i64> = (0..7)
        .map(|_| {
            looked = looked.counted(None, Tally::default(), NOW);
            looked.pause().as_secs()
        })
        .collect();
    assert_eq!(pauses, [2, 4, 8, 15, 15, 15, 15]);
    let moved = looked.counted(Some("PART#x".to_owned()), Tally::default(), NOW);
    assert_eq!(moved.pause().as_secs(), 1);
    assert_eq!(moved.progress.counted.as_deref(), Some("PART#x"));
    assert_eq!(moved.counted(None, Tally::default(), NOW).progress.counted.as_deref(), Some("PART#x"));
}

/// Where the audit list of one customer is the place to look, it stands there.
#[test]
fn the_end_is_told_where_it_is_looked_for() {
    let tally = Tally { total: 2, succeeded: 1, failed: 1, skipped: 0, missed: 0 };
    let of_one = run(Scope::Connections(vec![connection(1)])).finished(tally, NOW);
    let event = of_one.event(&occasion());
    assert_eq!(event.about, About::Connection(connection(1)));
    assert_eq!(event.data["state"], "partial");
    assert_eq!(event.data["jobs"], json!({"total": 2, "succeeded": 1, "failed": 1, "skipped": 0}));
    assert!(!event.data.contains_key("schedule_id"), "there is none");
    let of_all = run(Scope::All).finished(tally, NOW);
    let event = of_all.event(&Occasion { event_id: EventId::new(NOW, [4; 10]), ..occasion() });
    assert_eq!(event.about, About::Run(of_all.id));
    assert!(!of_all.progress.steps.running);
}

proptest! {
    /// However a run's chunks are counted, page by page, the sum is the same.
    #[test]
    fn counting_in_pages_is_counting_at_once(
        counts in prop::collection::vec((0_u32..50, 0_u32..50, 0_u32..50), 0..20),
        page in 1_usize..7,
    ) {
        let tallies: Vec<Tally> = counts
            .iter()
            .map(|(succeeded, failed, skipped)| Tally {
                total: succeeded + failed + skipped,
                succeeded: *succeeded,
                failed: *failed,
                skipped: *skipped,
                missed: 0,
            })
            .collect();
        let all = tallies.iter().fold(Tally::default(), |sum, one| sum.and(*one));
        let mut counted = run(Scope::All);
        for some in tallies.chunks(page) {
            let sum = some.iter().fold(Tally::default(), |sum, one| sum.and(*one));
            counted = counted.counted(Some("place".to_owned()), sum, NOW);
        }
        let ended = counted.finished(Tally::default(), NOW);
        prop_assert_eq!(ended.tally, all);
        prop_assert_eq!(ended.state, all.state());
    }
}
