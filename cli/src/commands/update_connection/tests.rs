use clap::Parser;

use super::*;
use crate::arguments::Format;
use crate::test_server::{Answer, TestServer};

#[derive(Debug, Parser)]
struct Line {
    #[command(flatten)]
    command: UpdateConnection,
}

fn typed(arguments: &[&str]) -> UpdateConnection {
    Line::try_parse_from(["update", "con_1"].iter().chain(arguments)).unwrap().command
}

fn connection(version: u64, label: Option<&str>, capabilities: &[&str], verification: &str) -> Value {
    json!({
        "connection_id": "con_1", "state": "active", "verification": verification, "version": version,
        "label": label, "capabilities": capabilities, "regions": ["eu-central-1"], "external_id": "xid-secret",
    })
}

async fn run(arguments: &[&str], script: Vec<Answer>) -> (Result<Exit>, Screen, TestServer) {
    let server = TestServer::start(script).await;
    let screen = Screen::kept(Format::Table);
    let outcome = typed(arguments).run(&server.client(), &screen).await;
    (outcome, screen, server)
}

#[test]
fn an_empty_change_is_refused() {
    for wrong in [vec![], vec!["--watch"], vec!["--label", "a", "--no-label"]] {
        let line = ["update", "con_1"].into_iter().chain(wrong.clone());
        assert_eq!(Line::try_parse_from(line).unwrap_err().exit_code(), 2, "{wrong:?}");
    }
}

#[tokio::test]
async fn what_was_typed_is_sent_for_the_version_that_was_seen() {
    let script = vec![
        Answer::ok(connection(7, Some("old"), &["ec2-power"], "idle")),
        Answer::new(202, connection(8, None, &["ec2-power", "ec2-backup"], "running")),
    ];
    let arguments = ["--no-label", "--capability", "ec2-power", "--capability", "ec2-backup"];
    let (outcome, screen, server) = run(&arguments, script).await;
    assert_eq!(outcome.unwrap(), Exit::Done);
    assert_eq!(server.targets(), ["GET /v1/connections/con_1", "PATCH /v1/connections/con_1"]);
    assert_eq!(server.bodies()[1], json!({"label": null, "capabilities": ["ec2-power", "ec2-backup"]}));
    assert_eq!(server.seen()[1].header("if-match"), Some("\"7\""));

    let kept = screen.into_kept();
    let shown: Vec<Vec<_>> =
        kept.output.lines().take(3).map(|line| line.split_whitespace().collect()).collect();
    assert_eq!(
        shown,
        [
            vec!["CHANGE", "BEFORE", "AFTER"],
            vec!["label", "old", "-"],
            vec!["capabilities", "ec2-power", "ec2-power,", "ec2-backup"],
        ]
    );
    assert!(!kept.output.contains("xid-secret"));
    assert!(kept.errors.contains("connections setup con_1"), "{}", kept.errors);
    assert!(kept.errors.contains("connections watch con_1"), "{}", kept.errors);
}

#[tokio::test]
async fn what_is_so_already_is_not_sent() {
    let script = vec![Answer::ok(connection(7, Some("old"), &["ec2-power", "ec2-backup"], "idle"))];
    let arguments = ["--label", "old", "--capability", "ec2-backup", "--capability", "ec2-power"];
    let (outcome, screen, server) = run(&arguments, script).await;
    assert_eq!((outcome.unwrap(), server.seen().len()), (Exit::Done, 1));
    assert!(screen.into_kept().errors.contains("nothing to change"));
}

#[tokio::test]
async fn a_changed_scope_is_followed_and_a_label_is_not() {
    let before = || Answer::ok(connection(7, None, &["ec2-power"], "idle"));
    let script = vec![
        before(),
        Answer::new(202, connection(8, None, &["ec2-backup"], "running")),
        Answer::ok(connection(9, None, &["ec2-backup"], "idle")),
    ];
    let (outcome, screen, server) = run(&["--capability", "ec2-backup", "--watch"], script).await;
    assert_eq!((outcome.unwrap(), server.seen().len()), (Exit::Done, 3));
    assert!(screen.into_kept().errors.starts_with("CHANGE"));

    let script = vec![before(), Answer::new(202, connection(8, Some("new"), &["ec2-power"], "idle"))];
    let (outcome, screen, server) = run(&["--label", "new", "--watch"], script).await;
    assert_eq!((outcome.unwrap(), server.seen().len()), (Exit::Done, 2));
    assert!(screen.into_kept().output.starts_with("CHANGE"));
}

fn stale() -> Answer {
    Answer::new(412, json!({"title": "Precondition Failed", "code": "version_mismatch"}))
}

#[tokio::test]
async fn after_a_lost_answer_it_looks() {
    let script = |now: Value| {
        let before = connection(7, None, &["ec2-power"], "idle");
        vec![Answer::ok(before), Answer::lost(), stale(), Answer::ok(now)]
    };
    let made = connection(8, Some("new"), &["ec2-power"], "idle");
    let (outcome, screen, _) = run(&["--label", "new"], script(made)).await;
    assert_eq!(outcome.unwrap(), Exit::Done);
    assert!(screen.into_kept().errors.contains("the answer was lost"));

    let other = connection(8, Some("another's"), &["ec2-power"], "idle");
    let (outcome, ..) = run(&["--label", "new"], script(other)).await;
    let failure = outcome.unwrap_err();
    assert_eq!((failure.exit, failure.code.as_deref()), (Exit::Refused, Some("version_mismatch")));
}

#[tokio::test]
async fn what_somebody_else_has_changed_stays() {
    let script = vec![Answer::ok(connection(7, None, &["ec2-power"], "idle")), stale()];
    let (outcome, _, server) = run(&["--label", "new"], script).await;
    assert!(outcome.unwrap_err().next.unwrap().contains("connections show con_1"));
    assert_eq!(server.seen().len(), 2);
}
