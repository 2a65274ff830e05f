//! A backup that is restored, told as a story:
//!
//! 1. AWS is asked for the new table. That it is about to be is written first; whoever finds that after a
//!    crash, or after an answer that was lost, looks whether the table is there before he asks again. Where
//!    AWS has no room for the restore, it is asked again for an hour.
//! 2. The new table is looked at until it can be used, for a day at most.
//! 3. It is given back what a restore loses: time to live, tags, point-in-time recovery, stream. Each is safe
//!    to be asked for again, and what is refused keeps none of the others away.
//! 4. It is compared with what was backed up, and its items are counted if somebody asked for that.
//! 5. The report is written, with the event that the backup was restored.
//!
//! Each step has a session that may do what that step does, on this backup and this table.

use std::time::Instant;

use access::{CustomerSession, Opened};
use domain::backup::Backup;
use domain::manifest::TableManifest;
use domain::operation::{
    Counted, News, Operation, RestorePhase, Restoring, Setting, SettingReport, TargetOutcome, Trouble,
    compare, count,
};
use domain::policy::PolicyDocument;
use domain::proof::ProbeOutcome;
use domain::{Connection, Error};
use estate::backups::Answer;
use estate::restores::{Asked, Restore, Watched};
use jiff::{SignedDuration, Timestamp};
use runtime::now;
use store::Aftermath;
use work::TakenBy;

use crate::app::App;
use crate::continue_operation::{LONGEST_CALLS, send_next, tell};

/// How many steps one delivery takes at most: that AWS is about to be asked is one, what it answered another.
pub(crate) const STEPS_AT_ONCE: u32 = 2;

/// Takes the next step. `again` says whether this very message was delivered before, so that AWS may have been
/// asked already.
///
/// # Errors
/// When the table or the queue failed: the message is to be delivered again.
pub(crate) async fn advance(
    app: &App,
    operation: &Operation,
    restoring: &Restoring,
    again: bool,
) -> Result<TakenBy, Error> {
    let until = Instant::now() + LONGEST_CALLS;
    if let Some(wait) = asked_by_another(restoring, now()) {
        // Somebody is at it, or was when it ended: not before then can be known what became of it.
        if let Some(message) = operation.next_message() {
            app.queue.send(&message.waited(), wait).await?;
        }
        return Ok(TakenBy::This);
    }
    let connection = app.store.connection(operation.connection_id).await?;
    let operation = operation.restored(|restoring| restoring.in_time(now()));
    if operation.is_settled() {
        return end(app, &operation).await;
    }
    if let Some((code, detail)) = refusal(&operation, &connection) {
        return end(app, &operation.given_up(code, &detail)).await;
    }
    let backup = app.store.backup(restoring.backup_id).await?;
    let restore = Restore::of(&connection, &backup, &restoring.target_name, &operation.region)?;
    let work = Work { app, connection: &connection, backup: &backup, restore, again };
    let Some(next) = Box::pin(work.step(&operation, until)).await? else { return Ok(TakenBy::Another) };
    let next = next.restored(|restoring| restoring.in_time(now()));
    if next.is_settled() {
        return end(app, &next).await;
    }
    if !app.store.advance_operation(&next).await? {
        return Ok(TakenBy::Another);
    }
    send_next(app, &next, next.pause()).await?;
    Ok(TakenBy::This)
}

/// How long somebody else may still be asking AWS for the new table.
fn asked_by_another(restoring: &Restoring, now: Timestamp) -> Option<SignedDuration> {
    let until = restoring.asking_until().filter(|until| *until > now)?;
    // A part of a second would be none.
    Some(until.duration_since(now).max(SignedDuration::from_secs(1)))
}

/// Why AWS is asked for nothing more, if it is not.
fn refusal(operation: &Operation, connection: &Connection) -> Option<(&'static str, String)> {
    if !connection.state.admits_operations() {
        let detail = format!("The connection has become {}.", connection.state.as_str());
        return Some(("connection_not_active", detail));
    }
    // What AWS has taken is seen through.
    let asks = operation.restoring.as_ref().is_some_and(|restoring| restoring.phase == RestorePhase::Asking);
    if asks && !connection.capabilities.holds(operation.action) {
        Some(("capability_missing", "The connection has lost the capability.".to_owned()))
    } else if asks && !connection.regions.contains(&operation.region) {
        Some(("region_not_connected", "The connection has lost the Region.".to_owned()))
    } else {
        None
    }
}

