//! Operations of EC2. Source: EC2 API Reference, and Service Authorization Reference for what each
//! action can be limited to.

#![expect(
    clippy::redundant_closure_for_method_calls,
    reason = "the methods' paths would name each of the SDK's hundred types, and say no more"
)]

pub(crate) mod create_image;
pub(crate) mod create_snapshots;
pub(crate) mod create_tags;
pub(crate) mod delete_snapshot;
pub(crate) mod deregister_image;
pub(crate) mod describe_images;
pub(crate) mod describe_instance_status;
pub(crate) mod describe_instance_types;
pub(crate) mod describe_instances;
pub(crate) mod describe_route_tables;
pub(crate) mod describe_security_groups;
pub(crate) mod describe_snapshots;
pub(crate) mod describe_subnets;
pub(crate) mod describe_tags;
pub(crate) mod describe_volume_status;
pub(crate) mod describe_volumes;
pub(crate) mod describe_vpcs;
pub(crate) mod reboot_instances;
pub(crate) mod run_instances;
pub(crate) mod send_ssh_public_key;
pub(crate) mod start_instances;
pub(crate) mod stop_instances;
pub(crate) mod terminate_instances;

mod bisect;
mod block_devices;
mod errors;
mod goal;
mod launch_options;
mod network_interfaces;
mod public_key;
pub(crate) mod tagging;
mod words;

use std::collections::BTreeSet;
use std::ops::RangeInclusive;

use access::CustomerSession;
use aws_sdk_ec2::Client;
use domain::policy::Statement;
use domain::{Error, FieldError};
use serde::Deserialize;
use serde_json::{Value, json};

use super::Place;
pub(crate) use errors::meaning;
pub use goal::Goal;

pub(crate) fn client(session: &CustomerSession, place: &Place) -> Client {
    Client::new(&session.in_region(&place.region))
}

fn invalid(at: impl Into<String>, code: &'static str, detail: impl Into<String>) -> Error {
    Error::invalid(FieldError::new(at, code, detail))
}

/// Most instances of one request: as many as a session policy of 2,048 characters can name one by
/// one, in whatever partition and Region. Source: IAM User Guide, "IAM and AWS STS quotas".
pub(crate) const MOST_INSTANCES: usize = 20;

/// Refuses lists of instances that are empty, too long, or hold what is no id, or one of them twice.
pub(crate) fn check_instances(ids: &[String]) -> Result<(), Error> {
    if ids.is_empty() || ids.len() > MOST_INSTANCES {
        let detail = format!("name 1 to {MOST_INSTANCES} instances");
        return Err(invalid("/InstanceIds", "invalid_instance_ids", detail));
    }
    if let Some(wrong) = ids.iter().position(|id| !is_id(id, "i-")) {
        return Err(invalid(format!("/InstanceIds/{wrong}"), "invalid_instance_id", form("i-")));
    }
    check_once("/InstanceIds", "invalid_instance_ids", ids)
}

/// Refuses lists that name something twice: each is told once what became of it.
fn check_once(at: &str, code: &'static str, ids: &[String]) -> Result<(), Error> {
    let mut seen = BTreeSet::new();
    match ids.iter().position(|id| !seen.insert(id)) {
        None => Ok(()),
        Some(twice) => Err(invalid(format!("{at}/{twice}"), code, "it is named twice")),
    }
}

/// Whether this is an id of EC2's with this prefix. What is not never reaches a policy.
pub(crate) fn is_id(id: &str, prefix: &str) -> bool {
    id.strip_prefix(prefix).is_some_and(|rest| {
        matches!(rest.len(), 8 | 17) && rest.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
    })
}

/// Refuses what is no id of this kind.
fn check_id(at: &str, prefix: &str, id: &str) -> Result<(), Error> {
    if is_id(id, prefix) { Ok(()) } else { Err(invalid(at, "invalid_id", form(prefix))) }
}

fn form(prefix: &str) -> String {
    format!("such an id is {prefix} and 8 or 17 hexadecimal digits, in lower case")
}

/// Most ids that a list names one by one: a page of EC2's largest. Source: EC2 API Reference,
/// `DescribeInstances`, `MaxResults`.
const MOST_NAMED: usize = 1000;

/// Refuses ids of what is to be listed that are none, or too many. An empty list is refused as well:
/// to EC2 it would mean everything.
pub(crate) fn check_named(at: &'static str, prefix: &str, ids: Option<&[String]>) -> Result<(), Error> {
    let Some(ids) = ids else { return Ok(()) };
    if ids.is_empty() || ids.len() > MOST_NAMED {
        let detail = format!("name 1 to {MOST_NAMED}, or leave it out to list all");
        return Err(invalid(at, "invalid_ids", detail));
    }
    match ids.iter().position(|id| !is_id(id, prefix)) {
        None => Ok(()),
        Some(wrong) => Err(invalid(format!("{at}/{wrong}"), "invalid_id", form(prefix))),
    }
}

/// Most owners that a list is limited to; EC2 documents no bound, and nobody names as many.
const MOST_OWNERS: usize = 100;

