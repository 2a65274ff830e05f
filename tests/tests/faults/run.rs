//! Runs the rows of a workflow side by side and compares their ends with the clean run's.

use std::time::{Duration, Instant};

use blackbox::{Api, Provider, Stack};
use futures::{StreamExt as _, stream};
use reqwest::Method;
use serde_json::{Value, json};
use tokio::sync::Mutex;

use crate::report::{Outcome, Result, Table};
use crate::row::{Call, Fault, Report, Row, constant_and_occasional};
use crate::user::User;
use crate::workflow::{Scene, Workflow};

/// The stack whose calls can be broken.
const STACK: &str = "faults";
/// Rows that run at a time. Most of a row is waiting.
const AT_A_TIME: usize = 30;
/// Runs that come before the clean ones are recorded, so that those find the installation in use.
const WARM_UP: usize = 6;
/// Clean runs of each kind that are recorded. A call that not all of them make depends on chance.
const RECORDED: usize = 2;
/// How often a row is run whose call did not come.
const TRIES: usize = 4;
/// How long a row may take.
const PATIENCE: Duration = Duration::from_mins(4);
/// How long the table may say that something is to come while no message is on its way.
const STALLED_AFTER: Duration = Duration::from_secs(5);

/// One workflow's rows at a time: there are enough of them to keep a machine busy.
static TURN: Mutex<()> = Mutex::const_new(());

/// One run of the workflow.
struct Ran {
    report: Report,
    seen: Value,
    seconds: f64,
}

/// Runs the workflow clean, then once for each call and fault.
pub(crate) async fn every_row<W: Workflow>(workflow: &W) {
    let _turn = TURN.lock().await;
    let stack = Stack::named(STACK);
    let scene = Scene { stack, user: User::new(Api::operator_of(stack)), provider: Provider::of(stack) };
    let begun = Instant::now();
    let letters = scene.provider.dead_letters().await.len();

    stream::iter(0..WARM_UP)
        .map(|_| run(workflow, &scene, None, false))
        .buffer_unordered(WARM_UP)
        .collect::<Vec<_>>()
        .await;
    let (clean, cold_runs) = clean_runs(workflow, &scene, true).await;
    let (also_clean, warm_runs) = clean_runs(workflow, &scene, false).await;
    assert_eq!(clean, also_clean, "two clean runs end differently");
    let (cold, rarely) = constant_and_occasional(&cold_runs);
    let (warm, sometimes) = constant_and_occasional(&warm_runs);

    let calls = cold.union(&warm);
    let rows: Vec<_> = calls.flat_map(|call| Fault::ALL.map(|fault| (call, fault))).collect();
    assert!(!rows.is_empty(), "a clean run makes no call");
    let results = stream::iter(rows)
        .map(|(call, fault)| row(workflow, &scene, &clean, call, fault, !warm.contains(call)))
        .buffer_unordered(AT_A_TIME)
        .collect::<Vec<_>>()
        .await;

    let table = Table {
        workflow: W::NAME,
        clean,
        occasional: rarely.union(&sometimes).cloned().collect(),
        results,
        seconds: begun.elapsed().as_secs_f64(),
    };
    table.write(&stack.log_dir);
    let wrong = table.wrong();
    assert!(wrong.is_empty(), "{} rows of {}: {}", wrong.len(), table.results.len(), wrong.join("\n"));
    let found = scene.provider.dead_letters().await;
    assert_eq!(found.len(), letters, "messages ended among the dead letters: {found:#?}");
}

/// What some clean runs saw, which must be the same, and their calls.
async fn clean_runs<W: Workflow>(workflow: &W, scene: &Scene, cold: bool) -> (Value, Vec<Report>) {
    let mut seen = None;
    let mut reports = Vec::new();
    for _ in 0..RECORDED {
        let ran = run(workflow, scene, None, cold).await;
        assert_eq!(seen.get_or_insert_with(|| ran.seen.clone()), &ran.seen, "two clean runs end differently");
        reports.push(ran.report);
    }
    (seen.unwrap_or_default(), reports)
}

/// Runs the workflow with one call failing, until the call has come.
async fn row<W: Workflow>(
    workflow: &W,
    scene: &Scene,
    clean: &Value,
    call: &Call,
    fault: Fault,
    cold: bool,
) -> Result {
    let mut tries = 1;
    loop {
        let ran = run(workflow, scene, Some((call, fault)), cold).await;
        if ran.report.hits == 0 && tries < TRIES {
            tries += 1;
            continue;
        }
        let outcome = if ran.report.hits == 0 {
            Outcome::NotHit
        } else if ran.seen == *clean {
            Outcome::AsClean
        } else {
            Outcome::Different(ran.seen)
        };
        return Result {
            call: call.clone(),
            fault,
            outcome,
            hits: ran.report.hits,
            tries,
            seconds: ran.seconds,
        };
    }
}

async fn run<W: Workflow>(workflow: &W, scene: &Scene, broken: Option<(&Call, Fault)>, cold: bool) -> Ran {
    let begun = Instant::now();
    let row = Row::begin(scene.stack, broken, cold).await;
    let token = row.token.clone();
    let mut cast = workflow.prepare(scene, &row).await;
    workflow.act(scene, &row, &mut cast).await;
    let stalled = wait(workflow, scene, &row, &cast).await;
    let seconds = begun.elapsed().as_secs_f64();
    let report = row.end().await;
    let mut seen = workflow.observe(scene, &token, &cast).await;
    seen["messages_left"] = json!(report.pending);
    seen["stalled"] = json!(stalled);
    tidy(scene, workflow.connection(&cast)).await;
    Ran { report, seen, seconds }
}

/// Offboards what a row has made: its role has a grant of its own, of which there are not many.
async fn tidy(scene: &Scene, connection: &str) {
    let path = format!("/v1/connections/{connection}");
    scene.user.ask(Method::DELETE, &path, None).await.0.expect(202);
    let begun = Instant::now();
    while scene.user.api.get(&path).await.expect(200)["state"] != "offboarded" {
        assert!(begun.elapsed() < PATIENCE, "{connection} is not offboarded after minutes");
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

/// Waits until the workflow is over and no message of the row is on its way. Returns what went
/// wrong if that does not come.
async fn wait<W: Workflow>(workflow: &W, scene: &Scene, row: &Row, cast: &W::Cast) -> Option<&'static str> {
    let begun = Instant::now();
    let mut silent_since = None;
    loop {
        // The messages first: what ends the workflow may send another.
        let pending = row.report().await.pending;
        let over = workflow.is_over(scene, cast).await;
        match (over, pending) {
            (true, 0) => return None,
            (false, 0) => {
                let since = silent_since.get_or_insert_with(Instant::now);
                if since.elapsed() > STALLED_AFTER {
                    return Some("it is not over, and no message is on its way");
                }
            }
            _ => silent_since = None,
        }
        if begun.elapsed() > PATIENCE {
            return Some("it is not over after minutes");
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}
