//! Runs the rows of a workflow side by side and compares their ends with the clean run's.

use std::collections::BTreeMap;
use std::sync::LazyLock;
use std::time::{Duration, Instant};

use blackbox::{Api, Provider, Stack};
use futures::{StreamExt as _, stream};
use serde_json::{Value, json};
use tokio::sync::Semaphore;

use crate::report::{self, Outcome, Result, Table};
use crate::row::{Call, Fault, Report, Row, constant_and_occasional};
use crate::user::User;
use crate::workflow::{FAULTS, GRANTS, Scene, Workflow};

/// Rows of a batch. All of them are over before their grants are given back, so that no row takes a
/// grant that another of its workflow has just left and publishes it in its place.
const BATCH: usize = 50;
/// Connections that are prepared or ended at a time.
const PREPARED_AT_A_TIME: usize = 20;
/// Runs that come before the clean ones are recorded, so that those find the installation in use.
const WARM_UP: usize = 6;
/// Clean runs of each kind that are recorded. A call that not all of them make depends on chance.
const RECORDED: usize = 3;
/// How often a row is run whose call did not come.
const TRIES: usize = 4;
/// How long a row may take.
const PATIENCE: Duration = Duration::from_mins(5);
/// How long IAM may be behind the table.
const DRIFTS_FOR: Duration = Duration::from_mins(1);
/// How often a row is looked at: many run side by side.
const LOOKED_AT_EVERY: Duration = Duration::from_millis(500);
/// How long the table may say that something is to come while no message is on its way.
const STALLED_AFTER: Duration = Duration::from_secs(5);

/// Workflows that run side by side on each stack whose calls can be broken: most of the time rows wait for a
/// message to come again. A stack has 125 grants, each of which one role fills: enough for two batches and what
/// waits for others.
static TURNS: LazyLock<BTreeMap<&str, Semaphore>> =
    LazyLock::new(|| [(FAULTS, Semaphore::new(2)), (GRANTS, Semaphore::new(1))].into());

/// One run of the workflow that is to come.
#[derive(Clone)]
struct Plan {
    /// The call that fails, if one does, and how.
    broken: Option<(Call, Fault)>,
    /// Whether each invocation finds a new process.
    cold: bool,
}

/// One run of the workflow.
struct Ran {
    plan: Plan,
    report: Report,
    seen: Value,
    seconds: f64,
}

