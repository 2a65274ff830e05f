//! Answers are EC2's query protocol. Source: EC2 API Reference, the examples and the errors of each action.

use domain::backup::BackupState;
use domain::chunk::Chunk;
use domain::ec2_backup::BackupMethod;
use domain::instance_manifest::InstanceManifest;
use domain::job::{Job, JobState};
use domain::kind::Kind;
use domain::part::Part;
use domain::retention::{Retention, RetentionParts};
use domain::run::{Run, RunOrder, Scope, Terms};
use domain::selection::{Selection, SelectionParts};
use domain::{Actor, BackupId, Capability, CapabilitySet, Connection, RunId};
use jiff::{SignedDuration, Timestamp};
use rstest::rstest;
use runtime::now;
use serde_json::{Value, json};

use super::*;
use crate::test_app::{Call, TestApp, active};

const REGION: &str = "eu-central-1";
const INSTANCE: &str = "i-0123456789abcdef0";
const ROOT: (&str, &str, &str) = ("snap-0000000000000000a", "vol-0000000000000000a", "/dev/xvda");
const DATA: (&str, &str, &str) = ("snap-0000000000000000b", "vol-0000000000000000b", "/dev/sdf");
const IMAGE: &str = "ami-0123456789abcdef0";

fn able() -> Connection {
    Connection {
        capabilities: CapabilitySet::new([Capability::Ec2Backup]).unwrap(),
        regions: [REGION.parse().unwrap()].into(),
        ..active()
    }
}

/// A chunk of a run that backs these instances up.
async fn begun(app: &TestApp, how: Ec2Backup, keep_last: Option<u32>) -> Chunk {
    let retention = keep_last.map(|_| RetentionParts { keep_last, ..RetentionParts::default() });
    let terms = Terms {
        kind: Kind::Ec2Backup,
        schedule_id: None,
        retention: retention.map(|parts| Retention::new(parts).unwrap()),
        timezone: "UTC".parse().unwrap(),
        dry_run: false,
        ec2_backup: Some(how),
    };
    let select = SelectionParts { names: vec!["*".to_owned()], ..SelectionParts::default() };
    let connection = able();
    let order = RunOrder {
        scope: Scope::Connections(vec![connection.id]),
        regions: None,
        select: Selection::new(select).unwrap(),
        terms: terms.clone(),
    };
    let (now, store) = (now(), &app.app.store);
    let run = Run::begin(RunId::new(now, [1; 10]), order, None, Actor::Drawbridge, now);
    let deadline = run.progress.steps.deadline;
    let part = Part::begin(run.id, connection.id, now, deadline);
    let region: domain::Region = REGION.parse().unwrap();
    let jobs = vec![Job::waiting(run.id, connection.id, &region, INSTANCE)];
    let chunk = Chunk::of((run.id, connection.id, region, 0), terms, jobs, now, deadline);
    let planned = run.planned(vec![connection.id], None, now);
    assert!(store.begin_run(&run, None).await.unwrap());
    assert!(store.advance_run(&planned, std::slice::from_ref(&part)).await.unwrap());
    assert!(store.advance_part(&part.planned(None, 1, now), std::slice::from_ref(&chunk)).await.unwrap());
    chunk
}

async fn started(
    how: Ec2Backup,
    keep_last: Option<u32>,
    answers: impl FnMut(&Call) -> (u16, Value) + Send + 'static,
) -> (TestApp, Chunk) {
    let app = TestApp::new(&able(), answers).await;
    let chunk = begun(&app, how, keep_last).await;
    (app, chunk)
}

/// Takes the chunk's next step, and returns the chunk as it is then, and in how many seconds it goes on.
async fn step(app: &TestApp, chunk: &Chunk) -> (Chunk, Option<i64>) {
    let message = serde_json::to_value(chunk.next_message().unwrap()).unwrap();
    assert!(!app.take(&message, 1).await, "it was taken");
    let mut sent = app.sent();
    assert!(sent.len() <= 1, "{sent:?}");
    let next = app.app.store.chunk(chunk.run_id, chunk.connection_id, chunk.number).await.unwrap().unwrap();
    (next, sent.pop().map(|(_, after)| after))
}