/// What opening a session came to.
enum Way {
    Open(CustomerSession),
    /// AWS throttles, or failed.
    Closed,
    /// There is none to be had.
    Shut(Trouble),
}

/// What a step works with.
struct Work<'a> {
    app: &'a App,
    connection: &'a Connection,
    backup: &'a Backup,
    restore: Restore,
    again: bool,
}

impl Work<'_> {
    /// Does what is next. `None` where somebody else does.
    async fn step(&self, operation: &Operation, until: Instant) -> Result<Option<Operation>, Error> {
        let Some(restoring) = &operation.restoring else { return Ok(None) };
        let pending: Vec<SettingReport> = restoring.pending().cloned().collect();
        let policy = match restoring.phase {
            RestorePhase::Asking => self.restore.asking_policy(restoring.is_in_doubt()),
            RestorePhase::Restoring => self.restore.watching_policy(),
            RestorePhase::Reapplying if pending.is_empty() => {
                return Ok(Some(heard(operation, News::Nothing)));
            }
            RestorePhase::Reapplying => {
                let settings: Vec<Setting> = pending.iter().map(|report| report.setting).collect();
                self.restore.reapplying_policy(&settings, &self.connection.capabilities)
            }
            RestorePhase::Comparing => self.restore.comparing_policy(restoring.count_items),
            RestorePhase::Done | RestorePhase::Failed => return Ok(None),
        };
        let session = match self.session(operation, &policy).await? {
            Way::Open(session) => session.until(until),
            Way::Closed => return Ok(Some(heard(operation, News::Nothing))),
            Way::Shut(Trouble { code, detail }) => {
                return Ok(Some(operation.clone().given_up(&code, &detail)));
            }
        };
        match restoring.phase {
            RestorePhase::Asking => self.ask(operation, restoring, &session).await,
            RestorePhase::Restoring => Ok(Some(heard(operation, self.watch(&session).await))),
            RestorePhase::Reapplying => {
                Ok(Some(heard(operation, News::Reapplied(self.reapply(&session, pending).await))))
            }
            _ => Ok(Some(heard(operation, self.compare(&session, restoring).await))),
        }
    }

    /// A session for what this step does.
    async fn session(&self, operation: &Operation, policy: &PolicyDocument) -> Result<Way, Error> {
        let opened = self.app.sessions.open(self.connection, &operation.session_name, policy);
        Ok(match Box::pin(opened).await? {
            Opened::Open(session) => Way::Open(session),
            Opened::Shut(ProbeOutcome::Denied) => Way::Shut(Trouble::new(
                "role_not_assumable",
                "The customer's role refused Drawbridge's session; verify the connection to learn which side refuses.",
            )),
            Opened::TooLarge => Way::Shut(Trouble::new(
                "too_many_resources",
                "AWS gave no session that is limited to this backup and this table.",
            )),
            Opened::Shut(_) => Way::Closed,
        })
    }

    /// Asks for the new table, unless it is there by an earlier request.
    async fn ask(
        &self,
        operation: &Operation,
        restoring: &Restoring,
        session: &CustomerSession,
    ) -> Result<Option<Operation>, Error> {
        if restoring.is_in_doubt() {
            match self.restore.watch(session, true).await {
                // It was not carried out, and is asked for once more.
                Answer::Done(Watched::Absent) => {}
                Answer::Done(Watched::Another) => {
                    return Ok(Some(heard(operation, News::Failed(taken_by_another()))));
                }
                Answer::Done(Watched::Making | Watched::Active) => {
                    return Ok(Some(heard(operation, News::Taken)));
                }
                Answer::Done(Watched::Lost(trouble)) => {
                    return Ok(Some(heard(operation, News::Failed(trouble))));
                }
                Answer::Later { .. } | Answer::Refused { .. } => {
                    return Ok(Some(heard(operation, News::Nothing)));
                }
            }
        }
        let asking = operation.asking(now());
        if !self.app.store.advance_operation(&asking).await? {
            return Ok(None);
        }
        let (news, request_ids) = match self.restore.ask(session).await {
            Asked::Taken { request_id } => (News::Taken, request_id.into_iter().collect()),
            Asked::Later(trouble) => (News::NotYet(trouble), Vec::new()),
            // One that was asked for before may have come to be just now: it is looked at in the next step.
            Asked::Exists(_) if restoring.is_in_doubt() => (News::InDoubt, Vec::new()),
            Asked::Exists(trouble) | Asked::Refused(trouble) => (News::Failed(trouble), Vec::new()),
            Asked::Unknown => (News::InDoubt, Vec::new()),
        };
        Ok(Some(heard(&asking.asked(request_ids, now()), news)))
    }

    /// Looks how the new table is.
    async fn watch(&self, session: &CustomerSession) -> News {
        match self.restore.watch(session, false).await {
            Answer::Done(Watched::Absent) => News::Unseen,
            Answer::Done(Watched::Making) | Answer::Later { .. } => News::Nothing,
            Answer::Done(Watched::Active) => News::Active,
            Answer::Done(Watched::Another) => News::Failed(Trouble::new(
                "target_gone",
                "AWS took the request, and by now there is another table of that name: somebody has replaced it.",
            )),
            Answer::Done(Watched::Lost(trouble)) => News::Failed(trouble),
            Answer::Refused { code, detail } => News::Failed(Trouble::new(
                code,
                format!("AWS took the request, and what becomes of the table cannot be looked at. {detail}"),
            )),
        }
    }

    /// Gives back what is still to be, one after the other.
    async fn reapply(&self, session: &CustomerSession, pending: Vec<SettingReport>) -> Vec<SettingReport> {
        let unseen = || TableManifest::unseen(now());
        let manifest = self.backup.manifest.clone().unwrap_or_else(unseen);
        let capabilities = &self.connection.capabilities;
        let mut reports = Vec::new();
        for report in pending {
            let action = report.setting.action();
            let report = if action.parse().is_ok_and(|action| capabilities.holds(action)) {
                let report = SettingReport { tried: report.tried || self.again, ..report };
                Box::pin(self.restore.reapply(session, &report, &manifest, capabilities)).await
            } else {
                report.given_up("capability_missing", &format!("The connection has lost {action}."))
            };
            reports.push(report);
        }
        reports
    }

    /// Holds the new table against what was backed up.
    async fn compare(&self, session: &CustomerSession, restoring: &Restoring) -> News {
        let count_items = restoring.count_items;
        let was = self.backup.manifest.as_ref();
        let is = match self.restore.shape(session).await {
            Answer::Done(Some(is)) => is,
            // AWS shows it in a moment, or never: then that is told.
            Answer::Done(None) | Answer::Later { .. } => return News::Nothing,
            Answer::Refused { code, .. } => {
                return News::Compared(domain::operation::uncompared(&code, count_items));
            }
        };
        let counted =
            if count_items { Box::pin(self.restore.count(session)).await } else { Counted::NotAsked };
        if counted == Counted::Later && !restoring.is_last_look(now()) {
            return News::Nothing;
        }
        let mut compared = compare(was, &is);
        compared.push(count(was, &counted));
        News::Compared(compared)
    }
}

/// The same, with this having come of a step.
fn heard(operation: &Operation, news: News) -> Operation {
    operation.restored(|restoring| restoring.heard(news, now()))
}

fn taken_by_another() -> Trouble {
    Trouble::new("already_exists", "Somebody else has made a table of this name. Choose another name.")
}

/// Writes the end, with its event, and with the event that the backup was restored, if it was.
async fn end(app: &App, settled: &Operation) -> Result<TakenBy, Error> {
    let ended = settled.settled(now());
    let there = ended.targets.iter().any(|target| target.outcome != TargetOutcome::Failed);
    let aftermath = match &ended.restoring {
        Some(restoring) if there => {
            let backup = app.store.backup(restoring.backup_id).await?;
            let occasion = App::occasion(now());
            let event = backup.restored_event(&restoring.target_name, &ended.region, ended.id, &occasion);
            Some(Aftermath { event, changed: None })
        }
        _ => None,
    };
    let event = ended.event(&App::occasion(now()));
    app.store.end_operation_with(&ended, &event, aftermath.as_ref()).await?;
    tell(&ended);
    Ok(TakenBy::This)
}

#[cfg(test)]
mod tests;
