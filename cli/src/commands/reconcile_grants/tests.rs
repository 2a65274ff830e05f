use super::*;
use crate::arguments::Format;
use crate::test_server::{Answer, TestServer};

fn command(dry_run: bool, yes: bool) -> ReconcileGrants {
    ReconcileGrants { dry_run, confirmation: Confirmation { yes }, patience: Patience::of_seconds(900) }
}

fn finding(subject: &str, mended: bool) -> Value {
    json!({"code": "policy_differs", "subject": subject, "detail": "names a role too many",
           "mend": "publish it", "mended": mended})
}

fn run_of(id: &str, dry_run: bool, state: &str, findings: &[Value]) -> Value {
    json!({
        "reconciliation_id": id, "dry_run": dry_run, "state": state, "started_at": "2026-11-22T02:04:35Z",
        "finished_at": null, "connections_checked": 12, "grants_checked": 3, "findings": findings,
        "findings_omitted": 0,
    })
}

/// The answers of one reconciliation that is looked at twice.
fn script(id: &str, dry_run: bool, findings: &[Value]) -> Vec<Answer> {
    vec![
        Answer::new(202, run_of(id, dry_run, "running", &[])),
        Answer::ok(run_of(id, dry_run, "running", &[])),
        Answer::ok(run_of(id, dry_run, "finished", findings)),
    ]
}

async fn run(command: ReconcileGrants, screen: &Screen, script: Vec<Answer>) -> (Result<Exit>, TestServer) {
    let server = TestServer::start(script).await;
    (command.run(&server.client(), screen).await, server)
}

const POST: &str = "POST /v1/grants/reconcile";
const FIRST: &str = "GET /v1/grants/reconciliations/rec_1";
const SECOND: &str = "GET /v1/grants/reconciliations/rec_2";

#[tokio::test]
async fn nothing_wrong_is_nothing_to_mend() {
    let screen = Screen::kept(Format::Table);
    let (outcome, server) = run(command(false, false), &screen, script("rec_1", true, &[])).await;
    assert_eq!(outcome.unwrap(), Exit::Done);
    assert_eq!(server.targets(), [POST, FIRST, FIRST]);
    assert_eq!(server.bodies()[0], json!({"dry_run": true}));
    let kept = screen.into_kept();
    assert_eq!(kept.output, "12 connections and 3 grants were looked at: nothing is wrong\n");
    assert!(kept.errors.contains("nothing to mend"));
}

#[tokio::test]
async fn a_dry_run_stops_after_showing() {
    let screen = Screen::kept(Format::Table);
    let found = [finding("grant-1", false)];
    let (outcome, server) = run(command(true, false), &screen, script("rec_1", true, &found)).await;
    assert_eq!((outcome.unwrap(), server.seen().len()), (Exit::NotAccepted, 3));
    assert_eq!(
        screen.into_kept().output,
        "12 connections and 3 grants were looked at: 1 finding\n\n\
         FINDING         SUBJECT  WHAT IS WRONG          WOULD DO\n\
         policy_differs  grant-1  names a role too many  publish it\n"
    );
}

#[tokio::test]
async fn what_was_confirmed_is_mended() {
    for (yes, screen) in
        [(false, Screen::answering(Format::Table, "yes")), (true, Screen::kept(Format::Table))]
    {
        let found = script("rec_1", true, &[finding("grant-1", false), finding("grant-2", false)]);
        let mended = script("rec_2", false, &[finding("grant-1", true), finding("grant-2", true)]);
        let (outcome, server) =
            run(command(false, yes), &screen, found.into_iter().chain(mended).collect()).await;
        assert_eq!(outcome.unwrap(), Exit::Done);
        assert_eq!(server.targets(), [POST, FIRST, FIRST, POST, SECOND, SECOND]);
        assert_eq!(server.bodies()[3], json!({"dry_run": false}));
        // Two reconciliations, not one that is repeated.
        let seen = server.seen();
        assert_ne!(seen[0].header("idempotency-key"), seen[3].header("idempotency-key"));
        let kept = screen.into_kept();
        assert!(kept.errors.contains("WOULD DO") && kept.output.contains("MENDED BY"));
        assert_eq!(kept.errors.contains("Mend 2 findings? [y/N]"), !yes);
    }
}

