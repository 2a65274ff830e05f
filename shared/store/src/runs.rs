//! Runs in the table, with their parts, one for each connection, and their chunks of jobs.
//!
//! What a step of planning finds is written in one transaction with how far it came, so that whoever takes
//! the step again goes on from there and never finds it anew: no table is in two chunks.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::{AttributeValue, TransactWriteItem};
use domain::chunk::Chunk;
use domain::job::Job;
use domain::part::Part;
use domain::run::{Run, Tally};
use domain::steps::Steps;
use domain::{AuditEvent, ConnectionId, Error, Region, RunId};
use jiff::Timestamp;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::Store;
use crate::backups::BackupWrite;
use crate::cursor::{Page, PageRequest, seal};
use crate::events::event_item;
use crate::failure::{Refusal, unexpected};
use crate::idempotency::{Completion, in_progress};
use crate::invites::expiry;
use crate::item::{Item, Key, Listing, from_item, number, text, to_item};
use crate::operations::KEPT;

/// How many entries one look at a run's progress reads at most.
const MOST_ENTRIES: i32 = 500;

/// How many looks a caller's question after a run takes at most.
const LOOKS: usize = 4;

/// Chunks that one query for jobs reads: their jobs are most of what a page holds.
const CHUNKS_OF_A_PAGE: i32 = 8;

/// How often a page of jobs is filled up by another query.
const FILLING_QUERIES: usize = 10;

/// What follows every part and chunk of a run in order of keys.
const AFTER_PARTS: &str = "PART$";

/// One part or chunk, as far as the end of a run depends on it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Entry {
    /// Where it stands in the order in which they are counted.
    #[serde(rename = "sk")]
    pub place: String,
    /// Whose it is.
    pub connection_id: ConnectionId,
    /// Which chunk, where it is one.
    #[serde(default)]
    pub number: Option<u32>,
    /// Its steps.
    pub steps: Steps,
    /// How many of its jobs became what, where it is a chunk.
    #[serde(default)]
    pub tally: Tally,
}

/// One job, with where it is done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunJob {
    /// In whose account.
    pub connection_id: ConnectionId,
    /// Where.
    pub region: Region,
    /// The job.
    pub job: Job,
}

/// A run, its place in lists, and the step that the next write is conditional on.
fn run_item(run: &Run) -> Result<Item, Error> {
    let mut item = listed(Key::run(run.id), run, &Listing::Runs, run.id, run.started_at)?;
    item.insert("step".to_owned(), number(run.progress.steps.step.into()));
    Ok(item)
}

fn part_item(part: &Part) -> Result<Item, Error> {
    let key = Key::part(part.run_id, part.connection_id);
    let list = Listing::RunsOf(part.connection_id);
    let mut item = listed(key, part, &list, part.run_id, part.steps.started_at)?;
    item.insert("step".to_owned(), number(part.steps.step.into()));
    Ok(item)
}

fn chunk_item(chunk: &Chunk) -> Result<Item, Error> {
    let mut item = to_item(Key::chunk(chunk.run_id, chunk.connection_id, chunk.number), chunk)?;
    item.insert("expires_at".to_owned(), expiry(chunk.steps.started_at + KEPT));
    Ok(item)
}

fn listed(
    key: Key,
    record: impl Serialize,
    list: &Listing,
    id: RunId,
    since: Timestamp,
) -> Result<Item, Error> {
    let mut item = to_item(key, record)?;
    let (_, hash, value) = list.index();
    item.insert(hash.to_owned(), text(value));
    item.insert("list_id".to_owned(), text(id.to_string()));
    item.insert("expires_at".to_owned(), expiry(since + KEPT));
    Ok(item)
}

const NEW: Option<&str> = Some("attribute_not_exists(pk)");

/// The condition that a step is the one that is next.
fn next_step(step: u32) -> HashMap<String, AttributeValue> {
    HashMap::from([(":step".to_owned(), number(step.saturating_sub(1).into()))])
}

