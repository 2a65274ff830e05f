//! Restore drills.
//!
//! 1. Of each table the newest backup is taken that AWS said is there. AWS is asked to make a table of it, under
//!    a name that holds the job's id; that it is about to be is written first, with the table's name, so that
//!    whoever comes later knows the table for Drawbridge's own.
//! 2. It is looked at until it can be used, and how long that took is kept.
//! 3. It is compared with what was backed up, its items are counted, and some are held against the live table if
//!    the role may read that.
//! 4. It is deleted, whatever was found; once it is seen to be gone, the outcome is written with the evidence.
//!
//! Every job has sessions of its own, each for what its step does on that backup and that table.

use access::CustomerSession;
use domain::AuditEvent;
use domain::backup::Backup;
use domain::drill::{Drill, DrillTable, Sample};
use domain::job::{Job, Phase};
use domain::kind::Kind;
use domain::operation::{Counted, Trouble, compare, count};
use domain::policy::PolicyDocument;
use domain::{Error, ErrorKind};
use estate::backups::Answer;
use estate::operations::passes;
use estate::restores::{Asked, READ_LIVE, Removed, Restore, Watched};
use futures::stream::{self, StreamExt as _, TryStreamExt as _};
use runtime::now;
use std::time::Instant;
use store::BackupWrite;
use work::TakenBy;

use super::{AT_ONCE, Done, NO_ROLE, Next, TOO_LARGE, Way, Work};
use crate::app::App;

/// What a job's step came to.
struct Stepped {
    job: Job,
    backups: Vec<BackupWrite>,
    event: Option<AuditEvent>,
}

impl From<Job> for Stepped {
    fn from(job: Job) -> Self {
        Self { job, backups: Vec::new(), event: None }
    }
}

impl Work<'_> {
    /// Takes every drill of the chunk a step further.
    pub(super) async fn drill(&self) -> Result<Next, Error> {
        let choices: Vec<Job> = stream::iter(self.chunk.in_phase(Phase::Waiting).cloned())
            .map(|job| self.choose(job))
            .buffered(AT_ONCE)
            .try_collect()
            .await?;
        let left_out: Vec<Job> = choices.iter().filter(|job| job.phase.is_final()).cloned().collect();
        let asking = self.chunk.in_phase(Phase::Asking).cloned();
        let asking: Vec<Job> =
            asking.chain(choices.into_iter().filter(|job| !job.phase.is_final())).collect();
        // From here on somebody may have asked AWS.
        let begun = Instant::now();
        let was_asked = |job: &Job| self.chunk.in_phase(Phase::Asking).any(|asked| asked.id == job.id);
        let intent = if asking.is_empty() {
            self.chunk.clone()
        } else {
            let tables = asking.iter().filter(|job| !was_asked(job)).filter_map(|job| job.drill.as_deref());
            let tables = tables.map(|drill| DrillTable::of(self.chunk, drill, now()));
            let tables: Vec<_> = tables.map(BackupWrite::DrillTable).collect();
            let since = now();
            let asking = asking.into_iter().map(|job| match job.drill.clone() {
                Some(drill) => job.drilled(Drill { asked_at: drill.asked_at.or(Some(since)), ..*drill }),
                None => job,
            });
            let intent = self.chunk.asking(asking.collect(), since);
            if !self.app.store.write_chunk(&intent, &tables, &[]).await? {
                return Ok(Next::Written(TakenBy::Another));
            }
            intent
        };
        let open =
            intent.jobs.iter().filter(|job| !matches!(job.phase, Phase::Waiting) && !job.phase.is_final());
        let stepped: Vec<Stepped> = stream::iter(open.cloned())
            .map(|job| {
                let in_doubt = was_asked(&job);
                Box::pin(self.step_drill(job, in_doubt, begun))
            })
            .buffer_unordered(AT_ONCE)
            .try_collect()
            .await?;
        let mut done = Done { jobs: left_out, ..self.nothing() };
        for Stepped { job, backups, event } in stepped {
            done.jobs.push(job);
            done.backups.extend(backups);
            done.events.extend(event);
        }
        Ok(Next::Written(super::write(self.app, self.chunk, &intent, done).await?))
    }

    /// The newest backup of a job's table, or why there is no drill.
    async fn choose(&self, job: Job) -> Result<Job, Error> {
        if job.drill.is_some() {
            // It was chosen before, and AWS had no room.
            return Ok(job);
        }
        let chunk = self.chunk;
        let newest = self
            .app
            .store
            .newest_backup(chunk.connection_id, Kind::DynamodbBackup, &chunk.region, &job.resource)
            .await?;
        let Some(backup) = newest else {
            let detail = "Drawbridge knows no backup of this table that is there: nothing can be restored.";
            return Ok(job.because(Phase::Skipped, "no_backup", detail));
        };
        if chunk.terms.dry_run {
            let detail = format!("{} of {} would be restored and compared.", backup.id, backup.created_at);
            return Ok(job.because(Phase::Succeeded, "would_restore", detail));
        }
        let id = job.id;
        Ok(job.drilled(Drill::of(&backup, id)))
    }

    async fn step_drill(&self, job: Job, in_doubt: bool, begun: Instant) -> Result<Stepped, Error> {
        let Some(drill) = job.drill.as_deref().cloned() else {
            return Err(Error::internal(format!("{} has no drill", job.id)));
        };
        let backup = match self.app.store.backup(drill.backup_id).await {
            Err(error) if error.kind == ErrorKind::NotFound => {
                let detail = format!("The record of the backup that {} is made of is gone.", drill.target);
                return Ok(job.because(Phase::Failed, "backup_gone", detail).into());
            }
            backup => backup?,
        };
        let restore = Restore::of(self.connection, &backup, &drill.target, &self.chunk.region)?;
        let step = Step { work: self, restore, backup, begun };
        match job.phase {
            Phase::Asking => step.ask(job, drill, in_doubt).await,
            Phase::Making if drill.usable_at.is_none() => step.watch(job, drill).await,
            Phase::Making => step.compare(job, drill).await,
            _ => step.remove(job, drill).await,
        }
    }
}

