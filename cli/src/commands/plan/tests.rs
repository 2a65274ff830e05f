use super::*;
use crate::arguments::Format;
use crate::test_server::{Answer, TestServer};

fn plan(state: &str) -> Value {
    json!({
        "plan_id": "pln_1", "connection_id": "con_1", "action": "ec2:TerminateInstances", "region": "eu-central-1",
        "state": state, "actor": "arn", "reason": null, "expires_at": "2026-01-01T00:15:00Z", "operation_id": null,
        "targets": [{"id": "i-1", "kind": "instance", "facts": {"name": "web-1", "state": "running"}}],
        "blast_radius": {
            "instances": 1, "volumes_deleted_gib": 8, "kept_volumes": [],
            "deleted_volumes": [{"volume": "vol-1", "size_gib": 8}, {"volume": "vol-2", "name": "data"}],
        },
        "warnings": [{"code": "autoscaling_replaces", "detail": "another is launched"}],
        "version": 1,
    })
}

fn operation(state: &str) -> Value {
    json!({
        "operation_id": "op_1", "action": "ec2:TerminateInstances", "region": "eu-central-1", "state": state,
        "targets": [{"id": "i-1", "outcome": "succeeded"}], "started_at": "2026-01-01T00:00:00Z",
    })
}

fn wanted() -> Wanted<'static> {
    Wanted {
        connection_id: "con_1",
        action: "ec2:TerminateInstances",
        region: "eu-central-1",
        input: json!({"InstanceIds": ["i-1"]}),
        reason: Some("why"),
    }
}

const YES: Confirmation = Confirmation { yes: true };

#[tokio::test]
async fn what_is_confirmed_is_carried_out_to_its_end() {
    let answers = [
        Answer::new(201, plan("pending")),
        Answer::new(202, operation("running")),
        Answer::ok(operation("running")),
        Answer::ok(operation("succeeded")),
    ];
    let server = TestServer::start(answers).await;
    let screen = Screen::kept(Format::Table);
    assert_eq!(plan_and_apply(&server.client(), &screen, &wanted(), &YES).await.unwrap(), Exit::Done);
    assert_eq!(
        server.targets(),
        [
            "POST /v1/connections/con_1/plans",
            "POST /v1/plans/pln_1/apply",
            "GET /v1/operations/op_1",
            "GET /v1/operations/op_1",
        ]
    );
    assert!(screen.into_kept().output.contains("succeeded"));
}

#[tokio::test]
async fn what_is_not_confirmed_is_not_carried_out() {
    let server = TestServer::start([Answer::new(201, plan("pending"))]).await;
    let screen = Screen::answering(Format::Table, "no");
    let asked = plan_and_apply(&server.client(), &screen, &wanted(), &Confirmation::default()).await;
    assert_eq!(asked.unwrap_err().exit, Exit::Refused);
    assert_eq!(server.targets(), ["POST /v1/connections/con_1/plans"]);
    // Where nobody can be asked, nothing is planned either.
    let server = TestServer::start([]).await;
    let screen = Screen::kept(Format::Table);
    let asked = plan_and_apply(&server.client(), &screen, &wanted(), &Confirmation::default()).await;
    assert_eq!(asked.unwrap_err().exit, Exit::Usage);
    assert!(server.targets().is_empty());
}

#[tokio::test]
async fn what_is_over_is_not_applied() {
    for state in ["applied", "expired"] {
        let server = TestServer::start([]).await;
        let screen = Screen::kept(Format::Table);
        let refused = apply(&server.client(), &screen, &plan(state), &YES).await;
        assert_eq!(refused.unwrap_err().exit, Exit::Refused);
        assert!(server.targets().is_empty(), "{state}");
    }
}

#[test]
fn what_goes_is_shown_in_tables() {
    let shown = view(&plan("pending"));
    for part in
        ["i-1", "web-1", "volumes_deleted_gib", "deleted_volumes:", "vol-2", "data", "autoscaling_replaces"]
    {
        assert!(shown.contains(part), "{part}: {shown}");
    }
    assert!(!shown.contains("kept_volumes"), "an empty list says nothing: {shown}");
}
