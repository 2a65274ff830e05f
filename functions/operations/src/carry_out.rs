//! An operation, from the moment that it may be carried out to its recorded end.

use std::time::{Duration, Instant};

use access::{CustomerSession, Opened};
use axum::Json;
use axum::http::StatusCode;
use domain::backup::{BackupState, Gone};
use domain::connection::Occasion;
use domain::operation::{Ending, Operation, Target, TargetOutcome};
use domain::plan::Applied;
use domain::policy::PolicyDocument;
use domain::proof::ProbeOutcome;
use domain::{Connection, Error, ErrorKind};
use estate::operations::{LASTING_TARGETS, Outcome, Place, Read, Request, failed};
use jiff::SignedDuration;
use serde::de::DeserializeOwned;
use serde_json::Value;
use store::{Aftermath, Completion};
use tokio::time::{sleep, timeout};
use web::body::read_part;
use web::idempotency::Idempotent;
use web::problem::Refused;

use crate::app::App;
use crate::restore_instance;
use crate::view::OperationView;

/// Longest that AWS is asked, so that what became of it can still be recorded and answered in the time
/// that an HTTP API has.
const LONGEST_CALLS: Duration = Duration::from_secs(15);
/// Longest that a request may take until AWS is asked for nothing more, looks and sessions included.
const LONGEST: Duration = Duration::from_secs(24);
/// What cannot be begun with so much time left is not begun.
const LEAST: Duration = Duration::from_secs(8);
/// What is asked one after the other ends by itself so long before that, to tell what it did not come to.
const TO_TELL: Duration = Duration::from_millis(500);
const TOO_SLOW: &str = "AWS did not answer in time. Look whether it was done before asking for it again, and ask for \
                        fewer at once.";

/// Session policies are packed by AWS alone, so that it is the first to know.
const TOO_MANY: &str = "The request names more resources than one session can be limited to: AWS gave none, and nothing was \
                        asked. Ask for fewer at once.";

/// How often the end of an operation is written before it is given up: it cannot be carried out again
/// to be recorded, and each time the SDK has tried several times already.
const RECORDING_ATTEMPTS: u32 = 3;
const RECORDING_PAUSE: Duration = Duration::from_millis(500);

/// Largest output, in bytes of JSON that is quoted once more. Source: Lambda Developer Guide, "Lambda
/// quotas": an answer has 6 MB.
const LARGEST_OUTPUT: usize = 5 * 1024 * 1024;
const TOO_LARGE: &str =
    "AWS answered with more than one answer can hold. Ask for fewer at once, or for a smaller page.";

/// Reads an action's input, and refuses what it does not know.
pub(crate) struct Inputs;

impl Read for Inputs {
    fn read<T: DeserializeOwned>(&self, input: &Value) -> Result<T, Error> {
        read_part(input, "/input")
    }
}

/// What is to be carried out, and where.
pub(crate) struct Admitted {
    /// The action with its input, read.
    pub asked: Request,
    /// The input.
    input: Value,
    /// When whoever asked began to wait.
    since: Instant,
    /// The customer's account and the Region.
    pub place: Place,
}

impl Admitted {
    /// What was put together and checked already.
    pub fn of(asked: Request, place: Place, since: Instant) -> Self {
        Self { asked, input: Value::Null, since, place }
    }
}

/// The operation with its input read and checked.
///
/// # Errors
/// What the input's own rules refuse, and a dry run of what AWS has none of.
pub(crate) fn admit(
    operation: &Operation,
    connection: &Connection,
    input: &Value,
) -> Result<Admitted, Error> {
    let since = Instant::now();
    let place = Place::of(connection, &operation.region)?;
    let asked = Request::read(operation.action, input, &place, &Inputs).ok_or_else(|| {
        Error::refused("action_not_offered", "this version of Drawbridge does not carry out this action yet")
            .at("/action")
    })??;
    asked.admit_companions(connection)?;
    if operation.dry_run {
        asked.admit_dry_run()?;
    }
    Ok(Admitted { asked, input: input.clone(), place, since })
}

