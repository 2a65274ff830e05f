use super::*;
use crate::expression::Timezone;
use crate::kind::Kind;
use crate::run::LONGEST_RUN;
use crate::sample::NOW;
use rstest::rstest;

fn ids() -> (RunId, ConnectionId, Region, u32) {
    (RunId::new(NOW, [1; 10]), ConnectionId::new(NOW, [2; 10]), "eu-central-1".parse().unwrap(), 3)
}

fn terms() -> Terms {
    Terms {
        kind: Kind::DynamodbBackup,
        schedule_id: None,
        retention: None,
        timezone: Timezone::default(),
        dry_run: false,
        ec2_backup: None,
    }
}

fn job(resource: &str, phase: Phase) -> Job {
    let (run, connection, region, _) = ids();
    Job::waiting(run, connection, &region, resource).now(phase)
}

fn chunk(jobs: Vec<Job>) -> Chunk {
    Chunk::of(ids(), terms(), jobs, NOW, NOW + SignedDuration::from_hours(24))
}

/// Whoever plans the same thing again makes the same job, under whose name the backup is found.
#[test]
fn a_job_is_the_same_however_often_it_is_planned() {
    let (run, connection, region, _) = ids();
    let again = Job::waiting(run, connection, &region, "orders");
    assert_eq!(again.id, job("orders", Phase::Waiting).id);
    assert_ne!(again.id, job("order", Phase::Waiting).id);
    assert_ne!(again.id, Job::waiting(run, connection, &"eu-west-1".parse().unwrap(), "orders").id);
    // Source: DynamoDB API Reference, CreateBackup: 3 to 255 of [a-zA-Z0-9_.-].
    let name = again.backup_name();
    assert!(
        name.len() <= 255 && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"_.-".contains(&b)),
        "{name}"
    );
    assert!(name.contains(&again.id.to_string()));
}

#[test]
fn what_could_not_be_looked_at_has_ended_when_it_is_written() {
    let all = job("*", Phase::Waiting).because(Phase::Failed, "role_not_assumable", "");
    let ended = chunk(vec![all]);
    assert!(!ended.steps.running && ended.next_message().is_none());
    assert!(chunk(vec![job("a", Phase::Waiting)]).next_message().is_some());
}

#[test]
fn whoever_asks_aws_has_it_for_himself_for_a_while() {
    let before = chunk(vec![job("a", Phase::Waiting), job("b", Phase::Waiting)]);
    let asking = before.asking(vec![before.jobs[0].clone()], NOW);
    assert_eq!(asking.asking_until, Some(NOW + ASKING));
    assert_eq!(asking.steps, before.steps, "the step is not over");
    assert_eq!((asking.revision, asking.jobs[0].phase), (before.revision + 1, Phase::Asking));
    assert_eq!(asking.jobs[1].phase, Phase::Waiting);
    let made = asking.with(vec![asking.jobs[0].clone().now(Phase::Making)]).stepped(&before, NOW);
    assert_eq!((made.asking_until, made.steps.step, made.revision), (None, 1, before.revision + 2));
}

#[test]
fn a_step_that_moves_nothing_makes_the_next_one_wait_longer() {
    let mut now = chunk(vec![job("a", Phase::Making)]);
    let mut pauses = Vec::new();
    for _ in 0..8 {
        now = now.with(vec![]).stepped(&now, NOW);
        pauses.push(now.pause().as_secs());
    }
    assert_eq!(pauses, [2, 4, 8, 16, 32, 60, 60, 60]);
    let moved = now.with(vec![job("a", Phase::Pruning)]).stepped(&now, NOW);
    assert_eq!(moved.pause().as_secs(), 1);
    let ended = moved.with(vec![job("a", Phase::Succeeded)]).stepped(&moved, NOW);
    assert!(!ended.steps.running && ended.next_message().is_none());
}

/// What is known stays known; of what AWS was asked for nobody pretends to know.
#[rstest]
#[case::not_asked_for(Phase::Waiting, Phase::Skipped, "connection_not_active")]
#[case::asked_for(Phase::Asking, Phase::Failed, "outcome_unknown")]
#[case::taken(Phase::Making, Phase::Failed, "outcome_unknown")]
#[case::there(Phase::Pruning, Phase::Succeeded, "retention_incomplete")]
fn what_is_given_up(#[case] phase: Phase, #[case] becomes: Phase, #[case] code: &str) {
    let before = chunk(vec![job("a", phase), job("b", Phase::Succeeded)]);
    let ended = before.given_up(Phase::Skipped, "connection_not_active", "It is suspended.");
    assert_eq!((ended.jobs[0].phase, ended.jobs[0].code.as_deref()), (becomes, Some(code)));
    assert_eq!(ended.jobs[1], before.jobs[1]);
    assert!(ended.is_settled() && !ended.steps.running);
    assert_eq!(ended.tally, Tally::of(&ended.jobs));
}

#[test]
fn waiting_in_the_queue_is_not_held_against_it() {
    let waiting = chunk(vec![job("a", Phase::Waiting)]);
    assert!(!waiting.is_late(NOW + SignedDuration::from_hours(23)));
    let taken = waiting.stepped(&waiting, NOW + SignedDuration::from_hours(10));
    assert!(!taken.is_late(NOW + SignedDuration::from_hours(12)));
    assert!(taken.is_late(NOW + SignedDuration::from_hours(13)));
}

/// Large volumes take AWS many hours; tables do not.
#[test]
fn backups_of_instances_may_take_as_long_as_their_run() {
    let tables = Chunk { taken_at: Some(NOW), ..chunk(vec![job("a", Phase::Making)]) };
    let mut instances = tables.clone();
    instances.terms.kind = Kind::Ec2Backup;
    let later = NOW + LONGEST_CHUNK;
    assert!(tables.is_late(later) && !instances.is_late(later));
    assert!(instances.is_late(NOW + LONGEST_RUN));
}

/// Whoever reads of an instance is not told to look for a backup.
#[test]
fn what_is_given_up_is_told_as_what_it_was() {
    let terms = Terms { kind: Kind::Ec2Stop, ..terms() };
    let stopping = Chunk { terms, ..chunk(vec![job("i-1", Phase::Making)]) };
    let ended = stopping.given_up(Phase::Failed, "not_in_time", "It took too long.");
    let detail = ended.jobs[0].detail.as_deref().unwrap();
    assert!(detail.contains("to stop the instance") && !detail.contains("backup"), "{detail}");
    let backup = chunk(vec![job("orders", Phase::Making)]).given_up(Phase::Failed, "not_in_time", "");
    assert!(backup.jobs[0].detail.as_deref().unwrap().contains("backup"));
}