/// The same, with the time over in which nobody looks for what AWS may have made.
async fn settled(app: &TestApp, chunk: &Chunk) -> Chunk {
    let settled = Chunk { asking_until: None, revision: chunk.revision + 1, ..chunk.clone() };
    assert!(app.app.store.write_chunk(&settled, &[], &[]).await.unwrap());
    settled
}

fn snapshots() -> Ec2Backup {
    Ec2Backup::default()
}

fn image() -> Ec2Backup {
    Ec2Backup { method: BackupMethod::Image, ..Ec2Backup::default() }
}

fn xml(action: &str, inner: &str) -> (u16, Value) {
    (200, Value::String(format!("<{action}Response>{inner}</{action}Response>")))
}

fn refused(status: u16, code: &str) -> (u16, Value) {
    let body = format!(
        "<Response><Errors><Error><Code>{code}</Code><Message>no</Message></Error></Errors></Response>"
    );
    (status, Value::String(body))
}

/// What is said of an instance with two volumes.
fn of_the_instance(call: &Call) -> Option<(u16, Value)> {
    let volume = |(_, volume, device): (&str, &str, &str)| {
        format!(
            "<item><volumeId>{volume}</volumeId><size>8</size><volumeType>gp3</volumeType><iops>3000</iops>\
             <encrypted>false</encrypted><attachmentSet><item><instanceId>{INSTANCE}</instanceId>\
             <device>{device}</device><deleteOnTermination>true</deleteOnTermination></item></attachmentSet></item>"
        )
    };
    let answer = match call.operation.as_str() {
        "DescribeInstances" => format!(
            "<reservationSet><item><instancesSet><item><instanceId>{INSTANCE}</instanceId>\
             <instanceType>m7g.large</instanceType><instanceState><code>16</code><name>running</name></instanceState>\
             <rootDeviceName>{}</rootDeviceName><subnetId>subnet-0123456789abcdef0</subnetId>\
             <tagSet><item><key>Name</key><value>web</value></item><item><key>aws:x</key><value>y</value></item></tagSet>\
             </item></instancesSet></item></reservationSet>",
            ROOT.2
        ),
        "DescribeVolumes" => format!("<volumeSet>{}{}</volumeSet>", volume(DATA), volume(ROOT)),
        _ => return None,
    };
    Some(xml(&call.operation, &answer))
}

fn set_of(state: &str, which: &[(&str, &str, &str)]) -> String {
    let one = |(snapshot, volume, _): &(&str, &str, &str)| {
        format!(
            "<item><snapshotId>{snapshot}</snapshotId><volumeId>{volume}</volumeId><status>{state}</status>\
             <state>{state}</state><volumeSize>8</volumeSize><startTime>2026-11-28T05:00:00.000Z</startTime></item>"
        )
    };
    format!("<snapshotSet>{}</snapshotSet>", which.iter().map(one).collect::<String>())
}

fn image_of(state: &str) -> String {
    let mapping = |(snapshot, _, device): (&str, &str, &str)| {
        format!(
            "<item><deviceName>{device}</deviceName><ebs><snapshotId>{snapshot}</snapshotId>\
             <volumeSize>8</volumeSize></ebs></item>"
        )
    };
    format!(
        "<imagesSet><item><imageId>{IMAGE}</imageId><imageState>{state}</imageState><name>NAME</name>\
         <stateReason><message>too bad</message></stateReason>\
         <blockDeviceMapping>{}{}</blockDeviceMapping></item></imagesSet>",
        mapping(DATA),
        mapping(ROOT)
    )
}

