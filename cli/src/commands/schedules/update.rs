//! `drawbridge schedules update`.

use clap::{ArgGroup, Args};
use serde_json::{Map, Value, json};

use super::show::view;
use crate::client::Client;
use crate::commands::act::put;
use crate::commands::change::{change, changes};
use crate::commands::id;
use crate::commands::terms::{BackedUp, Kept, Selected};
use crate::exit::Exit;
use crate::failure::Result;
use crate::screen::Screen;

/// Changes when a schedule runs, for which tables, and what it keeps.
#[derive(Debug, Args)]
#[command(group(
    ArgGroup::new("change")
        .args([
            "expression", "timezone", "window", "no_window", "regions", "all_regions", "names", "exclude_names",
            "tags", "ids", "keep_last", "keep_daily", "keep_weekly", "keep_monthly", "max_age_days", "keep_all",
            "method", "exclude_boot_volume", "exclude_data_volumes", "enable", "disable",
        ])
        .required(true)
        .multiple(true)
))]
#[command(after_help = "\
What is not given stays. What says which tables is replaced as a whole: repeat every --name,
--exclude-name, --tag and --table that is to hold. So is what says what is kept, and how instances
are backed up. What a schedule does cannot be changed. Runs that have begun go on as they were asked for.

Examples:
  drawbridge schedules update sch_… --expression 'cron(0 4 * * ? *)' --timezone Europe/Berlin
  drawbridge schedules update sch_… --keep-last 7 --keep-monthly 12
  drawbridge schedules update sch_… --disable")]
#[expect(clippy::struct_excessive_bools, reason = "each is an option of its own on the command line")]
pub struct UpdateSchedule {
    /// The schedule's id
    #[arg(value_name = "ID", value_parser = id)]
    schedule_id: String,
    /// When
    #[arg(long, value_name = "EXPRESSION")]
    expression: Option<String>,
    /// Whose clocks are meant, and whose days are counted
    #[arg(long, value_name = "ZONE")]
    timezone: Option<String>,
    /// Begin up to so many minutes later
    #[arg(long, value_name = "MINUTES", conflicts_with = "no_window")]
    window: Option<u16>,
    /// Begin on time
    #[arg(long)]
    no_window: bool,
    /// A Region to work in; may be given several times
    #[arg(long = "region", id = "regions", value_name = "REGION", conflicts_with = "all_regions")]
    regions: Vec<String>,
    /// Work in all of the connection's Regions
    #[arg(long)]
    all_regions: bool,
    #[command(flatten)]
    selected: Selected,
    #[command(flatten)]
    kept: Kept,
    /// Keep every backup from now on
    #[arg(long, conflicts_with_all = ["keep_last", "keep_daily", "keep_weekly", "keep_monthly", "max_age_days"])]
    keep_all: bool,
    #[command(flatten)]
    backed_up: BackedUp,
    /// Run it from now on
    #[arg(long, conflicts_with = "disable")]
    enable: bool,
    /// Do not run it until it is enabled again
    #[arg(long)]
    disable: bool,
}

/// What can be changed.
const FIELDS: [&str; 8] = [
    "expression",
    "timezone",
    "flexible_window_minutes",
    "regions",
    "select",
    "retention",
    "ec2_backup",
    "enabled",
];

impl UpdateSchedule {
    pub(super) async fn run(self, client: &Client, screen: &Screen) -> Result<Exit> {
        let path = ["v1", "schedules", &self.schedule_id];
        let before = client.get(&path, &[]).await?;
        let Some(after) = change(client, screen, &path, &before, &self.body()).await? else {
            screen.note("nothing to change: the schedule is like that already\n");
            screen.show(&before, view)?;
            return Ok(Exit::Done);
        };
        let changes = changes(&FIELDS, &before, &after);
        screen.show(&after, |it| format!("{changes}\n\n{}", view(it)))?;
        Ok(Exit::Done)
    }

    fn body(&self) -> Map<String, Value> {
        let mut body = Map::new();
        let null = |is_so: bool| is_so.then_some(Value::Null);
        put(&mut body, "expression", self.expression.as_deref());
        put(&mut body, "timezone", self.timezone.as_deref());
        let window = self.window.map(Value::from);
        put(&mut body, "flexible_window_minutes", window.or_else(|| null(self.no_window)));
        let regions = (!self.regions.is_empty()).then(|| json!(self.regions));
        put(&mut body, "regions", regions.or_else(|| null(self.all_regions)));
        put(&mut body, "select", Some(self.selected.select()).filter(|select| !select.is_empty()));
        let rules = Some(self.kept.retention()).filter(|rules| !rules.is_empty());
        put(&mut body, "retention", rules.map(Value::Object).or_else(|| null(self.keep_all)));
        let backed_up = Some(self.backed_up.ec2_backup()).filter(|given| !given.is_empty());
        put(&mut body, "ec2_backup", backed_up);
        put(&mut body, "enabled", (self.enable || self.disable).then_some(self.enable));
        body
    }
}
