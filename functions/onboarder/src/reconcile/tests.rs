use super::*;
use crate::test_app::Bench;
use jiff::Timestamp;
use rstest::rstest;

fn begun(at: Timestamp) -> Reconciliation {
    Reconciliation::start(ReconciliationId::new(at, [1; 10]), true, Actor::Drawbridge, at)
}

async fn hold(bench: &Bench, reconciliation: &Reconciliation) {
    bench.app.store.create_reconciliation(reconciliation, None).await.unwrap();
    bench.calls();
}

#[tokio::test]
async fn the_daily_one_is_written_before_its_first_step_is_sent() {
    let bench = Bench::new();
    take_step(&bench.app, &Reconcile::default(), false).await.unwrap();
    assert_eq!(bench.calls(), ["TransactWriteItems", "SendMessage"]);
    let messages = bench.messages();
    let (OnboardingMessage::Reconcile(first), 0) = &messages[0] else { panic!("{messages:?}") };
    let written = bench.app.store.reconciliation(first.reconciliation_id.unwrap()).await.unwrap();
    assert_eq!((written.dry_run, written.actor, first.step), (false, Actor::Drawbridge, 0));
}

#[tokio::test]
async fn one_that_is_about_to_be_written_is_waited_for_but_not_for_ever() {
    let bench = Bench::new();
    let step = begun(now()).next_message();
    take_step(&bench.app, &step, false).await.unwrap();
    assert_eq!(bench.messages(), [(OnboardingMessage::Reconcile(step), 2)]);
    let old = begun(now() - UNWRITTEN_FOR).next_message();
    take_step(&bench.app, &old, false).await.unwrap();
    assert_eq!(bench.messages().len(), 1);
}

#[tokio::test]
async fn a_page_of_connections_leads_to_the_grants() {
    let bench = Bench::new();
    let first = begun(now());
    hold(&bench, &first).await;
    take_step(&bench.app, &first.next_message(), false).await.unwrap();
    assert_eq!(bench.calls(), ["GetItem", "Query", "PutItem", "SendMessage"]);
    let after = bench.app.store.reconciliation(first.id).await.unwrap();
    assert_eq!((after.step, &after.phase), (1, &Phase::Grants { place: 0 }));
    assert_eq!(bench.messages(), [(OnboardingMessage::Reconcile(after.next_message()), 0)]);
}

#[rstest]
#[case::a_duplicate(2, false, false)]
#[case::a_redelivery_after_a_crash(2, true, true)]
#[case::long_done(1, true, false)]
#[case::never_asked_for(9, true, false)]
#[tokio::test]
async fn a_step_is_taken_once_and_its_next_never_lost(
    #[case] step: u32,
    #[case] delivered_before: bool,
    #[case] sent: bool,
) {
    let bench = Bench::new();
    let at_three = Reconciliation { step: 3, ..begun(now()) };
    hold(&bench, &at_three).await;
    let message = Reconcile { step, ..at_three.next_message() };
    take_step(&bench.app, &message, delivered_before).await.unwrap();
    let next = (OnboardingMessage::Reconcile(at_three.next_message()), 0);
    assert_eq!(bench.messages(), sent.then_some(next).into_iter().collect::<Vec<_>>());
    assert!(!bench.calls().contains(&"PutItem"));
}

#[tokio::test]
async fn one_that_has_ended_takes_no_step() {
    let bench = Bench::new();
    let ended = Reconciliation { phase: Phase::Finished, step: 3, ..begun(now()) };
    hold(&bench, &ended).await;
    for (step, delivered_before) in [(3, false), (2, true)] {
        let message = Reconcile { step, ..ended.next_message() };
        take_step(&bench.app, &message, delivered_before).await.unwrap();
    }
    assert_eq!(bench.calls(), ["GetItem", "GetItem"]);
    assert!(bench.messages().is_empty());
}

/// The bench has no IAM to compare with.
#[tokio::test]
async fn what_cannot_be_compared_is_not_counted_as_compared() {
    let bench = Bench::new();
    let at_grants = Reconciliation { phase: Phase::Grants { place: 0 }, ..begun(now()) };
    hold(&bench, &at_grants).await;
    take_step(&bench.app, &at_grants.next_message(), false).await.unwrap_err();
    assert_eq!(bench.app.store.reconciliation(at_grants.id).await.unwrap(), at_grants);
    assert!(bench.messages().is_empty());
}
