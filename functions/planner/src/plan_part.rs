//! One connection's part of a run, told as a story:
//!
//! 1. Region by Region and page by page, the customer's tables or instances are listed, by a session that may
//!    list and nothing else.
//! 2. Those that are selected become jobs, and the jobs chunks. The chunks are written with how far the part
//!    came, and their messages go out.
//! 3. What nobody may look at becomes one job that stands for all of it, and says why.
//!
//! A page that was written is never listed again, so that no table comes twice, whatever is created and
//! deleted meanwhile: tables come in order of their names, and instances as EC2 pages them.

use std::collections::{BTreeMap, BTreeSet};

use access::{CustomerSession, Opened};
use domain::chunk::Chunk;
use domain::drill::is_drill_table;
use domain::job::{EVERYTHING, Job, Phase};
use domain::kind::Kind;
use domain::message::{PartStep, RunsMessage};
use domain::part::Part;
use domain::proof::ProbeOutcome;
use domain::run::Run;
use domain::steps::Place as StepPlace;
use domain::{Connection, Error, Region};
use estate::backups::{Answer, TablePage, list_tables, planning_policy};
use estate::instances::{InstancePage, list_instances, listing_policy};
use estate::operations::Place;
use jiff::SignedDuration;
use runtime::now;
use std::time::Duration;
use work::{Asked, Standing, TakenBy, UNWRITTEN_DELAY};

use crate::app::App;
use crate::pack::pack;
use crate::tables::{Tagged, page_of, tags_of};

/// Longest that AWS is asked in a step.
const LONGEST_CALLS: Duration = Duration::from_secs(40);

/// What a step found.
enum Found {
    /// These jobs, and where it goes on.
    Jobs(Vec<Job>, Option<(Region, Option<String>)>),
    /// AWS did not answer.
    Nothing,
    /// It is not one's turn yet.
    NotYet(SignedDuration),
}

/// Takes one step of a part.
///
/// # Errors
/// When the table or a queue failed: the message is to be delivered again.
pub(crate) async fn take_step(app: &App, step: &PartStep, again: bool) -> Result<(), Error> {
    if Box::pin(try_step(app, step, again)).await? == TakenBy::Another {
        // That one may fail to send the next step, and when this one is done the message comes no more.
        Box::pin(try_step(app, step, true)).await?;
    }
    Ok(())
}

async fn try_step(app: &App, step: &PartStep, again: bool) -> Result<TakenBy, Error> {
    let found = app.store.part(step.run_id, step.connection_id).await?;
    let asked = Asked {
        id: step.run_id,
        made_at: step.run_id.created_at(),
        step: step.step,
        at_once: 1,
        deadline: step.deadline,
        delivered_before: again || step.waited,
    };
    let steps = found.as_ref().map(|part| (part.run_id, &part.steps));
    // A part ends with its last step, whose messages may be lost as well.
    let last = found.as_ref().is_some_and(|part| {
        !part.steps.running && step.step + 1 == part.steps.step && (again || now() >= step.deadline)
    });
    match (asked.standing(steps, now()), &found) {
        (Standing::Known(StepPlace::Now), Some(part)) => return Box::pin(advance(app, part)).await,
        (Standing::Known(StepPlace::NextLost), Some(part)) => send_on(app, part).await?,
        (Standing::Known(_), Some(part)) if last => send_on(app, part).await?,
        (Standing::NotYet, _) => {
            app.runs.send(&RunsMessage::Part(step.clone()), UNWRITTEN_DELAY).await?;
        }
        (Standing::Known(_), _) => {}
    }
    Ok(TakenBy::This)
}