/// An account in which a backup is asked for, and then is as `state` says.
fn account(state: &'static str) -> impl FnMut(&Call) -> (u16, Value) + Send {
    move |call| match call.operation.as_str() {
        "CreateSnapshots" => xml("CreateSnapshots", &set_of("pending", &[DATA, ROOT])),
        "CreateImage" => xml("CreateImage", &format!("<imageId>{IMAGE}</imageId>")),
        "DescribeSnapshots" => xml("DescribeSnapshots", &set_of(state, &[DATA, ROOT])),
        "DescribeImages" => xml("DescribeImages", &image_of(state)),
        "DeleteSnapshot" | "DeregisterImage" => xml(&call.operation, "<return>true</return>"),
        _ => of_the_instance(call).unwrap_or_else(|| panic!("nobody answers {call:?}")),
    }
}

fn operations(app: &TestApp) -> Vec<String> {
    app.calls().into_iter().map(|call| call.operation).collect()
}

fn outcome(chunk: &Chunk) -> (JobState, Option<&str>) {
    (chunk.jobs[0].phase.into(), chunk.jobs[0].code.as_deref())
}

async fn kept(app: &TestApp, chunk: &Chunk) -> Backup {
    let id = BackupId::of(chunk.jobs[0].id);
    let store = &app.app.store;
    store.backup_of(chunk.connection_id, &chunk.region, INSTANCE, id).await.unwrap().unwrap()
}

#[tokio::test]
async fn snapshots_are_asked_for_watched_and_told() {
    let (app, chunk) = started(snapshots(), None, account("completed")).await;
    let (chunk, after) = step(&app, &chunk).await;
    assert_eq!((chunk.jobs[0].phase, after), (Phase::Making, Some(1)), "{:?}", chunk.jobs[0]);
    let policy = app.policy();
    assert_eq!(policy[0]["Action"], "ec2:CreateSnapshots", "{policy:#}");
    assert_eq!(policy[0]["Resource"][0], format!("arn:aws:ec2:{REGION}:222222222222:instance/{INSTANCE}"));
    assert_eq!(policy[1]["Condition"]["StringEquals"]["ec2:CreateAction"], "CreateSnapshots");
    let calls = app.calls();
    let asked = &calls.iter().find(|call| call.operation == "CreateSnapshots").unwrap().body;
    assert_eq!(asked["InstanceSpecification.InstanceId"], INSTANCE);
    assert_eq!(asked["CopyTagsFromSource"], "volume");
    assert_eq!(asked["TagSpecification.1.Tag.1.Key"], "drawbridge:backup");
    assert_eq!(asked["TagSpecification.1.Tag.1.Value"], chunk.jobs[0].backup_name());
    assert!(asked.get("InstanceSpecification.ExcludeBootVolume").is_none(), "{asked:#}");

    let made = kept(&app, &chunk).await;
    assert_eq!((made.state, made.aws_id.as_str()), (BackupState::Creating, ROOT.0), "the root's comes first");
    let instance = made.instance.unwrap();
    assert_eq!(instance.instance_type, "m7g.large");
    assert_eq!(instance.tags.keys().collect::<Vec<_>>(), ["Name"]);
    assert_eq!(instance.volumes.len(), 2);

    let (chunk, after) = step(&app, &chunk).await;
    assert_eq!((outcome(&chunk), after), ((JobState::Succeeded, None), None));
    let there = kept(&app, &chunk).await;
    assert_eq!((there.state, there.size_bytes), (BackupState::Available, Some(16 << 30)));
    let devices: Vec<_> = there.snapshots.iter().map(|one| one.device.as_deref().unwrap()).collect();
    assert_eq!(devices, [ROOT.2, DATA.2]);
    assert_eq!(app.events().iter().filter(|kind| *kind == "backup.created").count(), 1);
}

