//! `drawbridge restore`.

use clap::Args;
use serde_json::{Map, Value};

use super::act::put;
use super::confirmation::Confirmation;
use super::follow::{is_running, to_its_end_within};
use super::plan::begin;
use super::show_operation::{exit, view};
use super::watch_connection::Following;
use crate::client::Client;
use crate::exit::Exit;
use crate::failure::Result;
use crate::screen::Screen;
use crate::text::{field, items};

/// Makes a new table of a backup, with what `DynamoDB` does not restore, and compares it; or launches an instance
/// again from its image, or says how that is done with its snapshots.
#[derive(Debug, Args)]
#[command(after_help = "\
What will be made is looked up and shown first. Restoring takes minutes, or hours for large tables: with
--watch it is followed to its end, and the report says what was restored, what was set again (time to
live, tags, stream, point-in-time recovery) and what was compared. Without, it goes on by itself, and
`drawbridge operations show` has the report.

A backup of an instance takes no TARGET_NAME. From an image the instance is launched with the type, the
subnet, the security groups and the key that it had, and without an instance profile. Of a set of snapshots
nothing is made: what is printed are the commands with which its owner makes an instance of it.

Exit codes:
  0  it is restored; without --watch also: it has begun
  1  it was not confirmed, or the API refused or failed, or with --watch it has not ended within --timeout
  2  there is no terminal to ask at, and no --yes
  4  it was not restored, or not all of it

Examples:
  drawbridge restore bkp_… orders-restored --watch --timeout 7200
  drawbridge restore bkp_… --type m7g.xlarge --subnet subnet-0123456789abcdef0
  drawbridge restore bkp_… orders-restored --region eu-west-1 --count-items --reason 'ticket 1234' --yes")]
pub struct Restore {
    /// The backup's id
    #[arg(value_name = "BACKUP_ID", value_parser = super::id)]
    backup_id: String,
    /// The new table's name, which no table has yet; none of an instance
    #[arg(value_name = "TARGET_NAME")]
    target_name: Option<String>,
    /// Where, if not where the backup is
    #[arg(long = "region", id = "in_region", value_name = "REGION")]
    region: Option<String>,
    /// Count the items of the new table, which reads all of it
    #[arg(long)]
    count_items: bool,
    /// Of which type the new instance is, if not of the old one's
    #[arg(long = "type", value_name = "TYPE")]
    instance_type: Option<String>,
    /// In which subnet the new instance is, if not in the old one's
    #[arg(long = "subnet", value_name = "SUBNET_ID")]
    subnet_id: Option<String>,
    /// In which security group the new instance is; may be given several times
    #[arg(long = "security-group", value_name = "GROUP_ID")]
    security_group_ids: Vec<String>,
    /// Why, for the record
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
    #[command(flatten)]
    confirmation: Confirmation,
    #[command(flatten)]
    following: Following,
}

impl Restore {
    /// Does it.
    pub async fn run(self, client: &Client, screen: &Screen) -> Result<Exit> {
        // Where nobody can be asked, nothing is planned either.
        self.confirmation.is_possible(screen)?;
        let mut body = Map::new();
        put(&mut body, "target_name", self.target_name);
        put(&mut body, "region", self.region);
        put(&mut body, "count_items", self.count_items.then_some(true));
        put(&mut body, "instance_type", self.instance_type);
        put(&mut body, "subnet_id", self.subnet_id);
        let groups = Some(self.security_group_ids).filter(|groups| !groups.is_empty());
        put(&mut body, "security_group_ids", groups);
        put(&mut body, "reason", self.reason);
        let path = ["v1", "backups", &self.backup_id, "restore"];
        let plan = client.post(&path, Some(&body.into())).await?;
        if plan.get("steps").is_some() {
            screen.show(&plan, steps)?;
            screen.note("\nnothing was made: run these with the credentials of the instance's owner");
            return Ok(Exit::Done);
        }
        let begun = begin(client, screen, &plan, &self.confirmation).await?;
        let done = if self.following.watch {
            to_its_end_within(client, begun, self.following.patience.timeout()).await?
        } else {
            begun
        };
        screen.show(&done, view)?;
        if is_running(&done) {
            let id = field(&done, "operation_id");
            screen.note(&format!("\nnext: `drawbridge operations show {id}` tells what became of it"));
        }
        Ok(exit(&done))
    }
}

/// What its owner does, as a script.
fn steps(told: &Value) -> String {
    let warnings = items(told, "warnings").iter().map(|one| format!("# Note: {}", field(one, "detail")));
    let steps = items(told, "steps").iter().map(|one| {
        let (title, command) = (field(one, "title"), field(one, "command"));
        format!("# {title}\n{command}")
    });
    warnings.chain(steps).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests;
