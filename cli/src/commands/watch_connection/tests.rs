use serde_json::json;

use super::*;
use crate::test_server::{Answer, TestServer};

impl Default for Following {
    fn default() -> Self {
        Self { watch: false, patience: Patience::of_seconds(900) }
    }
}

impl Patience {
    /// What `--timeout` says.
    pub fn of_seconds(timeout: u64) -> Self {
        Self { timeout }
    }
}

fn connection(
    version: u64,
    state: &str,
    verification: &str,
    probes: &[(u64, &str, &str)],
    reasons: &[&str],
) -> Value {
    let probes = probes.iter().map(|(round, sent, outcome)| {
        json!({"round": round, "external_id": sent, "outcome": outcome, "at": format!("2026-11-22T02:0{round}:00Z")})
    });
    let reasons = reasons.iter().map(|code| json!({"code": code, "detail": "why", "remedy": "Mend it."}));
    json!({
        "connection_id": "con_1", "state": state, "verification": verification, "version": version,
        "external_id": "xid-secret", "trust": {"proven": false, "probes": probes.collect::<Vec<_>>()},
        "reasons": reasons.collect::<Vec<_>>(),
    })
}

/// Watches a script of answers: the verdict, what was told, and what was asked.
async fn watched(begun: Option<Value>, script: Vec<Answer>) -> (Result<Exit>, Vec<String>, usize) {
    watched_for(None, begun, script).await
}

async fn watched_for(
    errand: Option<Errand>,
    begun: Option<Value>,
    script: Vec<Answer>,
) -> (Result<Exit>, Vec<String>, usize) {
    let server = TestServer::start(script).await;
    let client = server.client();
    let progress = Progress::kept();
    let watch = Watch {
        client: &client,
        id: "con_1",
        errand,
        interval: Duration::from_millis(1),
        timeout: Duration::from_millis(300),
    };
    let ended = watch.until_over(begun.as_ref(), &progress).await;
    let verdict = ended.and_then(|(ended, errand)| verdict(&ended, errand, "con_1"));
    (verdict, progress.lines(), server.seen().len())
}

fn ok(connection: Value) -> Answer {
    Answer::ok(connection)
}

#[tokio::test]
async fn an_accepted_role_ends_with_0() {
    let first = [(1, "correct", "allowed"), (1, "absent", "denied"), (1, "random", "denied")];
    let both =
        [&first[..], &[(2, "correct", "allowed"), (2, "absent", "denied"), (2, "random", "denied")]].concat();
    let script = vec![
        ok(connection(2, "verifying", "running", &[], &[])),
        ok(connection(2, "verifying", "running", &[], &[])),
        ok(connection(3, "verifying", "running", &first, &[])),
        ok(connection(4, "active", "idle", &both, &[])),
    ];
    let (verdict, told, _) = watched(None, script).await;
    assert_eq!(verdict.unwrap(), Exit::Done);
    assert_eq!(
        told,
        [
            "verifying",
            "round 1: the right external ID: allowed",
            "round 1: no external ID: denied",
            "round 1: a random external ID: denied",
            "round 2: the right external ID: allowed",
            "round 2: no external ID: denied",
            "round 2: a random external ID: denied",
            "verifying → active",
        ]
    );
}

#[tokio::test]
async fn every_end_has_its_exit_code() {
    for (state, expected) in [
        ("active", Exit::Done),
        ("degraded", Exit::Done),
        ("failed", Exit::NotAccepted),
        ("suspended", Exit::NotAccepted),
        ("offboarded", Exit::Done),
    ] {
        let (verdict, ..) = watched(None, vec![ok(connection(4, state, "idle", &[], &[]))]).await;
        assert_eq!(verdict.unwrap(), expected, "{state}");
    }
    // Who waits for a verification is not content with an offboarding.
    for state in ["pending_role", "offboarding", "offboarded"] {
        let script = vec![ok(connection(1, state, "idle", &[], &[]))];
        let (verdict, ..) = watched_for(Some(Errand::Verification), None, script).await;
        let failure = verdict.unwrap_err();
        assert_eq!(failure.exit, Exit::Refused, "{state}");
        assert!(!failure.to_string().contains("xid-secret"));
    }
}

