//! Instances are stopped and started, told as a story:
//!
//! 1. AWS is asked how they are. Those that are on the way to something else are looked at again, and those that
//!    are to be left alone are told with the reason.
//! 2. That AWS is about to be asked for the others is written first, and with it what is remembered of them:
//!    that it is Drawbridge who stops them, and nobody who means them to stay so.
//! 3. AWS is asked. Doing so once more does no harm.
//! 4. What it took is looked at until it is where it is wanted. Only that is done.

use std::collections::BTreeMap;
use std::time::Instant;

use access::CustomerSession;
use domain::Error;
use domain::chunk::Chunk;
use domain::job::{Job, Phase};
use domain::operation::{LONGEST_WAIT, Target, TargetOutcome};
use domain::power::{
    Asking, Decision, Found, LONGEST_ASKING, Memory, PowerState, Powered, Wanted, decide, unseen,
};
use estate::backups::Answer;
use estate::instances::{Seen, Watched, look_at_power, power_request, powering_policy};
use futures::stream::{self, StreamExt as _, TryStreamExt as _};
use jiff::SignedDuration;
use runtime::now;
use work::TakenBy;

use super::{AT_ONCE, Done, LONGEST_CALLS, NO_ROLE, Next, TOO_LARGE, Way, Work};

const TOO_LATE: &str = "Drawbridge did not come to it within an hour, and asked AWS for nothing more: office hours may be \
                        over. Start a run where it is still wanted.";
const NOT_REACHED: &str = "AWS took the request, and what is wanted was not reached in half an hour. Look at it in the \
                           customer's account.";

/// What a step makes of its jobs.
#[derive(Default)]
struct Made {
    /// The jobs that have become others.
    jobs: Vec<Job>,
    /// Those that AWS is to be asked for.
    asked: Vec<Job>,
    /// What is to be remembered of instances.
    memories: Vec<(String, Memory)>,
}

