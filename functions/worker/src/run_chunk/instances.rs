//! Backups of instances, told as a story:
//!
//! 1. The instance is looked at, and AWS asked for snapshots of its volumes, all of one moment, or for an image.
//!    Neither has a client token: snapshots are tagged with the backup's name as they are made, an image is
//!    called by it, and whoever finds that AWS was being asked looks for that name first. EC2 may take a while
//!    to show what it has made, so that nobody looks before half a minute has passed.
//! 2. AWS is asked how they are, for as long as the run may take: a large volume takes hours.
//! 3. Only then retention deletes what it does not keep, as of tables: an image with its snapshots, or a set of
//!    snapshots whole.

mod look;
mod make;
mod prune;

use domain::Error;
use domain::backup::Backup;
use domain::ec2_backup::Ec2Backup;
use domain::job::Phase;
use estate::backups::Answer;
use estate::instances::backups::{deleting_policy, fitting, remove};
use std::time::Instant;

use super::{Next, Way, Work};

/// What became of deleting a backup.
enum Cleared {
    /// All of it is gone; whether anything of it was there.
    Gone(bool),
    /// AWS throttles or does not answer: the same may be asked again.
    Later,
    /// AWS gives no session that is limited to so much.
    TooWide,
    /// The role, or AWS, refuses, and why.
    Refused(String),
}

impl Work<'_> {
    /// Backs instances up, a step further.
    pub(super) async fn back_up_instances(&self) -> Result<Next, Error> {
        if self.chunk.terms.dry_run {
            return Ok(Next::Done(self.weigh().await?));
        }
        // In turns, so that one instance that has to wait for hours keeps none of the others.
        for turn in 0..3 {
            match (self.chunk.steps.step + turn) % 3 {
                0 if self.any(&[Phase::Waiting, Phase::Asking]) => return self.make_of_instances().await,
                1 if self.any(&[Phase::Making]) => return self.look_at_instances().await,
                2 if self.any(&[Phase::Pruning]) => return self.prune_of_instances().await,
                _ => {}
            }
        }
        Ok(Next::Done(self.nothing()))
    }

    /// How the instances are backed up.
    fn how(&self) -> Ec2Backup {
        self.chunk.terms.ec2_backup.unwrap_or_default()
    }

    /// Deletes all that a backup consists of, in order. If its first part cannot go, the rest stays as well, so
    /// that what is used is whole.
    async fn clear(&self, backup: &Backup) -> Result<Cleared, Error> {
        let begun = Instant::now();
        let (mut was_there, mut refused) = (false, None);
        let parts = backup.parts();
        for ids in fitting(&self.place, &parts) {
            let session = match self.session(&deleting_policy(&self.place, &ids), begun).await? {
                Way::Open(session) => session,
                Way::TooWide => return Ok(Cleared::TooWide),
                Way::Denied => return Ok(Cleared::Refused(super::NO_ROLE.to_owned())),
                Way::Closed => return Ok(Cleared::Later),
            };
            for id in ids {
                match remove(&session, &self.place, id).await {
                    Answer::Done(there) => was_there |= there,
                    Answer::Later { .. } => return Ok(Cleared::Later),
                    Answer::Refused { detail, .. } if Some(&id) == parts.first() => {
                        return Ok(Cleared::Refused(detail));
                    }
                    Answer::Refused { detail, .. } => refused = Some(detail),
                }
            }
        }
        Ok(refused.map_or(Cleared::Gone(was_there), Cleared::Refused))
    }
}

#[cfg(test)]
mod tests;