/// Carries it out: it is recorded before AWS is asked, and again when AWS has answered. What lasts
/// longer than an answer may wait is recorded, and left to the worker. Where it carries out a plan, that
/// is applied with the record.
///
/// # Errors
/// When it could not be recorded, and AWS was not asked.
pub(crate) async fn carry_out(
    app: &App,
    connection: &Connection,
    operation: Operation,
    admitted: &Admitted,
    plan: Option<&Applied>,
    request: &Idempotent,
) -> Result<(StatusCode, Json<OperationView>), Refused> {
    let Admitted { asked, input, place, since } = admitted;
    if asked.goal().is_some() && !operation.dry_run {
        return begin(app, operation, input, plan, request).await;
    }
    let policy = asked.session_policy(place, operation.dry_run);
    let dry_run = operation.dry_run;
    let carry = async |session: CustomerSession| asked.carry(&session, place, dry_run).await;
    carry_with(app, connection, operation, (&policy, *since), plan, request, carry).await
}

/// Carries out what `carry` asks of AWS in one session, which `policy` limits: it is recorded before, and again
/// when AWS has answered.
///
/// # Errors
/// When it could not be recorded, and AWS was not asked.
pub(crate) async fn carry_with(
    app: &App,
    connection: &Connection,
    operation: Operation,
    (policy, since): (&PolicyDocument, Instant),
    plan: Option<&Applied>,
    request: &Idempotent,
    carry: impl AsyncFnOnce(CustomerSession) -> Outcome,
) -> Result<(StatusCode, Json<OperationView>), Refused> {
    if since.elapsed() + LEAST > LONGEST {
        return Err(Error::unavailable("looking took so long that there was no time to carry it out").into());
    }
    let begun = request.completing(StatusCode::OK, &OperationView::of(operation.clone()));
    write(app, &operation, plan, begun.as_ref()).await?;
    let outcome = match Box::pin(app.sessions.open(connection, &operation.session_name, policy)).await {
        Ok(Opened::Open(session)) => {
            let left = LONGEST.saturating_sub(since.elapsed());
            carried(carry, &session, &operation, left.min(LONGEST_CALLS)).await
        }
        Ok(Opened::TooLarge) => not_carried(&operation, "too_many_resources", TOO_MANY),
        Ok(Opened::Shut(refusal)) => no_session(&operation, refusal),
        Err(error) => {
            tracing::error!(operation_id = %operation.id, cause = error.chain(), "there was no way to a session");
            no_session(&operation, ProbeOutcome::Inconclusive)
        }
    };
    let Outcome { output, targets, request_ids, .. } = outcome;
    let ending = Ending { targets, request_ids, had_output: !output.is_null() };
    let occasion = App::occasion(operation.actor.clone());
    let ended = operation.ended(ending, occasion.now);
    tracing::info!(
        connection_id = %ended.connection_id,
        operation_id = %ended.id,
        action = %ended.action,
        state = ?ended.state,
        "an operation has ended"
    );
    record(app, &to_keep(&ended), &occasion).await;
    Ok((StatusCode::OK, Json(OperationView::of(ended).with_output(output))))
}

/// Leaves an operation that lasts to the worker. Its message goes out first: a crash in between leaves a
/// message about an operation that nobody knows, which the worker drops, and never an operation that
/// waits for a message that was never sent.
async fn begin(
    app: &App,
    operation: Operation,
    input: &Value,
    plan: Option<&Applied>,
    request: &Idempotent,
) -> Result<(StatusCode, Json<OperationView>), Refused> {
    let mut input = input.as_object().cloned().unwrap_or_default();
    // What it is about, it keeps as its targets.
    let ids = match input.remove(LASTING_TARGETS) {
        Some(Value::Array(ids)) => ids.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
        _ => Vec::new(),
    };
    leave_to_worker(app, operation.lasting(input, ids), plan, request).await
}

