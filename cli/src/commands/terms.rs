//! Which of a customer's resources are meant, and what is kept of their backups, as it is typed.

use clap::Args;
use serde_json::{Map, Value, json};

use super::act::{put, tag};

/// Which resources.
#[derive(Debug, Default, Args)]
pub struct Selected {
    /// Tables whose name, or instances whose id or tag Name, matches this pattern of * and ?, one of several if
    /// given several times
    #[arg(long = "name", value_name = "GLOB")]
    names: Vec<String>,
    /// Leave out those whose name matches this pattern; may be given several times
    #[arg(long = "exclude-name", value_name = "GLOB")]
    exclude_names: Vec<String>,
    /// Those with this tag; with all of them, if given several times
    #[arg(long = "tag", value_name = "KEY=VALUE", value_parser = tag)]
    tags: Vec<(String, String)>,
    /// The table of exactly this name, or the instance with this id; may be given several times
    #[arg(long = "table", visible_alias = "instance", value_name = "TABLE")]
    ids: Vec<String>,
}

impl Selected {
    /// The API's form of it: empty if nothing was typed.
    pub(super) fn select(&self) -> Map<String, Value> {
        let mut select = Map::new();
        let lists = [("names", &self.names), ("exclude_names", &self.exclude_names), ("ids", &self.ids)];
        for (name, given) in lists.into_iter().filter(|(_, given)| !given.is_empty()) {
            select.insert(name.to_owned(), json!(given));
        }
        if !self.tags.is_empty() {
            let tags: Map<_, _> = self.tags.iter().map(|(key, value)| (key.clone(), json!(value))).collect();
            select.insert("tags".to_owned(), tags.into());
        }
        select
    }
}

/// What is kept.
#[derive(Debug, Default, Args)]
pub struct Kept {
    /// Keep the newest N backups of each table
    #[arg(long, value_name = "N")]
    keep_last: Option<u32>,
    /// Keep the newest of each of the last N days that have one
    #[arg(long, value_name = "N")]
    keep_daily: Option<u32>,
    /// Keep the newest of each of the last N weeks that have one
    #[arg(long, value_name = "N")]
    keep_weekly: Option<u32>,
    /// Keep the newest of each of the last N months that have one
    #[arg(long, value_name = "N")]
    keep_monthly: Option<u32>,
    /// Keep all that are younger than N days
    #[arg(long, value_name = "N")]
    max_age_days: Option<u32>,
}

impl Kept {
    /// The API's form of it: empty if nothing was typed.
    pub(super) fn retention(&self) -> Map<String, Value> {
        let rules = [
            ("keep_last", self.keep_last),
            ("keep_daily", self.keep_daily),
            ("keep_weekly", self.keep_weekly),
            ("keep_monthly", self.keep_monthly),
            ("max_age_days", self.max_age_days),
        ];
        rules.into_iter().filter_map(|(name, value)| Some((name.to_owned(), json!(value?)))).collect()
    }
}

/// How instances are backed up.
#[derive(Debug, Default, Args)]
pub struct BackedUp {
    /// What a backup of an instance consists of: snapshots or image; snapshots unless given
    #[arg(long, value_name = "METHOD")]
    method: Option<String>,
    /// Leave out the volume that an instance boots from
    #[arg(long)]
    exclude_boot_volume: bool,
    /// Leave out all other volumes of an instance
    #[arg(long)]
    exclude_data_volumes: bool,
}

impl BackedUp {
    /// The API's form of it: empty if nothing was typed.
    pub(super) fn ec2_backup(&self) -> Map<String, Value> {
        let mut given = Map::new();
        put(&mut given, "method", self.method.as_deref());
        put(&mut given, "exclude_boot_volume", self.exclude_boot_volume.then_some(true));
        put(&mut given, "exclude_data_volumes", self.exclude_data_volumes.then_some(true));
        given
    }
}

/// What schedules and runs are both asked: where, which resources, what is kept, and whose days those are.
#[derive(Debug, Args)]
pub struct Terms {
    /// A Region to work in; may be given several times. In all of the connection's unless given
    #[arg(long = "region", id = "regions", value_name = "REGION")]
    regions: Vec<String>,
    #[command(flatten)]
    selected: Selected,
    #[command(flatten)]
    kept: Kept,
    /// Whose clocks are meant, and whose days are counted; UTC unless given
    #[arg(long, value_name = "ZONE")]
    timezone: Option<String>,
    #[command(flatten)]
    backed_up: BackedUp,
}

impl Terms {
    /// Puts the API's form of it into a request.
    pub(super) fn put(&self, body: &mut Map<String, Value>) {
        put(body, "regions", (!self.regions.is_empty()).then(|| json!(self.regions)));
        put(body, "select", Some(self.selected.select()));
        put(body, "retention", Some(self.kept.retention()).filter(|rules| !rules.is_empty()));
        put(body, "timezone", self.timezone.as_deref());
        put(body, "ec2_backup", Some(self.backed_up.ec2_backup()).filter(|given| !given.is_empty()));
    }
}