/// What a step of one drill works with.
struct Step<'a> {
    work: &'a Work<'a>,
    restore: Restore,
    backup: Backup,
    begun: Instant,
}

/// What opening a session came to.
enum Opened {
    Open(CustomerSession),
    /// AWS throttles, or failed.
    Closed,
    /// There is none to be had.
    Shut(Trouble),
}

impl Step<'_> {
    async fn session(&self, policy: &PolicyDocument) -> Result<Opened, Error> {
        Ok(match self.work.session(policy, self.begun).await? {
            Way::Open(session) => Opened::Open(session),
            Way::Closed => Opened::Closed,
            Way::Denied => Opened::Shut(Trouble::new("role_not_assumable", NO_ROLE)),
            Way::TooWide => Opened::Shut(Trouble::new("too_many_resources", TOO_LARGE)),
        })
    }

    /// Asks for the new table, unless it is there by an earlier request.
    async fn ask(&self, job: Job, drill: Drill, in_doubt: bool) -> Result<Stepped, Error> {
        let session = match self.session(&self.restore.asking_policy(in_doubt)).await? {
            Opened::Open(session) => session,
            // Nothing was asked now; whether something was before is looked for next time.
            Opened::Closed => return Ok(if in_doubt { job } else { job.now(Phase::Waiting) }.into()),
            Opened::Shut(trouble) if in_doubt => return Ok(unknown(job, &drill, &trouble).into()),
            Opened::Shut(trouble) => return Ok(self.end(job, drill, Some(trouble))),
        };
        if in_doubt {
            match self.restore.watch(&session, true).await {
                Answer::Done(Watched::Absent) => {}
                Answer::Done(Watched::Making | Watched::Active) => return Ok(taken(job, drill, None).into()),
                Answer::Done(Watched::Another) => {
                    let detail = "There is a table of the drill's name that does not say that it is made of the backup.";
                    let trouble = Trouble::new("already_exists", detail);
                    return Ok(unknown(job, &drill, &trouble).into());
                }
                Answer::Done(Watched::Lost(trouble)) => return Ok(self.removing(job, drill, trouble)),
                Answer::Later { .. } => return Ok(job.into()),
                Answer::Refused { code, detail } => {
                    return Ok(unknown(job, &drill, &Trouble::new(code, detail)).into());
                }
            }
        }
        Ok(match self.restore.ask(&session).await {
            Asked::Taken { request_id } => taken(job, drill, request_id).into(),
            // The backup may be in use by its own restore, whose answer was lost.
            Asked::Later(Trouble { code, detail }) if in_doubt => {
                job.because(Phase::Asking, &code, detail).into()
            }
            Asked::Later(Trouble { code, detail }) => {
                let drill = Drill { asked_at: None, ..drill };
                job.because(Phase::Waiting, &code, detail).drilled(drill).into()
            }
            // What is there is looked at next.
            Asked::Exists(_) | Asked::Unknown => job.into(),
            // The earlier request may still have been taken.
            Asked::Refused(trouble) if in_doubt => self.removing(job, drill, trouble),
            Asked::Refused(trouble) => self.end(job, drill, Some(trouble)),
        })
    }

    /// Looks how the new table is.
    async fn watch(&self, job: Job, drill: Drill) -> Result<Stepped, Error> {
        let session = match self.session(&self.restore.watching_policy()).await? {
            Opened::Open(session) => session,
            Opened::Closed => return Ok(job.into()),
            Opened::Shut(trouble) => return Ok(unknown(job, &drill, &trouble).into()),
        };
        Ok(match self.restore.watch(&session, false).await {
            Answer::Done(Watched::Active) => {
                let usable = Drill { seen: true, usable_at: Some(now()), ..drill };
                self.compare(job.now(Phase::Making).drilled(usable.clone()), usable).await?
            }
            Answer::Done(Watched::Absent) if drill.is_lost(now()) => {
                let detail = "AWS took the request, and the new table is not there: somebody has deleted it, or AWS \
                              gave the restore up.";
                self.end(job, drill, Some(Trouble::new("target_gone", detail)))
            }
            Answer::Done(Watched::Another) => {
                let detail = "Somebody has replaced the drill's table by another one; that is left alone.";
                self.end(job, drill, Some(Trouble::new("target_gone", detail)))
            }
            Answer::Done(Watched::Lost(trouble)) => self.removing(job, drill, trouble),
            Answer::Done(Watched::Making | Watched::Absent) | Answer::Later { .. } => job.into(),
            Answer::Refused { code, detail } => unknown(job, &drill, &Trouble::new(code, detail)).into(),
        })
    }

    /// Holds the new table against what was backed up, and some items against the live table.
    async fn compare(&self, job: Job, drill: Drill) -> Result<Stepped, Error> {
        let session = match self.session(&self.restore.drilling_policy()).await? {
            Opened::Open(session) => session,
            Opened::Closed => return Ok(job.into()),
            Opened::Shut(trouble) => return Ok(self.removing(job, drill, trouble)),
        };
        let is = match self.restore.shape(&session).await {
            Answer::Done(Some(is)) => is,
            // AWS shows it in a moment; if it is gone, there is nothing to be deleted.
            Answer::Done(None) if drill.is_lost(now()) => {
                let detail = "The new table was there, and is gone: somebody has deleted it.";
                return Ok(self.end(job, drill, Some(Trouble::new("target_gone", detail))));
            }
            Answer::Done(None) | Answer::Later { .. } => return Ok(job.into()),
            Answer::Refused { code, detail } => {
                return Ok(self.removing(job, drill, Trouble::new(code, detail)));
            }
        };
        // Counting takes all the time there is.
        let sampled = async {
            match self.restore.sample(&session, &is.keys).await {
                Answer::Done(items) => self.held_against_live(items).await.map(Answer::Done),
                Answer::Later { code } => Ok(Answer::Later { code }),
                Answer::Refused { code, detail } => Ok(Answer::Refused { code, detail }),
            }
        };
        let (sampled, counted) = futures::join!(sampled, self.restore.count(&session));
        let last = drill.is_last_look(now());
        let sample = match sampled? {
            Answer::Done(Sample { unread: Some(why), .. }) if passes(&why) && !last => {
                return Ok(job.into());
            }
            Answer::Done(sample) => sample,
            // It was counted, so that it can be read.
            Answer::Later { code } if last => Sample { unread: Some(code), ..Sample::default() },
            Answer::Later { .. } => return Ok(job.into()),
            Answer::Refused { code, detail } => {
                return Ok(self.removing(job, drill, Trouble::new(code, detail)));
            }
        };
        if counted == Counted::Later && !last {
            return Ok(job.into());
        }
        let was = self.backup.manifest.as_ref();
        let mut compared = compare(was, &is);
        compared.push(count(was, &counted));
        let trouble = Drill::fault(&compared, &sample);
        Ok(self.judged(job, Drill { compared, sample: Some(sample), trouble, ..drill }))
    }

    /// Holds items against the live table, if the role may read it.
    async fn held_against_live(&self, items: Vec<estate::restores::SampledItem>) -> Result<Sample, Error> {
        let unread = |why: &str| Sample {
            items: u32::try_from(items.len()).unwrap_or(u32::MAX),
            unread: Some(why.to_owned()),
            ..Sample::default()
        };
        let held = READ_LIVE.parse().is_ok_and(|action| self.work.connection.capabilities.holds(action));
        if !held {
            return Ok(unread("capability_missing"));
        }
        if items.is_empty() {
            return Ok(Sample::default());
        }
        let table = &self.backup.resource;
        Ok(match self.session(&self.restore.live_policy(table)).await? {
            Opened::Open(session) => self.restore.hold_against_live(&session, table, items).await,
            Opened::Closed => unread("throttled"),
            Opened::Shut(Trouble { code, .. }) => unread(&code),
        })
    }

    /// Has the new table deleted, until it is seen to be gone.
    async fn remove(&self, job: Job, drill: Drill) -> Result<Stepped, Error> {
        let session = match self.session(&self.restore.removing_policy()).await? {
            Opened::Open(session) => session,
            Opened::Closed => return Ok(job.into()),
            Opened::Shut(trouble) => return Ok(unknown(job, &drill, &trouble).into()),
        };
        Ok(match self.restore.remove(&session).await {
            // Right after the request AWS may not show it yet.
            Answer::Done(Removed::Gone) if !drill.seen && !drill.is_lost(now()) => job.into(),
            Answer::Done(Removed::Gone) => {
                let trouble = drill.trouble.clone();
                self.end(job, Drill { removed_at: Some(now()), ..drill }, trouble)
            }
            Answer::Done(Removed::Going) => job.drilled(Drill { seen: true, ..drill }).into(),
            Answer::Later { .. } => job.into(),
            Answer::Done(Removed::Another) => {
                let detail = "Somebody has replaced the drill's table by another one; that is left alone.";
                self.end(job, drill, Some(Trouble::new("target_gone", detail)))
            }
            Answer::Refused { code, detail } => unknown(job, &drill, &Trouble::new(code, detail)).into(),
        })
    }

    /// What the drill was for is known: it is written with the backup, with the event that tells of it, whatever
    /// becomes of the table.
    fn judged(&self, job: Job, drill: Drill) -> Stepped {
        let run = self.work.chunk.run_id;
        let (mut backups, mut event) = (Vec::new(), None);
        if !drill.told {
            let occasion = App::occasion(now());
            let backup = self.backup.drilled(run, &drill, occasion.now);
            event = Some(backup.drilled_event(run, &drill, &occasion));
            backups.push(BackupWrite::Changed(backup));
        }
        let drill = Drill { told: true, ..drill };
        Stepped { job: job.now(Phase::Pruning).drilled(drill), backups, event }
    }

    /// The new table is deleted, for this has gone wrong.
    fn removing(&self, job: Job, drill: Drill, trouble: Trouble) -> Stepped {
        let taken_at = drill.taken_at.or_else(|| Some(now()));
        self.judged(job, Drill { trouble: Some(trouble), taken_at, ..drill })
    }

    /// The drill is over, and its table gone.
    fn end(&self, job: Job, drill: Drill, trouble: Option<Trouble>) -> Stepped {
        let gone = DrillTable::of(self.work.chunk, &drill, now());
        let Stepped { job, mut backups, event } = self.judged(job, Drill { trouble, ..drill.clone() });
        backups.push(BackupWrite::DrillTableGone(gone));
        let drill = job.drill.clone().map_or(drill, |drill| *drill);
        Stepped { job: job.drill_ended(drill), backups, event }
    }
}

/// The drill cannot go on, and its table may be there.
fn unknown(job: Job, drill: &Drill, trouble: &Trouble) -> Job {
    let Trouble { code, detail } = trouble;
    let told = format!(
        "{} may still be in the customer's account, and the next drill of this connection deletes it. {detail}",
        drill.target
    );
    job.because(Phase::Failed, code, told)
}

/// AWS makes the new table.
fn taken(job: Job, drill: Drill, request_id: Option<String>) -> Job {
    let drill = Drill { taken_at: Some(now()), ..drill };
    job.now(Phase::Making).asked(request_id).drilled(drill)
}

#[cfg(test)]
mod tests;