/// The same, of an operation that is put together. Its message goes out first, as told there.
pub(crate) async fn leave_to_worker(
    app: &App,
    operation: Operation,
    plan: Option<&Applied>,
    request: &Idempotent,
) -> Result<(StatusCode, Json<OperationView>), Refused> {
    let message = operation.next_message().ok_or_else(|| Error::internal("what lasts has a next step"))?;
    app.queue.send(&message, SignedDuration::ZERO).await?;
    let begun = request.completing(StatusCode::ACCEPTED, &OperationView::of(operation.clone()));
    write(app, &operation, plan, begun.as_ref()).await?;
    Ok((StatusCode::ACCEPTED, Json(OperationView::of(operation))))
}

/// Writes that it begins, with the plan that it carries out and the answer to its request.
async fn write(
    app: &App,
    operation: &Operation,
    plan: Option<&Applied>,
    begun: Option<&Completion>,
) -> Result<(), Error> {
    match plan {
        None => app.store.begin_operation(operation, begun).await,
        Some(plan) => app.store.apply_plan(plan, operation, begun).await,
    }
}

/// Asks AWS, for as long as there is time. What writes is asked for once: an answer that was lost does
/// not say that it was not done.
async fn carried(
    carry: impl AsyncFnOnce(CustomerSession) -> Outcome,
    session: &CustomerSession,
    operation: &Operation,
    time: Duration,
) -> Outcome {
    let session = if operation.action.reads() { session.clone() } else { session.asking_once() };
    let session = session.until(Instant::now() + time.saturating_sub(TO_TELL));
    match timeout(time, carry(session)).await {
        Ok(outcome) => bounded(outcome),
        Err(_) => not_carried(operation, "no_answer", TOO_SLOW),
    }
}

/// The same, as it may be kept: what AWS says about items may quote them.
fn to_keep(ended: &Operation) -> Operation {
    let mut kept = ended.clone();
    if kept.action.touches_items() {
        for target in &mut kept.targets {
            if target.detail.is_some() {
                target.detail =
                    Some("What AWS said stood in the first answer alone, for it may quote items.".to_owned());
            }
        }
    }
    kept
}

/// Writes how it has ended, if the table can be brought to take it, with what that means for the ledger of
/// backups.
async fn record(app: &App, ended: &Operation, occasion: &Occasion) {
    let event = ended.event(occasion);
    for attempt in 1..=RECORDING_ATTEMPTS {
        let written = match aftermath(app, ended).await {
            Ok(aftermath) => app.store.end_operation_with(ended, &event, aftermath.as_ref()).await,
            Err(error) => Err(error),
        };
        match written {
            Ok(true) => return,
            // Somebody has changed the ledger in between: it is read again.
            Ok(false) if attempt < RECORDING_ATTEMPTS => {}
            Err(error) if error.kind == ErrorKind::Unavailable && attempt < RECORDING_ATTEMPTS => {
                tracing::warn!(operation_id = %ended.id, cause = error.chain(), "recording is tried again");
                sleep(RECORDING_PAUSE).await;
            }
            other => {
                // It was carried out, and whoever asked is told; the record says in time that it does not
                // know.
                let cause = other.err().map(|error| error.chain()).unwrap_or_default();
                tracing::error!(operation_id = %ended.id, cause, "an operation's end was not recorded");
                return;
            }
        }
    }
}

/// What the end of an operation means for the backup that it was about: all of it is gone, or was gone before,
/// or something was launched from it.
async fn aftermath(app: &App, ended: &Operation) -> Result<Option<Aftermath>, Error> {
    let (Some(id), Some(first)) = (ended.backup_id, ended.targets.first()) else { return Ok(None) };
    let occasion = App::occasion(ended.actor.clone());
    let is_done = |target: &Target| target.outcome == TargetOutcome::Succeeded;
    if ended.action.as_str() == restore_instance::LAUNCH {
        let event = match app.store.backup(id).await? {
            backup if is_done(first) => backup.restored_event(&first.id, &ended.region, ended.id, &occasion),
            _ => return Ok(None),
        };
        return Ok(Some(Aftermath { event, changed: None }));
    }
    let vanished = |target: &Target| is_done(target) || target.code.as_deref() == Some("not_found");
    if !ended.targets.iter().all(vanished) {
        return Ok(None);
    }
    let gone = if ended.targets.iter().any(is_done) { Gone::Plan } else { Gone::Elsewhere };
    let backup = app.store.backup(id).await?;
    if backup.state == BackupState::Deleted {
        return Ok(None);
    }
    let changed = backup.deleted(gone, occasion.now);
    Ok(Some(Aftermath { event: changed.deleted_event(Some(ended.id), &occasion), changed: Some(changed) }))
}

