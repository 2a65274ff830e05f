//! A chunk of a run's jobs. One that backs up tables, told as a story:
//!
//! 1. Backups are made. That AWS is about to be asked is written first; whoever finds that after a crash
//!    looks for the backup by its name, which holds the job's id, before he asks again.
//! 2. AWS is asked how they are, until each is there.
//! 3. Only then retention deletes what it does not keep of what Drawbridge itself has made and recorded.
//!
//! Each step has a session that may do what that step does, on its own tables and backups. It is written
//! on the condition that nobody has written the chunk since it was read, in one transaction with the ledger
//! and the events: whoever loses that race has done nothing that is not done again without harm.

mod drill;
mod instances;
mod look;
mod make;
mod power;
mod prune;

use access::{CustomerSession, Opened};
use domain::chunk::Chunk;
use domain::job::{Job, Phase};
use domain::kind::Kind;
use domain::message::{ChunkStep, JobsMessage};
use domain::policy::PolicyDocument;
use domain::power::Wanted;
use domain::proof::ProbeOutcome;
use domain::steps::Place as StepPlace;
use domain::{AuditEvent, Connection, Error};
use estate::operations::Place;
use jiff::SignedDuration;
use runtime::now;
use std::time::{Duration, Instant};
use store::BackupWrite;
use work::{Asked, Standing, TakenBy, UNWRITTEN_DELAY};

use crate::app::App;

/// Longest that AWS is asked in a step: less than nobody else asks (`domain::chunk::ASKING`), so that a
/// backup that was asked for is there, or will never be, when somebody looks for it.
const LONGEST_CALLS: Duration = Duration::from_secs(20);

/// How many resources AWS is asked about at once.
const AT_ONCE: usize = 8;

const NO_ROLE: &str =
    "The customer's role refused Drawbridge's session; verify the connection to learn which side refuses.";
const TOO_LARGE: &str = "AWS gave no session that is limited to this one resource.";

/// What a step has done.
struct Done {
    /// The jobs that have become others.
    jobs: Vec<Job>,
    /// What became of backups, and of the tables of drills.
    backups: Vec<BackupWrite>,
    /// What tells of it.
    events: Vec<AuditEvent>,
    /// How many resources sessions are limited to from now on.
    width: usize,
}

/// How a step goes on.
enum Next {
    /// It has done this.
    Done(Done),
    /// It is not one's turn yet.
    NotYet(SignedDuration),
    /// What it has done is written, by whom it says.
    Written(TakenBy),
}

/// Takes one step of a chunk.
///
/// # Errors
/// When the table or the queue failed: the message is to be delivered again.
pub(crate) async fn take_step(app: &App, step: &ChunkStep, again: bool) -> Result<(), Error> {
    if Box::pin(try_step(app, step, again)).await? == TakenBy::Another {
        // That one may fail to send the next step, and when this one is done the message comes no more.
        Box::pin(try_step(app, step, true)).await?;
    }
    Ok(())
}

async fn try_step(app: &App, step: &ChunkStep, again: bool) -> Result<TakenBy, Error> {
    let found = app.store.chunk(step.run_id, step.connection_id, step.chunk).await?;
    let asked = Asked {
        id: step.run_id,
        made_at: step.run_id.created_at(),
        step: step.step,
        at_once: 1,
        deadline: step.deadline,
        delivered_before: again || step.waited,
    };
    let steps = found.as_ref().map(|chunk| (chunk.run_id, &chunk.steps));
    match (asked.standing(steps, now()), &found) {
        (Standing::Known(StepPlace::Now), Some(chunk)) => return advance(app, chunk).await,
        (Standing::Known(StepPlace::NextLost), Some(chunk)) => send(app, chunk, SignedDuration::ZERO).await?,
        (Standing::NotYet, _) => {
            app.queue.send(&JobsMessage::Chunk(step.clone()), UNWRITTEN_DELAY).await?;
        }
        (Standing::Known(_), _) => {}
    }
    Ok(TakenBy::This)
}

/// Does what is next, and writes it.
async fn advance(app: &App, chunk: &Chunk) -> Result<TakenBy, Error> {
    if let Some(until) = chunk.asking_until.filter(|until| *until > now()) {
        // Somebody is at it, or was when it ended: not before then can be known what became of it.
        wait(app, chunk, until.duration_since(now())).await?;
        return Ok(TakenBy::This);
    }
    let connection = app.store.connection(chunk.connection_id).await?;
    if let Some((phase, code, detail)) = refusal(chunk, &connection) {
        return give_up(app, chunk, phase, code, &detail).await;
    }
    let work = Work { app, chunk, connection: &connection, place: Place::of(&connection, &chunk.region)? };
    let next = match chunk.terms.kind {
        Kind::DynamodbBackup => Box::pin(work.back_up_tables()).await?,
        Kind::Ec2Backup => Box::pin(work.back_up_instances()).await?,
        Kind::RestoreDrill => Box::pin(work.drill()).await?,
        Kind::Ec2Start => Box::pin(work.power(Wanted::Running)).await?,
        Kind::Ec2Stop => Box::pin(work.power(Wanted::Stopped)).await?,
    };
    match next {
        Next::Done(done) => write(app, chunk, chunk, done).await,
        Next::NotYet(pause) => {
            wait(app, chunk, pause).await?;
            Ok(TakenBy::This)
        }
        Next::Written(taken) => Ok(taken),
    }
}

