use serde_json::json;

use super::*;
use crate::arguments::Format;
use crate::test_server::{Answer, TestServer};

const TARGET: &str = "/v1/connections/con_1";

fn command(yes: bool, watch: bool) -> OffboardConnection {
    let following = Following { watch, ..Following::default() };
    OffboardConnection { connection_id: "con_1".to_owned(), confirmation: Confirmation { yes }, following }
}

fn connection(version: u64, state: &str) -> Value {
    let receipt = json!({
        "grant_removed_at": "2026-11-22T02:04:35Z",
        "assume_role_refused_at": (state == "offboarded").then_some("2026-11-22T02:05:10Z"),
        "last_session_expires_at": "2026-11-22T03:04:30Z",
        "leftovers": [{"kind": "role", "id": "arn:aws:iam::222222222222:role/a", "advice": "Delete the role."}],
    });
    json!({
        "connection_id": "con_1", "state": state, "version": version, "verification": "idle",
        "account_id": "222222222222", "role_arn": "arn:aws:iam::222222222222:role/a",
        "external_id": "xid-secret", "reasons": [],
        "receipt": if is_ending(&json!({"state": state})) { receipt } else { Value::Null },
    })
}

fn still_assumable(version: u64) -> Value {
    let mut connection = connection(version, "offboarding");
    connection["reasons"] =
        json!([{"code": "role_still_assumable", "detail": "AWS allowed it", "remedy": "Delete the role."}]);
    connection
}

async fn run(
    command: OffboardConnection,
    screen: &Screen,
    script: Vec<Answer>,
) -> (Result<Exit>, TestServer) {
    let server = TestServer::start(script).await;
    (command.run(&server.client(), screen).await, server)
}

#[tokio::test]
async fn what_ends_is_shown_and_confirmed() {
    let script = vec![Answer::ok(connection(7, "active")), Answer::new(202, connection(8, "offboarding"))];
    let screen = Screen::answering(Format::Table, "y\n");
    let (outcome, server) = run(command(false, false), &screen, script).await;
    assert_eq!(outcome.unwrap(), Exit::Done);
    assert_eq!(server.targets(), [format!("GET {TARGET}"), format!("DELETE {TARGET}")]);
    assert_eq!(server.seen()[1].header("if-match"), Some("\"7\""));
    let kept = screen.into_kept();
    let shown = kept.errors.split("Offboard this connection? [y/N]").next().unwrap();
    for part in ["con_1", "active", "222222222222", "arn:aws:iam::222222222222:role/a"] {
        assert!(shown.contains(part), "{part}: {shown}");
    }
    assert!(kept.errors.contains("connections watch con_1"));
    assert!(!kept.errors.contains("xid-secret") && !kept.output.contains("xid-secret"));
}

#[tokio::test]
async fn without_a_yes_nothing_is_changed() {
    // Asked in JSON too, beside the answer.
    let screen = Screen::answering(Format::Json, "\n");
    let (outcome, server) =
        run(command(false, true), &screen, vec![Answer::ok(connection(7, "active"))]).await;
    let failure = outcome.unwrap_err();
    assert_eq!(failure.exit, Exit::Refused);
    assert_eq!(server.targets(), [format!("GET {TARGET}")]);
    let kept = screen.into_kept();
    assert!(kept.errors.contains("arn:aws:iam::222222222222:role/a") && kept.output.is_empty());

    // Nobody to ask: refused before anything is asked of the API.
    let (outcome, server) = run(command(false, false), &Screen::kept(Format::Table), vec![]).await;
    let failure = outcome.unwrap_err();
    assert_eq!((failure.exit, server.seen().len()), (Exit::Usage, 0));
    assert!(failure.next.unwrap().contains("--yes"));
}

#[tokio::test]
async fn it_is_followed_to_its_receipt() {
    let script = vec![
        Answer::ok(connection(7, "active")),
        Answer::new(202, connection(8, "offboarding")),
        Answer::ok(connection(8, "offboarding")),
        Answer::ok(connection(9, "offboarded")),
    ];
    let screen = Screen::kept(Format::Table);
    let (outcome, _) = run(command(true, true), &screen, script).await;
    assert_eq!(outcome.unwrap(), Exit::Done);
    let kept = screen.into_kept();
    for part in [
        "grant for the role was removed at 2026-11-22 02:04:35Z",
        "AWS refused to let Drawbridge assume the role at 2026-11-22 02:05:10Z",
        "may live until 2026-11-22 03:04:30Z",
        "role arn:aws:iam::222222222222:role/a\n    Delete the role.",
    ] {
        assert!(kept.output.contains(part), "{part}: {}", kept.output);
    }
    assert!(kept.errors.contains("This ends:"));
}

#[tokio::test]
async fn a_role_that_can_still_be_assumed_ends_with_4() {
    let script = vec![
        Answer::ok(connection(7, "active")),
        Answer::new(202, connection(8, "offboarding")),
        Answer::ok(still_assumable(9)),
    ];
    let screen = Screen::kept(Format::Table);
    let (outcome, _) = run(command(true, true), &screen, script).await;
    assert_eq!(outcome.unwrap(), Exit::NotAccepted);
    let kept = screen.into_kept();
    assert!(kept.output.contains("role_still_assumable") && kept.output.contains("Delete the role."));
    assert!(kept.errors.contains("connections offboard con_1 --watch"));
}

#[tokio::test]
async fn what_is_ending_is_asked_again_without_a_question() {
    let script = vec![
        Answer::ok(still_assumable(9)),
        // Until there is another answer of AWS's, the old one stays.
        Answer::new(202, still_assumable(10)),
        Answer::ok(still_assumable(10)),
        Answer::ok(connection(11, "offboarded")),
    ];
    let screen = Screen::kept(Format::Table);
    let (outcome, server) = run(command(true, true), &screen, script).await;
    assert_eq!((outcome.unwrap(), server.seen().len()), (Exit::Done, 4));
    assert!(!screen.into_kept().errors.contains("This ends:"));

    let screen = Screen::kept(Format::Table);
    let (outcome, server) =
        run(command(true, true), &screen, vec![Answer::ok(connection(11, "offboarded"))]).await;
    assert_eq!((outcome.unwrap(), server.seen().len()), (Exit::Done, 1));
    let kept = screen.into_kept();
    assert!(kept.errors.contains("offboarded already") && kept.output.contains("Receipt"));
}

#[tokio::test]
async fn after_a_lost_answer_it_looks() {
    let stale = || Answer::new(412, json!({"title": "Precondition Failed", "code": "version_mismatch"}));
    let script =
        |now: Value| vec![Answer::ok(connection(7, "active")), Answer::lost(), stale(), Answer::ok(now)];
    let screen = Screen::kept(Format::Table);
    let (outcome, server) = run(command(true, false), &screen, script(connection(8, "offboarding"))).await;
    assert_eq!((outcome.unwrap(), server.seen().len()), (Exit::Done, 4));
    assert!(screen.into_kept().errors.contains("the answer was lost"));

    // Somebody else's change: what is to end is not what was seen.
    let screen = Screen::kept(Format::Table);
    let (outcome, _) = run(command(true, false), &screen, script(connection(8, "suspended"))).await;
    assert_eq!(outcome.unwrap_err().code.as_deref(), Some("version_mismatch"));
}

#[test]
fn what_has_no_role_loses_none() {
    let bare = json!({"connection_id": "con_1", "state": "pending_role", "role_arn": null});
    assert!(ending(&bare, false).contains("invite ends") && !ending(&bare, false).contains("loses"));
    assert!(ending(&connection(7, "active"), false).contains("loses its access"));
}
