//! `drawbridge schedules create`.

use clap::Args;
use serde_json::{Map, Value};

use super::show::view;
use crate::client::Client;
use crate::commands::act::put;
use crate::commands::id;
use crate::commands::terms::Terms;
use crate::exit::Exit;
use crate::failure::Result;
use crate::screen::Screen;
use crate::text::field;

/// Makes a schedule.
#[derive(Debug, Args)]
#[command(after_help = "\
Expressions are EventBridge Scheduler's: rate(6 hours), cron(MINUTE HOUR DAY MONTH WEEKDAY YEAR) or
at(2026-12-31T05:00:00). `drawbridge schedules preview --expression …` tries one first.

Something has to say which tables or instances: --name '*' means all of them, those too that are made
later. What is given of --name, --tag and --table (or --instance) must all hold.

Without a rule that says what is kept, every backup is kept. Rules are about the backups of this schedule
alone; what any of them keeps stays, and so does the newest good backup of each table.

Examples:
  drawbridge schedules create con_… --kind dynamodb-backup --expression 'cron(0 5 * * ? *)' \\
    --timezone Europe/Berlin --name '*' --exclude-name 'tmp-*' --keep-last 3 --keep-daily 14 --keep-monthly 12
  drawbridge schedules create con_… --kind dynamodb-backup --expression 'rate(6 hours)' --tag tier=gold \\
    --region eu-central-1 --max-age-days 30 --window 30
  drawbridge schedules create con_… --kind ec2-stop --expression 'cron(0 18 ? * MON-FRI *)' \\
    --timezone Europe/Berlin --tag hours=office")]
pub struct CreateSchedule {
    /// The connection's id
    #[arg(value_name = "CONNECTION", value_parser = id)]
    connection_id: String,
    /// What is done: dynamodb-backup, ec2-backup, ec2-start, ec2-stop or restore-drill
    #[arg(long)]
    kind: String,
    /// When
    #[arg(long, value_name = "EXPRESSION")]
    expression: String,
    /// Begin up to so many minutes later, so that not all begin at once
    #[arg(long, value_name = "MINUTES")]
    window: Option<u16>,
    #[command(flatten)]
    terms: Terms,
    /// Make it, and do not run it until it is enabled
    #[arg(long)]
    disabled: bool,
}

impl CreateSchedule {
    pub(super) async fn run(self, client: &Client, screen: &Screen) -> Result<Exit> {
        let path = ["v1", "connections", &self.connection_id, "schedules"];
        let schedule = client.post(&path, Some(&self.body())).await?;
        screen.show(&schedule, view)?;
        let id = field(&schedule, "schedule_id");
        screen.note(&format!("\nnext: `drawbridge schedules preview {id}` tells when it is due"));
        Ok(Exit::Done)
    }

    fn body(&self) -> Value {
        let mut body = Map::new();
        put(&mut body, "kind", Some(self.kind.as_str()));
        put(&mut body, "expression", Some(self.expression.as_str()));
        put(&mut body, "flexible_window_minutes", self.window);
        self.terms.put(&mut body);
        put(&mut body, "enabled", self.disabled.then_some(false));
        body.into()
    }
}
