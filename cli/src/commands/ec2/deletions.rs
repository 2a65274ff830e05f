//! `drawbridge ec2 terminate`, `deregister-image` and `delete-snapshot`.

use clap::Args;
use serde_json::json;

use crate::client::Client;
use crate::commands::act::{Destruction, Place};
use crate::exit::Exit;
use crate::failure::Result;
use crate::screen::Screen;

/// Terminates instances, once what will be gone is confirmed.
#[derive(Debug, Args)]
#[command(after_help = "\
What goes with the instances and what stays is looked up and shown first. --dry-run asks AWS if it
would, and plans nothing.

Exit codes:
  0  they are terminated
  1  it was not confirmed, or the API refused or failed
  2  there is no terminal to ask at, and no --yes
  4  AWS refused it, wholly or in part

Examples:
  drawbridge ec2 terminate con_… i-0123456789abcdef0 --region eu-central-1 --reason 'ticket 1234'
  drawbridge ec2 terminate con_… i-0123456789abcdef0 --region eu-central-1 --yes --output json | jq .targets")]
pub struct Terminate {
    #[command(flatten)]
    place: Place,
    /// The instances' ids
    #[arg(value_name = "INSTANCE", required = true)]
    instance_ids: Vec<String>,
    #[command(flatten)]
    how: Destruction,
}

impl Terminate {
    pub(super) async fn run(self, client: &Client, screen: &Screen) -> Result<Exit> {
        let input = json!({ "InstanceIds": self.instance_ids });
        self.place.destroy(client, screen, "ec2:TerminateInstances", input, &self.how).await
    }
}

/// Deregisters an image, once what will be gone is confirmed. Its snapshots stay.
#[derive(Debug, Args)]
#[command(after_help = "\
What was launched from the image is looked up and shown first. --dry-run asks AWS if it would, and
plans nothing.

Exit codes:
  0  it is deregistered
  1  it was not confirmed, or the API refused or failed
  2  there is no terminal to ask at, and no --yes
  4  AWS refused it

Example:
  drawbridge ec2 deregister-image con_… ami-0123456789abcdef0 --region eu-central-1 --reason 'ticket 1234'")]
pub struct DeregisterImage {
    #[command(flatten)]
    place: Place,
    /// The image's id
    #[arg(value_name = "IMAGE")]
    image_id: String,
    #[command(flatten)]
    how: Destruction,
}

impl DeregisterImage {
    pub(super) async fn run(self, client: &Client, screen: &Screen) -> Result<Exit> {
        let input = json!({ "ImageId": self.image_id });
        self.place.destroy(client, screen, "ec2:DeregisterImage", input, &self.how).await
    }
}

/// Deletes a snapshot, once what will be gone is confirmed.
#[derive(Debug, Args)]
#[command(after_help = "\
Images that use the snapshot, and others of its volume, are looked up and shown first. --dry-run asks
AWS if it would, and plans nothing.

Exit codes:
  0  it is deleted
  1  it was not confirmed, or the API refused or failed
  2  there is no terminal to ask at, and no --yes
  4  AWS refused it

Example:
  drawbridge ec2 delete-snapshot con_… snap-0123456789abcdef0 --region eu-central-1 --reason 'ticket 1234'")]
pub struct DeleteSnapshot {
    #[command(flatten)]
    place: Place,
    /// The snapshot's id
    #[arg(value_name = "SNAPSHOT")]
    snapshot_id: String,
    #[command(flatten)]
    how: Destruction,
}

impl DeleteSnapshot {
    pub(super) async fn run(self, client: &Client, screen: &Screen) -> Result<Exit> {
        let input = json!({ "SnapshotId": self.snapshot_id });
        self.place.destroy(client, screen, "ec2:DeleteSnapshot", input, &self.how).await
    }
}