impl Store {
    /// Writes a run that begins, and with it the answer to the request that asked for it. Returns whether
    /// it was not there before.
    ///
    /// # Errors
    /// 409 `request_in_progress` when the same request is being answered elsewhere by now.
    pub async fn begin_run(&self, run: &Run, completion: Option<&Completion>) -> Result<bool, Error> {
        let mut writes = vec![self.put(run_item(run)?, NEW, HashMap::new())?];
        writes.extend(completion.map(|completion| self.completing(completion)).transpose()?);
        match self.transact(writes).await {
            Ok(()) => {
                completion.inspect(|completion| completion.written());
                Ok(true)
            }
            Err(Refusal::Conditions(places)) if places == [0] && completion.is_none() => Ok(false),
            Err(Refusal::Conditions(_)) => Err(in_progress()),
            Err(Refusal::Busy) => Err(Error::unavailable("another transaction held the run")),
            Err(Refusal::Failed(error)) => Err(error),
        }
    }

    /// The run with this id.
    ///
    /// # Errors
    /// 404 when there is none.
    pub async fn run(&self, id: RunId) -> Result<Run, Error> {
        from_item(self.get(Key::run(id)).await?.ok_or_else(|| Error::not_found("run"))?)
    }

    /// One page of the runs, or of those that a connection is part of, the oldest first.
    ///
    /// # Errors
    /// 400 `invalid_cursor`.
    pub async fn runs(
        &self,
        connection: Option<ConnectionId>,
        page: &PageRequest,
    ) -> Result<Page<Run>, Error> {
        let listing = connection.map_or(Listing::Runs, Listing::RunsOf);
        let page = self.list(&listing, None, page).await?;
        // What lists the runs of a connection are its parts of them.
        let items = if connection.is_some() {
            let entry = |part: &Item| Some(Key::run(from_text(part, "run_id")?).into_item());
            self.batch(page.items.iter().filter_map(entry).collect()).await?
        } else {
            page.items
        };
        let items = items.into_iter().map(from_item).collect::<Result<_, Error>>()?;
        Ok(Page { items, next_cursor: page.next_cursor })
    }

    /// Records that a run has come a step further, with the parts that the step has found. Returns whether
    /// it was the step that is next.
    ///
    /// # Errors
    /// When the table does not answer.
    pub async fn advance_run(&self, next: &Run, parts: &[Part]) -> Result<bool, Error> {
        let mut writes =
            vec![self.put(run_item(next)?, Some(RUNNING_STEP), next_step(next.progress.steps.step))?];
        for part in parts {
            writes.push(self.put(part_item(part)?, NEW, HashMap::new())?);
        }
        self.advanced(writes, Key::run(next.id), next).await
    }

    /// Writes how a run has ended, with the event that tells of it. Returns whether it had not before.
    ///
    /// # Errors
    /// When the table does not answer.
    pub async fn end_run(&self, ended: &Run, event: &AuditEvent) -> Result<bool, Error> {
        let step = HashMap::from([(":step".to_owned(), number(ended.progress.steps.step.into()))]);
        let writes = vec![
            self.put(run_item(ended)?, Some(RUNNING_STEP), step)?,
            self.put(event_item(event)?, None, HashMap::new())?,
        ];
        self.advanced(writes, Key::run(ended.id), ended).await
    }

    /// A connection's part of a run.
    ///
    /// # Errors
    /// When the table does not answer.
    pub async fn part(&self, run: RunId, connection: ConnectionId) -> Result<Option<Part>, Error> {
        self.get(Key::part(run, connection)).await?.map(from_item).transpose()
    }

    /// Records that a part has come a step further, with the chunks that the step has found. Returns
    /// whether it was the step that is next.
    ///
    /// # Errors
    /// When the table does not answer.
    pub async fn advance_part(&self, next: &Part, chunks: &[Chunk]) -> Result<bool, Error> {
        let mut writes =
            vec![self.put(part_item(next)?, Some("step = :step"), next_step(next.steps.step))?];
        for chunk in chunks {
            writes.push(self.put(chunk_item(chunk)?, NEW, HashMap::new())?);
        }
        self.advanced(writes, Key::part(next.run_id, next.connection_id), next).await
    }