#[tokio::test]
async fn an_image_is_made_without_a_reboot() {
    let (app, chunk) = started(image(), None, account("available")).await;
    let (chunk, _) = step(&app, &chunk).await;
    assert_eq!(chunk.jobs[0].aws_id.as_deref(), Some(IMAGE), "{:?}", chunk.jobs[0]);
    let calls = app.calls();
    let asked = &calls.iter().find(|call| call.operation == "CreateImage").unwrap().body;
    assert_eq!((&asked["NoReboot"], &asked["InstanceId"]), (&json!("true"), &json!(INSTANCE)));
    assert_eq!(asked["Name"], chunk.jobs[0].backup_name());
    assert_eq!(asked["TagSpecification.1.Tag.3.Key"], "Name", "AWS's own tags are nobody's to give");
    let (chunk, _) = step(&app, &chunk).await;
    assert_eq!(outcome(&chunk), (JobState::Succeeded, None));
    let there = kept(&app, &chunk).await;
    assert!(there.is_image());
    assert_eq!(there.parts(), [IMAGE, ROOT.0, DATA.0]);
    assert_eq!(there.snapshots[0].volume_id.as_deref(), Some(ROOT.1), "the device tells the volume");
}

#[rstest]
#[case::data(snapshots(), "InstanceSpecification.ExcludeDataVolumeId.1", DATA.1)]
#[case::data_of_an_image(image(), "BlockDeviceMapping.1.DeviceName", DATA.2)]
#[tokio::test]
async fn data_volumes_are_left_out(#[case] how: Ec2Backup, #[case] field: &str, #[case] value: &str) {
    let how = Ec2Backup { exclude_data_volumes: true, ..how };
    let (app, chunk) = started(how, None, account("completed")).await;
    step(&app, &chunk).await;
    let calls = app.calls();
    let asked = calls.iter().find(|call| call.operation.starts_with("Create")).unwrap();
    assert_eq!(asked.body[field], value, "{:#}", asked.body);
}

#[tokio::test]
async fn what_is_gone_or_has_nothing_to_back_up_is_left_out() {
    let none = |call: &Call| match call.operation.as_str() {
        "DescribeInstances" => xml("DescribeInstances", "<reservationSet/>"),
        _ => of_the_instance(call).unwrap(),
    };
    let (app, chunk) = started(snapshots(), None, none).await;
    assert_eq!(outcome(&step(&app, &chunk).await.0), (JobState::Skipped, Some("instance_not_found")));
    let bare = |call: &Call| match call.operation.as_str() {
        "DescribeVolumes" => xml("DescribeVolumes", "<volumeSet/>"),
        _ => of_the_instance(call).unwrap(),
    };
    let (app, chunk) = started(snapshots(), None, bare).await;
    assert_eq!(outcome(&step(&app, &chunk).await.0), (JobState::Skipped, Some("no_volumes")));
}

/// Neither action has a client token: what AWS did not answer is looked for by its name, once it can be seen.
#[rstest]
#[case::snapshots(snapshots(), "CreateSnapshots", ROOT.0)]
#[case::image(image(), "CreateImage", IMAGE)]
#[tokio::test]
async fn what_aws_did_not_answer_is_looked_for_before_it_is_asked_for_again(
    #[case] how: Ec2Backup,
    #[case] action: &'static str,
    #[case] made: &str,
) {
    let (app, chunk) = started(how, None, move |call| {
        if call.operation == action {
            refused(500, "InternalError")
        } else {
            of_the_instance(call).unwrap_or_else(|| panic!("nobody answers {call:?}"))
        }
    })
    .await;
    let (chunk, _) = step(&app, &chunk).await;
    assert_eq!(chunk.jobs[0].phase, Phase::Asking, "{:?}", chunk.jobs[0]);
    app.calls();
    let (same, pause) = step(&app, &chunk).await;
    assert_eq!(same, chunk, "it is too early to look");
    assert!((25..=30).contains(&pause.unwrap()) && app.calls().is_empty(), "{pause:?}");

    let name = chunk.jobs[0].backup_name();
    app.answer(move |call| match call.operation.as_str() {
        "DescribeSnapshots" => {
            assert_eq!(call.body["Filter.1.Name"], "tag:drawbridge:backup");
            assert_eq!(call.body["Filter.1.Value.1"], name);
            xml("DescribeSnapshots", &set_of("pending", &[DATA, ROOT]))
        }
        "DescribeImages" => xml("DescribeImages", &image_of("pending").replace("NAME", &name)),
        _ => of_the_instance(call).unwrap_or_else(|| panic!("nobody asks for another: {call:?}")),
    });
    let chunk = settled(&app, &chunk).await;
    let (chunk, _) = step(&app, &chunk).await;
    assert_eq!((chunk.jobs[0].phase, chunk.jobs[0].aws_id.as_deref()), (Phase::Making, Some(made)));
}