impl Work<'_> {
    /// Switches instances, a step further.
    pub(super) async fn power(&self, wanted: Wanted) -> Result<Next, Error> {
        let begun = Instant::now();
        let open = self.chunk.in_phase(Phase::Asking).chain(self.chunk.in_phase(Phase::Waiting));
        let open: Vec<&Job> = open.take(self.chunk.width).collect();
        let taken: Vec<&Job> = self.chunk.in_phase(Phase::Making).collect();
        let asks = !open.is_empty() && !self.chunk.terms.dry_run;
        let request = asks.then(|| power_request(wanted, ids(open.iter().copied())));
        let session = match self.session(&powering_policy(&self.place, request.as_ref()), begun).await? {
            Way::Open(session) => session,
            Way::TooWide => {
                return match Self::narrower(open.len()) {
                    Some(width) => Ok(Next::Done(Done { width, ..self.nothing() })),
                    None => Ok(self.not_seen(open.iter().chain(&taken), "too_many_resources", TOO_LARGE)),
                };
            }
            Way::Denied => {
                return Ok(self.not_seen(open.iter().chain(&taken), "role_not_assumable", NO_ROLE));
            }
            Way::Closed => return Ok(Next::Done(self.nothing())),
        };
        let watched: Vec<_> = open.iter().chain(&taken).map(|job| watched(job)).collect();
        let seen = match look_at_power(&session, &self.place, wanted, &watched).await {
            Answer::Done(seen) => seen,
            Answer::Later { .. } => return Ok(Next::Done(self.nothing())),
            Answer::Refused { code, detail } => {
                return Ok(self.not_seen(open.iter().chain(&taken), &code, &detail));
            }
        };
        let seen: BTreeMap<String, Seen> = seen.into_iter().map(|seen| (seen.id.clone(), seen)).collect();
        let made = self.judge(wanted, &open, &taken, &seen).await?;
        if made.asked.is_empty() {
            return self.finish_power(self.chunk, made).await;
        }
        self.switch(wanted, made, &session).await
    }

    /// What is to be done with each, and what has become of those that AWS has taken.
    async fn judge(
        &self,
        wanted: Wanted,
        open: &[&Job],
        taken: &[&Job],
        seen: &BTreeMap<String, Seen>,
    ) -> Result<Made, Error> {
        let instance = |job: &Job| seen.get(&job.resource).and_then(|seen| seen.instance.as_ref());
        let stopped = open.iter().filter(|job| {
            job.phase == Phase::Waiting && instance(job).is_some_and(|one| one.state == PowerState::Stopped)
        });
        let known = self.memories(stopped.map(|job| job.resource.clone()).collect()).await?;
        let mut made = Made::default();
        for job in open {
            self.decide_one(wanted, job, instance(job), known.get(&job.resource), &mut made);
        }
        for job in taken {
            let became = seen.get(&job.resource).and_then(|seen| seen.became.clone());
            if let Some(target) = became {
                self.follow(wanted, job, target, &mut made);
            }
        }
        Ok(made)
    }

    /// What is remembered of these instances.
    async fn memories(&self, ids: Vec<String>) -> Result<BTreeMap<String, Memory>, Error> {
        let Chunk { connection_id, region, .. } = self.chunk;
        let found: Vec<_> = stream::iter(ids)
            .map(|id| async move {
                let memory = self.app.store.memory(*connection_id, region, &id).await?;
                Ok::<_, Error>(memory.map(|memory| (id, memory)))
            })
            .buffer_unordered(AT_ONCE)
            .try_collect()
            .await?;
        Ok(found.into_iter().flatten().collect())
    }

    fn decide_one(
        &self,
        wanted: Wanted,
        job: &Job,
        instance: Option<&Powered>,
        known: Option<&Memory>,
        made: &mut Made,
    ) {
        let dry_run = self.chunk.terms.dry_run;
        let asked = job.phase == Phase::Asking;
        let job = job.clone();
        let is_late = now() >= self.chunk.steps.started_at + LONGEST_ASKING;
        let asking = Asking {
            run_id: self.chunk.run_id,
            since: self.chunk.steps.started_at,
            asked_at: asked.then(|| job.asked_at.unwrap_or_else(now)),
            now: now(),
        };
        match decide(wanted, instance, asking, known) {
            Decision::Later(..) if dry_run && instance.is_none() => {
                let detail = "EC2 does not show it: it may be terminated.";
                made.jobs.push(job.because(Phase::Skipped, "instance_not_found", detail));
            }
            Decision::Ask | Decision::Later(..) if dry_run => {
                let (code, detail) = wanted.would();
                made.jobs.push(job.because(Phase::Succeeded, code, detail));
            }
            Decision::Ask | Decision::Later(..) if is_late => {
                if asked {
                    self.remember_failed(wanted, &job.resource, made);
                }
                let known = job.detail.as_deref().map(|detail| format!(" {detail}")).unwrap_or_default();
                made.jobs.push(job.because(Phase::Failed, "not_in_time", format!("{TOO_LATE}{known}")));
            }
            Decision::Ask => made.asked.push(job),
            Decision::Later(code, detail) => {
                let phase = job.phase;
                made.jobs.push(job.because(phase, code, detail));
            }
            Decision::Taken => made.jobs.push(job.now(Phase::Making)),
            Decision::There if asked => made.jobs.push(job.now(Phase::Succeeded)),
            Decision::There => {
                if let Some(instance) = instance.filter(|_| wanted == Wanted::Stopped && !dry_run) {
                    let memory = Memory::of_stopped(instance, known, now(), self.chunk.run_id);
                    made.memories.extend(memory.map(|memory| (job.resource.clone(), memory)));
                }
                let (code, detail) = wanted.already();
                made.jobs.push(job.because(Phase::Succeeded, code, detail));
            }
            Decision::Skip(code, detail) => made.jobs.push(job.because(Phase::Skipped, code, detail)),
        }
    }

    /// What has become of one that AWS has taken.
    fn follow(&self, wanted: Wanted, job: &Job, target: Target, made: &mut Made) {
        let job = job.clone();
        match target.outcome {
            TargetOutcome::Succeeded => made.jobs.push(job.now(Phase::Succeeded)),
            TargetOutcome::Running | TargetOutcome::Queued if waited(&job) < LONGEST_WAIT => {}
            TargetOutcome::Running | TargetOutcome::Queued => {
                // AWS has taken a stop, and may still come to its end: that is nobody else's then.
                if wanted == Wanted::Running {
                    self.remember_failed(wanted, &job.resource, made);
                }
                made.jobs.push(job.because(Phase::Failed, "not_reached", NOT_REACHED));
            }
            TargetOutcome::Failed | TargetOutcome::Partial => {
                self.remember_failed(wanted, &job.resource, made);
                made.jobs.push(failed(job, target));
            }
        }
    }

    /// Writes that AWS is about to be asked, asks it, and writes what it made of that.
    async fn switch(&self, wanted: Wanted, made: Made, session: &CustomerSession) -> Result<Next, Error> {
        let Made { jobs, asked, memories } = made;
        let (now, run_id) = (now(), self.chunk.run_id);
        let asked: Vec<Job> =
            asked.into_iter().map(|job| Job { asked_at: Some(now), ..job.now(Phase::Asking) }).collect();
        let ours = |job: &Job| {
            let memory = Memory { found: Found::StoppedByDrawbridge, at: now, run_id };
            (wanted == Wanted::Stopped).then(|| (job.resource.clone(), memory))
        };
        let stopping: Vec<_> = asked.iter().filter_map(ours).collect();
        // From here on somebody may have asked AWS.
        let intent = self.chunk.asking(asked.clone(), now);
        let session = session.until(Instant::now() + LONGEST_CALLS);
        if !self.app.store.write_chunk_and_memories(&intent, &stopping).await? {
            return Ok(Next::Written(TakenBy::Another));
        }
        let request = power_request(wanted, ids(&asked));
        let outcome = Box::pin(request.carry(&session, &self.place, false)).await;
        let mut made = Made { jobs, asked: Vec::new(), memories };
        let mut targets: BTreeMap<_, _> =
            outcome.targets.into_iter().map(|target| (target.id.clone(), target)).collect();
        for job in asked {
            let job = job.asked(outcome.request_ids.iter().cloned());
            let Some(target) = targets.remove(&job.resource) else { continue };
            self.answered(wanted, job, target, &mut made);
        }
        self.finish_power(&intent, made).await
    }

    /// What AWS has made of the request for one.
    fn answered(&self, wanted: Wanted, job: Job, target: Target, made: &mut Made) {
        match (target.outcome, target.code.as_deref()) {
            (TargetOutcome::Succeeded, _) => made.jobs.push(job.now(Phase::Succeeded)),
            (TargetOutcome::Running | TargetOutcome::Queued, _) => made.jobs.push(job.now(Phase::Making)),
            // Its state has changed since it was looked at: by that it is decided again.
            (_, Some("throttled" | "not_attempted" | "incorrect_state")) => {
                made.jobs.push(Job { phase: Phase::Waiting, ..failed(job, target) });
            }
            // It may have been done: whoever comes next sees.
            (_, Some("no_answer" | "aws_unavailable")) => {
                made.jobs.push(Job { phase: Phase::Asking, ..failed(job, target) });
            }
            _ => {
                self.remember_failed(wanted, &job.resource, made);
                made.jobs.push(failed(job, target));
            }
        }
    }

    /// Nobody has meant an instance to be as it is that AWS did not bring where it was wanted.
    fn remember_failed(&self, wanted: Wanted, instance: &str, made: &mut Made) {
        let memory = Memory::of_failed(wanted, now(), self.chunk.run_id);
        made.memories.push((instance.to_owned(), memory));
    }

    /// These could not be seen. Of what AWS was asked for before, nobody knows what became.
    fn not_seen<'j>(&self, jobs: impl Iterator<Item = &'j &'j Job>, code: &str, detail: &str) -> Next {
        let unseen = unseen(self.chunk.terms.kind, detail);
        let failed = |job: &&Job| {
            let job = Job::clone(job);
            match &unseen {
                Some(unseen) if job.phase != Phase::Waiting => {
                    job.because(Phase::Failed, "outcome_unknown", unseen)
                }
                _ => job.because(Phase::Failed, code, detail),
            }
        };
        Next::Done(Done { jobs: jobs.map(failed).collect(), ..self.nothing() })
    }

    /// Writes what the step has made of its jobs, upon the chunk as it stands in the table, and goes on.
    async fn finish_power(&self, written: &Chunk, made: Made) -> Result<Next, Error> {
        let next = written.with(made.jobs).stepped(self.chunk, now());
        if !self.app.store.write_chunk_and_memories(&next, &made.memories).await? {
            return Ok(Next::Written(TakenBy::Another));
        }
        super::go_on(self.app, &next).await?;
        Ok(Next::Written(TakenBy::This))
    }
}

fn ids<'j>(jobs: impl IntoIterator<Item = &'j Job>) -> Vec<String> {
    jobs.into_iter().map(|job| job.resource.clone()).collect()
}

/// How long ago AWS was asked for it.
fn waited(job: &Job) -> SignedDuration {
    job.asked_at.map_or(SignedDuration::ZERO, |at| now().duration_since(at))
}

fn watched(job: &Job) -> Watched {
    Watched { id: job.resource.clone(), taken: (job.phase == Phase::Making).then(|| waited(job)) }
}

/// What is told of a job whose target has failed, with what EC2 says of it.
fn failed(job: Job, target: Target) -> Job {
    let (code, detail) = (target.code.unwrap_or_default(), target.detail.unwrap_or_default());
    job.because(Phase::Failed, &code, detail)
}

#[cfg(test)]
mod tests;