/// Why nothing more is done, if nothing is.
fn refusal(chunk: &Chunk, connection: &Connection) -> Option<(Phase, &'static str, String)> {
    let holds = chunk.terms.kind.is_held(&connection.capabilities);
    if !connection.state.admits_operations() {
        let state = connection.state.as_str();
        let detail =
            format!("The connection is {state}; its customer's account is left alone until it is active.");
        Some((Phase::Skipped, "connection_not_active", detail))
    } else if !holds {
        let detail = format!("The connection has lost what {} takes.", chunk.terms.kind);
        Some((Phase::Failed, "capability_missing", detail))
    } else if !connection.regions.contains(&chunk.region) {
        Some((Phase::Failed, "region_not_connected", "The connection has lost the Region.".to_owned()))
    } else if chunk.is_late(now()) {
        let detail = "AWS throttled, failed or took too long; nothing more is asked.".to_owned();
        Some((Phase::Failed, "not_in_time", detail))
    } else {
        None
    }
}

/// Writes that nothing more is done.
async fn give_up(app: &App, chunk: &Chunk, phase: Phase, code: &str, detail: &str) -> Result<TakenBy, Error> {
    let ended = chunk.given_up(phase, code, detail);
    if !app.store.write_chunk(&ended, &[], &[]).await? {
        return Ok(TakenBy::Another);
    }
    tell(&ended);
    Ok(TakenBy::This)
}

/// Writes what was done, and sends the next step. `written` is the chunk as it stands in the table, `before`
/// as it was when the step began.
async fn write(app: &App, before: &Chunk, written: &Chunk, done: Done) -> Result<TakenBy, Error> {
    let mut next = written.with(done.jobs).stepped(before, now());
    next.width = done.width;
    if !app.store.write_chunk(&next, &done.backups, &done.events).await? {
        return Ok(TakenBy::Another);
    }
    go_on(app, &next).await?;
    Ok(TakenBy::This)
}

/// Sends the next step of what was written, if there is one.
async fn go_on(app: &App, next: &Chunk) -> Result<(), Error> {
    if next.steps.running {
        return send(app, next, next.pause()).await;
    }
    tell(next);
    Ok(())
}

async fn send(app: &App, chunk: &Chunk, pause: SignedDuration) -> Result<(), Error> {
    match chunk.next_message() {
        Some(message) => app.queue.send(&message, at_least_a_second(pause)).await,
        None => Ok(()),
    }
}

/// Has the same step come again later.
async fn wait(app: &App, chunk: &Chunk, pause: SignedDuration) -> Result<(), Error> {
    match chunk.next_message() {
        Some(message) => app.queue.send(&message.waited(), at_least_a_second(pause)).await,
        None => Ok(()),
    }
}

/// A part of a second would be none.
fn at_least_a_second(pause: SignedDuration) -> SignedDuration {
    pause.max(SignedDuration::from_secs(1))
}

fn tell(chunk: &Chunk) {
    tracing::info!(
        run_id = %chunk.run_id,
        connection_id = %chunk.connection_id,
        region = %chunk.region,
        chunk = chunk.number,
        succeeded = chunk.tally.succeeded,
        failed = chunk.tally.failed,
        skipped = chunk.tally.skipped,
        "a chunk has ended"
    );
}

/// What opening a session came to.
enum Way {
    Open(CustomerSession),
    /// AWS packs no session for so many resources.
    TooWide,
    /// The role refuses.
    Denied,
    /// AWS throttles, or failed.
    Closed,
}

struct Work<'a> {
    app: &'a App,
    chunk: &'a Chunk,
    connection: &'a Connection,
    place: Place,
}

impl Work<'_> {
    /// Backs tables up, a step further.
    async fn back_up_tables(&self) -> Result<Next, Error> {
        if self.chunk.terms.dry_run {
            return Ok(Next::Done(self.weigh().await?));
        }
        if self.any(&[Phase::Waiting, Phase::Asking]) {
            return self.make().await;
        }
        if self.any(&[Phase::Making]) { self.look().await } else { self.prune().await }
    }

    fn any(&self, phases: &[Phase]) -> bool {
        self.chunk.jobs.iter().any(|job| phases.contains(&job.phase))
    }

    /// A session for what this step does, whose time counts from when the step began: waiting for the session
    /// must not lead beyond the time in which nobody else asks.
    async fn session(&self, policy: &PolicyDocument, begun: Instant) -> Result<Way, Error> {
        let name = format!("drawbridge-{}", self.chunk.run_id);
        Ok(match Box::pin(self.app.sessions.open(self.connection, &name, policy)).await? {
            Opened::Open(session) => Way::Open(session.until(begun + LONGEST_CALLS)),
            Opened::TooLarge => Way::TooWide,
            Opened::Shut(ProbeOutcome::Denied) => Way::Denied,
            Opened::Shut(_) => Way::Closed,
        })
    }

    /// A step that has changed nothing.
    fn nothing(&self) -> Done {
        Done { jobs: Vec::new(), backups: Vec::new(), events: Vec::new(), width: self.chunk.width }
    }

    /// As many of these as fit one session, by what they are named.
    fn fitting<'j>(
        &self,
        jobs: impl Iterator<Item = &'j Job>,
        policy: impl Fn(&[&Job]) -> PolicyDocument,
    ) -> Vec<&'j Job> {
        let mut chosen: Vec<&Job> = Vec::new();
        for job in jobs.take(self.chunk.width) {
            chosen.push(job);
            if chosen.len() > 1 && !estate::backups::fits(&policy(&chosen)) {
                chosen.pop();
                break;
            }
        }
        chosen
    }

    /// Half as many at once, or none if it is one already.
    const fn narrower(chosen: usize) -> Option<usize> {
        if chosen > 1 { Some(chosen / 2) } else { None }
    }
}

#[cfg(test)]
mod tests;