/// Runs the workflow clean, then once for each call and fault.
pub(crate) async fn every_row<W: Workflow>(workflow: &W) {
    let _turn = TURNS[W::STACK].acquire().await.unwrap();
    let stack = Stack::named(W::STACK);
    let scene = Scene { stack, user: User::new(Api::operator_of(stack)), provider: Provider::of(stack) };
    let begun = Instant::now();
    let letters = scene.provider.dead_letters().await.len();

    batch(workflow, &scene, vec![Plan { broken: None, cold: false }; WARM_UP], None).await;
    let (clean, cold_runs) = clean_runs(workflow, &scene, true).await;
    let (also_clean, warm_runs) = clean_runs(workflow, &scene, false).await;
    assert_eq!(clean, also_clean, "two clean runs end differently");
    let (cold, rarely) = constant_and_occasional(&cold_runs);
    let (warm, sometimes) = constant_and_occasional(&warm_runs);

    // Fault by fault, so that rows that wait for what crashed wait side by side, and these first.
    let calls: Vec<Call> = cold.union(&warm).filter(|call| call.ordinal <= W::ALIKE).cloned().collect();
    let mut plans = Vec::new();
    for fault in W::FAULTS.iter().copied().rev() {
        plans.extend(calls.iter().map(|call| {
            let cold = !warm.contains(call);
            Plan { broken: Some((call.clone(), fault)), cold }
        }));
    }
    assert!(!plans.is_empty(), "a clean run makes no call");
    let results = all_rows(workflow, &scene, &clean, plans).await;

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
    // Other workflows that begin or end here move grants for a moment.
    let begun = Instant::now();
    loop {
        let drift = drift(&scene).await;
        if drift == json!([]) {
            return;
        }
        assert!(begun.elapsed() < DRIFTS_FOR, "the table and IAM differ in the end: {drift:#}");
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
}

/// How the table, the policies and their attachments differ, as Drawbridge itself finds.
async fn drift(scene: &Scene) -> Value {
    let asked = json!({"dry_run": true});
    let begun = scene.user.api.post("/v1/grants/reconcile", asked).await.expect(202);
    let path = format!("/v1/grants/reconciliations/{}", begun["reconciliation_id"].as_str().unwrap());
    let done = blackbox::eventually("the reconciliation ends", async || {
        let now = scene.user.read(&path).await;
        Some(now).filter(|now| now["state"] != "running")
    });
    done.await["findings"].clone()
}

/// What some clean runs saw, which must be the same, and their calls.
async fn clean_runs<W: Workflow>(workflow: &W, scene: &Scene, cold: bool) -> (Value, Vec<Report>) {
    let mut seen = None;
    let mut reports = Vec::new();
    for _ in 0..RECORDED {
        for ran in batch(workflow, scene, vec![Plan { broken: None, cold }], None).await {
            let first = seen.get_or_insert_with(|| ran.seen.clone());
            assert_eq!(first, &ran.seen, "two clean runs end differently");
            let mut report = ran.report;
            report.calls.truncate(W::last(&report.calls));
            reports.push(report);
        }
    }
    (seen.unwrap_or_default(), reports)
}

/// Runs every row, those whose call did not come again.
async fn all_rows<W: Workflow>(
    workflow: &W,
    scene: &Scene,
    clean: &Value,
    mut plans: Vec<Plan>,
) -> Vec<Result> {
    let mut results = Vec::new();
    for tries in 1..=TRIES {
        let mut again = Vec::new();
        for some in plans.chunks(BATCH.min(2 * W::AT_A_TIME)) {
            for ran in batch(workflow, scene, some.to_vec(), Some(clean)).await {
                let Some((call, fault)) = ran.plan.broken.clone() else { continue };
                let hits = ran.report.hits;
                let outcome = if ran.seen != *clean {
                    Outcome::Different(ran.seen)
                } else if hits > 0 {
                    Outcome::AsClean
                } else if tries < TRIES {
                    // A process that has run before may know already what it would ask for.
                    again.push(Plan { cold: true, ..ran.plan });
                    continue;
                } else {
                    Outcome::NotHit
                };
                let result = Result { call, fault, outcome, hits, tries, seconds: ran.seconds };
                if let Some(wrong) = result.is_wrong(clean) {
                    report::say(&wrong);
                }
                results.push(result);
            }
        }
        plans = again;
    }
    results
}

/// Runs the workflow as often as there are plans, side by side, and ends its connections when all
/// of them are over.
async fn batch<W: Workflow>(
    workflow: &W,
    scene: &Scene,
    plans: Vec<Plan>,
    clean: Option<&Value>,
) -> Vec<Ran> {
    let begun = Instant::now();
    let count = plans.len();
    let prepared: Vec<_> = stream::iter(plans)
        .map(async |plan| {
            let row = Row::begin(scene.stack, plan.broken.as_ref(), plan.cold).await;
            let cast = workflow.prepare(scene, &row).await;
            (plan, row, cast)
        })
        .buffer_unordered(PREPARED_AT_A_TIME.min(W::AT_A_TIME))
        .collect()
        .await;
    let prepared_after = begun.elapsed();
    let ran: Vec<_> = stream::iter(prepared)
        .map(|(plan, row, cast)| run(workflow, scene, plan, row, cast))
        .buffer_unordered(W::AT_A_TIME)
        .collect()
        .await;
    let ran_after = begun.elapsed();
    let (ran, casts): (Vec<Ran>, Vec<W::Cast>) = ran.into_iter().unzip();
    let as_new: Vec<bool> = ran.iter().map(|ran| is_as_new(&ran.seen, clean)).collect();
    let problems: Vec<_> = stream::iter(casts.into_iter().zip(as_new))
        .map(|(cast, as_new)| workflow.connected(cast).clear_up(scene, as_new))
        .buffer_unordered(PREPARED_AT_A_TIME)
        .filter_map(std::future::ready)
        .collect()
        .await;
    report::say(&format!(
        "{}: {count} rows prepared in {:.0} seconds, over after {:.0}, cleared up after {:.0} {}",
        W::NAME,
        prepared_after.as_secs_f64(),
        ran_after.as_secs_f64(),
        begun.elapsed().as_secs_f64(),
        problems.join("; "),
    ));
    ran
}

/// Whether a row has left an active connection as it should be.
fn is_as_new(seen: &Value, clean: Option<&Value>) -> bool {
    seen["state"] == "active" && clean.is_none_or(|clean| clean == seen)
}

async fn run<W: Workflow>(
    workflow: &W,
    scene: &Scene,
    plan: Plan,
    row: Row,
    mut cast: W::Cast,
) -> (Ran, W::Cast) {
    let begun = Instant::now();
    let token = row.token.clone();
    workflow.act(scene, &row, &mut cast).await;
    let stalled = wait(workflow, scene, &row, &cast).await;
    let seconds = begun.elapsed().as_secs_f64();
    let report = row.end().await;
    let mut seen = workflow.observe(scene, &token, &cast).await;
    seen["messages_left"] = json!(report.pending);
    seen["stalled"] = json!(stalled);
    (Ran { plan, report, seen, seconds }, cast)
}

/// Waits until the workflow is over and no message of the row is on its way. Returns what went
/// wrong if that does not come.
async fn wait<W: Workflow>(workflow: &W, scene: &Scene, row: &Row, cast: &W::Cast) -> Option<&'static str> {
    let begun = Instant::now();
    let mut silent_since = None;
    loop {
        // The messages first: what ends the workflow may send another. As long as one is on its way nothing is
        // over, and the table need not be asked.
        if row.report().await.pending > 0 {
            silent_since = None;
        } else if workflow.is_over(scene, cast).await {
            return None;
        } else {
            let since = silent_since.get_or_insert_with(Instant::now);
            if since.elapsed() > STALLED_AFTER {
                return Some("it is not over, and no message is on its way");
            }
        }
        if begun.elapsed() > PATIENCE {
            return Some("it is not over after minutes");
        }
        tokio::time::sleep(LOOKED_AT_EVERY).await;
    }
}
