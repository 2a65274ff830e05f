//! Answers are EC2's query protocol. Source: EC2 API Reference, the examples of each action.

use domain::backup::Backup;
use domain::sample;
use domain::{Capability, CapabilitySet, Connection};
use rstest::rstest;
use serde_json::{Value, json};

use crate::test_app::{Answer, Call, Sts, TestApp, active};

const IMAGE: &str = "ami-0123456789abcdef0";
const ROOT: &str = "snap-0000000000000000a";
const MADE: &str = "i-0fedcba9876543210";

async fn with(aws_id: &str, capabilities: &[Capability]) -> (TestApp, Backup) {
    let capabilities = CapabilitySet::new(capabilities.iter().copied()).unwrap();
    let app = TestApp::new(Connection { capabilities, ..active() }, Sts::Gives).await;
    let backup = sample::instance_backup(&app.connection, aws_id);
    app.hold(&backup);
    app.answer(account("available"));
    (app, backup)
}

/// An account in which the image is like this.
fn account(state: &'static str) -> impl FnMut(&Call) -> (u16, Value) + Send {
    move |call| {
        let inner = match call.operation.as_str() {
            "DescribeImages" => format!(
                "<imagesSet><item><imageId>{IMAGE}</imageId><imageState>{state}</imageState><name>n</name></item>\
                 </imagesSet>"
            ),
            "RunInstances" => {
                format!("<instancesSet><item><instanceId>{MADE}</instanceId></item></instancesSet>")
            }
            other => panic!("nobody asks to {other}"),
        };
        (200, Value::String(format!("<{0}Response>{inner}</{0}Response>", call.operation)))
    }
}

async fn restore(app: &TestApp, backup: &Backup, body: &Value) -> Answer {
    app.call("POST", &format!("/v1/backups/{}/restore", backup.id), body).await
}

async fn apply(app: &TestApp, planned: &Answer) -> Answer {
    let path = format!("/v1/plans/{}/apply", planned.body["plan_id"].as_str().unwrap());
    app.call("POST", &path, &Value::Null).await
}

