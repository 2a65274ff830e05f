//! AWS is asked how backups are.

use domain::backup::Gone;
use domain::job::{Job, Phase};
use domain::{BackupId, Error};
use estate::backups::{Answer, Seen, describe, looking_policy};
use futures::stream::{self, StreamExt as _, TryStreamExt as _};
use runtime::now;
use store::BackupWrite;

use std::time::Instant;

use super::{AT_ONCE, Done, NO_ROLE, Next, TOO_LARGE, Way, Work};
use crate::app::App;

impl Work<'_> {
    /// Looks at the backups that AWS is making.
    pub(super) async fn look(&self) -> Result<Next, Error> {
        let policy = |jobs: &[&Job]| {
            let arns: Vec<&str> = jobs.iter().filter_map(|job| job.aws_id.as_deref()).collect();
            looking_policy(&arns)
        };
        let chosen = self.fitting(self.chunk.in_phase(Phase::Making), policy);
        let session = match self.session(&policy(&chosen), Instant::now()).await? {
            Way::Open(session) => session,
            Way::TooWide => {
                return Ok(Next::Done(match Self::narrower(chosen.len()) {
                    Some(width) => Done { width, ..self.nothing() },
                    None => self.unseen(&chosen, TOO_LARGE),
                }));
            }
            Way::Denied => return Ok(Next::Done(self.unseen(&chosen, NO_ROLE))),
            Way::Closed => return Ok(Next::Done(self.nothing())),
        };
        let seen: Vec<_> = stream::iter(chosen.into_iter().cloned())
            .map(|job| {
                let session = session.clone();
                async move {
                    let arn = job.aws_id.clone().unwrap_or_default();
                    let seen = describe(&session, &self.place, &arn).await;
                    self.told(job, seen).await
                }
            })
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

    /// What a look at a job's backup makes of it.
    async fn told(
        &self,
        job: Job,
        seen: Answer<Seen>,
    ) -> Result<(Job, Option<(BackupWrite, domain::AuditEvent)>), Error> {
        let seen = match seen {
            Answer::Done(Seen::Creating) | Answer::Later { .. } => return Ok((job, None)),
            Answer::Refused { code, detail } => {
                let detail =
                    format!("AWS has taken the backup, and does not show what became of it. {detail}");
                return Ok((job.because(Phase::Failed, &code, detail), None));
            }
            Answer::Done(seen) => seen,
        };
        let chunk = self.chunk;
        let id = BackupId::of(job.id);
        let backup = self.app.store.backup_of(chunk.connection_id, &chunk.region, &job.resource, id).await?;
        let backup = backup.ok_or_else(|| Error::internal(format!("{id} is not in the ledger")))?;
        let occasion = App::occasion(now());
        Ok(match seen {
            Seen::Available { size_bytes } => {
                let backup = backup.available(size_bytes);
                let event = backup.created_event(&occasion);
                let phase = if chunk.terms.retention.is_some() { Phase::Pruning } else { Phase::Succeeded };
                (job.now(phase), Some((BackupWrite::Changed(backup), event)))
            }
            Seen::Creating | Seen::Gone => {
                let backup = backup.deleted(Gone::Elsewhere, occasion.now);
                let event = backup.deleted_event(None, &occasion);
                let detail = "AWS took the backup, and knows it no more: somebody has deleted it.";
                (
                    job.because(Phase::Failed, "backup_gone", detail),
                    Some((BackupWrite::Changed(backup), event)),
                )
            }
        })
    }

    /// These were taken, and cannot be looked at.
    pub(super) fn unseen(&self, jobs: &[&Job], detail: &str) -> Done {
        let detail = format!("AWS has taken the backup, and what became of it could not be seen. {detail}");
        let unseen = |job: &&Job| Job::clone(job).because(Phase::Failed, "outcome_unknown", &detail);
        Done { jobs: jobs.iter().map(unseen).collect(), ..self.nothing() }
    }
}