/// Lists the next page, and writes what is to be done with it.
async fn advance(app: &App, part: &Part) -> Result<TakenBy, Error> {
    let (run, connection) =
        futures::join!(app.store.run(part.run_id), app.store.connection(part.connection_id));
    let (run, connection) = (run?, connection?);
    let work = Work { app, run: &run, part, connection: &connection };
    match work.find().await? {
        Found::Jobs(jobs, next) => work.write(jobs, next).await,
        Found::Nothing => {
            let next = part.unanswered(now());
            if !app.store.advance_part(&next, &[]).await? {
                return Ok(TakenBy::Another);
            }
            send_on(app, &next).await?;
            Ok(TakenBy::This)
        }
        Found::NotYet(pause) => {
            let mut message = part.next_message();
            if let RunsMessage::Part(step) = &mut message {
                step.waited = true;
            }
            app.runs.send(&message, pause).await?;
            Ok(TakenBy::This)
        }
    }
}

/// Sends what the latest step has written, then the next step, if there is one.
async fn send_on(app: &App, part: &Part) -> Result<(), Error> {
    for number in part.to_send() {
        let chunk = app.store.chunk(part.run_id, part.connection_id, number).await?;
        if let Some(message) = chunk.and_then(|chunk| chunk.next_message()) {
            app.jobs.send(&message, SignedDuration::ZERO).await?;
        }
    }
    if part.steps.running {
        app.runs.send(&part.next_message(), part.pause()).await?;
    }
    Ok(())
}

/// Ends a part that cannot be planned any further, for this reason.
pub(crate) async fn give_up(
    app: &App,
    run: &Run,
    part: &Part,
    code: &str,
    detail: &str,
) -> Result<(), Error> {
    let connection = app.store.connection(part.connection_id).await?;
    let work = Work { app, run, part, connection: &connection };
    let region = part.region.clone().or_else(|| work.regions().into_iter().next());
    let Some(region) = region else { return Ok(()) };
    work.write(vec![work.all_of(&region, Phase::Failed, code, detail)], None).await?;
    Ok(())
}

struct Work<'a> {
    app: &'a App,
    run: &'a Run,
    part: &'a Part,
    connection: &'a Connection,
}

