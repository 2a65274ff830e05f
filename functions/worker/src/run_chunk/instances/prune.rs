//! Retention: what no rule keeps of an instance's backups is deleted.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use domain::backup::{Backup, Gone};
use domain::job::Phase;
use domain::{Error, JobId};
use runtime::now;
use store::{BackupWrite, Paced, Turn};
use tokio::time::sleep;

use super::super::prune::incomplete;
use super::super::{LONGEST_CALLS, Next, TOO_LARGE, Work};
use super::Cleared;
use crate::app::App;

/// How long a turn may be waited for in the function.
const PATIENCE: Duration = Duration::from_secs(5);

/// Most snapshots and images that one step deletes, unless a single backup has more: EC2 takes so many at once.
/// Source: EC2 Developer Guide, "Request throttling for the Amazon EC2 API".
const MOST: usize = 40;

impl Work<'_> {
    /// Deletes what retention does not keep, as much as one step may.
    pub(super) async fn prune_of_instances(&self) -> Result<Next, Error> {
        let mut done = self.nothing();
        let mut going: Vec<(JobId, Backup)> = Vec::new();
        for job in self.chunk.in_phase(Phase::Pruning) {
            let goes = self.goes(job).await?;
            if goes.is_empty() {
                done.jobs.push(job.clone().now(Phase::Succeeded));
            }
            going.extend(goes.into_iter().map(|backup| (job.id, backup)));
        }
        let chosen = chosen(going);
        if chosen.is_empty() {
            return Ok(Next::Done(done));
        }
        let parts = chosen.iter().map(|(_, backup)| backup.parts().len()).sum();
        let whose = (&self.place.account, &self.place.region);
        match self.app.store.take_turn(whose, Paced::DeleteSnapshot, parts, PATIENCE, now()).await? {
            Turn::In(wait) => sleep(wait).await,
            Turn::Later(pause) => return Ok(Next::NotYet(pause)),
        }
        let mut refused: BTreeMap<JobId, String> = BTreeMap::new();
        let begun = Instant::now();
        for (job, backup) in &chosen {
            if begun.elapsed() > LONGEST_CALLS {
                break;
            }
            match Box::pin(self.clear(backup)).await? {
                Cleared::Gone(was_there) => {
                    let occasion = App::occasion(now());
                    let gone = if was_there { Gone::Retention } else { Gone::Elsewhere };
                    let gone = backup.deleted(gone, occasion.now);
                    done.events.push(gone.deleted_event(None, &occasion));
                    done.backups.push(BackupWrite::Changed(gone));
                }
                Cleared::Later => {}
                Cleared::TooWide => {
                    refused.insert(*job, TOO_LARGE.to_owned());
                }
                Cleared::Refused(detail) => {
                    refused.insert(*job, detail);
                }
            }
        }
        let told = self.chunk.in_phase(Phase::Pruning);
        done.jobs.extend(told.filter_map(|job| Some(incomplete(job, refused.get(&job.id)?))));
        Ok(Next::Done(done))
    }
}

/// As many as one step deletes.
fn chosen(going: Vec<(JobId, Backup)>) -> Vec<(JobId, Backup)> {
    let mut parts = 0;
    let mut chosen = Vec::new();
    for (job, backup) in going {
        parts += backup.parts().len();
        if !chosen.is_empty() && parts > MOST {
            break;
        }
        chosen.push((job, backup));
    }
    chosen
}
