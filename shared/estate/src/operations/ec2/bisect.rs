//! One bad target must not fail the rest.
//!
//! EC2 carries such a request out as a whole or not at all: one instance that does not exist, or is
//! in the wrong state, and nothing happens to the others. Only `TerminateInstances` takes each
//! Availability Zone by itself where one instance is protected; what was terminated then is asked for
//! again, which changes nothing. Source: EC2 API Reference, `TerminateInstances` and "Error codes".

use access::CustomerSession;
use aws_sdk_ec2::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_ec2::operation::RequestId;
use domain::operation::Target;
use serde_json::Value;

use crate::operations::deadline::{in_time, is_over};
use crate::operations::outcome::{meaning, not_begun, unanswered};
use crate::operations::{Outcome, failed, not_done};

/// Carries out `ask` on these targets. Where EC2 refuses them together for what one alone may have
/// caused, it is asked again for those apart that it names, or else for each half; never for one that
/// it said it did. That takes at most two requests a target, less one. Gives what EC2 answered, in the
/// order in which it was asked, and what became of each target, in theirs.
///
/// Once EC2 throttles, or does not answer, nothing more is asked; nor once the session's time is over.
pub(super) async fn bisect<T, E, R, F>(
    session: &CustomerSession,
    ids: &[String],
    dry_run: bool,
    ask: impl Fn(Vec<String>) -> F,
) -> (Vec<T>, Outcome)
where
    F: Future<Output = Result<T, SdkError<E, R>>>,
    T: RequestId,
    E: ProvideErrorMetadata,
    SdkError<E, R>: RequestId,
{
    let mut answers = Vec::new();
    let mut all = Outcome { output: Value::Null, confidential: false, targets: vec![], request_ids: vec![] };
    let mut waiting = vec![ids.to_vec()];
    while let Some(part) = waiting.pop() {
        if is_over(session) {
            all.targets.extend(part.into_iter().map(not_begun));
            continue;
        }
        let Some(answer) = in_time(session, ask(part.clone())).await else {
            all.targets.extend(part.into_iter().map(unanswered));
            continue;
        };
        let outcome = match answer {
            Ok(answer) => {
                let outcome = Outcome::done(part, Value::Null, &answer);
                answers.push(answer);
                outcome
            }
            Err(error) => {
                if let Some((first, second)) = apart(&part, &error) {
                    all.request_ids.extend(error.request_id().map(str::to_owned));
                    waiting.extend([second, first]);
                    continue;
                }
                if ends_it(&error) {
                    all.targets.extend(waiting.drain(..).flatten().map(not_asked));
                }
                not_done(dry_run, part, &error)
            }
        };
        all.targets.extend(outcome.targets);
        all.request_ids.extend(outcome.request_ids);
    }
    all.targets.sort_by_key(|target| ids.iter().position(|id| *id == target.id));
    (answers, all)
}

fn not_asked(id: String) -> Target {
    failed(id, "not_attempted", "AWS throttled, or did not answer, before this one was asked for.")
}

/// How to ask again, if one of several targets alone may be why EC2 refused them all.
fn apart<E, R>(ids: &[String], error: &SdkError<E, R>) -> Option<(Vec<String>, Vec<String>)>
where
    E: ProvideErrorMetadata,
{
    let SdkError::ServiceError(service) = error else { return None };
    let (code, message) = (service.err().code()?, service.err().message().unwrap_or_default());
    // What EC2 says is only where to cut: nobody is told that an instance failed before it was asked
    // for without the others.
    let words = message.split(|letter: char| !letter.is_ascii_alphanumeric() && letter != '-');
    let named: Vec<_> = words.filter(|word| ids.iter().any(|id| id == word)).collect();
    let one = one_may_cause(code) || (code == "UnauthorizedOperation" && !named.is_empty());
    if ids.len() < 2 || !one {
        return None;
    }
    let (bad, good): (Vec<_>, Vec<_>) = ids.iter().cloned().partition(|id| named.contains(&id.as_str()));
    if bad.is_empty() || good.is_empty() {
        let (first, second) = ids.split_at(ids.len().div_ceil(2));
        return Some((first.to_vec(), second.to_vec()));
    }
    Some((good, bad))
}

/// Whether a single target can be why EC2 refuses a list. Source: EC2 API Reference, "Error codes".
fn one_may_cause(code: &str) -> bool {
    match code {
        "IncorrectInstanceState"
        | "IncorrectState"
        | "InvalidInstanceState"
        | "BundlingInProgress"
        | "InvalidID"
        | "InvalidInstanceID"
        | "InvalidInstanceType"
        | "OperationNotPermitted"
        | "UnsupportedOperation"
        | "Unsupported"
        | "UnsupportedHibernationConfiguration"
        | "IncompatibleHostRequirements"
        | "UnavailableHostRequirements"
        | "ReservationCapacityExceeded"
        | "CustomerKeyHasBeenRevoked"
        | "TagLimitExceeded"
        | "VcpuLimitExceeded"
        | "InstanceLimitExceeded"
        | "ConcurrentTagAccess" => true,
        code => {
            code.ends_with(".NotFound")
                || code.ends_with(".Malformed")
                || code.starts_with("InvalidKMSKey.")
                || (code.starts_with("Insufficient") && code.contains("Capacity"))
        }
    }
}

/// Whether more requests would fare no better, or nobody knows how they fare.
fn ends_it<E: ProvideErrorMetadata, R>(error: &SdkError<E, R>) -> bool {
    match error {
        SdkError::ServiceError(service) => {
            let failed = |code| matches!(meaning(code, "").0, "throttled" | "aws_unavailable");
            service.err().code().is_none_or(failed)
        }
        _ => true,
    }
}
