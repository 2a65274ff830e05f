//! Retention: what no rule keeps is deleted, of what the same schedule has made.

use std::collections::BTreeMap;
use std::time::Duration;

use domain::backup::{Backup, Gone};
use domain::job::{Job, Phase, Verdict};
use domain::retention::{Candidate, Decision};
use domain::{BackupId, Error, JobId};
use estate::backups::{Answer, delete, deleting_policy, fits};
use runtime::now;
use store::{BackupWrite, Paced, Turn};
use tokio::time::{Instant, sleep_until};

use super::{Done, NO_ROLE, Next, TOO_LARGE, Way, Work};
use crate::app::App;

/// Most backups that one step deletes: with their events and the chunk one transaction, of 100 at most.
/// Source: `DynamoDB` API Reference, `TransactWriteItems`.
const MOST: usize = 40;

/// How long a turn may be waited for in the function.
const PATIENCE: Duration = Duration::from_secs(5);

/// Most backups that a dry run tells of, for each resource.
const MOST_TOLD: usize = 50;

impl Work<'_> {
    /// Deletes what retention does not keep, as much as one step may.
    pub(super) async fn prune(&self) -> Result<Next, Error> {
        let mut done = self.nothing();
        let mut going: Vec<(JobId, Backup)> = Vec::new();
        for job in self.chunk.in_phase(Phase::Pruning) {
            let goes = self.goes(job).await?;
            if goes.is_empty() {
                done.jobs.push(job.clone().now(Phase::Succeeded));
            }
            going.extend(goes.into_iter().map(|backup| (job.id, backup)));
            if going.len() >= MOST {
                break;
            }
        }
        let chosen = self.chosen(&going);
        if chosen.is_empty() {
            return Ok(Next::Done(done));
        }
        let whose = (&self.place.account, &self.place.region);
        let turn =
            self.app.store.take_turn(whose, Paced::DeleteBackup, chosen.len(), PATIENCE, now()).await?;
        let wait = match turn {
            Turn::In(wait) => wait,
            Turn::Later(pause) => return Ok(Next::NotYet(pause)),
        };
        let arns: Vec<&str> = chosen.iter().map(|(_, backup)| backup.aws_id.as_str()).collect();
        let session = match self.session(&deleting_policy(&arns), std::time::Instant::now()).await? {
            Way::Open(session) => session,
            Way::TooWide => match Self::narrower(chosen.len()) {
                Some(width) => return Ok(Next::Done(Done { width, ..done })),
                None => return Ok(Next::Done(self.incomplete(done, &chosen, TOO_LARGE))),
            },
            Way::Denied => return Ok(Next::Done(self.incomplete(done, &chosen, NO_ROLE))),
            Way::Closed => return Ok(Next::Done(done)),
        };
        let mut at = Instant::now() + wait;
        let mut refused: BTreeMap<JobId, String> = BTreeMap::new();
        for (job, backup) in &chosen {
            sleep_until(at).await;
            at += Paced::DeleteBackup.interval();
            match delete(&session, &self.place, &backup.aws_id).await {
                Answer::Done(was_there) => {
                    let occasion = App::occasion(now());
                    let gone = if was_there { Gone::Retention } else { Gone::Elsewhere };
                    let gone = backup.deleted(gone, occasion.now);
                    done.events.push(gone.deleted_event(None, &occasion));
                    done.backups.push(BackupWrite::Changed(gone));
                }
                Answer::Later { .. } => {}
                Answer::Refused { detail, .. } => {
                    refused.insert(*job, detail);
                }
            }
        }
        for job in self.chunk.in_phase(Phase::Pruning) {
            if let Some(detail) = refused.get(&job.id) {
                done.jobs.push(incomplete(job, detail));
            }
        }
        Ok(Next::Done(done))
    }

    /// What retention does not keep of the backups of a job's table or instance.
    pub(super) async fn goes(&self, job: &Job) -> Result<Vec<Backup>, Error> {
        let backups = self.backups(job).await?;
        let candidates: Vec<_> = backups.iter().map(Backup::candidate).collect();
        let goes: Vec<BackupId> =
            self.decided(&candidates).into_iter().filter(|told| !told.keep).map(|told| told.id).collect();
        Ok(backups.into_iter().filter(|backup| goes.contains(&backup.id)).collect())
    }

    /// The backups of a job's table or instance that the same schedule has made, or nobody's schedule.
    async fn backups(&self, job: &Job) -> Result<Vec<Backup>, Error> {
        let chunk = self.chunk;
        let all = self.app.store.backups_of(chunk.connection_id, &chunk.region, &job.resource).await?;
        let terms = &chunk.terms;
        // A table may be called what an instance is.
        let is_ours = |backup: &Backup| backup.schedule_id == terms.schedule_id && backup.kind == terms.kind;
        Ok(all.into_iter().filter(is_ours).collect())
    }

    fn decided<I: Clone + Ord>(&self, candidates: &[Candidate<I>]) -> Vec<Decision<I>> {
        let terms = &self.chunk.terms;
        terms.retention.map_or_else(Vec::new, |rules| rules.decide(candidates, &terms.timezone, now()))
    }

    /// As many as one session can be limited to.
    fn chosen(&self, going: &[(JobId, Backup)]) -> Vec<(JobId, Backup)> {
        let mut chosen: Vec<(JobId, Backup)> = Vec::new();
        for next in going.iter().take(MOST.min(self.chunk.width)) {
            let all = chosen.iter().chain([next]).map(|(_, backup)| backup.aws_id.as_str());
            let policy = deleting_policy(&all.collect::<Vec<_>>());
            if !chosen.is_empty() && !fits(&policy) {
                break;
            }
            chosen.push(next.clone());
        }
        chosen
    }

    /// What retention makes of the backups there are, and of the one that the run would make: nothing is
    /// asked of AWS.
    pub(super) async fn weigh(&self) -> Result<Done, Error> {
        let mut done = self.nothing();
        for job in self.chunk.in_phase(Phase::Waiting) {
            let backups = self.backups(job).await?;
            let would_be = Candidate { id: None, created_at: now(), good: true };
            let candidates: Vec<Candidate<Option<BackupId>>> = backups
                .iter()
                .map(|backup| {
                    let Candidate { id, created_at, good } = backup.candidate();
                    Candidate { id: Some(id), created_at, good }
                })
                .chain([would_be])
                .collect();
            let made_at: BTreeMap<_, _> =
                candidates.iter().map(|candidate| (candidate.id, candidate.created_at)).collect();
            let mut verdicts: Vec<Verdict> = self
                .decided(&candidates)
                .into_iter()
                .map(|told| Verdict {
                    created_at: made_at.get(&told.id).copied().unwrap_or_default(),
                    backup_id: told.id,
                    keep: told.keep,
                    reasons: told.reasons,
                })
                .collect();
            // What goes is what one wants to know first.
            verdicts.sort_by_key(|verdict| verdict.keep);
            verdicts.truncate(MOST_TOLD);
            done.jobs.push(Job { verdicts, ..job.clone().now(Phase::Succeeded) });
        }
        Ok(done)
    }

    /// The backups of these jobs are there, and what retention does not keep is too.
    pub(super) fn incomplete(&self, done: Done, chosen: &[(JobId, Backup)], detail: &str) -> Done {
        let failed = self
            .chunk
            .in_phase(Phase::Pruning)
            .filter(|job| chosen.iter().any(|(id, _)| *id == job.id))
            .map(|job| incomplete(job, detail));
        Done { jobs: done.jobs.into_iter().chain(failed).collect(), ..done }
    }
}

pub(super) fn incomplete(job: &Job, detail: &str) -> Job {
    let detail = format!("The backup is there; what retention does not keep could not be deleted. {detail}");
    job.clone().because(Phase::Succeeded, "retention_incomplete", detail)
}