/// Refuses owners that are neither accounts nor among `aliases`.
fn check_owners(at: &'static str, aliases: &[&str], owners: Option<&[String]>) -> Result<(), Error> {
    let Some(owners) = owners else { return Ok(()) };
    if owners.is_empty() || owners.len() > MOST_OWNERS {
        let detail = format!("name 1 to {MOST_OWNERS} owners, or leave it out");
        return Err(invalid(at, "invalid_owners", detail));
    }
    let is_account = |owner: &str| owner.len() == 12 && owner.bytes().all(|byte| byte.is_ascii_digit());
    match owners.iter().position(|owner| !is_account(owner) && !aliases.contains(&owner.as_str())) {
        None => Ok(()),
        Some(wrong) => {
            let detail = format!("an owner is an account of 12 digits, or one of {}", aliases.join(", "));
            Err(invalid(format!("{at}/{wrong}"), "invalid_owner", detail))
        }
    }
}

/// Whose a list is limited to: the account's own, if nothing else narrows it.
fn owners(owners: Option<&[String]>, narrowed: bool) -> Option<Vec<String>> {
    match owners {
        Some(owners) => Some(owners.to_vec()),
        None if narrowed => None,
        None => Some(vec!["self".to_owned()]),
    }
}

/// One filter of a list.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Filter {
    /// The filter's name, such as `tag:Name`.
    name: String,
    /// Values, one of which must fit.
    values: Vec<String>,
}

/// Most filters of a request, most values of a filter, and most characters of a name or value.
/// Source: EC2 User Guide, "List and filter using the CLI and API".
const MOST_FILTERS: usize = 50;
const MOST_VALUES: usize = 200;
const LONGEST_FILTER: usize = 255;

/// Refuses filters that EC2 refuses.
pub(crate) fn check_filters(filters: Option<&[Filter]>) -> Result<(), Error> {
    let filters = filters.unwrap_or_default();
    let too_long = |text: &str| text.chars().count() > LONGEST_FILTER;
    if filters.len() > MOST_FILTERS {
        return Err(invalid("/Filters", "invalid_filters", format!("at most {MOST_FILTERS} filters")));
    }
    for (place, filter) in filters.iter().enumerate() {
        let at = |rest: &str| format!("/Filters/{place}/{rest}");
        if filter.name.is_empty() || too_long(&filter.name) {
            let detail = format!("a filter's name is 1 to {LONGEST_FILTER} characters");
            return Err(invalid(at("Name"), "invalid_filter", detail));
        }
        if filter.values.is_empty() || filter.values.len() > MOST_VALUES {
            let detail = format!("a filter has 1 to {MOST_VALUES} values");
            return Err(invalid(at("Values"), "invalid_filter", detail));
        }
        if let Some(wrong) = filter.values.iter().position(|value| too_long(value)) {
            let detail = format!("a filter's value is at most {LONGEST_FILTER} characters");
            return Err(invalid(at(&format!("Values/{wrong}")), "invalid_filter", detail));
        }
    }
    Ok(())
}

/// Filters as the SDK takes them.
pub(crate) fn filters(filters: Option<&[Filter]>) -> Option<Vec<aws_sdk_ec2::types::Filter>> {
    let one = |filter: &Filter| {
        let values = Some(filter.values.clone());
        aws_sdk_ec2::types::Filter::builder().name(&filter.name).set_values(values).build()
    };
    filters.map(|filters| filters.iter().map(one).collect())
}

/// Refuses sizes of pages that EC2 refuses, and pages of what is named one by one.
pub(crate) fn check_page(
    size: Option<i32>,
    sizes: RangeInclusive<i32>,
    token: Option<&str>,
    named: bool,
) -> Result<(), Error> {
    match (size, token) {
        (Some(_), _) if named => {
            let detail = "what is named one by one comes in no pages; leave MaxResults out";
            Err(invalid("/MaxResults", "invalid_max_results", detail))
        }
        (_, Some(_)) if named => {
            let detail = "what is named one by one comes in no pages; leave NextToken out";
            Err(invalid("/NextToken", "invalid_next_token", detail))
        }
        (Some(size), _) if !sizes.contains(&size) => {
            let detail = format!("MaxResults is {} to {}", sizes.start(), sizes.end());
            Err(invalid("/MaxResults", "invalid_max_results", detail))
        }
        (_, Some("")) => {
            let detail = "NextToken is what the page before ended with; leave it out for the first";
            Err(invalid("/NextToken", "invalid_next_token", detail))
        }
        _ => Ok(()),
    }
}

/// Items of a page unless the caller says: enough for most, and far below what an answer may hold.
const PAGE: i32 = 100;

/// The size of a page; none for what is named one by one.
pub(crate) fn page_size(size: Option<i32>, named: bool) -> Option<i32> {
    size.or((!named).then_some(PAGE))
}

/// EC2 limits these actions to no resource. Source: Service Authorization Reference, Amazon EC2.
pub(crate) fn everywhere(action: &'static str) -> Vec<Statement> {
    vec![Statement::allow([action], ["*"])]
}

/// Sends the request for a list, and writes what came. The target is the action itself.
macro_rules! list {
    ($request:expr, $dry_run:expr, |$page:ident| $output:expr) => {{
        let whole = || [Self::ACTION.to_owned()];
        match $request.dry_run($dry_run).send().await {
            Ok($page) => $crate::operations::Outcome::done(whole(), $output, &$page),
            Err(error) => $crate::operations::not_done($dry_run, whole(), &error),
        }
    }};
}
use list;

/// Each item, written by `one`.
fn each<T>(items: &[T], one: impl Fn(&T) -> Value) -> Value {
    items.iter().map(one).collect()
}

/// Tags as AWS writes them.
pub(crate) fn tags(tags: &[aws_sdk_ec2::types::Tag]) -> Value {
    each(tags, |tag| json!({"Key": tag.key(), "Value": tag.value()}))
}

#[cfg(test)]
mod tests;
