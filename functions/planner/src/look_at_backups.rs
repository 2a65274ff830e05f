//! How fresh backups are, told as a story:
//!
//! 1. Once an hour every connection is looked at, and one whose schedule has changed or whose run has ended at
//!    once.
//! 2. Region by Region and page by page, its tables and instances are listed, and those that a schedule selects
//!    are held against what the schedule promises. Where nobody may list, or AWS does not answer, those are that were
//!    seen before: silence must not hide them.
//! 3. What has become stale, or is so no more, is written with the event that tells of it. Tables that are gone,
//!    or that nothing selects any more, are forgotten.
//!
//! Nothing is kept of how far it is: looking twice finds nothing new.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use access::{CustomerSession, Opened};
use domain::drill::is_drill_table;
use domain::freshness::Freshness;
use domain::kind::Kind;
use domain::message::{LookAtBackups, RunsMessage, SweepFreshness};
use domain::schedule::Schedule;
use domain::{Connection, ConnectionId, ConnectionState, Error, ErrorKind, Region};
use estate::backups::{Answer, list_tables, planning_policy};
use estate::operations::Place;
use futures::stream::{self, StreamExt as _, TryStreamExt as _};
use jiff::SignedDuration;
use runtime::now;
use store::{ConnectionFilter, PageRequest};

use crate::app::App;
use crate::tables::{Tagged, page_of, tags_of};

/// How many connections one message of the sweep has looked at.
const PAGE: u8 = 50;
/// How many tables' backups are looked up at once.
const AT_ONCE: usize = 8;
/// Longest that AWS is asked in a step.
const LONGEST_CALLS: Duration = Duration::from_secs(40);
/// After so long a look is given up: the next one is on its way.
const LONGEST_LOOK: SignedDuration = SignedDuration::from_hours(1);
/// How long after a change of a schedule it is looked what it promises: more changes often follow.
pub(crate) const SETTLED_AFTER: SignedDuration = SignedDuration::from_secs(5);

/// Has a page of all connections looked at, and sends the next page.
///
/// # Errors
/// When the table or the queue failed: the message is to be delivered again.
pub(crate) async fn sweep(app: &App, page: &SweepFreshness) -> Result<(), Error> {
    let request = PageRequest { limit: PAGE, cursor: page.cursor.clone() };
    let found = app.store.connections(ConnectionFilter::default(), &request).await?;
    for connection in found.items.iter().filter(|connection| connection.state != ConnectionState::Offboarded)
    {
        ask_for_look(app, connection.id, SignedDuration::ZERO).await?;
    }
    match found.next_cursor {
        Some(cursor) => {
            let next = RunsMessage::SweepFreshness(SweepFreshness { cursor: Some(cursor) });
            app.runs.send(&next, SignedDuration::ZERO).await
        }
        None => Ok(()),
    }
}

/// Has all of a connection's backups looked at, after this delay.
///
/// # Errors
/// When the queue failed.
pub(crate) async fn ask_for_look(
    app: &App,
    connection: ConnectionId,
    delay: SignedDuration,
) -> Result<(), Error> {
    let look = RunsMessage::LookAtBackups(LookAtBackups::all(connection, now()));
    app.runs.send(&look, delay).await
}