fn codes(answer: &Answer) -> Vec<&str> {
    answer.body["warnings"].as_array().unwrap().iter().map(|one| one["code"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn an_image_is_launched_by_a_plan_as_the_instance_was() {
    let (app, backup) = with(IMAGE, &[Capability::Ec2Backup, Capability::Ec2Launch]).await;
    let planned = restore(&app, &backup, &json!({"reason": "a disk went"})).await;
    assert_eq!((planned.status.as_u16(), &planned.body["action"]), (201, &json!("ec2:RunInstances")));
    assert_eq!(planned.body["targets"][0]["id"], IMAGE);
    assert_eq!(planned.body["blast_radius"]["destroyed"], json!([]));
    assert_eq!(codes(&planned), ["instance_profile_left_out", "settings_left_out", "cost"]);
    assert!(app.calls().iter().all(|call| call.operation == "DescribeImages"), "nothing is launched yet");

    let applied = apply(&app, &planned).await;
    assert_eq!(
        (applied.status.as_u16(), &applied.body["state"]),
        (200, &json!("succeeded")),
        "{:#}",
        applied.body
    );
    assert_eq!(applied.body["targets"][0]["id"], MADE);
    let calls = app.calls();
    let launched = &calls.iter().find(|call| call.operation == "RunInstances").unwrap().body;
    for (field, value) in [
        ("ImageId", IMAGE),
        ("InstanceType", "m7g.large"),
        ("SubnetId", "subnet-0123456789abcdef0"),
        ("SecurityGroupId.1", "sg-0123456789abcdef0"),
        ("KeyName", "ours"),
        ("TagSpecification.1.Tag.1.Key", "Name"),
        ("TagSpecification.1.Tag.2.Key", "drawbridge:restored-from"),
        ("TagSpecification.2.ResourceType", "volume"),
    ] {
        assert_eq!(launched[field], value, "{field}: {launched:#}");
    }
    assert_eq!(launched["TagSpecification.1.Tag.2.Value"], json!(backup.id));
    assert!(!launched.to_string().contains("IamInstanceProfile"), "nobody may hand a role on");
    assert_eq!(app.store.backup(backup.id).await.unwrap(), backup, "the backup stays as it is");
    assert_eq!(app.asked().iter().filter(|kind| *kind == "backup.restored").count(), 1);
    assert_eq!(apply(&app, &planned).await.problem(), (409, "plan_already_applied"));
}

#[tokio::test]
async fn what_is_wished_otherwise_is_launched_so() {
    let (app, backup) = with(IMAGE, &[Capability::Ec2Backup, Capability::Ec2Launch]).await;
    let wishes = json!({"instance_type": "t3.nano", "subnet_id": "subnet-0fedcba9876543210"});
    let planned = restore(&app, &backup, &wishes).await;
    assert!(codes(&planned).contains(&"default_security_group"), "{:#}", planned.body);
    apply(&app, &planned).await;
    let calls = app.calls();
    let launched = &calls.iter().find(|call| call.operation == "RunInstances").unwrap().body;
    assert_eq!((&launched["InstanceType"], &launched["SubnetId"]), (&json!("t3.nano"), &wishes["subnet_id"]));
    assert!(launched.get("SecurityGroupId.1").is_none(), "those are another network's");
}

/// An image that is gone makes the plan stale, or is not planned at all.
#[tokio::test]
async fn what_cannot_be_launched_from_is_not() {
    let (app, backup) = with(IMAGE, &[Capability::Ec2Backup, Capability::Ec2Launch]).await;
    let planned = restore(&app, &backup, &json!({})).await;
    app.answer(account("deregistered"));
    assert_eq!(restore(&app, &backup, &json!({})).await.problem(), (409, "backup_not_available"));
    assert_eq!(apply(&app, &planned).await.problem(), (409, "plan_stale"));
}

#[rstest]
#[case::another_region(json!({"region": "us-east-1"}), "other_region", "/region")]
#[case::no_type(json!({"instance_type": "very large"}), "invalid_instance_type", "/instance_type")]
#[case::no_subnet(json!({"subnet_id": "s"}), "invalid_subnet_id", "/subnet_id")]
#[case::of_a_table(json!({"target_name": "orders"}), "field_not_taken", "/target_name")]
#[tokio::test]
async fn what_makes_no_sense_is_refused(#[case] body: Value, #[case] code: &str, #[case] at: &str) {
    let (app, backup) = with(IMAGE, &[Capability::Ec2Backup, Capability::Ec2Launch]).await;
    let answer = restore(&app, &backup, &body).await;
    assert_eq!(answer.errors(), [(at, code)], "{:#}", answer.body);
    assert!(app.calls().is_empty());
    let table = sample::backup(&app.connection);
    app.hold(&table);
    let answer = restore(&app, &table, &json!({"target_name": "orders", "subnet_id": "s"})).await;
    assert_eq!(answer.errors(), [("/subnet_id", "field_not_taken")]);
}

#[tokio::test]
async fn launching_takes_its_own_capability() {
    let (app, backup) = with(IMAGE, &[Capability::Ec2Backup]).await;
    assert_eq!(restore(&app, &backup, &json!({})).await.problem(), (403, "capability_missing"));
}

/// Drawbridge registers no images: their owner does, step by step.
#[tokio::test]
async fn of_a_set_of_snapshots_the_steps_are_told() {
    let (app, backup) = with(ROOT, &[Capability::Ec2Backup]).await;
    let told = restore(&app, &backup, &json!({"instance_type": "t3.nano"})).await;
    assert_eq!(told.status.as_u16(), 200, "{:#}", told.body);
    let steps: Vec<_> = told.body["steps"].as_array().unwrap().iter().map(|one| &one["command"]).collect();
    assert_eq!(steps.len(), 4);
    assert!(steps[0].as_str().unwrap().contains("register-image"), "{steps:?}");
    assert!(steps[2].as_str().unwrap().contains("--instance-type t3.nano"), "{steps:?}");
    assert_eq!(codes(&told), ["settings_left_out"]);
    assert!(app.calls().is_empty(), "AWS is not asked");
    assert!(!app.asked().contains(&"plan.created".to_owned()));
}