    /// A chunk.
    ///
    /// # Errors
    /// When the table does not answer.
    pub async fn chunk(
        &self,
        run: RunId,
        connection: ConnectionId,
        number: u32,
    ) -> Result<Option<Chunk>, Error> {
        self.get(Key::chunk(run, connection, number)).await?.map(from_item).transpose()
    }

    /// Writes a chunk once more, with what became of its backups and the events that tell of that. Returns
    /// whether nobody has written it since it was read.
    ///
    /// # Errors
    /// When the table does not answer.
    pub async fn write_chunk(
        &self,
        next: &Chunk,
        backups: &[BackupWrite],
        events: &[AuditEvent],
    ) -> Result<bool, Error> {
        let mut further = Vec::new();
        for backup in backups {
            further.extend(self.backup_writes(backup)?);
        }
        for event in events {
            further.push(self.put(event_item(event)?, None, HashMap::new())?);
        }
        self.write_chunk_with(next, further).await
    }

    /// Writes a chunk once more, with what else its step writes. Returns whether nobody has written it since
    /// it was read.
    pub(crate) async fn write_chunk_with(
        &self,
        next: &Chunk,
        further: Vec<TransactWriteItem>,
    ) -> Result<bool, Error> {
        let revision = HashMap::from([(":revision".to_owned(), number(next.revision.saturating_sub(1)))]);
        let mut writes = vec![self.put(chunk_item(next)?, Some("revision = :revision"), revision)?];
        writes.extend(further);
        self.advanced(writes, Key::chunk(next.run_id, next.connection_id, next.number), next).await
    }

    /// Carries out `writes`, the first of which is conditional on what was read, and returns whether that
    /// was still so. One whose answer was lost is sent again by the SDK, and then meets itself.
    async fn advanced<T: DeserializeOwned + PartialEq>(
        &self,
        writes: Vec<TransactWriteItem>,
        key: Key,
        next: &T,
    ) -> Result<bool, Error> {
        match self.transact(writes).await {
            Ok(()) => Ok(true),
            // Of what is written with it, something is no longer as it was read; whoever takes the step
            // again reads it anew.
            Err(Refusal::Conditions(places)) if !places.contains(&0) => {
                Err(Error::unavailable("something that is written with a step has changed meanwhile"))
            }
            Err(Refusal::Conditions(_)) => {
                let found = self.get(key).await?.map(from_item::<T>).transpose()?;
                Ok(found.as_ref() == Some(next))
            }
            Err(Refusal::Busy) => Err(Error::unavailable("another transaction held the run")),
            Err(Refusal::Failed(error)) => Err(error),
        }
    }

    /// A run's parts and chunks in order, after this place: so many as one look reads, and whether there
    /// may be more.
    ///
    /// # Errors
    /// When the table does not answer.
    pub async fn entries(&self, run: RunId, after: Option<&str>) -> Result<(Vec<Entry>, bool), Error> {
        let key = Key::run(run);
        let start = after
            .map(|place| HashMap::from([("pk".to_owned(), text(&key.pk)), ("sk".to_owned(), text(place))]));
        let output = self
            .client
            .query()
            .table_name(&self.table)
            .key_condition_expression("pk = :pk AND begins_with(sk, :part)")
            .projection_expression("sk, connection_id, #number, steps, tally")
            .expression_attribute_names("#number", "number")
            .expression_attribute_values(":pk", text(&key.pk))
            .expression_attribute_values(":part", text("PART#"))
            .consistent_read(true)
            .limit(MOST_ENTRIES)
            .set_exclusive_start_key(start)
            .send()
            .await
            .map_err(unexpected)?;
        let more = output.last_evaluated_key.is_some();
        let items = output.items.unwrap_or_default().into_iter();
        Ok((items.map(from_item).collect::<Result<_, Error>>()?, more))
    }

