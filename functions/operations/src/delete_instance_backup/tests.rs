//! Answers are EC2's query protocol. Source: EC2 API Reference, the examples and the errors of each action.

use domain::backup::{Backup, BackupState, Gone};
use domain::sample;
use domain::{Capability, CapabilitySet, Connection};
use rstest::rstest;
use serde_json::{Value, json};

use crate::test_app::{Answer, Call, Sts, TestApp, active};

const IMAGE: &str = "ami-0123456789abcdef0";
const ROOT: &str = "snap-0000000000000000a";
const DATA: &str = "snap-0000000000000000b";

fn xml(action: &str, inner: &str) -> (u16, Value) {
    (200, Value::String(format!("<{action}Response>{inner}</{action}Response>")))
}

fn refused(code: &str) -> (u16, Value) {
    let body = format!(
        "<Response><Errors><Error><Code>{code}</Code><Message>no</Message></Error></Errors></Response>"
    );
    (400, Value::String(body))
}

async fn with(aws_id: &str) -> (TestApp, Backup) {
    let connection =
        Connection { capabilities: CapabilitySet::new([Capability::Ec2Backup]).unwrap(), ..active() };
    let app = TestApp::new(connection, Sts::Gives).await;
    let backup = sample::instance_backup(&app.connection, aws_id);
    app.hold(&backup);
    (app, backup)
}

/// An account in which these snapshots are, and the image, with these tags; what deletes is answered so.
fn account(
    snapshots: &'static [&'static str],
    tags: &'static str,
    deletion: impl Fn(&Call) -> Option<&'static str> + Send + 'static,
) -> impl FnMut(&Call) -> (u16, Value) + Send {
    move |call| match call.operation.as_str() {
        "DescribeImages" if call.body["Filter.1.Name"] == "image-id" => xml(
            "DescribeImages",
            &format!("<imagesSet><item><imageId>{IMAGE}</imageId><name>n</name></item></imagesSet>"),
        ),
        "DescribeImages" => xml("DescribeImages", "<imagesSet/>"),
        "DescribeInstances" => xml("DescribeInstances", "<reservationSet/>"),
        "DescribeSnapshots" => {
            let one = |id: &&str| {
                format!(
                    "<item><snapshotId>{id}</snapshotId><volumeSize>8</volumeSize><tagSet>{tags}</tagSet></item>"
                )
            };
            let all: String = snapshots.iter().map(one).collect();
            xml("DescribeSnapshots", &format!("<snapshotSet>{all}</snapshotSet>"))
        }
        "DeregisterImage" | "DeleteSnapshot" => match deletion(call) {
            Some(code) => refused(code),
            None => xml(&call.operation, "<return>true</return>"),
        },
        other => panic!("nobody asks to {other}"),
    }
}

async fn plan(app: &TestApp, backup: &Backup) -> Answer {
    app.call("DELETE", &format!("/v1/backups/{}", backup.id), &Value::Null).await
}

async fn apply(app: &TestApp, planned: &Answer) -> Answer {
    let path = format!("/v1/plans/{}/apply", planned.body["plan_id"].as_str().unwrap());
    app.call("POST", &path, &Value::Null).await
}

#[rstest]
#[case::an_image(IMAGE, "ec2:DeregisterImage", &[IMAGE, ROOT, DATA])]
#[case::a_set(ROOT, "ec2:DeleteSnapshot", &[ROOT, DATA])]
#[tokio::test]
async fn all_of_a_backup_goes_by_one_plan(
    #[case] aws_id: &str,
    #[case] action: &str,
    #[case] parts: &[&str],
) {
    let (app, backup) = with(aws_id).await;
    app.answer(account(&[DATA, ROOT], "", |_| None));
    let planned = plan(&app, &backup).await;
    assert_eq!(
        (planned.status.as_u16(), &planned.body["action"]),
        (201, &json!(action)),
        "{:#}",
        planned.body
    );
    let targets: Vec<_> = planned.body["targets"].as_array().unwrap().iter().map(|one| &one["id"]).collect();
    assert_eq!(targets, parts);
    assert_eq!(planned.body["blast_radius"]["size_gib"], 16);
    assert!(app.calls().iter().all(|call| call.operation.starts_with("Describe")), "nothing is deleted yet");

    let applied = apply(&app, &planned).await;
    assert_eq!(
        (applied.status.as_u16(), &applied.body["state"]),
        (200, &json!("succeeded")),
        "{:#}",
        applied.body
    );
    let calls = app.calls();
    let deleted = calls.iter().filter(|call| !call.operation.starts_with("Describe"));
    let deleted: Vec<_> = deleted
        .map(|call| call.body.get("ImageId").or(call.body.get("SnapshotId")).unwrap().as_str().unwrap())
        .collect();
    assert_eq!(deleted, parts, "an image before the snapshots that it holds");
    let gone = app.store.backup(backup.id).await.unwrap();
    assert_eq!((gone.state, gone.gone), (BackupState::Deleted, Some(Gone::Plan)));
    assert_eq!(app.asked().iter().filter(|kind| *kind == "backup.deleted").count(), 1);
}

/// Deleting once more does no harm: what is gone is no fault.
#[tokio::test]
async fn what_is_gone_already_is_no_fault() {
    let (app, backup) = with(ROOT).await;
    app.answer(account(&[ROOT, DATA], "", |call| {
        (call.body["SnapshotId"] == ROOT).then_some("InvalidSnapshot.NotFound")
    }));
    let planned = plan(&app, &backup).await;
    let applied = apply(&app, &planned).await;
    assert_eq!(applied.body["state"], "partial", "{:#}", applied.body);
    assert_eq!(applied.body["targets"][0]["code"], "not_found");
    assert_eq!(app.store.backup(backup.id).await.unwrap().gone, Some(Gone::Plan));
}

#[tokio::test]
async fn what_aws_keeps_stays_in_the_ledger() {
    let (app, backup) = with(ROOT).await;
    app.answer(account(&[ROOT, DATA], "", |_| Some("InvalidSnapshot.InUse")));
    let planned = plan(&app, &backup).await;
    let applied = apply(&app, &planned).await;
    assert_eq!(applied.body["state"], "failed");
    assert_eq!(applied.body["targets"][0]["code"], "in_use");
    assert_eq!(applied.body["targets"].as_array().unwrap().len(), 1, "the rest is not tried");
    assert_eq!(app.store.backup(backup.id).await.unwrap(), backup);
}

#[tokio::test]
async fn what_is_protected_or_not_there_is_not_planned() {
    let (app, backup) = with(ROOT).await;
    let tag = "<item><key>drawbridge:protected</key><value>true</value></item>";
    app.answer(account(&[ROOT, DATA], tag, |_| None));
    assert_eq!(plan(&app, &backup).await.problem(), (422, "target_protected"));
    app.answer(account(&[], "", |_| None));
    assert_eq!(plan(&app, &backup).await.problem(), (409, "backup_not_available"));
    app.answer(account(&[ROOT], "", |_| None));
    let incomplete = plan(&app, &backup).await;
    let codes: Vec<_> =
        incomplete.body["warnings"].as_array().unwrap().iter().map(|one| &one["code"]).collect();
    assert_eq!(codes, ["incomplete"]);
    // Its parts have changed since.
    app.answer(account(&[ROOT, DATA], "", |_| None));
    assert_eq!(apply(&app, &incomplete).await.problem(), (409, "plan_stale"));
}
