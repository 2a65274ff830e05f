//! Which instances there are.

use std::collections::BTreeMap;

use access::CustomerSession;
use aws_sdk_ec2::types::{Filter, Instance, Reservation};
use domain::policy::{PolicyDocument, Statement};
use domain::selection::Selection;

use crate::backups::{Answer, heard};
use crate::operations::Place;
use crate::operations::ec2::client;

/// The tag that people know an instance by. Source: EC2 User Guide, "Tag your Amazon EC2 resources".
const NAME: &str = "Name";

/// Most instances of a page, between the 5 and the 1,000 that EC2 takes: with their tags they stay far below
/// what an answer or an item may hold. Source: EC2 API Reference, `DescribeInstances`, `MaxResults`.
const PAGE: i32 = 100;

/// Most pages that are looked at together.
const MOST_PAGES: usize = 20;

/// The states of instances that are there to stay.
const LASTING: [&str; 4] = ["pending", "running", "stopping", "stopped"];

/// An instance, as far as it is selected by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    /// Its id.
    pub id: String,
    /// Its tags.
    pub tags: BTreeMap<String, String>,
}

impl Listed {
    /// What its owner calls it, if anything.
    #[must_use]
    pub fn name(&self) -> Option<&str> {
        self.tags.get(NAME).map(String::as_str).filter(|name| !name.is_empty())
    }

    /// Whether this selects it.
    #[must_use]
    pub fn is_wanted(&self, select: &Selection) -> bool {
        select.wants_named(&self.id, self.name()) && select.wants_tags(&self.tags)
    }
}

/// One page of instances.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct InstancePage {
    /// The instances.
    pub instances: Vec<Listed>,
    /// Where the next page begins, if there may be one.
    pub next: Option<String>,
}

/// What a session may do that lists a Region's instances.
#[must_use]
pub fn listing_policy(place: &Place) -> PolicyDocument {
    // DescribeInstances can be limited to no resource.
    let listing = Statement::allow(["ec2:DescribeInstances"], ["*"]);
    PolicyDocument::new(vec![listing.on_condition(
        "StringEquals",
        "aws:RequestedRegion",
        place.region.as_str(),
    )])
}

/// Lists the instances that may be selected, from where `after` says, without those that are gone or going.
pub async fn list_instances(
    session: &CustomerSession,
    place: &Place,
    select: &Selection,
    after: Option<&str>,
) -> Answer<InstancePage> {
    // What is named one by one is few, and all of it is looked at together, so that it is seen what is missing.
    let pages = if select.exact_ids().is_some() { MOST_PAGES } else { 1 };
    list(session, place, narrowing(select), after, pages).await
}

/// Lists one page of all instances, from where `after` says, without those that are gone or going.
pub async fn list_all_instances(
    session: &CustomerSession,
    place: &Place,
    after: Option<&str>,
) -> Answer<InstancePage> {
    list(session, place, vec![lasting()], after, 1).await
}

/// Lists those of these instances that are there, and not going; at most 200, of which EC2 takes the ids as the
/// values of one filter. Source: EC2 User Guide, "List and filter using the CLI and API".
pub async fn list_named_instances(
    session: &CustomerSession,
    place: &Place,
    ids: Vec<String>,
) -> Answer<Vec<Listed>> {
    let filters = vec![lasting(), filter("instance-id".to_owned(), ids)];
    list(session, place, filters, None, MOST_PAGES).await.map(|page| page.instances)
}

async fn list(
    session: &CustomerSession,
    place: &Place,
    filters: Vec<Filter>,
    after: Option<&str>,
    pages: usize,
) -> Answer<InstancePage> {
    let client = client(session, place);
    let mut found = InstancePage { instances: Vec::new(), next: after.map(str::to_owned) };
    for _ in 0..pages {
        let asked = client
            .describe_instances()
            .set_filters(Some(filters.clone()))
            .max_results(PAGE)
            .set_next_token(found.next.take())
            .send();
        match heard(session, asked).await {
            Ok(page) => {
                let instances = page.reservations().iter().flat_map(Reservation::instances);
                found.instances.extend(instances.filter_map(listed));
                found.next = page.next_token().filter(|token| !token.is_empty()).map(str::to_owned);
            }
            Err(unheard) => return unheard.answer("DescribeInstances"),
        }
        if found.next.is_none() {
            break;
        }
    }
    Answer::Done(found)
}

fn filter(name: String, values: Vec<String>) -> Filter {
    Filter::builder().name(name).set_values(Some(values)).build()
}

/// Those that are there to stay.
fn lasting() -> Filter {
    filter("instance-state-name".to_owned(), LASTING.map(str::to_owned).into())
}

/// What EC2 itself can tell apart. A name in brackets of `*` and `?` means something else to it, so that names
/// are not among it.
fn narrowing(select: &Selection) -> Vec<Filter> {
    let ids = select.exact_ids().map(|ids| filter("instance-id".to_owned(), ids.iter().cloned().collect()));
    let tags = select.parts().tags.iter();
    // In a value, too, `*` and `?` are wildcards to EC2: such a tag is looked at here alone.
    let plain =
        tags.filter(|(key, value)| !key.contains(['*', '?', '\\']) && !value.contains(['*', '?', '\\']));
    let tags = plain.map(|(key, value)| filter(format!("tag:{key}"), vec![value.clone()]));
    [lasting()].into_iter().chain(ids).chain(tags).collect()
}

fn listed(instance: &Instance) -> Option<Listed> {
    let tags = instance.tags().iter();
    let tags =
        tags.filter_map(|tag| Some((tag.key()?.to_owned(), tag.value().unwrap_or_default().to_owned())));
    Some(Listed { id: instance.instance_id()?.to_owned(), tags: tags.collect() })
}
