//! Backups are made.

use domain::Error;
use domain::backup::Backup;
use domain::chunk::Chunk;
use domain::job::{Job, Phase};
use domain::manifest::TableManifest;
use domain::policy::PolicyDocument;
use estate::backups::{Answer, Looked, Made, Taken, create, find, look, making_policy};
use futures::stream::{self, StreamExt as _};
use jiff::SignedDuration;
use runtime::now;
use std::time::{Duration, Instant};
use store::{BackupWrite, Paced, Turn};
use tokio::time::sleep;
use work::TakenBy;

use super::{AT_ONCE, Done, NO_ROLE, Next, TOO_LARGE, Way, Work};

/// How long a turn may be waited for in the function; longer, and the message waits.
const PATIENCE: Duration = Duration::from_secs(3);

/// How long before a run began its backups may seem to have been made, for clocks differ.
const CLOCKS: SignedDuration = SignedDuration::from_mins(5);

impl Work<'_> {
    /// Asks AWS for the backups that there are none of yet.
    pub(super) async fn make(&self) -> Result<Next, Error> {
        let left = self.chunk.in_phase(Phase::Asking).chain(self.chunk.in_phase(Phase::Waiting));
        let chosen: Vec<Job> = self.fitting(left, |jobs| self.policy(jobs)).into_iter().cloned().collect();
        let wait = match self.turns(&chosen).await? {
            Turn::In(wait) => wait,
            Turn::Later(pause) => return Ok(Next::NotYet(pause)),
        };
        // From here on somebody may have asked AWS.
        let begun = Instant::now();
        let intent = self.chunk.asking(chosen.clone(), now());
        if !self.app.store.write_chunk(&intent, &[], &[]).await? {
            return Ok(Next::Written(TakenBy::Another));
        }
        let policy = self.policy(&chosen.iter().collect::<Vec<_>>());
        let width = self.chunk.width;
        let done = match self.session(&policy, begun).await? {
            Way::Open(session) => {
                let made = stream::iter(chosen.into_iter().enumerate())
                    .map(|(place, job)| {
                        let session = session.clone();
                        async move {
                            if self.reads_tags(&job) {
                                sleep(
                                    wait + Paced::ListTags
                                        .interval()
                                        .saturating_mul(u32::try_from(place).unwrap_or(0)),
                                )
                                .await;
                            }
                            Box::pin(self.make_one(&session, job)).await
                        }
                    })
                    .buffer_unordered(AT_ONCE)
                    .collect::<Vec<_>>()
                    .await;
                let (jobs, backups): (Vec<_>, Vec<_>) = made.into_iter().unzip();
                let backups = backups.into_iter().flatten().map(BackupWrite::New).collect();
                Done { jobs, backups, events: Vec::new(), width }
            }
            Way::TooWide => match Self::narrower(chosen.len()) {
                Some(width) => Done { jobs: chosen, width, ..self.nothing() },
                None => self.all(chosen, "too_many_resources", TOO_LARGE),
            },
            Way::Denied => self.all(chosen, "role_not_assumable", NO_ROLE),
            Way::Closed => Done { jobs: chosen, ..self.nothing() },
        };
        self.finish(&intent, done).await
    }

    /// Writes what became of it, upon what was written before AWS was asked.
    async fn finish(&self, intent: &Chunk, done: Done) -> Result<Next, Error> {
        Ok(Next::Written(super::write(self.app, self.chunk, intent, done).await?))
    }

    fn policy(&self, jobs: &[&Job]) -> PolicyDocument {
        let tables: Vec<&str> = jobs.iter().map(|job| job.resource.as_str()).collect();
        let finding = jobs.iter().any(|job| job.phase == Phase::Asking);
        making_policy(&self.place, &tables, &self.connection.capabilities, finding)
    }

    /// Whether the tags of a job's table are looked up: whoever selected it may have.
    fn reads_tags(&self, job: &Job) -> bool {
        let action = "dynamodb:ListTagsOfResource".parse();
        job.tags.is_none() && action.is_ok_and(|action| self.connection.capabilities.holds(action))
    }

    /// When it is one's turn for all that is asked of these.
    async fn turns(&self, jobs: &[Job]) -> Result<Turn, Error> {
        let tags = jobs.iter().filter(|job| self.reads_tags(job)).count();
        let finding = jobs.iter().filter(|job| job.phase == Phase::Asking).count();
        let mut longest = Duration::ZERO;
        for (paced, calls) in
            [(Paced::ListTags, tags), (Paced::ListBackups, finding), (Paced::CreateBackup, jobs.len())]
        {
            if calls == 0 {
                continue;
            }
            let whose = (&self.place.account, &self.place.region);
            match self.app.store.take_turn(whose, paced, calls, PATIENCE, now()).await? {
                Turn::In(wait) => longest = longest.max(wait),
                later @ Turn::Later(_) => return Ok(later),
            }
        }
        Ok(Turn::In(longest))
    }

    /// None of these can be asked for. Of what was asked for before nobody knows what became.
    pub(super) fn all(&self, jobs: Vec<Job>, code: &str, detail: &str) -> Done {
        let failed = |job: Job| match job.phase {
            Phase::Asking => {
                let detail = format!(
                    "AWS was asked for the backup, and what became of it could not be seen: look for {} in the customer's \
                     account. {detail}",
                    job.backup_name()
                );
                job.because(Phase::Failed, "outcome_unknown", detail)
            }
            _ => job.because(Phase::Failed, code, detail),
        };
        Done { jobs: jobs.into_iter().map(failed).collect(), ..self.nothing() }
    }

    /// Makes one backup, unless it is there.
    async fn make_one(&self, session: &access::CustomerSession, job: Job) -> (Job, Option<Backup>) {
        let table = job.resource.clone();
        let mut found = None;
        if job.phase == Phase::Asking {
            let since = self.chunk.steps.started_at - CLOCKS;
            found = match find(session, &self.place, &table, &job.backup_name(), since).await {
                Answer::Done(found) => found,
                Answer::Later { .. } => return (job, None),
                Answer::Refused { detail, .. } => {
                    let name = job.backup_name();
                    let detail = format!("Whether AWS has made {name} could not be seen. {detail}");
                    return (job.because(Phase::Failed, "outcome_unknown", detail), None);
                }
            };
        }
        let looked =
            Box::pin(look(session, &self.place, &table, &self.connection.capabilities, job.tags.clone()))
                .await;
        let manifest = match (looked, &found) {
            (Answer::Done(Looked::Ready(manifest)), _) => *manifest,
            // The backup is there, whatever has become of the table.
            (_, Some(_)) => TableManifest::unseen(now()),
            (Answer::Done(Looked::NotNow { code, detail }), None) => {
                return (job.because(Phase::Skipped, code, detail), None);
            }
            (Answer::Later { code }, None) => {
                let detail = "AWS throttled or did not answer; it is asked again.";
                return (job.because(Phase::Waiting, &code, detail), None);
            }
            (Answer::Refused { code, detail }, None) => {
                return (job.because(Phase::Failed, &code, detail), None);
            }
        };
        let taken = match found {
            Some(taken) => taken,
            None => match create(session, &self.place, &table, &job.backup_name()).await {
                Made::Taken(taken) => taken,
                Made::NotTaken { code, detail, later } => {
                    let phase = if later { Phase::Waiting } else { Phase::Failed };
                    return (job.because(phase, &code, detail), None);
                }
                // Whoever comes next looks for it.
                Made::Unknown => {
                    let detail = "AWS did not say whether it makes the backup; it is looked for.";
                    return (job.because(Phase::Asking, "no_answer", detail), None);
                }
            },
        };
        let Taken { arn, created_at, request_id } = taken;
        let backup = Backup::made(self.chunk, &job, arn.clone(), created_at, manifest);
        let job = Job { aws_id: Some(arn), tags: None, ..job.now(Phase::Making).asked(request_id) };
        (job, Some(backup))
    }
}
