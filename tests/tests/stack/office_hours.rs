//! Office hours: what runs is stopped in the evening and started in the morning, and what somebody has stopped
//! himself stays so.

use blackbox::{Api, Estate, Provider, path_of};
use serde_json::{Value, json};

use crate::operations::connected;
use crate::runs::{ended, jobs, told};

const HOME: &str = "us-east-1";

/// A run that does this with what is selected, and what it did.
async fn carried_out(api: &Api, connection: &Value, kind: &str, further: Value) -> (Value, Vec<Value>) {
    let mut order = json!({"connection_ids": [connection["connection_id"]], "kind": kind});
    order.as_object_mut().unwrap().extend(further.as_object().unwrap().clone());
    let begun = api.post("/v1/runs", order).await.expect(202);
    let run = ended(api, &begun).await;
    let jobs = jobs(api, &run).await;
    (run, jobs)
}

/// What is to become of each instance, in the order in which it is told.
fn expected(all: &[(&String, &str, Option<&str>)]) -> Vec<(String, String, Option<String>)> {
    let mut all: Vec<_> = all
        .iter()
        .map(|(id, state, code)| ((*id).clone(), (*state).to_owned(), code.map(str::to_owned)))
        .collect();
    all.sort();
    all
}

async fn states(estate: &Estate, ids: &[&String]) -> Vec<String> {
    let mut states = Vec::new();
    for id in ids {
        states.push(estate.state_of(id).await.unwrap());
    }
    states
}

#[tokio::test]
async fn what_was_stopped_on_purpose_stays_so_over_the_day() {
    let api = Api::operator();
    let (connection, account) = connected(&api, &["ec2-power"]).await;
    let estate = Estate::of(&account, HOME);
    let (a, b, c, other) =
        (estate.launch().await, estate.launch().await, estate.launch().await, estate.launch().await);
    for instance in [&a, &b, &c] {
        estate.tag(instance, "hours", "office").await;
    }
    estate.stop(&b).await;
    let select = json!({"select": {"tags": {"hours": "office"}}});

    let mut dry = select.clone();
    dry["dry_run"] = json!(true);
    let (run, jobs) = carried_out(&api, &connection, "ec2-stop", dry).await;
    assert_eq!(run["state"], "succeeded", "{run:#}");
    let would = [
        (&a, "succeeded", Some("would_stop")),
        (&b, "succeeded", Some("already_stopped")),
        (&c, "succeeded", Some("would_stop")),
    ];
    assert_eq!(told(&jobs), expected(&would));
    assert_eq!(states(&estate, &[&a, &b, &c, &other]).await, ["running", "stopped", "running", "running"]);

    let evening =
        [(&a, "succeeded", None), (&b, "succeeded", Some("already_stopped")), (&c, "succeeded", None)];
    let morning =
        [(&a, "succeeded", None), (&b, "skipped", Some("stopped_on_purpose")), (&c, "succeeded", None)];
    for _ in 0..2 {
        let (run, jobs) = carried_out(&api, &connection, "ec2-stop", select.clone()).await;
        assert_eq!(run["jobs"], json!({"total": 3, "succeeded": 3, "failed": 0, "skipped": 0}), "{jobs:#?}");
        assert_eq!(told(&jobs), expected(&evening));
        let asked = jobs.iter().find(|job| job["resource"] == json!(a)).unwrap();
        assert!(!asked["request_ids"].as_array().unwrap().is_empty(), "{asked:#}");
        assert_eq!(
            states(&estate, &[&a, &b, &c, &other]).await,
            ["stopped", "stopped", "stopped", "running"]
        );

        let (run, jobs) = carried_out(&api, &connection, "ec2-start", select.clone()).await;
        assert_eq!(run["state"], "succeeded", "{run:#}");
        assert_eq!(told(&jobs), expected(&morning));
        assert_eq!(
            states(&estate, &[&a, &b, &c, &other]).await,
            ["running", "stopped", "running", "running"]
        );
    }
    let types = api.event_types(&connection).await;
    assert_eq!(types.iter().filter(|kind| *kind == "run.finished").count(), 5, "one each");
}

/// SQS may deliver whatever it has delivered once more, at any time: the evening's message starts no day.
#[tokio::test]
async fn messages_that_come_again_switch_nothing() {
    let api = Api::operator();
    let (connection, account) = connected(&api, &["ec2-power"]).await;
    let estate = Estate::of(&account, HOME);
    let instance = estate.launch().await;
    let select = json!({"select": {"ids": [instance, "i-0123456789abcdef0"]}});
    let (evening, jobs) = carried_out(&api, &connection, "ec2-stop", select.clone()).await;
    let told_of = |jobs: &[Value]| told(jobs).into_iter().map(|(_, _, code)| code).collect::<Vec<_>>();
    assert!(told_of(&jobs).contains(&Some("instance_not_found".to_owned())), "{jobs:#?}");
    carried_out(&api, &connection, "ec2-start", select.clone()).await;
    assert_eq!(estate.state_of(&instance).await.as_deref(), Some("running"));
    let provider = Provider::new();
    for step in 0..4 {
        let again = json!({
            "kind": "chunk", "run_id": evening["run_id"], "connection_id": connection["connection_id"], "chunk": 0,
            "step": step, "deadline": "2099-01-01T00:00:00Z",
        });
        provider.send_job(&again.to_string()).await;
    }
    // Another run takes its turn behind them.
    carried_out(&api, &connection, "ec2-start", select).await;
    assert_eq!(estate.state_of(&instance).await.as_deref(), Some("running"));
}

/// A right that is gone is told, and what could not be stopped is not taken for stopped on purpose.
#[tokio::test]
async fn a_right_that_is_gone_is_told_with_what_mends_it() {
    let api = Api::operator();
    let (connection, account) = connected(&api, &["ec2-power"]).await;
    let estate = Estate::of(&account, HOME);
    let instance = estate.launch().await;
    let sees = json!({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "ec2:Describe*", "Resource": "*"}]});
    account.permit("r", "drawbridge", &sees).await;
    let select = json!({"select": {"names": ["*"]}});
    let (run, jobs) = carried_out(&api, &connection, "ec2-stop", select).await;
    assert_eq!((&run["state"], &jobs[0]["code"]), (&json!("failed"), &json!("access_denied")), "{jobs:#?}");
    assert!(jobs[0]["detail"].as_str().unwrap().contains("ec2:StopInstances"), "{jobs:#?}");
    assert_eq!(estate.state_of(&instance).await.as_deref(), Some("running"));
}

#[tokio::test]
async fn office_hours_are_for_connections_that_may_switch_instances() {
    let api = Api::operator();
    let (connection, _) = connected(&api, &["ec2-observe"]).await;
    let schedules = format!("{}/schedules", path_of(&connection));
    let mut order = json!({
        "kind": "ec2-stop", "expression": "cron(0 18 ? * MON-FRI *)", "timezone": "Europe/Berlin",
        "select": {"tags": {"hours": "office"}},
    });
    api.post(&schedules, order.clone()).await.refused(403, "capability_missing");
    let (connection, _) = connected(&api, &["ec2-power"]).await;
    let schedules = format!("{}/schedules", path_of(&connection));
    let made = api.post(&schedules, order.clone()).await.expect(201);
    assert_eq!((&made["kind"], made["next_at"].is_string()), (&json!("ec2-stop"), true), "{made:#}");
    order["retention"] = json!({"keep_last": 1});
    api.post(&schedules, order).await.refused(422, "retention_not_taken");
}