#[tokio::test]
async fn what_is_not_there_is_asked_for_again() {
    let (app, chunk) = started(snapshots(), None, |call| match call.operation.as_str() {
        "CreateSnapshots" => refused(503, "Unavailable"),
        _ => of_the_instance(call).unwrap(),
    })
    .await;
    let (chunk, _) = step(&app, &chunk).await;
    let chunk = settled(&app, &chunk).await;
    app.answer(|call| match call.operation.as_str() {
        "DescribeSnapshots" => xml("DescribeSnapshots", "<snapshotSet/>"),
        "CreateSnapshots" => xml("CreateSnapshots", &set_of("pending", &[ROOT, DATA])),
        _ => of_the_instance(call).unwrap(),
    });
    assert_eq!(step(&app, &chunk).await.0.jobs[0].phase, Phase::Making);
}

/// Source: EC2 API Reference, "Error codes".
#[rstest]
#[case::too_soon("SnapshotCreationPerVolumeRateExceeded", true)]
#[case::too_many("PendingSnapshotLimitExceeded", true)]
#[case::no_right("UnauthorizedOperation", false)]
#[tokio::test]
async fn what_passes_is_asked_for_again_and_what_does_not_is_told(
    #[case] code: &'static str,
    #[case] passes: bool,
) {
    let (app, chunk) = started(snapshots(), None, move |call| match call.operation.as_str() {
        "CreateSnapshots" => refused(400, code),
        _ => of_the_instance(call).unwrap(),
    })
    .await;
    let (chunk, _) = step(&app, &chunk).await;
    let phase = if passes { Phase::Waiting } else { Phase::Failed };
    assert_eq!(chunk.jobs[0].phase, phase, "{:?}", chunk.jobs[0]);
}

/// A large volume takes AWS many hours.
#[tokio::test]
async fn a_backup_is_watched_for_as_long_as_its_run_may_take() {
    let (app, chunk) = started(snapshots(), None, account("pending")).await;
    let (chunk, _) = step(&app, &chunk).await;
    let since = now() - SignedDuration::from_hours(20);
    let old = Chunk { taken_at: Some(since), revision: chunk.revision + 1, ..chunk };
    assert!(app.app.store.write_chunk(&old, &[], &[]).await.unwrap());
    let (chunk, after) = step(&app, &old).await;
    assert_eq!(chunk.jobs[0].phase, Phase::Making, "{:?}", chunk.jobs[0]);
    assert!(after.is_some());
}

#[rstest]
#[case::snapshots(snapshots(), "error", &["DeleteSnapshot", "DeleteSnapshot"])]
// Snapshots that were made for it are found by their tag, though the image does not tell them.
#[case::image(image(), "failed", &["DeregisterImage", "DeleteSnapshot", "DeleteSnapshot"])]
#[tokio::test]
async fn what_aws_could_not_make_is_told_and_taken_away(
    #[case] how: Ec2Backup,
    #[case] state: &'static str,
    #[case] deletes: &[&str],
) {
    let (app, chunk) = started(how, None, account(state)).await;
    let (chunk, _) = step(&app, &chunk).await;
    app.calls();
    let (chunk, _) = step(&app, &chunk).await;
    assert_eq!(outcome(&chunk), (JobState::Failed, Some("backup_failed")), "{:?}", chunk.jobs[0]);
    let backup = kept(&app, &chunk).await;
    assert_eq!((backup.state, backup.gone), (BackupState::Deleted, Some(domain::backup::Gone::Failed)));
    let asked: Vec<_> = operations(&app).into_iter().filter(|action| action.starts_with("De")).collect();
    let deleted: Vec<_> = asked.iter().filter(|action| !action.starts_with("Describe")).collect();
    assert_eq!(deleted, deletes);
}

