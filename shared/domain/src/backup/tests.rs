use super::*;
use crate::expression::Timezone;
use crate::retention::{Retention, RetentionParts};
use crate::run::Terms;
use crate::sample::{NOW, occasion};

fn chunk(max_age_days: Option<u32>) -> Chunk {
    let retention = RetentionParts { max_age_days, keep_last: Some(3), ..RetentionParts::default() };
    let terms = Terms {
        kind: Kind::DynamodbBackup,
        schedule_id: Some(ScheduleId::new(NOW, [4; 10])),
        retention: Some(Retention::new(retention).unwrap()),
        timezone: Timezone::default(),
        dry_run: false,
        ec2_backup: None,
    };
    let ids = (RunId::new(NOW, [1; 10]), ConnectionId::new(NOW, [2; 10]), "eu-central-1".parse().unwrap(), 0);
    let job = Job::waiting(ids.0, ids.1, &ids.2, "orders");
    Chunk::of(ids, terms, vec![job], NOW, NOW)
}

fn backup(max_age_days: Option<u32>) -> Backup {
    let chunk = chunk(max_age_days);
    Backup::made(&chunk, &chunk.jobs[0], "arn".to_owned(), NOW, TableManifest::unseen(NOW))
}

/// Retention weighs what is there; what is being made, nobody counts on.
#[test]
fn only_what_is_there_is_good() {
    let made = backup(None);
    assert_eq!((made.state, made.candidate().good), (BackupState::Creating, false));
    let there = made.available(Some(42));
    assert_eq!((there.candidate().good, there.size_bytes, there.version), (true, Some(42), 2));
    let gone = there.deleted(Gone::Retention, NOW);
    assert_eq!((gone.candidate().good, gone.deleted_at, gone.version), (false, Some(NOW), 3));
}

#[test]
fn its_age_tells_from_when_it_may_go() {
    assert_eq!(backup(None).delete_after, None);
    assert_eq!(backup(Some(7)).delete_after, Some(NOW + SignedDuration::from_hours(7 * 24)));
}

#[test]
fn events_tell_which_and_why() {
    let gone = backup(None).available(None).deleted(Gone::Retention, NOW);
    let event = gone.deleted_event(None, &occasion());
    let data = Value::Object(event.data);
    assert_eq!((&data["backup_id"], &data["because"]), (&json!(gone.id), &json!("retention")));
    assert_eq!((&data["resource"], &data["region"]), (&json!("orders"), &json!("eu-central-1")));
    assert!(data.get("operation_id").is_none());
    assert_eq!(event.about, About::Connection(gone.connection_id));
}

/// An image holds its snapshots: it goes before them.
#[test]
fn a_backup_of_an_instance_consists_of_its_parts() {
    let snapshot = |id: &str| VolumeSnapshot {
        snapshot_id: id.to_owned(),
        volume_id: None,
        device: None,
        size_gib: Some(8),
    };
    let mut chunk = chunk(None);
    chunk.terms.kind = Kind::Ec2Backup;
    let made = |aws_id: &str| {
        let instance = InstanceManifest::unseen(NOW);
        Backup::of_instance(&chunk, &chunk.jobs[0], aws_id.to_owned(), NOW, instance, Vec::new())
            .available_as(vec![snapshot("snap-1"), snapshot("snap-2")])
    };
    let set = made("snap-1");
    assert_eq!(
        (set.is_image(), set.parts(), set.size_bytes),
        (false, vec!["snap-1", "snap-2"], Some(16 << 30))
    );
    assert_eq!(made("ami-1").parts(), ["ami-1", "snap-1", "snap-2"]);
    assert!(set.manifest.is_none() && set.candidate().good);
}
