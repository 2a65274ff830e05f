//! Backups of instances are made.

use std::time::{Duration, Instant};

use access::CustomerSession;
use domain::Error;
use domain::backup::Backup;
use domain::chunk::{ASKING, Chunk};
use domain::ec2_backup::BackupMethod;
use domain::instance_manifest::InstanceManifest;
use domain::job::{Job, Phase};
use domain::policy::PolicyDocument;
use estate::backups::Answer;
use estate::instances::backups::{Looked, Made, Taken, create, find, is_instance, look, making_policy};
use futures::stream::{self, StreamExt as _};
use runtime::now;
use store::{BackupWrite, Paced, Turn};
use tokio::time::sleep;
use work::TakenBy;

use super::super::{AT_ONCE, Done, NO_ROLE, Next, TOO_LARGE, Way, Work, send};

/// How long a turn may be waited for in the function; longer, and the message waits.
const PATIENCE: Duration = Duration::from_secs(3);

impl Work<'_> {
    /// Asks AWS for the backups that there are none of yet.
    pub(super) async fn make_of_instances(&self) -> Result<Next, Error> {
        let left = self.chunk.in_phase(Phase::Asking).chain(self.chunk.in_phase(Phase::Waiting));
        let policy = |jobs: &[&Job]| self.policy_of_instances(jobs);
        let chosen: Vec<Job> = self.fitting(left, policy).into_iter().cloned().collect();
        let paced = match self.how().method {
            BackupMethod::Snapshots => Paced::CreateSnapshots,
            BackupMethod::Image => Paced::CreateImage,
        };
        let whose = (&self.place.account, &self.place.region);
        let wait = match self.app.store.take_turn(whose, paced, chosen.len(), PATIENCE, now()).await? {
            Turn::In(wait) => wait,
            Turn::Later(pause) => return Ok(Next::NotYet(pause)),
        };
        // From here on somebody may have asked AWS.
        let begun = Instant::now();
        let intent = self.chunk.asking(chosen.clone(), now());
        if !self.app.store.write_chunk(&intent, &[], &[]).await? {
            return Ok(Next::Written(TakenBy::Another));
        }
        let policy = self.policy_of_instances(&chosen.iter().collect::<Vec<_>>());
        let done = match self.session(&policy, begun).await? {
            Way::Open(session) => {
                sleep(wait).await;
                let made = stream::iter(chosen)
                    .map(|job| Box::pin(self.make_of_instance(&session, job)))
                    .buffer_unordered(AT_ONCE)
                    .collect::<Vec<_>>()
                    .await;
                let (jobs, backups): (Vec<_>, Vec<_>) = made.into_iter().unzip();
                let backups = backups.into_iter().flatten().map(BackupWrite::New).collect();
                Done { jobs, backups, ..self.nothing() }
            }
            Way::TooWide => match Self::narrower(chosen.len()) {
                Some(width) => Done { jobs: chosen, width, ..self.nothing() },
                None => self.all(chosen, "too_many_resources", TOO_LARGE),
            },
            Way::Denied => self.all(chosen, "role_not_assumable", NO_ROLE),
            Way::Closed => Done { jobs: chosen, ..self.nothing() },
        };
        self.settle(&intent, done).await
    }

    /// Writes what became of it, upon what was written before AWS was asked. What AWS may have made is not
    /// looked for before it can be seen.
    async fn settle(&self, intent: &Chunk, done: Done) -> Result<Next, Error> {
        let mut next = intent.with(done.jobs).stepped(self.chunk, now());
        next.width = done.width;
        let in_doubt = next.in_phase(Phase::Asking).next().is_some();
        next.asking_until = in_doubt.then(|| now() + ASKING);
        if !self.app.store.write_chunk(&next, &done.backups, &done.events).await? {
            return Ok(Next::Written(TakenBy::Another));
        }
        if next.steps.running {
            send(self.app, &next, next.pause()).await?;
        } else {
            super::super::tell(&next);
        }
        Ok(Next::Written(TakenBy::This))
    }

    fn policy_of_instances(&self, jobs: &[&Job]) -> PolicyDocument {
        let instances: Vec<&str> = jobs.iter().map(|job| job.resource.as_str()).collect();
        let finding = jobs.iter().any(|job| job.phase == Phase::Asking);
        making_policy(&self.place, &instances, self.how(), finding)
    }

    /// Makes one backup, unless it is there.
    async fn make_of_instance(&self, session: &CustomerSession, job: Job) -> (Job, Option<Backup>) {
        let (id, name, how) = (job.resource.clone(), job.backup_name(), self.how());
        if !is_instance(&id) {
            return (job.because(Phase::Failed, "invalid_id", "This is no id of an instance."), None);
        }
        let looked = look(session, &self.place, &id, how).await;
        if job.phase == Phase::Asking {
            let manifest = match &looked {
                Answer::Done(Looked::Ready(instance)) => Some(&instance.manifest),
                _ => None,
            };
            match find(session, &self.place, &name, how, manifest).await {
                // What is kept beside it is looked for again.
                Answer::Done(Some(_)) if matches!(looked, Answer::Later { .. }) => return (job, None),
                // The backup is there, whatever has become of the instance.
                Answer::Done(Some(taken)) => {
                    let manifest = manifest.cloned().unwrap_or_else(|| InstanceManifest::unseen(now()));
                    return self.taken(job, taken, manifest);
                }
                Answer::Done(None) => {}
                Answer::Later { .. } => return (job, None),
                Answer::Refused { detail, .. } => {
                    let detail = format!("Whether AWS has made {name} could not be seen. {detail}");
                    return (job.because(Phase::Failed, "outcome_unknown", detail), None);
                }
            }
        }
        let instance = match looked {
            Answer::Done(Looked::Ready(instance)) => instance,
            Answer::Done(Looked::NotNow { code, detail }) => {
                return (job.because(Phase::Skipped, code, detail), None);
            }
            Answer::Later { code } => {
                let detail = "AWS throttled or did not answer; it is asked again.";
                return (job.because(Phase::Waiting, &code, detail), None);
            }
            Answer::Refused { code, detail } => {
                return (job.because(Phase::Failed, &code, detail), None);
            }
        };
        match create(session, &self.place, (&id, &name), how, &instance).await {
            Made::Taken(taken) => self.taken(job, taken, instance.manifest),
            Made::NotTaken { code, detail, later } => {
                let phase = if later { Phase::Waiting } else { Phase::Failed };
                (job.because(phase, &code, detail), None)
            }
            // Whoever comes next looks for it.
            Made::Unknown => {
                let detail = "AWS did not say whether it makes the backup; it is looked for.";
                (job.because(Phase::Asking, "no_answer", detail), None)
            }
        }
    }

    /// AWS has taken a job's backup.
    fn taken(&self, job: Job, taken: Taken, manifest: InstanceManifest) -> (Job, Option<Backup>) {
        let Taken { aws_id, created_at, snapshots, request_id } = taken;
        let backup = Backup::of_instance(self.chunk, &job, aws_id.clone(), created_at, manifest, snapshots);
        let job = Job { aws_id: Some(aws_id), ..job.now(Phase::Making).asked(request_id) };
        (job, Some(backup))
    }
}
