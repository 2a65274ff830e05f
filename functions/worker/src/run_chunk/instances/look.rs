//! AWS is asked how backups of instances are.

use std::time::Instant;

use access::CustomerSession;
use domain::backup::{Backup, Gone};
use domain::job::{Job, Phase};
use domain::{AuditEvent, BackupId, Error};
use estate::backups::Answer;
use estate::instances::backups::{Seen, tagged_snapshots, watch, watching_policy};
use futures::stream::{self, StreamExt as _, TryStreamExt as _};
use runtime::now;
use store::BackupWrite;

use super::super::{AT_ONCE, Done, NO_ROLE, Next, TOO_LARGE, Way, Work};
use super::Cleared;
use crate::app::App;

/// What a look makes of a job, and of its backup.
type Told = (Job, Option<(BackupWrite, AuditEvent)>);

impl Work<'_> {
    /// Looks at the backups that AWS is making.
    pub(super) async fn look_at_instances(&self) -> Result<Next, Error> {
        let jobs: Vec<&Job> = self.chunk.in_phase(Phase::Making).collect();
        let session = match self.session(&watching_policy(&self.place), Instant::now()).await? {
            Way::Open(session) => session,
            Way::TooWide => return Ok(Next::Done(self.unseen(&jobs, TOO_LARGE))),
            // AWS makes them all the same: they are looked at as long as the run may take.
            Way::Denied => {
                let waits =
                    |job: &&Job| Job::clone(job).because(Phase::Making, "role_not_assumable", NO_ROLE);
                return Ok(Next::Done(Done { jobs: jobs.iter().map(waits).collect(), ..self.nothing() }));
            }
            Way::Closed => return Ok(Next::Done(self.nothing())),
        };
        let seen: Vec<Told> = stream::iter(jobs)
            .map(|job| Box::pin(self.look_at_instance(&session, job.clone())))
            .buffer_unordered(AT_ONCE)
            .try_collect()
            .await?;
        let mut done = self.nothing();
        for (job, change) in seen {
            done.jobs.push(job);
            if let Some((backup, event)) = change {
                done.backups.push(backup);
                done.events.push(event);
            }
        }
        Ok(Next::Done(done))
    }

    /// Looks at one job's backup.
    async fn look_at_instance(&self, session: &CustomerSession, job: Job) -> Result<Told, Error> {
        let (chunk, id) = (self.chunk, BackupId::of(job.id));
        let backup = self.app.store.backup_of(chunk.connection_id, &chunk.region, &job.resource, id).await?;
        let backup = backup.ok_or_else(|| Error::internal(format!("{id} is not in the ledger")))?;
        let seen = match watch(session, &self.place, &backup, now()).await {
            Answer::Done(Seen::Creating) | Answer::Later { .. } => return Ok((job, None)),
            Answer::Refused { code, detail } => {
                let detail =
                    format!("AWS has taken the backup, and does not show what became of it. {detail}");
                return Ok((job.because(Phase::Making, &code, detail), None));
            }
            Answer::Done(seen) => seen,
        };
        let occasion = App::occasion(now());
        Ok(match seen {
            Seen::Available(snapshots) => {
                let backup = backup.available_as(snapshots);
                let event = backup.created_event(&occasion);
                let phase = if chunk.terms.retention.is_some() { Phase::Pruning } else { Phase::Succeeded };
                (job.now(phase), Some((BackupWrite::Changed(backup), event)))
            }
            Seen::Failed(why) => {
                // An image does not tell its snapshots before it is there; they are tagged as it is called.
                let Answer::Done(tagged) = tagged_snapshots(session, &self.place, &backup.name).await else {
                    return Ok((job, None));
                };
                let known: Vec<_> = backup.snapshots.iter().map(|one| one.snapshot_id.clone()).collect();
                let further = tagged.into_iter().filter(|one| !known.contains(&one.snapshot_id));
                let backup =
                    Backup { snapshots: backup.snapshots.iter().cloned().chain(further).collect(), ..backup };
                let Some(cleared) = self.clear_failed(&backup).await? else { return Ok((job, None)) };
                let detail = format!("{why} {cleared}");
                let backup = backup.deleted(Gone::Failed, occasion.now);
                let event = backup.deleted_event(None, &occasion);
                (
                    job.because(Phase::Failed, "backup_failed", detail),
                    Some((BackupWrite::Changed(backup), event)),
                )
            }
            Seen::Creating | Seen::Gone => {
                let gone = backup.deleted(Gone::Elsewhere, occasion.now);
                let event = gone.deleted_event(None, &occasion);
                let detail = format!(
                    "AWS took the backup, and knows it no more, or not all of it: somebody has deleted it. What may be \
                     left of it is tagged drawbridge:backup={}.",
                    backup.name
                );
                (job.because(Phase::Failed, "backup_gone", detail), Some((BackupWrite::Changed(gone), event)))
            }
        })
    }

    /// Takes away what there is of a backup that failed, and says whether it could.
    /// `None` where that is to be tried again.
    async fn clear_failed(&self, backup: &Backup) -> Result<Option<String>, Error> {
        Ok(match self.clear(backup).await? {
            Cleared::Gone(_) => Some("What there was of it is deleted.".to_owned()),
            Cleared::Later => None,
            Cleared::TooWide | Cleared::Refused(_) => {
                Some(format!("What there is of it is tagged drawbridge:backup={}.", backup.name))
            }
        })
    }
}
