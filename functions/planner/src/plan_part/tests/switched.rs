//! Instances that are stopped and started. Answers are those of the EC2 API Reference, `DescribeInstances`.

use domain::kind::Kind;

use super::*;

const ONE: &str = "i-0123456789abcdef0";
const TWO: &str = "i-0123456789abcdef1";
const THREE: &str = "i-0123456789abcdef2";

fn switchable() -> Connection {
    Connection { capabilities: CapabilitySet::new([Capability::Ec2Power]).unwrap(), ..able() }
}

/// The instances of an account, with their tags.
fn instances(all: &[(&str, &[(&str, &str)])]) -> (u16, Value) {
    let instance = |(id, tags): &(&str, &[(&str, &str)])| {
        let tag =
            |(key, value): &(&str, &str)| format!("<item><key>{key}</key><value>{value}</value></item>");
        let tags: String = tags.iter().map(tag).collect();
        format!("<item><instanceId>{id}</instanceId><tagSet>{tags}</tagSet></item>")
    };
    let set: String = all.iter().map(instance).collect();
    let reservation = format!("<item><instancesSet>{set}</instancesSet></item>");
    let answer = format!(
        "<DescribeInstancesResponse><reservationSet>{reservation}</reservationSet></DescribeInstancesResponse>"
    );
    (200, Value::String(answer))
}

/// The jobs of a run that stops what is selected of these, and what was asked.
async fn planned(select: SelectionParts) -> (Vec<(String, JobState, Option<String>)>, Vec<Call>, Value) {
    let connection = switchable();
    let app = TestApp::new(&connection, |_| {
        instances(&[
            (ONE, &[("Name", "web-1"), ("hours", "office")]),
            (TWO, &[("Name", "db-1")]),
            (THREE, &[("hours", "office")]),
        ])
    })
    .await;
    let (mut run, store, now) = (run_of(&connection, select), &app.app.store, now());
    run.order.terms.kind = Kind::Ec2Stop;
    let part = Part::begin(run.id, connection.id, now, run.progress.steps.deadline);
    assert!(store.begin_run(&run, None).await.unwrap());
    let begun = run.planned(vec![connection.id], None, now);
    assert!(store.advance_run(&begun, std::slice::from_ref(&part)).await.unwrap());
    let (part, _) = step(&app, &part).await;
    assert!(!part.steps.running);
    let jobs = if part.chunks == 0 { Vec::new() } else { jobs(&app, &part, 0).await };
    (jobs, app.calls(), app.policy())
}

fn queued(id: &str) -> (String, JobState, Option<String>) {
    (id.to_owned(), JobState::Queued, None)
}

#[tokio::test]
async fn instances_are_listed_by_a_session_that_can_do_no_more() {
    let (jobs, calls, policy) = planned(all()).await;
    assert_eq!(jobs, [queued(ONE), queued(TWO), queued(THREE)]);
    let operations: Vec<_> = calls.iter().map(|call| call.operation.as_str()).collect();
    assert_eq!(operations, ["DescribeInstances"]);
    assert_eq!(
        (policy.as_array().unwrap().len(), &policy[0]["Action"]),
        (1, &json!("ec2:DescribeInstances"))
    );
}

#[rstest]
#[case::by_tag(json!({"tags": {"hours": "office"}}), &[ONE, THREE])]
#[case::by_name(json!({"names": ["web-*"]}), &[ONE])]
#[case::by_a_pattern_of_ids(json!({"names": ["*ef2"]}), &[THREE])]
#[case::but_for_some(json!({"names": ["*"], "exclude_names": ["db-*"]}), &[ONE, THREE])]
#[case::by_tag_and_name(json!({"names": ["web-*"], "tags": {"hours": "office"}}), &[ONE])]
#[case::none(json!({"names": ["mail-*"]}), &[])]
#[tokio::test]
async fn instances_are_selected(#[case] select: Value, #[case] expected: &[&str]) {
    let (jobs, ..) = planned(serde_json::from_value(select).unwrap()).await;
    assert_eq!(jobs, expected.iter().map(|id| queued(id)).collect::<Vec<_>>());
}

#[tokio::test]
async fn an_instance_that_is_named_and_not_there_is_told() {
    let ids = vec![TWO.to_owned(), "i-0123456789abcdef9".to_owned()];
    let (jobs, calls, _) = planned(SelectionParts { ids, ..SelectionParts::default() }).await;
    let missed = ("i-0123456789abcdef9".to_owned(), JobState::Skipped, Some("instance_not_found".to_owned()));
    assert_eq!(jobs, [queued(TWO), missed]);
    assert!(calls[0].body.to_string().contains("i-0123456789abcdef9"), "EC2 is asked for those alone");
}
