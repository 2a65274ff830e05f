use super::*;
use crate::operation::{Counted, compare, count};
use crate::sample::{NOW, backup, created, occasion, table_manifest};
use rstest::rstest;

fn drill() -> Drill {
    let connection = created().connection;
    let backup = backup(&connection);
    Drill::of(&backup, backup.job_id)
}

fn of_items(items: u32) -> Sample {
    Sample { items, ..Sample::default() }
}

#[rstest]
#[case::same(Counted::All(3), 3, None)]
#[case::more_than_aws_last_counted(Counted::All(7), 7, None)]
#[case::too_many_to_count(Counted::AtLeast(9), 9, None)]
#[case::empty(Counted::All(0), 0, None)]
#[case::unreadable(Counted::Refused("no".to_owned()), 0, Some("drill_unread"))]
#[case::none_could_be_read(Counted::All(3), 0, Some("drill_unread"))]
fn what_can_be_read_passes(#[case] counted: Counted, #[case] items: u32, #[case] code: Option<&str>) {
    let was = table_manifest();
    let mut compared = compare(Some(&was), &was);
    compared.push(count(Some(&was), &counted));
    let fault = Drill::fault(&compared, &of_items(items));
    assert_eq!(fault.map(|trouble| trouble.code).as_deref(), code);
}

/// Items that were counted and could not be sampled, because AWS throttled to the last, are no fault of the backup's.
#[test]
fn what_was_throttled_to_the_last_passes_and_is_told() {
    let was = table_manifest();
    let mut compared = compare(Some(&was), &was);
    compared.push(count(Some(&was), &Counted::All(3)));
    let unread = Sample { unread: Some("throttled".to_owned()), ..of_items(0) };
    assert_eq!(Drill::fault(&compared, &unread), None);
    assert!(
        Drill { compared, sample: Some(unread), ..drill() }.summary().contains("none sampled (throttled)")
    );
}

#[test]
fn what_differs_is_named_and_what_nobody_saw_is_no_fault() {
    let was = table_manifest();
    let is = crate::manifest::TableManifest { billing_mode: "PROVISIONED".to_owned(), ..was.clone() };
    let fault = Drill::fault(&compare(Some(&was), &is), &of_items(1)).unwrap();
    assert_eq!(fault.code, "drill_differs");
    assert!(fault.detail.contains("billing"), "{}", fault.detail);
    assert_eq!(Drill::fault(&compare(None, &is), &of_items(1)), None);
}

#[test]
fn the_evidence_says_how_long_it_took_and_what_was_found() {
    let was = table_manifest();
    let mut compared = compare(Some(&was), &was);
    compared.push(count(Some(&was), &Counted::All(3)));
    let usable = NOW + SignedDuration::from_secs(42);
    let sample = Sample { items: 3, same: 2, changed: 1, gone: 0, unread: None };
    let drill = Drill {
        asked_at: Some(NOW),
        taken_at: Some(NOW),
        usable_at: Some(usable),
        compared,
        sample: Some(sample),
        removed_at: Some(usable),
        ..drill()
    };
    let job = Job::waiting(
        backup(&created().connection).run_id,
        created().connection.id,
        &"eu-central-1".parse().unwrap(),
        "Music",
    );
    let ended = job.drill_ended(drill.clone());
    assert_eq!((ended.phase, ended.code.as_deref()), (Phase::Succeeded, Some("drilled")));
    let told = ended.detail.unwrap();
    for part in ["in 42 s", "3 items", "of 3 sampled, 2 are the same", "1 were changed since"] {
        assert!(told.contains(part), "{told}");
    }
    let before = backup(&created().connection);
    let after = before.drilled(before.run_id, &drill, NOW);
    assert_eq!(after.version, before.version + 1);
    assert_eq!(after.drilled.clone().unwrap().restored_within_seconds, Some(42));
    let event = after.drilled_event(before.run_id, &drill, &occasion());
    assert_eq!(event.data["passed"], true);
    assert_eq!(event.data["sample"]["same"], 2);
    assert_eq!(event.data["compared"].as_array().unwrap().len(), 5);
}

/// What is given up says where the table may be; what AWS was not asked for is given up as any job is.
#[test]
fn what_is_given_up_tells_of_the_table() {
    let run = backup(&created().connection).run_id;
    let region: Region = "eu-central-1".parse().unwrap();
    let job = Job::waiting(run, created().connection.id, &region, "Music").drilled(drill());
    assert_eq!(job.drill_given_up("Late."), None);
    for phase in [Phase::Asking, Phase::Making, Phase::Pruning] {
        let given_up = job.clone().now(phase).drill_given_up("Late.").unwrap();
        assert_eq!((given_up.phase, given_up.code.as_deref()), (Phase::Failed, Some("drill_incomplete")));
        assert!(given_up.detail.unwrap().contains(&drill().target));
    }
}

#[test]
fn a_table_that_was_left_behind_is_removed_by_a_job_of_its_own() {
    let connection = created().connection;
    let table = DrillTable {
        connection_id: connection.id,
        region: "eu-central-1".parse().unwrap(),
        target: drill().target,
        backup_id: drill().backup_id,
        backup_made_at: NOW,
        run_id: backup(&connection).run_id,
        chunk: 3,
        asked_at: NOW,
    };
    let job = table.removal(RunId::new(NOW, [7; 10]));
    assert_eq!((job.phase, job.resource.as_str()), (Phase::Pruning, table.target.as_str()));
    let ended = job.clone().drill_ended(*job.drill.unwrap());
    assert_eq!(ended.code.as_deref(), Some("leftover_removed"));
    assert!(is_drill_table(&table.target));
}