impl Work<'_> {
    /// The Regions that the run is about, in order.
    fn regions(&self) -> BTreeSet<Region> {
        self.run.order.regions.clone().unwrap_or_else(|| self.connection.regions.clone())
    }

    /// What comes after this Region.
    fn after(&self, region: &Region) -> Option<(Region, Option<String>)> {
        self.regions().into_iter().find(|next| next > region).map(|next| (next, None))
    }

    /// The job that stands for all that would have been selected in a Region.
    fn all_of(&self, region: &Region, phase: Phase, code: &str, detail: &str) -> Job {
        let job = Job::waiting(self.run.id, self.connection.id, region, EVERYTHING);
        job.because(phase, code, detail)
    }

    /// What there is to do on the next page.
    async fn find(&self) -> Result<Found, Error> {
        let Some(region) = self.part.region.clone().or_else(|| self.regions().into_iter().next()) else {
            return Ok(Found::Jobs(Vec::new(), None));
        };
        if let Some((phase, code, detail)) = self.refusal() {
            return Ok(Found::Jobs(vec![self.all_of(&region, phase, &code, &detail)], None));
        }
        let next = self.after(&region);
        let failed = |code: &str, detail: &str| {
            Ok(Found::Jobs(vec![self.all_of(&region, Phase::Failed, code, detail)], next.clone()))
        };
        if !self.connection.regions.contains(&region) {
            return failed(
                "region_not_connected",
                "The connection is not for this Region. Add it with PATCH.",
            );
        }
        if self.part.gives_up(now()) {
            let detail = "AWS throttled or failed for ten minutes while the tables or instances were listed.";
            return failed("aws_unavailable", detail);
        }
        let place = Place::of(self.connection, &region)?;
        let with_tags = self.run.order.select.needs_tags();
        let about_instances = self.run.order.terms.kind.is_about_instances();
        let policy =
            if about_instances { listing_policy(&place) } else { planning_policy(&place, with_tags) };
        let name = format!("drawbridge-{}", self.run.id);
        let session = match Box::pin(self.app.sessions.open(self.connection, &name, &policy)).await? {
            Opened::Open(session) => session.until(std::time::Instant::now() + LONGEST_CALLS),
            Opened::Shut(ProbeOutcome::Denied) => {
                let detail = "The customer's role refused Drawbridge's session; verify the connection to learn which \
                              side refuses.";
                let job = self.all_of(&region, Phase::Failed, "role_not_assumable", detail);
                return Ok(Found::Jobs(vec![job], None));
            }
            Opened::Shut(_) => return Ok(Found::Nothing),
            Opened::TooLarge => return Err(Error::internal("a session that lists tables is too large")),
        };
        if about_instances {
            let after = self.part.after.as_deref();
            return match list_instances(&session, &place, &self.run.order.select, after).await {
                Answer::Done(page) => {
                    let goes_on = page.next.clone().map(|next| (region.clone(), Some(next))).or(next);
                    Ok(Found::Jobs(self.instances(&region, &page), goes_on))
                }
                Answer::Later { .. } => Ok(Found::Nothing),
                Answer::Refused { code, detail } => failed(&code, &detail),
            };
        }
        let page = match self.page(&session, &place, with_tags).await {
            Answer::Done(page) => page,
            Answer::Later { .. } => return Ok(Found::Nothing),
            Answer::Refused { code, detail } => return failed(&code, &detail),
        };
        let goes_on = page.last.map(|last| (region.clone(), Some(last))).or_else(|| self.after(&region));
        let wants = |name: &&String| self.run.order.select.wants_name(name) && !is_drill_table(name);
        let mut jobs: Vec<Job> = page
            .names
            .iter()
            .filter(wants)
            .map(|name| Job::waiting(self.run.id, self.connection.id, &region, name))
            .collect();
        if with_tags {
            let names = jobs.iter().map(|job| job.resource.clone()).collect();
            jobs = match tags_of(self.app, &session, &place, names).await? {
                Tagged::Tables(tables) => self.wanted(jobs, tables),
                Tagged::NotYet(pause) => return Ok(Found::NotYet(pause)),
                Tagged::Unanswered => return Ok(Found::Nothing),
                Tagged::Refused { code, detail } => return failed(&code, &detail),
            };
        }
        jobs.extend(self.leftovers(&region).await?);
        Ok(Found::Jobs(jobs, goes_on))
    }

    /// The jobs that delete what drills have left behind in a Region, on its first page.
    async fn leftovers(&self, region: &Region) -> Result<Vec<Job>, Error> {
        let is_drill = self.run.order.terms.kind == Kind::RestoreDrill && !self.run.order.terms.dry_run;
        if !is_drill || self.part.after.is_some() {
            return Ok(Vec::new());
        }
        let mut jobs = Vec::new();
        for table in self.app.store.drill_tables(self.connection.id, region).await? {
            let chunk = self.app.store.chunk(table.run_id, table.connection_id, table.chunk).await?;
            // Of a drill that goes on, the table is its own.
            let goes_on = chunk.is_some_and(|chunk| chunk.steps.running && chunk.steps.deadline > now());
            if !goes_on {
                jobs.push(table.removal(self.run.id));
            }
        }
        Ok(jobs)
    }

    /// Why nothing can be done in this account, if nothing can.
    fn refusal(&self) -> Option<(Phase, String, String)> {
        let (select, terms) = (&self.run.order.select, &self.run.order.terms);
        if !self.connection.state.admits_operations() {
            let state = self.connection.state.as_str();
            let detail = format!(
                "The connection is {state}; its customer's account is left alone until it is active."
            );
            return Some((Phase::Skipped, "connection_not_active".to_owned(), detail));
        }
        if self.run.is_overdue(now()) {
            let detail = "This comes more than an hour after its time: office hours may have begun or ended, and nothing \
                          is switched. Start a run where it is still wanted.";
            return Some((Phase::Failed, "not_in_time".to_owned(), detail.to_owned()));
        }
        let admitted = terms.kind.admit_connection(select, terms.retention.as_ref(), self.connection);
        admitted.err().map(|error| (Phase::Failed, error.code.to_owned(), error.detail))
    }

    /// The next page of names: those that the run names, if it names them one by one.
    async fn page(&self, session: &CustomerSession, place: &Place, with_tags: bool) -> Answer<TablePage> {
        if let Some(ids) = self.run.order.select.exact_ids() {
            return Answer::Done(TablePage { names: ids.iter().cloned().collect(), last: None });
        }
        list_tables(session, place, self.part.after.as_deref(), page_of(with_tags)).await
    }

    /// The jobs of the instances of a page. One that is named by its id and is not there has one that says so.
    fn instances(&self, region: &Region, page: &InstancePage) -> Vec<Job> {
        let select = &self.run.order.select;
        let job = |id: &str| Job::waiting(self.run.id, self.connection.id, region, id);
        let wanted = page.instances.iter().filter(|instance| instance.is_wanted(select));
        let found: BTreeSet<&str> = page.instances.iter().map(|instance| instance.id.as_str()).collect();
        // As many as can be named come in one page; what tags leave out is not missed.
        let whole = self.part.after.is_none() && page.next.is_none() && !select.needs_tags();
        let missed = select.exact_ids().filter(|_| whole).into_iter().flatten();
        let missed = missed.filter(|id| !found.contains(id.as_str())).map(|id| {
            let detail = "There is no such instance in this Region: it was terminated, or is elsewhere.";
            job(id).because(Phase::Skipped, "instance_not_found", detail)
        });
        wanted.map(|instance| job(&instance.id)).chain(missed).collect()
    }

    /// Those of these jobs whose tables have the tags that are wanted.
    fn wanted(&self, jobs: Vec<Job>, tables: Vec<(String, BTreeMap<String, String>)>) -> Vec<Job> {
        let mut tags: BTreeMap<_, _> = tables.into_iter().collect();
        let with_tags = jobs.into_iter().filter_map(|job| Some((tags.remove(&job.resource)?, job)));
        let wanted = with_tags.filter(|(tags, _)| self.run.order.select.wants_tags(tags));
        wanted.map(|(tags, job)| Job { tags: Some(tags), ..job }).collect()
    }

    /// Writes chunks of these jobs with how far the part came, then sends their messages.
    async fn write(&self, jobs: Vec<Job>, next: Option<(Region, Option<String>)>) -> Result<TakenBy, Error> {
        let region = self.part.region.clone().or_else(|| self.regions().into_iter().next());
        let (now, deadline) = (now(), self.part.steps.deadline);
        let packed = match &region {
            Some(region) if !jobs.iter().all(|job| job.phase.is_final()) => {
                let place = Place::of(self.connection, region)?;
                pack(self.run.order.terms.kind, jobs, &place, &self.connection.capabilities)
            }
            _ if jobs.is_empty() => Vec::new(),
            _ => vec![jobs],
        };
        let numbers = self.part.chunks..;
        let chunks: Vec<Chunk> = numbers
            .zip(packed)
            .filter_map(|(number, jobs)| {
                let whose = (self.run.id, self.connection.id, region.clone()?, number);
                Some(Chunk::of(whose, self.run.order.terms.clone(), jobs, now, deadline))
            })
            .collect();
        let written = u32::try_from(chunks.len()).map_err(Error::internal)?;
        let planned = self.part.planned(next, written, now);
        if !self.app.store.advance_part(&planned, &chunks).await? {
            return Ok(TakenBy::Another);
        }
        send_on(self.app, &planned).await?;
        Ok(TakenBy::This)
    }
}

#[cfg(test)]
mod tests;
