//! A chunk: at most 25 jobs of one run in one account and Region, carried out together, step by step.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::id::{ConnectionId, RunId};
use crate::job::{Job, Phase};
use crate::message::{ChunkStep, JobsMessage};
use crate::place::Region;
use crate::power::unseen;
use crate::run::{Tally, Terms};
use crate::steps::Steps;

/// Most jobs of a chunk.
pub const MOST_JOBS: usize = 25;

/// How long a chunk may take, from when it is first taken from the queue. Backups of instances may take as long
/// as their run.
pub const LONGEST_CHUNK: SignedDuration = SignedDuration::from_hours(3);

/// How long whoever asks AWS for backups has it for himself: longer than anything that he asks may take.
pub const ASKING: SignedDuration = SignedDuration::from_secs(30);

/// Longest pause between two steps, in seconds.
const LONGEST_PAUSE: i64 = 60;

/// Jobs that are carried out together.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Chunk {
    /// Of which run.
    pub run_id: RunId,
    /// In whose account.
    pub connection_id: ConnectionId,
    /// Where.
    pub region: Region,
    /// Which of its part's, from 0.
    pub number: u32,
    /// What is done.
    pub terms: Terms,
    /// Its steps.
    pub steps: Steps,
    /// Counts its writes: each is conditional on it.
    pub revision: u64,
    /// How many resources one session is limited to at once: fewer, once AWS has found that too many.
    pub width: usize,
    /// Until when somebody may be asking AWS for what is in the phase `asking`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub asking_until: Option<Timestamp>,
    /// When it was first taken from the queue: waiting there is not held against it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub taken_at: Option<Timestamp>,
    /// How many steps in a row changed nothing.
    #[serde(default)]
    pub idle: u32,
    /// The jobs.
    pub jobs: Vec<Job>,
    /// How many of them became what.
    pub tally: Tally,
}

impl Chunk {
    /// A chunk that waits to be taken.
    #[must_use]
    pub fn of(
        (run_id, connection_id, region, number): (RunId, ConnectionId, Region, u32),
        terms: Terms,
        jobs: Vec<Job>,
        now: Timestamp,
        deadline: Timestamp,
    ) -> Self {
        let steps = Steps::start(now, deadline);
        // What could not even be looked at has nothing to be done.
        let steps = if jobs.iter().all(|job| job.phase.is_final()) { steps.ended() } else { steps };
        Self {
            run_id,
            connection_id,
            region,
            number,
            terms,
            steps,
            revision: 1,
            width: MOST_JOBS,
            asking_until: None,
            taken_at: None,
            idle: 0,
            tally: Tally::of(&jobs),
            jobs,
        }
    }

    /// The message that asks for its next step, unless it has ended.
    #[must_use]
    pub fn next_message(&self) -> Option<JobsMessage> {
        self.steps.running.then_some(JobsMessage::Chunk(ChunkStep {
            run_id: self.run_id,
            connection_id: self.connection_id,
            chunk: self.number,
            step: self.steps.step,
            deadline: self.steps.deadline,
            waited: false,
        }))
    }

    /// The jobs in this phase.
    pub fn in_phase(&self, phase: Phase) -> impl Iterator<Item = &Job> {
        self.jobs.iter().filter(move |job| job.phase == phase)
    }

    /// The same with these jobs in the place of theirs, written once more.
    #[must_use]
    pub fn with(&self, news: Vec<Job>) -> Self {
        let mut jobs = self.jobs.clone();
        for told in news {
            if let Some(job) = jobs.iter_mut().find(|job| job.id == told.id) {
                *job = told;
            }
        }
        Self { tally: Tally::of(&jobs), jobs, revision: self.revision + 1, ..self.clone() }
    }

    /// The same, with AWS about to be asked for these: nobody else asks for them until it is over.
    #[must_use]
    pub fn asking(&self, jobs: Vec<Job>, now: Timestamp) -> Self {
        let jobs = jobs.into_iter().map(|job| job.now(Phase::Asking)).collect();
        Self { asking_until: Some(now + ASKING), ..self.with(jobs) }
    }

    /// The same a step further, or over.
    #[must_use]
    pub fn stepped(&self, before: &Self, now: Timestamp) -> Self {
        let steps = self.steps.advanced(now);
        let moved = self.jobs.iter().map(|job| job.phase).ne(before.jobs.iter().map(|job| job.phase));
        Self {
            steps: if self.is_settled() { steps.ended() } else { steps },
            asking_until: None,
            taken_at: self.taken_at.or(Some(now)),
            idle: if moved { 0 } else { self.idle.saturating_add(1) },
            ..self.clone()
        }
    }

    /// Whether it has taken too long. What AWS may take many hours for has as long as its run.
    #[must_use]
    pub fn is_late(&self, now: Timestamp) -> bool {
        let lasts = self.terms.kind.may_last();
        self.steps.deadline <= now
            || (!lasts && self.taken_at.is_some_and(|since| since + LONGEST_CHUNK <= now))
    }

    /// Whether every job has ended.
    #[must_use]
    pub fn is_settled(&self) -> bool {
        self.jobs.iter().all(|job| job.phase.is_final())
    }

    /// The same, with what has not ended given up. Of what AWS was asked for nobody knows what became;
    /// what is there, is there.
    #[must_use]
    pub fn given_up(&self, unasked: Phase, code: &str, detail: &str) -> Self {
        let unknown = unseen(self.terms.kind, detail).unwrap_or_else(|| {
            format!(
                "AWS was asked for the backup, and what became of it was not seen: look for its name in the customer's \
                 account. {detail}"
            )
        });
        let given_up = |job: Job| match job.phase {
            Phase::Asking | Phase::Making => job.because(Phase::Failed, "outcome_unknown", &unknown),
            Phase::Pruning => {
                let detail =
                    format!("The backup is there; what retention does not keep was not deleted. {detail}");
                job.because(Phase::Succeeded, "retention_incomplete", detail)
            }
            _ => {
                let (code, detail) = (
                    job.code.clone().unwrap_or_else(|| code.to_owned()),
                    job.detail.clone().unwrap_or_else(|| detail.to_owned()),
                );
                job.because(unasked, &code, detail)
            }
        };
        let open = self.jobs.iter().filter(|job| !job.phase.is_final());
        let jobs = open.map(|job| job.drill_given_up(detail).unwrap_or_else(|| given_up(job.clone())));
        let given_up = self.with(jobs.collect());
        Self { steps: given_up.steps.ended(), asking_until: None, ..given_up }
    }

    /// How long until its next step: soon after something has moved.
    #[must_use]
    pub fn pause(&self) -> SignedDuration {
        SignedDuration::from_secs(LONGEST_PAUSE.min(1 << self.idle.min(6)))
    }
}

#[cfg(test)]
mod tests;
