//! Instances, which EC2 pages in no order: first all that are there are gone through, and what schedules select
//! of them is held against what those promise; then all that are known, to forget what is selected no more.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Instant;

use access::{CustomerSession, Opened};
use domain::Error;
use domain::freshness::Freshness;
use domain::schedule::Schedule;
use estate::backups::Answer;
use estate::instances::{Listed as Instance, list_all_instances, list_named_instances, listing_policy};
use estate::operations::Place;
use futures::stream::{self, StreamExt as _, TryStreamExt as _};
use runtime::now;

use super::{AT_ONCE, LONGEST_CALLS, Listed, Look, forget};

/// What a place begins with at which instances are listed: EC2's token follows.
const LISTED: &str = "listed:";
/// What a place begins with at which known ones are gone through: the last one's id follows.
const KNOWN: &str = "known:";

impl Look<'_> {
    /// Takes the next page of instances.
    pub(super) async fn take_instances(&self) -> Result<Listed, Error> {
        let after = self.after.as_deref().unwrap_or(LISTED);
        if let Some(last) = after.strip_prefix(KNOWN) {
            return Box::pin(self.take_known(last)).await;
        }
        let token = after.strip_prefix(LISTED).filter(|token| !token.is_empty());
        Box::pin(self.take_listed(token)).await
    }

    /// Holds one page of those that are there.
    async fn take_listed(&self, token: Option<&str>) -> Result<Listed, Error> {
        let then_known = |blind| Listed { last: Some(KNOWN.to_owned()), pause: None, blind };
        let Some((session, place)) = self.instances_session().await? else { return Ok(then_known(true)) };
        let Answer::Done(page) = list_all_instances(&session, &place, token).await else {
            return Ok(then_known(true));
        };
        let mut selected: BTreeMap<String, Vec<&Schedule>> = BTreeMap::new();
        if token.is_none() {
            // What is named one by one is missed though it be not there.
            for schedule in &self.schedules {
                for id in named_by(schedule) {
                    selected.entry(id.clone()).or_default().push(schedule);
                }
            }
        }
        for instance in &page.instances {
            let schedules = self.selecting(instance);
            if !schedules.is_empty() {
                selected.insert(instance.id.clone(), schedules);
            }
        }
        stream::iter(selected)
            .map(|(id, schedules)| async move {
                let store = &self.app.store;
                let known = store.freshness_of(self.connection.id, self.kind, self.region, &id).await?;
                let known = known.unwrap_or_else(|| {
                    Freshness::seen(self.connection.id, self.kind, self.region.clone(), id, now())
                });
                self.hold(known, schedules).await
            })
            .buffer_unordered(AT_ONCE)
            .try_collect::<Vec<()>>()
            .await?;
        Ok(match page.next {
            Some(token) => Listed { last: Some(format!("{LISTED}{token}")), pause: None, blind: false },
            None => then_known(false),
        })
    }

    /// Goes through one page of those that are known. Where nobody may look, they are held against the promises
    /// by which they are known.
    async fn take_known(&self, last: &str) -> Result<Listed, Error> {
        let after = Some(last).filter(|last| !last.is_empty());
        let store = &self.app.store;
        let (known, cut) =
            store.freshness_between(self.connection.id, self.kind, self.region, after, None).await?;
        let next = cut.map(|last| format!("{KNOWN}{last}"));
        if known.is_empty() {
            return Ok(Listed { last: next, pause: None, blind: false });
        }
        let there = match self.instances_session().await? {
            Some((session, place)) => {
                let ids = known.iter().map(|known| known.resource.clone()).collect();
                match list_named_instances(&session, &place, ids).await {
                    Answer::Done(there) => Some(there),
                    _ => None,
                }
            }
            None => None,
        };
        let blind = there.is_none();
        if let Some(there) = there {
            let named = self.schedules.iter().flat_map(named_by);
            let mut kept: BTreeSet<&str> = named.map(String::as_str).collect();
            let selected = there.iter().filter(|instance| !self.selecting(instance).is_empty());
            kept.extend(selected.map(|instance| instance.id.as_str()));
            let gone = known.into_iter().filter(|known| !kept.contains(known.resource.as_str())).collect();
            forget(self.app, gone).await?;
        } else {
            stream::iter(known)
                .map(|known| async move {
                    let schedules = self.as_known(&known);
                    self.hold(known, schedules).await
                })
                .buffer_unordered(AT_ONCE)
                .try_collect::<Vec<()>>()
                .await?;
        }
        Ok(Listed { last: next, pause: None, blind })
    }

    /// A session that may list, if there is one to be had.
    async fn instances_session(&self) -> Result<Option<(CustomerSession, Place)>, Error> {
        if !self.may_list() {
            return Ok(None);
        }
        let place = Place::of(self.connection, self.region)?;
        let policy = listing_policy(&place);
        let opened = self.app.sessions.open(self.connection, "drawbridge-freshness", &policy);
        let Opened::Open(session) = Box::pin(opened).await? else { return Ok(None) };
        Ok(Some((session.until(Instant::now() + LONGEST_CALLS), place)))
    }

    /// The schedules that select this instance.
    fn selecting(&self, instance: &Instance) -> Vec<&Schedule> {
        self.schedules.iter().filter(|schedule| instance.is_wanted(&schedule.order.select)).collect()
    }

    /// The schedules that select what is known as far as can be told without looking at it: by its id, and the
    /// one whose promise counted before.
    fn as_known(&self, known: &Freshness) -> Vec<&Schedule> {
        let counted = known.promise.map(|promise| promise.schedule_id);
        let selects = |schedule: &&Schedule| {
            let select = &schedule.order.select;
            counted == Some(schedule.id)
                || (!select.needs_tags() && select.wants_named(&known.resource, None))
        };
        self.schedules.iter().filter(selects).collect()
    }
}

/// The instances that this schedule names one by one, and by nothing else.
fn named_by(schedule: &Schedule) -> impl Iterator<Item = &String> {
    let select = &schedule.order.select;
    let ids = select.exact_ids().filter(|_| !select.needs_tags()).into_iter().flatten();
    ids.filter(|id| select.wants_named(id, None))
}