/// Nothing was asked of the customer's account.
fn no_session(operation: &Operation, refusal: ProbeOutcome) -> Outcome {
    let (code, detail) = match refusal {
        ProbeOutcome::Denied => (
            "role_not_assumable",
            "the customer's role refused Drawbridge's session; verify the connection to learn which side refuses",
        ),
        ProbeOutcome::Allowed | ProbeOutcome::Inconclusive => (
            "no_session",
            "AWS gave no session of the customer's role: it throttled or failed. Ask again in a moment",
        ),
    };
    not_carried(operation, code, detail)
}

fn not_carried(operation: &Operation, code: &str, detail: &str) -> Outcome {
    Outcome {
        output: Value::Null,
        confidential: false,
        targets: vec![failed(operation.action.to_string(), code, detail)],
        request_ids: Vec::new(),
    }
}

/// The same, without an output that no answer could carry: then nothing was found out.
fn bounded(outcome: Outcome) -> Outcome {
    // The body of an answer is a string in what Lambda answers, so that quotation marks count twice.
    let text = serde_json::to_string(&outcome.output).unwrap_or_default();
    let length = text.len() + text.bytes().filter(|byte| matches!(byte, b'"' | b'\\')).count();
    if length <= LARGEST_OUTPUT {
        return outcome;
    }
    let too_large = |target: Target| failed(target.id, "output_too_large", TOO_LARGE);
    Outcome { output: Value::Null, targets: outcome.targets.into_iter().map(too_large).collect(), ..outcome }
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::OperationId;
    use domain::operation::Order;
    use estate::operations::succeeded;

    fn outcome(length: usize) -> Outcome {
        Outcome {
            output: Value::String("x".repeat(length)),
            confidential: true,
            targets: vec![succeeded("orders".to_owned())],
            request_ids: vec!["r".to_owned()],
        }
    }

    #[test]
    fn an_output_that_no_answer_carries_is_no_success() {
        let fits = outcome(LARGEST_OUTPUT - 4);
        assert_eq!(bounded(fits.clone()), fits);
        let too_large = bounded(outcome(LARGEST_OUTPUT - 3));
        assert_eq!((&too_large.output, &too_large.request_ids), (&Value::Null, &vec!["r".to_owned()]));
        assert_eq!(too_large.targets[0].code.as_deref(), Some("output_too_large"));
    }

    #[test]
    fn what_aws_says_of_items_is_not_kept() {
        let order = |action: &str| Order {
            action: action.parse().unwrap(),
            region: "eu-central-1".parse().unwrap(),
            dry_run: false,
            reason: None,
        };
        let mut connection = domain::sample::created().connection;
        connection.state = domain::ConnectionState::Active;
        connection.capabilities =
            domain::CapabilitySet::new([domain::Capability::DynamodbData, domain::Capability::Ec2Power])
                .unwrap();
        let kept = |action: &str| {
            let id = OperationId::new(domain::sample::NOW, [1; 10]);
            let begun =
                Operation::begin(id, order(action), &connection, &domain::sample::occasion()).unwrap();
            let targets = vec![failed("orders".to_owned(), "invalid_input", "AWS said: a@example.com")];
            let ended = begun.ended(Ending { targets, ..Ending::default() }, domain::sample::NOW);
            to_keep(&ended).targets[0].detail.clone().unwrap()
        };
        assert!(!kept("dynamodb:PutItem").contains("example.com"));
        assert!(!kept("dynamodb:Query").contains("example.com"));
        assert!(kept("ec2:RebootInstances").contains("example.com"));
    }
}