#[tokio::test]
async fn a_refused_role_says_why() {
    let script = vec![
        ok(connection(2, "verifying", "running", &[], &[])),
        ok(connection(3, "failed", "idle", &[(1, "absent", "allowed")], &["trust_missing_external_id"])),
    ];
    let (verdict, told, _) = watched(None, script).await;
    assert_eq!(verdict.unwrap(), Exit::NotAccepted);
    let expected = [
        "verifying",
        "round 1: no external ID: allowed",
        "verifying → failed",
        "trust_missing_external_id: why",
    ];
    assert_eq!(told, expected);
}

#[tokio::test]
async fn an_answer_from_before_the_submission_does_not_count() {
    let begun = connection(7, "verifying", "running", &[], &[]);
    let script = vec![
        ok(connection(6, "failed", "idle", &[], &["role_not_assumable"])),
        ok(connection(8, "active", "idle", &[], &[])),
    ];
    let (verdict, told, asked) = watched(Some(begun), script).await;
    assert_eq!((verdict.unwrap(), asked), (Exit::Done, 2));
    assert_eq!(told, ["verifying", "verifying → active"]);
}

#[tokio::test]
async fn what_an_earlier_verification_found_is_no_news() {
    let old = [(1, "correct", "allowed")];
    let mut begun = connection(7, "active", "running", &old, &[]);
    begun["trust"]["proven"] = json!(true);
    let ended = connection(8, "suspended", "idle", &[(2, "correct", "denied")], &["role_not_assumable"]);
    let expected =
        ["active", "round 2: the right external ID: denied", "active → suspended", "role_not_assumable: why"];

    let (verdict, told, _) = watched(Some(begun.clone()), vec![ok(ended.clone())]).await;
    assert_eq!((verdict.unwrap(), &told[..]), (Exit::NotAccepted, &expected.map(str::to_owned)[..]));
    let (verdict, told, _) = watched(None, vec![ok(begun), ok(ended)]).await;
    assert_eq!((verdict.unwrap(), &told[..]), (Exit::NotAccepted, &expected.map(str::to_owned)[..]));
}

fn with_checks(mut connection: Value, rows: &[(&str, &str)]) -> Value {
    let rows = rows.iter().map(|(action, outcome)| {
        json!({"action": action, "region": "eu-west-1", "capability": "ec2-power", "outcome": outcome,
               "method": "dry_run", "detail": (*outcome == "denied").then_some("no policy allows it")})
    });
    connection["checks"] = rows.collect();
    connection
}

#[tokio::test]
async fn checks_are_counted_as_they_come_and_the_open_ones_told() {
    let verifying = || connection(2, "verifying", "running", &[], &[]);
    let script = vec![
        ok(verifying()),
        ok(with_checks(verifying(), &[("ec2:StartInstances", "allowed")])),
        ok(with_checks(verifying(), &[("ec2:StartInstances", "allowed")])),
        ok(with_checks(
            connection(4, "degraded", "idle", &[], &["permission_missing"; 2]),
            &[
                ("ec2:StartInstances", "allowed"),
                ("ec2:StopInstances", "denied"),
                ("ec2:RebootInstances", "unverifiable"),
                ("ec2:RunInstances", "inconclusive"),
            ],
        )),
    ];
    let (verdict, told, _) = watched(None, script).await;
    assert_eq!(verdict.unwrap(), Exit::Done);
    assert_eq!(
        told,
        [
            "verifying",
            "permissions: 1 allowed, 0 denied",
            "denied: ec2:StopInstances in eu-west-1",
            "inconclusive: ec2:RunInstances in eu-west-1",
            "permissions: 1 allowed, 1 denied, 1 inconclusive, 1 unverifiable",
            "verifying → degraded",
            "permission_missing: why",
            "permission_missing: why",
        ]
    );
}

#[tokio::test]
async fn a_check_that_comes_out_as_before_is_no_news() {
    // As the API answers: only a connection's own page has its checks.
    let begun = connection(7, "degraded", "running", &[], &[]);
    let running =
        with_checks(begun.clone(), &[("ec2:StartInstances", "denied"), ("ec2:StopInstances", "denied")]);
    let ended = with_checks(
        connection(8, "degraded", "idle", &[], &[]),
        &[("ec2:StartInstances", "allowed"), ("ec2:StopInstances", "denied")],
    );
    for begun in [Some(begun), None] {
        let (verdict, told, _) = watched(begun, vec![ok(running.clone()), ok(ended.clone())]).await;
        assert_eq!(verdict.unwrap(), Exit::Done);
        assert_eq!(told, ["degraded", "permissions: 1 allowed, 1 denied"]);
    }
}

