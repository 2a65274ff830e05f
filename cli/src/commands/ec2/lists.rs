//! `drawbridge ec2 list`, `status` and `tags`.

use clap::Args;
use comfy_table::Cell;
use serde_json::{Map, Value, json};

use crate::client::Client;
use crate::commands::act::{List, Place, put};
use crate::exit::Exit;
use crate::failure::Result;
use crate::screen::Screen;
use crate::table::listing;
use crate::text::{NOTHING, field, items, time};

/// A filter of EC2's: `NAME=VALUE,VALUE`.
fn filter(typed: &str) -> std::result::Result<Value, String> {
    let (name, values) =
        typed.split_once('=').ok_or("a filter is written NAME=VALUE,…, such as tag:Name=web")?;
    let values: Vec<_> = values.split(',').collect();
    Ok(json!({"Name": name, "Values": values}))
}

fn filters(given: Vec<Value>) -> Option<Value> {
    (!given.is_empty()).then_some(Value::Array(given))
}

/// Lists instances.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  drawbridge ec2 list con_… --region eu-central-1
  drawbridge ec2 list con_… --region eu-central-1 --filter instance-state-name=running --filter tag:Name=web
  drawbridge ec2 list con_… --region eu-central-1 --output json | jq -r '.Reservations[].Instances[].InstanceId'")]
pub struct ListInstances {
    #[command(flatten)]
    place: Place,
    /// These alone
    #[arg(value_name = "INSTANCE")]
    instance_ids: Vec<String>,
    /// Only those that fit, such as tag:Name=web; may be repeated
    #[arg(long = "filter", value_name = "NAME=VALUE,…", value_parser = filter)]
    filters: Vec<Value>,
}

const INSTANCES: List =
    List { action: "ec2:DescribeInstances", items: "Reservations", next: "NextToken", start: "NextToken" };

impl ListInstances {
    pub(super) async fn run(self, client: &Client, screen: &Screen) -> Result<Exit> {
        let mut input = Map::new();
        put(&mut input, "InstanceIds", (!self.instance_ids.is_empty()).then_some(self.instance_ids));
        put(&mut input, "Filters", filters(self.filters));
        self.place.list(client, screen, &INSTANCES, input, None, instances).await
    }
}

/// The name that people give a thing: its tag.
fn name(of: &Value) -> String {
    let tag = items(of, "Tags").iter().find(|tag| field(tag, "Key") == "Name");
    tag.map_or_else(|| NOTHING.to_owned(), |tag| field(tag, "Value"))
}

fn instances(output: &Value) -> String {
    let all = items(output, "Reservations").iter().flat_map(|reservation| items(reservation, "Instances"));
    let rows = all.map(|instance| {
        let state = instance.get("State").map_or_else(|| NOTHING.to_owned(), |state| field(state, "Name"));
        let zone = instance.get("Placement");
        let zone = zone.map_or_else(|| NOTHING.to_owned(), |placement| field(placement, "AvailabilityZone"));
        vec![
            Cell::new(field(instance, "InstanceId")),
            Cell::new(name(instance)),
            Cell::new(state),
            Cell::new(field(instance, "InstanceType")),
            Cell::new(zone),
            Cell::new(field(instance, "PrivateIpAddress")),
            Cell::new(field(instance, "PublicIpAddress")),
            Cell::new(time(instance, "LaunchTime")),
        ]
    });
    let headings =
        ["instance", "name", "state", "type", "zone", "private address", "public address", "launched"];
    listing(&headings, 3, rows.collect())
}

/// Shows whether instances are reachable.
#[derive(Debug, Args)]
#[command(after_help = "\
AWS tells of running instances alone, unless it is asked for all.

Examples:
  drawbridge ec2 status con_… --region eu-central-1
  drawbridge ec2 status con_… i-0123456789abcdef0 --region eu-central-1 --all")]
pub struct InstanceStatus {
    #[command(flatten)]
    place: Place,
    /// These alone
    #[arg(value_name = "INSTANCE")]
    instance_ids: Vec<String>,
    /// Those that are not running too
    #[arg(long)]
    all: bool,
}