    /// How many of a run's jobs became what by now: what its planner has counted, and what else there is
    /// to be seen in a few looks.
    ///
    /// # Errors
    /// When the table does not answer.
    pub async fn tally(&self, run: &Run) -> Result<Tally, Error> {
        let mut tally = run.tally;
        if run.state.is_final() {
            return Ok(tally);
        }
        let mut after = run.progress.counted.clone();
        for _ in 0..LOOKS {
            let (entries, more) = self.entries(run.id, after.as_deref()).await?;
            tally = entries.iter().fold(tally, |tally, entry| tally.and(entry.tally));
            after = entries.into_iter().last().map(|entry| entry.place);
            if !more {
                break;
            }
        }
        Ok(tally)
    }

    /// One page of a run's jobs, by connection and Region.
    ///
    /// # Errors
    /// 400 `invalid_cursor`.
    pub async fn jobs(&self, run: RunId, page: &PageRequest) -> Result<Page<RunJob>, Error> {
        let list = format!("jobs|{run}");
        // A page may end within a chunk: the cursor has the chunk, and how many of its jobs are told.
        let place = page.after(&list)?;
        let place = place.as_deref().and_then(|place| place.split_once('|'));
        let (mut from, mut told) = match place {
            Some((place, told)) => (place.to_owned(), told.parse().unwrap_or(0)),
            None => ("PART#".to_owned(), 0),
        };
        let limit = usize::from(page.limit);
        let mut items: Vec<RunJob> = Vec::new();
        for _ in 0..FILLING_QUERIES {
            let (chunks, next) = self.chunks_from(run, &from).await?;
            for (place, chunk) in chunks {
                let skipped = if place == from { told } else { 0 };
                let rest = chunk.jobs.len().saturating_sub(skipped);
                let room = limit - items.len();
                items.extend(chunk.jobs.into_iter().skip(skipped).take(room).map(|job| RunJob {
                    connection_id: chunk.connection_id,
                    region: chunk.region.clone(),
                    job,
                }));
                if rest > room {
                    let cursor = seal(&list, &format!("{place}|{}", skipped + room));
                    return Ok(Page { items, next_cursor: Some(cursor) });
                }
            }
            let Some(next) = next else { return Ok(Page { items, next_cursor: None }) };
            (from, told) = (next, 0);
        }
        Ok(Page { items, next_cursor: Some(seal(&list, &format!("{from}|0"))) })
    }

    /// Some chunks of a run from this place on, with their places, and where the next ones begin.
    async fn chunks_from(
        &self,
        run: RunId,
        from: &str,
    ) -> Result<(Vec<(String, Chunk)>, Option<String>), Error> {
        let key = Key::run(run);
        let output = self
            .client
            .query()
            .table_name(&self.table)
            .key_condition_expression("pk = :pk AND sk BETWEEN :from AND :to")
            .expression_attribute_values(":pk", text(&key.pk))
            .expression_attribute_values(":from", text(from))
            .expression_attribute_values(":to", text(AFTER_PARTS))
            .consistent_read(true)
            .limit(CHUNKS_OF_A_PAGE)
            .send()
            .await
            .map_err(unexpected)?;
        // The very next place after the last one that was read.
        let next =
            output.last_evaluated_key().and_then(|key| Some(format!("{} ", key.get("sk")?.as_s().ok()?)));
        let items = output.items.unwrap_or_default().into_iter();
        let chunks = items.filter(|item| item.contains_key("jobs"));
        let chunks = chunks.map(|item| {
            let place = from_text(&item, "sk").ok_or_else(|| Error::internal("an item has a key"))?;
            Ok((place, from_item(item)?))
        });
        Ok((chunks.collect::<Result<_, Error>>()?, next))
    }
}

/// The condition that a run goes on, and that its step is the one that is next.
const RUNNING_STEP: &str = "step = :step AND attribute_not_exists(finished_at)";

/// What an attribute says, if it can be read.
fn from_text<T: std::str::FromStr>(item: &Item, name: &str) -> Option<T> {
    item.get(name)?.as_s().ok()?.parse().ok()
}

#[cfg(test)]
mod tests;