#[tokio::test]
async fn watching_outlasts_a_passing_fault() {
    let script = vec![
        Answer::new(503, json!({"code": "dependency_unavailable"})).header("retry-after: 0"),
        Answer::new(429, json!({"message": "Too Many Requests"})),
        ok(connection(4, "active", "idle", &[], &[])),
    ];
    let (verdict, _, asked) = watched(None, script).await;
    assert_eq!((verdict.unwrap(), asked), (Exit::Done, 3));
}

#[tokio::test]
async fn watching_ends_in_time() {
    let script = (0..1000).map(|_| ok(connection(2, "verifying", "running", &[], &[]))).collect();
    let (verdict, told, _) = watched(None, script).await;
    let failure = verdict.unwrap_err();
    assert_eq!(failure.exit, Exit::Refused);
    assert!(failure.to_string().contains("watch con_1"), "{failure}");
    assert_eq!(told, ["verifying"]);
}

fn offboarding(version: u64, state: &str, removed: bool, refused: bool, reasons: &[&str]) -> Value {
    let mut connection = with_checks(
        connection(version, state, "idle", &[(1, "correct", "allowed")], reasons),
        &[("ec2:StartInstances", "denied")],
    );
    connection["receipt"] = json!({
        "grant_removed_at": removed.then_some("2026-11-22T02:01:00Z"),
        "assume_role_refused_at": refused.then_some("2026-11-22T02:02:00Z"),
        "last_session_expires_at": null, "leftovers": [],
    });
    connection
}

#[tokio::test]
async fn an_offboarding_is_followed_step_by_step() {
    let script = vec![
        ok(offboarding(5, "offboarding", false, false, &[])),
        ok(offboarding(5, "offboarding", true, false, &[])),
        ok(offboarding(6, "offboarded", true, true, &[])),
    ];
    let (verdict, told, _) = watched(None, script).await;
    assert_eq!(verdict.unwrap(), Exit::Done);
    assert_eq!(
        told,
        [
            "offboarding",
            "Drawbridge's grant for the role was removed at 2026-11-22 02:01:00Z.",
            "offboarding → offboarded",
            "AWS refused to let Drawbridge assume the role at 2026-11-22 02:02:00Z.",
        ]
    );
}

#[tokio::test]
async fn an_offboarding_that_aws_did_not_answer_ends_with_4() {
    let script = vec![
        ok(offboarding(5, "offboarding", true, false, &[])),
        ok(offboarding(6, "offboarding", true, false, &["probe_inconclusive"])),
    ];
    let (verdict, told, asked) = watched(None, script).await;
    assert_eq!((verdict.unwrap(), asked), (Exit::NotAccepted, 2));
    assert_eq!(told.last().unwrap(), "probe_inconclusive: why");
}

#[tokio::test]
async fn a_role_that_can_still_be_assumed_ends_with_4() {
    let still = ["role_still_assumable"];
    let script = vec![
        ok(offboarding(5, "offboarding", true, false, &[])),
        ok(offboarding(6, "offboarding", true, false, &still)),
    ];
    let (verdict, told, _) = watched(None, script).await;
    assert_eq!(verdict.unwrap(), Exit::NotAccepted);
    assert_eq!(told.last().unwrap(), "role_still_assumable: why");

    // Asked again: what AWS answered before does not count, what it answers now does.
    let begun = offboarding(7, "offboarding", true, false, &still);
    for (last, expected) in [
        (offboarding(8, "offboarding", true, false, &still), Exit::NotAccepted),
        (offboarding(8, "offboarded", true, true, &[]), Exit::Done),
    ] {
        let script = vec![ok(begun.clone()), ok(last)];
        let (verdict, _, asked) = watched_for(Some(Errand::Offboarding), Some(begun.clone()), script).await;
        assert_eq!((verdict.unwrap(), asked), (expected, 2));
    }
}