#[tokio::test]
async fn without_a_yes_nothing_is_mended() {
    let found = [finding("grant-1", false)];
    let screen = Screen::answering(Format::Table, "no");
    let (outcome, server) = run(command(false, false), &screen, script("rec_1", true, &found)).await;
    assert_eq!((outcome.unwrap_err().exit, server.seen().len()), (Exit::Refused, 3));

    // Nobody to ask: what was found is the answer.
    let screen = Screen::kept(Format::Json);
    let (outcome, server) = run(command(false, false), &screen, script("rec_1", true, &found)).await;
    assert_eq!((outcome.unwrap_err().exit, server.seen().len()), (Exit::Usage, 3));
    let shown: Value = serde_json::from_str(&screen.into_kept().output).unwrap();
    assert_eq!(shown, run_of("rec_1", true, "finished", &found));
}

#[tokio::test]
async fn json_is_one_document_that_of_the_mending() {
    let found = script("rec_1", true, &[finding("grant-1", false)]);
    let mended = script("rec_2", false, &[finding("grant-1", true)]);
    let screen = Screen::kept(Format::Json);
    let (outcome, _) = run(command(false, true), &screen, found.into_iter().chain(mended).collect()).await;
    assert_eq!(outcome.unwrap(), Exit::Done);
    let shown: Value = serde_json::from_str(&screen.into_kept().output).unwrap();
    assert_eq!((&shown["reconciliation_id"], &shown["dry_run"]), (&json!("rec_2"), &json!(false)));
}

#[tokio::test]
async fn what_could_not_be_mended_ends_with_4() {
    let found = script("rec_1", true, &[finding("grant-1", false), finding("grant-2", false)]);
    let mended = script("rec_2", false, &[finding("grant-1", true), finding("grant-2", false)]);
    let screen = Screen::kept(Format::Table);
    let (outcome, _) = run(command(false, true), &screen, found.into_iter().chain(mended).collect()).await;
    assert_eq!(outcome.unwrap(), Exit::NotAccepted);
    let kept = screen.into_kept();
    assert!(kept.output.contains("not mended: publish it"), "{}", kept.output);
    assert!(kept.errors.contains("1 finding could not be mended"), "{}", kept.errors);
}

#[tokio::test]
async fn what_the_list_leaves_out_is_looked_for_again() {
    for (left, expected) in [(0, Exit::Done), (2, Exit::NotAccepted)] {
        let with_more = |id: &str, dry_run: bool, more: u64, findings: &[Value]| {
            let mut run = run_of(id, dry_run, "finished", findings);
            run["findings_omitted"] = json!(more);
            Answer::new(202, run)
        };
        let script = vec![
            with_more("rec_1", true, 5, &[finding("grant-1", false)]),
            with_more("rec_2", false, 5, &[finding("grant-1", true)]),
            with_more("rec_3", true, left, &[]),
        ];
        let screen = Screen::kept(Format::Table);
        let (outcome, server) = run(command(false, true), &screen, script).await;
        assert_eq!((outcome.unwrap(), server.seen().len()), (expected, 3));
        assert!(screen.into_kept().output.contains("6 findings"));
    }
}

#[test]
fn one_is_not_many() {
    let mut run = run_of("rec_1", true, "finished", &[]);
    run["connections_checked"] = json!(1);
    run["grants_checked"] = json!(1);
    assert_eq!(view(&run), "1 connection and 1 grant were looked at: nothing is wrong");
}

#[tokio::test]
async fn waiting_ends_in_time() {
    let script = vec![Answer::new(202, run_of("rec_1", true, "running", &[]))];
    let mut command = command(false, true);
    command.patience = Patience::of_seconds(0);
    let (outcome, _) = run(command, &Screen::kept(Format::Table), script).await;
    let failure = outcome.unwrap_err();
    assert_eq!(failure.exit, Exit::Refused);
    assert!(failure.what.contains("has not ended within"), "{failure}");
}