const STATUSES: List = List {
    action: "ec2:DescribeInstanceStatus",
    items: "InstanceStatuses",
    next: "NextToken",
    start: "NextToken",
};

impl InstanceStatus {
    pub(super) async fn run(self, client: &Client, screen: &Screen) -> Result<Exit> {
        let mut input = Map::new();
        put(&mut input, "InstanceIds", (!self.instance_ids.is_empty()).then_some(self.instance_ids));
        put(&mut input, "IncludeAllInstances", self.all.then_some(true));
        self.place.list(client, screen, &STATUSES, input, None, statuses).await
    }
}

fn statuses(output: &Value) -> String {
    let within = |of: &Value, part: &str, name: &str| {
        of.get(part).map_or_else(|| NOTHING.to_owned(), |part| field(part, name))
    };
    let rows = items(output, "InstanceStatuses").iter().map(|status| {
        vec![
            Cell::new(field(status, "InstanceId")),
            Cell::new(within(status, "InstanceState", "Name")),
            Cell::new(within(status, "SystemStatus", "Status")),
            Cell::new(within(status, "InstanceStatus", "Status")),
            Cell::new(field(status, "AvailabilityZone")),
        ]
    });
    listing(&["instance", "state", "system", "instance check", "zone"], 4, rows.collect())
}

/// Lists tags.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  drawbridge ec2 tags con_… --region eu-central-1 --filter resource-id=i-0123456789abcdef0
  drawbridge ec2 tags con_… --region eu-central-1 --filter key=Name --output json")]
pub struct ListTags {
    #[command(flatten)]
    place: Place,
    /// Only those that fit, such as resource-id=i-0123456789abcdef0; may be repeated
    #[arg(long = "filter", value_name = "NAME=VALUE,…", value_parser = filter)]
    filters: Vec<Value>,
}

const TAGS: List = List { action: "ec2:DescribeTags", items: "Tags", next: "NextToken", start: "NextToken" };

impl ListTags {
    pub(super) async fn run(self, client: &Client, screen: &Screen) -> Result<Exit> {
        let mut input = Map::new();
        put(&mut input, "Filters", filters(self.filters));
        self.place.list(client, screen, &TAGS, input, None, tags).await
    }
}

fn tags(output: &Value) -> String {
    let names = ["ResourceId", "ResourceType", "Key", "Value"];
    let rows = items(output, "Tags").iter().map(|tag| names.map(|name| Cell::new(field(tag, name))).to_vec());
    listing(&["resource", "type", "key", "value"], 4, rows.collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instances_are_shown_with_what_people_call_them() {
        let output = json!({"Reservations": [{"Instances": [{
            "InstanceId": "i-1", "State": {"Name": "running"}, "InstanceType": "t3.micro",
            "Placement": {"AvailabilityZone": "eu-west-1a"}, "Tags": [{"Key": "Name", "Value": "web"}],
            "LaunchTime": "2026-11-25T10:00:00Z", "PrivateIpAddress": "10.0.0.5", "PublicIpAddress": null,
        }]}]});
        let shown = instances(&output);
        let row: Vec<_> = shown.lines().nth(1).unwrap().split_whitespace().collect();
        let expected =
            ["i-1", "web", "running", "t3.micro", "eu-west-1a", "10.0.0.5", "-", "2026-11-25", "10:00:00Z"];
        assert_eq!(row, expected);
        assert!(
            statuses(&json!({"InstanceStatuses": [{"InstanceId": "i-1", "SystemStatus": {"Status": "ok"}}]}))
                .contains("ok")
        );
        assert!(tags(&json!({"Tags": [{"ResourceId": "i-1", "Key": "a", "Value": "b"}]})).contains("i-1"));
    }

    #[test]
    fn filters_are_written_as_the_aws_cli_names_them() {
        assert_eq!(filter("tag:Name=web,db").unwrap(), json!({"Name": "tag:Name", "Values": ["web", "db"]}));
        assert!(filter("running").is_err());
    }
}