/// Looks at one page of a connection's tables, and sends the next one.
///
/// # Errors
/// When the table or the queue failed: the message is to be delivered again.
pub(crate) async fn look(app: &App, page: &LookAtBackups) -> Result<(), Error> {
    if now() >= page.asked_at + LONGEST_LOOK {
        tracing::warn!(connection_id = %page.connection_id, "a look at backups came too late");
        return Ok(());
    }
    let connection = match app.store.connection(page.connection_id).await {
        Err(error) if error.kind == ErrorKind::NotFound => return Ok(()),
        connection => connection?,
    };
    let schedules = promising(app, &connection).await?;
    let places: BTreeSet<(Kind, Region)> = schedules
        .iter()
        .flat_map(|schedule| {
            let regions = schedule.order.regions.as_ref().unwrap_or(&connection.regions);
            regions.iter().map(|region| (schedule.order.kind, region.clone()))
        })
        .collect();
    let at = page.of.zip(page.region.clone());
    if at.is_none() {
        let (elsewhere, more) = app.store.freshness_elsewhere(connection.id, &places).await?;
        forget(app, elsewhere).await?;
        if more {
            return app.runs.send(&RunsMessage::LookAtBackups(page.clone()), SignedDuration::ZERO).await;
        }
    }
    let place = match &at {
        Some(at) => places.range(at.clone()..).next(),
        None => places.first(),
    };
    let Some(place) = place.cloned() else {
        return looked(app, page).await;
    };
    let after = page.after.clone().filter(|_| at.as_ref() == Some(&place));
    let (kind, region) = &place;
    let here = |schedule: &Schedule| {
        let regions = schedule.order.regions.as_ref();
        schedule.order.kind == *kind && regions.is_none_or(|regions| regions.contains(region))
    };
    let schedules: Vec<Schedule> = schedules.into_iter().filter(here).collect();
    let look = Look { app, connection: &connection, kind: *kind, region, after, schedules };
    let taken = if kind.is_about_instances() { look.take_instances().await } else { look.take().await };
    let Listed { last, pause, blind } = taken?;
    let page = LookAtBackups { blind: blind || page.blind, ..page.clone() };
    let next = match (pause, last) {
        (Some(pause), _) => return app.runs.send(&RunsMessage::LookAtBackups(page), pause).await,
        (None, Some(last)) => Some((place, Some(last))),
        (None, None) => places.into_iter().find(|next| *next > place).map(|next| (next, None)),
    };
    match next {
        Some(((kind, region), after)) => {
            let next = LookAtBackups { of: Some(kind), region: Some(region), after, ..page };
            app.runs.send(&RunsMessage::LookAtBackups(next), SignedDuration::ZERO).await
        }
        None => looked(app, &page).await,
    }
}

/// Writes down that all of a connection's backups were looked at, if they were.
async fn looked(app: &App, page: &LookAtBackups) -> Result<(), Error> {
    if page.blind {
        return Ok(());
    }
    app.store.note_backups_looked_at(page.connection_id, now()).await
}

/// The connection's schedules that promise backups: none once it ends.
async fn promising(app: &App, connection: &Connection) -> Result<Vec<Schedule>, Error> {
    if matches!(connection.state, ConnectionState::Offboarding | ConnectionState::Offboarded) {
        return Ok(Vec::new());
    }
    let (mut found, mut cursor) = (Vec::new(), None);
    loop {
        let page = app.store.schedules(connection.id, &PageRequest { limit: 100, cursor }).await?;
        found.extend(page.items.into_iter().filter(Schedule::promises));
        cursor = page.next_cursor;
        if cursor.is_none() {
            return Ok(found);
        }
    }
}

/// Forgets these.
async fn forget(app: &App, known: Vec<Freshness>) -> Result<(), Error> {
    stream::iter(known)
        .map(|known| async move {
            let event = known.closing_event(&App::occasion(now()));
            // If somebody else has written it meanwhile, he has seen what is now.
            app.store.forget_freshness(&known, event.as_ref()).await.map(|_| ())
        })
        .buffer_unordered(AT_ONCE)
        .try_collect()
        .await
}

/// How far a page went.
struct Listed {
    /// The last that was looked at, or where else the next page begins, if there may be more.
    last: Option<String>,
    /// How long to wait, if it is not one's turn yet.
    pause: Option<SignedDuration>,
    /// Whether nobody could look.
    blind: bool,
}

/// The tables of a page, and which tags they have, where that had to be known.
struct Tables {
    names: Vec<String>,
    tags: BTreeMap<String, BTreeMap<String, String>>,
    last: Option<String>,
}

/// What became of listing.
enum Listing {
    Tables(Tables),
    NotYet(SignedDuration),
    /// Nobody may list, or AWS does not answer.
    Unknown,
}