/// An older backup of the same instance.
fn older(chunk: &Chunk, aws_id: &str, days: i64) -> Backup {
    let run = RunId::new(now() - SignedDuration::from_hours(24 * days), [9; 10]);
    let job = Job::waiting(run, chunk.connection_id, &chunk.region, INSTANCE);
    let made_at: Timestamp = run.created_at();
    let snapshot = |id: &str| domain::backup::VolumeSnapshot {
        snapshot_id: id.to_owned(),
        volume_id: None,
        device: None,
        size_gib: Some(8),
    };
    let snapshots = vec![snapshot("snap-00000000000000001"), snapshot("snap-00000000000000002")];
    let chunk = Chunk { run_id: run, ..chunk.clone() };
    let instance = InstanceManifest::unseen(made_at);
    Backup::of_instance(&chunk, &job, aws_id.to_owned(), made_at, instance, snapshots.clone())
        .available_as(snapshots)
}

#[rstest]
#[case::a_set("snap-00000000000000001", &["DeleteSnapshot", "DeleteSnapshot"])]
#[case::an_image("ami-00000000000000001", &["DeregisterImage", "DeleteSnapshot", "DeleteSnapshot"])]
#[tokio::test]
async fn what_no_rule_keeps_goes_whole_once_the_new_one_is_there(
    #[case] aws_id: &str,
    #[case] deletes: &[&str],
) {
    let (app, chunk) = started(snapshots(), Some(1), account("completed")).await;
    let old = older(&chunk, aws_id, 2);
    app.hold(&old);
    let (chunk, _) = step(&app, &chunk).await;
    let (chunk, _) = step(&app, &chunk).await;
    assert_eq!(chunk.jobs[0].phase, Phase::Pruning);
    app.calls();
    let (chunk, _) = step(&app, &chunk).await;
    assert_eq!(operations(&app), deletes);
    let gone = app.app.store.backup(old.id).await.unwrap();
    assert_eq!((gone.state, gone.gone), (BackupState::Deleted, Some(domain::backup::Gone::Retention)));
    let (chunk, _) = step(&app, &chunk).await;
    assert_eq!(outcome(&chunk), (JobState::Succeeded, None));
    assert_eq!(kept(&app, &chunk).await.state, BackupState::Available);
}

/// Source: EC2 API Reference, "Error codes", `InvalidSnapshot.InUse`.
#[tokio::test]
async fn a_snapshot_that_somebodys_image_uses_stays_with_its_set() {
    let (app, chunk) = started(snapshots(), Some(1), |call| match call.operation.as_str() {
        "DeleteSnapshot" => refused(400, "InvalidSnapshot.InUse"),
        _ => account("completed")(call),
    })
    .await;
    let old = older(&chunk, "snap-00000000000000001", 2);
    app.hold(&old);
    let (chunk, _) = step(&app, &chunk).await;
    let (chunk, _) = step(&app, &chunk).await;
    app.calls();
    let (chunk, _) = step(&app, &chunk).await;
    assert_eq!(operations(&app), ["DeleteSnapshot"], "the rest is not tried");
    assert_eq!(outcome(&chunk), (JobState::Succeeded, Some("retention_incomplete")));
    assert_eq!(app.app.store.backup(old.id).await.unwrap().state, BackupState::Available);
}