/// A look at one page of one Region.
struct Look<'a> {
    app: &'a App,
    connection: &'a Connection,
    kind: Kind,
    region: &'a Region,
    after: Option<String>,
    schedules: Vec<Schedule>,
}

impl Look<'_> {
    async fn take(&self) -> Result<Listed, Error> {
        let listing = if self.may_list() { self.list().await? } else { Listing::Unknown };
        let (last, listed) = match listing {
            Listing::NotYet(pause) => {
                return Ok(Listed { last: None, pause: Some(pause), blind: false });
            }
            Listing::Tables(tables) => (tables.last.clone(), Some(tables)),
            Listing::Unknown => (None, None),
        };
        let (known, cut) = self
            .app
            .store
            .freshness_between(
                self.connection.id,
                self.kind,
                self.region,
                self.after.as_deref(),
                last.as_deref(),
            )
            .await?;
        let mut known: BTreeMap<String, Freshness> =
            known.into_iter().map(|known| (known.resource.clone(), known)).collect();
        // What is known may be more than one look takes: then the page ends where it does.
        let is_here = |name: &str| cut.as_ref().is_none_or(|cut| name <= cut.as_str());
        let last = cut.clone().or(last);
        let blind = listed.is_none();
        let selected: Vec<(Freshness, Vec<&Schedule>)> = if let Some(tables) = &listed {
            let selected = self.selected(tables, &known).into_iter().filter(|(name, _)| is_here(name));
            selected.map(|(name, schedules)| (self.known(&mut known, name), schedules)).collect()
        } else {
            // Nothing of it is forgotten.
            let seen = std::mem::take(&mut known).into_values();
            seen.map(|known| (self.as_before(&known), known))
                .map(|(schedules, known)| (known, schedules))
                .collect()
        };
        stream::iter(selected)
            .map(|(known, schedules)| self.hold(known, schedules))
            .buffer_unordered(AT_ONCE)
            .try_collect::<Vec<()>>()
            .await?;
        forget(self.app, known.into_values().collect()).await?;
        Ok(Listed { last, pause: None, blind })
    }

    /// Whether the customer's tables may be listed now, as far as Drawbridge knows.
    fn may_list(&self) -> bool {
        // A Region that a schedule names, and that the connection has lost, is missed and not forgotten.
        self.connection.state.admits_operations() && self.connection.regions.contains(self.region)
    }

    /// Whether tags decide what this schedule selects, and the connection lets them be looked up.
    fn reads_tags(&self, schedule: &Schedule) -> bool {
        let select = &schedule.order.select;
        select.needs_tags() && schedule.order.kind.admit_connection(select, None, self.connection).is_ok()
    }

    /// Lists the page.
    async fn list(&self) -> Result<Listing, Error> {
        // Tables that are named one by one are missed though they be not there.
        let exact = self.schedules.iter().filter_map(|schedule| schedule.order.select.exact_ids());
        let exact: BTreeSet<String> = exact.flatten().cloned().collect();
        let with_tags = self.schedules.iter().any(|schedule| self.reads_tags(schedule));
        if !with_tags && self.schedules.iter().all(|schedule| schedule.order.select.exact_ids().is_some()) {
            return Ok(Listing::Tables(Tables {
                names: exact.into_iter().collect(),
                tags: BTreeMap::new(),
                last: None,
            }));
        }
        let place = Place::of(self.connection, self.region)?;
        let policy = planning_policy(&place, with_tags);
        let opened = self.app.sessions.open(self.connection, "drawbridge-freshness", &policy);
        let Opened::Open(session) = Box::pin(opened).await? else { return Ok(Listing::Unknown) };
        let session = session.until(Instant::now() + LONGEST_CALLS);
        let listed = list_tables(&session, &place, self.after.as_deref(), page_of(with_tags)).await;
        let Answer::Done(page) = listed else { return Ok(Listing::Unknown) };
        let tags = if with_tags {
            match self.tags(&session, &place, &page.names).await? {
                Tagged::Tables(tables) => tables.into_iter().collect(),
                Tagged::NotYet(pause) => return Ok(Listing::NotYet(pause)),
                Tagged::Unanswered | Tagged::Refused { .. } => return Ok(Listing::Unknown),
            }
        } else {
            BTreeMap::new()
        };
        let here = |name: &String| {
            self.after.as_ref().is_none_or(|after| name > after)
                && page.last.as_ref().is_none_or(|last| name <= last)
        };
        let names: BTreeSet<String> =
            exact.into_iter().filter(here).chain(page.names.iter().cloned()).collect();
        Ok(Listing::Tables(Tables { names: names.into_iter().collect(), tags, last: page.last }))
    }

    /// The tags of those of these tables about which tags decide.
    async fn tags(
        &self,
        session: &CustomerSession,
        place: &Place,
        names: &[String],
    ) -> Result<Tagged, Error> {
        let by_tags = |name: &&String| {
            let wants = |schedule: &&Schedule| schedule.order.select.wants_name(name);
            self.schedules.iter().filter(wants).any(|schedule| self.reads_tags(schedule))
        };
        let names: Vec<String> = names.iter().filter(by_tags).cloned().collect();
        if names.is_empty() {
            return Ok(Tagged::Tables(Vec::new()));
        }
        tags_of(self.app, session, place, names).await
    }

    /// Those of these tables that schedules select, and which. A schedule whose tags may not be looked up any
    /// more selects what it did.
    fn selected(
        &self,
        tables: &Tables,
        known: &BTreeMap<String, Freshness>,
    ) -> Vec<(String, Vec<&Schedule>)> {
        let wants = |schedule: &Schedule, name: &str| {
            let select = &schedule.order.select;
            let by_tags = || match tables.tags.get(name) {
                Some(tags) => select.wants_tags(tags),
                None if self.reads_tags(schedule) => false,
                None => known
                    .get(name)
                    .and_then(|known| known.promise)
                    .is_some_and(|promise| promise.schedule_id == schedule.id),
            };
            select.wants_name(name) && !is_drill_table(name) && (!select.needs_tags() || by_tags())
        };
        let with_schedules = tables.names.iter().map(|name| {
            let schedules =
                self.schedules.iter().filter(|schedule| wants(schedule, name)).collect::<Vec<_>>();
            (name.clone(), schedules)
        });
        with_schedules.filter(|(_, schedules)| !schedules.is_empty()).collect()
    }

    /// The schedules that select it as far as is known without its tags: those that ask for none, and the one
    /// whose promise counted before.
    fn as_before(&self, known: &Freshness) -> Vec<&Schedule> {
        let counted = known.promise.map(|promise| promise.schedule_id);
        let selects = |schedule: &&Schedule| {
            let select = &schedule.order.select;
            select.wants_name(&known.resource) && (!select.needs_tags() || counted == Some(schedule.id))
        };
        self.schedules.iter().filter(selects).collect()
    }

    /// What is known of a table by now.
    fn known(&self, known: &mut BTreeMap<String, Freshness>, name: String) -> Freshness {
        known.remove(&name).unwrap_or_else(|| {
            Freshness::seen(self.connection.id, self.kind, self.region.clone(), name, now())
        })
    }

    /// Holds a table against what these schedules promise of it, and writes what is new.
    async fn hold(&self, known: Freshness, schedules: Vec<&Schedule>) -> Result<(), Error> {
        let store = &self.app.store;
        let newest = store.newest_backup(self.connection.id, self.kind, self.region, &known.resource).await?;
        let now = now();
        let Some(next) = known.looked_at(newest.as_ref(), schedules, self.app.grace, now) else {
            return Ok(());
        };
        let event = next.event(&known, &App::occasion(now));
        if store.write_freshness(&next, event.as_ref()).await? && event.is_some() {
            tracing::warn!(
                connection_id = %next.connection_id,
                region = %next.region,
                resource = next.resource,
                stale = next.is_stale(),
                "the freshness of a backup has changed"
            );
        }
        Ok(())
    }
}

mod instances;

#[cfg(test)]
mod tests;
